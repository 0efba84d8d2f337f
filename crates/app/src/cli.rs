//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use use_cases::Scope;

use crate::settings;

/// Keeps a company's customers and proves their phone numbers.
#[derive(Debug, Parser)]
#[command(name = "customers", version = version(), after_long_help = settings::help(), subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// A TOML file with settings; the environment beats it.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The release, and of which version of libphonenumber's metadata the phone numbers are read.
fn version() -> String {
    format!("{} (phone metadata {})", env!("CARGO_PKG_VERSION"), domain::PHONE_METADATA_VERSION)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API until SIGTERM or SIGINT.
    Serve(ServeArguments),
    /// Bring the database's schema up to this release, as `serve` does at its start.
    Migrate,
    /// Make, list and revoke API keys.
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Try it on a laptop: prints an API key when there is none, and a line to paste; takes any phone number and sends
    /// tokens as often as you like, unless set otherwise.
    #[arg(long)]
    pub(crate) dev: bool,
    /// Leave the schema as it is; `/readyz` answers 503 until `customers migrate` has run.
    #[arg(long)]
    pub(crate) no_migrate: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print it, alone and this once.
    Create(CreateKeyArguments),
    /// List keys: id, scope, state, made, expires, name.
    List,
    /// Revoke a key: within a second it opens nothing, on any process.
    Revoke {
        /// The key's id, as `keys list` prints it.
        id: uuid::Uuid,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateKeyArguments {
    /// What to call it: 1 to 100 characters.
    #[arg(long, value_parser = key_name)]
    pub(crate) name: String,
    /// What it allows: `write` includes `read`.
    #[arg(long, value_enum, default_value_t = ScopeArgument::Write)]
    pub(crate) scope: ScopeArgument,
    /// How long it works, such as `90d`; without it, until it is revoked.
    #[arg(long, value_name = "DURATION", value_parser = settings::positive_duration)]
    pub(crate) expires_in: Option<chrono::TimeDelta>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ScopeArgument {
    Read,
    Write,
}

impl From<ScopeArgument> for Scope {
    fn from(scope: ScopeArgument) -> Self {
        match scope {
            ScopeArgument::Read => Self::Read,
            ScopeArgument::Write => Self::Write,
        }
    }
}

fn key_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    let usable = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if usable { Ok(name.to_owned()) } else { Err("must be 1 to 100 characters, none of them a control character") }
}
