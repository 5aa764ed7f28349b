//! Taking apart `/scim/{connection_id}/v2/…`.

use axum::http::Uri;
use http::uri::PathAndQuery;
use store::id::ConnectionId;

/// Where a request wants to go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) connection_id: ConnectionId,
    /// The path and query below the base URL, always with a leading slash.
    pub(crate) below: Uri,
}

/// Splits the base URL off. Doubled and trailing slashes do not count: some providers join the base URI
/// and the endpoint with a slash of their own.
pub(crate) fn split(uri: &Uri) -> Option<Target> {
    let mut segments = uri.path().split('/').filter(|segment| !segment.is_empty());
    if segments.next()? != "scim" {
        return None;
    }
    let connection_id = segments.next()?.parse().ok()?;
    if !segments.next()?.eq_ignore_ascii_case("v2") {
        return None;
    }
    let mut below = String::from("/");
    below.push_str(&segments.collect::<Vec<_>>().join("/"));
    if let Some(query) = uri.query() {
        below.push('?');
        below.push_str(query);
    }
    let below = below.parse::<PathAndQuery>().ok()?;
    Some(Target { connection_id, below: Uri::from(below) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn below(path: &str) -> Option<String> {
        split(&path.parse().unwrap()).map(|target| target.below.to_string())
    }

    #[test]
    fn the_base_url_is_split_off_and_the_query_stays() {
        assert_eq!(
            below(&format!("/scim/{ID}/v2/Users?filter=userName%20eq%20%22a%22")).unwrap(),
            "/Users?filter=userName%20eq%20%22a%22"
        );
    }

    #[test]
    fn doubled_and_trailing_slashes_do_not_count() {
        assert_eq!(below(&format!("/scim/{ID}/v2//Users/")).unwrap(), "/Users");
        assert_eq!(below(&format!("/scim/{ID}/v2")).unwrap(), "/");
    }

    #[test]
    fn other_versions_and_broken_ids_lead_nowhere() {
        assert_eq!(below(&format!("/scim/{ID}/v1/Users")), None);
        assert_eq!(below("/scim/42/v2/Users"), None);
    }
}
