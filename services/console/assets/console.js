// What pages cannot do by themselves: copying, parts that follow what happens, previews while one types, questions
// before something is done. Everything else works without this file.

const announce = (element, words) => {
  const before = element.textContent;
  element.textContent = words;
  setTimeout(() => { element.textContent = before; }, 1500);
};

const copy = async (button) => {
  const field = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Without HTTPS browsers lend no clipboard, but still know the old way.
    field.select();
    document.execCommand("copy");
  }
  announce(button, "Copied");
};

const insert = (button) => {
  const field = document.getElementById(button.dataset.into);
  const begun = field.value.trimEnd();
  field.value = (begun ? begun + "\n" : "") + button.dataset.insert;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.copy) copy(button);
  if (button?.dataset.insert) insert(button);
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !confirm(question)) {
    event.preventDefault();
    return;
  }
  // A second click would be carried out once all the same; this shows that the first one was heard.
  setTimeout(() => event.submitter?.setAttribute("aria-disabled", "true"), 0);
});

// Times as people say them; the exact one stays in the title.
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const say = (seconds) => {
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
  }
  return "now";
};
const showTimes = (root) => {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = at.toLocaleString();
    time.textContent = say((at.getTime() - Date.now()) / 1000);
  }
};

// Parts that follow what happens.
const follow = (part) => {
  const source = new EventSource(part.dataset.live);
  const show = (event) => {
    const open = [...part.querySelectorAll("details[open][id]")].map((details) => details.id);
    part.innerHTML = JSON.parse(event.data);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    showTimes(part);
  };
  source.addEventListener("part", show);
  source.addEventListener("end", (event) => {
    source.close();
    show(event);
    if (part.dataset.then === "reload") location.reload();
  });
  addEventListener("pagehide", () => source.close());
};

// What a form would come to, shown while one types.
const preview = (part) => {
  const form = document.getElementById(part.dataset.form);
  let waiting;
  let running;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    try {
      const answer = await fetch(part.dataset.preview, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        signal: running.signal,
      });
      // Whoever was signed out meanwhile is asked to sign in by a whole page.
      if (answer.redirected) location.reload();
      part.innerHTML = await answer.text();
      showTimes(part);
    } catch (error) {
      if (error.name !== "AbortError") part.textContent = "The preview could not be loaded; it is tried again when you type.";
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 350);
  });
  ask();
};

// Rows of a long table that hold what one looks for.
const filter = (field) => {
  const rows = [...document.querySelectorAll(`#${field.dataset.filters} tbody tr`)];
  const count = document.getElementById(`${field.dataset.filters}-count`);
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      if (!row.hidden) shown += 1;
    }
    if (count) count.textContent = `${shown} of ${rows.length} shown`;
  });
};

// Fields that only some choices need.
const depend = (form) => {
  const update = () => {
    for (const part of form.querySelectorAll("[data-when]")) {
      const [name, ...values] = part.dataset.when.split(/[=,]/);
      part.hidden = !values.includes(form.elements[name]?.value);
      for (const field of part.querySelectorAll("input, select, textarea")) field.disabled = part.hidden;
    }
  };
  form.addEventListener("input", update);
  update();
};

// On a phone the menu is folded.
if (matchMedia("(max-width: 50rem)").matches) document.querySelector("details.menu")?.removeAttribute("open");
showTimes(document);
setInterval(() => showTimes(document), 30_000);
document.querySelectorAll("[data-live]").forEach(follow);
document.querySelectorAll("[data-preview]").forEach(preview);
document.querySelectorAll("[data-filters]").forEach(filter);
document.querySelectorAll("form").forEach((form) => { if (form.querySelector("[data-when]")) depend(form); });
