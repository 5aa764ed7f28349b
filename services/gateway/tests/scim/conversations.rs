//! What identity providers send, replayed: `tests/conversations/` holds one conversation a provider, as data.
//!
//! A step sends a request and says what must come back: the status, a part of the body, headers, and which
//! repairs the timeline of the user or group then tells, no more and no fewer. `answer` is a part of the body: lists are
//! compared in any order and in full, `null` means absent, `"*"` anything. `keep` gives names to values of
//! the answer, and `{name}` stands for them in later steps. A step with `each` is sent once for each word.

use std::collections::BTreeMap;

use axum::body::Body;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{Answer, Edge, Idp, on_both, request, send};

/// One test a file, on each database.
macro_rules! conversations {
    ($($name:ident),+ $(,)?) => {
        $(
            async fn $name(edge: Edge) {
                let text = include_str!(concat!("../../../../tests/conversations/", stringify!($name), ".json"));
                replay(&edge, text).await;
            }
        )+
        on_both!($($name),+);
    };
}

conversations!(
    authentik,
    entra,
    google,
    jumpcloud,
    keycloak,
    okta,
    onelogin,
    oracle,
    pingfederate,
    pingone,
    sailpoint,
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    provider: String,
    /// Where its habits can be read, and what of them is not verified.
    source: String,
    /// How the provider joins our host and base URI; `{base}` is the latter.
    #[serde(default = "plain_base")]
    base: String,
    /// Sent with every request; `null` leaves one out.
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    steps: Vec<Step>,
}

fn plain_base() -> String {
    "{base}".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// What the provider is doing.
    says: String,
    #[serde(default)]
    each: Vec<String>,
    /// Method and path below the base URL, not encoded.
    send: String,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    body: Option<Value>,
    status: u16,
    answer: Option<Value>,
    #[serde(default)]
    answer_headers: BTreeMap<String, String>,
    /// Names for values of the answer, by JSON pointer.
    #[serde(default)]
    keep: BTreeMap<String, String>,
    /// What the timeline says was repaired: parts of its sentences.
    #[serde(default)]
    repaired: Vec<String>,
}

/// What has been kept, by name.
type Kept = BTreeMap<String, String>;

async fn replay(edge: &Edge, text: &str) {
    let conversation: Conversation = serde_json::from_str(text).unwrap();
    assert!(!conversation.source.is_empty());
    let idp = edge.idp("acme").await;
    let mut kept = Kept::new();
    for (index, step) in conversation.steps.iter().enumerate() {
        let words = if step.each.is_empty() { vec![String::new()] } else { step.each.clone() };
        for word in words {
            kept.insert("each".into(), word);
            let id = format!("step-{}-{}", index + 1, kept["each"]);
            let answer = say(&conversation, step, &idp, &id, &kept).await;
            let told = repairs(edge, &idp, step, &answer, &id, &kept).await;
            let problem = problem(step, &answer, told.as_deref(), &kept).unwrap_or_default();
            let (provider, number) = (&conversation.provider, index + 1);
            assert!(
                problem.is_empty(),
                "{provider}, step {number} ({}): {}\n{problem}\nanswered: {} {}",
                step.says,
                step.send,
                answer.status,
                answer.text
            );
            for (name, pointer) in &step.keep {
                let value = answer.body.pointer(pointer).and_then(Value::as_str);
                assert!(value.is_some(), "{provider}, step {number}: no {pointer} in {}", answer.text);
                let value = value.unwrap();
                let name = filled(name, &kept);
                kept.insert(name, value.to_owned());
            }
        }
    }
}

/// Sends a step as the provider does.
async fn say(conversation: &Conversation, step: &Step, idp: &Idp, id: &str, kept: &Kept) -> Answer {
    let (method, path) = step.send.split_once(' ').unwrap();
    let base = conversation.base.replace("{base}", &idp.base());
    // Only the encoding is taken from the URL: its path may begin with two slashes.
    let url = format!("http://gateway{base}{}", filled(path, kept)).parse::<url::Url>().unwrap();
    let path = url.as_str().strip_prefix("http://gateway").unwrap();
    let body = step.body.as_ref().map_or_else(Body::empty, |body| filled_in(body, kept).to_string().into());
    let mut request = request(method, path, Some(&idp.token), body);
    let headers = request.headers_mut();
    for (name, value) in conversation.headers.iter().chain(&step.headers) {
        let name = http::HeaderName::try_from(name).unwrap();
        match value {
            Some(value) => headers.insert(name, filled(value, kept).parse().unwrap()),
            None => headers.remove(name),
        };
    }
    headers.insert("x-request-id", id.parse().unwrap());
    send(&idp.router, request).await
}

/// What the timeline says was repaired in a request that wrote something.
async fn repairs(
    edge: &Edge,
    idp: &Idp,
    step: &Step,
    answer: &Answer,
    id: &str,
    kept: &Kept,
) -> Option<Vec<String>> {
    if step.send.starts_with("GET") || !answer.status.is_success() {
        return None;
    }
    let in_path = filled(step.send.rsplit('/').next().unwrap_or_default(), kept);
    let object = answer.body["id"].as_str().unwrap_or(&in_path).parse().ok()?;
    let entries = edge.store.tenant(idp.tenant).timeline().list(object, None, 100).await.unwrap();
    let entry = entries.iter().find(|entry| entry.request_id.as_deref() == Some(id));
    let repaired = entry.and_then(|entry| entry.detail.as_ref()?["repaired"].as_array());
    let sentences = repaired.into_iter().flatten().filter_map(Value::as_str);
    Some(sentences.map(str::to_owned).collect())
}

/// What is not as the step says it must be.
fn problem(step: &Step, answer: &Answer, told: Option<&[String]>, kept: &Kept) -> Option<String> {
    if answer.status.as_u16() != step.status {
        return Some(format!("the status must be {}", step.status));
    }
    for (name, value) in &step.answer_headers {
        let value = filled(value, kept);
        if !(answer.header(name) == value || value == "*" && answer.headers.contains_key(name)) {
            return Some(format!("{name} must be {value}, not {:?}", answer.header(name)));
        }
    }
    if let Some(expected) = &step.answer
        && let Some(difference) = difference(&filled_in(expected, kept), &answer.body, "")
    {
        return Some(difference);
    }
    let mut told = told.unwrap_or_default().to_vec();
    for sentence in &step.repaired {
        let sentence = filled(sentence, kept);
        match told.iter().position(|said| said.contains(&sentence)) {
            Some(place) => drop(told.remove(place)),
            None => return Some(format!("the timeline must say {sentence:?}; it says {told:?}")),
        }
    }
    (!told.is_empty()).then(|| format!("the timeline also says {told:?}"))
}

/// The first difference, with its place.
fn difference(expected: &Value, found: &Value, place: &str) -> Option<String> {
    let differs = || Some(format!("{place} must be {expected}, not {found}"));
    match (expected, found) {
        (Value::String(any), found) if any == "*" => found.is_null().then(differs).flatten(),
        (Value::Object(members), Value::Object(_)) => members
            .iter()
            .find_map(|(name, value)| difference(value, &found[name], &format!("{place}/{name}"))),
        (Value::Array(wanted), Value::Array(present)) => {
            if wanted.len() != present.len() {
                return differs();
            }
            let mut left: Vec<&Value> = present.iter().collect();
            for element in wanted {
                let same = left.iter().position(|found| difference(element, found, "").is_none());
                let Some(same) = same else { return differs() };
                left.remove(same);
            }
            None
        }
        (expected, found) => (expected != found).then(differs).flatten(),
    }
}

/// The text with what was kept in the place of names.
fn filled(text: &str, kept: &Kept) -> String {
    kept.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

fn filled_in(value: &Value, kept: &Kept) -> Value {
    match value {
        Value::String(text) => Value::String(filled(text, kept)),
        Value::Array(elements) => elements.iter().map(|element| filled_in(element, kept)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (filled(name, kept), filled_in(value, kept))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn a_step_that_goes_another_way_is_told_with_its_place() {
    let step: Step = serde_json::from_value(json!({
        "says": "Look-up",
        "send": "PATCH /Users/{ann}",
        "status": 200,
        "answer": {"id": "{ann}", "title": null, "emails": [{"type": "work"}, {"type": "home", "value": "*"}]},
        "answer_headers": {"etag": "*"},
        "repaired": ["read as false"],
    }))
    .unwrap();
    let kept = Kept::from([("ann".to_owned(), "17".to_owned())]);
    let right =
        json!({"id": "17", "emails": [{"type": "home", "value": "a"}, {"type": "work"}], "active": true});
    let told = ["active: the text \"False\" read as false".to_owned()];
    let check = |status: u16, etag: bool, body: &Value, told: &[String]| {
        let mut headers = http::HeaderMap::new();
        if etag {
            headers.insert("etag", "W/\"1\"".parse().unwrap());
        }
        let status = status.try_into().unwrap();
        let answer = Answer { status, headers, text: body.to_string(), body: body.clone() };
        problem(&step, &answer, Some(told), &kept)
    };
    assert_eq!(check(200, true, &right, &told), None);
    assert_eq!(check(204, true, &right, &told).unwrap(), "the status must be 200");
    assert_eq!(check(200, false, &right, &told).unwrap(), "etag must be *, not \"\"");
    let with = |name: &str, value: Value| {
        let mut body = right.clone();
        body[name] = value;
        check(200, true, &body, &told).unwrap()
    };
    assert_eq!(with("id", json!("18")), "/id must be \"17\", not \"18\"");
    assert_eq!(with("title", json!("Chief")), "/title must be null, not \"Chief\"");
    for emails in [json!([{"type": "work"}]), json!([{"type": "work"}, {"type": "home"}]), json!(null)] {
        assert!(with("emails", emails.clone()).starts_with("/emails must be"), "{emails}");
    }
    let silent = check(200, true, &right, &[]).unwrap();
    assert_eq!(silent, "the timeline must say \"read as false\"; it says []");
    let talkative = [told[0].clone(), "and more".to_owned()];
    assert_eq!(check(200, true, &right, &talkative).unwrap(), "the timeline also says [\"and more\"]");
}
