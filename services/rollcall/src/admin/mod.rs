//! The commands of tenant admins and operators: a client of the REST API, as the console is one.
//!
//! Reading order: [`arguments`] (what may be typed), [`api`] (asking), [`tenants`], [`resources`], [`people`] and [`runs`] (one
//! function a command), [`configuration`] (a tenant as a file), [`output`] (tables and JSON).

mod api;
pub(crate) mod arguments;
pub(crate) mod audit;
mod configuration;
mod output;
mod people;
mod resources;
mod runs;
mod tenants;

use std::process::ExitCode;

use crate::admin::api::Api;
use crate::admin::arguments::{AdminCommand, KeysArguments, KeysCommand};
use crate::admin::tenants::{TenantsArguments, TenantsCommand};
use crate::commands;

/// Something differs, is held or has failed, although the command itself was carried out.
const DIFFERS: u8 = 3;

pub(crate) async fn run(command: AdminCommand) -> anyhow::Result<ExitCode> {
    match command {
        AdminCommand::Tenants(TenantsArguments { command: TenantsCommand::Erase(arguments), .. }) => {
            commands::erase_tenant::run(*arguments).await
        }
        AdminCommand::Tenants(arguments) => tenants::tenants(&Api::new(&arguments.client)?, arguments).await,
        AdminCommand::Keys(KeysArguments { command: KeysCommand::Rotate(arguments), .. }) => {
            commands::rotate_keys::run(*arguments).await
        }
        AdminCommand::Keys(arguments) => resources::keys(&Api::new(&arguments.client)?, arguments).await,
        AdminCommand::Connections(arguments) => {
            resources::connections(&Api::new(&arguments.client)?, arguments).await
        }
        AdminCommand::Tokens(arguments) => resources::tokens(&Api::new(&arguments.client)?, arguments).await,
        AdminCommand::Sites(arguments) => resources::sites(&Api::new(&arguments.client)?, arguments).await,
        AdminCommand::Links(arguments) => resources::links(&Api::new(&arguments.client)?, arguments).await,
        AdminCommand::Audit(arguments) => audit::audit(&Api::new(&arguments.client)?, &arguments).await,
        AdminCommand::Plan(arguments) => runs::plan(&Api::new(&arguments.client)?, &arguments).await,
        AdminCommand::Sync(arguments) => runs::sync(&Api::new(&arguments.client)?, &arguments).await,
        AdminCommand::Users(arguments) => people::users(&Api::new(&arguments.client)?, arguments).await,
        AdminCommand::Explain(arguments) => people::explain(&Api::new(&arguments.client)?, &arguments).await,
        AdminCommand::Export(arguments) => configuration::export(&Api::new(&arguments.client)?).await,
        AdminCommand::Diff(arguments) => configuration::diff(&Api::new(&arguments.client)?, &arguments).await,
        AdminCommand::Apply(arguments) => {
            configuration::apply(&Api::new(&arguments.client)?, &arguments).await
        }
    }
}
