//! Members that wait, and what they cost those who do not.

use std::sync::{Arc, Mutex};

use serde_json::json;
use store::TenantStore;
use store::entity::words::TaskKind;
use store::groups::{GroupWrite, MemberRequest, Refusal};
use store::id::GroupId;
use store::members::MemberDelta;
use store::naming::{MemberName, UnknownMembers};
use store::users::UserWrite;
use uuid::Uuid;

use crate::place::{Place, context, on_both, user_write};

on_both!(
    a_create_that_nobody_waits_for_takes_few_statements,
    an_arrival_costs_the_same_whatever_the_number_of_groups,
    ten_thousand_members_take_a_bounded_number_of_statements,
    an_arrival_marks_its_own_task_and_those_below_a_group,
    parked_members_come_in_pages,
);

fn named(text: &str) -> MemberName {
    MemberName { text: text.into(), kind: None }
}

fn write(name: &str, add: Vec<MemberName>, replaces_all: bool) -> GroupWrite {
    GroupWrite {
        document: json!({"displayName": name}),
        members: MemberDelta { replaces_all, add, ..MemberDelta::default() },
        summary: "Written".into(),
        detail: None,
    }
}

async fn group(place: &Place, name: &str, add: Vec<MemberName>) -> GroupId {
    let groups = place.tenant.groups(place.connection);
    groups.insert(write(name, add, false), UnknownMembers::Parked, &context()).await.unwrap().id
}

fn person(name: &str, external_id: &str) -> UserWrite {
    UserWrite { document: json!({"userName": name, "externalId": external_id}), ..user_write(name) }
}

/// The statements that `work` sends.
async fn statements<F: Future>(place: &Place, work: impl FnOnce(TenantStore) -> F) -> Vec<String> {
    let statements: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut store = (*place.store).clone();
    let seen = Arc::clone(&statements);
    store.connection_mut().set_metric_callback(move |info| {
        seen.lock().unwrap().push(info.statement.sql.clone());
    });
    work(store.tenant(place.tenant.id())).await;
    statements.lock().unwrap().clone()
}

async fn create(place: &Place, name: &str, external_id: &str) -> Vec<String> {
    let write = person(name, external_id);
    statements(place, |tenant| async move {
        tenant.users(place.connection).insert(write, &context()).await.unwrap();
    })
    .await
}

async fn a_create_that_nobody_waits_for_takes_few_statements(place: Place) {
    group(&place, "Staff", vec![named("somebody else")]).await;
    let created = create(&place, "ann", "00uA").await;
    // All in one, or the row, who waits for it, its task, its timeline entry.
    let expected = if place.is_postgres() { 1 } else { 4 };
    assert_eq!(created.len(), expected, "{created:#?}");
}

async fn an_arrival_costs_the_same_whatever_the_number_of_groups(place: Place) {
    for n in 0..40 {
        group(&place, &format!("Group {n}"), vec![named("00uA")]).await;
    }
    group(&place, "One", vec![named("00uB")]).await;
    let many = create(&place, "ann", "00uA").await;
    let one = create(&place, "bob", "00uB").await;
    assert_eq!(many.len(), one.len(), "{many:#?}");
    assert!(many.len() <= 16, "{many:#?}");
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM group_members").await, 41);
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM parked_members").await, 0);
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM groups WHERE version = 2").await, 41);
}

async fn ten_thousand_members_take_a_bounded_number_of_statements(place: Place) {
    const MEMBERS: usize = 10_000;
    let scope = format!("{}, {}", place.literal(place.tenant.id().0), place.literal(place.connection.0));
    let ids: Vec<Uuid> = (0..MEMBERS).map(|_| Uuid::now_v7()).collect();
    for chunk in ids.chunks(1_000) {
        let users = chunk.iter().map(|id| {
            let document = format!("{{\"userName\":\"{id}\"}}");
            format!("({scope}, {}, '{id}', TRUE, '{document}', '{document}', 1, 0, 0)", place.literal(*id))
        });
        let sql = "INSERT INTO users (tenant_id, connection_id, id, user_name_folded, active, document, \
            search, version, created_at, last_modified_at) VALUES ";
        place.sql(&format!("{sql}{}", users.collect::<Vec<_>>().join(","))).await.unwrap();
    }
    let id = group(&place, "Everybody", Vec::new()).await;
    let names: Vec<MemberName> = ids.iter().copied().map(MemberName::from).collect();
    let waiting: Vec<MemberName> = (0..MEMBERS).map(|n| named(&format!("00u-{n}"))).collect();
    let change = |names: Vec<MemberName>, whole_list: bool| {
        let request = MemberRequest {
            named: names.clone(),
            whole_list,
            unknown: UnknownMembers::Parked,
            ..MemberRequest::default()
        };
        statements(&place, move |tenant| async move {
            let groups = tenant.groups(place.connection);
            let modified = groups
                .modify(id, &context(), &request, |before| {
                    let mut write = write("Everybody", names.clone(), whole_list);
                    write.document = before.row.document.clone();
                    Ok::<_, Refusal<std::convert::Infallible>>(write)
                })
                .await
                .unwrap();
            assert!(modified.changed != whole_list || names.len() != MEMBERS);
        })
    };
    // Ten statements a thousand ids at the most for each of: who is meant, rows, tasks; two for the timeline.
    let added = change(names.clone(), false).await;
    assert!(added.len() <= 80, "{} statements", added.len());
    let same = change(names.clone(), true).await;
    assert!(same.len() <= 5, "an equal list is read and nothing else: {same:#?}");
    let parked = change(waiting, false).await;
    assert!(parked.len() <= 150, "{} statements", parked.len());
    let halved = change(names[..MEMBERS / 2].to_vec(), true).await;
    assert!(halved.len() <= 80, "{} statements", halved.len());
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM group_members").await, 5_000);
    assert_eq!(place.number("SELECT COUNT(*) AS n FROM parked_members").await, 0);
}

async fn an_arrival_marks_its_own_task_and_those_below_a_group(place: Place) {
    let outer = group(&place, "Outer", vec![named("inner"), named("00uA")]).await;
    let ann = place.user("ann").await;
    let tasks = place.tenant.tasks(place.site);
    let generation = async |id: Uuid| tasks.find(TaskKind::User, id).await.unwrap().unwrap().generation;
    let before = generation(ann.0).await;
    let mut inner = write("Inner", vec![ann.0.into()], false);
    inner.document = json!({"displayName": "Inner", "externalId": "inner"});
    let groups = place.tenant.groups(place.connection);
    let inner = groups.insert(inner, UnknownMembers::Parked, &context()).await.unwrap().id;
    assert!(generation(ann.0).await > before, "Ann is in Outer now, through Inner");
    let users = place.tenant.users(place.connection);
    let before = generation(ann.0).await;
    let change = |_: &store::entity::user::Model| Ok::<_, std::convert::Infallible>(person("ann", "00uA"));
    users.modify(ann, &context(), change).await.unwrap();
    assert!(generation(ann.0).await > before);
    let members: Vec<Uuid> =
        groups.members(outer).await.unwrap().into_iter().map(|member| member.member_id).collect();
    assert_eq!(members, [ann.0, inner.0]);
}

async fn parked_members_come_in_pages(place: Place) {
    let names: Vec<String> = (0..5).map(|n| format!("00u{n}")).collect();
    let id = group(&place, "Staff", names.iter().map(|name| named(name)).collect()).await;
    let groups = place.tenant.groups(place.connection);
    assert_eq!(groups.parked_count(id).await.unwrap(), 5);
    let mut seen: Vec<String> = Vec::new();
    loop {
        let after = seen.last().map(String::as_str);
        let page = groups.parked_after(id, after, 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2 && page.iter().all(|row| row.since == place.tenant.now()));
        seen.extend(page.into_iter().map(|row| row.value));
    }
    assert_eq!(seen, names);
}
