//! `import …`: subscriptions of the old system, from its list: looked up, linked, shadowed, and taken back. The service does it;
//! this tells it, and shows how far it is. The whole way stands in docs/MIGRATION.md.

use super::actor::{may, may_with_second};
use super::database::{Database, DatabaseArgs};
use super::import_rows::{HEADER, Row, csv};
use super::saga::{awaited, said as reasoned, shards};
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::intake::hand_overs::{self, Collector, OpenInvoicesDecision};
use crate::intake::imports::{self, Sheet, Word};
use crate::store::append::Status;
use crate::store::backlog::await_item;
use crate::store::items::{ItemState, offer_item};
use crate::store::query::{self, SagaCursor, SagaFilter, SagaLine};
use crate::store::schema::Stamp;
use crate::store::{people, schema};
use chrono::NaiveDate;
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::hand_over::Approval;
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::Saga;
use sagas::migration::{CutOver, Migration};
use secrecy::SecretString;
use serde_json::json;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print an empty list: its header, and what each column is
    ///
    /// Example:
    ///   attio-billing import template > old.csv
    #[command(verbatim_doc_comment)]
    Template,
    /// Look every line of a list up at every vendor; writes nothing there
    ///
    /// A line that is wrong stops the list, and each is named. The same file again is the same result; broken off, it goes on
    /// where it was. Lines that are linked already are left as they are.
    ///
    /// Examples:
    ///   attio-billing import check old.csv --wait
    ///   attio-billing import check old.csv --again --wait
    #[command(verbatim_doc_comment)]
    Check(Check),
    /// List the lines of a list: what each was matched with, or what stands in the way
    ///
    /// Examples:
    ///   attio-billing import list 3f9a1c0b7d2e --conflicts
    ///   attio-billing import list 3f9a1c0b7d2e --csv > conflicts.csv
    #[command(verbatim_doc_comment)]
    List(Matches),
    /// Link what was matched, with the collector that is proved; nothing is charged
    ///
    /// Where approvals are required finance asks and a second person gives the same command.
    ///
    /// Examples:
    ///   attio-billing import link 3f9a1c0b7d2e --wait
    ///   attio-billing import link 3f9a1c0b7d2e --only old-17 --only old-18
    #[command(verbatim_doc_comment)]
    Link(Lines),
    /// Take links back, while the old way still collects
    ///
    /// Example:
    ///   attio-billing import unlink 3f9a1c0b7d2e --only old-17 --reason "wrong customer"
    #[command(verbatim_doc_comment)]
    Unlink(Unlink),
    /// Compare daily what we would charge with what the old way charges; sends nothing
    ///
    /// Examples:
    ///   attio-billing import shadow 3f9a1c0b7d2e
    ///   attio-billing import shadow 3f9a1c0b7d2e --only old-17 --off
    #[command(verbatim_doc_comment)]
    Shadow(Shadow),
    /// Agree to what the shadow says: what is approved can be handed over
    ///
    /// Example:
    ///   attio-billing import approve 3f9a1c0b7d2e --reason "two renewals of each agree"
    #[command(verbatim_doc_comment)]
    Approve(Approve),
    /// Have what is approved collected by somebody else, subscription by subscription, from its next term on
    ///
    /// Asks for one hand-over each, as one cohort, to which a second person agrees where approvals are required. Refused while
    /// a shadow differs. What nobody is proved to collect needs finance's signed statement that the old way is off, and is
    /// watched for two terms afterwards.
    ///
    /// Examples:
    ///   attio-billing import cut-over 3f9a1c0b7d2e --to orchestrator --at-most 20 --reason "first cohort"
    ///   attio-billing import cut-over 3f9a1c0b7d2e --only old-17 --to orchestrator \
    ///     --statement "shutdown-2026-11-01.pdf" --reason "the old application is off"
    #[command(verbatim_doc_comment)]
    CutOver(CutOverArgs),
    /// Take cut-overs back, until we have charged
    ///
    /// Example:
    ///   attio-billing import back 3f9a1c0b7d2e --only old-17 --reason "the old way still has a discount"
    #[command(verbatim_doc_comment)]
    Back(Back),
    /// Say why a charge of the old way differs from ours: it stands no more
    ///
    /// Example:
    ///   attio-billing import explain old-17 90300000079426 --reason "a discount that ends with this term"
    #[command(verbatim_doc_comment)]
    Explain(Explain),
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The list, as CSV
    file: PathBuf,
    /// Look up once more what was looked up before
    #[arg(long)]
    again: bool,
    /// Wait until every line is looked up
    #[arg(long)]
    wait: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Matches {
    /// The list's id, as `import check` prints it
    list: String,
    /// Only what stands in the way: conflicts, differences, what waits for a person
    #[arg(long)]
    conflicts: bool,
    /// One JSON object a line
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// For a spreadsheet
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Some lines of a list.
#[derive(Debug, clap::Args)]
pub(super) struct Lines {
    /// The list's id, as `import check` prints it
    list: String,
    /// Only this subscription of the old system; can be given more than once
    #[arg(long)]
    only: Vec<String>,
    /// Wait until it is done
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Unlink {
    #[command(flatten)]
    which: Lines,
    /// Why; goes on record
    #[arg(long)]
    reason: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Shadow {
    #[command(flatten)]
    which: Lines,
    /// No longer
    #[arg(long)]
    off: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    #[command(flatten)]
    which: Lines,
    /// What was looked at; goes on record
    #[arg(long)]
    reason: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct CutOverArgs {
    #[command(flatten)]
    which: Lines,
    /// Who shall collect
    #[arg(long, value_enum)]
    to: Collector,
    /// So many of the list at most, those first whose names come first
    #[arg(long)]
    at_most: Option<usize>,
    /// The new one collects no term that begins before that day; unset: from the next term on
    #[arg(long)]
    from_period: Option<NaiveDate>,
    /// Which text of the new way the customers agreed to
    #[arg(long)]
    consent: Option<String>,
    /// Finance's signed statement that the old way is off: its name, and where it is kept
    #[arg(long)]
    statement: Option<String>,
    /// Braintree plan id, where Braintree shall collect
    #[arg(long)]
    braintree_plan: Option<String>,
    /// What becomes of invoices that turn out to be open in between; unset: it is asked once it matters
    #[arg(long, value_enum)]
    open_invoices: Option<OpenInvoicesDecision>,
    /// Why; goes on record
    #[arg(long)]
    reason: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Back {
    #[command(flatten)]
    which: Lines,
    /// Why; goes on record
    #[arg(long)]
    reason: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// The old system's id of the subscription
    subscription: String,
    /// Zoho invoice id
    invoice: String,
    /// Why; goes on record
    #[arg(long)]
    reason: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Template => {
            print(imports::template().trim_end());
            Ok(())
        }
        Command::Check(args) => check(args).await,
        Command::List(args) => list(args).await,
        Command::Link(args) => link(args).await,
        Command::Unlink(args) => {
            let reason = reasoned(args.reason)?;
            let what = format!("take links of list {} back", args.which.list);
            let word = |_: &str, _: bool| Ok(Word::Unlink(reason.clone()));
            let states = ["Linked", "Shadow", "ShadowDiffers", "Approved"];
            order(args.which, &states, Asks::Second(what), usize::MAX, &word).await
        }
        Command::Shadow(args) => {
            let on = !args.off;
            let states: &[&str] = if on { &["Linked"] } else { &["Shadow", "ShadowDiffers", "Approved"] };
            let word = |_: &str, _: bool| Ok(Word::Shadow(on));
            order(args.which, states, Asks::Alone(Act::Upload), usize::MAX, &word).await
        }
        Command::Approve(args) => {
            let reason = reasoned(args.reason)?;
            let asks = Asks::Alone(Act::ChangeOwner);
            let word = |_: &str, _: bool| Ok(Word::Approve(reason.clone()));
            order(args.which, &["Shadow", "Approved"], asks, usize::MAX, &word).await
        }
        Command::CutOver(args) => cut_over(args).await,
        Command::Back(args) => back(args).await,
        Command::Explain(args) => explain(args).await,
    }
}

/// Orders the hand-overs: the second person agrees to their cohort.
async fn cut_over(args: CutOverArgs) -> Result<(), Exit> {
    let reason = reasoned(args.reason)?;
    let Some(to) = args.to.owner() else {
        return Err(Exit::usage("name who shall collect: what nobody is on record for is never charged"));
    };
    let cohort = hand_overs::cohort(&Uuid::now_v7().to_string());
    let stamp = stamp(args.which.database.database_url.clone()).await?;
    let at_most = args.at_most.unwrap_or(usize::MAX);
    let word = |by: &str, alone: bool| {
        let order = CutOver {
            organization: stamp.zoho_organisation.clone(),
            installation: Installation::new(&stamp.prefix).map_err(Exit::refused)?,
            to,
            from_period: args.from_period,
            consent: args.consent.clone(),
            statement: args.statement.clone(),
            braintree_plan: args.braintree_plan.clone(),
            open_invoices: args.open_invoices.map(OpenInvoicesDecision::choice),
            cohort: Some(cohort.clone()),
            reason: reason.clone(),
            by: by.to_owned(),
            approval: if alone { Approval::Alone } else { Approval::SecondPerson },
        };
        Ok(Word::CutOver(Box::new(order)))
    };
    order(args.which, &["Approved"], Asks::Alone(Act::ChangeOwner), at_most, &word).await?;
    print(&format!("cohort {cohort}"));
    eprintln!(
        "\nhint: `attio-billing hand-over show {cohort}`; where two must agree, somebody else runs `hand-over approve {cohort}`"
    );
    Ok(())
}

/// The way back: agreed to by a second person with the command itself.
async fn back(args: Back) -> Result<(), Exit> {
    let reason = reasoned(args.reason)?;
    let stamp = stamp(args.which.database.database_url.clone()).await?;
    let what = format!("hand list {} back to who collected before", args.which.list);
    let word = |by: &str, alone: bool| {
        let order = CutOver {
            organization: stamp.zoho_organisation.clone(),
            installation: Installation::new(&stamp.prefix).map_err(Exit::refused)?,
            to: CollectionOwner::Orchestrator,
            from_period: None,
            consent: None,
            statement: None,
            braintree_plan: None,
            open_invoices: None,
            cohort: None,
            reason: reason.clone(),
            by: by.to_owned(),
            approval: if alone { Approval::Alone } else { Approval::Given { by: by.to_owned() } },
        };
        Ok(Word::TakeBack(Box::new(order)))
    };
    order(args.which, &["Watched", "CutOver"], Asks::Second(what), usize::MAX, &word).await
}

async fn stamp(url: Option<SecretString>) -> Result<Stamp, Exit> {
    let database = Database::open(url).await?;
    let pool = database.visit().await?;
    let stamp = schema::stamp_of(&pool).await?;
    stamp.ok_or_else(|| Exit::refused("this database has no installation yet: start the service once"))
}

/// Who has to want an order.
enum Asks {
    /// Whoever may.
    Alone(Act),
    /// Two people, who both give the command.
    Second(String),
}

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(500);
/// Lines that are read at once.
const PAGE: u16 = 500;
/// States in which a line is being worked on.
const WORKING: [&str; 5] = ["New", "Checking", "Linking", "Unlinking", "Returning"];
/// So long a line is waited for; it goes on without.
const PATIENCE: Duration = Duration::from_hours(1);

async fn check(args: Check) -> Result<(), Exit> {
    let bytes = std::fs::read(&args.file).map_err(|e| Exit::usage(format!("{}: {e}", args.file.display())))?;
    let sheet = imports::read(&bytes).map_err(|faults| {
        for fault in &faults {
            eprintln!("{fault}");
        }
        Exit::usage(format!("{} fault(s) in {}: nothing was looked up", faults.len(), args.file.display()))
            .hint("`attio-billing import template` says what each column is")
    })?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let by = may(&pool, Act::Upload).await?.principal();
    let items = tell(&pool, &sheet, args.again, &by).await?;
    if args.wait {
        heard(&pool, &items).await?;
        settle(&pool, &sheet.job, &[]).await?;
    }
    let lines = lines_of(&pool, &sheet.job).await?;
    if args.json {
        return print_json(&json!({"list": sheet.job, "lines": sheet.lines.len(), "states": states(&lines)}));
    }
    print(&sheet.job);
    eprintln!("{} line(s): {}", sheet.lines.len(), summary(&lines));
    eprintln!("\nhint: run `attio-billing import list {}` to see what each line is", sheet.job);
    Ok(())
}

/// Stores every line for the service; what was stored before stays one.
async fn tell(pool: &PgPool, sheet: &Sheet, again: bool, by: &str) -> Result<Vec<Uuid>, Exit> {
    let stamp = schema::stamp_of(pool).await?;
    let stamp = stamp.ok_or_else(|| Exit::refused("this database has no installation yet: start the service once"))?;
    let installation = Installation::new(&stamp.prefix).map_err(Exit::refused)?;
    let run = if again { Uuid::now_v7().to_string() } else { "1".to_owned() };
    let bar = bar(sheet.lines.len(), "stored");
    let mut items = Vec::new();
    for line in &sheet.lines {
        let mut old = line.old.clone();
        if let Some(person) = &line.person {
            // Who was erased stays so.
            old.has_email = people::put(pool, &old.customer, person).await?;
        }
        let item = imports::check(&sheet.job, &run, &old, &installation, by);
        items.push(offer_item(pool, stamp.shards, &item, &[]).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(items)
}

async fn list(args: Matches) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let mut rows = Vec::new();
    for line in found(&pool, &args.list).await? {
        let blocks = matches!(line.state.as_str(), "Conflict" | "ShadowDiffers" | "OldWayCharges")
            || line.status == Status::NeedsPerson;
        if blocks || !args.conflicts {
            let events = query::saga(&pool, line.id).await?.map(|(_, events)| events).unwrap_or_default();
            rows.push(Row::of(&line, &events));
        }
    }
    if args.csv {
        return csv(&rows);
    }
    if args.json {
        return rows.iter().try_for_each(|row| print_json(&row.json()));
    }
    if rows.is_empty() {
        eprintln!("no such line");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(HEADER);
    for row in &rows {
        table.add_row(row.cells());
    }
    print(&table.to_string());
    Ok(())
}

async fn link(args: Lines) -> Result<(), Exit> {
    let what = format!("link what was matched of list {}", args.list);
    order(args, &["Matched", "MatchedNoCard"], Asks::Second(what), usize::MAX, &|_, _| Ok(Word::Link)).await
}

/// Tells every line in such a state, or those that are named. The word depends on who says it, and on whether nobody else is
/// asked for.
async fn order(
    args: Lines,
    states: &[&str],
    asks: Asks,
    at_most: usize,
    word: &dyn Fn(&str, bool) -> Result<Word, Exit>,
) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let lines = found(&pool, &args.list).await?;
    if let Some(stranger) = args.only.iter().find(|only| !lines.iter().any(|line| line.title == **only)) {
        return Err(Exit::not_found(format!("list {} has no line `{stranger}`", args.list)));
    }
    let wanted = |line: &&SagaLine| {
        states.contains(&line.state.as_str()) && (args.only.is_empty() || args.only.contains(&line.title))
    };
    let wanted: Vec<&SagaLine> = lines.iter().filter(wanted).take(at_most).collect();
    if wanted.is_empty() {
        let why = format!("no such line is {}: {}", states.join(" or "), summary(&lines));
        return Err(Exit::refused(why).hint(format!("run `attio-billing import list {}`", args.list)));
    }
    let by = match asks {
        Asks::Second(what) => {
            let only = if args.only.is_empty() { String::new() } else { format!(": {}", args.only.join(", ")) };
            let Some(by) = may_with_second(&pool, Act::ChangeOwner, &format!("{what}{only}")).await? else {
                return Ok(());
            };
            by
        }
        Asks::Alone(act) => may(&pool, act).await?.principal(),
    };
    let alone = hand_overs::alone(&pool).await?;
    let shards = shards(&pool).await?;
    let mut items = Vec::new();
    for line in &wanted {
        items.push(offer_item(&pool, shards, &imports::said(line.id, word(&by, alone)?, &by), &[]).await?);
    }
    print(&format!("{} line(s) told", wanted.len()));
    if args.wait {
        heard(&pool, &items).await?;
        let ids: Vec<SagaId> = wanted.iter().map(|line| line.id).collect();
        settle(&pool, &args.list, &ids).await?;
        eprintln!("{}", summary(&lines_of(&pool, &args.list).await?));
    } else {
        eprintln!("\nhint: run `attio-billing import list {}` to see what became of them", args.list);
    }
    Ok(())
}

async fn explain(args: Explain) -> Result<(), Exit> {
    let reason = reasoned(args.reason)?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let by = may(&pool, Act::Upload).await?.principal();
    let item = imports::said(Migration::id(&args.subscription), Word::Explain(args.invoice, reason), &by);
    let offered = offer_item(&pool, shards(&pool).await?, &item, &[]).await?;
    awaited(&pool, item.saga, offered, "explained", args.json).await
}

/// All lines of a list, by the old system's id.
async fn lines_of(pool: &PgPool, job: &str) -> Result<Vec<SagaLine>, Exit> {
    let kind = Some(Migration::NAME.to_owned());
    let filter = SagaFilter { kind, reference: Some(job.to_owned()), ..SagaFilter::default() };
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let page = query::sagas(pool, &filter, after, PAGE).await?;
        after = page.last().map(|line| SagaCursor { started_at: line.started_at, id: line.id.0 });
        let full = page.len() == usize::from(PAGE);
        lines.extend(page);
        if !full {
            break;
        }
    }
    lines.sort_by(|a, b| a.title.cmp(&b.title));
    Ok(lines)
}

async fn found(pool: &PgPool, job: &str) -> Result<Vec<SagaLine>, Exit> {
    let lines = lines_of(pool, job).await?;
    if lines.is_empty() {
        return Err(Exit::not_found(format!("there is no list `{job}`, or no node has taken it up yet"))
            .hint("`attio-billing import check FILE` prints its id"));
    }
    Ok(lines)
}

/// Every line has heard what it was told; a line that refused it says why.
async fn heard(pool: &PgPool, items: &[Uuid]) -> Result<(), Exit> {
    let bar = bar(items.len(), "heard");
    let mut refused = 0_usize;
    for item in items {
        let item = await_item(pool, *item, PATIENCE).await?;
        if matches!(item.state, ItemState::Refused | ItemState::Dead) {
            refused += 1;
            bar.suspend(|| eprintln!("{}", item.reason.unwrap_or_default()));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if refused > 0 {
        return Err(Exit::refused(format!("{refused} of {} line(s) refused it", items.len())));
    }
    Ok(())
}

/// No line is worked on any more: of all, or of these.
async fn settle(pool: &PgPool, job: &str, ids: &[SagaId]) -> Result<(), Exit> {
    let bar = bar(0, "done");
    loop {
        let lines = lines_of(pool, job).await?;
        let ours: Vec<_> = lines.iter().filter(|line| ids.is_empty() || ids.contains(&line.id)).collect();
        let working =
            ours.iter().filter(|line| WORKING.contains(&line.state.as_str()) && line.status != Status::NeedsPerson);
        let working = working.count();
        bar.set_length(ours.len() as u64);
        bar.set_position((ours.len() - working) as u64);
        if working == 0 {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    bar.finish_and_clear();
    Ok(())
}

fn bar(length: usize, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {eta}");
    let bar = ProgressBar::new(length as u64).with_message(what.to_owned());
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}

fn states(lines: &[SagaLine]) -> BTreeMap<&str, usize> {
    let mut states = BTreeMap::new();
    for line in lines {
        *states.entry(line.state.as_str()).or_default() += 1;
    }
    states
}

fn summary(lines: &[SagaLine]) -> String {
    let counts: Vec<_> = states(lines).into_iter().map(|(state, n)| format!("{n} {state}")).collect();
    if counts.is_empty() { "none is taken up yet".to_owned() } else { counts.join(", ") }
}
