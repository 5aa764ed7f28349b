//! `rollcall doctor`: what is wrong with this installation, and what to do about it.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::http::Uri;
use store::Store;
use tokio::net::TcpListener;

use crate::cli::CommonArguments;
use crate::commands::health::ask;
use crate::config::Config;
use crate::master_key::MasterKey;
use crate::serve::open_store;

/// How long whoever is asked may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// One finding.
enum Finding {
    Good(String),
    /// Works, but an operator should know.
    Notable(String),
    Bad(String),
}

use Finding::{Bad, Good, Notable};

pub(crate) async fn run(arguments: CommonArguments) -> anyhow::Result<ExitCode> {
    let findings = match arguments.settings.load() {
        Ok(config) => examine(&config).await,
        Err(error) => vec![("configuration", Bad(format!("{error:#}")))],
    };
    let mut out = std::io::stdout();
    for (subject, finding) in &findings {
        let (word, text) = match finding {
            Good(text) => ("ok", text),
            Notable(text) => ("note", text),
            Bad(text) => ("WRONG", text),
        };
        writeln!(out, "{word:<6} {subject:<16} {text}")?;
    }
    let wrong = findings.iter().filter(|(_, finding)| matches!(finding, Bad(_))).count();
    if wrong > 0 {
        writeln!(out, "\n{wrong} to mend")?;
        return Ok(ExitCode::FAILURE);
    }
    writeln!(out, "\nnothing is wrong")?;
    Ok(ExitCode::SUCCESS)
}

async fn examine(config: &Config) -> Vec<(&'static str, Finding)> {
    let mut findings = vec![
        ("data folder", data_folder(config)),
        ("public URL", public_url(config)),
        ("operator key", operator_key(config)),
        ("listen", address(config.listen).await),
        ("internal listen", address(config.internal_listen).await),
    ];
    findings.extend(redis(config).await);
    findings.extend(cells(config).await);
    match MasterKey::of(config) {
        Err(error) => findings.push(("master key", Bad(format!("{error:#}")))),
        Ok(master) => match open_store(config, &master).await {
            Err(error) => findings.push(("database", Bad(format!("{error:#}")))),
            Ok(store) => {
                if master.is_being_exchanged() {
                    let advice = "several are set: it is being exchanged; after `rollcall keys rotate` leave only the first";
                    findings.push(("master key", Notable(advice.to_owned())));
                }
                findings.extend(database(config, &store).await);
                if let Err(error) = store.close().await {
                    findings.push(("database", Bad(format!("closing it: {error:#}"))));
                }
            }
        },
    }
    findings
}

fn data_folder(config: &Config) -> Finding {
    let folder = config.data_dir.display();
    if !config.database.embedded {
        return Good("not used: the database is PostgreSQL".to_owned());
    }
    match fs::create_dir_all(&config.data_dir).and_then(|()| tempfile::tempfile_in(&config.data_dir)) {
        Ok(_) => Good(format!("{folder} can be written")),
        Err(error) => {
            Bad(format!("{folder}: {error}; set ROLLCALL_DATA_DIR to a folder that this user may write"))
        }
    }
}

fn public_url(config: &Config) -> Finding {
    match &config.public_url {
        None => Notable(format!(
            "not set: identity providers are told http://{}, which only this machine reaches",
            config.listen
        )),
        Some(url) if url.scheme() == "http" => {
            Notable(format!("{url} is not encrypted: tokens can be read on the way; use https"))
        }
        Some(url) => Good(url.to_string()),
    }
}

fn operator_key(config: &Config) -> Finding {
    match config.operator_key {
        Some(_) => Good("set".to_owned()),
        None => Notable("not set: nobody can make tenants; set ROLLCALL_OPERATOR_KEY".to_owned()),
    }
}

/// Whether Redis answers, where there is one: it may be away, but not for good.
async fn redis(config: &Config) -> Option<(&'static str, Finding)> {
    let client = config.redis.as_ref()?;
    let asked = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<String>(&mut connection).await
    };
    let finding = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(_)) => Good("answers".to_owned()),
        Ok(Err(error)) => {
            Bad(format!("{error}; everything works without it, only slower: see ROLLCALL_REDIS_URL"))
        }
        Err(_) => Bad("no answer in time; everything works without it, only slower".to_owned()),
    };
    Some(("Redis", finding))
}

/// Whether the handlers that a gateway with this configuration asks take requests, each process by itself.
async fn cells(config: &Config) -> Vec<(&'static str, Finding)> {
    let mut findings = Vec::new();
    for cell in &config.cells {
        for place in cell.addresses.iter().filter_map(Uri::authority) {
            let port = place.port_u16().unwrap_or(80);
            let name = format!("{} at {place}", cell.name);
            match tokio::net::lookup_host((place.host(), port)).await {
                Err(error) => findings.push(("cell", Bad(format!("{name}: {error}")))),
                Ok(addresses) => {
                    for address in addresses {
                        findings.push(("cell", handlers(&name, address).await));
                    }
                }
            }
        }
    }
    findings
}

async fn handlers(name: &str, address: SocketAddr) -> Finding {
    match tokio::time::timeout(PATIENCE, ask(address, "/ready")).await {
        Ok(Ok(answer)) if answer.contains(" 204 ") => Good(format!("{name}: {address} takes requests")),
        Ok(Ok(answer)) => {
            let status = answer.lines().next().unwrap_or_default();
            Bad(format!("{name}: {address} answers {status:?}; is it the role scim, and ready?"))
        }
        Ok(Err(error)) => Bad(format!("{name}: {address}: {error}")),
        Err(_) => Bad(format!("{name}: {address} does not answer in time")),
    }
}

async fn address(address: SocketAddr) -> Finding {
    match TcpListener::bind(address).await {
        Ok(_) => Good(format!("{address} is free")),
        Err(error) => Notable(format!("{address}: {error}; that is fine if rollcall serves there now")),
    }
}

async fn database(config: &Config, store: &Store) -> Vec<(&'static str, Finding)> {
    let began = Instant::now();
    let kind = if config.database.embedded { "SQLite" } else { "PostgreSQL" };
    if let Err(error) = store.ping().await {
        return vec![("database", Bad(format!("{kind} does not answer: {error}")))];
    }
    let mut findings =
        vec![("database", Good(format!("{kind} answers in {} ms", began.elapsed().as_millis())))];
    match store.schema().await {
        Err(error) => findings.push(("schema", Bad(format!("cannot be read: {error}")))),
        Ok(schema) if !schema.pending.is_empty() => {
            let names = schema.pending.join(", ");
            findings.push((
                "schema",
                if config.database.embedded {
                    Notable(format!("lacks {names}; `rollcall serve` adds it when it starts"))
                } else {
                    Bad(format!("lacks {names}; run `rollcall migrate`"))
                },
            ));
        }
        Ok(schema) => {
            findings.push((
                "schema",
                if schema.later.is_empty() {
                    Good("up to date".to_owned())
                } else {
                    let later = schema.later.join(", ");
                    Notable(format!("of a later version ({later}); that is fine during an upgrade"))
                },
            ));
            findings.push(match store.tenants().check_keys().await {
                Ok(()) => ("master key", Good("opens the stored secrets".to_owned())),
                Err(store::Error::Sealed) => (
                    "master key",
                    Bad(
                        "does not open the stored secrets; set the ROLLCALL_MASTER_KEY they were sealed with"
                            .to_owned(),
                    ),
                ),
                Err(error) => ("master key", Bad(format!("not checked: {error}"))),
            });
        }
    }
    findings
}
