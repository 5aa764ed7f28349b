//! Rollcall as it runs in production: each role in processes of its own, beside a PostgreSQL and a Redis that a test
//! may take away.

mod balancer;
mod faults;
mod keys;
mod member;
mod moving;
mod receiver;
mod rotation;
mod runbooks;
mod secrets;
pub(crate) mod servers;
mod traces;
mod upgrade;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use store::testing::MASTER_KEY;
use store::vault::Vault;
use store::{Store, StoreOptions};
use tempfile::TempDir;

use self::balancer::Balancer;
use self::member::{Member, Place};
use self::servers::Server;
use crate::canaries::{self, INTERNAL_KEY};
use crate::program::{OPERATOR_KEY, command};

/// How long a fleet may take to be ready, on a machine that does much else.
const START_LIMIT: Duration = Duration::from_mins(1);

/// What a process of the fleet does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Gateway,
    Scim,
    Api,
    Sync,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Scim => "scim",
            Self::Api => "api",
            Self::Sync => "sync",
        }
    }
}

/// Two processes of each role but one of the API, and what they need.
pub(crate) struct Fleet {
    pub(crate) members: Vec<Member>,
    pub(crate) postgres: Server,
    pub(crate) redis: Server,
    /// The database of another cell behind the same gateways, if there is one, and its master key.
    pub(crate) second: Option<SecondCell>,
    balancer: Balancer,
    _folder: TempDir,
}

/// A cell of one process for each of SCIM and sync.
#[derive(Clone)]
pub(crate) struct SecondCell {
    pub(crate) database_url: String,
    pub(crate) master_key: String,
}

impl Fleet {
    /// Starts everything; `settings` are further `ROLLCALL_…` variables of all processes.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_cells(settings, false).await
    }

    /// The same with another cell.
    pub(crate) async fn start_with_second_cell(settings: &[(&str, &str)]) -> Self {
        Self::start_cells(settings, true).await
    }

    async fn start_cells(settings: &[(&str, &str)], has_second: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut postgres, mut redis) = (Server::postgres(folder.path()), Server::redis(folder.path()));
        postgres.start().await;
        redis.start().await;
        let roles = [Role::Gateway, Role::Gateway, Role::Scim, Role::Scim, Role::Api, Role::Sync, Role::Sync];
        let places: Vec<(Role, Place)> = roles.into_iter().map(|role| (role, Place::free())).collect();
        let second = has_second.then(|| SecondCell {
            database_url: postgres.url_of("second"),
            master_key: STANDARD.encode([9; 32]),
        });
        let others_places: Vec<(Role, Place)> = if has_second {
            [Role::Scim, Role::Sync].map(|role| (role, Place::free())).into()
        } else {
            Vec::new()
        };
        let of =
            |wanted: Role| places.iter().filter(move |(role, _)| *role == wanted).map(|(_, place)| place);
        let balancer = Balancer::start(of(Role::Gateway).map(|place| (place.public, place.internal))).await;
        let cells: Vec<String> = of(Role::Scim).map(|place| format!("http://{}", place.cell)).collect();
        let everyone = [
            ("ROLLCALL_PUBLIC_URL", balancer.url()),
            ("ROLLCALL_REDIS_URL", redis.url()),
            ("ROLLCALL_INTERNAL_KEY", STANDARD.encode(INTERNAL_KEY)),
            ("ROLLCALL_LEASE_SECONDS", "5".to_owned()),
            ("ROLLCALL_DRAIN_DELAY_SECONDS", "1".to_owned()),
        ];
        // What a gateway is not told, it cannot give away.
        let first = format!("default={}", cells.join("|"));
        let cells = others_places.first().map(|(_, place)| format!("second=http://{}", place.cell));
        let cells: Vec<String> = [first].into_iter().chain(cells).collect();
        let gateways = [("ROLLCALL_CELLS", cells.join(","))];
        let others = [
            ("ROLLCALL_DATABASE_URL", postgres.url()),
            ("ROLLCALL_DATABASE_CONNECTIONS", "10".to_owned()),
            ("ROLLCALL_MASTER_KEY", STANDARD.encode(MASTER_KEY)),
            ("ROLLCALL_OPERATOR_KEY", OPERATOR_KEY.to_owned()),
            ("ROLLCALL_ALLOW_TARGETS", "127.0.0.0/8".to_owned()),
        ];
        let mut of_second = others.clone();
        if let Some(second) = &second {
            postgres.create_database("second");
            of_second[0].1.clone_from(&second.database_url);
            of_second[2].1.clone_from(&second.master_key);
            migrate(&of_second);
        }
        migrate(&others);
        let firsts = places.into_iter().map(|place| (place, &others));
        let places = firsts.chain(others_places.into_iter().map(|place| (place, &of_second)));
        let members = (0..).zip(places).map(|(index, ((role, place), others))| {
            let mut environment: Vec<(String, String)> = Vec::new();
            let own = if role == Role::Gateway { &gateways[..] } else { &others[..] };
            environment
                .extend(everyone.iter().chain(own).map(|(name, value)| ((*name).into(), value.clone())));
            environment.extend(settings.iter().map(|(name, value)| ((*name).into(), (*value).into())));
            Member::new(role, format!("{}-{index}", role.name()), place, environment, folder.path())
        });
        let members: Vec<Member> = members.collect();
        let mut fleet = Self { members, postgres, redis, second, balancer, _folder: folder };
        for member in &mut fleet.members {
            member.start();
        }
        fleet.wait_until_ready().await;
        fleet
    }

    /// Where identity providers are told to go.
    pub(crate) fn url(&self) -> String {
        self.balancer.url()
    }

    /// Where admins go.
    pub(crate) fn api_url(&self) -> String {
        format!("http://{}", self.of(Role::Api).next().unwrap().place.public)
    }

    /// The processes of a role.
    pub(crate) fn of(&self, role: Role) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.role == role)
    }

    /// A process of a role, to do something to.
    pub(crate) fn one_of(&mut self, role: Role, index: usize) -> &mut Member {
        self.members.iter_mut().filter(|member| member.role == role).nth(index).unwrap()
    }

    /// Waits until each process takes requests, and the gateways know where to send them.
    pub(crate) async fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + START_LIMIT;
        for member in &mut self.members {
            member.wait_until_ready(deadline).await;
        }
        for gateway in self.of(Role::Gateway) {
            let wanted = "rollcall_gateway_ready_endpoints{cell=\"default\"} 2";
            while !gateway.metrics().await.contains(wanted) {
                assert!(Instant::now() < deadline, "{} knows too few handlers", gateway.name);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        self.balancer.wait_until_all_ready(deadline).await;
    }

    /// The database itself, of the first cell.
    pub(crate) async fn store(&self) -> Store {
        let options = StoreOptions::new(self.postgres.url());
        Store::connect(options, Vault::new(&MASTER_KEY).unwrap()).await.unwrap()
    }
}

impl Drop for Fleet {
    /// Whatever the test was about, none of its secrets stands in what was logged, or in a backup.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for member in &mut self.members {
            member.kill();
            canaries::check_file(member.log_path());
        }
        if self.postgres.is_running() {
            canaries::check_database(&self.postgres.url());
        }
    }
}

fn migrate(environment: &[(&str, String)]) {
    let migrated = command().arg("migrate").envs(environment.iter().cloned()).output().unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
}
