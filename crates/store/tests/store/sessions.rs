//! Who is signed in, and by which rules.

use secrecy::ExposeSecret as _;
use store::Error;
use store::entity::words::Role;
use store::secret;
use store::sessions::{Found, SignedIn};

use crate::key_rotation::sign_in;
use crate::place::{Place, on_both};

on_both!(a_person_is_let_in_by_the_rules_that_stand_and_ended_with_them);

async fn a_person_is_let_in_by_the_rules_that_stand_and_ended_with_them(place: Place) {
    let sessions = place.store.sessions();
    let ann = |rules: i64| SignedIn::Person {
        tenant: place.tenant.id(),
        subject: "ann".to_owned(),
        name: "ann@acme.com".to_owned(),
        role: Role::Owner,
        rules,
    };
    assert!(matches!(sessions.insert(ann(1)).await, Err(Error::Stale)), "there are no rules yet");
    let rules = place.tenant.sign_in().put(sign_in("client"), None).await.unwrap().version;
    let (_, secret) = sessions.insert(ann(rules)).await.unwrap();
    let digest = secret::digest(secret.expose_secret());
    assert!(matches!(sessions.find(&digest).await.unwrap(), Some(Found::Open(_))));
    // Somebody is at the provider while an owner changes the rules.
    let next = place.tenant.sign_in().put(sign_in("client"), Some(rules)).await.unwrap().version;
    assert!(
        sessions.find(&digest).await.unwrap().is_none(),
        "what the rules of before gave has ended with them"
    );
    assert!(matches!(sessions.insert(ann(rules)).await, Err(Error::Stale)));
    assert!(matches!(place.tenant.sign_in().put(sign_in("client"), Some(rules)).await, Err(Error::Stale)));
    let (_, secret) = sessions.insert(ann(next)).await.unwrap();
    place.tenant.sign_in().delete().await.unwrap();
    assert!(sessions.find(&secret::digest(secret.expose_secret())).await.unwrap().is_none());
    assert!(matches!(place.tenant.sign_in().delete().await, Err(Error::NotFound(_))));
}
