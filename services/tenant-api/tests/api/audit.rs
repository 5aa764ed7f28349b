//! The audit log: every edit with what was before and after, without secrets, in a chain that shows what was done to it.

use serde_json::{Value, json};
use store::audit::chain;

use crate::harness::{Api, CLIENT_SECRET, OPERATOR, text};
use crate::organization::{Organization, Tenant, sign_in_body};
use crate::routes::{Operation, is_done_once, is_of_session, is_public, operations, valid_body};

on_both!(
    an_edit_is_told_with_what_was_before_and_after_and_no_secret,
    the_log_is_a_chain_that_shows_what_was_done_to_it,
    entries_that_are_written_at_once_stand_one_behind_the_other,
    no_change_is_made_without_its_entry,
);

async fn log(api: &Api, tenant: &Tenant) -> Vec<(chain::Entry, Vec<u8>)> {
    let page = api.get(&tenant.path("/audit?limit=1000")).by(&tenant.auditor).send().await.expect(200);
    let mut log: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let entry: chain::Entry = serde_json::from_value(item.clone()).unwrap();
            (entry, hex::decode(text(item, "digest")).unwrap())
        })
        .collect();
    log.sort_by_key(|(entry, _)| entry.sequence);
    log
}

fn checked(tenant: &Tenant, log: &[(chain::Entry, Vec<u8>)]) -> Result<Vec<u8>, chain::Broken> {
    chain::check(tenant.id.parse().unwrap(), log.iter().map(|(entry, digest)| (entry, digest.as_slice())))
}

async fn an_edit_is_told_with_what_was_before_and_after_and_no_secret(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let told = async || -> Value {
        let page = api.get(&own.tenant.path("/audit?limit=1")).by(&own.tenant.owner).send().await.expect(200);
        page["items"][0]["detail"].clone()
    };
    let edit = async |path: &str, body: Value| {
        api.patch(&own.tenant.path(path), body).by(&own.tenant.owner).send().await.expect(200);
    };
    edit(&format!("/connections/{}", own.connection), json!({"status": "paused"})).await;
    assert_eq!(told().await["changes"], json!({"status": {"before": "active", "after": "paused"}}));
    let link = json!({"precedence": 7, "group_sync": {"include": ["^jira-"]}});
    edit(&format!("/links/{}", own.link), link).await;
    assert_eq!(
        told().await["changes"],
        json!({
            "precedence": {"before": 0, "after": 7},
            "group_sync.include": {"before": [], "after": ["^jira-"]},
        })
    );
    let credentials = json!({"type": "bearer", "token": "another-token-of-the-site"});
    edit(&format!("/sites/{}", own.site), json!({"name": "Jira 2", "credentials": credentials})).await;
    assert_eq!(
        told().await,
        json!({"new_credentials": true, "changes": {"name": {"before": "Jira", "after": "Jira 2"}}})
    );
    let mut settings = sign_in_body(&own.issuer);
    settings["claim"] = json!("roles");
    api.call("PUT", &own.tenant.path("/sign-in"))
        .json(settings)
        .by(&own.tenant.owner)
        .send()
        .await
        .expect(200);
    assert_eq!(told().await["changes"], json!({"claim": {"before": "groups", "after": "roles"}}));
    let all = api.get(&own.tenant.path("/audit?limit=1000")).by(&own.tenant.owner).send().await.expect(200);
    for secret in ["another-token-of-the-site", "a-token-of-the-site", CLIENT_SECRET] {
        assert!(!all.to_string().contains(secret), "{secret}");
    }
}

async fn the_log_is_a_chain_that_shows_what_was_done_to_it(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let other = Organization::at_work(&api, "zenith").await;
    let whole = log(&api, &own.tenant).await;
    assert!(whole.len() > 10);
    let end = checked(&own.tenant, &whole).unwrap();
    assert_eq!(end, whole.last().unwrap().1);
    checked(&other.tenant, &log(&api, &other.tenant).await).unwrap();
    assert!(checked(&other.tenant, &whole).is_err(), "it is the log of one tenant");
    let third = whole[2].0.id.clone();
    let id = if api.store.url().starts_with("sqlite") {
        format!("x'{}'", third.replace('-', ""))
    } else {
        format!("'{third}'")
    };
    api.execute(&format!("UPDATE audit SET actor = 'nobody' WHERE id = {id}")).await;
    assert!(matches!(checked(&own.tenant, &log(&api, &own.tenant).await), Err(chain::Broken::Changed(3))));
    api.execute(&format!("DELETE FROM audit WHERE id = {id}")).await;
    let gap = chain::Broken::Gap { expected: 3, found: 4 };
    assert_eq!(checked(&own.tenant, &log(&api, &own.tenant).await), Err(gap));
}

async fn entries_that_are_written_at_once_stand_one_behind_the_other(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let before = log(&api, &tenant).await.len();
    let store = api.tenant(&tenant.id);
    let writers = (0..20).map(|number| {
        let audit = store.audit();
        tokio::spawn(async move {
            let detail = Some(json!({"number": number, "ratio": 0.1, "text": "é\u{1f600}", "none": null}));
            audit.insert("operator", "test.write", "test", number.to_string(), detail).await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let log = log(&api, &tenant).await;
    assert_eq!(log.len(), before + 20);
    checked(&tenant, &log).unwrap();
}

/// Whatever changes anything and is refused its entry changes nothing, and succeeds as soon as it gets one.
async fn no_change_is_made_without_its_entry(api: Api) {
    let mut own = Organization::at_work(&api, "acme").await;
    own.tenant.break_glass(&api).await;
    // Whoever comes in is noted to have come.
    for credential in [&own.tenant.owner, OPERATOR] {
        api.get("/v1/me").by(credential).send().await.expect(200);
    }
    let (mut tried, mut changed) = (0, 0);
    let (deletes, others): (Vec<Operation>, Vec<Operation>) =
        operations().into_iter().partition(|operation| operation.method == "delete");
    for operation in others.iter().chain(&deletes).filter(|operation| operation.method != "get") {
        if is_public(&operation.id) || is_of_session(&operation.id) {
            continue;
        }
        if is_done_once(&operation.id) {
            own.meet_another(&api).await;
        }
        let path = operation.path_of(&own, &|_| &own);
        let mut body = valid_body(&operation.id, &own, "audited");
        if operation.id == "create_link" {
            let connection = own.tenant.connection(&api, "Another").await;
            body = Some(json!({"connection_id": connection, "site_id": own.site}));
        }
        let is_operators = matches!(operation.id.as_str(), "create_tenant" | "update_tenant" | "break_glass");
        let call = || {
            let by = if is_operators { OPERATOR } else { &own.tenant.owner };
            let call = api.call(&operation.method, &path).by(by);
            if let Some(body) = &body { call.json(body.clone()) } else { call }
        };
        tried += 1;
        api.refuse_audit_entries(true).await;
        let before = api.rows().await;
        let refused = call().send_to_what_is_broken().await;
        assert_eq!(api.rows().await, before, "{} left something", operation.id);
        api.refuse_audit_entries(false).await;
        let done = call().send().await;
        assert!(done.status.is_success(), "{}: {done:?}", operation.id);
        let is_changed = api.rows().await != before;
        let is_refused = refused.status.is_server_error();
        assert_eq!(is_refused, is_changed, "{} changes something exactly if it is noted", operation.id);
        changed += usize::from(is_changed);
    }
    assert!(changed > 30 && tried > changed, "{changed} of {tried} changed something");
}
