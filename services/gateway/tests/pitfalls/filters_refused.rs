//! Filters: what is broken, too large, unknown or secret (RFC 7644 §3.4.2.2, §7.5.2).

use serde_json::{Value, json};

use crate::asking::with;
use crate::harness::{Edge, USER};
use crate::rules;

rules!(
    s15_escapes_are_those_of_json_and_broken_filters_are_refused,
    s17_depth_and_length_have_limits,
    s18_unknown_attributes_match_nothing_or_are_refused,
    s19_what_is_never_returned_cannot_be_asked_for,
);

/// RFC 8259 §7 by way of RFC 7644 figure 1: a value in a filter is JSON.
async fn s15_escapes_are_those_of_json_and_broken_filters_are_refused(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    let titles = [
        ("quote", "a\"b", "a\\\"b"),
        ("backslash", "a\\b", "a\\\\b"),
        ("slash", "a/b", "a\\/b"),
        ("controls", "\u{8}\u{c}\n\r\t", "\\b\\f\\n\\r\\t"),
        ("control", "a\u{1f}b", "a\\u001fb"),
        ("umlaut", "caf\u{e9}", "caf\\u00e9"),
        ("capitals", "x\u{e9}", "x\\u00E9"),
        ("crab", "\u{1f980}!", "\\ud83e\\udd80!"),
        ("letters", "plain", "\\u0070\\u006cain"),
        ("brackets", "a]) or (userName pr", "a]) or (userName pr"),
        ("quoted", "\" or userName pr or title eq \"", "\\\" or userName pr or title eq \\\""),
        ("slashes", "\\\\\"", "\\\\\\\\\\\""),
    ];
    for (user_name, title, _) in titles {
        idp.person(user_name, json!({"title": title})).await;
    }
    for (user_name, title, escaped) in titles {
        assert_eq!(idp.found(&format!("title eq \"{escaped}\"")).await, [user_name], "{escaped}");
        let in_brackets = format!("userName eq \"{user_name}\" and (title eq \"{escaped}\")");
        assert_eq!(idp.found(&in_brackets).await, [user_name], "{in_brackets}");
        let read = idp.find("/Users", &format!("title eq \"{escaped}\"")).await.ok();
        assert_eq!(read["Resources"][0]["title"], title);
    }
    for idp in [idp, strict] {
        idp.refuses_filters(&[
            // Broken strings.
            "title eq \"a",
            "title eq \"a\\\"",
            "title eq \"\\x\"",
            "title eq \"\\u12\"",
            "title eq \"\\u00g0\"",
            "title eq \"\\ud83e\"",
            "title eq \"\\udd80\"",
            "title eq \"\\udd80\\ud83e\"",
            "title eq \"\\ud83e\\u0041\"",
            "title eq \"a\nb\"",
            "title eq 'a'",
            "title eq a",
            "title eq \u{201c}a\u{201d}",
            // Trailing and missing parts.
            "title eq \"a\" garbage",
            "title eq \"a\" \"b\"",
            "title eq \"a\"\"b\"",
            "title eq \"a\" and",
            "title eq \"a\" or",
            "and title eq \"a\"",
            "title eq \"a\" and or title pr",
            "title eq \"a\", title pr",
            "title eq \"a\" && title pr",
            "title eq",
            "title",
            "eq \"a\"",
            "\"a\" eq title",
            "title eq \"a\")",
            "(title eq \"a\"",
            "()",
            "not title eq \"a\"",
            "not",
            "not ()",
            "title pr \"a\"",
            "title pr and",
            "title.pr",
            "title..x eq \"a\"",
            ".title eq \"a\"",
            "title. eq \"a\"",
            "1title eq \"a\"",
            "ti tle eq \"a\"",
            "emails[type eq \"work\"].value.x eq \"a\"",
            // Unknown operators.
            "title is \"a\"",
            "title = \"a\"",
            "title == \"a\"",
            "title eqq \"a\"",
            "title like \"a%\"",
            "title in (\"a\")",
            "title neq \"a\"",
            // Nothing.
            "",
            " ",
            "\t",
            "\u{0}",
            "🦀",
            "title eq {\"a\": 1}",
            "title eq [\"a\"]",
            "title eq 1e",
            "title eq 01",
            "title eq NaN",
        ])
        .await;
        idp.get("/Users?filter=").await.refused(400, "invalidFilter");
        idp.get("/Users?filter=%ff%fe").await.refused(400, "invalidFilter");
        idp.search("/Users/.search", json!({"filter": "title eq"})).await.refused(400, "invalidFilter");
    }
}

/// Our limits: 8 KiB of text, 32 levels. What is deeper or longer is refused before it costs anything.
async fn s17_depth_and_length_have_limits(edge: Edge) {
    let idp = edge.idp("acme").await;
    idp.user("ann").await;
    let search = async |filter: String| {
        let answer = idp.search("/Users/.search", json!({"filter": filter})).await;
        (answer.status.as_u16(), answer.scim_type().to_owned())
    };
    let (fine, refused) = ((200, String::new()), (400, "invalidFilter".to_owned()));
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [("(", ")"), ("not (", ")"), ("(userName pr and (", "))"), ("( ", " ) ")] {
        let levels = open.matches('(').count();
        assert_eq!(search(nested(open, "title pr", close, 32 / levels)).await, fine, "{open}");
        for depth in [33, 1_000, 100_000] {
            assert_eq!(search(nested(open, "title pr", close, depth)).await, refused, "{open} {depth}");
        }
    }
    // Never closed, and never opened.
    for text in ["(", ")", "not (", "emails[", "emails[(", "\"", "\\", "and ", "title eq "] {
        assert_eq!(search(text.repeat(100_000)).await, refused, "{text}");
        assert_eq!(search(text.repeat(500)).await, refused, "{text}");
    }
    let of_length = |length: usize| format!("title eq \"{}\"", "x".repeat(length - "title eq \"\"".len()));
    assert_eq!(search(of_length(8 * 1024)).await, fine);
    assert_eq!(search(of_length(8 * 1024 + 1)).await, refused);
    assert_eq!(search(of_length(3 * 1024 * 1024)).await, refused);
    idp.find("/Users", &of_length(8 * 1024)).await.ok();
    idp.find("/Users", &of_length(8 * 1024 + 1)).await.refused(400, "invalidFilter");
    idp.find("/Groups", &of_length(60 * 1024)).await.refused(400, "invalidFilter");
    // Wide is not deep.
    for word in [" or ", " and "] {
        let wide = vec!["userName pr"; 500].join(word);
        assert_eq!(idp.found(&wide).await, ["ann"], "{word}");
    }
    // The same limits hold in the path of a PATCH.
    let id = idp.find("/Users", "userName eq \"ann\"").await.ids().remove(0);
    for inner in
        [nested("(", "type pr", ")", 40), nested("(", "type pr", ")", 100_000), "x".repeat(1_000_000)]
    {
        let operations = json!([{"op": "remove", "path": format!("emails[{inner}]")}]);
        let answer = idp.patch(&format!("/Users/{id}"), operations).await;
        assert!(
            matches!((answer.status.as_u16(), answer.scim_type()), (400, "invalidFilter" | "invalidPath")),
            "{answer:?}"
        );
    }
}

/// Our choice: strict refuses, tolerant finds nothing by it. It is never our failure.
async fn s18_unknown_attributes_match_nothing_or_are_refused(edge: Edge) {
    let (tolerant, strict) = edge.tolerant_and_strict().await;
    for idp in [&tolerant, &strict] {
        idp.person("ann", json!({"emails": [{"value": "a"}]})).await;
    }
    let unknown = [
        "favouriteColour eq \"red\"",
        "favouriteColour pr",
        "favouriteColour.shade co \"dark\"",
        "favouriteColour[shade eq \"dark\"]",
        "name.middleInitial eq \"Q\"",
        "emails.favourite eq true",
        "emails[favourite eq true]",
        "userName.first eq \"a\"",
        "urn:example:robots:2.0:Robot:legs eq 4",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:shoeSize eq 42",
        "urn:ietf:params:scim:schemas:core:2.0:User:department eq \"Sales\"",
        "department eq \"Sales\"",
        "members.value eq \"1\"",
    ];
    strict.refuses_filters(&unknown).await;
    for filter in unknown {
        assert!(tolerant.found(filter).await.is_empty(), "{filter}");
        let beside = format!("{filter} or userName eq \"ann\"");
        assert_eq!(tolerant.found(&beside).await, ["ann"], "{beside}");
        let both = format!("{filter} and userName eq \"ann\"");
        assert!(tolerant.found(&both).await.is_empty(), "{both}");
    }
    for (idp, status) in [(&tolerant, 200), (&strict, 400)] {
        for filter in ["userName eq \"ann\"", "emails.value eq \"a\"", "active eq true"] {
            assert_eq!(idp.find("/Groups", filter).await.status.as_u16(), status, "{filter}");
        }
        // What is known stays refused where it makes no sense.
        idp.refuses_filters(&["active gt true and favouriteColour eq \"red\"", "name eq \"x\""]).await;
    }
}

/// RFC 7644 §7.5.2 and table 9, `sensitive`.
async fn s19_what_is_never_returned_cannot_be_asked_for(edge: Edge) {
    let (idp, strict) = edge.tolerant_and_strict().await;
    for idp in [idp, strict] {
        let id = idp.person("ann", json!({"password": "secret"})).await;
        for filter in [
            "password eq \"secret\"",
            "password eq \"wrong\"",
            "PASSWORD sw \"s\"",
            "password pr",
            "not (password pr)",
            "password ne null",
            "userName eq \"ann\" and password eq \"secret\"",
            "userName eq \"ann\" or (active eq true and password co \"e\")",
            &format!("{USER}:password eq \"secret\""),
        ] {
            let answer = idp.find("/Users", filter).await;
            answer.refused(403, "sensitive");
            assert!(!answer.text.contains("secret"), "{answer:?}");
            // Not in a URL, and still no way to guess.
            let searched = idp.search("/Users/.search", json!({"filter": filter})).await;
            assert!(searched.status.is_client_error(), "{filter}: {searched:?}");
        }
        idp.search("/Users/.search", json!({"filter": "userName eq \"ann\""})).await.ok();
        let read: Value = idp.read(&format!("/Users/{id}?attributes=password")).await;
        assert_eq!(read.get("password"), None);
        assert_eq!(
            idp.post("/Users", with("bob", json!({"password": "secret"}))).await.body.get("password"),
            None
        );
    }
}
