//! Two providers' workers at the same moment.

use serde_json::json;

use crate::harness::{self, Edge, on_both};

on_both!(of_two_writes_at_one_version_one_wins, deletions_and_memberships_at_once_leave_no_dangling_member);

async fn of_two_writes_at_one_version_one_wins(edge: Edge) {
    let idp = edge.idp("acme").await;
    let replicas = edge.replicas(&idp).await;
    let id = idp.user("ann@acme.example").await;
    for round in 1..=10 {
        let writes = [0, 1].map(|n| {
            let (idp, path) = (replicas[n].clone(), format!("/Users/{id}"));
            let title = json!([{"op": "replace", "path": "title", "value": format!("{round}-{n}")}]);
            let body = harness::patch_op(title).to_string();
            let etag = format!("W/\"{round}\"");
            tokio::spawn(async move {
                idp.call("PATCH", &path, &[("if-match", &etag)], body).await.status.as_u16()
            })
        });
        let mut statuses: Vec<u16> =
            futures::future::join_all(writes).await.into_iter().map(Result::unwrap).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "round {round}");
    }
}

async fn deletions_and_memberships_at_once_leave_no_dangling_member(edge: Edge) {
    let idp = edge.idp("acme").await;
    let replicas = edge.replicas(&idp).await;
    let group = idp.group("Staff", &[]).await;
    for round in 0..10 {
        let id = idp.user(&format!("user-{round}@acme.example")).await;
        let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
        let [near, far] = replicas.clone();
        let (path, user_path) = (format!("/Groups/{group}"), format!("/Users/{id}"));
        let (patched, gone) = tokio::join!(
            tokio::spawn(async move { near.patch(&path, add).await.status.as_u16() }),
            tokio::spawn(async move { far.delete(&user_path).await.status.as_u16() }),
        );
        // Neither may fail for the other's sake, except that a deleted user cannot become a member.
        assert!(matches!(patched.unwrap(), 200 | 400), "round {round}");
        assert_eq!(gone.unwrap(), 204, "round {round}");
        assert!(idp.members(&group).await.is_empty(), "round {round}");
    }
}
