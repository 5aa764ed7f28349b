//! Signing in by a key and by a tenant's own identity provider, staying signed in, and signing out.

use std::time::{Duration, Instant};

use atlassian::http::HttpSettings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::harness::{Answer, Api, CLIENT_SECRET, OPERATOR, PUBLIC_URL, loopback_allowed, text};
use crate::organization::{Organization, Tenant, sign_in_body};

on_both!(
    a_person_signs_in_with_the_highest_role_of_their_groups,
    a_sign_in_is_taken_once_from_who_began_it_and_in_time,
    what_a_provider_does_not_vouch_for_opens_nothing,
    an_exchanged_key_of_the_provider_is_found_and_looked_for_seldom,
    access_tokens_of_the_provider_open_its_tenant_alone,
    settings_are_tried_before_they_are_kept,
    a_provider_that_answers_badly_or_never_is_told_and_holds_nobody_up,
    nobody_signs_in_to_a_tenant_that_is_moving,
    a_client_secret_goes_to_no_other_host,
    changed_rules_end_the_sessions_that_they_gave,
    a_session_ends_when_it_is_ended_or_its_key_or_time_is_over,
    a_session_whose_secret_was_copied_ends_for_both,
    sessions_of_the_operator_end_with_the_operators_key,
);

fn ann(groups: &[&str]) -> Value {
    json!({"sub": "ann-1", "email": "ann@acme.com", "groups": groups})
}

/// The way of a browser, up to what comes back from the provider.
async fn come_back(api: &Api, slug: &str) -> Value {
    let started = api.post("/v1/sign-in/start", json!({"tenant": slug})).send().await.expect(200);
    let back = api.openid.visit(&text(&started, "authorization_url").parse().unwrap()).unwrap();
    json!({"pending": started["pending"], "state": back["state"], "code": back["code"]})
}

async fn finish(api: &Api, slug: &str) -> Answer {
    let body = come_back(api, slug).await;
    api.post("/v1/sign-in/finish", body).send().await
}

async fn session(api: &Api, slug: &str) -> String {
    text(&finish(api, slug).await.expect(201), "session")
}

async fn a_person_signs_in_with_the_highest_role_of_their_groups(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let other = Organization::at_work(&api, "zenith").await;
    let started = api.post("/v1/sign-in/start", json!({"tenant": "acme"})).send().await.expect(200);
    let url = text(&started, "authorization_url");
    let callback = format!("{PUBLIC_URL}console/sign-in/callback");
    let shown = api.get(&own.tenant.path("/sign-in")).by(&own.tenant.auditor).send().await.expect(200);
    assert_eq!(text(&shown, "redirect_uri"), callback);
    assert_eq!(text(&shown, "sign_in_url"), format!("{PUBLIC_URL}console/sign-in/at/acme"));
    for part in
        ["response_type=code", "code_challenge_method=S256", "scope=openid+profile+email", "nonce=", "state="]
    {
        assert!(url.contains(part), "{part} in {url}");
    }
    assert!(!url.contains(CLIENT_SECRET) && !shown.to_string().contains(CLIENT_SECRET));
    assert!(!api.database_holds(CLIENT_SECRET).await, "it is sealed");

    api.openid.be(&ann(&["everyone", "rollcall-admins", "sales"]));
    let secret = session(&api, "acme").await;
    assert!(secret.starts_with("rollcall_session_"));
    assert!(!api.database_holds(&secret).await, "only a digest is kept");
    let me = api.get("/v1/me").by(&secret).send().await.expect(200);
    assert_eq!((&me["kind"], &me["role"]), (&json!("person"), &json!("admin")));
    assert_eq!(me["actor"], "person:ann-1 (ann@acme.com)");
    assert_eq!(me["tenant"]["slug"], "acme");
    let body = json!({"name": "Okta", "provider": "okta"});
    api.post(&own.tenant.path("/connections"), body).by(&secret).send().await.expect(201);
    api.get(&own.tenant.path("/keys")).by(&secret).send().await.expect(403);
    api.get(&other.tenant.path("")).by(&secret).send().await.expect(404);
    api.get("/v1/tenants").by(&secret).send().await.expect(403);
    let audit = api.get(&own.tenant.path("/audit?limit=2")).by(&own.tenant.owner).send().await.expect(200);
    let entry = |index: usize| {
        let entry = &audit["items"][index];
        (text(entry, "actor"), text(entry, "action"))
    };
    let actor = "person:ann-1 (ann@acme.com)".to_owned();
    assert_eq!(entry(0), (actor.clone(), "connection.create".to_owned()));
    assert_eq!(entry(1), (actor, "session.create".to_owned()));

    api.openid.be(&ann(&["everyone"]));
    let secret = session(&api, "acme").await;
    let body = json!({"name": "Okta", "provider": "okta"});
    api.post(&own.tenant.path("/connections"), body).by(&secret).send().await.expect(403);

    api.openid.be(&ann(&["sales"]));
    let refused = finish(&api, "acme").await.expect(403);
    assert!(text(&refused, "detail").contains("ann@acme.com has none of the values"), "{refused}");
    let audit = api.get(&own.tenant.path("/audit?limit=1")).by(&own.tenant.owner).send().await.expect(200);
    assert_eq!(audit["items"][0]["action"], "session.refuse", "an owner sees why somebody cannot come in");
    api.execute("UPDATE tenants SET status = 'suspended' WHERE slug = 'acme'").await;
    api.openid.be(&ann(&["everyone"]));
    finish(&api, "acme").await.expect(403);
    api.get(&own.tenant.path("")).by(&secret).send().await.expect(403);
}

async fn a_sign_in_is_taken_once_from_who_began_it_and_in_time(api: Api) {
    let _own = Organization::at_work(&api, "acme").await;
    api.openid.be(&ann(&["everyone"]));
    for nobody in ["nobody", "Acme", "a/b", ""] {
        api.post("/v1/sign-in/start", json!({"tenant": nobody})).send().await.expect(404);
    }
    let (first, second) = (come_back(&api, "acme").await, come_back(&api, "acme").await);
    let send = async |body: &Value| api.post("/v1/sign-in/finish", body.clone()).send().await;
    let with = |field: &str, value: &Value| {
        let mut body = first.clone();
        body[field] = value.clone();
        body
    };
    // Somebody else's code, in whichever way: the browser that began another sign-in, or a made-up one.
    send(&with("state", &second["state"])).await.expect(403);
    send(&with("pending", &second["pending"])).await.expect(403);
    send(&with("pending", &json!("eyJhbGciOiJub25lIn0.e30."))).await.expect(403);
    send(&with("code", &json!("made-up"))).await.expect(502);
    let swapped = json!({"pending": first["pending"], "state": first["state"], "code": second["code"]});
    let refused = send(&swapped).await.expect(502);
    assert!(text(&refused, "detail").contains("invalid_grant"), "PKCE: {refused}");
    send(&first).await.expect(201);
    send(&first).await.expect(502);
    // An access token is signed by the same key and is no beginning.
    let tenant = Tenant::new(&api, "third").await;
    let token = api.call("POST", "/v1/auth/token").by(&tenant.owner).send().await.expect(200);
    send(&with("pending", &token["access_token"])).await.expect(403);
    let late = come_back(&api, "acme").await;
    api.get("/v1/me").by(&text(&late, "pending")).send().await.expect(401);
    api.clock.advance(Duration::from_mins(10));
    send(&late).await.expect(403);
}

async fn what_a_provider_does_not_vouch_for_opens_nothing(api: Api) {
    let _own = Organization::at_work(&api, "acme").await;
    for (claims, why) in [
        (json!({"aud": "another-client"}), "audience"),
        (json!({"iss": "https://evil.example.com"}), "issuer"),
        (json!({"nonce": "of another sign-in"}), "not made for this sign-in"),
        (json!({"exp": 1_767_225_500}), "expired"),
        (json!({"nbf": 4_000_000_000_u64}), "not valid yet"),
        (json!({"aud": ["rollcall-of-the-tests", "another-client"]}), "somebody else"),
        (json!({"sub": ""}), "whom it is about"),
        (json!({"groups": null}), "must be sent with the token"),
    ] {
        let mut person = ann(&["everyone"]);
        person.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        api.openid.be(&person);
        let told = text(&finish(&api, "acme").await.expect(403), "detail");
        assert!(told.to_lowercase().contains(why), "{claims}: {told}");
    }
    api.openid.be(&ann(&["everyone"]));
    let body = come_back(&api, "acme").await;
    api.openid.be_down(true);
    let told = api.post("/v1/sign-in/finish", body).send().await.expect(502);
    assert!(text(&told, "detail").contains("identity provider"), "{told}");
    api.openid.be_down(false);
    session(&api, "acme").await;
}

async fn an_exchanged_key_of_the_provider_is_found_and_looked_for_seldom(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    api.openid.be(&ann(&["everyone"]));
    session(&api, "acme").await;
    let before = api.openid.calls("keys");
    session(&api, "acme").await;
    assert_eq!(api.openid.calls("keys"), before, "what is known is not asked again");
    // Half a minute after it was last asked, an unknown key leads to one question and no more.
    let path = own.tenant.path("");
    let bent = api.openid.sign(&ann(&["everyone"]));
    api.openid.exchange_key().unwrap();
    let fresh = api.openid.sign(&ann(&["everyone"]));
    for _ in 0..20 {
        api.get(&path).by(&fresh).send().await.expect(401);
    }
    assert_eq!(api.openid.calls("keys"), before, "it was asked just now");
    // Setting it again is a reason to ask, and so would be half a minute.
    own.let_people_sign_in(&api).await;
    api.get(&path).by(&fresh).send().await.expect(200);
    api.get(&path).by(&bent).send().await.expect(401);
    assert_eq!(api.openid.calls("keys"), before + 1);
}

async fn access_tokens_of_the_provider_open_its_tenant_alone(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let other = Organization::at_work(&api, "zenith").await;
    let without = Tenant::new(&api, "third").await;
    let token = api.openid.sign(&ann(&["rollcall-admins"]));
    let connections = own.tenant.path("/connections");
    let body = json!({"name": "Okta", "provider": "okta"});
    api.post(&connections, body.clone()).by(&token).send().await.expect(201);
    let once = api.post(&connections, body).by(&token).header("idempotency-key", "a");
    once.send().await.expect(201);
    api.get(&own.tenant.path("/keys")).by(&token).send().await.expect(403);
    api.get(&without.path("")).by(&token).send().await.expect(401);
    // The tenants trust the same provider; each has an API of its own there.
    let mut settings = sign_in_body(&own.issuer);
    settings["audience"] = json!("https://rollcall.example.com/zenith");
    let put = api.call("PUT", &other.tenant.path("/sign-in")).json(settings);
    put.by(&other.tenant.owner).send().await.expect(200);
    api.get(&other.tenant.path("")).by(&token).send().await.expect(401);
    let theirs = json!({"sub": "z", "groups": ["everyone"], "aud": "https://rollcall.example.com/zenith"});
    let theirs = api.openid.sign(&theirs);
    api.get(&other.tenant.path("")).by(&theirs).send().await.expect(200);
    api.get(&own.tenant.path("")).by(&theirs).send().await.expect(401);

    let parts: Vec<&str> = token.split('.').collect();
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let by_secret = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
    for bent in [
        format!("{unsigned}.{}.", parts[1]),
        format!("{by_secret}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86)),
        api.openid.sign(&json!({"sub": "ann-1", "groups": ["everyone"], "exp": 1_767_225_500})),
        api.openid.sign(&json!({"sub": "ann-1", "groups": ["sales"]})),
    ] {
        api.get(&own.tenant.path("")).by(&bent).send().await.expect(401);
    }
    api.get("/v1/tenants").by(&token).send().await.expect(401);
    api.get("/v1/me").by(&token).send().await.expect(401);
    // A token of ours that has expired says so, also while the provider is away.
    let ours = api.call("POST", "/v1/auth/token").by(&own.tenant.owner).send().await.expect(200);
    api.clock.advance(Duration::from_mins(15));
    api.openid.be_down(true);
    api.get(&own.tenant.path("")).by(&text(&ours, "access_token")).send().await.expect(401);
}

async fn settings_are_tried_before_they_are_kept(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let path = tenant.path("/sign-in");
    let put = async |body: Value| api.call("PUT", &path).json(body).by(&tenant.owner).send().await;
    let with = |field: &str, value: Value| {
        let mut body = sign_in_body(&api.openid.issuer);
        body[field] = value;
        body
    };
    for (field, value, named) in [
        ("issuer", json!("http://idcs.example.com"), "issuer"),
        ("issuer", json!("nonsense"), "issuer"),
        ("issuer", json!("http://127.0.0.1:1"), "issuer"),
        ("issuer", json!("https://10.0.0.1"), "issuer"),
        ("issuer", json!("https://[::ffff:169.254.169.254]/"), "issuer"),
        ("issuer", json!(format!("{}/nowhere", api.openid.issuer)), "issuer"),
        ("client_id", json!(""), "client_id"),
        ("scopes", json!(["email"]), "scopes"),
        ("scopes", json!(["openid", "two words"]), "scopes"),
        ("roles", json!([]), "roles"),
        ("roles", json!([{"value": "x", "role": "operator"}]), "roles[0].role"),
        ("token_issuer", json!("https://identity.example.com/"), "token_issuer"),
    ] {
        assert_eq!(put(with(field, value.clone())).await.fields(422), [named], "{field} {value}");
    }
    api.openid.call_itself("https://identity.oraclecloud.com/");
    let refused = put(sign_in_body(&api.openid.issuer)).await.expect(422);
    assert!(refused.to_string().contains("https://identity.oraclecloud.com/"), "{refused}");
    api.get(&path).by(&tenant.owner).send().await.expect(404);
    put(with("token_issuer", json!("https://identity.oraclecloud.com/"))).await.expect(200);
    api.openid.be(&ann(&["everyone"]));
    session(&api, "acme").await;

    let shown = api.get(&path).by(&tenant.auditor).send().await;
    let (tag, shown) = (shown.header("etag").to_owned(), shown.expect(200));
    assert_eq!(shown["has_client_secret"], true);
    let conditional = async |tag: &str| {
        let body = with("token_issuer", json!("https://identity.oraclecloud.com/"));
        api.call("PUT", &path).json(body).by(&tenant.owner).header("if-match", tag).send().await
    };
    conditional(&tag).await.expect(200);
    conditional(&tag).await.expect(412);
    api.delete(&path).by(&tenant.owner).send().await.expect(204);
    api.delete(&path).by(&tenant.owner).send().await.expect(404);
    api.post("/v1/sign-in/start", json!({"tenant": "acme"})).send().await.expect(404);
}

/// Answers every connection with these bytes, and then says nothing more.
async fn provider_that_says(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            // A client that has read enough hangs up.
            let _ = stream.write_all(&answer).await;
            held.push(stream);
        }
    });
    format!("http://{address}")
}

async fn a_provider_that_answers_badly_or_never_is_told_and_holds_nobody_up(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let hasty = HttpSettings { request_timeout: Duration::from_millis(300), ..loopback_allowed() };
    let router = api.with_http(hasty);
    let answer = |head: &str, body: &[u8]| [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat();
    let elsewhere = format!(
        r#"{{"issuer":"x","authorization_endpoint":"http://idcs.example.com/a","token_endpoint":"{0}/t","jwks_uri":"{0}/k"}}"#,
        api.openid.issuer
    );
    for (said, words) in [
        (Vec::new(), "timed out"),
        (answer("200 OK\r\ncontent-length: 100", b"{"), "timed out"),
        (
            answer("200 OK\r\nconnection: close\r\ncontent-length: 2000000", &vec![b' '; 2_000_000]),
            "answered too much",
        ),
        (answer("200 OK\r\ncontent-length: 5", b"hello"), "is not understood"),
        (answer("302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0", b""), "answered 302"),
        (answer("401 Unauthorized\r\ncontent-length: 0", b""), "answered 401"),
        (
            answer(&format!("200 OK\r\ncontent-length: {}", elsewhere.len()), elsewhere.as_bytes()),
            "http://idcs.example.com/a, which has no TLS",
        ),
    ] {
        let issuer = provider_that_says(said).await;
        let began = Instant::now();
        let put = api.call("PUT", &tenant.path("/sign-in")).json(sign_in_body(&issuer)).by(&tenant.owner);
        let told = put.through(router.clone()).send().await.expect(422);
        assert_eq!(told["errors"][0]["field"], "issuer", "{told}");
        assert!(told.to_string().contains(words), "{words}: {told}");
        assert!(began.elapsed() < Duration::from_secs(5), "{words}");
    }
}

async fn nobody_signs_in_to_a_tenant_that_is_moving(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    api.openid.be(&ann(&["everyone"]));
    let back = come_back(&api, "acme").await;
    api.execute("UPDATE tenants SET status = 'leaving' WHERE slug = 'acme'").await;
    let changes = own.tenant.changes(&api).await;
    let refused = api.post("/v1/sign-in/finish", back).send().await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "5"));
    api.call("POST", "/v1/sessions").by(&own.tenant.owner).send().await.expect(503);
    assert_eq!(own.tenant.changes(&api).await, changes, "nothing was written that would stay behind");
}

async fn a_client_secret_goes_to_no_other_host(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    let path = own.tenant.path("/sign-in");
    let elsewhere = sandbox::openid::OpenIdProvider::start("x", "y").await.unwrap();
    let mut body = sign_in_body(&elsewhere.issuer);
    body.as_object_mut().unwrap().remove("client_secret");
    let refused = api.call("PUT", &path).json(body.clone()).by(&own.tenant.owner).send().await;
    assert_eq!(refused.fields(422), ["client_secret"]);
    body["issuer"] = json!(own.issuer);
    api.call("PUT", &path).json(body.clone()).by(&own.tenant.owner).send().await.expect(200);
    api.openid.be(&ann(&["everyone"]));
    session(&api, "acme").await;
    body["client_secret"] = json!("");
    let public = api.call("PUT", &path).json(body).by(&own.tenant.owner).send().await.expect(200);
    assert_eq!(public["has_client_secret"], false);
    finish(&api, "acme").await.expect(502);
    assert_eq!(elsewhere.calls("token"), 0);
}

async fn changed_rules_end_the_sessions_that_they_gave(api: Api) {
    let own = Organization::at_work(&api, "acme").await;
    api.openid.be(&ann(&["everyone"]));
    let by_key = api.call("POST", "/v1/sessions").by(&own.tenant.owner).send().await.expect(201);
    for end in ["PUT", "DELETE"] {
        let secret = session(&api, "acme").await;
        api.get(&own.tenant.path("")).by(&secret).send().await.expect(200);
        let call = api.call(end, &own.tenant.path("/sign-in")).by(&own.tenant.owner);
        if end == "PUT" { call.json(sign_in_body(&own.issuer)) } else { call }.send().await;
        api.get(&own.tenant.path("")).by(&secret).send().await.expect(401);
    }
    api.get(&own.tenant.path("")).by(&text(&by_key, "session")).send().await.expect(200);
}

async fn a_session_ends_when_it_is_ended_or_its_key_or_time_is_over(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let made = tenant.make(&api, "/keys", json!({"name": "mine", "role": "admin"})).await;
    let begin = async || {
        let begun = api.call("POST", "/v1/sessions").by(&text(&made, "key")).send().await.expect(201);
        text(&begun, "session")
    };
    let path = tenant.path("/connections");
    let (first, second, third) = (begin().await, begin().await, begin().await);
    let me = api.get("/v1/me").by(&first).send().await.expect(200);
    assert_eq!((&me["kind"], &me["key_id"]), (&json!("key"), &made["id"]), "it acts in the name of its key");
    api.delete("/v1/sessions/current").by(&first).send().await.expect(204);
    for over in ["/v1/me", path.as_str()] {
        api.get(over).by(&first).send().await.expect(401);
    }
    api.delete("/v1/sessions/current").by(&first).send().await.expect(401);
    api.get(&path).by(&second).send().await.expect(200);
    // A session makes no session, so that its time cannot be lengthened; nor does it make access tokens.
    let token = api.call("POST", "/v1/auth/token").by(&tenant.owner).send().await.expect(200);
    for credential in [&second, &text(&token, "access_token")] {
        api.call("POST", "/v1/auth/token").by(credential).send().await.expect(401);
        api.call("POST", "/v1/sessions").by(credential).send().await.expect(401);
    }
    api.clock.advance(Duration::from_hours(12) - Duration::from_secs(1));
    api.get(&path).by(&second).send().await.expect(200);
    let rotated = api.call("POST", "/v1/sessions/rotate").by(&third).send().await.expect(201);
    api.clock.advance(Duration::from_secs(1));
    api.get(&path).by(&second).send().await.expect(401);
    api.get(&path).by(&text(&rotated, "session")).send().await.expect(401);

    let last = begin().await;
    api.get(&path).by(&last).send().await.expect(200);
    let key = tenant.path(&format!("/keys/{}", text(&made, "id")));
    api.delete(&key).by(&tenant.owner).send().await.expect(204);
    api.get(&path).by(&last).send().await.expect(401);
}

async fn a_session_whose_secret_was_copied_ends_for_both(api: Api) {
    let tenant = Tenant::new(&api, "acme").await;
    let path = tenant.path("/connections");
    let begin = async || {
        let begun = api.call("POST", "/v1/sessions").by(&tenant.admin).send().await.expect(201);
        text(&begun, "session")
    };
    let rotate = async |secret: &str| api.call("POST", "/v1/sessions/rotate").by(secret).send().await;
    let old = begin().await;
    let new = text(&rotate(&old).await.expect(201), "session");
    assert_ne!(old, new);
    rotate(&old).await.expect(409);
    api.clock.advance(Duration::from_secs(119));
    for secret in [&old, &new] {
        api.get(&path).by(secret).send().await.expect(200);
    }
    api.clock.advance(Duration::from_secs(1));
    api.get(&path).by(&new).send().await.expect(200);
    api.get(&path).by(&old).send().await.expect(401);
    api.get(&path).by(&new).send().await.expect(401);
    let audit = api.get(&tenant.path("/audit?limit=1")).by(&tenant.owner).send().await.expect(200);
    assert_eq!(audit["items"][0]["action"], "session.replay");
    // What was replaced twice is nobody's any more, and says nothing.
    let first = begin().await;
    let second = text(&rotate(&first).await.expect(201), "session");
    let third = text(&rotate(&second).await.expect(201), "session");
    api.get(&path).by(&first).send().await.expect(401);
    api.get(&path).by(&third).send().await.expect(200);
}

async fn sessions_of_the_operator_end_with_the_operators_key(api: Api) {
    let begun = api.call("POST", "/v1/sessions").by(OPERATOR).send().await.expect(201);
    let secret = text(&begun, "session");
    let me = api.get("/v1/me").by(&secret).send().await.expect(200);
    assert_eq!(me["kind"], "operator");
    api.get("/v1/tenants").by(&secret).send().await.expect(200);
    let digest = store::secret::digest("another-key");
    let blob = if api.store.url().starts_with("sqlite") {
        format!("x'{}'", hex::encode(digest))
    } else {
        format!("'\\x{}'", hex::encode(digest))
    };
    // As if it had been begun with the key of before.
    api.execute(&format!("UPDATE sessions SET operator_digest = {blob}")).await;
    api.get("/v1/tenants").by(&secret).send().await.expect(401);
    api.get("/v1/me").by(&secret).send().await.expect(401);
}
