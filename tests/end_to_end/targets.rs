//! Where a tenant may have us call: a corpus of hosts that lead into somebody's own network, through the whole program.

use serde_json::{Value, json};

use crate::faults::site::Site;
use crate::program::{Engine, Program};
use crate::tenant::{Tenant, text};

/// Ways to say this machine, where a site of the tests answers.
const THIS_MACHINE: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7F.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0x7f.1",
    "127.0.0.1.",
    "１２７.0.0.1",
    "127。0。0。1",
    "%31%32%37.0.0.1",
    "①②⑦.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "localhost",
    "LOCALHOST",
];

/// Other hosts that nobody on the internet has.
const ELSEWHERE: &[&str] = &[
    "0",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.1",
    "167772161",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.255.255.254",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169。254。169。254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.257",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:0.0.0.0]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::1]",
    "[100::1]",
    "[2001::1]",
    "[2001:db8::1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[3fff::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
];

const REFUSED: &str = "which is not a public address, nor in a range that the operator allows";

/// Points the tenant's site at a host, and says what testing it came to.
async fn test(tenant: &Tenant, site: &str, host: &str, rest: &str) -> Value {
    let path = format!("/sites/{site}");
    let credentials = json!({"type": "bearer", "token": "sandbox-token"});
    let body = json!({"base_url": format!("http://{host}{rest}"), "credentials": credentials});
    tenant.patch(&path, &body).await;
    tenant.post(&format!("{path}/test"), &json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_leads_into_a_network_of_ours_is_refused_until_it_is_allowed() {
    let allowed_elsewhere = [("ROLLCALL_ALLOW_TARGETS", "203.0.113.254/32")];
    let mut program = Program::start(Engine::Sqlite, &allowed_elsewhere).await;
    let jira = Site::jira().await;
    let rest = jira.base_url.strip_prefix("http://127.0.0.1").unwrap().to_owned();
    let tenant = Tenant::register(&program, "acme").await;
    tenant.link(jira.product, &jira.base_url, json!({})).await;
    let site = text(&tenant.get("/sites").await["items"][0], "id");
    let calls = || jira.state().calls.total;
    assert!(THIS_MACHINE.len() + ELSEWHERE.len() >= 60);
    for host in THIS_MACHINE.iter().chain(ELSEWHERE) {
        let tested = test(&tenant, &site, host, &rest).await;
        assert!(tested["ok"] == false && tested.to_string().contains(REFUSED), "{host}: {tested}");
        let roles = json!([{"value": "everyone", "role": "auditor"}]);
        let issuer = format!("https://{host}{rest}");
        let body = json!({"issuer": issuer, "client_id": "rollcall", "client_secret": null, "roles": roles});
        let put = tenant.client.put(format!("{}/sign-in", tenant.api)).bearer_auth(&tenant.key);
        let refused: Value = put.json(&body).send().await.unwrap().json().await.unwrap();
        let problem = &refused["errors"][0];
        assert_eq!(problem["field"], "issuer", "{host} as an identity provider: {refused}");
        assert!(problem["problem"].as_str().unwrap().contains("public address"), "{refused}");
    }
    assert_eq!(calls(), 0, "nobody was called");

    program.set("ROLLCALL_ALLOW_TARGETS", "127.0.0.0/8,::1/128");
    program.restart().await;
    for host in THIS_MACHINE {
        let before = calls();
        let tested = test(&tenant, &site, host, &rest).await;
        assert!(tested["ok"] == true && calls() > before, "{host}: {tested}");
    }
    let still = test(&tenant, &site, "169.254.169.254", &rest).await;
    assert!(still.to_string().contains(REFUSED), "{still}");
}
