//! `reconcile …`: compare the books, follow it, read the report and the findings, decide about one.

use super::actor::{acting, denied, may};
use super::database::{Database, DatabaseArgs};
use super::saga::{said, short};
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::clock::{Clock as _, RealClock};
use crate::http::api::instant;
use crate::http::api::reconciliation::{FindingView, RunView, table as csv};
use crate::reconcile::{self, Asked, Refused, Report};
use crate::store::reconciliation::{self, Decided, Decision, FindingFilter, Run, RunState, Undecided};
use chrono::{DateTime, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use sagas::kernel::money;
use sagas::kernel::money::Money;
use sagas::kernel::reconciliation::life::Standing;
use sagas::kernel::reconciliation::{Code, Leg};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Compare the books now; the service does it
    ///
    /// Example:
    ///   attio-billing reconcile run --legs R1,R2,R3 --from 2026-11-01 --wait
    #[command(verbatim_doc_comment)]
    Run(Start),
    /// List the last comparisons, and how far each is
    Runs(List),
    /// Stop a comparison where it is; what it read stays
    Stop(Which),
    /// Let a stopped comparison go on
    Resume(Which),
    /// Print the report of a comparison: the last one, unless another is named
    ///
    /// Examples:
    ///   attio-billing reconcile report
    ///   attio-billing reconcile report --json > november.json
    #[command(verbatim_doc_comment)]
    Report(Show),
    /// List findings: severity first, then money at risk
    ///
    /// Examples:
    ///   attio-billing reconcile findings --severity 1
    ///   attio-billing reconcile findings --reference 90300000079426 --state all
    #[command(verbatim_doc_comment)]
    Findings(Findings),
    /// Decide about a finding: ignore it, say that it is seen to, or open it again
    ///
    /// Example:
    ///   attio-billing reconcile decide 0192f6a1-c3d8-4e7f-b1d0-c7a8e9f01234 ignore --reason "agreed with the customer"
    #[command(verbatim_doc_comment)]
    Decide(Decide),
}

#[derive(Debug, clap::Args)]
pub(super) struct Start {
    /// Which legs: R1, R2, R3, R4, R7, R9, R13, ageing, flows; unset: all
    #[arg(long, value_delimiter = ',', value_parser = leg)]
    legs: Vec<Leg>,
    /// From this date or instant on; unset: 45 days back
    #[arg(long)]
    from: Option<String>,
    /// To the end of this date, or before this instant; unset: now
    #[arg(long)]
    to: Option<String>,
    /// Only what belongs to this customer of ours
    #[arg(long)]
    customer: Option<String>,
    /// Only what belongs to this invoice (Zoho id) or transaction (Braintree id); may be given several times
    #[arg(long)]
    reference: Vec<String>,
    /// Wait for its end and print the report
    #[arg(long)]
    wait: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// The comparison's id
    id: Uuid,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The comparison's id; unset: the last one that has a report
    id: Option<Uuid>,
    /// The report as it is kept, byte for byte
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Findings {
    /// open, ignored, settled, resolved, all
    #[arg(long, default_value = "open")]
    state: String,
    /// Of this code, e.g. D05
    #[arg(long, value_parser = code)]
    code: Option<Code>,
    /// Of this severity or worse
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=3))]
    severity: Option<u8>,
    /// finance or operator
    #[arg(long)]
    owner: Option<String>,
    /// Of this customer of ours
    #[arg(long)]
    customer: Option<String>,
    /// Of this invoice, transaction, subscription or key
    #[arg(long)]
    reference: Option<String>,
    /// One JSON object a line
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// For a spreadsheet
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Decide {
    /// The finding's id
    id: Uuid,
    /// ignore, settle, reopen
    #[arg(value_parser = decision)]
    decision: Decision,
    /// Why; goes on record
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn leg(word: &str) -> Result<Leg, String> {
    Leg::parse(word).ok_or_else(|| format!("expected some of {}", Leg::ALL.map(Leg::as_str).join(", ")))
}

fn code(word: &str) -> Result<Code, String> {
    Code::parse(word).ok_or_else(|| "expected a code, e.g. D05".to_owned())
}

fn decision(word: &str) -> Result<Decision, String> {
    Decision::parse(word).ok_or_else(|| format!("expected {}", Decision::ALL.map(Decision::as_str).join(", ")))
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Run(args) => start(args).await,
        Command::Runs(args) => list(args).await,
        Command::Stop(args) => turn(args, true).await,
        Command::Resume(args) => turn(args, false).await,
        Command::Report(args) => report(args).await,
        Command::Findings(args) => findings(args).await,
        Command::Decide(args) => decide(args).await,
    }
}

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(300);

async fn start(args: Start) -> Result<(), Exit> {
    let bound = |name: &str, text: Option<&String>, upper| {
        text.map(|text| instant(text, upper)).transpose().map_err(|e| Exit::usage(format!("--{name}: {e}")))
    };
    let asked = Asked {
        legs: args.legs,
        from: bound("from", args.from.as_ref(), false)?,
        to: bound("to", args.to.as_ref(), true)?,
        customer: args.customer,
        references: args.reference,
    };
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let by = may(&pool, Act::Reconcile).await?.principal();
    let made = reconcile::on_demand(&pool, &asked, &by, RealClock.now()).await;
    let id = made.map_err(|refused| match refused {
        Refused::Window(why) | Refused::Scope(why) => Exit::usage(why),
        Refused::Store(e) => e.into(),
    })?;
    if !args.wait {
        if args.json {
            return print_json(&RunView::from(find(&pool, id).await?));
        }
        print(&id.to_string());
        eprintln!("\nhint: run `attio-billing reconcile runs` to follow it, then `reconcile report {id}`");
        return Ok(());
    }
    let mut said = String::new();
    let ended = loop {
        let run = find(&pool, id).await?;
        let now = line(&run);
        if now != said {
            eprintln!("{now}");
            said = now;
        }
        if run.state != RunState::Running {
            break run;
        }
        tokio::time::sleep(LOOK).await;
    };
    printed(&ended, args.json)
}

async fn list(args: List) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    for run in reconciliation::list(&database.visit().await?, 50).await? {
        if args.json {
            print_json(&RunView::from(run))?;
        } else {
            print(&line(&run));
        }
    }
    Ok(())
}

async fn turn(args: Which, stop: bool) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let run = find(&pool, args.id).await?;
    may(&pool, Act::Reconcile).await?;
    if !reconciliation::stop_or_resume(&pool, run.id, stop, RealClock.now()).await? {
        let what = if stop { "only what is running can be stopped" } else { "only what was stopped can go on" };
        return Err(Exit::refused(format!("run {} is {}: {what}", run.id, run.state.as_str())));
    }
    print(&line(&find(&pool, run.id).await?));
    Ok(())
}

async fn report(args: Show) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let run = match args.id {
        Some(id) => find(&pool, id).await?,
        None => reconciliation::latest(&pool).await?.ok_or_else(|| {
            Exit::not_found("no comparison has ended yet").hint("run `attio-billing reconcile run --wait`")
        })?,
    };
    printed(&run, args.json)
}

/// Prints the report of a run, as text or byte for byte.
fn printed(run: &Run, json: bool) -> Result<(), Exit> {
    let Some(report) = &run.report else {
        let (id, state) = (run.id, run.state.as_str());
        return Err(Exit::refused(format!("run {id} is {state} and has no report: {}", run.doing)));
    };
    if json {
        print(report);
        return Ok(());
    }
    let report: Report = serde_json::from_str(report)?;
    for part in text(&report) {
        print(&part);
    }
    Ok(())
}

async fn findings(args: Findings) -> Result<(), Exit> {
    let state = match args.state.as_str() {
        "all" => None,
        word => Some(
            Standing::parse(word)
                .ok_or_else(|| Exit::usage("--state: expected open, ignored, settled, resolved or all"))?,
        ),
    };
    let filter = FindingFilter {
        state,
        code: args.code.map(Code::as_str),
        severity: args.severity,
        owner: args.owner,
        customer: args.customer,
        reference: args.reference,
    };
    let database = Database::open(args.database.database_url).await?;
    let found = reconciliation::findings(&database.visit().await?, &filter, 10_000).await?;
    if args.csv {
        print(csv(found).trim_end());
        return Ok(());
    }
    if found.is_empty() {
        eprintln!("no such finding");
        return Ok(());
    }
    for finding in found.into_iter().map(FindingView::from) {
        if args.json {
            print_json(&finding)?;
            continue;
        }
        let about = [("customer", &finding.customer), ("invoice", &finding.invoice), ("sale", &finding.transaction)];
        let about: Vec<_> = about.iter().filter_map(|(name, id)| Some(format!("{name} {}", id.as_ref()?))).collect();
        let (severity, title, owner, state) = (finding.severity, &finding.title, &finding.owner, &finding.state);
        print(&format!("{severity}  {title}  {}  {state}, for {owner}", finding.at_risk()));
        print(&format!("   {}  since {}  {}", finding.id, short(finding.first_seen), about.join(", ")));
        print(&format!("   {} ↔ {}: {}", finding.left, finding.right, finding.detail));
        print(&format!("   to do: {}", finding.todo));
    }
    Ok(())
}

async fn decide(args: Decide) -> Result<(), Exit> {
    let reason = said(args.reason)?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let found = reconciliation::find_finding(&pool, args.id).await?.ok_or_else(|| {
        Exit::not_found(format!("there is no finding {}", args.id)).hint("run `attio-billing reconcile findings`")
    })?;
    let actor = acting(&pool).await?;
    let decided = reconciliation::decide(&pool, &found, args.decision, &reason, &actor, RealClock.now()).await;
    match decided {
        Ok(Decided::Done) => {
            print(&format!("done: {} {}", args.decision.as_str(), found.id));
            Ok(())
        }
        Ok(Decided::Asked { by }) => {
            eprintln!(
                "nothing is done yet: {by} asked for it\n\nhint: another person gives the same command within a day"
            );
            Ok(())
        }
        Err(Undecided::Store(e)) => Err(e.into()),
        Err(Undecided::Denied(why)) => Err(denied(&why)),
        Err(why @ (Undecided::Stands(_) | Undecided::NotTheirs { .. })) => Err(Exit::refused(why.to_string())),
    }
}

async fn find(pool: &PgPool, id: Uuid) -> Result<Run, Exit> {
    reconciliation::find(pool, id)
        .await?
        .ok_or_else(|| Exit::not_found(format!("there is no run {id}")).hint("run `attio-billing reconcile runs`"))
}

/// A run on one line: how far it is.
fn line(run: &Run) -> String {
    let whole = match run.complete {
        Some(true) => ", complete",
        Some(false) => ", incomplete",
        None => "",
    };
    let wait = run.resume_at.map(|at| format!(", goes on at {}", time(at))).unwrap_or_default();
    let (id, asked, kind, state) = (run.id, short(run.asked_at), &run.kind, run.state.as_str());
    format!(
        "{id}  {asked}  {kind} {}  {state}{whole}  {} of {} steps: {}{wait}",
        run.legs, run.step, run.steps, run.doing
    )
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The report for people: part by part.
fn text(report: &Report) -> Vec<String> {
    let mut out = vec![head(report)];
    out.push(legs(report));
    if !report.accounts.is_empty() {
        out.push(accounts(report));
    }
    if report.findings.is_empty() {
        out.push("no findings".to_owned());
    }
    for found in &report.findings {
        let risk = found.at_risk.map(|amount| amount.to_string()).unwrap_or_default();
        out.push(format!("{}  {}  {risk}  {} ({})", found.severity, found.title, found.state, found.change));
        out.push(format!("   {} ↔ {}: {}", found.left, found.right, found.detail));
    }
    out.extend(report.resolved.iter().map(|over| format!("resolved: {} {}", over.code, over.key)));
    out
}

fn head(report: &Report) -> String {
    let complete =
        if report.complete { "complete" } else { "INCOMPLETE: nothing is called missing where a side was not read" };
    let mut lines = vec![
        format!("run {} ({}, asked for by {}), {complete}", report.run, report.kind, report.asked_by),
        format!("window {} to {}, books zone {}", time(report.from), time(report.to), report.books_zone),
    ];
    lines.extend(
        report
            .only
            .iter()
            .map(|of| format!("only invoices {}; transactions {}", of.invoices.join(", "), of.transactions.join(", "))),
    );
    lines.extend(report.sources.iter().map(|of| format!("read {}: {} at {}", of.source, of.things, time(of.read_at))));
    lines.extend(report.not_read.iter().map(|of| format!("NOT READ {}: {} ({})", of.source, of.what, of.why)));
    lines.extend(report.calls.iter().map(|of| {
        let left = of.left.map_or_else(|| "not counted".to_owned(), |left| left.to_string());
        format!("calls {}: {} planned, {} used, {left} left today", of.vendor, of.planned, of.used)
    }));
    lines.push(format!("out of these books: {}", report.out_of_books));
    lines.join("\n")
}

fn decimal(minor: i64, currency: &str) -> String {
    money::currency(currency).map_or_else(|_| minor.to_string(), |currency| Money::new(minor, currency).decimal())
}

fn legs(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header([
        "leg",
        "left ↔ right",
        "currency",
        "left",
        "right",
        "agrees",
        "found",
        "in progress",
        "not read",
    ]);
    for leg in &report.legs {
        let name = if leg.complete { leg.leg.clone() } else { format!("{} (incomplete)", leg.leg) };
        if leg.totals.is_empty() {
            let (found, open, not_read) = (leg.findings, leg.in_progress, leg.not_read);
            let numbers = [found, open, not_read].map(|n| n.to_string());
            let [found, open, not_read] = numbers;
            let none = String::new;
            table.add_row([name.clone(), leg.words.clone(), none(), none(), none(), none(), found, open, not_read]);
        }
        for total in &leg.totals {
            let sum = |(n, minor): (u64, i64)| format!("{n}: {}", decimal(minor, &total.currency));
            table.add_row([
                name.clone(),
                leg.words.clone(),
                total.currency.clone(),
                sum(total.left),
                sum(total.right),
                sum(total.matched),
                decimal(total.found, &total.currency),
                decimal(total.in_progress, &total.currency),
                decimal(total.not_read, &total.currency),
            ]);
        }
    }
    table.to_string()
}

fn accounts(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["account", "currency", "opening", "debits", "credits", "closing"]);
    for of in &report.accounts {
        let sum = |minor| decimal(minor, &of.currency);
        let (opening, debits, credits, closing) = (sum(of.opening), sum(of.debits), sum(of.credits), sum(of.closing));
        table.add_row([of.account.to_string(), of.currency.clone(), opening, debits, credits, closing]);
    }
    table.to_string()
}
