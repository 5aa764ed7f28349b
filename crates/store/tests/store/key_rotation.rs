//! Keys are exchanged while secrets are sealed and opened.

use std::collections::BTreeSet;
use std::time::Duration;

use sea_orm::{ConnectionTrait as _, Statement};
use store::entity::sign_in::RoleRule;
use store::entity::words::Role;
use store::key_rotation::Rewrapped;
use store::sign_in::{ClientSecret, NewSignIn};
use store::sites::SiteEdit;
use store::testing::MASTER_KEY;
use store::vault::Vault;
use store::{Error, Store, StoreOptions};
use zeroize::Zeroizing;

use crate::place::{Place, on_both};

on_both!(
    another_master_key_wraps_every_tenants_key_and_leaves_the_secrets,
    another_key_of_a_tenant_seals_every_secret_of_it,
    a_tenant_with_a_secret_that_does_not_open_is_left_alone,
    what_is_sealed_while_keys_are_exchanged_opens,
);

const NEW: [u8; 32] = [42; 32];
const AT_ONCE: Duration = Duration::ZERO;

async fn under(place: &Place, vault: Vault) -> Store {
    Store::connect(StoreOptions::new(place.store.url()), vault).await.unwrap()
}

fn both() -> Vault {
    Vault::new(&NEW).unwrap().also_opening(&MASTER_KEY).unwrap()
}

/// How people sign in at a provider.
pub(crate) fn sign_in(secret: &str) -> NewSignIn {
    NewSignIn {
        issuer: "https://idcs.example.com".to_owned(),
        token_issuer: None,
        client_id: "rollcall".to_owned(),
        client_secret: Some(ClientSecret::Is(Zeroizing::new(secret.to_owned()))),
        audience: None,
        scopes: vec!["openid".to_owned()],
        claim: "groups".to_owned(),
        roles: vec![RoleRule { value: "admins".to_owned(), role: Role::Admin }],
    }
}

/// What the site's and the sign-in's secrets are, as `store` opens them.
async fn secrets(store: &Store, place: &Place) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let tenant = store.tenant(place.tenant.id());
    let site = tenant.sites().get(place.site).await?;
    let credentials = tenant.sites().open_credentials(&site).await?;
    let row = tenant.sign_in().get().await?;
    let client_secret = tenant.sign_in().open_client_secret(&row).await?.unwrap();
    Ok((credentials.to_vec(), client_secret.to_vec()))
}

fn expected() -> (Vec<u8>, Vec<u8>) {
    (b"secret".to_vec(), b"client".to_vec())
}

async fn another_master_key_wraps_every_tenants_key_and_leaves_the_secrets(place: Place) {
    place.tenant.sign_in().put(sign_in("client"), None).await.unwrap();
    for slug in ["globex", "initech"] {
        place.store.tenants().insert(slug, slug).await.unwrap();
    }
    let store = under(&place, both()).await;
    assert_eq!(secrets(&store, &place).await.unwrap(), expected(), "before anything is wrapped anew");
    let (mut after, mut changed, mut pages) = (None, 0, 0);
    loop {
        let Rewrapped { last, changed: more } = store.tenants().rewrap_keys(after, 2).await.unwrap();
        let Some(last) = last else { break };
        after = Some(last);
        changed += more;
        pages += 1;
    }
    assert_eq!((changed, pages), (3, 2));
    assert_eq!(store.tenants().rewrap_keys(None, 10).await.unwrap().changed, 0, "again, nothing is to do");
    let new = under(&place, Vault::new(&NEW).unwrap()).await;
    assert_eq!(secrets(&new, &place).await.unwrap(), expected());
    new.tenants().check_keys().await.unwrap();
    assert!(matches!(secrets(&place.store, &place).await, Err(Error::Sealed)));
    let stranger = under(&place, Vault::new(&[1; 32]).unwrap()).await;
    assert!(matches!(stranger.tenants().rewrap_keys(None, 10).await, Err(Error::Sealed)));
}

async fn another_key_of_a_tenant_seals_every_secret_of_it(place: Place) {
    place.tenant.sign_in().put(sign_in("client"), None).await.unwrap();
    let tenants = place.store.tenants();
    let id = place.tenant.id();
    let before = tenants.get(id).await.unwrap();
    let (site, row) =
        (place.tenant.sites().get(place.site).await.unwrap(), place.tenant.sign_in().get().await.unwrap());
    assert_eq!(tenants.renew_key(id, Duration::from_hours(1)).await.unwrap(), None, "it is young");
    place.clock.advance(Duration::from_hours(1));
    assert_eq!(tenants.renew_key(id, Duration::from_hours(1)).await.unwrap(), Some(2));
    assert_eq!(tenants.renew_key(id, Duration::from_hours(1)).await.unwrap(), None, "once is enough");
    let after = tenants.get(id).await.unwrap();
    assert_ne!(after.wrapped_key, before.wrapped_key);
    assert_eq!(after.version, before.version, "nobody edited it");
    let now = place.tenant.sites().get(place.site).await.unwrap();
    assert_ne!(now.credentials, site.credentials);
    assert_eq!(now.version, site.version);
    assert_eq!(secrets(&place.store, &place).await.unwrap(), expected());
    // Whoever has read the row before opens it all the same.
    assert_eq!(place.tenant.sites().open_credentials(&site).await.unwrap().as_slice(), b"secret");
    let secret = place.tenant.sign_in().open_client_secret(&row).await.unwrap().unwrap();
    assert_eq!(secret.as_slice(), b"client");
}

async fn a_tenant_with_a_secret_that_does_not_open_is_left_alone(place: Place) {
    let bent = if place.is_postgres() { "'\\x0102'" } else { "x'0102'" };
    place.tenant.sign_in().put(sign_in("client"), None).await.unwrap();
    place.sql(&format!("UPDATE sign_in SET client_secret = {bent}")).await.unwrap();
    let renewed = place.store.tenants().renew_key(place.tenant.id(), AT_ONCE).await;
    assert!(matches!(renewed, Err(Error::Sealed)));
    let site = place.tenant.sites().get(place.site).await.unwrap();
    assert_eq!(place.tenant.sites().open_credentials(&site).await.unwrap().as_slice(), b"secret");
}

async fn what_is_sealed_while_keys_are_exchanged_opens(place: Place) {
    const EDITS: usize = 60;
    let writers = (0..3).map(|writer| {
        let (tenant, id) = (place.tenant.clone(), place.site);
        tokio::spawn(async move {
            for edit in 0..EDITS {
                let secret = Zeroizing::new(format!("{writer}-{edit}").into_bytes());
                let edit = SiteEdit { credentials: Some(secret), ..SiteEdit::default() };
                tenant.sites().update(id, None, edit).await.unwrap();
                let site = tenant.sites().get(id).await.unwrap();
                tenant.sites().open_credentials(&site).await.unwrap();
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut exchanged = 0;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        place.store.tenants().renew_key(place.tenant.id(), AT_ONCE).await.unwrap().unwrap();
        exchanged += 1;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(exchanged > 5, "only {exchanged} times");
    let site = place.tenant.sites().get(place.site).await.unwrap();
    let last = place.tenant.sites().open_credentials(&site).await.unwrap();
    assert!(String::from_utf8_lossy(&last).ends_with(&format!("-{}", EDITS - 1)));
}

/// A column of bytes is a digest, a sealed secret that `key_rotation` seals anew, or one of those told here.
#[tokio::test]
async fn every_column_that_could_hold_a_secret_is_known() {
    let place = Place::postgres().await;
    let sql = "SELECT table_name || '.' || column_name AS name FROM information_schema.columns \
               WHERE table_schema = current_schema() AND data_type = 'bytea'";
    let mut store: Store = (*place.store).clone();
    let connection = store.connection_mut();
    let query = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(query).await.unwrap();
    let found: BTreeSet<String> = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
    let others: Vec<&str> =
        found.iter().filter(|column| !column.ends_with("digest")).map(String::as_str).collect();
    assert_eq!(
        others,
        [
            // What a repeat is answered with, and a keyed digest.
            "idempotency_keys.body",
            "idempotency_keys.fingerprint",
            "sign_in.client_secret",
            "sites.credentials",
            "tenants.wrapped_key",
        ]
    );
}
