//! Random edits while the site fails at random and the engine is stopped and killed at random: at the end the
//! site is what the directory asks for, computed apart from everything that the engine uses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sandbox::faults::{FaultKind, Faults};
use serde_json::json;
use store::id::{GroupId, UserId};

use crate::world::{ADMIN, World, person};

/// Another one can be given in the environment variable of this name, to look for trouble.
const SEED_VARIABLE: &str = "ROLLCALL_TEST_SEED";
const DEFAULT_SEED: u64 = 20_261_125;

const STEPS: usize = 400;
/// Edits end here even if steps are left, so that a loaded machine does not make a slow test slower.
const LONGEST: Duration = Duration::from_secs(25);

at_every_product!(site_equals_the_directory_after_random_edits_faults_and_kills);

#[derive(Clone, Debug)]
struct Person {
    id: UserId,
    name: String,
    display_name: String,
    email: String,
    active: bool,
}

#[derive(Clone, Debug)]
struct Team {
    id: GroupId,
    name: String,
    members: BTreeSet<UserId>,
}

/// What the directory was asked to be.
struct Oracle {
    random: StdRng,
    people: Vec<Person>,
    teams: Vec<Team>,
    /// Names of deleted users whose account has that name at the site, or none.
    free_names: Vec<String>,
    counter: usize,
}

impl Oracle {
    fn fresh(&mut self, kind: &str) -> String {
        self.counter += 1;
        format!("{kind}{}", self.counter)
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn index(&mut self, length: usize) -> Option<usize> {
        (length > 0).then(|| self.random.random_range(0..length))
    }

    async fn step(&mut self, world: &World) {
        let which = self.random.random_range(0..100);
        match which {
            0..20 => self.create_person(world).await,
            20..60 => {
                let Some(index) = self.index(self.people.len()) else { return };
                self.change_person(world, index, which).await;
            }
            60..66 => {
                let name = self.fresh("team");
                let members: Vec<UserId> = self.some_people();
                let id = world.group(&name, &members).await;
                self.teams.push(Team { id, name, members: members.into_iter().collect() });
            }
            66..70 => {
                let Some(index) = self.index(self.teams.len()) else { return };
                let name = self.fresh("team");
                world.rename_group(self.teams[index].id, &name).await;
                self.teams[index].name = name;
            }
            70..72 => {
                let Some(index) = self.index(self.teams.len()) else { return };
                world.delete_group(self.teams.remove(index).id).await;
            }
            _ => {
                let Some(index) = self.index(self.teams.len()) else { return };
                let some = self.some_people();
                let team = &mut self.teams[index];
                if which < 88 {
                    world.join(team.id, &some).await;
                    team.members.extend(some);
                } else {
                    let some: Vec<UserId> = team.members.iter().copied().take(some.len()).collect();
                    world.leave(team.id, &some).await;
                    team.members.retain(|member| !some.contains(member));
                }
            }
        }
    }

    fn some_people(&mut self) -> Vec<UserId> {
        let ids: Vec<UserId> = self.people.iter().map(|person| person.id).collect();
        ids.into_iter().filter(|_| self.chance(15)).collect()
    }

    async fn create_person(&mut self, world: &World) {
        let name = match self.free_names.pop() {
            Some(name) => name,
            None => self.fresh("person"),
        };
        let mut email = format!("{}@example.com", self.fresh("mail"));
        if world.product.names_by_email() {
            email = format!("{name}@example.com");
        }
        let display_name = self.fresh("Name ");
        let mut document = person(&name);
        document["displayName"] = json!(display_name);
        document["emails"] = json!([{"value": email}]);
        let id = world.user_in(world.connection, document).await;
        self.people.push(Person { id, name, display_name, email, active: true });
    }

    async fn change_person(&mut self, world: &World, index: usize, which: u32) {
        let fresh = self.fresh("x");
        let person = &mut self.people[index];
        match which {
            20..28 => {
                person.display_name = format!("Name {fresh}");
                world.edit(person.id, json!({"displayName": person.display_name})).await;
            }
            28..34 if world.product.names_by_email() => {}
            28..34 => {
                person.email = format!("{fresh}@example.com");
                world.edit(person.id, json!({"emails": [{"value": person.email}]})).await;
            }
            34..40 if !world.product.renames_accounts() => {}
            34..40 => {
                person.name = format!("person{fresh}");
                world.edit(person.id, json!({"userName": person.name})).await;
            }
            40..50 => {
                person.active = !person.active;
                world.edit(person.id, json!({"active": person.active})).await;
            }
            _ => {
                let person = self.people.remove(index);
                world.delete(person.id).await;
                for team in &mut self.teams {
                    team.members.remove(&person.id);
                }
                self.free_names.push(person.name);
            }
        }
    }

    /// All differences between the site and what it should be.
    fn differences(&self, world: &World) -> Vec<String> {
        let state = world.state();
        let mut wrong = Vec::new();
        let expected: BTreeMap<&str, &Person> =
            self.people.iter().filter(|person| person.active).map(|p| (p.name.as_str(), p)).collect();
        for person in expected.values() {
            let Some(account) = state.users.iter().find(|account| account.name == person.name) else {
                wrong.push(format!("{} has no account", person.name));
                continue;
            };
            let shown = (account.active, &account.display_name, &account.email);
            let asked = (true, &person.display_name, &person.email);
            if shown != asked && !(world.product.names_by_email() && account.active) {
                wrong.push(format!("{} is {shown:?} instead of {asked:?}", person.name));
            }
        }
        for account in state.users.iter().filter(|account| account.name != ADMIN) {
            if world.has_access(&account.name) && !expected.contains_key(account.name.as_str()) {
                wrong.push(format!("{} is active and nobody asks for it", account.name));
            }
        }
        let own_groups = world.product.own_groups();
        let is_active = |name: &&String| expected.contains_key(name.as_str());
        for group in
            state.groups.iter().filter(|group| own_groups.iter().all(|own| !group.name.starts_with(own)))
        {
            let shown: BTreeSet<&String> = group.members.iter().filter(is_active).collect();
            let members = self.teams.iter().find(|team| team.name == group.name).map(|team| &team.members);
            let people = self.people.iter().filter(|person| person.active);
            let asked: BTreeSet<&String> = people
                .filter(|person| members.is_some_and(|members| members.contains(&person.id)))
                .map(|person| &person.name)
                .collect();
            if shown != asked {
                wrong.push(format!("{} has {shown:?} instead of {asked:?}", group.name));
            }
        }
        for team in self.teams.iter().filter(|team| state.groups.iter().all(|g| g.name != team.name)) {
            wrong.push(format!("{} is not there", team.name));
        }
        for (name, &times) in state.creates_by_name.iter().filter(|(_, times)| **times > 1) {
            wrong.push(format!("{name} was created {times} times"));
        }
        wrong
    }
}

fn faults(seed: u64) -> Faults {
    Faults {
        seed,
        probabilities: [
            (FaultKind::TooManyRequests, 0.004),
            (FaultKind::InternalError, 0.04),
            (FaultKind::Unavailable, 0.03),
            (FaultKind::TimeoutBefore, 0.01),
            (FaultKind::TimeoutAfter, 0.02),
            (FaultKind::DropConnection, 0.05),
        ]
        .into(),
        hang_seconds: 1,
        ..Faults::default()
    }
}

#[expect(clippy::disallowed_methods, reason = "only this test reads the variable; it is no configuration")]
fn seed() -> u64 {
    std::env::var(SEED_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_SEED)
}

async fn site_equals_the_directory_after_random_edits_faults_and_kills(mut world: World) {
    let seed = seed();
    println!("{SEED_VARIABLE}={seed}");
    world.settings(json!({"safety": {"max_deactivations": 100_000}})).await;
    world.options.lease = Duration::from_millis(300);
    world.options.account_lease = Duration::from_millis(900);
    world.options.http.request_timeout = Duration::from_millis(250);
    world.options.drain_limit = Duration::from_millis(200);
    let mut oracle = Oracle {
        random: StdRng::seed_from_u64(seed),
        people: Vec::new(),
        teams: Vec::new(),
        free_names: Vec::new(),
        counter: 0,
    };
    let (mut kills, mut stops) = (0, 0);
    let began = Instant::now();
    world.start();
    for step in 0..STEPS {
        if began.elapsed() > LONGEST {
            break;
        }
        if step % 50 == 10 {
            world.faults(faults(seed.wrapping_add(u64::try_from(step).unwrap())));
        }
        oracle.step(&world).await;
        let pause = oracle.random.random_range(0..50);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match oracle.random.random_range(0..100) {
            0..3 => {
                world.kill().await;
                kills += 1;
                world.start();
            }
            3..5 => {
                world.stop().await;
                stops += 1;
                world.start();
            }
            _ => {}
        }
    }
    world.faults(Faults::default());
    println!("{kills} kills, {stops} stops, {} calls, {:?}", world.calls(None), began.elapsed());
    world.settle().await;
    // What the site refused for the time being, such as a name that was about to become free.
    crate::world::eventually("nothing is refused any more", async || {
        let backlog = world.tenant.tasks(world.site).backlog().await.unwrap();
        backlog.waiting + backlog.failed + backlog.held == 0
    })
    .await;
    world.stop().await;
    let wrong = oracle.differences(&world);
    assert!(wrong.is_empty(), "{SEED_VARIABLE}={seed}: {wrong:#?}");
    assert!(kills > 0 && stops > 0 && world.calls(None) > 200);
    assert!(oracle.people.iter().any(|person| person.active) && !oracle.teams.is_empty());
}
