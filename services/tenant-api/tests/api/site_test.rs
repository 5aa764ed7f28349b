//! `POST …/sites/{id}/test` against a simulated Jira on a port.

use std::net::SocketAddr;

use atlassian::http::HttpSettings;
use sandbox::SimulatedSite as _;
use sandbox::jira_data_center::{JiraDataCenter, Options};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{Api, loopback_allowed, text};
use crate::organization::Tenant;

on_both!(
    a_good_site_passes_every_check,
    wrong_credentials_are_named_and_tried_once,
    a_port_without_a_site_is_unreachable,
    an_address_that_is_not_allowed_is_never_called,
    a_site_that_is_no_jira_is_told_apart,
);

async fn loopback() -> TcpListener {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
}

async fn site(api: &Api, tenant: &Tenant, base_url: &str, credentials: Value) -> String {
    let body = json!({
        "name": "Jira", "product": "jira-data-center", "base_url": base_url, "credentials": credentials,
    });
    let made = tenant.make(api, "/sites", body).await;
    tenant.path(&format!("/sites/{}/test", text(&made, "id")))
}

fn bearer(token: &str) -> Value {
    json!({"type": "bearer", "token": token})
}

/// The names of the checks, each with whether it passed.
fn checks(test: &Value) -> Vec<(String, bool)> {
    let checks = test["checks"].as_array().unwrap().iter();
    checks.map(|check| (text(check, "name"), check["ok"].as_bool().unwrap())).collect()
}

fn named(names: &[(&str, bool)]) -> Vec<(String, bool)> {
    names.iter().map(|(name, ok)| ((*name).to_owned(), *ok)).collect()
}

async fn a_good_site_passes_every_check(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let jira = JiraDataCenter::new(Options::default());
    let running = sandbox::serve(&jira, loopback().await).unwrap();
    let basic = json!({"type": "basic", "username": "rollcall", "password": "sandbox-password"});
    for credentials in [bearer("sandbox-token"), basic] {
        let path = site(&api, &tenant, &running.base_url, credentials).await;
        let test = api.call("POST", &path).by(&tenant.admin).send().await.expect(200);
        assert_eq!(test["ok"], true, "{test}");
        let all =
            ["reachable", "credentials", "version", "permission", "capabilities", "directories", "budget"]
                .map(|name| (name, true));
        assert_eq!(checks(&test), named(&all));
        assert!(text(&test["checks"][1], "detail").contains("rollcall"), "{test}");
    }
    api.call("POST", &tenant.path("/sites/x/test")).by(&tenant.admin).send().await.expect(404);
}

async fn wrong_credentials_are_named_and_tried_once(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let jira = JiraDataCenter::new(Options::default());
    let running = sandbox::serve(&jira, loopback().await).unwrap();
    let path = site(&api, &tenant, &running.base_url, bearer("hush-wrong-token")).await;
    let test = api.call("POST", &path).by(&tenant.admin).send().await.expect(200);
    assert_eq!(test["ok"], false);
    assert_eq!(checks(&test), named(&[("reachable", true), ("credentials", false)]));
    assert!(!test.to_string().contains("hush"), "{test}");
    assert!(jira.state().calls.total <= 2, "refused credentials are not hammered");
}

async fn a_port_without_a_site_is_unreachable(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let listener = loopback().await;
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let path = site(&api, &tenant, &base_url, bearer("t")).await;
    let test = api.call("POST", &path).by(&tenant.admin).send().await.expect(200);
    assert_eq!((&test["ok"], checks(&test)), (&json!(false), named(&[("reachable", false)])));
}

async fn an_address_that_is_not_allowed_is_never_called(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let jira = JiraDataCenter::new(Options::default());
    let running = sandbox::serve(&jira, loopback().await).unwrap();
    let strict = api.with_http(HttpSettings::default());
    let port = running.address.port();
    for base_url in [
        running.base_url.clone(),
        format!("http://localhost:{port}"),
        format!("http://[::1]:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("http://2130706433:{port}"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
    ] {
        let path = site(&api, &tenant, &base_url, bearer("sandbox-token")).await;
        let call = api.call("POST", &path).by(&tenant.admin).through(strict.clone());
        let test = call.send().await.expect(200);
        assert_eq!(test["ok"], false, "{base_url}");
        let detail = text(&test["checks"][0], "detail");
        assert!(detail.contains("not a public address"), "{base_url}: {detail}");
    }
    assert_eq!(jira.state().calls.total, 0);

    let path = site(&api, &tenant, &running.base_url, bearer("sandbox-token")).await;
    let allowed = api.with_http(loopback_allowed());
    let call = api.call("POST", &path).by(&tenant.admin).through(allowed);
    assert_eq!(call.send().await.expect(200)["ok"], true, "it was the rule, not the site");
}

async fn a_site_that_is_no_jira_is_told_apart(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let jira = JiraDataCenter::new(Options::default());
    let running = sandbox::serve(&jira, loopback().await).unwrap();
    let elsewhere = format!("{}/not/the/context/path", running.base_url);
    let path = site(&api, &tenant, &elsewhere, bearer("sandbox-token")).await;
    let test = api.call("POST", &path).by(&tenant.admin).send().await.expect(200);
    assert_eq!((&test["ok"], checks(&test)), (&json!(false), named(&[("reachable", false)])));
}
