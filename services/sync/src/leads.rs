//! What an account leads at the site, before it is deactivated or deleted.

use std::sync::atomic::Ordering;

use atlassian::error::SiteError;
use atlassian::site;
use policy::account::DesiredAccount;
use policy::plan::{self, AccountPlan, Action, Led};
use store::accounts::HeldAccount;

use crate::progress::Progress;
use crate::workplace::{Interruption, Workplace};

/// Adds to the plan what hands over everything that the account leads; says why the plan must wait, if it must.
pub(crate) async fn hand_over(
    workplace: &Workplace,
    held: &HeldAccount,
    desired: &DesiredAccount,
    plan: &mut AccountPlan,
    progress: &Progress<'_>,
) -> Result<Option<String>, Interruption> {
    let connected = &workplace.connected;
    let end = plan.changes.iter().find(|change| change.action.ends_account());
    let Some(change) = end.filter(|_| connected.capabilities.has_leads) else { return Ok(None) };
    let links = held.claims.iter().filter_map(|claim| workplace.links.of(claim.connection_id));
    let Some(link) = links.into_iter().find(|link| Some(link.row.id.0) == change.link) else {
        return Ok(None);
    };
    let account = progress.reference()?;
    let thorough = connected.hides_leads.load(Ordering::Relaxed);
    let led = workplace.call(connected.connector.led_by(&account, thorough)).await?;
    let led: Vec<Led> = led.into_iter().map(known).collect();
    Ok(plan::hand_over(plan, desired, &account.username, &led, &link.settings.user_sync).err())
}

/// Whether a refusal of the step that takes the account away may come from something that it leads and that was not
/// shown: then the next look is the thorough one.
pub(crate) fn may_be_hidden(workplace: &Workplace, action: &Action, error: &SiteError) -> bool {
    let refused = matches!(error, SiteError::Rejected { status: 400, .. });
    let connected = &workplace.connected;
    refused
        && action.ends_account()
        && connected.capabilities.has_leads
        && !connected.hides_leads.swap(true, Ordering::Relaxed)
}

/// As the policy knows it.
fn known(led: site::Led) -> Led {
    match led {
        site::Led::Project { key } => Led::Project { key },
        site::Led::Component { id, name, project } => Led::Component { id, name, project },
    }
}

/// As the connector knows it.
pub(crate) fn at_site(led: &Led) -> site::Led {
    match led.clone() {
        Led::Project { key } => site::Led::Project { key },
        Led::Component { id, name, project } => site::Led::Component { id, name, project },
    }
}
