//! `…/sites/{site}/accounts`: the ledger of which account at a site belongs to whom, and corrections of it.

use atlassian::Product;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::accounts::LedgerPage;
use store::accounts::correction::{AccountFilter, Corrected, Relinking, Target};
use store::entity::{account, claim};
use store::id::{AccountId, ConnectionId, SiteId, UserId};
use store::{TenantStore, Timestamp};
use utoipa::{IntoParams, ToSchema};

use crate::body::Body;
use crate::caller::{Admin, Auditor, People, TenantCaller};
use crate::error::{ApiError, Problem};
use crate::idempotency::IdempotencyHeader;
use crate::paging::{Page, window};
use crate::parameters::{AccountPath, PathParameters, QueryParameters, SitePath, SiteUserPath, TenantPath};
use crate::refusals::{CreateRefusals, QueryRefusals, ReplaceRefusals, TenantRefusals};
use crate::routes::users;
use crate::state::ApiState;
use crate::validation::Problems;

/// Which accounts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountsQuery {
    /// What the user name begins with, in any case.
    username: Option<String>,
    /// The e-mail address, in any case.
    email: Option<String>,
    /// What identifies the account at the site.
    key: Option<String>,
    /// Only accounts that users claim, or only those that nobody claims any more.
    claimed: Option<bool>,
    /// Items at the most, 1 to 1000; 100 when absent.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// An account as the ledger has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerAccount {
    id: AccountId,
    /// What identifies it at the site; null until it was seen there.
    key: Option<String>,
    username: String,
    display_name: Option<String>,
    email: Option<String>,
    active: Option<bool>,
    /// Whether we made it, or set out to; otherwise it stood there and was taken over.
    created_by_us: bool,
    /// Whether a call's outcome is unknown, so that the site is asked before anything is done.
    in_doubt: bool,
    /// When the site last showed it.
    observed_at: Option<Timestamp>,
    /// Every directory user that claims it.
    claimed_by: Vec<AccountClaim>,
    /// Site groups that links have put it in.
    groups: Vec<String>,
}

/// A directory user that claims an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountClaim {
    user_id: UserId,
    connection_id: ConnectionId,
    /// Since when.
    since: Timestamp,
    /// What speaks against that the user is the account's person; null when it is settled. The claim has no say meanwhile:
    /// answer it among the site's conflicts.
    doubt: Option<String>,
    /// The user name that stands in for the directory's.
    given_name: Option<String>,
}

impl From<&claim::Model> for AccountClaim {
    fn from(row: &claim::Model) -> Self {
        Self {
            user_id: row.user_id,
            connection_id: row.connection_id,
            since: row.created_at,
            // Nobody has looked at it yet.
            doubt: row
                .doubt
                .clone()
                .map(|doubt| if doubt.is_empty() { "not looked at yet".to_owned() } else { doubt }),
            given_name: row.given_name.clone(),
        }
    }
}

impl LedgerAccount {
    /// An account with what a page of the ledger knows of it.
    pub(super) fn new(row: account::Model, page: &LedgerPage) -> Self {
        let claims = page.claims.iter().filter(|claim| claim.account_id == row.id);
        let groups = page.memberships.iter().filter(|membership| membership.account_id == row.id);
        Self {
            claimed_by: claims.map(AccountClaim::from).collect(),
            groups: groups.map(|membership| membership.group_name.clone()).collect(),
            id: row.id,
            key: row.key,
            username: row.username,
            display_name: row.display_name,
            email: row.email,
            active: row.active,
            created_by_us: row.created_by_us,
            in_doubt: row.in_doubt,
            observed_at: row.observed_at,
        }
    }
}

/// The account that a user is to have; one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelinkUser {
    /// An account of the ledger.
    account_id: Option<AccountId>,
    /// The user name of an account, in the ledger or at the site; an e-mail address where accounts go by theirs.
    username: Option<String>,
    /// Whether another user of the same directory who has that account loses it.
    #[serde(default)]
    take_over: bool,
    /// Whether the account keeps its user name; otherwise it gets the directory's, as the link's settings say.
    #[serde(default)]
    keep_username: bool,
}

/// What a correction came to. Everybody concerned is looked at anew.
#[derive(Debug, Serialize, ToSchema)]
pub struct Correction {
    /// The account that it was about; null when it was forgotten, as nothing stands behind it and nobody claims it.
    account: Option<LedgerAccount>,
    /// The account that was the user's before, or that was joined into the other. Nothing is changed at it any more
    /// unless others claim it.
    left: Option<LedgerAccount>,
    /// Users who lost the account by it.
    released_user_ids: Vec<UserId>,
}

/// The account that is joined into another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeAccounts {
    /// Its id in the ledger.
    from: AccountId,
}

async fn read(store: &TenantStore, site: SiteId, id: AccountId) -> Result<LedgerAccount, ApiError> {
    let accounts = store.accounts(site);
    let row = accounts.get(id).await?;
    Ok(LedgerAccount::new(row, &accounts.of_ids(vec![id]).await?))
}

/// What a correction came to, with both accounts as they are in the ledger now.
async fn correction(store: &TenantStore, site: SiteId, corrected: Corrected) -> Result<Correction, ApiError> {
    let Corrected { account, left, released } = corrected;
    let ids = std::iter::once(account).chain(left).collect();
    let page = store.accounts(site).of_ids(ids).await?;
    let of = |id: AccountId| {
        let row = page.accounts.iter().find(|row| row.id == id)?;
        Some(LedgerAccount::new(row.clone(), &page))
    };
    Ok(Correction { account: of(account), left: left.and_then(of), released_user_ids: released })
}

fn detail(site: SiteId, corrected: &Corrected) -> Value {
    json!({
        "site_id": site, "account_id": corrected.account, "left": corrected.left,
        "released_user_ids": corrected.released,
    })
}

/// List the accounts of the ledger at a site
///
/// Those that links have made or taken over, not all that stand there.
#[utoipa::path(
    get, path = "/tenants/{tenant}/sites/{site}/accounts", tag = "ledger",
    params(TenantPath, SitePath, AccountsQuery),
    responses((status = 200, description = "A page of accounts", body = Page<LedgerAccount>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_accounts(
    caller: TenantCaller<Auditor, People>,
    PathParameters(SitePath { site }): PathParameters<SitePath>,
    QueryParameters(query): QueryParameters<AccountsQuery>,
) -> Result<Json<Page<LedgerAccount>>, ApiError> {
    let window = window::<AccountId>(query.limit, query.cursor.as_deref())?;
    caller.store.sites().get(site).await?;
    let accounts = caller.store.accounts(site);
    let AccountsQuery { username, email, key, claimed, .. } = query;
    let filter = AccountFilter { username, email, key, claimed };
    let rows = accounts.search(&filter, window.after, window.fetch()).await?;
    let known = accounts.of_ids(rows.iter().map(|row| row.id).collect()).await?;
    Ok(Json(window.page(rows, |row| row.id, |row| LedgerAccount::new(row, &known))))
}

/// Show an account of the ledger
#[utoipa::path(
    get, path = "/tenants/{tenant}/sites/{site}/accounts/{account}", tag = "ledger",
    params(TenantPath, AccountPath),
    responses((status = 200, description = "The account", body = LedgerAccount), TenantRefusals),
)]
pub(crate) async fn get_account(
    caller: TenantCaller<Auditor, People>,
    PathParameters(AccountPath { site, account }): PathParameters<AccountPath>,
) -> Result<Json<LedgerAccount>, ApiError> {
    Ok(Json(read(&caller.store, site, account).await?))
}

/// Link a user to another account
///
/// For who was matched to the wrong account, or to none although one stands there. The account that the user had before is
/// left as it is. The site is asked for a user name that the ledger does not know; that account counts as one that stood
/// there before.
#[utoipa::path(
    put, path = "/tenants/{tenant}/sites/{site}/users/{user}/account", tag = "ledger", request_body = RelinkUser,
    params(TenantPath, SiteUserPath),
    responses(
        (status = 200, description = "What it came to", body = Correction),
        (status = 502, description = "The site did not answer", body = Problem, content_type = "application/problem+json"),
        TenantRefusals,
        ReplaceRefusals,
    ),
)]
pub(crate) async fn relink_user(
    caller: TenantCaller<Admin, People>,
    State(state): State<ApiState>,
    PathParameters(SiteUserPath { site, user }): PathParameters<SiteUserPath>,
    Body(body): Body<RelinkUser>,
) -> Result<Json<Correction>, ApiError> {
    let store = &caller.store;
    let found = users::find(store, user).await?.ok_or(ApiError::NotFound("user"))?;
    let is_linked = store.links().of_connection(found.connection_id).await?;
    if is_linked.iter().all(|link| link.site_id != site) {
        return Err(ApiError::NotFound("link from the user's connection to that site"));
    }
    let target = match (body.account_id, body.username) {
        (Some(id), None) => Target::Known(id),
        (None, Some(name)) if !name.trim().is_empty() => target(&state, store, site, name.trim()).await?,
        _ => return Err(ApiError::invalid("account_id", "name the account by account_id or by username")),
    };
    let how = Relinking { takes_over: body.take_over, keeps_username: body.keep_username };
    let edit = caller.edit().await?;
    let accounts = edit.store.accounts(site);
    let corrected = accounts.relink((user, found.connection_id), &target, how).await?;
    drop(accounts);
    edit.commit("account.relink", user, Some(detail(site, &corrected))).await?;
    Ok(Json(correction(store, site, corrected).await?))
}

/// The account of a user name: the ledger's if it has one that was seen, otherwise what the site shows.
async fn target(
    state: &ApiState,
    store: &TenantStore,
    site: SiteId,
    username: &str,
) -> Result<Target, ApiError> {
    let mut problems = Problems::default();
    problems.name("username", username);
    problems.check()?;
    let named = store.accounts(site).of_name(username).await?;
    if let Some(row) = named.filter(|row| row.key.is_some()) {
        return Ok(Target::Known(row.id));
    }
    let found = state.rules.find_account(store.clone(), site, username.to_owned()).await?;
    found
        .map(Target::Seen)
        .ok_or_else(|| ApiError::invalid("username", "the site has no account of that name"))
}

/// Join another account of the ledger into this one
///
/// For a person who got two accounts: everybody who claims the other claims this one from then on, and the other is left
/// as it is at the site.
#[utoipa::path(
    post, path = "/tenants/{tenant}/sites/{site}/accounts/{account}/merge", tag = "ledger", request_body = MergeAccounts,
    params(TenantPath, AccountPath, IdempotencyHeader),
    responses((status = 200, description = "What it came to", body = Correction), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn merge_accounts(
    caller: TenantCaller<Admin, People>,
    PathParameters(AccountPath { site, account }): PathParameters<AccountPath>,
    Body(body): Body<MergeAccounts>,
) -> Result<Json<Correction>, ApiError> {
    if body.from == account {
        return Err(ApiError::invalid("from", "must be another account"));
    }
    let edit = caller.edit().await?;
    let corrected = edit.store.accounts(site).merge(body.from, account).await?;
    edit.commit("account.merge", account, Some(detail(site, &corrected))).await?;
    Ok(Json(correction(&caller.store, site, corrected).await?))
}

/// The user name of an account of one's own.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitUser {
    /// The user name of the account that the user has from now on, instead of the directory's. Without it the user's own
    /// name and address are looked for, and never this account.
    username: Option<String>,
}

/// Separate a user from an account that is not its own
///
/// For two people who share an account. What links gave to the account for the user's sake is taken from it again; the
/// user gets an account of its own. It is never matched to this one again, until it is linked to it by hand.
#[utoipa::path(
    post, path = "/tenants/{tenant}/sites/{site}/users/{user}/split", tag = "ledger", request_body = Option<SplitUser>,
    params(TenantPath, SiteUserPath, IdempotencyHeader),
    responses((status = 200, description = "What it came to", body = Correction), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn split_user(
    caller: TenantCaller<Admin, People>,
    PathParameters(SiteUserPath { site, user }): PathParameters<SiteUserPath>,
    Body(body): Body<SplitUser>,
) -> Result<Json<Correction>, ApiError> {
    Ok(Json(separate(&caller, site, user, body.username.as_deref()).await?))
}

/// Takes an account from a user for good, and gives it one of the given name.
pub(super) async fn separate(
    caller: &TenantCaller<Admin, People>,
    site: SiteId,
    user: UserId,
    username: Option<&str>,
) -> Result<Correction, ApiError> {
    let username = username.map(str::trim);
    if let Some(name) = username {
        let mut problems = Problems::default();
        problems.name("username", name);
        problems.check()?;
    }
    let product = caller.store.sites().get(site).await?.product;
    let goes_by_email = product.parse::<Product>().is_ok_and(Product::names_accounts_by_email);
    if username.is_some() && goes_by_email {
        return Err(ApiError::invalid("username", "accounts of this product go by their e-mail addresses"));
    }
    if caller.store.accounts(site).claim_of(user).await?.is_none() {
        return Err(ApiError::NotFound("user with an account at that site"));
    }
    let edit = caller.edit().await?;
    let corrected = edit.store.accounts(site).deny_claim(user, username, &caller.actor).await?;
    let mut detail = detail(site, &corrected);
    detail["username"] = json!(username);
    edit.commit("account.split", user, Some(detail)).await?;
    correction(&caller.store, site, corrected).await
}
