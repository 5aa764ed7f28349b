//! Extractors that authenticate and authorize: a handler's signature is its policy.
//!
//! `Caller<Operator>` asks for the operator; `TenantCaller<Admin>` for at least an admin of the tenant
//! in the path, or the operator; `TenantCaller<Admin, People>` for the same, where the operator has to break glass. A tenant that does not exist and one of someone else are the same 404.

use std::marker::PhantomData;
use std::time::Duration;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::Method;
use axum::http::request::Parts;
use moka::sync::Cache;
use serde::Serialize;
use serde_json::{Value, json};
use store::TenantStore;
use store::entity::tenant;
use store::entity::words::{Role, TenantStatus};
use store::id::{BreakGlassId, TenantId};
use store::together::Together;

use crate::authentication::{Identity, Shown, authenticate, authenticate_in};
use crate::changes;
use crate::error::ApiError;
use crate::parameters::{ConnectionPath, PathParameters, TenantPath};
use crate::state::ApiState;
use crate::validation::is_slug;

/// The least role that a handler asks for.
pub trait LeastRole: Send + Sync {
    /// Whether a key of `role` suffices in its own tenant. The operator always does.
    fn allows(role: Role) -> bool;
}

/// Only the operator.
#[derive(Debug)]
pub struct Operator;
/// The tenant's owner, or the operator.
#[derive(Debug)]
pub struct Owner;
/// An admin or more.
#[derive(Debug)]
pub struct Admin;
/// An auditor or more: everyone of the tenant.
#[derive(Debug)]
pub struct Auditor;

impl LeastRole for Operator {
    fn allows(_: Role) -> bool {
        false
    }
}

impl LeastRole for Owner {
    fn allows(role: Role) -> bool {
        role == Role::Owner
    }
}

impl LeastRole for Admin {
    fn allows(role: Role) -> bool {
        matches!(role, Role::Owner | Role::Admin)
    }
}

impl LeastRole for Auditor {
    fn allows(role: Role) -> bool {
        matches!(role, Role::Owner | Role::Admin | Role::Auditor)
    }
}

/// What an operation is about: it says when the operator may use it in a tenant. Whoever is of the tenant goes by their
/// role alone.
pub trait Matter: Send + Sync {
    /// How the operator comes in.
    const DOOR: Door;
}

/// How the operator comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Always.
    Open,
    /// As long as nobody of the tenant has come in; afterwards by breaking glass.
    UntilInhabited,
    /// By breaking glass.
    Closed,
}

/// How a tenant is set up and fares, without its people.
#[derive(Debug)]
pub struct Configuration;
/// What lets somebody in, or lets what a tenant holds out: keys, tokens, sign-in, sites and links.
#[derive(Debug)]
pub struct Access;
/// A tenant's people: who they are, and what was done for whom and by whom.
#[derive(Debug)]
pub struct People;

impl Matter for Configuration {
    const DOOR: Door = Door::Open;
}

impl Matter for Access {
    const DOOR: Door = Door::UntilInhabited;
}

impl Matter for People {
    const DOOR: Door = Door::Closed;
}

const NOT_ALLOWED: ApiError = ApiError::Forbidden("Your role does not allow this");

/// An authenticated caller of what belongs to no tenant.
#[derive(Debug)]
pub struct Caller<R> {
    /// The name in audit logs.
    pub actor: String,
    role: PhantomData<R>,
}

impl<R: LeastRole> FromRequestParts<ApiState> for Caller<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Self::Rejection> {
        let identity = authenticate(state, &Shown::of(parts)).await?;
        match &identity {
            Identity::Key(key) if !R::allows(key.role) => Err(NOT_ALLOWED),
            Identity::Person(_, person) if !R::allows(person.role) => Err(NOT_ALLOWED),
            Identity::SetupLink(_) => Err(NOT_ALLOWED),
            _ => Ok(Self { actor: identity.actor(), role: PhantomData }),
        }
    }
}

/// An authenticated caller within the tenant of the path.
#[derive(Debug)]
pub struct TenantCaller<R, M = Configuration> {
    /// The tenant.
    pub tenant: tenant::Model,
    /// All that belongs to the tenant, and nothing else.
    pub store: TenantStore,
    /// The name in audit logs.
    pub actor: String,
    policy: PhantomData<(R, M)>,
}

impl<R: Sync, M: Sync> TenantCaller<R, M> {
    /// Begins a change, which is carried out with its entry in the audit log or not at all.
    pub async fn edit(&self) -> Result<Edit, ApiError> {
        Edit::begin(&self.store, self.actor.clone()).await
    }
}

/// A change of a tenant that is being carried out. Dropping it undoes everything.
#[derive(Debug)]
pub struct Edit {
    /// The tenant's repositories, as parts of the change: nothing is written beside it, and nobody outside is asked
    /// before it is committed.
    pub store: TenantStore,
    whole: Together,
    actor: String,
}

impl Edit {
    /// Begins a change in the name of `actor`.
    pub async fn begin(store: &TenantStore, actor: String) -> Result<Self, ApiError> {
        let whole = store.together().await?;
        Ok(Self { store: whole.tenant.clone(), whole, actor })
    }

    /// Commits it, with its entry in the audit log. `detail` must hold no secret.
    pub async fn commit(
        self,
        action: &'static str,
        object_id: impl ToString + Send,
        detail: Option<Value>,
    ) -> Result<(), ApiError> {
        let kind = action.split('.').next().unwrap_or(action);
        self.store.audit().insert(&self.actor, action, kind, object_id.to_string(), detail).await?;
        drop(self.store);
        Ok(self.whole.commit().await?)
    }

    /// Commits it, with what is worth saying of it and each field that it changed, before and after. Both states are as
    /// the API shows them.
    pub async fn commit_change(
        self,
        action: &'static str,
        object_id: impl ToString + Send,
        mut detail: Value,
        before: &(impl Serialize + Sync),
        after: &(impl Serialize + Sync),
    ) -> Result<(), ApiError> {
        detail["changes"] = changes::between(before, after);
        self.commit(action, object_id, Some(detail)).await
    }
}

impl<R: LeastRole, M: Matter> FromRequestParts<ApiState> for TenantCaller<R, M> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Self::Rejection> {
        let (tenant, identity) = in_tenant(parts, state).await?;
        authorize::<R>(&identity, &tenant)?;
        Self::new(parts, state, tenant, &identity).await
    }
}

/// As [`TenantCaller`], for what a link to the set-up of the path's connection opens as well.
#[derive(Debug)]
pub struct ConnectionCaller<R, M = Configuration> {
    /// The caller.
    pub caller: TenantCaller<R, M>,
    /// Whether it is one who has nothing but such a link.
    pub by_setup_link: bool,
}

impl<R: LeastRole, M: Matter> FromRequestParts<ApiState> for ConnectionCaller<R, M> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Self::Rejection> {
        let (tenant, identity) = in_tenant(parts, state).await?;
        match &identity {
            Identity::SetupLink(link) => {
                let path = PathParameters::<ConnectionPath>::from_request_parts(parts, state).await?.0;
                check_tenant(&tenant, link.tenant_id)?;
                if link.connection_id != path.connection {
                    return Err(ApiError::NotFound("connection"));
                }
            }
            identity => authorize::<R>(identity, &tenant)?,
        }
        let by_setup_link = matches!(identity, Identity::SetupLink(_));
        let caller = TenantCaller::new(parts, state, tenant, &identity).await?;
        Ok(Self { caller, by_setup_link })
    }
}

async fn in_tenant(parts: &mut Parts, state: &ApiState) -> Result<(tenant::Model, Identity), ApiError> {
    let path = PathParameters::<TenantPath>::from_request_parts(parts, state).await;
    let tenant = match path {
        Ok(PathParameters(TenantPath { tenant })) => find_tenant(state, &tenant).await,
        Err(error) => Err(error),
    };
    // Whoever shows nothing that opens anything is not told which tenants there are.
    let identity = authenticate_in(state, &Shown::of(parts), tenant.as_ref().ok()).await?;
    Ok((tenant?, identity))
}

impl<R, M: Matter> TenantCaller<R, M> {
    async fn new(
        parts: &Parts,
        state: &ApiState,
        tenant: tenant::Model,
        identity: &Identity,
    ) -> Result<Self, ApiError> {
        let is_moving = matches!(tenant.status, TenantStatus::Leaving | TenantStatus::Arriving);
        // What was changed now would stay behind, or be overwritten.
        if is_moving && parts.method != Method::GET {
            return Err(ApiError::Moving);
        }
        if matches!(identity, Identity::Operator) {
            let store = state.store.tenant(tenant.id);
            come_in(state, &store, M::DOOR, is_moving, parts).await?;
        }
        tracing::Span::current().record("tenant.id", tracing::field::display(tenant.id));
        Ok(Self {
            store: state.store.tenant(tenant.id),
            tenant,
            actor: identity.actor(),
            policy: PhantomData,
        })
    }
}

/// What operators looked at behind broken glass within the last minute: a page that follows something asks for the same
/// each second.
#[derive(Clone, Debug)]
pub struct Looks(Cache<(BreakGlassId, String), ()>);

impl Default for Looks {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(10_000).time_to_live(Duration::from_mins(1)).build())
    }
}

impl Looks {
    /// Whether the same was looked at just now; from now on it was.
    fn is_again(&self, glass: BreakGlassId, path: &str) -> bool {
        let entry = self.0.entry((glass, path.to_owned())).or_insert(());
        !entry.is_fresh()
    }

    /// It was not noted, and so has to be next time.
    fn forget(&self, glass: BreakGlassId, path: &str) {
        self.0.invalidate(&(glass, path.to_owned()));
    }
}

/// Lets the operator in through a door, and notes it where glass had to be broken.
async fn come_in(
    state: &ApiState,
    tenant: &TenantStore,
    door: Door,
    is_moving: bool,
    parts: &Parts,
) -> Result<(), ApiError> {
    let glass = tenant.break_glass();
    match door {
        Door::Open => return Ok(()),
        Door::UntilInhabited if !glass.is_inhabited().await? => return Ok(()),
        Door::UntilInhabited | Door::Closed => {}
    }
    let open = glass.find_open().await?.ok_or(ApiError::BehindGlass)?;
    // What is noted now would stay behind.
    if is_moving {
        return Err(ApiError::Moving);
    }
    // The whole path, of which a nested router sees the end.
    let path = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0).path();
    let is_look = parts.method == Method::GET;
    if is_look && state.looks.is_again(open.id, path) {
        return Ok(());
    }
    let detail = json!({"method": parts.method.as_str(), "path": path});
    let (audit, id) = (tenant.audit(), open.id.to_string());
    let noted = audit.insert("operator", "break_glass.use", "break_glass", id, Some(detail)).await;
    if noted.is_err() {
        state.looks.forget(open.id, path);
    }
    Ok(noted?)
}

/// The tenant of an id or a slug. No slug has the form of an id.
async fn find_tenant(state: &ApiState, named: &str) -> Result<tenant::Model, ApiError> {
    let tenants = state.store.tenants();
    if let Ok(id) = named.parse::<TenantId>() {
        return Ok(tenants.get(id).await?);
    }
    // What is no slug names nobody, and may hold what the database cannot be asked for.
    let tenant = if is_slug(named) { tenants.find_by_slug(named).await? } else { None };
    tenant.ok_or(ApiError::NotFound("tenant"))
}

fn authorize<R: LeastRole>(identity: &Identity, tenant: &tenant::Model) -> Result<(), ApiError> {
    let role = match identity {
        Identity::Operator => return Ok(()),
        Identity::Key(key) => {
            check_tenant(tenant, key.tenant_id)?;
            Some(key.role)
        }
        Identity::Person(of, person) => {
            check_tenant(tenant, *of)?;
            Some(person.role)
        }
        Identity::SetupLink(link) => {
            check_tenant(tenant, link.tenant_id)?;
            None
        }
    };
    if role.is_some_and(R::allows) { Ok(()) } else { Err(NOT_ALLOWED) }
}

/// Whether a credential of the tenant `of` opens this one.
fn check_tenant(tenant: &tenant::Model, of: TenantId) -> Result<(), ApiError> {
    if of != tenant.id {
        return Err(ApiError::NotFound("tenant"));
    }
    if tenant.status == TenantStatus::Suspended {
        return Err(ApiError::Forbidden("The tenant is suspended"));
    }
    Ok(())
}
