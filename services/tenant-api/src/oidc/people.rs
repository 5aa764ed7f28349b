//! What the claims of a token make of a person: pure rules.

use serde_json::{Map, Value};
use store::entity::sign_in::RoleRule;
use store::entity::words::Role;

/// Characters of text of others at the most that are shown.
const MAX_SHOWN: usize = 200;
/// Characters of a subject at the most (OpenID Connect Core 1.0 §2).
const MAX_SUBJECT: usize = 255;

/// Somebody whom a tenant's identity provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What the provider calls them, and nobody else.
    pub subject: String,
    /// Their name for people, which they may have chosen themselves.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// The person of a token's claims, with the highest role that a value of `claim` gives; why they have none, in words.
pub fn person(claims: &Map<String, Value>, claim: &str, rules: &[RoleRule]) -> Result<Person, String> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let subject = text("sub")
        .filter(|subject| subject.chars().count() <= MAX_SUBJECT && !subject.chars().any(char::is_control));
    let subject = subject.ok_or("The identity provider's token does not say whom it is about")?;
    let name = text("email").or(text("preferred_username")).or(text("name")).unwrap_or(subject);
    let name = printable(name);
    let is_unverified =
        claims.get("email_verified").is_some_and(|verified| *verified == false || *verified == "false");
    let values = if claim == "email" && is_unverified {
        return Err(format!("The identity provider has not verified the e-mail address of {name}"));
    } else {
        values(claims, claim)
    };
    let given = rules.iter().filter(|rule| values.contains(&rule.value.as_str())).map(|rule| rule.role);
    match given.min_by_key(|role| rank(*role)) {
        Some(role) => Ok(Person { subject: subject.to_owned(), name, role }),
        None if values.is_empty() => Err(format!(
            "The identity provider says nothing in \"{claim}\" about {name}: it must be sent with the token, and an \
             owner must give one of its values a role"
        )),
        None => Err(format!(
            "{name} has none of the values of \"{claim}\" that have a role here; an owner can give one to: {}",
            printable(&values.iter().take(20).copied().collect::<Vec<_>>().join(", "))
        )),
    }
}

fn rank(role: Role) -> u8 {
    match role {
        Role::Owner => 0,
        Role::Admin => 1,
        Role::Auditor => 2,
    }
}

/// The values of a claim: a text, texts, or objects with a name. Dots lead into objects, as in Keycloak's
/// `realm_access.roles`; a claim whose own name has dots, as Auth0's, goes before.
fn values<'a>(claims: &'a Map<String, Value>, claim: &str) -> Vec<&'a str> {
    let found = claims.get(claim).or_else(|| {
        let mut parts = claim.split('.');
        let first = claims.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    });
    match found {
        Some(Value::Array(items)) => items.iter().filter_map(value).collect(),
        Some(found) => value(found).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Oracle's groups are objects.
fn value(item: &Value) -> Option<&str> {
    let named = || ["name", "display", "value"].iter().find_map(|key| item.get(key)?.as_str());
    item.as_str().or_else(named)
}

/// Text of others, fit to be shown in a line.
pub(super) fn printable(text: &str) -> String {
    let shown: String = text.chars().filter(|character| !character.is_control()).collect();
    match shown.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(rules: &[(&str, Role)]) -> Vec<RoleRule> {
        rules.iter().map(|(value, role)| RoleRule { value: (*value).to_owned(), role: *role }).collect()
    }

    fn role(claims: &Value, claim: &str) -> Option<Role> {
        let rules =
            rules(&[("readers", Role::Auditor), ("admins", Role::Admin), ("ann@acme.com", Role::Owner)]);
        person(claims.as_object().unwrap(), claim, &rules).ok().map(|person| person.role)
    }

    #[test]
    fn the_highest_role_that_a_value_gives_is_taken() {
        let of = |groups: Value| role(&json!({"sub": "1", "groups": groups}), "groups");
        assert_eq!(of(json!(["readers", "admins"])), Some(Role::Admin));
        assert_eq!(of(json!(["readers"])), Some(Role::Auditor));
        assert_eq!(of(json!("admins")), Some(Role::Admin));
        assert_eq!(of(json!([{"name": "admins", "id": "7"}])), Some(Role::Admin), "as Oracle sends them");
        for none in [
            json!(["Admins"]),
            json!(["admins2"]),
            json!([]),
            json!(null),
            json!({"admins": true}),
            json!(""),
        ] {
            assert_eq!(of(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn claims_are_found_by_name_and_within_objects() {
        let keycloak = json!({"sub": "1", "realm_access": {"roles": ["admins"]}});
        assert_eq!(role(&keycloak, "realm_access.roles"), Some(Role::Admin));
        let auth0 = json!({"sub": "1", "https://acme.com/roles": ["readers"]});
        assert_eq!(role(&auth0, "https://acme.com/roles"), Some(Role::Auditor));
        assert_eq!(role(&keycloak, "realm_access.roles.x"), None);
        assert_eq!(role(&keycloak, "realm_access..roles"), None);
    }

    #[test]
    fn an_address_that_was_not_verified_gives_nothing() {
        let of = |verified: Value| {
            role(&json!({"sub": "1", "email": "ann@acme.com", "email_verified": verified}), "email")
        };
        assert_eq!(of(json!(true)), Some(Role::Owner));
        assert_eq!(of(json!(false)), None);
        assert_eq!(of(json!("false")), None);
        assert_eq!(role(&json!({"sub": "1", "email": "ann@acme.com"}), "email"), Some(Role::Owner));
    }

    #[test]
    fn who_is_refused_is_told_what_would_help() {
        let rules = rules(&[("admins", Role::Admin)]);
        let refusal = |claims: Value| person(claims.as_object().unwrap(), "groups", &rules).unwrap_err();
        let told = refusal(json!({"sub": "1", "email": "ann@acme.com", "groups": ["sales\n"]}));
        assert!(told.contains("ann@acme.com") && told.ends_with("sales"), "{told}");
        assert!(refusal(json!({"sub": "1"})).contains("must be sent with the token"));
        for nobody in
            [json!({}), json!({"sub": ""}), json!({"sub": "a\u{0}b"}), json!({"sub": "a".repeat(256)})]
        {
            assert!(refusal(nobody).contains("whom it is about"));
        }
    }
}
