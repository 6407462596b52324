//! Parses arguments, starts telemetry, calls one command, maps its end to an exit code.

use attio_billing::{cli, telemetry};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("error: the async runtime cannot be started: {e}");
            return ExitCode::FAILURE;
        }
    };
    let inside = runtime.enter();
    let telemetry = telemetry::start(cli.log_level(), cli.traces().as_ref());
    drop(inside);
    let ended = runtime.block_on(cli::run(cli));
    telemetry.end();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => cli::report(&exit),
    }
}
