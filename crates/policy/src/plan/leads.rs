//! Handing over what an account leads, before it is deactivated or deleted.

use std::fmt;

use scim_protocol::fold;
use serde::Serialize;

use super::steps::change;
use super::{AccountPlan, Action};
use crate::account::DesiredAccount;
use crate::settings::UserSync;

/// Something that an account leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Led {
    /// A project.
    Project {
        /// Its key.
        key: String,
    },
    /// A component of a project.
    Component {
        /// What identifies it at the site.
        id: String,
        /// Its name.
        name: String,
        /// The key of its project, where it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        project: Option<String>,
    },
}

impl fmt::Display for Led {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project { key } => write!(formatter, "the project {key}"),
            Self::Component { name, project: Some(project), .. } => {
                write!(formatter, "the component {name} of the project {project}")
            }
            Self::Component { name, project: None, .. } => write!(formatter, "the component {name}"),
        }
    }
}

/// Puts the steps before the one that takes the account away, so that a crash in between leaves nothing without a
/// lead. `user_sync` is that of the link which asks for it.
///
/// Fails with the reason, in words for an admin, why the account must wait: a default lead is missing, or is the
/// account itself. The plan is then as it was.
pub fn hand_over(
    plan: &mut AccountPlan,
    desired: &DesiredAccount,
    username: &str,
    led: &[Led],
    user_sync: &UserSync,
) -> Result<(), String> {
    let end = plan.changes.iter().position(|change| change.action.ends_account());
    let Some(position) = end else { return Ok(()) };
    let mut steps = Vec::with_capacity(led.len());
    for led in led {
        let (setting, successor) = match led {
            Led::Project { .. } => ("default_project_lead", &user_sync.default_project_lead),
            Led::Component { .. } => ("default_component_lead", &user_sync.default_component_lead),
        };
        let to = successor.as_ref().map(|name| name.trim()).ok_or_else(|| {
            format!(
                "{username} leads {led}, and user_sync.{setting} is not set: set it, or give {led} another lead at \
                 the site"
            )
        })?;
        if fold(to) == fold(username) {
            return Err(format!(
                "{username} leads {led}, and is itself the user_sync.{setting}: set another one"
            ));
        }
        let reason = format!("The account leads {led}, and user_sync.{setting} takes over");
        let action = Action::HandOver { led: led.clone(), to: to.to_owned() };
        steps.push(change(action, &reason, desired.decided_by.as_ref()));
    }
    plan.changes.splice(position..position, steps);
    Ok(())
}
