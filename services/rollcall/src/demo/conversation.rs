//! What the demo's Oracle identity provider says to one tenant: the whole life of 25 users and their groups.

use anyhow::Context as _;
use indicatif::ProgressBar;
use sandbox::idp::oracle_idcs::{OracleIdcs, UpdateMethod};
use sandbox::people::Person;

use super::asked::{Asked, AskedGroup, AskedUser};

/// Users that each tenant's provider sends.
pub(super) const USERS: usize = 25;

/// Groups and which of the users are in them: every `n`th, beginning with the first.
const GROUPS: &[(&str, usize)] =
    &[("everyone", 1), ("engineering", 2), ("design", 3), ("support", 5), ("on-call", 6), ("pilot", 7)];

/// The group that is deleted again.
const DELETED_GROUP: &str = "pilot";

/// Requests of a conversation, look-ups not counted.
pub(super) const STEPS: u64 = (1 + USERS + 2 * GROUPS.len() + 3 + 3 + 1 + 1 + 1 + 1) as u64;

/// Speaks with the server from "Test Connectivity" to "Refresh Application Data"; returns what was asked.
pub(super) async fn hold(idp: &OracleIdcs, first: usize, bar: &ProgressBar) -> anyhow::Result<Asked> {
    let mut talk = Talk { idp, bar, asked: Asked::default(), ids: Vec::new() };
    talk.step("test connectivity");
    idp.test_connectivity().await.context("Test Connectivity")?;
    for index in first..first + USERS {
        talk.create_user(Person::sample(index)).await?;
    }
    for &(name, every) in GROUPS {
        talk.push_group(name, every).await?;
    }
    talk.change_people().await?;
    talk.take_access_away().await?;
    talk.step("read everything back");
    let data = idp.refresh(10).await.context("Refresh Application Data")?;
    let kept = talk.asked.users.values().filter(|user| !user.deleted).count();
    anyhow::ensure!(data.users.len() == kept, "{} users were read back instead of {kept}", data.users.len());
    bar.finish_with_message("said all");
    Ok(talk.asked)
}

struct Talk<'a> {
    idp: &'a OracleIdcs,
    bar: &'a ProgressBar,
    asked: Asked,
    /// Ids of the users in order of creation.
    ids: Vec<String>,
}

impl Talk<'_> {
    fn step(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
        self.bar.inc(1);
    }

    async fn create_user(&mut self, person: Person) -> anyhow::Result<()> {
        self.step(format!("create {}", person.username));
        let id = self.idp.provision_user(&person).await.context("creating a user")?;
        self.ids.push(id.clone());
        self.asked.users.insert(id, AskedUser::new(person));
        Ok(())
    }

    async fn push_group(&mut self, name: &str, every: usize) -> anyhow::Result<()> {
        self.step(format!("create group {name}"));
        let group = self.idp.push_group(name).await.context("pushing a group")?;
        let members: Vec<String> = self.ids.iter().step_by(every).cloned().collect();
        self.step(format!("add {} members to {name}", members.len()));
        self.idp.add_members(&group, &members).await.context("adding members")?;
        let asked =
            AskedGroup { name: name.to_owned(), members: members.into_iter().collect(), deleted: false };
        self.asked.groups.insert(group, asked);
        Ok(())
    }

    /// An e-mail change, a marriage, and a new log-in name: the same accounts must carry on.
    async fn change_people(&mut self) -> anyhow::Result<()> {
        self.update(3, UpdateMethod::Put, |person| person.email = format!("mail.{}", person.email)).await?;
        self.update(4, UpdateMethod::Patch, |person| "Al-Ghamdi".clone_into(&mut person.family_name)).await?;
        self.update(5, UpdateMethod::Patch, |person| person.username = format!("new.{}", person.username))
            .await
    }

    async fn update(
        &mut self,
        index: usize,
        method: UpdateMethod,
        change: impl FnOnce(&mut Person),
    ) -> anyhow::Result<()> {
        let id = self.ids.get(index).context("no such user")?;
        let user = self.asked.users.get_mut(id).context("no such user")?;
        change(&mut user.person);
        let person = user.person.clone();
        self.step(format!("update {}", person.username));
        self.idp.update_user(id, &person, method).await.context("updating a user")
    }

    async fn take_access_away(&mut self) -> anyhow::Result<()> {
        for (index, active) in [(6, false), (7, false), (7, true)] {
            let id = self.ids.get(index).context("no such user")?;
            let user = self.asked.users.get_mut(id).context("no such user")?;
            user.person.active = active;
            self.bar.set_message(format!(
                "{} {}",
                if active { "activate" } else { "deactivate" },
                user.person.username
            ));
            self.bar.inc(1);
            if active {
                self.idp.activate(id).await.context("activating a user")?;
            } else {
                self.idp.deactivate(id).await.context("deactivating a user")?;
            }
        }
        let leaver = self.ids.get(8).context("no such user")?.clone();
        let (engineering, group) = self.group("engineering")?;
        group.members.remove(&leaver);
        self.step("remove one from engineering");
        self.idp.remove_members(&engineering, &[leaver]).await.context("removing a member")?;

        let deleted = self.ids.get(9).context("no such user")?.clone();
        self.step("delete one user");
        self.idp.delete(&deleted).await.context("deleting a user")?;
        self.asked.users.get_mut(&deleted).context("no such user")?.deleted = true;

        let (pilot, group) = self.group(DELETED_GROUP)?;
        group.deleted = true;
        self.step(format!("delete group {DELETED_GROUP}"));
        self.idp.delete_group(&pilot).await.context("deleting a group")
    }

    fn group(&mut self, name: &str) -> anyhow::Result<(String, &mut AskedGroup)> {
        let found = self.asked.groups.iter_mut().find(|(_, group)| group.name == name);
        let (id, group) = found.context("no such group")?;
        Ok((id.clone(), group))
    }
}
