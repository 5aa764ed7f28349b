//! The runbook for upgrades, carried out under load: from the version that `ROLLCALL_TEST_OLDER_PROGRAM` names
//! (`make upgrade` builds one), and back to it. Without one, from this version to itself.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use store::testing::MASTER_KEY;
use store::vault::Vault;
use store::{Store, StoreOptions};

use super::balancer::Balancer;
use super::member::Place;
use super::servers::Server;
use crate::faults::site::Site;
use crate::faults::writer::Names;
use crate::faults::{assert_made_once, join, nothing_is_too_much, seed, settle, start_writers};
use crate::process::Process;
use crate::program::{OPERATOR_KEY, ROLLCALL, unconfigured};
use crate::tenant::Tenant;

const WRITES: usize = 2_800;
const WRITERS: usize = 3;
const LIMIT: Duration = Duration::from_mins(1);
/// As long as a balancer may take to notice that a replica is about to stop.
const NOTICED: Duration = Duration::from_secs(1);

/// Replicas of the program with all its roles, of one version or of two.
struct Replicas {
    places: Vec<Place>,
    processes: Vec<Option<Process>>,
    environment: Vec<(&'static str, String)>,
    balancer: Balancer,
    folder: PathBuf,
}

impl Replicas {
    fn command(&self, program: &Path) -> Command {
        let mut command = unconfigured(Command::new(program));
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    /// Ends what runs at the place, if anything does, and starts the program there.
    async fn replace(&mut self, index: usize, program: &Path) {
        if let Some(process) = self.processes[index].take() {
            process.signal("TERM");
            let code = tokio::task::spawn_blocking(move || process.wait()).await.unwrap();
            assert_eq!(code, Some(0), "replica {index} ended badly");
        }
        let place = self.places[index];
        let log = self.folder.join(format!("replica-{index}.log"));
        let log = OpenOptions::new().create(true).append(true).open(log).unwrap();
        let mut command = self.command(program);
        command
            .arg("serve")
            .env("ROLLCALL_LISTEN", place.public.to_string())
            .env("ROLLCALL_INTERNAL_LISTEN", place.internal.to_string())
            .stdout(Stdio::null())
            .stderr(log);
        self.processes[index] = Some(Process::start(&mut command));
        let deadline = Instant::now() + LIMIT;
        let url = format!("http://{}/readyz", place.internal);
        while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(Instant::now() < deadline, "replica {index} is not ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if self.processes.iter().all(Option::is_some) {
            tokio::time::sleep(NOTICED).await;
            self.balancer.wait_until_all_ready(deadline).await;
        }
    }
}

fn older_program() -> PathBuf {
    std::env::var_os("ROLLCALL_TEST_OLDER_PROGRAM").map_or_else(|| ROLLCALL.into(), PathBuf::from)
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_of_an_older_version_are_replaced_and_brought_back_under_load_without_losing_a_write() {
    let began = Instant::now();
    let (older, newer) = (older_program(), PathBuf::from(ROLLCALL));
    let folder = tempfile::tempdir().unwrap();
    let mut postgres = Server::postgres(folder.path());
    postgres.start().await;
    let places = vec![Place::free(), Place::free()];
    let balancer = Balancer::start(places.iter().map(|place| (place.public, place.internal))).await;
    let environment = vec![
        ("ROLLCALL_PUBLIC_URL", balancer.url()),
        ("ROLLCALL_DATABASE_URL", postgres.url()),
        ("ROLLCALL_DATABASE_CONNECTIONS", "10".to_owned()),
        ("ROLLCALL_MASTER_KEY", STANDARD.encode(MASTER_KEY)),
        ("ROLLCALL_OPERATOR_KEY", OPERATOR_KEY.to_owned()),
        ("ROLLCALL_ALLOW_TARGETS", "127.0.0.0/8".to_owned()),
        ("ROLLCALL_LEASE_SECONDS", "5".to_owned()),
    ];
    let mut replicas = Replicas {
        processes: places.iter().map(|_| None).collect(),
        places,
        environment,
        balancer,
        folder: folder.path().to_owned(),
    };
    let migrate = |replicas: &Replicas, program: &Path| {
        let done = replicas.command(program).arg("migrate").output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
        said
    };
    migrate(&replicas, &older);
    for index in 0..replicas.places.len() {
        replicas.replace(index, &older).await;
    }
    let site = Site::jira().await;
    let tenant = Tenant::register_at(&replicas.balancer.url(), "acme").await;
    tenant.link(site.product, &site.base_url, nothing_is_too_much()).await;
    let written = Arc::new(AtomicUsize::new(0));
    let writers = start_writers(&tenant, Names::ComeBack, seed(), (WRITERS, WRITES), &written);

    println!("the schema beside the older version: {}", migrate(&replicas, &newer));
    if older == newer {
        // It stands for a version before a migration that it does not know.
        postgres.run("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)");
    }
    // Versions before this was thought of do not start where a later one has migrated.
    let goes_back = replicas.command(&older).arg("migrate").output().unwrap().status.success();
    println!("going back is possible: {goes_back}");
    assert!(goes_back || older != newer);
    let steps = if goes_back { vec![&newer, &older, &newer] } else { vec![&newer] };
    // There, back, and there again, a replica at a time; both versions run side by side in between.
    for (number, program) in steps.into_iter().enumerate() {
        for index in 0..replicas.places.len() {
            let share = WRITES / 7 * (number * 2 + index + 1);
            while written.load(Ordering::SeqCst) < share {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert!(written.load(Ordering::SeqCst) < WRITES, "nobody writes while replicas are replaced");
            replicas.replace(index, program).await;
        }
    }
    let oracle = join(writers).await;
    oracle.assert_directory(&tenant).await;
    let options = StoreOptions::new(postgres.url());
    let store = Store::connect(options, Vault::new(&MASTER_KEY).unwrap()).await.unwrap();
    settle(&store, &tenant, (std::slice::from_ref(&site), &oracle), 2 * LIMIT).await;
    println!("{WRITES} writes while {} took the place of {}", newer.display(), older.display());
    assert_made_once(&site, &oracle, began);
}
