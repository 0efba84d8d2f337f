//! What each command does, and how it ends.

use std::io::Write;
use std::process::ExitCode;

use domain::{CustomerId, Refusal};
use use_cases::{ApiKeyId, CreateApiKey, Service};
use wire::WireTime;

use crate::cli::{Cli, Command, CreateKeyArguments, ErasuresCommand, KeysCommand};
use crate::settings::{Settings, SettingsError};
use crate::{events_commands, serve, telemetry, wiring};

/// Why a command did not do what it was asked for: a line for standard error, and an exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    exit_code: u8,
}

impl Failure {
    /// It could not be done.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 1 }
    }

    /// What was set cannot be used.
    pub(crate) fn unusable(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 2 }
    }

    pub(crate) fn report(self) -> ExitCode {
        // One line: libpq's messages have several.
        let message = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        // Where nobody reads standard error there is nobody to tell; the exit code still does.
        let _ = writeln!(std::io::stderr(), "customers: {message}");
        ExitCode::from(self.exit_code)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::unusable(error.to_string())
    }
}

impl From<use_cases::Failure> for Failure {
    fn from(failure: use_cases::Failure) -> Self {
        match failure {
            use_cases::Failure::Store(error) => Self::failed(error.to_string()),
            use_cases::Failure::EndpointNotFound => {
                Self::failed("there is no such endpoint; `customers endpoints list` lists them")
            }
            use_cases::Failure::TooManyEndpoints => {
                Self::failed(format!("there are {} endpoints already, as many as there may be", Service::MAX_ENDPOINTS))
            }
            use_cases::Failure::Refused(Refusal::InvalidFields(errors)) => {
                let wrong = errors.iter().map(|error| format!("--{} {}", error.field.replace('_', "-"), error.detail));
                Self::unusable(wrong.collect::<Vec<_>>().join("; "))
            }
            other => Self::failed(format!("{other:?}")),
        }
    }
}

pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    if let Command::OpenApi = cli.command {
        return print(adapters_http::openapi().trim_end());
    }
    let dev = matches!(&cli.command, Command::Serve(arguments) if arguments.dev);
    let settings = Settings::load(cli.config.as_deref(), dev)?;
    let _log = telemetry::start(&settings);
    match cli.command {
        Command::Serve(arguments) => serve::serve(settings, arguments).await,
        Command::Migrate => wiring::service(&settings, true).await.map(drop),
        Command::Events(command) => events_commands::events(&settings, command).await,
        Command::Erasures(ErasuresCommand::List) => list_erasures(&settings).await,
        Command::Erasures(ErasuresCommand::Apply) => apply_erasures(&settings).await,
        Command::Endpoints(command) => events_commands::endpoints(&settings, command).await,
        Command::Keys(KeysCommand::Create(arguments)) => create_key(&settings, arguments).await,
        Command::Keys(KeysCommand::List) => list_keys(&settings).await,
        Command::Keys(KeysCommand::Revoke { id }) => revoke_key(&settings, ApiKeyId(id)).await,
        // Answered above, before anything is set up.
        Command::OpenApi => Ok(()),
    }
}

async fn create_key(settings: &Settings, arguments: CreateKeyArguments) -> Result<(), Failure> {
    let CreateKeyArguments { name, scope, expires_in } = arguments;
    let command = CreateApiKey { name, scope: scope.into(), expires_in };
    let key = wiring::service(settings, true).await?.create_api_key(command).await?;
    print(key.expose())
}

async fn list_keys(settings: &Settings) -> Result<(), Failure> {
    for (key, usable) in wiring::service(settings, true).await?.list_api_keys().await? {
        let state = match (usable, key.revoked_at) {
            (true, _) => "usable",
            (false, Some(_)) => "revoked",
            (false, None) => "expired",
        };
        let expires = key.expires_at.map_or_else(|| "never".to_owned(), |at| WireTime(at).to_string());
        let (id, scope, created) = (key.id, key.scope.as_str(), WireTime(key.created_at));
        print(&format!("{id}  {scope:<5}  {state:<7}  {created}  {expires:<24}  {}", key.name))?;
    }
    Ok(())
}

async fn revoke_key(settings: &Settings, id: ApiKeyId) -> Result<(), Failure> {
    if wiring::service(settings, true).await?.revoke_api_key(id).await? {
        Ok(())
    } else {
        Err(Failure::failed(format!("there is no key {id}; `customers keys list` lists them")))
    }
}

async fn list_erasures(settings: &Settings) -> Result<(), Failure> {
    for (id, at) in wiring::service(settings, true).await?.erased_customers().await? {
        print(&format!("{id}  {}", WireTime(at)))?;
    }
    Ok(())
}

/// Erases once more whom a restored backup has brought back.
async fn apply_erasures(settings: &Settings) -> Result<(), Failure> {
    let text = std::io::read_to_string(std::io::stdin())
        .map_err(|error| Failure::failed(format!("standard input: {error}")))?;
    let ids = text.lines().enumerate().filter_map(|(number, line)| Some((number, line.split_whitespace().next()?)));
    let id = |(number, word): (usize, &str)| {
        let wrong = || Failure::unusable(format!("line {} of standard input has no customer's id", number + 1));
        CustomerId::parse(word).ok_or_else(wrong)
    };
    // All are read before the first is erased.
    let ids: Vec<CustomerId> = ids.map(id).collect::<Result<_, _>>()?;
    let erased = wiring::service(settings, true).await?.erase_again(&ids).await?;
    print(&format!("{erased} erased, {} not there", ids.len() - erased))
}

/// A line of what the command answers.
pub(crate) fn print(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| Failure::failed(format!("standard output: {error}")))
}
