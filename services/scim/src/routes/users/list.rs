//! `GET /Users` and `POST /Users/.search` (RFC 7644 §3.4.2, §3.4.3).

use axum::extract::RawQuery;
use axum::response::Response;
use scim_protocol::filter::Filter;
use scim_protocol::projection::Projection;
use scim_protocol::schema::ResourceType;
use serde_json::Value;
use store::id::UserId;
use store::search::{Match, Query};
use store::users::FoundUser;
use uuid::Uuid;

use crate::body::Body;
use crate::caller::Directory;
use crate::error::Failure;
use crate::representation;
use crate::search::{Collection, Request, answer};

/// Lists users.
pub async fn handle(directory: Directory, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let request = Request::from_query(query.as_deref(), directory.strictness);
    answer::<Users>(&directory, &request).await
}

/// Lists users by a `SearchRequest`.
pub async fn search(directory: Directory, Body(body): Body) -> Result<Response, Failure> {
    let request = Request::from_body(&body, directory.strictness)?;
    answer::<Users>(&directory, &request).await
}

/// The users of a directory.
#[derive(Debug)]
pub(crate) struct Users;

impl Collection for Users {
    const ENDPOINT: &'static str = "/Users";
    const IS_USERS: bool = true;
    type Row = FoundUser;

    fn resource_type(directory: &Directory) -> &ResourceType {
        &directory.resource_types.user
    }

    fn id(row: &Self::Row) -> Uuid {
        row.row.id.0
    }

    fn search<'d>(
        directory: &'d Directory,
        query: &Query<'_>,
        projection: &Projection,
    ) -> store::search::Search<'d, Self::Row> {
        directory.users.search(query, projection.wants("groups"))
    }

    async fn matching(
        directory: &Directory,
        candidates: Vec<Match<Self::Row>>,
        filter: &Filter,
    ) -> Result<Vec<Match<Self::Row>>, Failure> {
        // The entity tag is made of the groups as well.
        let reads_groups = filter.mentions("groups") || filter.mentions("meta");
        let resources = represent(directory, &candidates, reads_groups).await?;
        let matches = |resource: &Value| filter.matches(resource, &directory.resource_types.user);
        let judged = candidates.into_iter().zip(&resources);
        Ok(judged.filter(|(_, resource)| matches(resource)).map(|(candidate, _)| candidate).collect())
    }

    async fn show(
        directory: &Directory,
        rows: &[Match<Self::Row>],
        projection: &Projection,
    ) -> Result<Vec<Value>, Failure> {
        let resources = represent(directory, rows, projection.wants("groups")).await?;
        Ok(resources.into_iter().map(|resource| projection.apply(resource)).collect())
    }
}

async fn represent(
    directory: &Directory,
    rows: &[Match<FoundUser>],
    wants_groups: bool,
) -> Result<Vec<Value>, Failure> {
    let unread: Vec<UserId> = rows
        .iter()
        .filter(|found| wants_groups && found.row.groups.is_none())
        .map(|found| found.row.row.id)
        .collect();
    let read = directory.users.holding_groups(&unread).await?;
    let resources = rows.iter().map(|found| {
        let FoundUser { row, groups } = &found.row;
        let groups = groups.as_ref().or_else(|| read.get(&row.id)).filter(|_| wants_groups);
        representation::user(row, groups.map(Vec::as_slice).unwrap_or_default(), &directory.base_url)
    });
    Ok(resources.collect())
}
