//! What the demo shows at its end.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use url::Url;

use super::asked::{Comparison, Pair};

/// How wide a table with sentences is, in characters.
const WIDTH: u16 = 120;

/// One tenant's end of the story.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) tenant: String,
    pub(super) sites: Vec<SiteOutcome>,
    pub(super) base_url: String,
    pub(super) token: String,
    pub(super) key: String,
}

/// One site's end of it.
#[derive(Debug)]
pub(super) struct SiteOutcome {
    pub(super) name: &'static str,
    pub(super) comparison: Comparison,
    pub(super) adopted: usize,
    pub(super) calls: u64,
    /// What its product cannot do, or does otherwise.
    pub(super) limits: String,
    pub(super) base_url: String,
    pub(super) origin: String,
}

impl Outcome {
    pub(super) fn matches(&self) -> bool {
        self.sites.iter().all(SiteOutcome::matches)
    }
}

impl SiteOutcome {
    fn matches(&self) -> bool {
        self.comparison.differences.is_empty()
    }
}

/// Asked for against found, one row a site.
pub(super) fn table(outcomes: &[Outcome]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    let heads = [
        "tenant",
        "site",
        "may log in",
        "may not",
        "groups",
        "memberships",
        "not possible",
        "adopted",
        "calls to the site",
        "state",
    ];
    table.set_header(heads);
    for (outcome, site) in
        outcomes.iter().flat_map(|outcome| outcome.sites.iter().map(move |site| (outcome, site)))
    {
        let compared = &site.comparison;
        let mut row = vec![Cell::new(&outcome.tenant), Cell::new(site.name)];
        let pairs = [compared.active, compared.inactive, compared.groups, compared.memberships];
        row.extend(pairs.into_iter().map(|pair| Cell::new(of(pair)).set_alignment(CellAlignment::Right)));
        let not_possible = compared.not_possible.len();
        row.push(Cell::new(not_possible).set_alignment(CellAlignment::Right));
        row.push(Cell::new(site.adopted).set_alignment(CellAlignment::Right));
        row.push(Cell::new(site.calls).set_alignment(CellAlignment::Right));
        row.push(Cell::new(if site.matches() { "matches" } else { "DIFFERS" }));
        table.add_row(row);
    }
    table.to_string()
}

/// What was asked for and is not possible at a product, and what its site's test says that it does otherwise.
pub(super) fn limits(outcomes: &[Outcome]) -> String {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    table.set_header([
        "site",
        "asked for and not possible here",
        "what the product cannot do, or does otherwise",
    ]);
    for site in outcomes.iter().flat_map(|outcome| &outcome.sites) {
        table.add_row([
            site.name,
            &site.comparison.not_possible.join("\n"),
            &site.limits.replace("; ", ";\n"),
        ]);
    }
    format!("{table}\n")
}

fn of(pair: Pair) -> String {
    format!("{} of {}", pair.found, pair.asked)
}

/// What differs, at most ten a site.
pub(super) fn differences(outcomes: &[Outcome]) -> String {
    const SHOWN: usize = 10;
    let mut lines = Vec::new();
    for (outcome, site) in
        outcomes.iter().flat_map(|outcome| outcome.sites.iter().map(move |site| (outcome, site)))
    {
        let (tenant, name, differences) = (&outcome.tenant, site.name, &site.comparison.differences);
        let shown = differences.iter().take(SHOWN);
        lines.extend(shown.map(|difference| format!("  {tenant}, {name}: {difference}")));
        if differences.len() > SHOWN {
            lines.push(format!("  {tenant}, {name}: and {} more", differences.len() - SHOWN));
        }
    }
    lines.join("\n") + "\n"
}

/// Where everything is, and what to try.
pub(super) fn addresses(public_url: &Url, operator_key: &str, outcomes: &[Outcome]) -> String {
    let public = public_url.as_str().trim_end_matches('/');
    let mut lines = vec![
        format!(
            "Console    {public}/   sign in with a tenant's API key; the operator key shows the tenants, and nobody in them"
        ),
        format!("REST API   {public}/v1   operator key {operator_key}"),
        format!("API page   {public}/v1/docs   (OpenAPI: {public}/v1/openapi.json)"),
    ];
    for Outcome { tenant, base_url, token, key, sites } in outcomes {
        lines.push(tenant.clone());
        lines.push(format!("  SCIM             {base_url}"));
        lines.push(format!("  token            {token}"));
        lines.push(format!("  API key          {key}"));
        lines.extend(sites.iter().map(|SiteOutcome { name, base_url, origin, .. }| {
            format!("  {name:<15}  {base_url}   (state: {origin}/_sandbox/state)")
        }));
    }
    if let Some(Outcome { tenant, base_url, token, key, .. }) = outcomes.first() {
        lines.push("\nTry:".to_owned());
        lines.push(format!("  curl -H 'Authorization: Bearer {token}' '{base_url}/Users?count=2'"));
        lines.push(format!("  curl -H 'Authorization: Bearer {key}' '{public}/v1/tenants/{tenant}/sites'"));
        lines.push(format!("  ROLLCALL_API_URL={public} ROLLCALL_API_KEY={key} rollcall users search ada"));
    }
    lines.join("\n") + "\n"
}
