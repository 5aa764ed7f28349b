//! `docs/settings.md` says what each setting does at each product. Here it is done, product by product, and the table is
//! held against what the site shows. Run with `ROLLCALL_WRITE_DOCS=1` and one test at a time to write the table anew.

use std::collections::BTreeSet;
use std::path::PathBuf;

use policy::settings::LinkSettings;
use serde_json::{Value, json};
use sync::connectors::Connectors;

use crate::simulated::Simulated;
use crate::world::{World, names, person};

const WRITE: &str = "ROLLCALL_WRITE_DOCS";

/// Each row's setting, and what is looked at.
const ROWS: [&str; 23] = [
    "`user_sync.create`: an account is made",
    "`user_sync.update`: a new display name follows",
    "`user_sync.update`: a new user name follows, the account stays the same",
    "`user_sync.update`: a new e-mail address follows",
    "`user_sync.reactivate`: who comes back can work again",
    "`user_sync.on_deprovision: deactivate`",
    "`user_sync.on_deprovision: delete`",
    "`user_sync.on_deprovision: strip_groups`",
    "`user_sync.on_deprovision: keep`",
    "`user_sync.scope`: who is out of it gets no account",
    "`user_sync.attributes`: the display name is what the expression makes",
    "`user_sync.username_if_taken`: the second of one name gets an account of another",
    "`user_sync.match: email`: an account of another name is recognised by its address",
    "`user_sync.default_project_lead`, `default_component_lead`",
    "`group_sync.mode: on_the_fly`: the group of the same name is made and filled",
    "`group_sync.mode: manual`, `mappings`: the mapped groups are filled",
    "`group_sync.mode: off`: no group is filled",
    "`group_sync.include`, `exclude`: what is kept out is not made",
    "`group_sync.rename`: the renamed group is filled",
    "`group_sync.create_missing: false`: no group is made",
    "`group_sync.default_groups_all_users`, `default_groups_new_users`",
    "`group_sync.keep_existing: false`: who was put in by hand is taken out",
    "`group_sync.protected`: a protected group is left as it is",
];

macro_rules! columns {
    ($($test:ident: $product:ident, $title:literal;)+) => {
        /// The products, as the table's head names them.
        const COLUMNS: &[&str] = &[$($title),+];

        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            column(Simulated::$product, $title).await;
        })+
    };
}

columns! {
    jira_data_center: Jira, "Jira DC";
    confluence_data_center: Confluence, "Confluence DC";
    bitbucket_data_center: Bitbucket, "Bitbucket DC";
    crowd: Crowd, "Crowd";
    atlassian_cloud: Cloud, "Atlassian Cloud";
    jira_cloud: JiraCloud, "Jira Cloud, no key";
    jira_cloud_with_key: JiraCloudWithKey, "Jira Cloud";
}

async fn column(product: Simulated, title: &str) {
    let mut cells = Vec::with_capacity(ROWS.len());
    for row in ROWS {
        let world = World::at(store::testing::sqlite_store().await, product).await;
        cells.push(Stage { world }.look(row).await);
    }
    if std::env::var_os(WRITE).is_some() {
        write_column(title, &cells);
    }
    let table = read_table();
    let at = 1 + COLUMNS.iter().position(|known| *known == title).unwrap();
    for (row, cell) in ROWS.iter().zip(&cells) {
        let line = table.iter().find(|line| line[0] == *row).unwrap_or_else(|| panic!("no row {row}"));
        assert_eq!(line[at], *cell, "{row} at {title}: write the table anew with {WRITE}=1");
    }
}

/// Whether the site shows what a setting asks for.
type Holds = Box<dyn Fn(&World) -> bool + Send>;

/// A site on which one setting is looked at.
struct Stage {
    world: World,
}

fn yes_or_no(holds: bool) -> String {
    if holds { "yes" } else { "no" }.to_owned()
}

impl Stage {
    async fn look(mut self, row: &str) -> String {
        let (setting, _) = row.split_once(": ").unwrap_or((row, ""));
        match setting {
            "`user_sync.create`" => self.create().await,
            "`user_sync.update`" => self.update(row).await,
            "`user_sync.reactivate`" => self.reactivate().await,
            "`user_sync.on_deprovision" => self.on_deprovision(row).await,
            "`user_sync.scope`" => self.scope().await,
            "`user_sync.attributes`" => self.attributes().await,
            "`user_sync.username_if_taken`" => self.named_otherwise().await,
            "`user_sync.match" => self.recognised_by_email().await,
            "`user_sync.default_project_lead`, `default_component_lead`" => self.leads().await,
            _ => self.groups(row).await,
        }
    }

    async fn run(&mut self, settings: Value) {
        self.world.settings(settings).await;
        self.world.start();
        self.world.full_run().await;
        self.world.stop().await;
    }

    async fn create(&mut self) -> String {
        self.world.user("ada").await;
        self.world.work().await;
        yes_or_no(self.world.account("ada").is_some())
    }

    async fn named_otherwise(&mut self) -> String {
        if self.world.product.names_by_email() {
            return "no user names".to_owned();
        }
        let rule = json!({"attributes": {"username": "user.nickName"}, "username_if_taken": "username ~ n"});
        self.world.settings(json!({ "user_sync": rule })).await;
        for name in ["ada", "adelaide"] {
            let mut document = person(name);
            document["nickName"] = json!("ada");
            self.world.user_in(self.world.connection, document).await;
        }
        self.world.work().await;
        yes_or_no(self.world.account("ada").is_some() && self.world.account("ada2").is_some())
    }

    async fn update(&mut self, row: &str) -> String {
        if row.contains("user name") && self.world.product.names_by_email() {
            return "no user names".to_owned();
        }
        let ada = self.world.user("ada").await;
        self.world.work().await;
        let key = self.world.account("ada").unwrap().key;
        let change = if row.contains("display name") {
            json!({"displayName": "Countess"})
        } else if row.contains("user name") {
            json!({"userName": "countess"})
        } else {
            json!({"emails": [{"value": "countess@example.com", "primary": true}]})
        };
        self.world.edit(ada, change).await;
        self.world.work().await;
        let account = self.world.state().users.into_iter().find(|user| user.key == key).unwrap();
        yes_or_no(if row.contains("display name") {
            account.display_name == "Countess"
        } else if row.contains("user name") {
            account.name == "countess"
        } else {
            account.email == "countess@example.com"
        })
    }

    async fn reactivate(&mut self) -> String {
        let ada = self.world.user("ada").await;
        self.world.group("team", &[ada]).await;
        self.world.work().await;
        self.world.active(ada, false).await;
        self.world.work().await;
        self.world.active(ada, true).await;
        self.world.work().await;
        yes_or_no(self.world.has_access("ada") && self.world.members("team").contains("ada"))
    }

    async fn on_deprovision(&mut self, row: &str) -> String {
        let words = ["deactivate", "delete", "strip_groups", "keep"];
        let word = words.into_iter().find(|word| row.contains(word)).unwrap();
        self.world.settings(json!({"user_sync": {"on_deprovision": word}})).await;
        let ada = self.world.user("ada").await;
        self.world.group("team", &[ada]).await;
        self.world.work().await;
        self.world.delete(ada).await;
        self.world.work().await;
        let Some(account) = self.world.account("ada") else { return "account deleted".to_owned() };
        let in_group = self.world.members("team").contains("ada");
        match (account.active, in_group) {
            (false, true) => "deactivated, keeps its groups",
            (false, false) => "deactivated",
            (true, false) => "loses its groups",
            (true, true) => "stays as it is",
        }
        .to_owned()
    }

    async fn scope(&mut self) -> String {
        self.world.settings(json!({"user_sync": {"scope": "userName eq \"ada\""}})).await;
        self.world.user("ada").await;
        self.world.user("bob").await;
        self.world.work().await;
        yes_or_no(self.world.account("ada").is_some() && self.world.account("bob").is_none())
    }

    async fn attributes(&mut self) -> String {
        self.world
            .settings(json!({"user_sync": {"attributes": {"display_name": "'Dr ' ~ user.userName"}}}))
            .await;
        self.world.user("ada").await;
        self.world.work().await;
        yes_or_no(self.world.account("ada").unwrap().display_name == "Dr ada")
    }

    async fn recognised_by_email(&mut self) -> String {
        if self.world.product.names_by_email() {
            return "always".to_owned();
        }
        let stood_there = json!({"name": "lovelace", "email": "ada@example.com"});
        self.world.behind_our_back("users", &stood_there).await;
        self.world.settings(json!({"user_sync": {"match": ["id", "email"], "update": false}})).await;
        self.world.user("ada").await;
        self.world.work().await;
        yes_or_no(self.world.account("ada").is_none())
    }

    async fn leads(&mut self) -> String {
        let site = self.world.site_row().await;
        let connectors = Connectors::new(self.world.options.http.clone());
        let connected = connectors.of(&self.world.tenant, &site).await.unwrap();
        // That they take over is held by the tests of leads.
        if connected.capabilities.has_leads { "yes" } else { "no leads there" }.to_owned()
    }

    async fn groups(&mut self, row: &str) -> String {
        let ada = self.world.user("ada").await;
        self.world.group("team", &[ada]).await;
        let members = |world: &World, group: &str| world.members(group);
        let is_there = |world: &World, group: &str| world.state().groups.iter().any(|g| g.name == group);
        let only_ada = names(&["ada"]);
        let nobody = BTreeSet::new();
        let (settings, holds): (Value, Holds) = if row.contains("on_the_fly") {
            (json!({}), Box::new(move |world| members(world, "team") == only_ada))
        } else if row.contains("manual") {
            let mappings = json!([{"idp_group": "team", "site_groups": ["red", "blue"]}]);
            let holds =
                move |world: &World| members(world, "red") == only_ada && members(world, "blue") == only_ada;
            (json!({"mode": "manual", "mappings": mappings}), Box::new(holds))
        } else if row.contains("mode: off") {
            (json!({"mode": "off"}), Box::new(move |world| !is_there(world, "team")))
        } else if row.contains("exclude") {
            (json!({"exclude": ["^team$"]}), Box::new(move |world| !is_there(world, "team")))
        } else if row.contains("rename") {
            let rename = json!([{"pattern": "^(.+)$", "replace": "jira-$1"}]);
            (json!({ "rename": rename }), Box::new(move |world| members(world, "jira-team") == only_ada))
        } else if row.contains("create_missing") {
            (json!({"create_missing": false}), Box::new(move |world| !is_there(world, "team")))
        } else if row.contains("default_groups") {
            let holds =
                move |world: &World| members(world, "all") == only_ada && members(world, "new") == only_ada;
            (
                json!({"default_groups_all_users": ["all"], "default_groups_new_users": ["new"]}),
                Box::new(holds),
            )
        } else if row.contains("keep_existing") {
            self.world.group("other", &[]).await;
            self.world.work().await;
            self.world
                .behind_our_back("groups", &json!({"name": "other", "members": [self.site_name()]}))
                .await;
            (json!({"keep_existing": false}), Box::new(move |world| members(world, "other") == nobody))
        } else {
            self.world.behind_our_back("groups", &json!({"name": "team"})).await;
            (json!({"protected": ["team"]}), Box::new(move |world| members(world, "team") == nobody))
        };
        let settings = json!({ "group_sync": settings });
        serde_json::from_value::<LinkSettings>(settings.clone()).unwrap().compile().unwrap();
        self.run(settings).await;
        yes_or_no(holds(&self.world))
    }

    /// What the site itself calls ada's account.
    fn site_name(&self) -> String {
        if self.world.product.names_by_email() { "ada@example.com".to_owned() } else { "ada".to_owned() }
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/settings.md")
}

/// The table's lines as cells, without its head.
fn read_table() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path()).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("| `"));
    lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// Writes one product's cells, and leaves the others'.
fn write_column(title: &str, cells: &[String]) {
    let known = read_table();
    let at = 1 + COLUMNS.iter().position(|column| *column == title).unwrap();
    let mut lines = vec![
        format!("| setting | {} |", COLUMNS.join(" | ")),
        format!("| --- |{}", " --- |".repeat(COLUMNS.len())),
    ];
    for (row, cell) in ROWS.iter().zip(cells) {
        let mut line = known
            .iter()
            .find(|line| line[0] == *row && line.len() == COLUMNS.len() + 1)
            .cloned()
            .unwrap_or_else(|| {
                let mut line = vec!["?".to_owned(); COLUMNS.len() + 1];
                (*row).clone_into(&mut line[0]);
                line
            });
        line[at].clone_from(cell);
        lines.push(format!("| {} |", line.join(" | ")));
    }
    let text = std::fs::read_to_string(path()).unwrap();
    let (before, rest) = text.split_once("<!-- table -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of table -->").unwrap();
    let table = lines.join("\n");
    std::fs::write(path(), format!("{before}<!-- table -->\n{table}\n<!-- end of table -->{after}")).unwrap();
}
