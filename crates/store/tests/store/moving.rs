//! A tenant moves from one database to another whole, whoever still writes and wherever it is interrupted.

use std::collections::BTreeSet;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, Statement, TransactionTrait as _};
use store::entity::words::TenantStatus;
use store::moving::{ARRIVED, MoveError, TABLES, TenantMove};
use store::testing::{TestStore, postgres_store, sqlite_store};
use store::users::UserWrite;
use store::vault::Vault;
use store::{Error, Store, StoreOptions};

use crate::place::{Place, context, user_write};

/// The cell that a tenant comes to, with a master key of its own.
struct Other {
    store: Store,
    _database: TestStore,
}

impl Other {
    async fn new() -> Self {
        let database = postgres_store().await;
        let vault = Vault::new(&[9; 32]).unwrap();
        let store = Store::connect(StoreOptions::new(database.url()), vault).await.unwrap();
        Self { store, _database: database }
    }
}

/// One column of text.
async fn texts(store: &Store, sql: &str) -> Vec<String> {
    let mut store = store.clone();
    let database = store.connection_mut();
    let rows = database.query_all_raw(Statement::from_string(database.get_database_backend(), sql)).await;
    rows.unwrap().iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Every row of a tenant's tables as text, but for what belongs to the cell.
async fn everything(store: &Store) -> Vec<Vec<String>> {
    let mut tables = Vec::new();
    for table in TABLES {
        let keeps = "to_jsonb(t) - 'wrapped_key' - 'status' - 'version' - 'updated_at' \
                     - 'audit_sequence' - 'audit_digest'";
        let row = if *table == "tenants" { keeps } else { "to_jsonb(t)" };
        // The move itself is noted where the tenant has come to.
        let but = if *table == "audit" { format!("WHERE action <> '{ARRIVED}'") } else { String::new() };
        let sql = format!("SELECT CAST({row} AS text) FROM {table} t {but} ORDER BY 1");
        tables.push(texts(store, &sql).await);
    }
    tables
}

/// A tenant with something in many of its tables.
async fn furnished() -> Place {
    let place = Place::postgres().await;
    let ann = place.user("ann").await;
    place.user("bob").await;
    place.group("Staff", &[ann.0]).await;
    place.tenant.tokens(place.connection).insert("token", None).await.unwrap();
    place.tenant.audit().insert("operator", "site.create", "site", "x".into(), None).await.unwrap();
    place
}

fn refusal(error: MoveError) -> String {
    match error {
        MoveError::Refused(why) => why,
        MoveError::Store(error) => panic!("{error:?}"),
    }
}

async fn status(store: &Store) -> Option<TenantStatus> {
    Some(store.tenants().find_by_slug("acme").await.unwrap()?.status)
}

#[tokio::test]
async fn every_table_that_knows_of_tenants_is_moved_after_those_that_it_refers_to() {
    let store = postgres_store().await;
    let named = "SELECT table_name::text FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND column_name = 'tenant_id'";
    let named: BTreeSet<String> = texts(&store, named).await.into_iter().collect();
    let mut moved: BTreeSet<String> = TABLES.iter().map(|table| (*table).to_owned()).collect();
    assert!(moved.remove("tenants"));
    // The rest is told to the gateways, by the cell that it is of.
    assert_eq!(named.difference(&moved).collect::<Vec<_>>(), ["route_changes"]);
    assert!(moved.is_subset(&named));
    let references = "SELECT conrelid::regclass || ' ' || confrelid::regclass FROM pg_constraint \
                      WHERE contype = 'f'";
    let place_of = |name: &str| TABLES.iter().position(|table| *table == name);
    for reference in texts(&store, references).await {
        let (from, to) = reference.split_once(' ').unwrap();
        if let (Some(from), Some(to)) = (place_of(from), place_of(to)) {
            assert!(to < from, "{reference}");
        }
    }
}

#[tokio::test]
async fn moved_tenant_is_whole_and_its_secrets_open_under_the_other_master_key() {
    let (place, other) = (furnished().await, Other::new().await);
    let before = everything(&place.store).await;
    let mut moving = TenantMove::prepare(&place.store, &other.store, "acme").await.unwrap();
    moving.quiesce(Duration::ZERO).await.unwrap();
    assert_eq!(status(&place.store).await, Some(TenantStatus::Leaving));
    let mut copied = Vec::new();
    moving.copy(|table| copied.push(table)).await.unwrap();
    assert_eq!(copied.iter().map(|table| table.table).collect::<Vec<_>>(), TABLES);
    assert_eq!(status(&other.store).await, Some(TenantStatus::Arriving), "it is not served before the end");
    let tenant = moving.finish().await.unwrap();
    assert_eq!((tenant.id, tenant.status), (place.tenant.id(), TenantStatus::Active));
    assert_eq!(everything(&other.store).await, before);
    assert!(everything(&place.store).await.iter().all(Vec::is_empty), "nothing stays behind");
    assert_eq!(texts(&other.store, "SELECT action FROM audit ORDER BY id DESC LIMIT 1").await, [ARRIVED]);
    let sites = other.store.tenant(tenant.id).sites();
    let site = sites.get(place.site).await.unwrap();
    assert_eq!(sites.open_credentials(&site).await.unwrap().as_slice(), b"secret");
    other.store.tenants().check_keys().await.unwrap();
    // And back.
    let mut back = TenantMove::prepare(&other.store, &place.store, "acme").await.unwrap();
    back.quiesce(Duration::ZERO).await.unwrap();
    back.copy(|_| {}).await.unwrap();
    back.finish().await.unwrap();
    assert_eq!(everything(&place.store).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_of_what_late_writers_were_promised() {
    let (place, other) = (furnished().await, Other::new().await);
    let writers = (0..3).map(|writer| {
        let (tenant, connection) = (place.tenant.clone(), place.connection);
        tokio::spawn(async move {
            let mut promised = Vec::new();
            for number in 0..12 {
                let users = tenant.users(connection);
                let name = format!("user-{writer}-{number}");
                match users.insert(user_write(&name), &context()).await {
                    Ok(row) => promised.push((row.id, name.clone())),
                    // It is gone.
                    Err(Error::Database(_) | Error::NotFound(_)) => {}
                    Err(Error::Unavailable(_)) => continue,
                    Err(error) => panic!("{error:?}"),
                }
                // A change of what is there already is held up by no other table.
                let index = number % promised.len().max(1);
                if let Some((id, name)) = promised.get_mut(index) {
                    let renamed = format!("{name}+{number}");
                    let edit = |_: &store::entity::user::Model| {
                        Ok::<_, std::convert::Infallible>(UserWrite {
                            summary: "Renamed".into(),
                            ..user_write(&renamed)
                        })
                    };
                    if users.modify(*id, &context(), edit).await.is_ok() {
                        *name = renamed;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            promised
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut moving = TenantMove::prepare(&place.store, &other.store, "acme").await.unwrap();
    // Without waiting for anybody.
    let mut tries = 0;
    moving.copy(|copied| tries += usize::from(copied.table == "tenants")).await.unwrap();
    moving.finish().await.unwrap();
    let mut promised: BTreeSet<String> = ["ann".to_owned(), "bob".to_owned()].into();
    for writer in writers {
        promised.extend(writer.await.unwrap().into_iter().map(|(_, name)| name));
    }
    println!("{} users promised, copied {tries} times", promised.len());
    let users = "SELECT document::jsonb->>'userName' FROM users";
    assert_eq!(texts(&other.store, users).await.into_iter().collect::<BTreeSet<_>>(), promised);
    assert!(everything(&place.store).await.iter().all(Vec::is_empty), "nothing stays behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_between_copying_and_deleting_is_copied_again() {
    let (place, other) = (furnished().await, Other::new().await);
    let new = "(jsonb_populate_record(u, '{\"id\": \"0192e4a0-0000-7000-8000-000000000001\", \
               \"user_name_folded\": \"new\"}')).*";
    // None of them asks for the tenant's own row, which is held.
    let mut late = vec![
        "DELETE FROM users WHERE user_name_folded = 'bob'".to_owned(),
        format!("INSERT INTO users SELECT {new} FROM users u WHERE user_name_folded = 'ann'"),
        "UPDATE users SET version = 99 WHERE user_name_folded = 'ann'".to_owned(),
    ];
    let mut moving = TenantMove::prepare(&place.store, &other.store, "acme").await.unwrap();
    let mut tries = 0;
    let written = |sql: String| {
        let wrote = async { place.sql(&sql).await.unwrap() };
        let wrote = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(wrote));
        assert_eq!(wrote, 1, "{sql}");
    };
    let told = |copied: store::moving::Copied| {
        if copied.table == "group_members" {
            tries += 1;
            late.pop().into_iter().for_each(written);
        }
    };
    moving.copy(told).await.unwrap();
    moving.finish().await.unwrap();
    assert_eq!(tries, 4, "each of the writes made it try again");
    let users = "SELECT user_name_folded || ' ' || version FROM users ORDER BY 1";
    assert_eq!(texts(&other.store, users).await, ["ann 99", "new 99"]);
    assert!(everything(&place.store).await.iter().all(Vec::is_empty), "nothing stays behind");
}

/// A move after another one, whose locks go when the database notices that its connections are closed.
async fn prepared_again<'a>(place: &'a Place, other: &'a Other) -> TenantMove<'a> {
    loop {
        match TenantMove::prepare(&place.store, &other.store, "acme").await {
            Ok(moving) => return moving,
            Err(error) => assert!(refusal(error).contains("somebody else is moving")),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn move_that_was_interrupted_is_finished_or_given_up() {
    let (place, other) = (furnished().await, Other::new().await);
    let before = everything(&place.store).await;
    let begin = async || {
        let moving = prepared_again(&place, &other).await;
        moving.quiesce(Duration::ZERO).await.unwrap();
        moving
    };
    // Given up before anything was copied.
    assert!(begin().await.give_up().await.unwrap());
    assert_eq!(status(&place.store).await, Some(TenantStatus::Active));
    // The other database has the copy, and this one still has the tenant: what a lost last word leaves.
    // Killed when everything was copied: it can only be finished.
    let mut moving = begin().await;
    moving.copy(|_| {}).await.unwrap();
    drop(moving);
    assert!(!prepared_again(&place, &other).await.give_up().await.unwrap());
    let mut moving = prepared_again(&place, &other).await;
    moving.copy(|_| panic!("everything is there")).await.unwrap();
    assert_eq!(moving.finish().await.unwrap().status, TenantStatus::Active);
    assert_eq!(everything(&other.store).await, before);
}

#[tokio::test]
async fn copy_that_an_earlier_try_left_is_replaced() {
    let (place, other) = (furnished().await, Other::new().await);
    // Moved there and copied back by hand: the tenant stands in both, as when the last word was lost.
    let mut moving = TenantMove::prepare(&place.store, &other.store, "acme").await.unwrap();
    moving.copy(|_| {}).await.unwrap();
    moving.finish().await.unwrap();
    let mut back = TenantMove::prepare(&other.store, &place.store, "acme").await.unwrap();
    back.copy(|_| {}).await.unwrap();
    drop(back);
    let row = place.store.tenants().find_by_slug("acme").await.unwrap().unwrap();
    let stale = format!(
        "INSERT INTO tenants (id, slug, name, status, wrapped_key, version, created_at, updated_at) \
         VALUES ('{}', 'acme', 'Stale', 'arriving', '\\x00', 1, 0, 0)",
        row.id
    );
    place.store.tenants().set_status(row.id, TenantStatus::Active).await.unwrap();
    let mut target = other.store.clone();
    target.connection_mut().execute_unprepared(&stale).await.unwrap();
    // The copy must never be taken for the tenant itself.
    let error = TenantMove::prepare(&other.store, &place.store, "acme").await.unwrap_err();
    assert!(refusal(error).contains("on its way to this cell"));
    let before = everything(&place.store).await;
    let mut moving = TenantMove::prepare(&place.store, &other.store, "acme").await.unwrap();
    moving.copy(|_| {}).await.unwrap();
    moving.finish().await.unwrap();
    let acme = format!("SELECT name FROM tenants WHERE id = '{}'", row.id);
    assert_eq!(texts(&other.store, &acme).await, ["Acme"]);
    assert_eq!(everything(&other.store).await[1..], before[1..]);
}

/// Else another move could make the copy the only one there is, just before it is removed.
#[tokio::test]
async fn who_gives_up_removes_the_copy_while_nobody_else_can_move_the_tenant() {
    let (place, other) = (furnished().await, Other::new().await);
    let stale = format!(
        "INSERT INTO tenants (id, slug, name, status, wrapped_key, version, created_at, updated_at) \
         VALUES ('{}', 'acme', 'Stale', 'arriving', '\\x00', 1, 0, 0)",
        place.tenant.id()
    );
    let mut target = other.store.clone();
    target.connection_mut().execute_unprepared(&stale).await.unwrap();
    let moving = TenantMove::prepare(&place.store, &other.store, "acme").await.unwrap();
    moving.quiesce(Duration::ZERO).await.unwrap();
    // It comes to remove the copy, and is held up there.
    let holder = target.connection_mut().begin().await.unwrap();
    holder.execute_unprepared("SELECT 1 FROM tenants FOR UPDATE").await.unwrap();
    let look = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(status(&place.store).await, Some(TenantStatus::Leaving), "not served yet");
        let taken = place.sql("SELECT 1 FROM tenants FOR UPDATE NOWAIT").await;
        assert!(taken.unwrap_err().to_string().contains("could not obtain lock"));
        holder.rollback().await.unwrap();
    };
    let (given_up, ()) = tokio::join!(moving.give_up(), look);
    assert!(given_up.unwrap());
    assert_eq!(status(&place.store).await, Some(TenantStatus::Active));
    assert_eq!(status(&other.store).await, None);
}

#[tokio::test]
async fn what_cannot_be_moved_is_refused_with_a_reason() {
    let (place, other) = (furnished().await, Other::new().await);
    let why = async |from: &Store, to: &Store, slug: &str| {
        refusal(TenantMove::prepare(from, to, slug).await.unwrap_err())
    };
    assert!(why(&place.store, &other.store, "nobody").await.contains("Neither cell has"));
    assert!(why(&other.store, &place.store, "acme").await.contains("lives in the other cell already"));
    assert!(why(&place.store, &place.store, "acme").await.contains("Both cells have"));
    let embedded = sqlite_store().await;
    assert!(why(&place.store, &embedded, "acme").await.contains("the embedded one is no cell"));
    let moving = TenantMove::prepare(&place.store, &other.store, "acme").await.unwrap();
    assert!(why(&place.store, &other.store, "acme").await.contains("somebody else is moving"));
    drop(moving);
    other.store.tenants().insert("acme", "Another").await.unwrap();
    assert!(why(&place.store, &other.store, "acme").await.contains("has another tenant acme"));
    place.store.tenants().set_status(place.tenant.id(), TenantStatus::Suspended).await.unwrap();
    assert!(why(&place.store, &Other::new().await.store, "acme").await.contains("is suspended"));
}
