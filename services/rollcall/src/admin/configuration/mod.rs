//! A tenant's configuration as a file: printed, compared, applied. Objects go by their names, so that the same file
//! makes the same tenant elsewhere; secrets are only referred to.

mod apply;
mod difference;
mod document;

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use super::DIFFERS;
use super::api::Api;
use super::arguments::{ApplyArguments, FileArguments, Output};
use super::output;
use difference::Difference;
use document::Document;

pub(super) async fn export(api: &Api) -> anyhow::Result<ExitCode> {
    let document = document::of_tenant(api).await?;
    if api.output == Output::Json {
        output::line(serde_json::to_string_pretty(&document)?)?;
    } else {
        output::line(serde_saphyr::to_string(&document)?.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> anyhow::Result<Document> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("reading the standard input")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    }
    let document: Document =
        serde_saphyr::from_str(&text).with_context(|| format!("{} is not understood", file.display()))?;
    document.check().with_context(|| file.display().to_string())?;
    Ok(document)
}

fn show(api: &Api, differences: &[Difference]) -> anyhow::Result<()> {
    if api.output == Output::Json {
        return output::line(serde_json::to_string_pretty(differences)?);
    }
    for difference in differences {
        output::line(difference.to_string())?;
    }
    Ok(())
}

pub(super) async fn diff(api: &Api, arguments: &FileArguments) -> anyhow::Result<ExitCode> {
    let wanted = read(&arguments.file)?;
    let found = document::of_tenant(api).await?;
    let differences = difference::between(&found, &wanted);
    show(api, &differences)?;
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

pub(super) async fn apply(api: &Api, arguments: &ApplyArguments) -> anyhow::Result<ExitCode> {
    let wanted = read(&arguments.file)?;
    let found = document::of_tenant(api).await?;
    let differences = difference::between(&found, &wanted);
    show(api, &differences)?;
    if arguments.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    apply::apply(api, &wanted, &found, arguments.credentials).await?;
    if api.output == Output::Table {
        output::line("done")?;
    }
    Ok(ExitCode::SUCCESS)
}
