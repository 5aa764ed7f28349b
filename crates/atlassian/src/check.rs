//! Whether a site can be worked at: asked before an admin relies on it. Changes nothing.

use crate::error::SiteError;
use crate::http::budget::{Budget, Grant};
use crate::site::{Capability, ServerInfo, Site, SiteDirectory};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at: `reachable`, `credentials`, `version`, `permission`, `capabilities`,
    /// `directories` or `budget`.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found; after a failure also what to do.
    pub detail: String,
}

impl Check {
    fn passed(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: true, detail: detail.into() }
    }

    fn failed(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: false, detail: detail.into() }
    }
}

/// Looks at reachability, credentials, version and permission, in this order, tells what the product cannot do,
/// and what the site said meanwhile about the requests that it grants; `budget` is the one that `site` keeps to.
///
/// The first refusal of the credentials ends it, and so does a site that cannot be reached: checks that
/// could not be made are left out.
pub async fn run(site: &dyn Site, budget: &Budget) -> Vec<Check> {
    let info = match site.server_info().await {
        Ok(info) => info,
        Err(error @ SiteError::Unauthorized { .. }) => {
            return vec![
                Check::passed("reachable", "the site answers"),
                Check::failed("credentials", advice(&error)),
            ];
        }
        Err(error) => return vec![Check::failed("reachable", advice(&error))],
    };
    let mut checks = vec![Check::passed("reachable", describe(&info))];
    match site.own_account().await {
        Ok(account) => {
            checks.push(Check::passed("credentials", format!("logged in as {}", account.username)));
        }
        Err(error) => {
            checks.push(Check::failed("credentials", advice(&error)));
            return checks;
        }
    }
    checks.extend(version(&info));
    checks.push(match site.may_administer().await {
        Ok(true) => Check::passed("permission", "the account may administer users and groups"),
        Ok(false) => Check::failed(
            "permission",
            "the account may not administer users and groups; give it the product's global \
             administrator permission",
        ),
        // What cannot be seen is not taken for missing.
        Err(SiteError::NotPossible(unseen)) => Check::passed("permission", format!("not certain: {unseen}")),
        Err(error) => Check::failed("permission", advice(&error)),
    });
    checks.push(capabilities(site));
    checks.push(directories(site).await);
    checks.push(granted(budget.grant()));
    checks
}

fn capabilities(site: &dyn Site) -> Check {
    let told = |(what, capability)| match capability {
        Capability::Supported => None,
        Capability::Otherwise(how) => Some(format!("{what} is done otherwise here: {how}")),
        Capability::NotPossible(why) => Some(format!("{what} is not possible here, because {why}")),
    };
    let obstacles: Vec<String> = site.capabilities().all().into_iter().filter_map(told).collect();
    let detail = if obstacles.is_empty() {
        "the product can do all that links can ask for".to_owned()
    } else {
        obstacles.join("; ")
    };
    Check::passed("capabilities", detail)
}

async fn directories(site: &dyn Site) -> Check {
    let found = match site.directories().await {
        Ok(found) => found,
        Err(SiteError::NotPossible(unseen)) => {
            return Check::passed("directories", format!("not certain: {unseen}"));
        }
        Err(error) => return Check::failed("directories", advice(&error)),
    };
    if found.is_empty() || found.iter().all(|directory| directory.takes_accounts == Some(false)) {
        let detail = "none of the site's user directories takes accounts; name one that does, or make one";
        return Check::failed("directories", detail);
    }
    let shown: Vec<String> = found
        .into_iter()
        .map(|SiteDirectory { name, takes_accounts }| match takes_accounts {
            Some(true) => format!("{name} (accounts are made here)"),
            Some(false) => name,
            None => format!("{name} (whether accounts are made here is not told)"),
        })
        .collect();
    Check::passed("directories", shown.join("; "))
}

fn granted(grant: Option<Grant>) -> Check {
    let detail = match grant {
        Some(Grant { size, per_second }) => format!(
            "the site grants the account {per_second} requests a second in the long run, {size} at once; calls \
             keep to that"
        ),
        None => "the site tells of no limit to the rate of requests".to_owned(),
    };
    Check::passed("budget", detail)
}

fn describe(info: &ServerInfo) -> String {
    let title = info.title.as_deref().unwrap_or_else(|| info.product.name());
    match &info.base_url {
        Some(base_url) => format!("{title} answers, and calls itself {base_url}"),
        None => format!("{title} answers"),
    }
}

/// `None` where there are no versions.
fn version(info: &ServerInfo) -> Option<Check> {
    info.product.oldest_version().map(|oldest| version_from(oldest, info))
}

fn version_from(oldest: (u32, u32), info: &ServerInfo) -> Check {
    let Some(version) = &info.version else {
        let detail = format!(
            "the site does not tell its version; make sure that it is {}.{} or later",
            oldest.0, oldest.1
        );
        return Check::passed("version", detail);
    };
    let mut numbers = version.split(['.', '-']).map(str::parse::<u32>);
    let (Some(Ok(major)), minor) = (numbers.next(), numbers.next().and_then(Result::ok).unwrap_or(0)) else {
        let detail = format!("the site calls its version {version:?}, which is none that we know");
        return Check::failed("version", detail);
    };
    if (major, minor) < oldest {
        let detail = format!(
            "version {version} is older than {}.{}, the oldest that works; upgrade the site",
            oldest.0, oldest.1
        );
        return Check::failed("version", detail);
    }
    Check::passed("version", format!("version {version}"))
}

/// The failure, and what an admin can do about it.
fn advice(error: &SiteError) -> String {
    let what_to_do = match error {
        SiteError::Unauthorized { captcha: true, .. } => {
            "log in once in a browser as that account and answer the CAPTCHA, then test again; a personal \
             access token avoids this"
        }
        SiteError::Unauthorized { .. } => {
            "enter credentials that are valid; the token may have expired or been revoked"
        }
        SiteError::Forbidden { .. } => "give the account the product's administrator permission",
        SiteError::RateLimited { .. } => {
            "test again in a minute, or exempt the account from the site's rate limit"
        }
        SiteError::NotFound { .. } | SiteError::Protocol { .. } | SiteError::Rejected { .. } => {
            "make sure that the address is that of the product itself, with its context path, and not \
             of a log-in page or proxy"
        }
        SiteError::Unreachable { .. } => {
            "check the address, name resolution, certificate and firewall from where this server runs"
        }
        SiteError::Unavailable { .. } | SiteError::Timeout { .. } => {
            "make sure that the site is up, then test again"
        }
        SiteError::TargetRefused { .. } => "use a public address, or ask the operator to allow this range",
        SiteError::Pending { .. } => "test again in a minute",
        SiteError::NotPossible(_) => "ask the site's admin to see to it",
        SiteError::AlreadyExists { .. } | SiteError::Ambiguous { .. } => "ask the site's admin",
    };
    format!("{error}; {what_to_do}")
}
