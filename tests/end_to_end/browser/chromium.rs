//! Chromium, driven by `WebDriver`, and what people do with it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;
use crate::program::free_address;

/// How long a page may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the reader has set: which colours, how wide a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    dark: bool,
    width: u32,
}

pub(crate) const LIGHT: Reader = Reader { name: "light", dark: false, width: 1280 };
pub(crate) const DARK: Reader = Reader { name: "dark", dark: true, width: 1280 };
pub(crate) const PHONE: Reader = Reader { name: "phone", dark: false, width: 390 };

/// A browser with a profile of its own.
pub(crate) struct Browser {
    client: Client,
    reader: Reader,
    /// What every address begins with.
    base: String,
    axe: String,
    shots: Option<PathBuf>,
    /// Whether pages are looked at.
    pub(crate) looks: bool,
    /// What axe found, by page.
    pub(crate) found: Vec<String>,
    // Dropped in this order: the profile goes when nobody writes to it any more.
    _driver: Driver,
    _profile: TempDir,
}

/// `ChromeDriver`. Killed, it would leave its browsers behind, which is what happens when a test fails.
struct Driver {
    address: SocketAddr,
    _process: Process,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It answers when its browsers have ended. Whatever goes wrong, the process is killed.
        if let Ok(mut stream) = TcpStream::connect(self.address) {
            let _ = stream.set_read_timeout(Some(PATIENCE));
            let _ = write!(stream, "GET /shutdown HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
            let _ = stream.read(&mut [0; 512]);
        }
    }
}

impl Browser {
    pub(crate) async fn open(base: &str, reader: Reader) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let address = free_address();
        let mut driver = Command::new("chromedriver");
        driver.arg(format!("--port={}", address.port())).stdout(Stdio::null()).stderr(Stdio::null());
        let driver = Driver { address, _process: Process::start(&mut driver) };
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".into(),
            "--disable-gpu".into(),
            "--disable-dev-shm-usage".into(),
            "--disable-quic".into(),
            "--no-first-run".into(),
            "--disable-background-networking".into(),
            "--disable-component-update".into(),
            "--disable-sync".into(),
            "--hide-scrollbars".into(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        // 0 is dark to Blink, 1 light.
        arguments.push(format!("--blink-settings=preferredColorScheme={}", u8::from(!reader.dark)));
        let Value::Object(capabilities) =
            json!({"goog:chromeOptions": {"args": arguments, "binary": "/usr/bin/chromium"}})
        else {
            unreachable!()
        };
        let began = Instant::now();
        let client = loop {
            let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
            builder.capabilities(capabilities.clone());
            match builder.connect(&format!("http://{address}")).await {
                Ok(client) => break client,
                Err(error) => assert!(began.elapsed() < PATIENCE, "Chromium does not start: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        client.set_window_size(reader.width, 900).await.unwrap();
        let shots = std::env::var_os("ROLLCALL_SCREENSHOTS").map(PathBuf::from);
        Self {
            client,
            reader,
            base: base.to_owned(),
            axe: axe(),
            shots,
            looks: true,
            found: Vec::new(),
            _driver: driver,
            _profile: profile,
        }
    }

    pub(crate) async fn go(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    /// The address without what every address begins with.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap().to_string();
        url.strip_prefix(&self.base).map_or_else(|| url.clone(), str::to_owned)
    }

    pub(crate) async fn find(&self, css: &str) -> Element {
        let wait = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        match wait {
            Ok(element) => element,
            Err(error) => panic!("{css} at {}: {error}\n{}", self.path().await, self.text().await),
        }
    }

    pub(crate) async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.unwrap().len()
    }

    /// Everything that can be read; nothing between two pages.
    pub(crate) async fn text(&self) -> String {
        let text = self.client.execute("return document.body ? document.body.innerText : ''", vec![]).await;
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits until the page says that.
    pub(crate) async fn reads(&self, words: &str) {
        let began = Instant::now();
        loop {
            let text = self.text().await;
            if text.contains(words) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{} never says {words:?}:\n{text}", self.path().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Follows the link of that name.
    pub(crate) async fn follow(&self, name: &str) {
        let link = self.client.wait().at_most(PATIENCE).for_element(Locator::LinkText(name)).await;
        match link {
            Ok(link) => self.leave_by(link).await,
            Err(error) => panic!("no link {name} at {}: {error}\n{}", self.path().await, self.text().await),
        }
    }

    /// Presses the button of that name and waits for the page behind it.
    pub(crate) async fn press(&self, name: &str) {
        let xpath = format!("//main//button[normalize-space()={}]", quoted(name));
        let button = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&xpath)).await;
        match button {
            Ok(button) => self.leave_by(button).await,
            Err(error) => panic!("no button {name} at {}: {error}\n{}", self.path().await, self.text().await),
        }
    }

    /// Presses a button that asks first, and says yes.
    pub(crate) async fn press_and_confirm(&self, name: &str) {
        let xpath = format!("//main//button[normalize-space()={}]", quoted(name));
        let page = self.find("html").await;
        let button = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&xpath)).await.unwrap();
        button.click().await.unwrap();
        self.client.accept_alert().await.unwrap();
        self.gone(page).await;
    }

    async fn leave_by(&self, element: Element) {
        let page = self.find("html").await;
        element.click().await.unwrap();
        self.gone(page).await;
    }

    /// Waits until another page is shown, loaded with its script.
    async fn gone(&self, page: Element) {
        let began = Instant::now();
        while page.tag_name().await.is_ok() {
            assert!(
                began.elapsed() < PATIENCE,
                "{} is still there:\n{}",
                self.path().await,
                self.text().await
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        while self.run("return document.readyState", vec![]).await != "complete" {
            assert!(began.elapsed() < PATIENCE, "{} does not load", self.path().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn fill(&self, name: &str, value: &str) {
        let field = self.find(&format!("main [name={name}]:not([type=hidden])")).await;
        field.clear().await.unwrap();
        field.send_keys(value).await.unwrap();
    }

    pub(crate) async fn choose(&self, name: &str, value: &str) {
        self.find(&format!("main select[name={name}]")).await.select_by_value(value).await.unwrap();
    }

    pub(crate) async fn tick(&self, name: &str) {
        self.find(&format!("main input[name={name}]")).await.click().await.unwrap();
    }

    /// What a field holds.
    pub(crate) async fn value(&self, id: &str) -> String {
        self.find(&format!("#{id}")).await.prop("value").await.unwrap().unwrap_or_default()
    }

    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// Reads an address with the browser's session.
    pub(crate) async fn fetch(&self, path: &str) -> String {
        let script = "const [path, done] = arguments; fetch(path).then(a => a.text()).then(done, e => done(String(e)));";
        let answer = self.client.execute_async(script, vec![json!(path)]).await.unwrap();
        answer.as_str().unwrap().to_owned()
    }

    /// Looks at the page: a picture of all of it, and what axe finds wrong with it.
    pub(crate) async fn look(&mut self, name: &str) {
        if !self.looks {
            return;
        }
        let script = format!(
            "{}; return axe.run(document, {{resultTypes: ['violations'], \
            runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}})",
            self.axe
        );
        let results = self.run(&script, vec![]).await;
        for violation in results["violations"].as_array().unwrap() {
            let nodes: Vec<String> = violation["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .take(3)
                .map(|node| format!("{} {}", node["html"], node["failureSummary"]))
                .collect();
            let (impact, id) = (&violation["impact"], &violation["id"]);
            self.found.push(format!("{name} ({}): {impact} {id}: {}", self.reader.name, nodes.join(" | ")));
        }
        let wide = self
            .run("return document.documentElement.scrollWidth - document.documentElement.clientWidth", vec![])
            .await;
        if wide.as_i64().unwrap() > 0 {
            self.found.push(format!("{name} ({}): wider than the screen by {wide}", self.reader.name));
        }
        if let Some(folder) = &self.shots {
            self.shoot(folder, &format!("{name}.{}", self.reader.name)).await;
        }
    }

    /// Two pictures: of what the screen shows first, and of the whole page.
    async fn shoot(&self, folder: &Path, name: &str) {
        std::fs::create_dir_all(folder).unwrap();
        self.run("scrollTo(0, 0)", vec![]).await;
        let picture = self.client.screenshot().await.unwrap();
        std::fs::write(folder.join(format!("{name}.top.png")), picture).unwrap();
        let height = self.run("return document.documentElement.scrollHeight", vec![]).await.as_u64().unwrap();
        let height = u32::try_from(height).unwrap().clamp(600, 4_000);
        self.client.set_window_size(self.reader.width, height + 140).await.unwrap();
        let picture = self.client.screenshot().await.unwrap();
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
        self.client.set_window_size(self.reader.width, 900).await.unwrap();
    }

    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
    }
}

/// Text within an `XPath` expression.
fn quoted(text: &str) -> String {
    assert!(!text.contains('"'));
    format!("\"{text}\"")
}

fn axe() -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.venv/lib");
    for python in std::fs::read_dir(root).expect(".venv is missing; run infra/dev/setup") {
        let file = python.unwrap().path().join("site-packages/axe_playwright_python/axe.min.js");
        if let Ok(script) = std::fs::read_to_string(file) {
            return script;
        }
    }
    panic!("axe is missing; run infra/dev/setup");
}
