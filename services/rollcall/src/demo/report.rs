//! What the demo shows at its end.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use sandbox::state::StateSnapshot;
use url::Url;

use super::asked::{Comparison, Pair};

/// One tenant's end of the story.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) tenant: String,
    pub(super) comparison: Comparison,
    pub(super) site: StateSnapshot,
    pub(super) site_url: String,
    pub(super) base_url: String,
    pub(super) token: String,
    pub(super) key: String,
}

/// Asked for against found, one row a tenant.
pub(super) fn table(outcomes: &[Outcome]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    let heads =
        ["tenant", "may log in", "may not", "groups", "memberships", "adopted", "calls to the site", "site"];
    table.set_header(heads);
    for outcome in outcomes {
        let compared = &outcome.comparison;
        let mut row = vec![Cell::new(&outcome.tenant)];
        let pairs = [compared.active, compared.inactive, compared.groups, compared.memberships];
        row.extend(pairs.into_iter().map(|pair| Cell::new(of(pair)).set_alignment(CellAlignment::Right)));
        let adopted = outcome.site.users.iter().filter(|account| account.created_by == "start").count();
        // The account whose credentials we use stood there from the start, too.
        let adopted = adopted.saturating_sub(1);
        row.push(Cell::new(adopted).set_alignment(CellAlignment::Right));
        row.push(Cell::new(outcome.site.calls.total).set_alignment(CellAlignment::Right));
        row.push(Cell::new(if compared.differences.is_empty() { "matches" } else { "DIFFERS" }));
        table.add_row(row);
    }
    table.to_string()
}

fn of(pair: Pair) -> String {
    format!("{} of {}", pair.found, pair.asked)
}

/// What differs, at most ten a tenant.
pub(super) fn differences(outcomes: &[Outcome]) -> String {
    const SHOWN: usize = 10;
    let mut lines = Vec::new();
    for Outcome { tenant, comparison, .. } in outcomes {
        let differences = &comparison.differences;
        lines.extend(differences.iter().take(SHOWN).map(|difference| format!("  {tenant}: {difference}")));
        if differences.len() > SHOWN {
            lines.push(format!("  {tenant}: and {} more", differences.len() - SHOWN));
        }
    }
    lines.join("\n") + "\n"
}

/// Where everything is, and what to try.
pub(super) fn addresses(public_url: &Url, operator_key: &str, outcomes: &[Outcome]) -> String {
    let public = public_url.as_str().trim_end_matches('/');
    let mut lines = vec![
        format!("REST API   {public}/v1   operator key {operator_key}"),
        format!("API page   {public}/v1/docs   (OpenAPI: {public}/v1/openapi.json)"),
    ];
    for Outcome { tenant, base_url, token, key, site_url, .. } in outcomes {
        lines.push(tenant.clone());
        lines.push(format!("  SCIM     {base_url}"));
        lines.push(format!("  token    {token}"));
        lines.push(format!("  API key  {key}"));
        lines.push(format!("  Jira     {site_url}   (state: {site_url}/_sandbox/state)"));
    }
    if let Some(Outcome { tenant, base_url, token, key, .. }) = outcomes.first() {
        lines.push("\nTry:".to_owned());
        lines.push(format!("  curl -H 'Authorization: Bearer {token}' '{base_url}/Users?count=2'"));
        lines.push(format!("  curl -H 'Authorization: Bearer {key}' '{public}/v1/tenants/{tenant}/users'"));
    }
    lines.join("\n") + "\n"
}
