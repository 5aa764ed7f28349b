//! `rollcall sandbox`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use sandbox::SimulatedSite;
use sandbox::atlassian_cloud::{self, AtlassianCloud};
use sandbox::bitbucket_cloud::{self, BitbucketCloud};
use sandbox::bitbucket_data_center::{self, BitbucketDataCenter};
use sandbox::confluence_data_center::{self, ConfluenceDataCenter};
use sandbox::crowd::{self, Crowd};
use sandbox::jira_cloud::{self, JiraCloud};
use sandbox::jira_data_center::{self, JiraDataCenter};
use telemetry::LogFormat;
use tokio::net::TcpListener;

use crate::cli::{SandboxArguments, SandboxProduct};
use crate::signals::stop_on_signal;

pub(crate) async fn run(arguments: SandboxArguments) -> anyhow::Result<ExitCode> {
    let _traces = telemetry::start_logging("info", LogFormat::Text, None)?;
    let stop = stop_on_signal()?;
    let listen = arguments.listen;
    let (name, site) = site(arguments);
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    let running = sandbox::serve(site.as_ref(), listener)?;
    let mut out = std::io::stdout();
    writeln!(out, "A simulated {name} answers at {}; Ctrl-C ends it.", running.base_url)?;
    writeln!(out, "  what it has:   curl {}/_sandbox/state", running.origin)?;
    writeln!(
        out,
        "  make it fail:  curl -X POST {}/_sandbox/faults -H 'content-type: application/json' -d '{{\"down\":true}}'",
        running.origin
    )?;
    writeln!(
        out,
        "  to register it as a site, start `rollcall serve` with ROLLCALL_ALLOW_TARGETS={}/32",
        running.address.ip()
    )?;
    stop.cancelled().await;
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The simulated site, and the product's name.
fn site(arguments: SandboxArguments) -> (&'static str, Box<dyn SimulatedSite>) {
    let SandboxArguments { product, admin_token, users, groups, listen: _ } = arguments;
    match product {
        SandboxProduct::JiraDataCenter => {
            let defaults = jira_data_center::Options::default();
            let options = jira_data_center::Options { admin_token, users, groups, ..defaults };
            ("Jira Data Center", Box::new(JiraDataCenter::new(options)))
        }
        SandboxProduct::BitbucketDataCenter => {
            let defaults = bitbucket_data_center::Options::default();
            let options = bitbucket_data_center::Options { admin_token, users, groups, ..defaults };
            ("Bitbucket Data Center", Box::new(BitbucketDataCenter::new(options)))
        }
        SandboxProduct::Crowd => {
            let admin_password = admin_token;
            let options = crowd::Options { admin_password, users, groups, ..crowd::Options::default() };
            ("Crowd", Box::new(Crowd::new(options)))
        }
        SandboxProduct::AtlassianCloud => {
            let defaults = atlassian_cloud::Options::default();
            let options = atlassian_cloud::Options { admin_token, users, groups, ..defaults };
            ("Atlassian Cloud", Box::new(AtlassianCloud::new(options)))
        }
        SandboxProduct::JiraCloud => {
            let options =
                jira_cloud::Options { admin_token, users, groups, ..jira_cloud::Options::default() };
            ("Jira Cloud", Box::new(JiraCloud::new(options)))
        }
        SandboxProduct::BitbucketCloud => {
            let defaults = bitbucket_cloud::Options::default();
            let options = bitbucket_cloud::Options { admin_token, users, groups, ..defaults };
            ("Bitbucket Cloud", Box::new(BitbucketCloud::new(options)))
        }
        SandboxProduct::ConfluenceDataCenter => {
            let defaults = confluence_data_center::Options::default();
            let options = confluence_data_center::Options { admin_token, users, groups, ..defaults };
            ("Confluence Data Center", Box::new(ConfluenceDataCenter::new(options)))
        }
    }
}
