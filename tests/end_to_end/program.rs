//! `rollcall serve` as a process of its own: started, asked whether it is ready, killed, started again.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use store::testing::{MASTER_KEY, TestStore, postgres_store, sqlite_store};
use tempfile::TempDir;

use crate::canaries;
use crate::process::Process;

/// The program under test.
pub(crate) const ROLLCALL: &str = env!("CARGO_BIN_EXE_rollcall");

/// The operator's key of every program that tests start.
pub(crate) const OPERATOR_KEY: &str = "operator-key-of-the-tests";

/// How long a start may take, on a machine that does much else.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Which database a test runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Engine {
    Postgres,
    Sqlite,
}

/// A program on a database of its own, at fixed addresses, so that it can be killed and started again.
pub(crate) struct Program {
    pub(crate) database: TestStore,
    public: SocketAddr,
    internal: SocketAddr,
    settings: Vec<(String, String)>,
    folder: TempDir,
    process: Option<Process>,
    starts: usize,
    largest_file: Option<u64>,
}

impl Program {
    /// Starts the program on a fresh database; `settings` are further `ROLLCALL_…` variables.
    pub(crate) async fn start(engine: Engine, settings: &[(&str, &str)]) -> Self {
        let database = match engine {
            Engine::Postgres => postgres_store().await,
            Engine::Sqlite => sqlite_store().await,
        };
        let mut program = Self {
            database,
            public: free_address(),
            internal: free_address(),
            settings: settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            folder: tempfile::tempdir().unwrap(),
            process: None,
            starts: 0,
            largest_file: None,
        };
        program.restart().await;
        program
    }

    /// Kills the process if there is one, starts another, and waits until it takes requests.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        self.starts += 1;
        let log = File::create(self.log_path()).unwrap();
        let mut command = limited(self.largest_file);
        command
            .arg("serve")
            .env("ROLLCALL_LISTEN", self.public.to_string())
            .env("ROLLCALL_INTERNAL_LISTEN", self.internal.to_string())
            .env("ROLLCALL_DATABASE_URL", self.database.url())
            .env("ROLLCALL_DATA_DIR", self.folder.path())
            .env("ROLLCALL_MASTER_KEY", STANDARD.encode(MASTER_KEY))
            .env("ROLLCALL_OPERATOR_KEY", OPERATOR_KEY)
            .env("ROLLCALL_ALLOW_TARGETS", "127.0.0.0/8")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.process = Some(Process::start(&mut command));
        self.wait_until_ready().await;
    }

    /// From the next start on a variable has this value.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// From the next start on no file may grow beyond so many bytes, as when the disk is full.
    pub(crate) fn limit_files_to(&mut self, bytes: Option<u64>) {
        self.largest_file = bytes;
    }

    /// Bytes of the largest file of its embedded database.
    pub(crate) fn largest_file(&self) -> u64 {
        let path = self.database.url().trim_start_matches("sqlite://").split('?').next().unwrap();
        let size = |suffix: &str| std::fs::metadata(format!("{path}{suffix}")).map_or(0, |file| file.len());
        size("").max(size("-wal"))
    }

    /// Bytes of memory that the process holds.
    pub(crate) fn resident_bytes(&self) -> u64 {
        self.process.as_ref().expect("a running process").resident_bytes()
    }

    /// Ends the process as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Asks the process to stop as Kubernetes does, and returns its exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        let process = self.process.take().expect("a running process");
        process.signal("TERM");
        process.wait()
    }

    /// `http://` and the address that identity providers and admins use.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// `http://` and the address of health and metrics.
    pub(crate) fn internal_url(&self) -> String {
        format!("http://{}", self.internal)
    }

    /// What the process has written to its log since its last start.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.log_of(self.starts)
    }

    fn log_of(&self, start: usize) -> PathBuf {
        self.folder.path().join(format!("log.{start}"))
    }

    async fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + START_LIMIT;
        let url = format!("{}/readyz", self.internal_url());
        loop {
            if reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            let ended = self.process.as_mut().and_then(Process::ended);
            assert!(ended.is_none(), "the program ended with {ended:?}:\n{}", self.log());
            assert!(Instant::now() < deadline, "the program is not ready:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if !std::thread::panicking() {
            (1..=self.starts).for_each(|start| canaries::check_file(&self.log_of(start)));
            canaries::check_database(self.database.url());
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(50)..].join("\n");
            eprintln!("the program's last log lines:\n{last}");
        }
    }
}

/// The program, with a limit to its files that it meets as an error and not as a signal.
fn limited(largest_file: Option<u64>) -> Command {
    let Some(bytes) = largest_file else { return command() };
    let mut limited = Command::new("env");
    limited.args(["--ignore-signal=XFSZ", "prlimit", &format!("--fsize={bytes}:{bytes}"), ROLLCALL]);
    unconfigured(limited)
}

/// The program without any configuration of whoever runs the tests.
pub(crate) fn command() -> Command {
    unconfigured(Command::new(ROLLCALL))
}

/// A command without any configuration of whoever runs the tests.
pub(crate) fn unconfigured(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ROLLCALL_") {
            command.env_remove(name);
        }
    }
    // A rollcall.toml of the working folder is configuration, too.
    command.current_dir(std::env::temp_dir());
    command
}

/// An address below the kernel's ephemeral range: no outgoing connection takes it while the program is down. No two of
/// a test are the same, though nothing may listen there yet.
pub(crate) fn free_address() -> SocketAddr {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    for _ in 0..1_000 {
        let port = rand::random_range(20_000..32_000);
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port))
            && GIVEN.lock().unwrap().insert(port)
        {
            return listener.local_addr().unwrap();
        }
    }
    panic!("no port is free");
}
