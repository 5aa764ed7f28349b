//! `…/sites/{site}/conflicts`: users of whom it is in doubt whether they are the persons of the accounts that they would
//! share, and the answers.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::State;
use policy::explanation::Outlook;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::accounts::LedgerPage;
use store::entity::claim;
use store::id::{ConnectionId, SiteId, UserId};
use store::{TenantStore, Timestamp};
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Admin, Auditor, People, TenantCaller};
use crate::error::ApiError;
use crate::idempotency::IdempotencyHeader;
use crate::paging::{Page, PageQuery};
use crate::parameters::{PathParameters, QueryParameters, SitePath, SiteUserPath, TenantPath};
use crate::refusals::{CreateRefusals, QueryRefusals, TenantRefusals};
use crate::routes::accounts::{LedgerAccount, separate};
use crate::state::ApiState;

/// A user who would share another directory's account and may be somebody else. Until it is answered, the account is as
/// if the user were not there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Conflict {
    user_id: UserId,
    connection_id: ConnectionId,
    /// As the directory has it; null when the directory has deleted the user.
    user_name: Option<String>,
    display_name: Option<String>,
    /// What speaks against that they are one person.
    reason: String,
    since: Timestamp,
    /// The account in question.
    account: LedgerAccount,
}

/// A conflict, and what would come of each answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConflictWithAnswers {
    #[serde(flatten)]
    conflict: Conflict,
    /// They are one person: what would be done to the account.
    same_person: Outlook,
    /// They are two: what would be done for the user.
    another_person: Outlook,
}

/// Who is who.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Person {
    /// The user is the account's person, and both directories have a say from now on.
    SamePerson,
    /// The user is somebody else, and is never matched to the account again.
    AnotherPerson,
}

/// The answer to a conflict.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerConflict {
    answer: Person,
    /// For `another_person`: the user name of the account that the user gets, where the directory's is taken.
    username: Option<String>,
}

/// Users who are the persons of the accounts that they claim.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmConflicts {
    /// Users by their ids in the directory, 1 to 10000; everybody in doubt when absent, at the most 10000 at once.
    user_ids: Option<Vec<UserId>>,
}

/// How many conflicts were settled.
#[derive(Debug, Serialize, ToSchema)]
pub struct Confirmation {
    confirmed: u64,
}

/// Users that one answer can name.
const MAX_CHOICE: usize = 10_000;

async fn conflicts(
    store: &TenantStore,
    site: SiteId,
    claims: Vec<claim::Model>,
) -> Result<Vec<Conflict>, ApiError> {
    let known: LedgerPage =
        store.accounts(site).of_ids(claims.iter().map(|claim| claim.account_id).collect()).await?;
    let mut by_connection: BTreeMap<ConnectionId, Vec<UserId>> = BTreeMap::new();
    for claim in &claims {
        by_connection.entry(claim.connection_id).or_default().push(claim.user_id);
    }
    let mut users = HashMap::new();
    for (connection, ids) in by_connection {
        let found = store.users(connection).find_all(&ids).await?;
        users.extend(found.into_iter().map(|user| (user.id, user.document)));
    }
    let mut conflicts = Vec::with_capacity(claims.len());
    for claim in claims {
        let Some(row) = known.accounts.iter().find(|row| row.id == claim.account_id) else { continue };
        let text = |name: &str| users.get(&claim.user_id)?[name].as_str().map(str::to_owned);
        conflicts.push(Conflict {
            user_id: claim.user_id,
            connection_id: claim.connection_id,
            user_name: text("userName"),
            display_name: text("displayName"),
            reason: claim.doubt.clone().unwrap_or_default(),
            since: claim.created_at,
            account: LedgerAccount::new(row.clone(), &known),
        });
    }
    Ok(conflicts)
}

/// List the users who may not be the persons of their accounts
#[utoipa::path(
    get, path = "/tenants/{tenant}/sites/{site}/conflicts", tag = "ledger",
    params(TenantPath, SitePath, PageQuery),
    responses((status = 200, description = "A page of conflicts", body = Page<Conflict>), TenantRefusals, QueryRefusals),
)]
pub(crate) async fn list_conflicts(
    caller: TenantCaller<Auditor, People>,
    PathParameters(SitePath { site }): PathParameters<SitePath>,
    QueryParameters(query): QueryParameters<PageQuery>,
) -> Result<Json<Page<Conflict>>, ApiError> {
    let window = query.window::<UserId>()?;
    caller.store.sites().get(site).await?;
    let rows = caller.store.accounts(site).doubtful_claims(window.after, window.fetch()).await?;
    let Page { items, next_cursor } = window.page(rows, |row| row.user_id, |row| row);
    Ok(Json(Page { items: conflicts(&caller.store, site, items).await?, next_cursor }))
}

/// Show a conflict, and what would come of each answer
#[utoipa::path(
    get, path = "/tenants/{tenant}/sites/{site}/conflicts/{user}", tag = "ledger",
    params(TenantPath, SiteUserPath),
    responses((status = 200, description = "The conflict", body = ConflictWithAnswers), TenantRefusals),
)]
pub(crate) async fn get_conflict(
    caller: TenantCaller<Auditor, People>,
    State(state): State<ApiState>,
    PathParameters(SiteUserPath { site, user }): PathParameters<SiteUserPath>,
) -> Result<Json<ConflictWithAnswers>, ApiError> {
    let store = &caller.store;
    let row = doubtful(store, site, user).await?;
    let conflict = conflicts(store, site, vec![row]).await?.pop().ok_or(ApiError::NotFound("conflict"))?;
    let outlook = state.rules.conflict_outlook(store.clone(), site, user).await?;
    let (same_person, another_person) = outlook.ok_or(ApiError::NotFound("conflict"))?;
    Ok(Json(ConflictWithAnswers { conflict, same_person, another_person }))
}

async fn doubtful(store: &TenantStore, site: SiteId, user: UserId) -> Result<claim::Model, ApiError> {
    let claim = store.accounts(site).claim_of(user).await?;
    claim.filter(|claim| claim.doubt.is_some()).ok_or(ApiError::NotFound("conflict"))
}

/// Answer a conflict
#[utoipa::path(
    post, path = "/tenants/{tenant}/sites/{site}/conflicts/{user}", tag = "ledger", request_body = AnswerConflict,
    params(TenantPath, SiteUserPath, IdempotencyHeader),
    responses((status = 200, description = "How many conflicts were settled", body = Confirmation), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn answer_conflict(
    caller: TenantCaller<Admin, People>,
    PathParameters(SiteUserPath { site, user }): PathParameters<SiteUserPath>,
    Body(body): Body<AnswerConflict>,
) -> Result<Json<Confirmation>, ApiError> {
    doubtful(&caller.store, site, user).await?;
    match body.answer {
        Person::SamePerson if body.username.is_some() => {
            Err(ApiError::invalid("username", "is for the answer another_person"))
        }
        Person::SamePerson => confirm(&caller, site, Some(&[user])).await,
        Person::AnotherPerson => {
            separate(&caller, site, user, body.username.as_deref()).await?;
            Ok(Json(Confirmation { confirmed: 1 }))
        }
    }
}

/// Say that users are the persons of their accounts
///
/// Of all conflicts of the site, or of some.
#[utoipa::path(
    post, path = "/tenants/{tenant}/sites/{site}/conflicts", tag = "ledger", request_body = Option<ConfirmConflicts>,
    params(TenantPath, SitePath, IdempotencyHeader),
    responses((status = 200, description = "How many conflicts were settled", body = Confirmation), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn confirm_conflicts(
    caller: TenantCaller<Admin, People>,
    PathParameters(SitePath { site }): PathParameters<SitePath>,
    Body(body): Body<ConfirmConflicts>,
) -> Result<Json<Confirmation>, ApiError> {
    caller.store.sites().get(site).await?;
    if body.user_ids.as_ref().is_some_and(|ids| !(1..=MAX_CHOICE).contains(&ids.len())) {
        let problem = format!("must have 1 to {MAX_CHOICE} entries; leave it out for all");
        return Err(ApiError::invalid("user_ids", problem));
    }
    confirm(&caller, site, body.user_ids.as_deref()).await
}

async fn confirm(
    caller: &TenantCaller<Admin, People>,
    site: SiteId,
    users: Option<&[UserId]>,
) -> Result<Json<Confirmation>, ApiError> {
    let edit = caller.edit().await?;
    let confirmed = edit.store.accounts(site).confirm_claims(users).await?;
    let detail = json!({ "confirmed": confirmed, "user_ids": users });
    edit.commit("account.confirm", site, Some(detail)).await?;
    Ok(Json(Confirmation { confirmed }))
}
