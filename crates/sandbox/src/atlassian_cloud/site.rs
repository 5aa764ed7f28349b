//! The rules of the directory: who is unique by what, and what a list shows yet.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::{Options, Quirks, answers::Refusal};
use crate::installation::directory::{Account, Conventions, Directory, Group, Login, fold};

/// A user that is made anew after a deletion is another one.
const CONVENTIONS: Conventions = Conventions {
    first_key: 1,
    key: |number| format!("{number:08x}-6f1e-4c53-8a8f-9b0c1d2e3f40"),
    keeps_key_of_name: false,
    administrators: &[],
    users: "",
    login: Login::Key,
};

/// Attributes that only the directory itself sets; in a request they are left unread.
const READ_ONLY: [&str; 5] = ["schemas", "id", "meta", "groups", super::answers::ATLASSIAN];
/// Attributes that are kept as they came.
const PLAIN: [&str; 11] = [
    "externalId",
    "name",
    "nickName",
    "title",
    "preferredLanguage",
    "department",
    "organization",
    "timezone",
    "phoneNumbers",
    "emails",
    super::answers::ENTERPRISE,
];

/// Everything in the directory, and what of the organization beside it matters.
#[derive(Debug)]
pub struct ScimDirectory {
    pub(super) directory: Directory,
    quirks: Quirks,
    /// The attributes in [`PLAIN`] that a user has, by identifier.
    documents: HashMap<String, Map<String, Value>>,
    /// When a user or group was made, or a user joined a group, by identifiers.
    written: HashMap<String, Instant>,
    /// Folded names of groups that are not the directory's.
    pub(super) local_groups: HashSet<String>,
    /// Folded addresses of accounts that are not in the directory.
    pub(super) foreign_emails: HashSet<String>,
}

/// A user as a request describes it.
pub(super) struct UserWrite {
    pub(super) user_name: String,
    pub(super) display_name: Option<String>,
    pub(super) email: String,
    pub(super) active: bool,
    pub(super) document: Map<String, Value>,
}

impl ScimDirectory {
    pub(super) fn start(options: &Options) -> Self {
        Self {
            directory: Directory::start(CONVENTIONS, options),
            quirks: options.quirks,
            documents: HashMap::new(),
            written: HashMap::new(),
            local_groups: HashSet::new(),
            foreign_emails: HashSet::new(),
        }
    }

    /// Whether lists show yet what was written under this name.
    pub(super) fn is_listed(&self, written: &str) -> bool {
        self.written.get(written).is_none_or(|at| at.elapsed() >= self.quirks.lag)
    }

    pub(super) fn document(&self, key: &str) -> Map<String, Value> {
        self.documents.get(key).cloned().unwrap_or_default()
    }

    /// The folded name of the user with this identifier.
    pub(super) fn user(&self, id: &str) -> Result<String, Refusal> {
        self.directory.name_of_key(id).map(str::to_owned).ok_or_else(|| Refusal::not_found("USER", id))
    }

    /// The group with this identifier.
    pub(super) fn group(&self, id: &str) -> Result<&Group, Refusal> {
        let mut groups = self.directory.groups.values();
        groups.find(|group| group_id(group) == id).ok_or_else(|| Refusal::not_found("GROUP", id))
    }

    /// Refuses what another user has already; `own` is the folded name of the one that is written.
    fn check_unique(&self, own: Option<&str>, write: &UserWrite) -> Result<(), Refusal> {
        let folded = fold(&write.user_name);
        let mut others = self.directory.accounts.iter().filter(|(name, _)| Some(name.as_str()) != own);
        let external = write.document.get("externalId");
        let clash = others.find_map(|(name, account)| {
            if *name == folded {
                return Some(format!("userName[{}]", write.user_name));
            }
            if fold(&account.email) == fold(&write.email) {
                return Some(format!("email[{}]", write.email));
            }
            let theirs = self.documents.get(&account.key).and_then(|document| document.get("externalId"));
            (external.is_some() && theirs == external).then(|| "externalId".to_owned())
        });
        // An account that is there is joined with a new user, and not with one that has an account.
        let foreign = own.is_some() && self.foreign_emails.contains(&fold(&write.email));
        match clash.or_else(|| foreign.then(|| format!("email[{}]", write.email))) {
            Some(what) => Err(Refusal::uniqueness(&format!("Resource [USER]: with {what} already exists."))),
            None => Ok(()),
        }
    }

    pub(super) fn create_user(&mut self, write: UserWrite, by: &str) -> Result<String, Refusal> {
        self.check_unique(None, &write)?;
        let shown = write.display_name.as_deref().unwrap_or(&write.user_name);
        let account = self.directory.insert_account(&write.user_name, shown, &write.email, by);
        account.active = write.active;
        let key = account.key.clone();
        self.documents.insert(key.clone(), write.document);
        self.written.insert(key.clone(), Instant::now());
        Ok(key)
    }

    /// Writes a user whole: what is left out is emptied.
    pub(super) fn write_user(&mut self, id: &str, write: UserWrite) -> Result<(), Refusal> {
        let folded = self.user(id)?;
        self.check_unique(Some(&folded), &write)?;
        let Some(account) = self.directory.accounts.get_mut(&folded) else {
            return Err(Refusal::not_found("USER", id));
        };
        account.display_name = write.display_name.unwrap_or_default();
        account.email = write.email;
        let deactivated = account.active && !write.active;
        account.active = write.active;
        self.documents.insert(id.to_owned(), write.document);
        if deactivated && self.quirks.deactivation_empties_groups {
            for group in self.directory.groups.values_mut() {
                group.members.remove(&folded);
            }
        }
        if self.quirks.renames {
            self.directory.rename_account(&folded, &write.user_name);
        }
        Ok(())
    }

    pub(super) fn delete_user(&mut self, id: &str) -> Result<(), Refusal> {
        let folded = self.user(id)?;
        self.directory.remove_account(&folded);
        self.documents.remove(id);
        Ok(())
    }

    pub(super) fn create_group(&mut self, name: &str) -> Result<String, Refusal> {
        if self.directory.groups.contains_key(&fold(name)) || self.local_groups.contains(&fold(name)) {
            let text = format!("Resource [GROUP]: with displayName[{name}] already exists.");
            return Err(Refusal::uniqueness(&text));
        }
        let id = group_id(self.directory.insert_group(name));
        self.written.insert(id.clone(), Instant::now());
        Ok(id)
    }

    pub(super) fn delete_group(&mut self, id: &str) -> Result<(), Refusal> {
        let folded = fold(&self.group(id)?.name);
        self.directory.groups.remove(&folded);
        Ok(())
    }

    /// Puts users into a group; all of them or none.
    pub(super) fn join(&mut self, id: &str, users: &[String]) -> Result<(), Refusal> {
        let folded = fold(&self.group(id)?.name);
        let members = users.iter().map(|user| self.user(user)).collect::<Result<Vec<_>, _>>();
        let members = members.map_err(|_| Refusal::invalid_value("A member is not in this directory"))?;
        for (user, member) in users.iter().zip(members) {
            if self.directory.insert_group(&folded).members.insert(member) {
                self.written.insert(membership(user, id), Instant::now());
            }
        }
        Ok(())
    }

    /// Takes a user out of a group, which may not be in it.
    pub(super) fn leave(&mut self, id: &str, user: &str) -> Result<(), Refusal> {
        let folded = fold(&self.group(id)?.name);
        if let Ok(member) = self.user(user) {
            self.directory.insert_group(&folded).members.remove(&member);
        }
        Ok(())
    }

    /// Empties a group.
    pub(super) fn empty(&mut self, id: &str) -> Result<(), Refusal> {
        let folded = fold(&self.group(id)?.name);
        self.directory.insert_group(&folded).members.clear();
        Ok(())
    }
}

/// The name under which [`ScimDirectory::is_listed`] knows that a user joined a group.
pub(super) fn membership(user: &str, group: &str) -> String {
    format!("{user} {group}")
}

/// A group's identifier.
pub(super) fn group_id(group: &Group) -> String {
    format!("{:08x}-0b7d-4e6a-9c58-5a4b3c2d1e0f", group.number)
}

/// Reads a user's document; nothing that the vendor does not name may be in it.
pub(super) fn read_user(body: &Map<String, Value>) -> Result<UserWrite, Refusal> {
    let is_known = |name: &&String| {
        let name = name.as_str();
        READ_ONLY.contains(&name)
            || PLAIN.contains(&name)
            || ["userName", "displayName", "active"].contains(&name)
    };
    if let Some(unknown) = body.keys().find(|name| !is_known(name)) {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            Some("invalidSyntax"),
            format!("unknown {unknown}"),
        ));
    }
    let schemas = body.get("schemas").and_then(Value::as_array).is_some_and(|schemas| !schemas.is_empty());
    let user_name = body.get("userName").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
    let (true, Some(user_name)) = (schemas, user_name) else {
        return Err(Refusal::invalid_value("schemas and userName are required"));
    };
    let active = match body.get("active") {
        None => true,
        Some(Value::Bool(active)) => *active,
        Some(_) => return Err(Refusal::invalid_value("active must be true or false")),
    };
    let plain = body.iter().filter(|(name, _)| PLAIN.contains(&name.as_str()));
    Ok(UserWrite {
        user_name: user_name.to_owned(),
        display_name: body.get("displayName").and_then(Value::as_str).map(str::to_owned),
        email: primary_email(body.get("emails"))?,
        active,
        document: plain.map(|(name, value)| (name.clone(), value.clone())).collect(),
    })
}

/// The address of the one e-mail that is primary.
fn primary_email(emails: Option<&Value>) -> Result<String, Refusal> {
    let emails = emails.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut primary = emails.iter().filter(|email| email.get("primary") == Some(&Value::Bool(true)));
    let value = primary.next().and_then(|email| email.get("value")).and_then(Value::as_str);
    match (value, primary.next()) {
        (Some(value), None) if value.contains('@') => Ok(value.to_owned()),
        _ => Err(Refusal::invalid_value("exactly one e-mail must be primary, and be an address")),
    }
}

/// The user as [`read_user`] would read it.
pub(super) fn write_of(account: &Account, document: Map<String, Value>) -> UserWrite {
    UserWrite {
        user_name: account.name.clone(),
        display_name: Some(account.display_name.clone()),
        email: account.email.clone(),
        active: account.active,
        document,
    }
}
