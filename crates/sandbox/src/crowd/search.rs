//! `/search`: everything of a kind, or what one comparison finds.

use axum::{Json, extract::State};
use serde_json::Value;

use super::{
    Crowd,
    answers::{Refusal, group, part, user},
};
use crate::installation::{authentication::LoggedIn, directory::Account, request::Parameters};

/// `GET /search?entity-type=&restriction=`.
pub(super) async fn search(
    State(crowd): State<Crowd>,
    _: LoggedIn,
    parameters: Parameters,
) -> Result<Json<Value>, Refusal> {
    let restriction = parameters.get("restriction").filter(|text| !text.trim().is_empty());
    let restriction = restriction.map(Restriction::parse).transpose()?;
    match parameters.required("entity-type")? {
        "user" => {
            let whole = parameters.expands("user");
            let all = {
                let directory = crowd.site();
                let found = |account: &&Account| restriction.as_ref().is_none_or(|by| by.finds(account));
                directory
                    .accounts
                    .values()
                    .filter(found)
                    .map(|account| user(&crowd, account, whole))
                    .collect()
            };
            part(&parameters, "users", all)
        }
        "group" if restriction.is_none() => {
            let all = crowd.site().groups.values().map(|found| group(&found.name, false)).collect();
            part(&parameters, "groups", all)
        }
        "group" => {
            Err(Refusal::bad_request("ILLEGAL_ARGUMENT", "This server searches groups without a restriction"))
        }
        other => Err(Refusal::bad_request("ILLEGAL_ARGUMENT", format!("Unknown entity-type {other}"))),
    }
}

/// `property = "value"`, with `\"` and `\\` in the value.
struct Restriction {
    property: String,
    value: String,
}

impl Restriction {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::bad_request("ILLEGAL_ARGUMENT", format!("Cannot parse {text}"));
        let (property, value) = text.split_once('=').ok_or_else(wrong)?;
        let quoted =
            value.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(wrong)?;
        let mut value = String::new();
        let mut characters = quoted.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => value.push(characters.next().ok_or_else(wrong)?),
                '"' => return Err(wrong()),
                other => value.push(other),
            }
        }
        let property = property.trim().to_owned();
        if !["name", "email", "displayName", "active"].contains(&property.as_str()) {
            return Err(wrong());
        }
        Ok(Self { property, value })
    }

    fn finds(&self, account: &Account) -> bool {
        let held = match self.property.as_str() {
            "name" => account.name.clone(),
            "email" => account.email.clone(),
            "displayName" => account.display_name.clone(),
            _ => account.active.to_string(),
        };
        held.to_lowercase() == self.value.to_lowercase()
    }
}
