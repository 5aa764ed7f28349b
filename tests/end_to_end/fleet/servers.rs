//! A PostgreSQL and a Redis of one test alone, which it may stop and start again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::program::free_address;

const START_LIMIT: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Postgres,
    Redis,
}

/// A server at a fixed address.
pub(crate) struct Server {
    kind: Kind,
    port: u16,
    folder: PathBuf,
    process: Option<Child>,
}

impl Server {
    /// PostgreSQL with an empty cluster.
    pub(crate) fn postgres(folder: &Path) -> Self {
        let folder = own_folder(folder, "postgres");
        let data = folder.join("data");
        let made = as_service_user(&postgres_bin().join("initdb"))
            .args(["--username=rollcall", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
            .args(["--no-sync", "--no-instructions"])
            .arg(format!("--pgdata={}", data.display()))
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        Self { kind: Kind::Postgres, port: free_address().port(), folder, process: None }
    }

    /// Redis with nothing in it.
    pub(crate) fn redis(folder: &Path) -> Self {
        let folder = own_folder(folder, "redis");
        Self { kind: Kind::Redis, port: free_address().port(), folder, process: None }
    }

    pub(crate) fn url(&self) -> String {
        match self.kind {
            Kind::Postgres => format!("postgres://rollcall@127.0.0.1:{}/postgres", self.port),
            Kind::Redis => format!("redis://127.0.0.1:{}/0", self.port),
        }
    }

    /// The URL of a database of this PostgreSQL.
    pub(crate) fn url_of(&self, database: &str) -> String {
        format!("postgres://rollcall@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database of this PostgreSQL.
    pub(crate) fn create_database(&self, name: &str) {
        self.run(&format!("CREATE DATABASE {name}"));
    }

    /// Runs SQL in its first database, and returns what it finds, without frames.
    pub(crate) fn run(&self, sql: &str) -> String {
        let mut psql = Command::new(postgres_bin().join("psql"));
        let run = psql.args([&self.url(), "-A", "-t", "-c", sql]).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8_lossy(&run.stdout).trim().to_owned()
    }

    /// Starts it and waits until it takes connections.
    pub(crate) async fn start(&mut self) {
        let port = self.port.to_string();
        let mut command = match self.kind {
            Kind::Postgres => {
                let mut command = as_service_user(&postgres_bin().join("postgres"));
                command.arg("-D").arg(self.folder.join("data")).args(["-p", &port]);
                // A test kills processes, not the machine: what was committed is in the system's memory.
                for setting in [
                    "listen_addresses=127.0.0.1",
                    "unix_socket_directories=",
                    "fsync=off",
                    "full_page_writes=off",
                    "max_connections=100",
                ] {
                    command.args(["-c", setting]);
                }
                command
            }
            Kind::Redis => {
                let mut command = as_service_user(Path::new("redis-server"));
                command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]);
                command
            }
        };
        let log = File::create(self.folder.join("log")).unwrap();
        let log = (log.try_clone().unwrap(), log);
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(log.0).stderr(log.1);
        self.process = Some(command.spawn().unwrap());
        let deadline = Instant::now() + START_LIMIT;
        while !self.answers().await {
            assert!(Instant::now() < deadline, "{:?} does not start: {}", self.kind, self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn crash(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // PostgreSQL's immediate shutdown: nothing is written any more, and no child stays behind.
        let signal = if self.kind == Kind::Postgres { "-QUIT" } else { "-KILL" };
        drop(Command::new("kill").args([signal, &process.id().to_string()]).status());
        drop(process.wait());
    }

    async fn answers(&self) -> bool {
        match self.kind {
            Kind::Postgres => {
                let asked = Command::new(postgres_bin().join("psql"))
                    .args(["--no-psqlrc", "--quiet", "--command=SELECT 1", &self.url()])
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status();
                asked.is_ok_and(|status| status.success())
            }
            Kind::Redis => TcpStream::connect(("127.0.0.1", self.port)).await.is_ok(),
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.crash();
    }
}

#[expect(clippy::disallowed_methods, reason = "only tests read this variable; it is no configuration")]
pub(crate) fn postgres_bin() -> PathBuf {
    let folder = std::env::var("ROLLCALL_TEST_POSTGRES_BIN");
    folder
        .expect("ROLLCALL_TEST_POSTGRES_BIN is not set; run through `make test` or `infra/dev/with-services`")
        .into()
}

/// The user that servers run as: PostgreSQL refuses to run as root.
fn service_user() -> Option<&'static str> {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    is_root.then_some("postgres")
}

/// A program as the service user, which ends when the test does.
fn as_service_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if let Some(user) = service_user() {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.arg(program);
    command
}

/// A folder that the service user may write.
fn own_folder(parent: &Path, name: &str) -> PathBuf {
    let folder = parent.join(name);
    std::fs::create_dir(&folder).unwrap();
    if let Some(user) = service_user() {
        let given = Command::new("chown").arg(format!("{user}:")).arg(&folder).status().unwrap();
        let opened = Command::new("chmod").arg("755").arg(parent).status().unwrap();
        assert!(given.success() && opened.success());
    }
    folder
}
