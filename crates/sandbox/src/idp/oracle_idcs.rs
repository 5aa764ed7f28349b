//! Oracle Identity Cloud Service (OCI Identity Domains), catalog application "`GenericScim` - Bearer Token".
//!
//! Its form asks for a host name, a base URI and an access token; the first two make the base URL. What it sends
//! is not documented request by request. So this client follows what is known of it and chooses, where it is not
//! known, what asks most of a server: look-up before create, null and empty attributes in a create, PUT without
//! `active` as well as PATCH in lower case, and reading everything back in pages.

use reqwest::Method;
use serde_json::{Value, json};

use super::conversation::{ConversationError, Resource, ScimClient, id_of, quoted};
use crate::people::Person;

const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The version that the client names as its user agent.
const USER_AGENT: &str = "Oracle-IDCS-Simulation/1.0";

/// How an update of a user is sent: early versions of the application's template replace, later ones patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMethod {
    /// PUT of the whole resource, without `active`: what a PUT leaves out must not deactivate.
    Put,
    /// PATCH with `replace` operations.
    Patch,
}

/// One application that provisions to one SCIM base URL.
#[derive(Clone, Debug)]
pub struct OracleIdcs {
    scim: ScimClient,
}

impl OracleIdcs {
    /// Makes the application. `base_url` is host name and base URI together, with or without a slash at the end.
    pub fn new(base_url: &str, token: &str) -> Result<Self, ConversationError> {
        Ok(Self { scim: ScimClient::new(base_url, token, USER_AGENT)? })
    }

    /// The button "Test Connectivity". Which request it sends is not documented, so all likely ones are sent: the
    /// configuration, a page of users, and a filter that finds nobody.
    pub async fn test_connectivity(&self) -> Result<(), ConversationError> {
        self.scim.send(Method::GET, "/ServiceProviderConfig", &[], None).await?;
        let first_page = [("startIndex", "1"), ("count", "1")];
        let page = self.scim.send(Method::GET, "/Users", &first_page, None).await?;
        if !page["totalResults"].is_u64() {
            return Err(ConversationError::Malformed {
                operation: "GET /Users".to_owned(),
                problem: "totalResults is missing".to_owned(),
            });
        }
        self.scim.find("/Users", "userName eq \"connectivity.test.nobody\"").await?;
        Ok(())
    }

    /// Assigns a person to the application: looks them up by `userName`, and creates them, or takes over and
    /// updates the one found. Returns the server's id.
    pub async fn provision_user(&self, person: &Person) -> Result<String, ConversationError> {
        let filter = format!("userName eq {}", quoted(&person.username));
        if let Some(found) = self.scim.find("/Users", &filter).await?.first() {
            let id = id_of("GET /Users", found)?;
            self.update_user(&id, person, UpdateMethod::Put).await?;
            return Ok(id);
        }
        let mut body = user_body(person);
        body["active"] = person.active.into();
        let created = self.scim.send(Method::POST, "/Users", &[], Some(&body)).await?;
        id_of("POST /Users", &created)
    }

    /// Pushes the person's attributes, the name for logging in too; leaves `active` as it is.
    pub async fn update_user(
        &self,
        id: &str,
        person: &Person,
        method: UpdateMethod,
    ) -> Result<(), ConversationError> {
        let path = format!("/Users/{id}");
        match method {
            UpdateMethod::Put => {
                let mut body = user_body(person);
                body["id"] = id.into();
                self.scim.send(Method::PUT, &path, &[], Some(&body)).await?;
            }
            UpdateMethod::Patch => {
                let operations = vec![
                    replace("userName", person.username.as_str()),
                    replace("name.givenName", person.given_name.as_str()),
                    replace("name.familyName", person.family_name.as_str()),
                    replace("displayName", person.display_name()),
                    replace("emails[type eq \"work\"].value", person.email.as_str()),
                ];
                self.patch(&path, operations).await?;
            }
        }
        Ok(())
    }

    /// Deactivates the account: the person may no longer log in.
    pub async fn deactivate(&self, id: &str) -> Result<(), ConversationError> {
        self.patch(&format!("/Users/{id}"), vec![replace("active", false)]).await
    }

    /// Activates the account again.
    pub async fn activate(&self, id: &str) -> Result<(), ConversationError> {
        self.patch(&format!("/Users/{id}"), vec![replace("active", true)]).await
    }

    /// Revokes the application from the person. An account that is gone already counts as deleted.
    pub async fn delete(&self, id: &str) -> Result<(), ConversationError> {
        self.scim.delete(&format!("/Users/{id}")).await
    }

    /// Pushes a group without members: looks it up by name, and creates it if it is not there. Returns its id.
    pub async fn push_group(&self, name: &str) -> Result<String, ConversationError> {
        let filter = format!("displayName eq {}", quoted(name));
        if let Some(found) = self.scim.find("/Groups", &filter).await?.first() {
            return id_of("GET /Groups", found);
        }
        let body = json!({
            "schemas": [GROUP_SCHEMA],
            "displayName": name,
            "externalId": format!("idcs-group-{name}"),
            "members": [],
        });
        let created = self.scim.send(Method::POST, "/Groups", &[], Some(&body)).await?;
        id_of("POST /Groups", &created)
    }

    /// Gives a group another name.
    pub async fn rename_group(&self, group_id: &str, name: &str) -> Result<(), ConversationError> {
        self.patch(&format!("/Groups/{group_id}"), vec![replace("displayName", name)]).await
    }

    /// Adds users to a group, all in one request.
    pub async fn add_members(&self, group_id: &str, user_ids: &[String]) -> Result<(), ConversationError> {
        let members: Vec<Value> = user_ids.iter().map(|id| json!({ "value": id, "type": "User" })).collect();
        let add = json!({ "op": "add", "path": "members", "value": members });
        self.patch(&format!("/Groups/{group_id}"), vec![add]).await
    }

    /// Removes users from a group, each by a filter on `value`, all in one request.
    pub async fn remove_members(&self, group_id: &str, user_ids: &[String]) -> Result<(), ConversationError> {
        let removals = user_ids
            .iter()
            .map(|id| json!({ "op": "remove", "path": format!("members[value eq {}]", quoted(id)) }))
            .collect();
        self.patch(&format!("/Groups/{group_id}"), removals).await
    }

    /// Deletes a group. One that is gone already counts as deleted.
    pub async fn delete_group(&self, group_id: &str) -> Result<(), ConversationError> {
        self.scim.delete(&format!("/Groups/{group_id}")).await
    }

    /// "Refresh Application Data": reads all users and groups back, in pages of `count`.
    pub async fn refresh(&self, count: usize) -> Result<ApplicationData, ConversationError> {
        let users = self.scim.read_all("/Users", count).await?;
        let groups = self.scim.read_all("/Groups", count).await?;
        Ok(ApplicationData { users, groups })
    }

    async fn patch(&self, path: &str, operations: Vec<Value>) -> Result<(), ConversationError> {
        let body = json!({ "schemas": [PATCH_SCHEMA], "Operations": operations });
        self.scim.send(Method::PATCH, path, &[], Some(&body)).await.map(|_| ())
    }
}

/// What the server has, as it was read back.
#[derive(Clone, Debug, PartialEq)]
pub struct ApplicationData {
    /// All users.
    pub users: Vec<Resource>,
    /// All groups.
    pub groups: Vec<Resource>,
}

fn replace(path: &str, value: impl Into<Value>) -> Value {
    let value: Value = value.into();
    json!({ "op": "replace", "path": path, "value": value })
}

/// The whole user but `active`. Attributes without a value come as null or as an empty string.
fn user_body(person: &Person) -> Value {
    json!({
        "schemas": [USER_SCHEMA],
        "externalId": format!("idcs-{}", person.email),
        "userName": person.username,
        "name": {
            "givenName": person.given_name,
            "familyName": person.family_name,
            "middleName": null,
            "honorificPrefix": "",
            "formatted": person.display_name(),
        },
        "displayName": person.display_name(),
        "nickName": null,
        "profileUrl": null,
        "title": "",
        "emails": [{ "value": person.email, "type": "work", "primary": true }],
        "phoneNumbers": [],
        "locale": "en-US",
        "timezone": null,
        "preferredLanguage": "en",
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{
        Json, Router,
        extract::{Request, State},
        http::StatusCode,
        response::{IntoResponse, Response},
    };
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tokio::net::TcpListener;

    use super::{OracleIdcs, UpdateMethod};
    use crate::people::Person;

    /// What a recording server was asked: method, path with query, body.
    type Requests = Arc<Mutex<Vec<(String, String, Value)>>>;

    /// Answers any request as a server of three users would, and one that refuses the id `refused`.
    async fn answer(State(requests): State<Requests>, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let path = parts.uri.path_and_query().unwrap().to_string();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        assert_eq!(parts.headers["authorization"], "Bearer secret");
        requests.lock().unwrap().push((parts.method.to_string(), path.clone(), body));
        let page =
            |resources: Value| Json(json!({"totalResults": 3, "Resources": resources})).into_response();
        match (parts.method.as_str(), path.as_str()) {
            ("GET", path) if path.contains("filter=") && path.contains("known") => page(json!([{"id": "7"}])),
            ("GET", path) if path.contains("filter=") => page(json!([])),
            ("GET", path) if path.contains("startIndex=1&") => page(json!([{"id": "1"}, {"id": "2"}])),
            ("GET", path) if path.contains("startIndex=3&") => page(json!([{"id": "3"}])),
            ("GET", _) => Json(json!({})).into_response(),
            ("POST", _) => (StatusCode::CREATED, Json(json!({"id": "new"}))).into_response(),
            ("DELETE", path) if path.ends_with("gone") => StatusCode::NOT_FOUND.into_response(),
            (_, path) if path.ends_with("refused") => {
                (StatusCode::CONFLICT, Json(json!({"detail": "taken"}))).into_response()
            }
            _ => StatusCode::NO_CONTENT.into_response(),
        }
    }

    async fn recorded() -> (OracleIdcs, Requests) {
        let requests = Requests::default();
        let router = Router::new().fallback(answer).with_state(requests.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/scim/v2/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (OracleIdcs::new(&base_url, "secret").unwrap(), requests)
    }

    fn sent(requests: &Requests) -> Vec<(String, String)> {
        requests.lock().unwrap().iter().map(|(method, path, _)| (method.clone(), path.clone())).collect()
    }

    #[tokio::test]
    async fn provisioning_looks_up_before_it_creates() {
        let (idcs, requests) = recorded().await;
        assert_eq!(idcs.provision_user(&Person::sample(0)).await.unwrap(), "new");
        let sent = sent(&requests);
        assert_eq!(sent[0].0, "GET");
        assert!(
            sent[0].1.starts_with("/scim/v2/Users?filter=userName+eq+%22ada.abbott.0%22"),
            "{}",
            sent[0].1
        );
        assert_eq!(sent[1], ("POST".to_owned(), "/scim/v2/Users".to_owned()));
        let requests = requests.lock().unwrap();
        assert_eq!((&requests[1].2["active"], &requests[1].2["nickName"]), (&json!(true), &Value::Null));
    }

    #[tokio::test]
    async fn provisioning_takes_over_the_user_it_finds_by_put_without_active() {
        let (idcs, requests) = recorded().await;
        let person = Person { username: "known".to_owned(), ..Person::sample(0) };
        assert_eq!(idcs.provision_user(&person).await.unwrap(), "7");
        assert_eq!(sent(&requests)[1], ("PUT".to_owned(), "/scim/v2/Users/7".to_owned()));
        assert!(requests.lock().unwrap()[1].2.get("active").is_none());
    }

    #[tokio::test]
    async fn changes_are_lower_case_patches() {
        let (idcs, requests) = recorded().await;
        idcs.update_user("1", &Person::sample(1), UpdateMethod::Patch).await.unwrap();
        idcs.deactivate("1").await.unwrap();
        idcs.add_members("g", &["1".to_owned(), "2".to_owned()]).await.unwrap();
        idcs.remove_members("g", &["1".to_owned()]).await.unwrap();
        let requests = requests.lock().unwrap();
        assert!(requests.iter().all(|(method, ..)| method == "PATCH"));
        assert_eq!(requests[1].2["Operations"], json!([{"op": "replace", "path": "active", "value": false}]));
        assert_eq!(requests[2].2["Operations"][0]["value"][1]["value"], "2");
        assert_eq!(requests[3].2["Operations"][0]["path"], "members[value eq \"1\"]");
    }

    #[tokio::test]
    async fn connectivity_and_refresh_read_page_by_page_to_the_end() {
        let (idcs, requests) = recorded().await;
        idcs.test_connectivity().await.unwrap();
        assert_eq!(sent(&requests)[0].1, "/scim/v2/ServiceProviderConfig");
        let data = idcs.refresh(2).await.unwrap();
        assert_eq!((data.users.len(), data.groups.len()), (3, 3));
    }

    #[tokio::test]
    async fn deleting_what_is_gone_is_done_and_a_refusal_carries_the_servers_text() {
        let (idcs, _) = recorded().await;
        idcs.delete("gone").await.unwrap();
        let error = idcs.deactivate("refused").await.unwrap_err();
        assert_eq!(error.status(), Some(409));
        assert!(error.to_string().contains("taken"), "{error}");
    }
}
