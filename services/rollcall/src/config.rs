//! Configuration, read once: flags, then the environment, then a file, then defaults. All problems are told
//! together.

mod apart;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use atlassian::http::{Authorities, HttpSettings};
use clap::{Args, ValueEnum};
use etcetera::BaseStrategy as _;
use gateway::admission::Limits;
use guard::Proxies;
use ipnet::IpNet;
use proto::pass::PassKeys;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use telemetry::LogFormat;
use url::Url;

pub(crate) use self::apart::CellAddress;
use self::apart::LimitSettings;

/// Read when it is there and no other file is named.
const DEFAULT_FILE: &str = "rollcall.toml";

/// An operator key shorter than this could be guessed.
const SHORTEST_OPERATOR_KEY: usize = 16;

/// Part of the program that a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// The SCIM edge: authenticate, limit, route.
    Gateway,
    /// The SCIM handlers.
    Scim,
    /// The REST control plane.
    Api,
    /// The workers that bring sites to the state asked for.
    Sync,
}

impl Role {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Scim => "scim",
            Self::Api => "api",
            Self::Sync => "sync",
        }
    }

    pub(crate) const ALL: [Self; 4] = [Self::Gateway, Self::Scim, Self::Api, Self::Sync];
}

/// What may be set, each from a flag, a variable, or the file's key of the same name.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Read settings from this file; rollcall.toml in the working folder when absent and there.
    #[arg(long, env = "ROLLCALL_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Where identity providers and admins reach us [default: 127.0.0.1:8080]
    #[arg(long, env = "ROLLCALL_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where health and metrics are served [default: 127.0.0.1:8081]
    #[arg(long, env = "ROLLCALL_INTERNAL_LISTEN", value_name = "ADDRESS")]
    internal_listen: Option<SocketAddr>,
    /// How we are reached from outside, such as `https://scim.example.com` [default: `http://` and the
    /// address of --listen]
    #[arg(long, env = "ROLLCALL_PUBLIC_URL", value_name = "URL")]
    public_url: Option<Url>,
    /// `postgres://…`, or `sqlite://…` [default: an SQLite file in the data folder]
    #[arg(long, env = "ROLLCALL_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretString>,
    /// Database connections at the most [default: 16]
    #[arg(long, env = "ROLLCALL_DATABASE_CONNECTIONS", value_name = "N")]
    database_connections: Option<u32>,
    /// Where the embedded database and its master key are kept [default: rollcall in the user's data folder]
    #[arg(long, env = "ROLLCALL_DATA_DIR", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// The operator's key for the REST API, at least 16 characters; without one nobody is operator
    #[arg(long, env = "ROLLCALL_OPERATOR_KEY", hide_env_values = true, value_name = "KEY")]
    operator_key: Option<SecretString>,
    /// 32 bytes in base64 that seal stored secrets; made into the data folder when absent and the database
    /// is embedded. While it is exchanged several, comma-separated: the first one seals, each opens
    #[arg(long, env = "ROLLCALL_MASTER_KEY", hide_env_values = true, value_name = "BASE64")]
    master_key: Option<SecretString>,
    /// `redis://…` or `rediss://…`, which processes wake each other and count requests together by; everything works
    /// without it, only slower
    #[arg(long, env = "ROLLCALL_REDIS_URL", hide_env_values = true, value_name = "URL")]
    redis_url: Option<SecretString>,
    /// Where a gateway that runs apart finds the SCIM handlers: `http://rollcall-scim:8082`, or several cells as
    /// `eu=http://…,us=http://…`
    #[arg(long, env = "ROLLCALL_CELLS", value_delimiter = ',', value_name = "CELLS")]
    cells: Option<Vec<String>>,
    /// Where SCIM handlers that run apart answer gateways [default: 127.0.0.1:8082]
    #[arg(long, env = "ROLLCALL_CELL_LISTEN", value_name = "ADDRESS")]
    cell_listen: Option<SocketAddr>,
    /// 32 bytes in base64 that gateways which run apart sign requests with; several, comma-separated, while one takes
    /// the place of another: the first signs, each is taken
    #[arg(long, env = "ROLLCALL_INTERNAL_KEY", hide_env_values = true, value_name = "BASE64")]
    internal_key: Option<SecretString>,
    /// SCIM requests of one tenant in a second, over all gateways; ten times as many may come at once; 0 for any
    /// number [default: 500]
    #[arg(long, env = "ROLLCALL_TENANT_RATE", value_name = "N")]
    tenant_rate: Option<u32>,
    /// The same of one token [default: 250]
    #[arg(long, env = "ROLLCALL_TOKEN_RATE", value_name = "N")]
    token_rate: Option<u32>,
    /// SCIM requests that a gateway has at work at a time; more are told to come back; 0 for any number
    /// [default: 1024]
    #[arg(long, env = "ROLLCALL_REQUESTS_AT_ONCE", value_name = "N")]
    requests_at_once: Option<usize>,
    /// The same of one tenant [default: 128]
    #[arg(long, env = "ROLLCALL_TENANT_REQUESTS_AT_ONCE", value_name = "N")]
    tenant_requests_at_once: Option<usize>,
    /// Ranges such as 127.0.0.0/8, comma-separated, that sites may be in although they are private
    #[arg(long, env = "ROLLCALL_ALLOW_TARGETS", value_delimiter = ',', value_name = "CIDR")]
    allow_targets: Option<Vec<IpNet>>,
    /// Ranges of the proxies before us, which are believed when they say whom they forward (X-Forwarded-For); whoever fails
    /// to authenticate often is limited by that [default: the nearest one is believed]
    #[arg(long, env = "ROLLCALL_TRUSTED_PROXIES", value_delimiter = ',', value_name = "CIDR")]
    trusted_proxies: Option<Vec<IpNet>>,
    /// A file of certificates in PEM form that sites' certificates may be signed by, besides the machine's own
    #[arg(long, env = "ROLLCALL_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Seconds after which work of a process that died is taken over by others [default: 60]
    #[arg(long, env = "ROLLCALL_LEASE_SECONDS", value_name = "SECONDS")]
    lease_seconds: Option<u64>,
    /// Seconds that a stopping process gives to what is at work [default: 25]
    #[arg(long, env = "ROLLCALL_DRAIN_SECONDS", value_name = "SECONDS")]
    drain_seconds: Option<u64>,
    /// Seconds between saying that this process stops and no longer taking connections, for load balancers to
    /// notice [default: 0]
    #[arg(long, env = "ROLLCALL_DRAIN_DELAY_SECONDS", value_name = "SECONDS")]
    drain_delay_seconds: Option<u64>,
    /// An OpenTelemetry collector that spans are sent to, as OTLP over gRPC: `http://collector:4317`
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// How many traces are kept, from 0 to 1 [default: 0.1]
    #[arg(long, env = "ROLLCALL_TRACE_RATIO", value_name = "RATIO")]
    trace_ratio: Option<f64>,
    /// Which log lines are written, such as `info` or `sync=debug,info` [default: info]
    #[arg(long, env = "ROLLCALL_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// How log lines look [default: json]
    #[arg(long, env = "ROLLCALL_LOG_FORMAT", value_enum)]
    log_format: Option<LogStyle>,
}

#[derive(Clone, Copy, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogStyle {
    /// One JSON object a line.
    Json,
    /// One readable line.
    Text,
}

impl From<LogStyle> for LogFormat {
    fn from(style: LogStyle) -> Self {
        match style {
            LogStyle::Json => Self::Json,
            LogStyle::Text => Self::Text,
        }
    }
}

/// Which database, and where its secrets' key comes from.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseConfig {
    /// With its password.
    pub(crate) url: SecretString,
    /// Whether it is a file of this process's own, made when absent.
    pub(crate) embedded: bool,
    pub(crate) connections: u32,
}

/// The configuration, complete and checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) internal_listen: SocketAddr,
    /// `None`: `http://` and the address that was really bound.
    pub(crate) public_url: Option<Url>,
    pub(crate) database: DatabaseConfig,
    pub(crate) data_dir: PathBuf,
    pub(crate) operator_key: Option<SecretString>,
    pub(crate) master_key: Option<SecretString>,
    /// How sites are reached.
    pub(crate) http: HttpSettings,
    pub(crate) lease: Duration,
    pub(crate) drain: Duration,
    /// Between saying that we stop and no longer taking connections.
    pub(crate) drain_delay: Duration,
    pub(crate) redis: Option<redis::Client>,
    pub(crate) cells: Vec<CellAddress>,
    pub(crate) cell_listen: SocketAddr,
    pub(crate) passes: Option<PassKeys>,
    pub(crate) limits: Limits,
    pub(crate) proxies: Proxies,
    /// Where spans are sent, and how many: the address and the ratio.
    pub(crate) traces: Option<(String, f64)>,
    pub(crate) log: String,
    pub(crate) log_format: LogFormat,
}

impl Settings {
    /// Fills in what the file and the defaults say, and checks it all.
    pub(crate) fn load(self) -> anyhow::Result<Config> {
        let file = match &self.config {
            Some(path) => Self::read(path)?,
            None if Path::new(DEFAULT_FILE).exists() => Self::read(Path::new(DEFAULT_FILE))?,
            None => Self::default(),
        };
        self.or(file).complete()
    }

    /// Everything below one folder, on free ports of loopback, with sites allowed there: for the demo, which
    /// nothing outside configures.
    pub(crate) fn embedded_on_free_ports(folder: &Path, operator_key: SecretString) -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen: Some(loopback),
            internal_listen: Some(loopback),
            data_dir: Some(folder.to_owned()),
            operator_key: Some(operator_key),
            allow_targets: Some(vec![IpNet::from(loopback.ip())]),
            ..Self::default()
        }
    }

    /// As [`Settings::load`], without looking for a file.
    pub(crate) fn load_alone(self) -> anyhow::Result<Config> {
        self.complete()
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }

    /// These settings, and those of `file` where they say nothing.
    fn or(self, file: Self) -> Self {
        Self {
            config: self.config,
            listen: self.listen.or(file.listen),
            internal_listen: self.internal_listen.or(file.internal_listen),
            public_url: self.public_url.or(file.public_url),
            database_url: self.database_url.or(file.database_url),
            database_connections: self.database_connections.or(file.database_connections),
            data_dir: self.data_dir.or(file.data_dir),
            operator_key: self.operator_key.or(file.operator_key),
            master_key: self.master_key.or(file.master_key),
            redis_url: self.redis_url.or(file.redis_url),
            cells: self.cells.or(file.cells),
            cell_listen: self.cell_listen.or(file.cell_listen),
            internal_key: self.internal_key.or(file.internal_key),
            tenant_rate: self.tenant_rate.or(file.tenant_rate),
            token_rate: self.token_rate.or(file.token_rate),
            requests_at_once: self.requests_at_once.or(file.requests_at_once),
            tenant_requests_at_once: self.tenant_requests_at_once.or(file.tenant_requests_at_once),
            allow_targets: self.allow_targets.or(file.allow_targets),
            trusted_proxies: self.trusted_proxies.or(file.trusted_proxies),
            ca_file: self.ca_file.or(file.ca_file),
            lease_seconds: self.lease_seconds.or(file.lease_seconds),
            drain_seconds: self.drain_seconds.or(file.drain_seconds),
            drain_delay_seconds: self.drain_delay_seconds.or(file.drain_delay_seconds),
            otlp_endpoint: self.otlp_endpoint.or(file.otlp_endpoint),
            trace_ratio: self.trace_ratio.or(file.trace_ratio),
            log: self.log.or(file.log),
            log_format: self.log_format.or(file.log_format),
        }
    }

    fn complete(self) -> anyhow::Result<Config> {
        let mut problems = Vec::new();
        let listen = self.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
        if self.public_url.is_none() && listen.ip().is_unspecified() {
            problems.push(format!(
                "public_url: {listen} is every address of this machine; say with ROLLCALL_PUBLIC_URL which \
                 one identity providers are to use, such as https://scim.example.com"
            ));
        }
        problems.extend(self.public_url.as_ref().and_then(public_url_problem));
        if let Some(key) = &self.operator_key
            && key.expose_secret().len() < SHORTEST_OPERATOR_KEY
        {
            problems.push(format!("operator_key: has fewer than {SHORTEST_OPERATOR_KEY} characters"));
        }
        let connections = self.database_connections.unwrap_or(16);
        if connections == 0 {
            problems.push("database_connections: must be at least 1".to_owned());
        }
        if self.lease_seconds.is_some_and(|seconds| seconds < 5) {
            problems.push("lease_seconds: must be at least 5, or a slow moment loses it".to_owned());
        }
        let data_dir = self.data_dir.or_else(default_data_dir).unwrap_or_else(|| {
            problems.push("data_dir: there is no home folder; set ROLLCALL_DATA_DIR".to_owned());
            PathBuf::new()
        });
        let url = self.database_url.unwrap_or_else(|| embedded_url(&data_dir));
        let embedded = match url.expose_secret().split(':').next() {
            Some("sqlite") => true,
            Some("postgres" | "postgresql") => false,
            _ => {
                problems.push("database_url: must start with postgres:// or sqlite://".to_owned());
                true
            }
        };
        if !embedded && self.master_key.is_none() {
            problems.push(
                "master_key: PostgreSQL needs one; make it with `openssl rand -base64 32`, keep it safe, \
                 and set ROLLCALL_MASTER_KEY"
                    .to_owned(),
            );
        }
        let allow_targets = self.allow_targets.unwrap_or_default();
        let mut http = HttpSettings { allow_targets, ..HttpSettings::default() };
        if let Some(path) = &self.ca_file {
            match authorities(path) {
                Ok(authorities) => http.authorities = authorities,
                Err(problem) => problems.push(format!("ca_file: {problem:#}")),
            }
        }
        let cells = apart::cells(&self.cells.unwrap_or_default(), &mut problems);
        let passes = apart::passes(self.internal_key.as_ref(), &mut problems);
        let redis = self.redis_url.as_ref().and_then(|url| {
            // The error would quote the address, which holds a password.
            let client = redis::Client::open(url.expose_secret()).ok();
            if client.is_none() {
                problems.push(
                    "redis_url: cannot be read; it looks like redis://user:password@host:6379/0".to_owned(),
                );
            }
            client
        });
        let ratio = self.trace_ratio.unwrap_or(0.1);
        if !(0.0..=1.0).contains(&ratio) {
            problems.push("trace_ratio: must be from 0 to 1".to_owned());
        }
        let limits = LimitSettings {
            tenant_rate: self.tenant_rate,
            token_rate: self.token_rate,
            requests_at_once: self.requests_at_once,
            tenant_requests_at_once: self.tenant_requests_at_once,
        };
        if !problems.is_empty() {
            anyhow::bail!("the configuration cannot be used\n  {}", problems.join("\n  "));
        }
        Ok(Config {
            listen,
            internal_listen: self.internal_listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8081))),
            public_url: self.public_url,
            database: DatabaseConfig { url, embedded, connections },
            data_dir,
            operator_key: self.operator_key,
            master_key: self.master_key,
            http,
            lease: Duration::from_secs(self.lease_seconds.unwrap_or(60)),
            drain: Duration::from_secs(self.drain_seconds.unwrap_or(25)),
            drain_delay: Duration::from_secs(self.drain_delay_seconds.unwrap_or(0)),
            redis,
            cells,
            cell_listen: self.cell_listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8082))),
            passes,
            limits: limits.complete(),
            proxies: self.trusted_proxies.map_or_else(Proxies::default, Proxies::of),
            traces: self.otlp_endpoint.map(|endpoint| (endpoint, ratio)),
            log: self.log.unwrap_or_else(|| "info".to_owned()),
            log_format: self.log_format.map(LogFormat::from).unwrap_or_default(),
        })
    }
}

/// Reads the certificate authorities of a file.
fn authorities(path: &Path) -> anyhow::Result<Authorities> {
    let bundle = std::fs::read(path).with_context(|| format!("reading {}", path.display()));
    Authorities::from_pem(&bundle?).with_context(|| path.display().to_string())
}

fn public_url_problem(url: &Url) -> Option<String> {
    let problem = if !matches!(url.scheme(), "http" | "https") {
        "must start with https:// or http://"
    } else if url.query().is_some() || url.fragment().is_some() {
        "must end before any ? or #"
    } else if !url.username().is_empty() || url.password().is_some() {
        "must not hold credentials"
    } else if url.path() != "/" {
        "must have no path: SCIM and API paths start at the root"
    } else {
        return None;
    };
    Some(format!("public_url: {problem}"))
}

fn default_data_dir() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.data_dir().join("rollcall"))
}

/// The embedded database in a folder, whose name may hold what a URL reserves.
fn embedded_url(folder: &Path) -> SecretString {
    let path = folder.join("rollcall.sqlite").display().to_string();
    let path = path.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    SecretString::from(format!("sqlite://{path}?mode=rwc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Settings {
        toml::from_str(text).unwrap()
    }

    fn problems(settings: Settings) -> String {
        settings.complete().unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_those_of_the_embedded_mode_on_loopback() {
        let config = file("data_dir = '/data/50% ? off'").complete().unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.internal_listen.to_string(), "127.0.0.1:8081");
        assert!(config.database.embedded && config.public_url.is_none());
        assert_eq!(
            config.database.url.expose_secret(),
            "sqlite:///data/50%25 %3F off/rollcall.sqlite?mode=rwc"
        );
    }

    #[test]
    fn what_was_said_first_wins_over_the_file() {
        let said = file("listen = '127.0.0.1:1'\nallow_targets = ['10.0.0.0/8']");
        let both = said.or(file("listen = '127.0.0.1:2'\nlog = 'debug'"));
        assert_eq!(both.listen.unwrap().port(), 1);
        assert_eq!(both.log.as_deref(), Some("debug"));
        assert_eq!(both.allow_targets.unwrap().len(), 1);
    }

    #[test]
    fn file_without_certificates_is_refused_by_name() {
        for (text, told) in [(Some("no certificate"), "no certificates in PEM form"), (None, "reading")] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ca.pem");
            text.inspect(|text| std::fs::write(&path, text).unwrap());
            let settings = Settings {
                ca_file: Some(path),
                data_dir: Some(folder.path().to_owned()),
                ..Settings::default()
            };
            let error = settings.load_alone().unwrap_err().to_string();
            assert!(error.contains("ca_file: ") && error.contains(told), "{error}");
        }
    }

    #[test]
    fn unknown_keys_of_the_file_are_named() {
        let error = toml::from_str::<Settings>("listn = '127.0.0.1:1'").unwrap_err();
        assert!(error.to_string().contains("listn"), "{error}");
    }

    #[test]
    fn all_problems_are_told_together() {
        let told = problems(file(
            "listen = '0.0.0.0:80'\noperator_key = 'short'\ndatabase_url = 'postgres://h/d'\ndatabase_connections = 0",
        ));
        for field in ["public_url", "operator_key", "master_key", "database_connections"] {
            assert!(told.contains(field), "{field} is missing in: {told}");
        }
    }

    #[test]
    fn public_urls_that_identity_providers_cannot_use_are_refused() {
        for url in ["ftp://h", "https://h/path", "https://h/?q", "https://u:p@h"] {
            assert!(problems(file(&format!("public_url = '{url}'"))).contains("public_url"), "{url}");
        }
        assert!(file("public_url = 'https://scim.example.com'").complete().is_ok());
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let config = file("operator_key = 'canary-operator-key'\ndatabase_url = 'sqlite://canary-file'");
        assert!(!format!("{:?}", config.complete().unwrap()).contains("canary"));
    }
}
