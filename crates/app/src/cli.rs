//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::{CustomerId, EndpointId, EventId, EventType};
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
    /// Look at events.
    #[command(subcommand)]
    Events(EventsCommand),
    /// List, make and try webhook endpoints.
    #[command(subcommand)]
    Endpoints(EndpointsCommand),
    /// Keep account of erased customers, so that a restored backup does not bring them back.
    #[command(subcommand)]
    Erasures(ErasuresCommand),
    /// Print the API's document (OpenAPI 3.1), which a running service has at `/openapi.json`.
    #[command(name = "openapi")]
    OpenApi,
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

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// List events, oldest first.
    List(ListEventsArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ListEventsArguments {
    /// Begin after this event.
    #[arg(long, value_name = "EVENT_ID", value_parser = event_id)]
    pub(crate) after: Option<EventId>,
    /// Only this customer's.
    #[arg(long, value_name = "CUSTOMER_ID", value_parser = customer_id)]
    pub(crate) customer_id: Option<CustomerId>,
    /// How many at most, 1 to 100.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) limit: u32,
    /// For programs: the events as JSON. They hold personal data and tokens.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ErasuresCommand {
    /// List the ids of all erased customers with the time of it, a line each: keep them apart from the backups.
    List,
    /// Erase the customers whose ids stand on standard input, one to a line, as `erasures list` prints them: after a
    /// backup was restored that is older than their erasure.
    Apply,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EndpointsCommand {
    /// List endpoints.
    List {
        /// For programs: the endpoints as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make an endpoint and print its secret, this once.
    Create(CreateEndpointArguments),
    /// Send a ping to an endpoint and print what came of it; exit code 1 when it was not accepted.
    Test {
        /// The endpoint's id, as `endpoints list` prints it.
        #[arg(value_name = "ENDPOINT_ID", value_parser = endpoint_id)]
        id: EndpointId,
        /// For programs: the outcome as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateEndpointArguments {
    /// Where events are sent.
    #[arg(long)]
    pub(crate) url: String,
    /// A type of events that it takes; may be given again. Without it, all.
    #[arg(long = "event-type", value_name = "TYPE", value_parser = event_type)]
    pub(crate) event_types: Vec<EventType>,
    /// What to say about it: 1 to 255 characters.
    #[arg(long, value_parser = description)]
    pub(crate) description: Option<String>,
    /// For programs: the endpoint with its secret as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn event_id(text: &str) -> Result<EventId, &'static str> {
    EventId::parse(text).ok_or("must be the id of an event, such as evt_0193573c5c2b7c3a9d0e1f2a3b4c5d6e")
}

fn customer_id(text: &str) -> Result<CustomerId, &'static str> {
    CustomerId::parse(text).ok_or("must be the id of a customer, a UUID")
}

fn endpoint_id(text: &str) -> Result<EndpointId, &'static str> {
    EndpointId::parse(text).ok_or("must be the id of an endpoint, such as we_0193573c5c2b7c3a9d0e1f2a3b4c5d6e")
}

fn event_type(text: &str) -> Result<EventType, String> {
    let known: Vec<&str> = EventType::ALL.iter().map(|kind| kind.as_str()).collect();
    EventType::parse(text).ok_or_else(|| format!("must be one of {}", known.join(", ")))
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

fn key_name(text: &str) -> Result<String, String> {
    settings::line(text, 100)
}

fn description(text: &str) -> Result<String, String> {
    settings::line(text, 255)
}
