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

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match actix_web::rt::System::new().block_on(commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
