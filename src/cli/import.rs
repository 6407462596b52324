//! `import …`: subscriptions of the old system, from its list: looked up, linked, shadowed, and taken back. The service does it;
//! this tells it, and shows how far it is. The whole way stands in docs/MIGRATION.md.

use super::actor::{may, may_with_second};
use super::database::{Database, DatabaseArgs};
use super::saga::{awaited, said as reasoned, shards};
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::intake::imports::{self, Sheet, Word};
use crate::store::append::Status;
use crate::store::backlog::await_item;
use crate::store::items::offer_item;
use crate::store::log::StoredEvent;
use crate::store::query::{self, SagaCursor, SagaFilter, SagaLine};
use crate::store::{people, schema};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::Saga;
use sagas::migration::Migration;
use serde_json::{Value, json};
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
            order(args.which, &["Linked", "Shadow", "ShadowDiffers"], Some(what), &|| Word::Unlink(reason.clone()))
                .await
        }
        Command::Shadow(args) => {
            let on = !args.off;
            let states: &[&str] = if on { &["Linked"] } else { &["Shadow", "ShadowDiffers"] };
            order(args.which, states, None, &|| Word::Shadow(on)).await
        }
        Command::Explain(args) => explain(args).await,
    }
}

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(500);
/// Lines that are read at once.
const PAGE: u16 = 500;
/// States in which a line is being worked on.
const WORKING: [&str; 4] = ["New", "Checking", "Linking", "Unlinking"];
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
        let blocks = matches!(line.state.as_str(), "Conflict" | "ShadowDiffers") || line.status == Status::NeedsPerson;
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
    order(args, &["Matched", "MatchedNoCard"], Some(what), &|| Word::Link).await
}

/// Tells every line in such a state, or those that are named. With a sentence a second person must agree.
async fn order(args: Lines, states: &[&str], with_second: Option<String>, word: &dyn Fn() -> Word) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let lines = found(&pool, &args.list).await?;
    if let Some(stranger) = args.only.iter().find(|only| !lines.iter().any(|line| line.title == **only)) {
        return Err(Exit::not_found(format!("list {} has no line `{stranger}`", args.list)));
    }
    let wanted = |line: &&SagaLine| {
        states.contains(&line.state.as_str()) && (args.only.is_empty() || args.only.contains(&line.title))
    };
    let wanted: Vec<&SagaLine> = lines.iter().filter(wanted).collect();
    if wanted.is_empty() {
        let why = format!("no such line is {}: {}", states.join(" or "), summary(&lines));
        return Err(Exit::refused(why).hint(format!("run `attio-billing import list {}`", args.list)));
    }
    let by = match with_second {
        Some(what) => {
            let only = if args.only.is_empty() { String::new() } else { format!(": {}", args.only.join(", ")) };
            let Some(by) = may_with_second(&pool, Act::ChangeOwner, &format!("{what}{only}")).await? else {
                return Ok(());
            };
            by
        }
        None => may(&pool, Act::Upload).await?.principal(),
    };
    let shards = shards(&pool).await?;
    let mut items = Vec::new();
    for line in &wanted {
        items.push(offer_item(&pool, shards, &imports::said(line.id, word(), &by), &[]).await?);
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

/// Every line has heard what it was told.
async fn heard(pool: &PgPool, items: &[Uuid]) -> Result<(), Exit> {
    let bar = bar(items.len(), "heard");
    for item in items {
        await_item(pool, *item, PATIENCE).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
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

const HEADER: [&str; 9] = [
    "subscription",
    "state",
    "matched by",
    "Zoho subscription",
    "plan",
    "collector",
    "card",
    "next bill",
    "what to do",
];

/// A line, as people see it.
struct Row {
    id: SagaId,
    old: String,
    state: String,
    /// The newest of what it was matched with.
    found: Value,
    /// What stands in the way, and the cure.
    todo: Vec<(String, String)>,
}

impl Row {
    fn of(line: &SagaLine, events: &[StoredEvent]) -> Self {
        let newest = |names: &[&str]| {
            let event = events.iter().rev().find(|event| names.contains(&event.name.as_str()))?;
            serde_json::from_str::<Value>(&event.payload).ok()?.get("business").cloned()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut todo: Vec<(String, String)> = Vec::new();
        match line.state.as_str() {
            "Conflict" => {
                let last = newest(&["ConflictsFound", "LinkRefused"]).unwrap_or_default();
                let one = last.get("conflict").cloned();
                let all = last.get("conflicts").and_then(Value::as_array).cloned().unwrap_or_default();
                todo.extend(all.iter().chain(&one).map(|conflict| (text(&conflict["what"]), text(&conflict["cure"]))));
            }
            "ShadowDiffers" => {
                let last = newest(&["ShadowDiffers"]).unwrap_or_default();
                let what = format!("{}, invoice {}", text(&last["why"]), text(&last["invoice"]));
                todo.push((what, "find out why, then `import explain`".to_owned()));
            }
            _ => {}
        }
        if let Some((code, detail, _)) = &line.parked {
            todo.push((format!("{code}: {detail}"), format!("`attio-billing saga show {}`", line.id)));
        }
        let found = newest(&["LineMatched"]).and_then(|event| event.get("found").cloned());
        let found = found.filter(|_| line.state != "Conflict").unwrap_or_default();
        Self { id: line.id, old: line.title.clone(), state: line.state.clone(), found, todo }
    }

    fn cells(&self) -> Vec<String> {
        let text = |field: &str| self.found[field].as_str().unwrap_or_default().to_owned();
        let matched = !self.found.is_null();
        let collector = if matched && self.found["owner"].is_null() { "none".to_owned() } else { text("owner") };
        let card = match &self.found["card"] {
            Value::Null if matched => "none".to_owned(),
            card => {
                let part = |field: &str| card[field].as_str().unwrap_or_default().to_owned();
                format!("{} {}", part("brand"), part("last_four")).trim().to_owned()
            }
        };
        let todo: Vec<_> = self.todo.iter().map(|(what, cure)| format!("{what}: {cure}")).collect();
        vec![
            self.old.clone(),
            self.state.clone(),
            text("by"),
            text("zoho_subscription"),
            text("plan"),
            collector,
            card,
            text("next_billing_on"),
            todo.join("\n"),
        ]
    }

    fn json(&self) -> Value {
        let todo: Vec<_> = self.todo.iter().map(|(what, cure)| json!({"what": what, "cure": cure})).collect();
        json!({"subscription": self.old, "state": self.state, "saga": self.id, "found": self.found, "todo": todo})
    }
}

/// A cell that a spreadsheet would take for a formula is kept as text.
fn csv(rows: &[Row]) -> Result<(), Exit> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for row in rows {
        let safe = row
            .cells()
            .into_iter()
            .map(|cell| if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell });
        writer.write_record(safe)?;
    }
    let bytes = writer.into_inner().map_err(|e| anyhow::anyhow!("{e}"))?;
    print(String::from_utf8_lossy(&bytes).trim_end());
    Ok(())
}
