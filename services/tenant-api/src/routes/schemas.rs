//! `/tenants/{tenant}/schemas`: what users and groups may hold beyond the standard.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, NoContent};
use scim_protocol::schema::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Timestamp;
use store::entity::schema_extension;
use store::entity::words::ObjectKind;
use store::id::SchemaId;
use store::schema_extensions::MAX_EXTENSIONS;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::{Admin, Auditor, TenantCaller};
use crate::error::{ApiError, FieldProblem};
use crate::etag::{IfMatch, etag};
use crate::idempotency::IdempotencyHeader;
use crate::paging::Page;
use crate::parameters::{PathParameters, SchemaPath, TenantPath};
use crate::refusals::{CreateRefusals, DeleteRefusals, ReplaceRefusals, TenantRefusals};

/// A new schema extension.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSchema {
    /// Whether it extends users or groups.
    resource_type: ObjectKind,
    /// A Schema in SCIM's own form and spelling (RFC 7643 §7): `id` (its URN), `name`, `description`, and
    /// `attributes` with `name`, `type`, `multiValued`, `required`, `caseExact`, `mutability`, `returned`,
    /// `canonicalValues`, `referenceTypes` and `subAttributes`. What is absent has the default of §2.2.
    #[schema(value_type = Object)]
    definition: Value,
}

/// Another definition of a schema extension.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceSchema {
    /// The whole definition, of the same URN.
    #[schema(value_type = Object)]
    definition: Value,
}

/// A schema extension of the tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchemaExtension {
    id: SchemaId,
    /// What it extends.
    resource_type: ObjectKind,
    /// The definition, every characteristic written out.
    #[schema(value_type = Object)]
    definition: Value,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<schema_extension::Model> for SchemaExtension {
    fn from(row: schema_extension::Model) -> Self {
        Self {
            id: row.id,
            resource_type: row.resource_type,
            definition: row.definition,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The schema of a definition; 422 with all that is wrong in it.
fn read(definition: &Value) -> Result<Schema, ApiError> {
    Schema::from_definition(definition).map_err(|problems| {
        let fields = problems.into_iter().map(|problem| {
            let field = match problem.field.as_str() {
                "." => "definition".to_owned(),
                field => format!("definition.{field}"),
            };
            FieldProblem::new(field, problem.problem)
        });
        ApiError::Invalid(fields.collect())
    })
}

/// What the tenant's other extensions and its data forbid, in words.
fn refused(error: store::Error) -> ApiError {
    match error {
        store::Error::Conflict("schema_extensions_urn") => {
            ApiError::Conflict("A schema of that URN is registered already; case does not count".into())
        }
        store::Error::Conflict("schema_extensions_ambiguous") => ApiError::Conflict(
            "The URN reads as an attribute of a registered schema, or the other way round; choose another"
                .into(),
        ),
        store::Error::Conflict("schema_extensions_limit") => {
            ApiError::Conflict(format!("A tenant may have {MAX_EXTENSIONS} schemas"))
        }
        error => error.into(),
    }
}

/// Register a schema extension
///
/// Every connection of the tenant serves it within a second: its data is checked, kept, shown and can be
/// searched. No user or group must have it; an attribute that is `required` must be there where others of
/// the schema are. `readOnly`, `writeOnly`, `returned: never` and `uniqueness` are refused.
#[utoipa::path(
    post, path = "/tenants/{tenant}/schemas", tag = "schemas", request_body = CreateSchema,
    params(TenantPath, IdempotencyHeader),
    responses((status = 201, description = "The new extension", body = SchemaExtension, headers(("ETag" = String))), TenantRefusals, CreateRefusals),
)]
pub(crate) async fn create_schema(
    caller: TenantCaller<Admin>,
    Body(body): Body<CreateSchema>,
) -> Result<impl IntoResponse, ApiError> {
    let schema = read(&body.definition)?;
    let edit = caller.edit().await?;
    let row = edit.store.schema_extensions().insert(body.resource_type, &schema).await.map_err(refused)?;
    let detail = json!({"resource_type": row.resource_type, "definition": row.definition});
    edit.commit("schema.create", row.id, Some(detail)).await?;
    Ok((StatusCode::CREATED, etag(row.version), Json(SchemaExtension::from(row))))
}

/// List the schema extensions
///
/// All in one page, in the order in which they were registered. What the standard has is not among them.
#[utoipa::path(
    get, path = "/tenants/{tenant}/schemas", tag = "schemas",
    params(TenantPath),
    responses((status = 200, description = "All extensions", body = Page<SchemaExtension>), TenantRefusals),
)]
pub(crate) async fn list_schemas(
    caller: TenantCaller<Auditor>,
) -> Result<Json<Page<SchemaExtension>>, ApiError> {
    let rows = caller.store.schema_extensions().list().await?;
    Ok(Json(Page::whole(rows.into_iter().map(SchemaExtension::from).collect())))
}

/// Show a schema extension
#[utoipa::path(
    get, path = "/tenants/{tenant}/schemas/{schema}", tag = "schemas",
    params(TenantPath, SchemaPath),
    responses((status = 200, description = "The extension", body = SchemaExtension, headers(("ETag" = String))), TenantRefusals),
)]
pub(crate) async fn get_schema(
    caller: TenantCaller<Auditor>,
    PathParameters(SchemaPath { schema: id }): PathParameters<SchemaPath>,
) -> Result<impl IntoResponse, ApiError> {
    let row = caller.store.schema_extensions().get(id).await?;
    Ok((etag(row.version), Json(SchemaExtension::from(row))))
}

/// Give a schema extension another definition
///
/// Attributes may come, and what describes values or says how they are shown may change at any time. To
/// remove or rename an attribute, or to change its `type`, `multiValued` or `caseExact`, no user or group of
/// the tenant may hold data of the schema: 409. The URN stays as it is.
#[utoipa::path(
    put, path = "/tenants/{tenant}/schemas/{schema}", tag = "schemas", request_body = ReplaceSchema,
    params(
        TenantPath,
        SchemaPath,
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on"),
    ),
    responses((status = 200, description = "The extension as it is now", body = SchemaExtension, headers(("ETag" = String))), TenantRefusals, ReplaceRefusals),
)]
pub(crate) async fn replace_schema(
    caller: TenantCaller<Admin>,
    PathParameters(SchemaPath { schema: id }): PathParameters<SchemaPath>,
    if_match: IfMatch,
    Body(body): Body<ReplaceSchema>,
) -> Result<impl IntoResponse, ApiError> {
    let current = caller.store.schema_extensions().get(id).await?;
    let expected = if_match.expect(current.version)?;
    let (before, after) = (current.schema()?, read(&body.definition)?);
    let was = current.definition.clone();
    if before.id != after.id {
        let problem = format!("must stay {}; register another schema for another URN", before.id);
        return Err(ApiError::invalid("definition.id", problem));
    }
    let edit = caller.edit().await?;
    let row =
        edit.store.schema_extensions().update(id, expected, &after).await.map_err(|error| match error {
            store::Error::Conflict("schema_extensions_in_use") => {
                let what = before.incompatibilities(&after);
                let what: Vec<String> =
                    what.iter().map(|problem| format!("{} {}", problem.field, problem.problem)).collect();
                ApiError::Conflict(format!(
                    "Users or groups hold data of this schema, which may not fit any more: {}",
                    what.join(", ")
                ))
            }
            error => error.into(),
        })?;
    let detail = json!({"definition": row.definition});
    edit.commit_change("schema.update", id, detail, &was, &row.definition).await?;
    Ok((etag(row.version), Json(SchemaExtension::from(row))))
}

/// Remove a schema extension
///
/// Only while no user or group of the tenant holds data of it: 409. Nothing that a provider sent is lost.
#[utoipa::path(
    delete, path = "/tenants/{tenant}/schemas/{schema}", tag = "schemas",
    params(
        TenantPath,
        SchemaPath,
        ("If-Match" = Option<String>, Header, description = "The ETag that the removal is based on"),
    ),
    responses((status = 204, description = "It is removed"), TenantRefusals, DeleteRefusals),
)]
pub(crate) async fn delete_schema(
    caller: TenantCaller<Admin>,
    PathParameters(SchemaPath { schema: id }): PathParameters<SchemaPath>,
    if_match: IfMatch,
) -> Result<NoContent, ApiError> {
    let expected = if_match.expect(caller.store.schema_extensions().get(id).await?.version)?;
    let edit = caller.edit().await?;
    let row = edit.store.schema_extensions().delete(id, expected).await.map_err(|error| match error {
        store::Error::Conflict("schema_extensions_in_use") => ApiError::Conflict(
            "Users or groups hold data of this schema; it can be removed when none does any more".into(),
        ),
        error => error.into(),
    })?;
    edit.commit("schema.delete", id, Some(json!({"definition": row.definition}))).await?;
    Ok(NoContent)
}
