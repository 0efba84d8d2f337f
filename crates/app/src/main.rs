//! The binary `customers`: settings, command line, wiring and telemetry.

mod cli;
mod commands;
mod events_commands;
mod greeting;
mod secret_file;
mod serve;
mod settings;
mod table;
mod telemetry;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

/// Faster than the system's, most of all where what one thread allocates another frees, as with every answer of the
/// database (decision 0021).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match actix_web::rt::System::new().block_on(commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
