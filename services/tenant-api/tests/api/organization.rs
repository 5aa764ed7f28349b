//! A tenant with one of everything, made as its admins and its identity provider would make it.

use serde_json::{Value, json};
use store::accounts::Acquired;
use store::directory::WriteContext;
use store::entity::words::{RunOutcome, TaskKind};
use store::groups::GroupWrite;
use store::id::{ConnectionId, SiteId};
use store::members::MemberDelta;
use store::naming::{MemberName, UnknownMembers};
use store::users::UserWrite;
use store::{TenantStore, Timestamp};
use uuid::Uuid;

use crate::harness::{Api, CLIENT_ID, CLIENT_SECRET, OPERATOR, text};

/// A tenant and the keys of its people.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) owner: String,
    pub(crate) admin: String,
    pub(crate) auditor: String,
}

impl Tenant {
    pub(crate) async fn new(api: &Api, slug: &str) -> Self {
        let body = json!({"slug": slug, "name": "An organization"});
        let tenant = api.post("/v1/tenants", body).by(OPERATOR).send().await.expect(201);
        let id = text(&tenant, "id");
        let key = async |role: &str| {
            let body = json!({"name": role, "role": role});
            let path = format!("/v1/tenants/{id}/keys");
            text(&api.post(&path, body).by(OPERATOR).send().await.expect(201), "key")
        };
        let (owner, admin, auditor) = (key("owner").await, key("admin").await, key("auditor").await);
        Self { id, slug: slug.to_owned(), owner, admin, auditor }
    }

    /// A path below the tenant's.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/tenants/{}{rest}", self.slug)
    }

    pub(crate) async fn make(&self, api: &Api, rest: &str, body: Value) -> Value {
        api.post(&self.path(rest), body).by(&self.owner).send().await.expect(201)
    }

    pub(crate) async fn connection(&self, api: &Api, name: &str) -> String {
        let body = json!({"name": name, "provider": "oracle", "method": "scim"});
        text(&self.make(api, "/connections", body).await, "id")
    }

    pub(crate) async fn site(&self, api: &Api, name: &str) -> String {
        text(&self.make(api, "/sites", site_body(name)).await, "id")
    }

    pub(crate) async fn link(&self, api: &Api, connection: &str, site: &str) -> String {
        let body = json!({"connection_id": connection, "site_id": site});
        text(&self.make(api, "/links", body).await, "id")
    }

    /// How many changes its audit log tells of; that the operator looked is none.
    pub(crate) async fn changes(&self, api: &Api) -> usize {
        let entries = api.tenant(&self.id).audit().list(None, 1000).await.unwrap();
        entries.iter().filter(|entry| entry.action != "break_glass.use").count()
    }

    /// Lets the operator see its people, and says by which id that is ended.
    pub(crate) async fn break_glass(&self, api: &Api) -> String {
        let body = json!({"reason": "A. Operator, ticket 42"});
        text(&api.post(&self.path("/break-glass"), body).by(OPERATOR).send().await.expect(201), "id")
    }
}

pub(crate) fn site_body(name: &str) -> Value {
    json!({
        "name": name, "product": "jira-data-center", "base_url": "https://jira.example.com",
        "credentials": {"type": "bearer", "token": "a-token-of-the-site"},
    })
}

/// How people sign in.
pub(crate) fn sign_in_body(issuer: &str) -> Value {
    json!({
        "issuer": issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
        "roles": [{"value": "rollcall-admins", "role": "admin"}, {"value": "everyone", "role": "auditor"}],
    })
}

/// The definition of a schema extension.
pub(crate) fn definition(name: &str) -> Value {
    json!({"id": format!("urn:acme:schemas:{name}"), "attributes": [{"name": "level", "type": "integer"}]})
}

/// One of everything that a path can name.
pub(crate) struct Organization {
    pub(crate) tenant: Tenant,
    pub(crate) connection: String,
    pub(crate) token: String,
    pub(crate) setup_link: String,
    /// The set-up link's secret.
    pub(crate) setup_secret: String,
    /// The token's secret.
    pub(crate) scim_token: String,
    pub(crate) site: String,
    pub(crate) link: String,
    pub(crate) run: String,
    /// A time in which the operator may see its people; it is over.
    pub(crate) break_glass: String,
    pub(crate) key: String,
    pub(crate) schema: String,
    /// Where its people sign in.
    pub(crate) issuer: String,
    pub(crate) user: String,
    pub(crate) group: String,
    /// The ledger's account that the user claims, as does somebody of another directory: it is not settled whose it is.
    /// Only of an organization at work.
    pub(crate) account: String,
    /// Another account of the ledger.
    pub(crate) spare_account: String,
    /// The directory whose users claim both as well.
    other_connection: String,
}

impl Organization {
    pub(crate) async fn new(api: &Api, slug: &str) -> Self {
        let tenant = Tenant::new(api, slug).await;
        let connection = tenant.connection(api, "Oracle IDCS").await;
        let setup_links = format!("/connections/{connection}/setup-links");
        let setup_link = tenant.make(api, &setup_links, json!({})).await;
        let setup_secret = text(&setup_link, "url").rsplit('/').next().unwrap().to_owned();
        let token =
            tenant.make(api, &format!("/connections/{connection}/tokens"), json!({"name": "first"})).await;
        let site = tenant.site(api, "Jira").await;
        let link = tenant.link(api, &connection, &site).await;
        let key = tenant.make(api, "/keys", json!({"name": "spare", "role": "auditor"})).await;
        let break_glass = tenant.break_glass(api).await;
        let path = tenant.path(&format!("/break-glass/{break_glass}"));
        api.delete(&path).by(OPERATOR).send().await.expect(204);
        let schema = json!({"resource_type": "user", "definition": definition("badge")});
        let schema = tenant.make(api, "/schemas", schema).await;
        let runs = tenant.path(&format!("/links/{link}/runs"));
        let run = api.post(&runs, json!({})).by(&tenant.owner).send().await.expect(202);
        let store = api.tenant(&tenant.id);
        let user = add_user(&store, &connection, "ada").await;
        let group = add_group(&store, &connection, "Engineers", &[&user]).await;
        Self {
            issuer: api.openid.issuer.clone(),
            account: String::new(),
            spare_account: String::new(),
            other_connection: String::new(),
            connection,
            setup_link: text(&setup_link, "id"),
            setup_secret,
            token: text(&token, "id"),
            scim_token: text(&token, "token"),
            site,
            link,
            run: text(&run, "id"),
            break_glass,
            key: text(&key, "id"),
            schema: text(&schema, "id"),
            user,
            group,
            tenant,
        }
    }

    /// With accounts in the ledger.
    pub(crate) async fn at_work(api: &Api, slug: &str) -> Self {
        let mut own = Self::new(api, slug).await;
        let store = api.tenant(&own.tenant.id);
        let elsewhere = own.tenant.connection(api, "The other directory").await;
        let other = add_user(&store, &elsewhere, "ada").await;
        claim(&store, &own.site, &elsewhere, &other, "ada").await;
        own.account = claim(&store, &own.site, &own.connection, &own.user, "ada").await;
        own.let_people_sign_in(api).await;
        own.other_connection = elsewhere.clone();
        let third = own.tenant.connection(api, "A third directory").await;
        let spare = add_user(&store, &third, "grace").await;
        own.spare_account = claim(&store, &own.site, &third, &spare, "grace").await;
        own
    }

    /// Has people sign in at the identity provider of the tests.
    pub(crate) async fn let_people_sign_in(&self, api: &Api) {
        let path = self.tenant.path("/sign-in");
        api.call("PUT", &path)
            .json(sign_in_body(&self.issuer))
            .by(&self.tenant.owner)
            .send()
            .await
            .expect(200);
    }

    /// Has another user and account that nobody has spoken of yet, for what can be done once to each.
    pub(crate) async fn meet_another(&mut self, api: &Api) {
        let store = api.tenant(&self.tenant.id);
        let name = format!("namesake-{}", Uuid::now_v7());
        let other = add_user(&store, &self.other_connection, &name).await;
        claim(&store, &self.site, &self.other_connection, &other, &name).await;
        self.user = add_user(&store, &self.connection, &name).await;
        self.account = claim(&store, &self.site, &self.connection, &self.user, &name).await;
    }
}

fn context() -> WriteContext {
    WriteContext { request_id: "a-request".into(), trace_context: None }
}

pub(crate) async fn add_user(store: &TenantStore, connection: &str, name: &str) -> String {
    let users = store.users(connection.parse::<ConnectionId>().unwrap());
    let document = json!({"userName": name, "displayName": name.to_uppercase(), "externalId": name});
    let write = UserWrite { document, summary: "Created".into(), detail: None };
    users.insert(write, &context()).await.unwrap().id.to_string()
}

pub(crate) async fn add_group(store: &TenantStore, connection: &str, name: &str, members: &[&str]) -> String {
    let groups = store.groups(connection.parse::<ConnectionId>().unwrap());
    let add = members.iter().map(|id| MemberName { text: (*id).to_owned(), kind: None }).collect();
    let write = GroupWrite {
        document: json!({"displayName": name}),
        members: MemberDelta { add, ..MemberDelta::default() },
        summary: "Created".into(),
        detail: None,
    };
    groups.insert(write, UnknownMembers::Parked, &context()).await.unwrap().id.to_string()
}

/// Lets a user claim the account of a name, as work does before its first call.
pub(crate) async fn claim(
    store: &TenantStore,
    site: &str,
    connection: &str,
    user: &str,
    username: &str,
) -> String {
    let accounts = store.accounts(site.parse::<SiteId>().unwrap());
    let (user, connection) = (user.parse().unwrap(), connection.parse().unwrap());
    let lease = std::time::Duration::from_millis(1);
    let acquired = accounts.acquire(user, connection, Some(username), lease).await.unwrap();
    let Acquired::Held(held) = acquired else { panic!("{username} is taken: {acquired:?}") };
    accounts.abandon(&held).await.unwrap();
    held.account.id.to_string()
}

/// Claims all that is due at a site, and ends it as a worker would.
pub(crate) async fn end_due_tasks(
    store: &TenantStore,
    site: &str,
    end: impl Fn(&store::entity::task::Model) -> store::tasks::TaskEnd,
) -> usize {
    let tasks = store.tasks(site.parse::<SiteId>().unwrap());
    let due = tasks.claim(Uuid::now_v7(), std::time::Duration::from_mins(1), 1000).await.unwrap();
    for task in &due {
        tasks.end(task, end(task), Vec::new(), RunOutcome::Held).await.unwrap();
    }
    due.len()
}

/// When the task of a user is due, if there is one.
pub(crate) async fn due(store: &TenantStore, site: &str, user: &str) -> Option<Timestamp> {
    let tasks = store.tasks(site.parse::<SiteId>().unwrap());
    Some(tasks.find(TaskKind::User, user.parse().unwrap()).await.unwrap()?.due_at)
}
