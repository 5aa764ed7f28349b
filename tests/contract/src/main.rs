//! Holds everything that connectors sent to simulated sites during the tests, and everything that those answered,
//! against the vendors' OpenAPI documents.
//!
//! The tests write exchanges into the folder that `ROLLCALL_RECORD_EXCHANGES` names (`sandbox`'s `recording`); `make
//! test` sets it and runs this program afterwards. Where the documents are not at hand it says so and is content,
//! unless they are required.

mod description;
mod exceptions;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use sandbox::installation::recording::Exchange;

use description::Description;

/// Products and the files that describe each. Crowd has no description.
const DESCRIPTIONS: [(&str, &[&str]); 6] = [
    ("Atlassian Cloud", &["atlassian-user-provisioning.json"]),
    ("Jira Cloud", &["jira-cloud.json", "atlassian-org-admin.json"]),
    ("Bitbucket Cloud", &["bitbucket-cloud.json", "atlassian-org-admin.json"]),
    ("Jira", &["jira-data-center.json"]),
    ("Confluence", &["confluence-data-center.json"]),
    ("Bitbucket", &["bitbucket-data-center.json"]),
];

/// Hold recorded exchanges against the vendors' OpenAPI documents.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder of the vendors' documents.
    descriptions: PathBuf,
    /// The folder of recorded exchanges.
    exchanges: PathBuf,
    /// Fail where the documents are not there.
    #[arg(long)]
    require: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut out = std::io::stdout();
    if !arguments.descriptions.is_dir() {
        writeln!(
            out,
            "contract: skipped, as there are no descriptions at {}",
            arguments.descriptions.display()
        )?;
        return Ok(if arguments.require { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    let mut by_product: BTreeMap<String, Vec<Exchange>> = BTreeMap::new();
    for exchange in read(&arguments.exchanges)? {
        by_product.entry(exchange.product.clone()).or_default().push(exchange);
    }
    let mut right = true;
    for (product, files) in DESCRIPTIONS {
        let read = |file| Description::read(&arguments.descriptions.join(file));
        let descriptions = files.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        let exchanges = by_product.remove(product).unwrap_or_default();
        let (operations, problems) = check(&descriptions, &exchanges);
        writeln!(
            out,
            "contract: {product}: {} exchanges of {} operations, {} problems",
            exchanges.len(),
            operations.len(),
            problems.len()
        )?;
        for problem in &problems {
            writeln!(out, "  {problem}")?;
        }
        right &= problems.is_empty();
        if exchanges.is_empty() {
            writeln!(out, "  nothing was recorded: run the tests with ROLLCALL_RECORD_EXCHANGES first")?;
            right = false;
        }
    }
    for (product, exchanges) in by_product {
        writeln!(out, "contract: {product}: {} exchanges, not checked: no description", exchanges.len())?;
    }
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The operations that were called, and what was wrong, each once.
fn check(descriptions: &[Description], exchanges: &[Exchange]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut operations, mut problems) = (BTreeSet::new(), BTreeSet::new());
    for exchange in exchanges {
        let described = descriptions.iter().find_map(|description| description.check(exchange));
        let (operation, found) = described.unwrap_or_else(|| {
            let name = format!("{} {}", exchange.method, exchange.path);
            (name, vec!["there is no such operation".to_owned()])
        });
        let found = found.into_iter().filter(|problem| !exceptions::is_known(&operation, problem));
        problems.extend(found.map(|problem| format!("{operation} {}: {problem}", exchange.status)));
        operations.insert(operation);
    }
    (operations, problems)
}

fn read(folder: &Path) -> anyhow::Result<Vec<Exchange>> {
    let mut exchanges = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let file = entry?.path();
        for line in BufReader::new(std::fs::File::open(&file)?).lines() {
            let line = line?;
            // A process that is killed leaves half a line.
            exchanges.extend(serde_json::from_str::<Exchange>(&line));
        }
    }
    Ok(exchanges)
}
