//! Short ways to ask, so that a rule reads as its cases.

use serde_json::{Value, json};

use crate::harness::{Edge, Idp, USER};

const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

impl Edge {
    /// A tolerant and a strict provider of one tenant.
    pub(crate) async fn tolerant_and_strict(&self) -> (Idp, Idp) {
        let tolerant = self.idp("acme").await;
        let strict = self.idp_of(tolerant.tenant, true).await;
        (tolerant, strict)
    }
}

impl Idp {
    /// Creates a user that has `more` besides its name, and returns its id.
    pub(crate) async fn person(&self, user_name: &str, more: Value) -> String {
        self.post("/Users", with(user_name, more)).await.created()
    }

    /// The names of the users that a filter finds, in order of creation.
    pub(crate) async fn found(&self, filter: &str) -> Vec<String> {
        let body = self.find("/Users", filter).await.ok();
        let found = body["Resources"].as_array().unwrap().iter();
        found.map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
    }

    /// Each filter finds exactly these users.
    pub(crate) async fn finds(&self, cases: &[(&str, &[&str])]) {
        for (filter, expected) in cases {
            assert_eq!(self.found(filter).await, *expected, "{filter}");
        }
    }

    /// Each filter is refused on users.
    pub(crate) async fn refuses_filters(&self, filters: &[&str]) {
        for filter in filters {
            let answer = self.find("/Users", filter).await;
            assert_eq!(
                (answer.status.as_u16(), answer.scim_type()),
                (400, "invalidFilter"),
                "{filter:?}: {answer:?}"
            );
        }
    }

    /// A resource as it is read.
    pub(crate) async fn read(&self, path: &str) -> Value {
        self.get(path).await.ok()
    }

    /// POST to `.search` with these parameters.
    pub(crate) async fn search(&self, path: &str, parameters: Value) -> crate::harness::Answer {
        let mut body = json!({"schemas": [SEARCH_REQUEST]});
        extend(&mut body, parameters);
        self.post(path, body).await
    }

    /// Patches a resource with one operation after the other, each in a request of its own; each is obeyed, and
    /// `attribute` is then as said.
    pub(crate) async fn patches(&self, path: &str, attribute: &str, steps: &[(Value, Value)]) {
        for (operation, expected) in steps {
            let answer = self.patch(path, json!([operation])).await.ok();
            let pointer = if attribute.starts_with('/') { attribute.into() } else { format!("/{attribute}") };
            let value = answer.pointer(&pointer).cloned().unwrap_or_default();
            assert_eq!(value, *expected, "after {operation}");
            assert_eq!(self.read(path).await, answer, "after {operation}");
        }
    }

    /// Each operation alone is refused so, and the resource stays as it is.
    pub(crate) async fn refuses_operations(&self, path: &str, cases: &[(Value, &str)]) {
        let before = self.read(path).await;
        for (operation, scim_type) in cases {
            let answer = self.patch(path, json!([operation])).await;
            assert_eq!(
                (answer.status.as_u16(), answer.scim_type()),
                (400, *scim_type),
                "{operation}: {answer:?}"
            );
        }
        assert_eq!(self.read(path).await, before);
    }
}

/// A user that has `more` besides its name.
pub(crate) fn with(user_name: &str, more: Value) -> Value {
    let mut body = json!({"schemas": [USER], "userName": user_name});
    extend(&mut body, more);
    body
}

/// Lays the members of one object over another.
#[expect(clippy::needless_pass_by_value, reason = "a literal reads better at the call")]
pub(crate) fn extend(body: &mut Value, more: Value) {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
}

/// The names of an object's members, sorted.
pub(crate) fn names(body: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// The `value` of each element of a list.
pub(crate) fn values(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|element| element["value"].as_str().unwrap()).collect()
}
