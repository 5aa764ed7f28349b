//! Sites: credentials go in and never come out; pausing and resuming.

use std::time::Duration;

use serde_json::{Value, json};
use store::id::SiteId;
use store::tasks::TaskEnd;

use crate::harness::{Api, text};
use crate::organization::{Organization, Tenant, due, end_due_tasks, site_body};

on_both!(
    credentials_are_sealed_and_never_answered,
    a_wrong_site_is_refused_without_quoting_its_secret,
    a_site_moves_to_another_host_only_with_its_credentials,
    resuming_a_site_makes_its_waiting_tasks_due,
    certificate_authorities_of_a_site_are_certificates,
);

async fn credentials_are_sealed_and_never_answered(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let (token, password) = ("hush-1-token-of-the-site", "hush-2-password-of-the-site");
    let mut body = site_body("Jira");
    body["credentials"]["token"] = json!(token);
    let made = tenant.make(&api, "/sites", body).await;
    let path = tenant.path(&format!("/sites/{}", text(&made, "id")));
    let basic = json!({"type": "basic", "username": "sync", "password": password});
    let edited = api.patch(&path, json!({"credentials": basic})).by(&tenant.admin).send().await.expect(200);
    let shown = api.get(&path).by(&tenant.auditor).send().await.expect(200);
    let list = api.get(&tenant.path("/sites")).by(&tenant.auditor).send().await.expect(200);
    let log = api.get(&tenant.path("/audit")).by(&tenant.auditor).send().await.expect(200);
    for answer in [&made, &edited, &shown, &list, &log] {
        let answer = answer.to_string();
        assert!(!answer.contains("hush-") && !answer.contains("\"credentials\":"), "{answer}");
    }
    assert_eq!(shown["backlog"], json!({"waiting": 0, "failed": 0, "held": 0, "oldest": null}));

    for secret in [token, password] {
        assert!(!api.database_holds(secret).await, "{secret} stands in the database in clear");
    }
    let sites = api.tenant(&tenant.id).sites();
    let row = sites.get(text(&made, "id").parse().unwrap()).await.unwrap();
    let opened = sites.open_credentials(&row).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&opened).unwrap()["password"], password);
}

async fn a_wrong_site_is_refused_without_quoting_its_secret(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let body = json!({
        "name": "", "product": "sharepoint", "base_url": "ftp://jira.example.com",
        "credentials": {"type": "bearer", "token": "hush", "more": "hush"},
    });
    let refused = api.post(&tenant.path("/sites"), body).by(&tenant.admin).send().await;
    assert!(!refused.body.to_string().contains("hush"), "{refused:?}");
    assert_eq!(refused.fields(422), ["name", "product", "base_url", "credentials"]);
    let list = api.get(&tenant.path("/sites")).by(&tenant.auditor).send().await.expect(200);
    assert_eq!(list, json!({"items": [], "next_cursor": null}));
}

async fn a_site_moves_to_another_host_only_with_its_credentials(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let path = tenant.path(&format!("/sites/{}", tenant.site(&api, "Jira").await));
    let edit = async |body: Value| api.patch(&path, body).by(&tenant.admin).send().await;
    let same_host = edit(json!({"base_url": "https://jira.example.com/jira"})).await.expect(200);
    assert_eq!(same_host["base_url"], "https://jira.example.com/jira");
    for elsewhere in ["https://evil.example.com", "http://jira.example.com", "https://jira.example.com:444"] {
        let refused = edit(json!({"base_url": elsewhere})).await;
        assert_eq!(refused.fields(422), ["credentials"], "{elsewhere}");
    }
    let token = json!({"type": "bearer", "token": "new"});
    edit(json!({"base_url": "https://other.example.com", "credentials": token})).await.expect(200);
}

async fn resuming_a_site_makes_its_waiting_tasks_due(api: Api) {
    let organization = Organization::new(&api, "acme").await;
    let (tenant, site) = (&organization.tenant, &organization.site);
    let store = api.tenant(&tenant.id);
    let id: SiteId = site.parse().unwrap();
    let path = tenant.path(&format!("/sites/{site}"));
    let hour = Duration::from_hours(1);
    for body in
        [json!({"status": "active"}), json!({"credentials": {"type": "bearer", "token": "a-better-one"}})]
    {
        let later = api.clock.now().plus(hour);
        let retry = |_: &_| TaskEnd::Retry { due_at: later, error: "refused".into(), counts: true };
        assert_eq!(end_due_tasks(&store, site, retry).await, 2, "a user and a group");
        let version = store.sites().get(id).await.unwrap().version;
        store.sites().pause(id, version, "It refused our credentials").await.unwrap();
        let paused = api.get(&path).by(&tenant.auditor).send().await.expect(200);
        assert_eq!((&paused["status"], &paused["backlog"]["waiting"]), (&json!("paused"), &json!(2)));
        assert!(paused["status_reason"].is_string());
        assert_eq!(due(&store, site, &organization.user).await, Some(later));

        api.patch(&path, json!({"name": "Renamed"})).by(&tenant.admin).send().await.expect(200);
        assert_eq!(due(&store, site, &organization.user).await, Some(later), "a new name resumes nothing");

        let resumed = api.patch(&path, body).by(&tenant.admin).send().await.expect(200);
        assert_eq!((&resumed["status"], &resumed["status_reason"]), (&json!("active"), &Value::Null));
        assert_eq!(due(&store, site, &organization.user).await, Some(api.clock.now()));
        assert_eq!(api.store.sites_with_due_tasks().await.unwrap().len(), 1);
        api.clock.advance(Duration::from_secs(1));
    }
    let paused = api.patch(&path, json!({"status": "paused"})).by(&tenant.admin).send().await.expect(200);
    assert_eq!(paused["status"], "paused");
    assert_eq!(api.store.sites_with_due_tasks().await.unwrap(), []);
}

async fn certificate_authorities_of_a_site_are_certificates(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let pem = rcgen::generate_simple_self_signed(vec!["ca.example.com".to_owned()]).unwrap().cert.pem();
    let mut body = site_body("Jira");
    for wrong in [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        &pem.repeat(200),
    ] {
        body["certificate_authorities"] = json!(wrong);
        let refused = api.post(&tenant.path("/sites"), body.clone()).by(&tenant.owner).send().await;
        assert_eq!(refused.fields(422), ["certificate_authorities"], "{wrong:.40}");
    }
    let stored = pem.replace("\r\n", "\n").trim().to_owned();
    body["certificate_authorities"] = json!(stored.replace('\n', "\r\n") + "\r\n");
    let site = tenant.make(&api, "/sites", body).await;
    assert_eq!(site["certificate_authorities"], stored, "however a form ends its lines");
    let path = tenant.path(&format!("/sites/{}", text(&site, "id")));
    let edit = async |pem: Value| {
        api.patch(&path, json!({"certificate_authorities": pem})).by(&tenant.admin).send().await
    };
    assert_eq!(edit(json!("no certificate")).await.fields(422), ["certificate_authorities"]);
    assert_eq!(edit(Value::Null).await.expect(200)["certificate_authorities"], stored, "absent fields stay");
    assert_eq!(edit(json!("")).await.expect(200)["certificate_authorities"], Value::Null);
}
