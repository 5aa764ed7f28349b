//! `rollcall audit`: who changed what, and whether nobody changed that afterwards.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::Value;
use store::audit::chain;
use store::id::TenantId;

use crate::admin::DIFFERS;
use crate::admin::api::Api;
use crate::admin::arguments::AuditArguments;
use crate::admin::output::{self, Columns};

const AUDIT: Columns<'_> =
    &[("at", "/at"), ("who", "/actor"), ("what", "/action"), ("of", "/object_id"), ("said", "/detail")];

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Print every entry, the oldest first, a line of JSON each.
    Export,
    /// Check that no entry was changed, taken out or put in, and print the end of the chain.
    ///
    /// Keep what it prints elsewhere and give it as --end the next time: whoever writes the whole log anew is found out by it.
    /// Exits with 0 when the log is whole, and with 3 when it is not.
    Verify {
        /// A file of `export` instead of the log as it is now.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// What was printed before, such as 117:9f86d081….
        #[arg(long, value_name = "NUMBER:DIGEST")]
        end: Option<String>,
    },
}

pub(super) async fn audit(api: &Api, arguments: &AuditArguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        None => {
            let page = api.get(&format!("/audit?limit={}", arguments.limit)).await?;
            output::list(api.output, page["items"].as_array().map_or(&[], Vec::as_slice), AUDIT)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(AuditCommand::Export) => {
            for entry in api.all("/audit").await?.iter().rev() {
                output::line(entry.to_string())?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(AuditCommand::Verify { file, end }) => {
            let entries = match file {
                Some(path) => read(path)?,
                None => api.all("/audit").await?,
            };
            let tenant = api.get("").await?["id"].as_str().unwrap_or_default().parse()?;
            verify(tenant, entries, end.as_deref())
        }
    }
}

fn read(path: &PathBuf) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).with_context(|| format!("in {}", path.display()))).collect()
}

fn verify(tenant: TenantId, entries: Vec<Value>, end: Option<&str>) -> anyhow::Result<ExitCode> {
    let total = entries.len();
    let mut chained = Vec::new();
    for entry in entries.into_iter().filter(|entry| !entry["sequence"].is_null()) {
        let digest = hex::decode(entry["digest"].as_str().unwrap_or_default()).unwrap_or_default();
        let entry: chain::Entry = serde_json::from_value(entry).context("an entry cannot be read")?;
        chained.push((entry, digest));
    }
    chained.sort_by_key(|(entry, _)| entry.sequence);
    let kept = end
        .map(|end| end.split_once(':').context("--end is NUMBER:DIGEST, as verify prints it"))
        .transpose()?;
    let last = match chain::check(tenant, chained.iter().map(|(entry, digest)| (entry, digest.as_slice()))) {
        Ok(last) => last,
        Err(broken) => {
            output::line(format!("NOT WHOLE: {broken}"))?;
            return Ok(ExitCode::from(DIFFERS));
        }
    };
    if let Some((number, digest)) = kept {
        let number: i64 = number.parse().context("--end begins with a number")?;
        let there = chained.iter().find(|(entry, _)| entry.sequence == number);
        if there.is_none_or(|(_, known)| hex::encode(known) != digest) {
            output::line(format!("NOT WHOLE: entry {number} is not the one that was kept"))?;
            return Ok(ExitCode::from(DIFFERS));
        }
    }
    output::line(format!("whole: {} entries, each as it was written", chained.len()))?;
    if chained.len() < total {
        output::line(format!(
            "{} older ones were written before entries held together",
            total - chained.len()
        ))?;
    }
    output::line(format!("end: {}:{}", chained.len(), hex::encode(last)))?;
    Ok(ExitCode::SUCCESS)
}
