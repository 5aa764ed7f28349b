//! What keeps the console's pages to those whom they are for.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde_json::json;

use crate::program::{Engine, OPERATOR_KEY, Program};
use crate::tenant::Tenant;

/// A browser without a screen: it keeps no cookies but those that it is given.
#[expect(clippy::disallowed_methods, reason = "the tests talk to their own loopback ports")]
fn client() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

async fn sign_in(url: &str, key: &str) -> (Response, String) {
    let answer = client().post(format!("{url}/console/sign-in")).form(&[("key", key)]).send().await.unwrap();
    let cookie = answer.headers().get(SET_COOKIE).map_or("", |value| value.to_str().unwrap());
    let pair = cookie.split(';').next().unwrap().to_owned();
    (answer, pair)
}

async fn get(url: &str, path: &str, cookie: &str) -> Response {
    client().get(format!("{url}{path}")).header(COOKIE, cookie).send().await.unwrap()
}

fn location(answer: &Response) -> &str {
    answer.headers().get(LOCATION).map_or("", |value| value.to_str().unwrap())
}

/// Pages of a tenant that need nothing to be there.
const PAGES: &[&str] = &[
    "",
    "/connections",
    "/connections/new",
    "/sites",
    "/sites/new",
    "/links",
    "/links/new",
    "/people",
    "/groups",
    "/review",
    "/ledger",
    "/audit",
    "/break-glass",
];

#[tokio::test]
async fn pages_open_to_their_own_tenant_alone_and_to_nobody_who_is_not_signed_in() {
    let program = Program::start(Engine::Sqlite, &[]).await;
    let (own, url) = (Tenant::register(&program, "acme").await, program.url());
    let other = Tenant::register(&program, "zenith").await;
    let (_, cookie) = sign_in(&url, &own.key).await;
    let (_, operators) = sign_in(&url, OPERATOR_KEY).await;
    let theirs = format!("/connections/{}", other.connection_id);
    for page in ["/people", "/groups", "/audit"] {
        let behind = get(&url, &format!("/console/t/acme{page}"), &operators).await;
        assert_eq!(location(&behind), "/console/t/acme/break-glass?done=behind-glass", "{page}");
    }
    for page in ["", "/connections", "/sites", "/links", "/keys", "/break-glass"] {
        let path = format!("/console/t/acme{page}");
        let shown = get(&url, &path, &operators).await;
        assert_eq!(shown.status(), 200, "{path} shows nobody");
        let says_so = shown.text().await.unwrap().contains("behind glass");
        assert_eq!(
            says_so,
            matches!(page, "" | "/connections"),
            "{path}: what is hidden is not told as none"
        );
    }
    let form = [("reason", "A. Operator, ticket 42"), ("minutes", "")];
    let broken = client().post(format!("{url}/console/t/acme/break-glass")).header(COOKIE, &operators);
    assert_eq!(location(&broken.form(&form).send().await.unwrap()), "/console/t/acme?done=broken");
    let told = get(&url, "/console/t/acme/break-glass", &cookie).await.text().await.unwrap();
    assert!(
        told.contains("A. Operator, ticket 42") && told.contains("End it now"),
        "the owner sees it: {told}"
    );
    for page in PAGES.iter().chain([&"/keys", &"/sign-in"]) {
        let path = format!("/console/t/acme{page}");
        assert_eq!(get(&url, &path, &cookie).await.status(), 200, "{path}");
        assert_eq!(get(&url, &path, &operators).await.status(), 200, "{path} by the operator");
        let stranger = get(&url, &path, "").await;
        assert_eq!(
            (stranger.status().as_u16(), location(&stranger).contains("sign-in?back=")),
            (303, true),
            "{path}"
        );
        let elsewhere = get(&url, &format!("/console/t/zenith{page}"), &cookie).await;
        assert_eq!(elsewhere.status(), 404, "{page} of another tenant");
        assert!(!elsewhere.text().await.unwrap().contains("zenith"));
    }
    // Another tenant's ids in our own addresses are as unknown as any.
    for path in [theirs.clone(), format!("{theirs}/requests"), format!("/links/{}", other.connection_id)] {
        assert_eq!(get(&url, &format!("/console/t/acme{path}"), &cookie).await.status(), 404, "{path}");
    }
    assert_eq!(get(&url, "/console/tenants", &cookie).await.status(), 404, "the operator's page");
    for nowhere in ["/links/no-id", "/connections/1/requests?refused=maybe", "/nothing", "/people/%00"] {
        let answer = get(&url, &format!("/console/t/acme{nowhere}"), &cookie).await;
        assert_eq!(answer.status(), 404, "{nowhere}");
        assert!(answer.text().await.unwrap().contains("There is nothing here"), "{nowhere}");
    }
    // Somebody turns the cookie's letters around.
    let forged = cookie.replace('A', "B").replace('c', "d");
    assert_eq!(get(&url, "/console/t/acme", &forged).await.status(), 303);
}

#[tokio::test]
async fn a_session_ends_with_its_key_and_by_signing_out() {
    let program = Program::start(Engine::Sqlite, &[]).await;
    let (tenant, url) = (Tenant::register(&program, "acme").await, program.url());
    let made = tenant.post("/keys", &json!({"name": "short", "role": "auditor"})).await;
    let (answer, cookie) = sign_in(&url, made["key"].as_str().unwrap()).await;
    assert_eq!(location(&answer), "/console/t/acme");
    let attributes = answer.headers()[SET_COOKIE].to_str().unwrap();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(attributes.contains(attribute), "{attributes}");
    }
    assert!(!attributes.contains(made["key"].as_str().unwrap()), "the key is sealed");
    assert_eq!(get(&url, "/console/t/acme/audit", &cookie).await.status(), 200);
    // An auditor sees everything and is offered nothing to change.
    for page in PAGES {
        let shown = get(&url, &format!("/console/t/acme{page}"), &cookie).await.text().await.unwrap();
        let forms = shown.matches("method=\"post\"").count();
        let offered = if page.ends_with("/new") { 2 } else { 1 };
        assert!(forms <= offered, "{page} offers an auditor more than signing out");
    }
    let form = [("name", "x"), ("provider", "okta")];
    let forbidden = client().post(format!("{url}/console/t/acme/connections")).header(COOKIE, &cookie);
    assert_eq!(forbidden.form(&form).send().await.unwrap().status(), 403);
    let path = format!("{}/keys/{}", tenant.api, made["id"].as_str().unwrap());
    let revoked = tenant.client.delete(path).bearer_auth(&tenant.key).send().await.unwrap();
    assert!(revoked.status().is_success());
    let ended = get(&url, "/console/t/acme/audit", &cookie).await;
    assert_eq!((ended.status().as_u16(), location(&ended)), (303, "/console/sign-in?ended"));

    let (_, cookie) = sign_in(&url, &tenant.key).await;
    let out = client().post(format!("{url}/console/sign-out")).header(COOKIE, &cookie).send().await.unwrap();
    assert!(out.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    let copied = get(&url, "/console/t/acme/audit", &cookie).await;
    assert_eq!(
        location(&copied),
        "/console/sign-in?ended",
        "whoever copied the cookie is signed out as well"
    );
    // Where one came from must be a page of ours.
    for back in ["https://evil.example/", "//evil.example", "/v1/docs"] {
        let form = [("key", tenant.key.as_str()), ("back", back)];
        let answer = client().post(format!("{url}/console/sign-in")).form(&form).send().await.unwrap();
        assert_eq!(location(&answer), "/console/t/acme", "{back}");
    }
}

#[tokio::test]
async fn forms_of_other_sites_are_refused_and_pages_run_only_our_own_script() {
    let program =
        Program::start(Engine::Sqlite, &[("ROLLCALL_PUBLIC_URL", "https://rollcall.example.com")]).await;
    let (tenant, url) = (Tenant::register(&program, "acme").await, program.url());
    let (answer, cookie) = sign_in(&url, &tenant.key).await;
    let attributes = answer.headers()[SET_COOKIE].to_str().unwrap();
    assert!(attributes.starts_with("__Host-rollcall=") && attributes.contains("Secure"), "{attributes}");
    let create = |headers: &[(&'static str, &str)]| {
        let mut request = client().request(Method::POST, format!("{url}/console/t/acme/connections"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.header(COOKIE, &cookie).form(&[("name", "<b>bold</b> \"q\""), ("provider", "okta")])
    };
    for foreign in [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
    ] {
        let refused = create(&foreign).send().await.unwrap();
        assert_eq!(refused.status(), 403, "{foreign:?}");
        assert!(refused.text().await.unwrap().contains("came from another site"));
    }
    assert_eq!(tenant.get("/connections").await["items"].as_array().unwrap().len(), 1, "nothing was done");
    let made = create(&[("sec-fetch-site", "same-origin")]).send().await.unwrap();
    assert_eq!(made.status(), 303);
    // Without TLS browsers send no Sec-Fetch-Site.
    let plain = create(&[("origin", url.as_str())]).send().await.unwrap();
    assert_eq!(plain.status(), 303, "our own origin");
    let page = get(&url, location(&made), &cookie).await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert_eq!(page.headers()["referrer-policy"], "same-origin");
    let html = page.text().await.unwrap();
    assert!(
        html.contains("&lt;b&gt;bold&lt;/b&gt;") && !html.contains("<b>bold"),
        "what people type is text"
    );
    for inline in [" style=", " onclick=", " onload=", "javascript:", "<style"] {
        assert!(!html.contains(inline), "{inline}");
    }
    assert_eq!(html.matches("<script").count(), html.matches("<script src=\"/console/assets/").count());
    // A form that was sent twice is carried out once.
    let twice = [("name", "Twice"), ("provider", "okta"), ("once", "3f1d2f6e-0000-4000-8000-000000000001")];
    for _ in 0..2 {
        let request = client().post(format!("{url}/console/t/acme/connections")).header(COOKIE, &cookie);
        assert_eq!(request.form(&twice).send().await.unwrap().status(), 303);
    }
    assert_eq!(tenant.get("/connections").await["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn whoever_guesses_credentials_is_held_up_and_nobody_who_is_known() {
    let program = Program::start(Engine::Sqlite, &[]).await;
    let (tenant, url) = (Tenant::register(&program, "acme").await, program.url());
    let from = |request: reqwest::RequestBuilder, source: &str| request.header("x-forwarded-for", source);
    let users = |token: &str, source: &str| {
        let request = from(client().get(format!("{}/Users?count=0", tenant.scim)), source);
        request.bearer_auth(token).send()
    };
    // A provider that keeps an old token guesses nothing.
    for _ in 0..40 {
        assert_eq!(users("rollcall_scim_old", "198.51.100.1").await.unwrap().status(), 401);
    }
    assert_eq!(users(&tenant.token, "198.51.100.1").await.unwrap().status(), 200);
    let mut refused = 0;
    for guess in 0..40 {
        let answer = users(&format!("rollcall_scim_guess_{guess}"), "198.51.100.1").await.unwrap();
        if answer.status() == 429 {
            assert_eq!(answer.headers()["retry-after"], "60");
            refused += 1;
        } else {
            assert_eq!(answer.status(), 401);
        }
    }
    assert_eq!(refused, 40 - 29, "the old token was one of thirty");
    assert_eq!(users(&tenant.token, "198.51.100.1").await.unwrap().status(), 200, "who is known goes on");
    assert_eq!(users("rollcall_scim_other", "198.51.100.2").await.unwrap().status(), 401, "elsewhere");

    let me = |key: String, source: &'static str| {
        from(client().get(format!("{url}/v1/me")), source).bearer_auth(key).send()
    };
    assert_eq!(me(tenant.key.clone(), "198.51.100.3").await.unwrap().status(), 200);
    for guess in 0..60 {
        assert_eq!(me(format!("guess-{guess}"), "198.51.100.3").await.unwrap().status(), 401);
    }
    let held_up = me("another-guess".to_owned(), "198.51.100.3").await.unwrap();
    assert_eq!((held_up.status().as_u16(), &held_up.headers()["retry-after"]), (429, &"60".parse().unwrap()));
    assert_eq!(me(OPERATOR_KEY.to_owned(), "198.51.100.3").await.unwrap().status(), 429, "nor by luck");
    assert_eq!(me(tenant.key.clone(), "198.51.100.3").await.unwrap().status(), 200, "who is known goes on");
    let form =
        from(client().post(format!("{url}/console/sign-in")), "198.51.100.3").form(&[("key", OPERATOR_KEY)]);
    assert_eq!(form.send().await.unwrap().status(), 429, "the console is no other door");
    assert_eq!(me(OPERATOR_KEY.to_owned(), "198.51.100.4").await.unwrap().status(), 200);
}

#[tokio::test]
async fn whoever_looks_after_credentials_is_told_where_they_are_used_and_that_they_end() {
    let program = Program::start(Engine::Sqlite, &[]).await;
    let (tenant, url) = (Tenant::register(&program, "acme").await, program.url());
    let (_, cookie) = sign_in(&url, &tenant.key).await;
    let overview = async || get(&url, "/console/t/acme", &cookie).await.text().await.unwrap();
    assert!(!overview().await.contains("ends within two weeks"));
    let day = std::time::Duration::from_hours(24);
    let ends_in = |days: u32| store::Clock::default().now().plus(day * days);
    for (name, days) in [("soon", 13), ("later", 20)] {
        let body = json!({"name": name, "expires_at": ends_in(days)});
        tenant.post(&format!("/connections/{}/tokens", tenant.connection_id), &body).await;
        tenant.post("/keys", &json!({"name": name, "role": "auditor", "expires_at": ends_in(days)})).await;
    }
    let told = overview().await;
    assert!(told.contains("token “soon” of IdP") && told.contains("key “soon”"), "{told}");
    assert!(!told.contains("“later”"));

    // Behind a proxy, where that says.
    let users = client().get(format!("{}/Users", tenant.scim)).bearer_auth(&tenant.token);
    assert_eq!(users.header("x-forwarded-for", "198.51.100.7").send().await.unwrap().status(), 200);
    let tokens = tenant.get(&format!("/connections/{}/tokens", tenant.connection_id)).await;
    let (used, soon) = (&tokens["items"][0], &tokens["items"][1]);
    assert_eq!((&used["last_used_from"], &used["ends_soon"]), (&json!("198.51.100.7"), &json!(false)));
    assert_eq!((&soon["last_used_from"], &soon["ends_soon"]), (&json!(null), &json!(true)));
    assert_eq!(tenant.get("/keys").await["items"][0]["last_used_from"], "127.0.0.1");
    let page = format!("/console/t/acme/connections/{}", tenant.connection_id);
    assert!(get(&url, &page, &cookie).await.text().await.unwrap().contains("198.51.100.7"));
}
