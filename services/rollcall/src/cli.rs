//! The command line: what `rollcall --help` teaches.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;

use crate::admin::arguments::AdminCommand;
use crate::config::{Role, Settings};

/// Multi-tenant SCIM provisioning for Atlassian.
///
/// Identity providers push users and groups to Rollcall by SCIM; Rollcall brings every linked
/// Atlassian site to that state.
#[derive(Debug, Parser)]
#[command(
    name = "rollcall",
    version,
    propagate_version = true,
    after_help = "\
Examples:
  rollcall demo                       see all of it at work, with nothing installed
  rollcall serve                      serve all roles on an embedded database
  rollcall doctor                     check the configuration before or after something went wrong
  rollcall plan IDCS/Jira             see every change that a synchronization would make, and why
  rollcall export > acme.yaml         a tenant as a file; `diff` compares with it, `apply` brings it about

Settings come from flags, then the environment, then rollcall.toml, then defaults. Commands of tenant admins ask
the REST API at ROLLCALL_API_URL with the key in ROLLCALL_API_KEY. They exit with 0 when all is well, with 1 when
they failed, with 2 when they were not understood, and with 3 when something differs, is held or has failed."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the SCIM gateway, the REST API and the sync workers.
    ///
    /// Ctrl-C or SIGTERM stops taking requests, finishes those at work, gives tasks back, and ends; a second
    /// one ends at once.
    Serve(ServeArguments),
    /// Show the whole way from an identity provider to Jira sites, everything embedded.
    ///
    /// Two tenants, two simulated Jira sites and a simulated Oracle identity provider, all on free ports of
    /// this machine and in a temporary folder. Nothing is left behind.
    Demo(DemoArguments),
    /// Bring the database's schema up to date.
    ///
    /// `serve` does this by itself on the embedded database, never on PostgreSQL.
    Migrate(CommonArguments),
    /// Move a tenant from this cell's database to another's.
    ///
    /// The tenant's requests are refused with 503 while everything it has is copied, and nothing is done at its
    /// sites; then the other cell serves it, with the same tokens at the same base URLs. When it fails, or is
    /// stopped, the tenant is served where it was. Running it again finishes what was left half-way.
    ///
    /// Both cells must run this version, and every gateway must know both.
    MoveTenant(MoveTenantArguments),
    /// Check configuration, database, keys and addresses, and say what to do about each problem.
    ///
    /// Exits with 0 when nothing is wrong, and with 1 otherwise.
    Doctor(CommonArguments),
    /// Ask the process that serves here whether it may take traffic, for containers without any other program.
    ///
    /// Exits with 0 when it may, and with 1 otherwise.
    Health(CommonArguments),
    /// Run a simulated Atlassian site to try things on.
    Sandbox(SandboxArguments),
    /// Print the REST API's OpenAPI document.
    Openapi,
    #[command(flatten)]
    Admin(AdminCommand),
    /// Print a script that completes these commands in a shell.
    ///
    /// Such as: `rollcall completions bash > /etc/bash_completion.d/rollcall`
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CommonArguments {
    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// What this process does, comma-separated; everything when absent.
    ///
    /// A process with `gateway` and without `scim` sends requests to the SCIM handlers that `--cells` names.
    #[arg(long, value_enum, value_delimiter = ',', env = "ROLLCALL_ROLE")]
    pub(crate) role: Vec<Role>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// End when the sites match: with 0, or with 1 when they do not within the time limit.
    #[arg(long)]
    pub(crate) once: bool,
    /// One tenant with a site of every product instead of two with a Jira site each.
    #[arg(long)]
    pub(crate) all_products: bool,
    /// Seconds that the sites have to match what the identity provider asked for.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub(crate) within: u64,
}

#[derive(Debug, Args)]
pub(crate) struct MoveTenantArguments {
    /// The tenant's slug.
    pub(crate) tenant: String,
    /// `postgres://…` of the cell that it comes to.
    #[arg(long, env = "ROLLCALL_TO_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) to_database_url: SecretString,
    /// That cell's master key [default: the same as of this cell]
    #[arg(long, env = "ROLLCALL_TO_MASTER_KEY", hide_env_values = true, value_name = "BASE64")]
    pub(crate) to_master_key: Option<SecretString>,
    /// Seconds to wait for workers that are at the tenant's sites, before it is copied all the same.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub(crate) patience: u64,
    /// Seconds that the tenant may be refused for; then the move is given up, and the tenant served where it was.
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    pub(crate) within: u64,
    /// Give up a move that was left half-way, and serve the tenant where it was.
    #[arg(long)]
    pub(crate) give_up: bool,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxArguments {
    /// Which product to simulate.
    #[arg(long, value_enum)]
    pub(crate) product: SandboxProduct,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9001", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// The administrator's personal access token.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) admin_token: String,
    /// Made-up people who have an account from the start.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) users: usize,
    /// Made-up groups that those people are spread over.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) groups: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SandboxProduct {
    /// Jira Data Center.
    JiraDataCenter,
    /// Confluence Data Center.
    ConfluenceDataCenter,
    /// Bitbucket Data Center.
    BitbucketDataCenter,
    /// Crowd; the application is called rollcall, and its password is the admin token.
    Crowd,
    /// The SCIM directory of an organization in Atlassian Cloud; its API key is the admin token.
    AtlassianCloud,
    /// Jira in Atlassian Cloud; rollcall@example.com logs in there with the admin token as its API token.
    JiraCloud,
    /// A workspace of Bitbucket in Atlassian Cloud, at the path /acme; rollcall@example.com logs in there
    /// with the admin token as its API token.
    BitbucketCloud,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
