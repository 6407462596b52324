//! `vendors`: whether the vendors still answer as the connectors assume.

use super::{Exit, print, print_json};
use crate::clock::{Clock, RealClock};
use crate::config::{Faults, VendorSettings};
use crate::connectors::drift::{Finding, Point, State, System, Walked};
use crate::connectors::{attio_client, braintree_client, zoho_client};
use crate::port::InMemory;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Read at every vendor what the connectors rely on, and say what differs; writes nothing there
    Check(Box<CheckArgs>),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing vendors check
  attio-billing vendors check --vendor zoho
  attio-billing vendors check --json | jq '.findings[] | select(.state == \"differs\")'

Exit codes of this command, as diff has them:
  0   nothing differs
  1   something differs
  2   something could not be asked, whatever else was found")]
pub(super) struct CheckArgs {
    /// Only this vendor; needs the settings of no other
    #[arg(long)]
    vendor: Option<Vendor>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    vendors: VendorSettings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Vendor {
    Braintree,
    Zoho,
    Attio,
}

/// An open point, with the answer where the walk found one.
#[derive(Serialize)]
struct Told {
    point: Point,
    system: System,
    question: &'static str,
    answer: Option<String>,
    /// What would settle it, where the walk did not.
    otherwise: Option<&'static str>,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Check(args) => Box::pin(check(*args)).await,
    }
}

async fn check(args: CheckArgs) -> Result<(), Exit> {
    let CheckArgs { vendor, json, vendors } = args;
    let wanted = |one: Vendor| vendor.is_none_or(|only| only == one);
    let (braintree, zoho, attio) = tokio::join!(
        async { if wanted(Vendor::Braintree) { braintree(&vendors).await } else { Walked::default() } },
        async { if wanted(Vendor::Zoho) { zoho(&vendors).await } else { Walked::default() } },
        async { if wanted(Vendor::Attio) { attio(&vendors).await } else { Walked::default() } },
    );
    let (mut findings, mut points) = (Vec::new(), Vec::new());
    for (vendor, walked) in [(Vendor::Braintree, braintree), (Vendor::Zoho, zoho), (Vendor::Attio, attio)] {
        if wanted(vendor) {
            points.extend(told(vendor, &walked));
            findings.extend(walked.findings);
        }
    }
    let count = |state: State| findings.iter().filter(|finding| finding.state == state).count();
    let (differs, unasked) = (count(State::Differs), count(State::Unasked));
    if json {
        print_json(&json!({ "findings": findings, "points": points, "differs": differs, "unasked": unasked }))?;
    } else {
        show(&findings, &points);
    }
    match (differs, unasked) {
        (0, 0) => Ok(()),
        (_, 0) => Err(Exit::differs(format!("{differs} assumption(s) differ"))),
        _ => Err(Exit::unasked(format!("{unasked} read(s) had no usable answer, {differs} assumption(s) differ"))),
    }
}

async fn braintree(settings: &VendorSettings) -> Walked {
    let client = settings.braintree_alone().map_err(faults).and_then(|config| braintree_client(&config));
    match client {
        Ok(client) => client.drift(RealClock.now(), &tell).await,
        Err(why) => unasked(System::Braintree, why),
    }
}

async fn zoho(settings: &VendorSettings) -> Walked {
    let (clock, tokens) = (Arc::new(RealClock), Arc::new(InMemory::default()));
    let client = settings.zoho_alone().map_err(faults).and_then(|config| zoho_client(&config, clock, tokens));
    match client {
        Ok(client) => client.drift(RealClock.now(), &tell).await,
        Err(why) => unasked(System::ZohoAccounts, why),
    }
}

async fn attio(settings: &VendorSettings) -> Walked {
    let client = settings.attio.clone().check_alone().map_err(faults).and_then(|config| attio_client(&config));
    match client {
        Ok(client) => client.drift(RealClock.now(), &tell).await,
        Err(why) => unasked(System::Attio, why),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
fn faults(faults: Faults) -> String {
    faults.0.join("; ")
}

fn tell(system: System, what: &str) {
    eprintln!("{}: {what} …", system.name());
}

/// A vendor for which there is no usable configuration.
fn unasked(system: System, found: String) -> Walked {
    let (check, cure) = ("configuration".to_owned(), "attio-billing vendors check --help".to_owned());
    let finding = Finding { state: State::Unasked, system, check, found, cure };
    Walked { findings: vec![finding], ..Walked::default() }
}

/// All open points of a vendor's systems.
fn told(vendor: Vendor, walked: &Walked) -> Vec<Told> {
    let is_theirs = |system: System| match vendor {
        Vendor::Braintree => system == System::Braintree,
        Vendor::Zoho => {
            matches!(system, System::ZohoAccounts | System::ZohoBilling | System::ZohoCrm | System::ZohoDesk)
        }
        Vendor::Attio => system == System::Attio,
    };
    let theirs = Point::ALL.iter().copied().filter(|point| is_theirs(point.system()));
    theirs
        .map(|point| {
            let answer = walked.answers.get(&point).cloned();
            let otherwise = answer.is_none().then(|| point.otherwise());
            Told { point, system: point.system(), question: point.question(), answer, otherwise }
        })
        .collect()
}

/// What differs and what could not be asked, one row each; what is as assumed is only counted. Then the open points.
fn show(findings: &[Finding], points: &[Told]) {
    let is_quiet = |finding: &&Finding| matches!(finding.state, State::Same | State::Empty);
    let mut table = table(["state", "system", "what", "finding", "what to do"]);
    for finding in findings.iter().filter(|finding| !is_quiet(finding)) {
        let Finding { state, system, check, found, cure } = finding;
        table.add_row([state.word(), system.name(), check, found, cure]);
    }
    if !table.is_empty() {
        print(&table.to_string());
    }
    let count = |state: State| findings.iter().filter(|finding| finding.state == state).count();
    let (same, empty) = (count(State::Same), count(State::Empty));
    print(&format!("{same} of {} are as assumed; for {empty} there is nothing to compare with", findings.len()));
    let (settled, open): (Vec<_>, Vec<_>) = points.iter().partition(|told| told.answer.is_some());
    for (title, of) in [("settled now", settled), ("still open", open)] {
        let mut table = self::table(["system", "what no document says", title]);
        for told in of {
            let words = told.answer.as_deref().or(told.otherwise).unwrap_or_default();
            table.add_row([told.system.name(), told.question, words]);
        }
        if !table.is_empty() {
            print(&table.to_string());
        }
    }
}

fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}
