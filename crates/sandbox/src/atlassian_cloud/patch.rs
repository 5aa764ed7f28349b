//! PATCH (RFC 7644 section 3.5.2), in the few forms that the vendor's clients are known to send.

use serde::Deserialize;
use serde_json::Value;

use super::{answers::Refusal, site::ScimDirectory};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The body of a PATCH.
#[derive(Debug, Deserialize)]
pub(super) struct PatchOp {
    schemas: Vec<String>,
    #[serde(rename = "Operations")]
    operations: Vec<Operation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    op: String,
    path: Option<String>,
    value: Option<Value>,
}

impl PatchOp {
    fn checked(&self) -> Result<&[Operation], Refusal> {
        if !self.schemas.iter().any(|schema| schema == PATCH_OP) || self.operations.is_empty() {
            return Err(Refusal::invalid_syntax("A PatchOp with operations is needed"));
        }
        Ok(&self.operations)
    }

    /// Changes a user: all operations or none.
    pub(super) fn apply_to_user(&self, site: &mut ScimDirectory, id: &str) -> Result<(), Refusal> {
        let folded = site.user(id)?;
        let Some(account) = site.directory.accounts.get(&folded) else {
            return Err(Refusal::not_found("USER", id));
        };
        let mut write = super::site::write_of(account, site.document(id));
        for operation in self.checked()? {
            let text = || operation.value.as_ref().and_then(Value::as_str).map(str::to_owned);
            let missing = || Refusal::invalid_value("The value does not fit the path");
            match (operation.op.as_str(), operation.path.as_deref()) {
                ("replace", Some("active")) => {
                    write.active = operation.value.as_ref().and_then(Value::as_bool).ok_or_else(missing)?;
                }
                ("replace", Some("displayName")) => write.display_name = Some(text().ok_or_else(missing)?),
                ("replace", Some("userName")) => write.user_name = text().ok_or_else(missing)?,
                ("replace" | "add", Some(path @ ("nickName" | "title"))) => {
                    write.document.insert(path.to_owned(), Value::String(text().ok_or_else(missing)?));
                }
                (_, path) => return Err(Refusal::invalid_path(path)),
            }
        }
        site.write_user(id, write)
    }

    /// Changes a group's members.
    pub(super) fn apply_to_group(&self, site: &mut ScimDirectory, id: &str) -> Result<(), Refusal> {
        site.group(id)?;
        for operation in self.checked()? {
            match (operation.op.as_str(), operation.path.as_deref()) {
                ("add", Some("members")) => {
                    let members = operation.value.as_ref().and_then(Value::as_array);
                    let ids = members.map(|members| members.iter().filter_map(member_id).collect::<Vec<_>>());
                    let ids = ids.filter(|ids| !ids.is_empty());
                    site.join(id, &ids.ok_or_else(|| Refusal::invalid_value("members have a value each"))?)?;
                }
                // RFC 7644 section 3.5.2.2: without a filter, all values go, whatever else is sent.
                ("remove", Some("members")) => site.empty(id)?,
                ("remove", Some(path)) => {
                    let user =
                        path.strip_prefix("members[value eq \"").and_then(|rest| rest.strip_suffix("\"]"));
                    site.leave(id, user.ok_or_else(|| Refusal::invalid_path(Some(path)))?)?;
                }
                (_, path) => return Err(Refusal::invalid_path(path)),
            }
        }
        Ok(())
    }
}

fn member_id(member: &Value) -> Option<String> {
    member.get("value").and_then(Value::as_str).map(str::to_owned)
}
