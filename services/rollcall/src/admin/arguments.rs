//! What tenant admins and operators may type.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use secrecy::SecretString;
use url::Url;

use crate::admin::audit::AuditCommand;
use crate::admin::tenants::TenantsArguments;
use crate::commands::rotate_keys::RotateArguments;

/// Where the API is, who asks, and how the answer is shown.
#[derive(Debug, Args)]
pub(crate) struct ClientArguments {
    /// Where Rollcall is, as browsers reach it.
    #[arg(
        long,
        env = "ROLLCALL_API_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL",
        global = true
    )]
    pub(crate) api_url: Url,
    /// An API key of the tenant, or the operator's. Better in the environment than on the command line, which
    /// others on the machine can read.
    #[arg(long, env = "ROLLCALL_API_KEY", hide_env_values = true, value_name = "KEY", global = true)]
    pub(crate) api_key: Option<SecretString>,
    /// The tenant's slug [default: the one that the key is of]
    #[arg(long, short, env = "ROLLCALL_TENANT", value_name = "SLUG", global = true)]
    pub(crate) tenant: Option<String>,
    /// How answers are shown.
    #[arg(long, short, value_enum, default_value_t = Output::Table, global = true)]
    pub(crate) output: Output,
}

/// Forms of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// For programs: what the API answered.
    Json,
}

/// The commands of tenant admins and operators.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Register tenants, suspend them, serve them again, erase them (operator).
    Tenants(TenantsArguments),
    /// Make and revoke API keys; exchange the keys that seal secrets.
    Keys(KeysArguments),
    /// Register identity providers, pause them, see what they sent.
    ///
    /// A connection goes by its id, or by its name where only one has it.
    Connections(ConnectionsArguments),
    /// Make and revoke the bearer tokens of an identity provider.
    ///
    /// To exchange one without an outage: create, put the new one into the provider's form, see by `list` that it
    /// is used, revoke the old one.
    Tokens(TokensArguments),
    /// Register Atlassian sites, test them, pause them.
    Sites(SitesArguments),
    /// Link connections to sites, switch links on and off, answer what they hold.
    ///
    /// A link goes by its id, or by CONNECTION/SITE with the names of both.
    Links(LinksArguments),
    /// Show every change that a synchronization of a link would make, and why.
    ///
    /// Exits with 0 when nothing would change, and with 3 when something would.
    Plan(PlanArguments),
    /// Synchronize a link, or one user, and wait for the end.
    ///
    /// Exits with 0 when everything is as it should be, and with 3 when something failed or is held.
    Sync(SyncArguments),
    /// Find people, and see what happened to them.
    Users(UsersArguments),
    /// Say why a user's accounts are as they are, or why (not) in a group.
    Explain(ExplainArguments),
    /// List who changed what.
    Audit(AuditArguments),
    /// Print a tenant's connections, sites and links as YAML.
    ///
    /// Secrets are not in it: a site's credentials are named by where `apply` finds them.
    Export(ExportArguments),
    /// Compare a tenant with a file of `export`.
    ///
    /// Exits with 0 when they are alike, and with 3 when they differ.
    Diff(FileArguments),
    /// Bring a tenant to what a file of `export` says.
    ///
    /// Creates and changes; what the file does not mention is left alone and told. Doing it again changes nothing.
    Apply(ApplyArguments),
}

#[derive(Debug, Args)]
pub(crate) struct KeysArguments {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List all keys, with their last use.
    List,
    /// Make a key; it is shown this once.
    Create {
        /// Who or what uses it.
        name: String,
        /// What it may do.
        #[arg(long, value_parser = ["owner", "admin", "auditor"], default_value = "admin")]
        role: String,
        /// When it ends, such as 2027-01-31T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// Revoke a key at once.
    Revoke {
        /// The key's id.
        id: String,
    },
    /// Wrap the tenants' keys by the first of the master keys, while everything is served (operator).
    ///
    /// It works on the database itself, as `migrate` does. Stopped, it is begun again and goes on. Afterwards the other
    /// master keys can be taken away.
    Rotate(Box<RotateArguments>),
}

#[derive(Debug, Args)]
pub(crate) struct ConnectionsArguments {
    #[command(subcommand)]
    pub(crate) command: ConnectionsCommand,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionsCommand {
    /// List all connections.
    List,
    /// Register an identity provider.
    Create {
        /// Name for people.
        name: String,
        /// Which product it is: oracle, okta, entra, onelogin, … or generic.
        #[arg(long, default_value = "generic")]
        provider: String,
        /// Refuse what strays from the standard instead of repairing it.
        #[arg(long)]
        strict: bool,
    },
    /// Show a connection with its SCIM base URL.
    Show {
        /// Id or name.
        connection: String,
    },
    /// Tell the provider to come back later (503).
    Pause {
        /// Id or name.
        connection: String,
    },
    /// Serve a paused connection again.
    Resume {
        /// Id or name.
        connection: String,
    },
    /// List what the provider sent last, and how it was answered.
    Requests {
        /// Id or name.
        connection: String,
        /// Only those that were refused.
        #[arg(long)]
        refused: bool,
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Make a link that opens the set-up page of this one connection, for the provider's administrator.
    SetupLink {
        /// Id or name.
        connection: String,
        /// How long it works.
        #[arg(long, default_value_t = 72)]
        hours: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TokensArguments {
    #[command(subcommand)]
    pub(crate) command: TokensCommand,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// List a connection's tokens, with their last use.
    List {
        /// The connection's id or name.
        connection: String,
    },
    /// Make a token; it is shown this once.
    Create {
        /// The connection's id or name.
        connection: String,
        /// Name for people.
        #[arg(long)]
        name: String,
        /// When it ends, such as 2027-01-31T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// Revoke a token at once.
    Revoke {
        /// The connection's id or name.
        connection: String,
        /// The token's id.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SitesArguments {
    #[command(subcommand)]
    pub(crate) command: SitesCommand,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SitesCommand {
    /// List all sites.
    List,
    /// Register a site.
    Create {
        /// Name for people.
        name: String,
        /// Which product it is, such as jira-data-center.
        #[arg(long)]
        product: String,
        /// Its address.
        #[arg(long, value_name = "URL")]
        base_url: String,
        /// What to log in with, as JSON: `{"type":"bearer","token":"…"}`, `{"type":"basic","username":"…","password":"…"}`
        /// or `{"type":"api_key","email":"…","token":"…"}`.
        #[arg(long, env = "ROLLCALL_SITE_CREDENTIALS", hide_env_values = true, value_name = "JSON")]
        credentials: SecretString,
        /// A PEM file of the certificate authorities that alone are to be trusted there, for a site behind a company's own.
        #[arg(long, value_name = "FILE")]
        certificate_authorities: Option<PathBuf>,
    },
    /// Show a site and what waits there.
    Show {
        /// Id or name.
        site: String,
    },
    /// Ask the site who we are and what we may do; exits with 3 when something is missing.
    Test {
        /// Id or name.
        site: String,
    },
    /// Do nothing at a site; what comes meanwhile waits.
    Pause {
        /// Id or name.
        site: String,
    },
    /// Go on at a paused site.
    Resume {
        /// Id or name.
        site: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LinksArguments {
    #[command(subcommand)]
    pub(crate) command: LinksCommand,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LinksCommand {
    /// List all links.
    List,
    /// Link a connection to a site; it begins switched off.
    Create {
        /// The connection's id or name.
        connection: String,
        /// The site's id or name.
        site: String,
        /// Switch it on at once, which begins a synchronization.
        #[arg(long)]
        enabled: bool,
    },
    /// Show a link with all its settings.
    Show {
        /// Id, or CONNECTION/SITE.
        link: String,
    },
    /// Switch a link on, which begins a synchronization.
    Enable {
        /// Id, or CONNECTION/SITE.
        link: String,
    },
    /// Switch a link off: it neither gives nor takes.
    Disable {
        /// Id, or CONNECTION/SITE.
        link: String,
    },
    /// List what the safety thresholds hold.
    Held {
        /// Id, or CONNECTION/SITE.
        link: String,
    },
    /// Let what is held pass, once.
    Approve {
        /// Id, or CONNECTION/SITE.
        link: String,
        /// Ids of users and groups; all when absent.
        ids: Vec<String>,
    },
    /// Turn down what is held.
    Reject {
        /// Id, or CONNECTION/SITE.
        link: String,
        /// Ids of users and groups; all when absent.
        ids: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// Id, or CONNECTION/SITE.
    pub(crate) link: String,
    /// Settings to try, as JSON with `user_sync`, `group_sync` or `safety`; nothing is saved.
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Args)]
pub(crate) struct SyncArguments {
    /// Id, or CONNECTION/SITE.
    #[arg(required_unless_present = "user")]
    pub(crate) link: Option<String>,
    /// Only this user, by id or user name, at every site.
    #[arg(long, conflicts_with = "link")]
    pub(crate) user: Option<String>,
    /// Do exactly the plan of this digest, or refuse because something has changed.
    #[arg(long, requires = "link")]
    pub(crate) digest: Option<String>,
    /// Do not wait for the end.
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Args)]
pub(crate) struct UsersArguments {
    #[command(subcommand)]
    pub(crate) command: UsersCommand,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// List people whose user name, display name or address begins with some letters.
    Search {
        /// The letters; everybody when absent.
        #[arg(default_value = "")]
        start: String,
        /// Only of this connection, by id or name.
        #[arg(long)]
        connection: Option<String>,
    },
    /// Show a user and its accounts.
    Show {
        /// Id or user name.
        user: String,
    },
    /// List what happened to a user, the newest first.
    Timeline {
        /// Id or user name.
        user: String,
        /// How many entries.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// Id or user name.
    pub(crate) user: String,
    /// Why (not) in this site group.
    #[arg(long)]
    pub(crate) group: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct AuditArguments {
    #[command(subcommand)]
    pub(crate) command: Option<AuditCommand>,
    /// How many entries.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Args)]
pub(crate) struct FileArguments {
    /// The file; `-` for the standard input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArguments {
    /// The file; `-` for the standard input.
    pub(crate) file: PathBuf,
    /// Also replace the credentials of sites that are there: whether they differ cannot be seen.
    #[arg(long)]
    pub(crate) credentials: bool,
    /// Only say what would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) client: ClientArguments,
}
