//! One of several identity providers' workers: writes at random, and repeats each write until it is
//! acknowledged, as a provider's own queue does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::oracle::{Group, Oracle, User};
use crate::tenant::Tenant;

/// How long one write may be repeated.
const PATIENCE: Duration = Duration::from_secs(90);
/// Users that a writer has at the most.
const MOST_USERS: usize = 25;
/// Groups that a writer has at the most.
const MOST_GROUPS: usize = 4;

/// Which names of people who left may be another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// All of them.
    ComeBack,
    /// Those of people who were deleted; where a product renames nobody, somebody who was renamed still has an account
    /// under the old name.
    OfRenamedStayAway,
}

/// A writer and what it has been promised.
pub(crate) struct Writer {
    pub(crate) oracle: Oracle,
    names: Names,
    client: Client,
    base_url: String,
    token: String,
    name: String,
    random: StdRng,
    /// For names and addresses that nobody else has.
    counter: usize,
    written: Arc<AtomicUsize>,
}

/// An answer to a write, and whether an earlier try may have been carried out.
struct Answer {
    status: u16,
    body: Value,
    repeated: bool,
}

impl Writer {
    pub(crate) fn new(
        tenant: &Tenant,
        names: Names,
        (index, seed): (usize, u64),
        written: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            oracle: Oracle::default(),
            names,
            client: tenant.client.clone(),
            base_url: tenant.scim.clone(),
            token: tenant.token.clone(),
            name: format!("w{index}"),
            random: StdRng::seed_from_u64(seed.wrapping_add(index as u64)),
            counter: 0,
            written,
        }
    }

    /// Makes `count` acknowledged writes.
    pub(crate) async fn write(&mut self, count: usize) {
        for _ in 0..count {
            self.write_one().await;
            self.written.fetch_add(1, Ordering::SeqCst);
        }
    }

    async fn write_one(&mut self) {
        let user = self.any_user();
        let group = self.any_group();
        match (self.random.random_range(0..100), user, group) {
            (0..=14, _, _) if self.oracle.users.len() < MOST_USERS => self.create_user().await,
            (0..=19, _, _) if self.oracle.groups.len() < MOST_GROUPS => self.create_group().await,
            (35..=39, Some(user), _) => self.rename_user(&user).await,
            (40..=51, Some(user), _) => self.switch_user(&user).await,
            (52..=57, Some(user), _) => self.delete_user(&user).await,
            (58..=77, Some(_), Some(group)) => self.add_members(&group).await,
            (78..=89, Some(_), Some(group)) => self.remove_members(&group).await,
            (90..=94, Some(_), Some(group)) => self.replace_members(&group).await,
            (95..=97, _, Some(group)) => self.rename_group(&group).await,
            (98..=99, _, Some(group)) => self.delete_group(&group).await,
            // The rest, and what lacks a group: an ordinary change.
            (_, Some(user), _) => self.change_user(&user).await,
            (_, None, _) => self.create_user().await,
        }
    }

    async fn create_user(&mut self) {
        // Now and then someone comes back under the name of someone who left.
        let left: Vec<&String> = self.oracle.former_users.iter().collect();
        let taken = |name: &str| {
            self.oracle.users.values().any(|user| user.login == name)
                || self.names == Names::OfRenamedStayAway && self.oracle.is_of_renamed(name)
        };
        let again = left.choose(&mut self.random).map(|name| (*name).clone()).filter(|name| !taken(name));
        let login = match again {
            Some(name) if self.random.random_bool(0.4) => {
                *self.oracle.returned.entry(name.clone()).or_default() += 1;
                name
            }
            _ => self.fresh("user"),
        };
        let number = self.next();
        let user = User {
            email: format!("{}.{number}@example.com", self.name),
            display_name: format!("Display {number}"),
            active: self.random.random_bool(0.95),
            login,
        };
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": user.login, "displayName": user.display_name, "active": user.active,
            "emails": [{"value": user.email, "type": "work", "primary": true}],
        });
        let answer = self.send(Method::POST, "/Users", &body).await;
        let id = match answer.status {
            201 => answer.body["id"].as_str().unwrap().to_owned(),
            409 if answer.repeated => {
                self.find("/Users", "userName", &user.login).await.expect("it was created")
            }
            status => panic!("POST /Users: {status}: {}", answer.body),
        };
        self.oracle.users.insert(id, user);
    }

    async fn change_user(&mut self, id: &str) {
        let number = self.next();
        let replaces = self.random.random_bool(0.3);
        let changes_mail = self.random.random_bool(0.5);
        let mail = format!("{}.{number}@example.com", self.name);
        let mut user = self.oracle.users[id].clone();
        user.display_name = format!("Display {number}");
        if changes_mail {
            let former = std::mem::replace(&mut user.email, mail);
            self.oracle.former_addresses.entry(id.to_owned()).or_default().push(former);
        }
        if replaces {
            // Without `active`, which must stay as it is.
            let body = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": user.login, "displayName": user.display_name,
                "emails": [{"value": user.email, "type": "work", "primary": true}],
            });
            self.expect_ok(Method::PUT, &format!("/Users/{id}"), &body).await;
        } else {
            let operations = json!([
                {"op": "replace", "path": "displayName", "value": user.display_name},
                {"op": "replace", "path": "emails[type eq \"work\"].value", "value": user.email},
            ]);
            self.patch(&format!("/Users/{id}"), operations).await;
        }
        self.oracle.users.insert(id.to_owned(), user);
    }

    async fn rename_user(&mut self, id: &str) {
        let name = self.fresh("renamed");
        self.patch(&format!("/Users/{id}"), json!([{"op": "replace", "path": "userName", "value": name}]))
            .await;
        let user = self.oracle.users.get_mut(id).unwrap();
        let former = std::mem::replace(&mut user.login, name);
        self.oracle.former_names.entry(id.to_owned()).or_default().push(former.clone());
        self.oracle.former_users.insert(former);
    }

    async fn switch_user(&mut self, id: &str) {
        let active = !self.oracle.users[id].active;
        self.patch(&format!("/Users/{id}"), json!([{"op": "replace", "value": {"active": active}}])).await;
        self.oracle.users.get_mut(id).unwrap().active = active;
    }

    async fn delete_user(&mut self, id: &str) {
        self.delete(&format!("/Users/{id}")).await;
        let user = self.oracle.users.remove(id).unwrap();
        self.oracle.former_users.insert(user.login);
        self.oracle.former_addresses.entry(id.to_owned()).or_default().push(user.email);
        for group in self.oracle.groups.values_mut() {
            group.members.remove(id);
        }
    }

    async fn create_group(&mut self) {
        let display_name = self.fresh("group");
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": display_name,
        });
        let deadline = Instant::now() + PATIENCE;
        // Names of groups are not unique: whether an unanswered try was carried out must be looked up.
        let id = loop {
            match self.try_once(Method::POST, "/Groups", &body).await {
                Some((201, body)) => break body["id"].as_str().unwrap().to_owned(),
                Some((status, body)) => panic!("POST /Groups: {status}: {body}"),
                None => {
                    if let Some(id) = self.find("/Groups", "displayName", &display_name).await {
                        break id;
                    }
                }
            }
            assert!(Instant::now() < deadline, "POST /Groups was never acknowledged");
        };
        self.oracle.groups.insert(id, Group { display_name, members: BTreeSet::new() });
    }

    async fn add_members(&mut self, id: &str) {
        let members = self.some_users();
        let value: Vec<Value> = members.iter().map(|member| json!({"value": member})).collect();
        self.patch(&format!("/Groups/{id}"), json!([{"op": "add", "path": "members", "value": value}])).await;
        self.oracle.groups.get_mut(id).unwrap().members.extend(members);
    }

    async fn remove_members(&mut self, id: &str) {
        let members = self.some_users();
        let operations: Vec<Value> = members
            .iter()
            .map(|member| json!({"op": "remove", "path": format!("members[value eq \"{member}\"]")}))
            .collect();
        self.patch(&format!("/Groups/{id}"), json!(operations)).await;
        self.oracle.groups.get_mut(id).unwrap().members.retain(|member| !members.contains(member));
    }

    async fn replace_members(&mut self, id: &str) {
        let members = self.some_users();
        let value: Vec<Value> = members.iter().map(|member| json!({"value": member})).collect();
        let display_name = self.oracle.groups[id].display_name.clone();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": display_name, "members": value,
        });
        self.expect_ok(Method::PUT, &format!("/Groups/{id}"), &body).await;
        self.oracle.groups.get_mut(id).unwrap().members = members;
    }

    async fn rename_group(&mut self, id: &str) {
        let name = self.fresh("renamed-group");
        let operations = json!([{"op": "replace", "value": {"id": id, "displayName": name}}]);
        self.patch(&format!("/Groups/{id}"), operations).await;
        let group = self.oracle.groups.get_mut(id).unwrap();
        let former = std::mem::replace(&mut group.display_name, name);
        self.oracle.former_groups.insert(former);
    }

    async fn delete_group(&mut self, id: &str) {
        self.delete(&format!("/Groups/{id}")).await;
        let group = self.oracle.groups.remove(id).unwrap();
        self.oracle.former_groups.insert(group.display_name);
    }

    fn next(&mut self) -> usize {
        self.counter += 1;
        self.counter
    }

    fn fresh(&mut self, kind: &str) -> String {
        let number = self.next();
        format!("{}.{kind}.{number}", self.name)
    }

    fn any_user(&mut self) -> Option<String> {
        let ids: Vec<&String> = self.oracle.users.keys().collect();
        ids.choose(&mut self.random).map(|id| (*id).clone())
    }

    fn any_group(&mut self) -> Option<String> {
        let ids: Vec<&String> = self.oracle.groups.keys().collect();
        ids.choose(&mut self.random).map(|id| (*id).clone())
    }

    fn some_users(&mut self) -> BTreeSet<String> {
        let count = self.random.random_range(1..=5);
        let ids: Vec<&String> = self.oracle.users.keys().collect();
        ids.sample(&mut self.random, count).map(|id| (*id).clone()).collect()
    }

    async fn patch(&self, path: &str, operations: Value) {
        let body =
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
        self.expect_ok(Method::PATCH, path, &body).await;
    }

    async fn expect_ok(&self, method: Method, path: &str, body: &Value) {
        let answer = self.send(method.clone(), path, body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
    }

    async fn delete(&self, path: &str) {
        let answer = self.send(Method::DELETE, path, &Value::Null).await;
        let done = answer.status == 204 || (answer.status == 404 && answer.repeated);
        assert!(done, "DELETE {path}: {}: {}", answer.status, answer.body);
    }

    /// The id of the resource with this value, if there is one; asked until there is an answer.
    async fn find(&self, path: &str, attribute: &str, value: &str) -> Option<String> {
        let filter = format!("{attribute} eq \"{value}\"");
        let answer = self.send_query(path, &filter).await;
        answer["Resources"][0]["id"].as_str().map(str::to_owned)
    }

    /// Sends a write until it is answered by other than a failure of the server.
    async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        let mut repeated = false;
        loop {
            if let Some((status, body)) = self.try_once(method.clone(), path, body).await {
                return Answer { status, body, repeated };
            }
            repeated = true;
            assert!(Instant::now() < deadline, "{method} {path} was never acknowledged");
        }
    }

    async fn send_query(&self, path: &str, filter: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let request = self.client.get(format!("{}{path}", self.base_url)).query(&[("filter", filter)]);
            if let Ok(answer) = request.bearer_auth(&self.token).send().await
                && answer.status().is_success()
                && let Ok(body) = answer.json().await
            {
                return body;
            }
            assert!(Instant::now() < deadline, "GET {path} was never answered");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One try; `None` when no answer came or the server was unavailable.
    async fn try_once(&self, method: Method, path: &str, body: &Value) -> Option<(u16, Value)> {
        let mut request =
            self.client.request(method.clone(), format!("{}{path}", self.base_url)).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let answered = async {
            let answer = request.send().await.ok()?;
            Some((answer.status().as_u16(), answer.text().await.ok()?))
        };
        match answered.await {
            Some((status, text)) if status != 503 => {
                assert_ne!(status, 500, "{method} {path}: {text}");
                Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
            }
            _ => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }
}
