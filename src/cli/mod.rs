//! The command line: one binary, one file a command. Data goes to stdout, talk to stderr.

mod actor;
mod alerts;
mod bench;
mod bulk;
mod catalog;
mod crm;
mod database;
mod demo;
mod dispute;
mod doctor;
mod exit;
mod explain;
mod forecast;
mod hand_over;
mod import;
mod import_rows;
mod keys;
mod link;
mod log;
mod mail;
mod migrate;
mod opening;
mod orders;
mod privacy;
mod projections;
mod reconcile;
mod recover;
mod refund;
mod requests;
mod saga;
mod said;
mod sandbox;
mod serve;
mod setup;
mod switch;
mod ticket;
mod token;
mod vendors;
mod verify;
mod zoho;

use crate::config::TraceConfig;
use clap::{Parser, Subcommand};
pub use exit::{Exit, report};

/// Keeps Attio, Zoho and Braintree in step: an event-sourced saga orchestrator
#[derive(Debug, Parser)]
#[command(name = "attio-billing", version, arg_required_else_help = true, after_help = exit::TABLE)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service: webhooks in, sagas forward, an API for admins and finance
    Serve(Box<serve::Args>),
    /// Run the simulated vendors (Attio, Zoho, Braintree) over real HTTP
    Sandbox(sandbox::Args),
    /// Watch it work: a whole world in one process, from renewals to a parked saga, and the books compared
    Demo(demo::Args),
    /// Measure the engine on this machine, beside the leanest loop on the same Postgres
    Bench(bench::Args),
    /// Bring the database to this release's schema
    Migrate(migrate::Args),
    /// Provision Attio: objects, attributes, options; repeat-safe
    Setup(Box<setup::Args>),
    /// Let this installation into Zoho
    ///
    /// Example:
    ///   attio-billing zoho login --data-centre eu --scopes
    #[command(subcommand, verbatim_doc_comment)]
    Zoho(zoho::Command),
    /// Whether the vendors still answer as this program assumes
    ///
    /// Example:
    ///   attio-billing vendors check
    #[command(subcommand, verbatim_doc_comment)]
    Vendors(vendors::Command),
    /// Link a customer of ours to its ids at the vendors
    Link(link::Args),
    /// Bring what Attio shows of Zoho's catalog up to date
    ///
    /// Example:
    ///   attio-billing catalog sync
    #[command(subcommand, verbatim_doc_comment)]
    Catalog(catalog::Command),
    /// Bring what Zoho CRM shows of a customer up to date
    ///
    /// Example:
    ///   attio-billing crm check 4f0c6f0d2d8f5b0e9d3c1a7b5e8f9a01
    #[command(subcommand, verbatim_doc_comment)]
    Crm(crm::Command),
    /// Open tickets in Zoho Desk
    ///
    /// Example:
    ///   attio-billing ticket open 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 --reason "wants to pay by bank transfer"
    #[command(subcommand, verbatim_doc_comment)]
    Ticket(ticket::Command),
    /// List and show sagas, order something of them, rehearse
    #[command(subcommand)]
    Saga(saga::Command),
    /// Give money of a card payment back
    ///
    /// Example:
    ///   attio-billing refund request k3v9p2ab --amount 40.00 --source forgive --why goodwill --reason "first bill was wrong" --preview
    #[command(subcommand, verbatim_doc_comment)]
    Refund(refund::Command),
    /// Have running subscriptions collected by somebody else
    ///
    /// Example:
    ///   attio-billing hand-over request 90300000079200 --from zoho-native --to orchestrator --reason "one clock" --preview
    #[command(subcommand, verbatim_doc_comment)]
    HandOver(hand_over::Command),
    /// Look at disputes of card payments, reply to them, close them
    ///
    /// Example:
    ///   attio-billing dispute show 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01
    #[command(subcommand, verbatim_doc_comment)]
    Dispute(dispute::Command),
    /// Bring customers and running subscriptions of the old system over, from a CSV list
    ///
    /// Looked up first, then linked, then shadowed; nothing is charged or written at a vendor by any of it.
    ///
    /// Example:
    ///   attio-billing import check old.csv --wait
    #[command(subcommand, verbatim_doc_comment)]
    Import(import::Command),
    /// Open the books: what is owed and held at one instant, tied to the vendors' totals
    ///
    /// Example:
    ///   attio-billing opening propose position.csv --at 2026-11-01T00:00:00Z --reason "go-live"
    #[command(subcommand, verbatim_doc_comment)]
    Opening(opening::Command),
    /// Query the transaction log, verify the hash chain
    #[command(subcommand)]
    Log(log::Command),
    /// Verify every invariant of ledger and flows; names what broke, with its rows
    ///
    /// Reads one snapshot of the live database and changes nothing: it may run beside the service.
    /// Lists what cannot be looked at here, with the reason. Exit code 5 where one is broken.
    ///
    /// Examples:
    ///   attio-billing verify
    ///   attio-billing verify --invariant I14 --invariant I20 --json
    ///   attio-billing verify --since 2026-11-01
    #[command(verbatim_doc_comment)]
    Verify(verify::Args),
    /// Build again what is derived from the log
    ///
    /// Example:
    ///   attio-billing projections rebuild --check
    #[command(subcommand, verbatim_doc_comment)]
    Projections(projections::Command),
    /// Look at everything that must be right, with the cure for what is not; changes nothing
    Doctor(Box<doctor::Args>),
    /// After a restore or a failover: declare what was lost, and let writes go out again
    Recover(recover::Args),
    /// Take a new key of the installation into use
    ///
    /// Example:
    ///   attio-billing keys rotate checkpoint --reason "yearly change"
    #[command(subcommand, verbatim_doc_comment)]
    Keys(keys::Command),
    /// Erase personal data
    ///
    /// Example:
    ///   attio-billing privacy erase acme --preview
    #[command(subcommand, verbatim_doc_comment)]
    Privacy(privacy::Command),
    /// Look at the mails that customers get, try the mail server
    #[command(subcommand)]
    Mail(mail::Command),
    /// Try whether alerts arrive
    ///
    /// Example:
    ///   attio-billing alerts test
    #[command(subcommand, verbatim_doc_comment)]
    Alerts(alerts::Command),
    /// Make, list and revoke tokens of the private API
    ///
    /// Example:
    ///   attio-billing token list
    #[command(subcommand, verbatim_doc_comment)]
    Token(token::Command),
    /// Switch an operation at a vendor off or on, or list the switches
    ///
    /// Sagas whose operation is switched off wait, and go on by themselves.
    Switch(switch::Args),
    /// Show what the vendors' budgets leave, open circuit breakers, and when each backlog ends
    Forecast(forecast::Args),
    /// Compare the vendors' books with ours, and see to what does not agree
    ///
    /// Examples:
    ///   attio-billing reconcile run --wait
    ///   attio-billing reconcile findings --severity 1
    #[command(subcommand, verbatim_doc_comment)]
    Reconcile(reconcile::Command),
}

impl Cli {
    /// What is logged when `RUST_LOG` is unset: a service tells what it does, a command only what goes wrong.
    pub fn log_level(&self) -> &'static str {
        match self.command {
            Command::Serve(_) | Command::Sandbox(_) => "warn,attio_billing=info,sqlx=error",
            _ => "warn,sqlx=error",
        }
    }
}

impl Cli {
    /// Where traces go, if anywhere. What is wrong with it the command itself says.
    pub fn traces(&self) -> Option<TraceConfig> {
        let settings = match &self.command {
            Command::Serve(args) => args.traces(),
            Command::Demo(args) => args.traces(),
            _ => return None,
        };
        settings.check().ok().flatten()
    }
}

/// Runs the command.
///
/// # Errors
/// What happened, with the exit code that belongs to it.
pub async fn run(cli: Cli) -> Result<(), Exit> {
    match cli.command {
        Command::Serve(args) => Box::pin(serve::run(*args)).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Migrate(args) => migrate::run(args).await,
        Command::Setup(args) => setup::run(*args).await,
        Command::Zoho(command) => zoho::run(command).await,
        Command::Vendors(command) => vendors::run(command).await,
        Command::Link(args) => link::run(args).await,
        Command::Catalog(command) => catalog::run(command).await,
        Command::Crm(command) => crm::run(command).await,
        Command::Ticket(command) => ticket::run(command).await,
        Command::Saga(command) => saga::run(command).await,
        Command::Refund(command) => refund::run(command).await,
        Command::HandOver(command) => hand_over::run(command).await,
        Command::Dispute(command) => dispute::run(command).await,
        Command::Log(command) => log::run(command).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Projections(command) => projections::run(command).await,
        Command::Doctor(args) => Box::pin(doctor::run(*args)).await,
        Command::Recover(args) => recover::run(args).await,
        Command::Keys(command) => Box::pin(keys::run(command)).await,
        Command::Privacy(command) => privacy::run(command).await,
        Command::Mail(command) => mail::run(command).await,
        Command::Alerts(command) => alerts::run(command).await,
        Command::Token(command) => token::run(command).await,
        Command::Switch(args) => switch::run(args).await,
        Command::Forecast(args) => forecast::run(args).await,
        Command::Import(command) => import::run(command).await,
        Command::Opening(command) => opening::run(command).await,
        Command::Reconcile(command) => reconcile::run(command).await,
    }
}

/// Prints one JSON value on one line of stdout.
fn print_json(value: &impl serde::Serialize) -> Result<(), Exit> {
    use std::io::Write;
    let line = serde_json::to_string(value)?;
    let mut out = std::io::stdout().lock();
    Ok(writeln!(out, "{line}").and_then(|()| out.flush())?)
}

/// Prints text on stdout; a closed pipe is the reader's choice, not an error.
fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
}
