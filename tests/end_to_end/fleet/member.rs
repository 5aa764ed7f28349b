//! One process of a fleet: started, killed, stopped as by a debugger, and asked to end.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::Role;
use crate::process::Process;
use crate::program::{command, free_address};

/// Where a process answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) public: SocketAddr,
    pub(crate) internal: SocketAddr,
    pub(crate) cell: SocketAddr,
}

impl Place {
    pub(super) fn free() -> Self {
        Self { public: free_address(), internal: free_address(), cell: free_address() }
    }
}

/// A process that may be started again at the same place.
pub(crate) struct Member {
    pub(crate) role: Role,
    pub(crate) name: String,
    pub(crate) place: Place,
    /// Seconds that its clock is ahead, as libfaketime takes them: `+60`, `-60`.
    pub(crate) clock: Option<&'static str>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    process: Option<Process>,
}

impl Member {
    pub(super) fn new(
        role: Role,
        name: String,
        place: Place,
        environment: Vec<(String, String)>,
        folder: &Path,
    ) -> Self {
        let log = folder.join(format!("{name}.log"));
        Self { role, name, place, clock: None, environment, log, process: None }
    }

    /// Gives a variable of its environment another value, from its next start on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Starts the process; it is ready some time later.
    pub(crate) fn start(&mut self) {
        let log = OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let mut command = command();
        if let Some(clock) = self.clock {
            command
                .env("LD_PRELOAD", faketime())
                .env("FAKETIME", clock)
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        command
            .args(["serve", "--role", self.role.name()])
            .env("ROLLCALL_LISTEN", self.place.public.to_string())
            .env("ROLLCALL_INTERNAL_LISTEN", self.place.internal.to_string())
            .env("ROLLCALL_CELL_LISTEN", self.place.cell.to_string())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.process = Some(Process::start(&mut command));
    }

    /// Ends the process as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Asks the process to end, as Kubernetes does, and waits for it. Returns its exit code.
    pub(crate) async fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        let process = self.process.take().expect("a running process");
        tokio::task::spawn_blocking(move || process.wait()).await.unwrap()
    }

    /// Sends it a signal by name: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        self.process.as_ref().expect("a running process").signal(name);
    }

    pub(crate) async fn wait_until_ready(&mut self, deadline: Instant) {
        let url = format!("http://{}/readyz", self.place.internal);
        while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
            let ended = self.process.as_mut().and_then(Process::ended);
            assert!(ended.is_none(), "{} ended with {ended:?}:\n{}", self.name, self.last_lines());
            assert!(Instant::now() < deadline, "{} is not ready:\n{}", self.name, self.last_lines());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its metrics; empty when it does not answer.
    pub(crate) async fn metrics(&self) -> String {
        match reqwest::get(format!("http://{}/metrics", self.place.internal)).await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Everything that it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(super) fn log_path(&self) -> &Path {
        &self.log
    }

    fn last_lines(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("the last log lines of {}:\n{}", self.name, self.last_lines());
        }
    }
}

/// Debian's libfaketime, which `make setup` installs.
fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().filter_map(Result::ok);
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists()).expect("libfaketime; run `make setup`")
}
