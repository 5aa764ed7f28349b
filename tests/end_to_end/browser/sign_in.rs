//! Signing in as people do at work: through the organization's identity provider, in a real browser.

use sandbox::openid::OpenIdProvider;
use serde_json::json;

use super::chromium::{Browser, LIGHT};
use crate::program::{Engine, Program};
use crate::tenant::Tenant;

#[tokio::test]
async fn an_owner_sets_sign_in_up_and_people_come_in_with_the_role_of_their_groups() {
    let program = Program::start(Engine::Sqlite, &[]).await;
    let tenant = Tenant::register(&program, "acme").await;
    let provider = OpenIdProvider::start("rollcall", "a-client-secret").await.unwrap();
    let mut browser = Browser::open(&program.url(), LIGHT).await;
    browser.go("/console/t/acme/sign-in").await;
    browser.fill("key", &tenant.key).await;
    browser.press("Sign in").await;
    // The provider asks for this before it gives what the form asks for.
    let callback = format!("{}/console/sign-in/callback", program.url());
    assert_eq!(browser.value("redirect-uri").await, callback);
    browser.look("sign-in-before").await;
    browser.fill("issuer", "http://127.0.0.1:1").await;
    browser.fill("client_id", "rollcall").await;
    browser.fill("client_secret", "a-client-secret").await;
    browser.fill("roles", "auditor: everyone\nadmin: rollcall-admins").await;
    browser.press("Save").await;
    browser.reads("127.0.0.1 cannot be reached").await;
    browser.fill("issuer", &provider.issuer).await;
    browser.fill("client_secret", "a-client-secret").await;
    browser.press("Save").await;
    browser.reads("Where your people begin").await;
    browser.look("sign-in-set-up").await;
    let begin = browser.value("sign-in-url").await;
    assert_eq!(begin, format!("{}/console/sign-in/at/acme", program.url()));
    browser.run("document.querySelector('header form').submit()", vec![]).await;
    browser.reads("Sign in as you do at work").await;

    // Somebody of none of the groups, then somebody of one.
    provider.be(&json!({"sub": "bob", "email": "bob@acme.com", "groups": ["sales"]}));
    let come = async |browser: &mut Browser| {
        browser.go("/console/sign-in").await;
        browser.fill("tenant", "Acme").await;
        browser.press("Go on").await;
        browser.look("sign-in-at").await;
        browser.follow("Go to the identity provider").await;
        browser.follow("Sign in").await;
    };
    come(&mut browser).await;
    browser.reads("bob@acme.com has none of the values").await;
    browser.look("sign-in-refused").await;
    provider.be(&json!({"sub": "ann", "email": "ann@acme.com", "groups": ["everyone"]}));
    come(&mut browser).await;
    browser.reads("Signed in as auditor").await;
    assert_eq!(browser.path().await, "/console/t/acme");
    // The provider's page is another site's: its link brought the browser here with nothing but a code.
    browser.go("/console/t/acme/audit").await;
    browser.reads("session.create").await;
    assert!(tenant.get("/audit?limit=5").await.to_string().contains("person:ann (ann@acme.com)"));
    browser.go("/console/t/acme/keys").await;
    browser.reads("You may not do this").await;

    // An answer that nobody asked for here signs nobody in.
    browser.go("/console/sign-in/callback?code=stolen&state=made-up").await;
    browser.reads("begun too long ago, or in another browser").await;
    browser.go("/console/sign-in/callback?error=access_denied&error_description=No+%3Cb%3E").await;
    browser.reads("access_denied No <b>").await;
    assert!(browser.found.is_empty(), "{:#?}", browser.found);
    browser.close().await;
}
