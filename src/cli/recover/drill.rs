//! `recover --drill`: a recovery rehearsed from its beginning to its end, by the same code, in a world of its own. Of the
//! real installation it only writes down when that was and what came of it.

use super::{Common, declared, refused};
use crate::access::Act;
use crate::cli::actor::may;
use crate::cli::database::Database;
use crate::cli::serve::stopped;
use crate::cli::{Exit, print, print_json};
use crate::clock::{Clock, RealClock};
use crate::demo::{Setback, StageOptions};
use crate::store::drills::{self, Drill, Report};
use crate::store::embedded::{self, Durability, Embedded};
use crate::store::ledger::trial_balance;
use crate::store::open::database_identity;
use crate::store::recovery::{self, Hold};
use crate::store::scratch::Scratch;
use crate::store::verify::verify_trusting;
use anyhow::{Context, ensure};
use chrono::{DateTime, NaiveDate, Utc};
use secrecy::SecretString;
use serde_json::json;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Invoices of a customer before the backup, beside the first one.
const BEFORE: i64 = 4;
/// And after it.
const AFTER: i64 = 5;
/// The world's present when it begins, on a Tuesday: no hour, weekend or payday puts a charge off.
const NOON: DateTime<Utc> = NaiveDate::from_ymd_opt(2026, 6, 9)
    .expect("a day of the calendar")
    .and_hms_opt(12, 0, 0)
    .expect("an hour of the day")
    .and_utc();
/// Why it is declared and released.
const REASON: &str = "a rehearsal of a recovery";

#[derive(Debug, clap::Args)]
pub(super) struct DrillArgs {
    /// Rehearse a recovery from its beginning to its end, in a world of its own with simulated vendors; when that was and
    /// what came of it is kept in this database, and stands in `doctor` and `readyz`
    #[arg(long, conflicts_with = "reason")]
    pub(super) drill: bool,
    /// How many customers the rehearsal has; each is charged ten times, five of them are lost
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=40), requires = "drill")]
    customers: u8,
    /// A Postgres server on which the rehearsal makes a database and drops it again, as a URL of any database there; never
    /// the real server. Unset: a private server, in a folder of its own
    #[arg(long, env = "SCRATCH_URL", hide_env_values = true)]
    scratch_url: Option<SecretString>,
}

pub(super) async fn run(args: DrillArgs, common: Common) -> Result<(), Exit> {
    let database = Database::open(common.database.database_url).await?;
    let pool = database.visit().await?;
    let by = may(&pool, Act::Recover).await?.principal();
    let ground = Ground::prepare(&pool, args.scratch_url).await?;
    let began_at = RealClock.now();
    let said = Said { quiet: common.json };
    let rehearsed = tokio::select! {
        report = Box::pin(rehearse(&ground, usize::from(args.customers), &by, said)) => Some(report),
        () = stopped() => None,
    };
    ground.clear().await;
    let Some(report) = rehearsed else {
        return Err(Exit::failure(anyhow::Error::msg("stopped; nothing is on record, and nothing is left behind")));
    };
    let drill = Drill { began_at, ended_at: RealClock.now(), by, report };
    drills::keep(&pool, &drill).await?;
    told(&drill, common.json)
}

fn told(drill: &Drill, as_json: bool) -> Result<(), Exit> {
    let report = &drill.report;
    if as_json {
        let (began, ended) = (drill.began_at, drill.ended_at);
        print_json(&json!({"passed": report.passed(), "began_at": began, "ended_at": ended, "report": report}))?;
    } else {
        print(&format!("{} invoices were charged, {} of them after the backup", report.charged, report.lost));
        print(&format!("charged twice: {}", report.charged_twice));
        print(&format!("gaps adopted: {} of {}; not explained: {}", report.adopted, report.lost, report.unexplained));
        print(&format!("breaks declared and signed: {} shard(s)", report.breaks));
    }
    if report.passed() {
        if !as_json {
            print("the rehearsal succeeded; it is on record");
        }
        return Ok(());
    }
    let faults = report.faults.join("\n  - ");
    Err(Exit::found(format!("the rehearsal failed, which is on record:\n  - {faults}"))
        .hint("a restore now may go the same way: show this to whoever maintains the program"))
}

/// Who talks.
#[derive(Clone, Copy)]
struct Said {
    quiet: bool,
}

impl Said {
    fn done(self, what: &str) {
        if !self.quiet {
            eprintln!("  ✓ {what}");
        }
    }
}

/// Where it is rehearsed: a folder, a database, and the server behind it where it is a private one.
struct Ground {
    folder: PathBuf,
    scratch: Scratch,
    server: Option<Embedded>,
}

impl Ground {
    /// Never the server of the real database: a rehearsal copies and drops databases.
    async fn prepare(real: &PgPool, given: Option<SecretString>) -> Result<Self, Exit> {
        let name = format!("attio_billing_drill_{}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        let server = match &given {
            Some(_) => None,
            None => Some(private(&folder).await?),
        };
        let url = given.as_ref().or(server.as_ref().map(Embedded::url)).context("a server is given, or private")?;
        let there = database_identity(url).await.context("the scratch server (SCRATCH_URL) cannot be reached")?;
        let mut connection = real.acquire().await?;
        let here = recovery::identity(&mut connection).await?;
        drop(connection);
        if there.system.is_none() || there.system == here.system {
            return Err(Exit::refused(
                "the scratch server is the one of the real database, or does not say which one it is: a rehearsal copies and \
                 drops databases, and never there",
            )
            .hint("unset SCRATCH_URL for a private server, or name another one"));
        }
        std::fs::create_dir_all(folder.join("proof")).context("no folder can be made for the rehearsal")?;
        let scratch = Scratch::create(url, &name).await;
        let scratch = scratch.map_err(|e| {
            // Nothing of it is needed any more; a private server ends with this process.
            let _ = std::fs::remove_dir_all(&folder);
            anyhow::Error::from(e).context("no database can be made on the scratch server")
        })?;
        Ok(Self { folder, scratch, server })
    }

    /// Leaves nothing behind; what cannot be removed is named.
    async fn clear(self) {
        let Self { folder, scratch, server } = self;
        if let Err(e) = scratch.drop().await {
            eprintln!("the scratch database is left behind: {e}");
        }
        if let Some(server) = server
            && let Err(e) = server.stop().await
        {
            eprintln!("the private server is left behind: {e:#}");
        }
        if let Err(e) = std::fs::remove_dir_all(&folder) {
            eprintln!("the folder {} is left behind: {e}", folder.display());
        }
    }
}

async fn private(folder: &Path) -> Result<Embedded, Exit> {
    let options = embedded::Options {
        folder: Some(folder.to_owned()),
        durability: Durability::Relaxed,
        ..embedded::Options::default()
    };
    let server = embedded::start(options).await;
    Ok(server.context("no private Postgres can be started for the rehearsal; name another server in SCRATCH_URL")?)
}

/// The rehearsal. Where a step does not come to its end, that is what it found.
async fn rehearse(ground: &Ground, customers: usize, by: &str, said: Said) -> Report {
    let mut report = Report::default();
    let options = StageOptions { from: Some(NOON), ..StageOptions::new(ground.scratch.url().clone()) };
    let begun = Setback::begin(options, ground.scratch.clone(), &ground.folder.join("proof"), customers).await;
    let mut world = match begun {
        Ok(world) => world,
        Err(e) => {
            report.faults.push(format!("the world could not be started: {e:#}"));
            return report;
        }
    };
    said.done("a world of its own: Postgres, three simulated vendors, the service");
    if let Err(e) = recover(&mut world, by, said, &mut report).await {
        report.faults.push(format!("{e:#}"));
    }
    world.end().await;
    report
}

/// Charges, sets the log back, and recovers as the page says.
async fn recover(world: &mut Setback, by: &str, said: Said, report: &mut Report) -> anyhow::Result<()> {
    let charged = lose_the_half(world, report).await.context("before the recovery")?;
    said.done(&format!(
        "{} invoices charged, and the log taken back to before {} of them",
        report.charged, report.lost
    ));
    let hold = recovery::hold(world.stage.pool()).await?;
    ensure!(hold.is_some(), "the service did not notice that its database was set back");
    let late = world.stage.renew(&world.customers[0], 7_700).await?;
    let late = world.stage.saga_of(&late);
    world.stage.until_saga(late, "on record", |_| true).await.context("while it was held")?;
    said.done("recovery hold: what comes in is stored, and nothing goes out");

    let hold = declared(world.stage.pool(), by, REASON).await.map_err(Exit::into_error).context("to declare")?;
    report.breaks = hold.declared.as_ref().map_or(0, |declared| declared.breaks.len() as u64);
    said.done(&format!("declared, signed and published: {} shard(s) lost events", report.breaks));
    let pool = world.stage.pool();
    let swept = async || Ok(recovery::hold(pool).await?.is_some_and(|hold| hold.swept.is_some()));
    world.stage.until("Braintree to be swept", swept).await?;
    let swept = recovery::hold(pool).await?.and_then(|hold| hold.swept).context("the hold is gone")?;
    (report.adopted, report.unexplained) = (swept.adopted, swept.unexplained);
    expect(report, report.adopted == report.lost, "not every sale that the log lost was adopted");
    expect(report, report.unexplained == 0, "there are sales that nobody could explain");
    let sent = world.sales().await? != charged;
    expect(report, !sent, "something was sold while everything was held");
    said.done(&format!("Braintree swept: {} gaps adopted, {} not explained", report.adopted, report.unexplained));

    recovery::release(pool, by, REASON, false)
        .await
        .map_err(refused)
        .map_err(Exit::into_error)
        .context("to release")?;
    let all = charged.len() + 1;
    let charged_now = async || Ok(world.sales().await?.len() == all);
    world.stage.until("the invoice that came meanwhile to be charged", charged_now).await?;
    world.paid(all).await?;
    world.made().await?;
    said.done("released: the invoice that came meanwhile is charged");
    judge(world, &charged, &hold, report).await
}

/// Charges everybody, keeps the database half way, and sets it back.
async fn lose_the_half(world: &mut Setback, report: &mut Report) -> anyhow::Result<BTreeMap<String, u64>> {
    world.charge(BEFORE).await?;
    world.back_up().await?;
    let kept = world.sales().await?.len() as u64;
    world.charge(AFTER).await?;
    let charged = world.sales().await?;
    (report.charged, report.lost) = (charged.len() as u64, charged.len() as u64 - kept);
    world.restore().await?;
    Ok(charged)
}

/// What must be so in the end.
async fn judge(
    world: &Setback,
    charged: &BTreeMap<String, u64>,
    hold: &Hold,
    report: &mut Report,
) -> anyhow::Result<()> {
    let pool = world.stage.pool();
    let sales = world.sales().await?;
    report.charged_twice = sales.values().filter(|times| **times > 1).count() as u64;
    expect(report, report.charged_twice == 0, "an invoice was charged twice");
    expect(report, charged.keys().all(|order| sales.contains_key(order)), "a sale of before is gone");
    for pair in world.stage.compare().await?.pairs {
        report.faults.extend(pair.differences.iter().map(|difference| format!("{}: {difference}", pair.name)));
    }
    let mut sums = BTreeMap::<String, i64>::new();
    for balance in trial_balance(pool, None).await? {
        let sum = sums.entry(balance.debit.currency.code().to_owned()).or_default();
        *sum += balance.debit.minor - balance.credit.minor;
    }
    expect(report, sums.values().all(|sum| *sum == 0), "the ledger does not balance");
    let verified = verify_trusting(pool, &[], &world.published()?, |_| {}).await?;
    if let Some(found) = &verified.first_break {
        report.faults.push(format!("log verify: {found}"));
    }
    let declared = hold.declared.as_ref().map(|declared| declared.breaks.as_slice()).unwrap_or_default();
    expect(
        report,
        verified.declared == declared && !declared.is_empty(),
        "log verify names other breaks than those declared",
    );
    Ok(())
}

fn expect(report: &mut Report, holds: bool, otherwise: &str) {
    if !holds {
        report.faults.push(otherwise.to_owned());
    }
}

/// How the rehearsals stand, for people.
pub(in crate::cli) fn shown(drills: &drills::Drills) -> String {
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d").to_string();
    match (&drills.last, drills.passed_at) {
        (None, _) => "never".to_owned(),
        (Some(last), _) if last.report.passed() => {
            format!(
                "{}: {} of {} gaps adopted, none charged twice",
                day(last.ended_at),
                last.report.adopted,
                last.report.lost
            )
        }
        (Some(last), passed) => {
            let before = passed.map_or_else(|| "never succeeded".to_owned(), |at| format!("succeeded on {}", day(at)));
            format!("{}: failed, {before}", day(last.ended_at))
        }
    }
}
