//! `doctor`: one line for each thing that must be right, with the cure as a command. Changes nothing.

use super::database::Database;
use super::recover;
use super::{Exit, print, print_json};
use crate::app::stamp;
use crate::clock::{Clock, RealClock};
use crate::config::{Config, Environment, Settings};
use crate::connectors::Connectors;
use crate::keys::Keys;
use crate::port::InMemory;
use crate::proof::signers;
use crate::proof::sink::Sink;
use crate::store::checks;
use crate::store::query;
use crate::store::server::{clock_ahead, server};
use crate::store::{StoreError, backlog, catalog, checkpoints, drills, inbox, recovery, schema, settings};
use chrono::TimeDelta;
use serde::Serialize;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing doctor
  attio-billing doctor --json | jq 'select(.state == \"failed\")'")]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// All of it together.
const PATIENCE: Duration = Duration::from_secs(28);
/// One vendor.
const CALL: Duration = Duration::from_secs(8);
/// The database's clock and ours.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(5);
/// Checkpoints are published hourly.
const PUBLISHED_WITHIN: Duration = Duration::from_hours(3);

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Passed,
    Failed,
    /// Cannot be known from here.
    NotReadable,
}

/// One line.
#[derive(Debug, Serialize)]
struct Finding {
    area: &'static str,
    check: String,
    state: State,
    found: String,
    /// Nothing where it passed.
    cure: Option<String>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        area: &'static str,
        check: impl Into<String>,
        passed: bool,
        found: impl Into<String>,
        cure: &str,
    ) {
        let state = if passed { State::Passed } else { State::Failed };
        let cure = (!passed).then(|| cure.to_owned());
        self.0.push(Finding { area, check: check.into(), state, found: found.into(), cure });
    }

    fn unknown(&mut self, area: &'static str, check: &str, found: &str) {
        self.0.push(Finding {
            area,
            check: check.to_owned(),
            state: State::NotReadable,
            found: found.to_owned(),
            cure: None,
        });
    }
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let mut findings = Findings::default();
    if tokio::time::timeout(PATIENCE, Box::pin(examine(args.settings, &mut findings))).await.is_err() {
        findings.add(
            "ours",
            "doctor",
            false,
            format!("not done within {} s", PATIENCE.as_secs()),
            "attio-billing doctor",
        );
    }
    for finding in &findings.0 {
        if args.json {
            print_json(finding)?;
            continue;
        }
        let word = match finding.state {
            State::Passed => "ok",
            State::Failed => "FAILED",
            State::NotReadable => "?",
        };
        let cure = finding.cure.as_ref().map(|cure| format!("\n{:>9} {cure}", "cure:")).unwrap_or_default();
        print(&format!("{word:<8} {}: {}: {}{cure}", finding.area, finding.check, finding.found));
    }
    let failed = findings.0.iter().filter(|finding| finding.state == State::Failed).count();
    if failed == 0 { Ok(()) } else { Err(Exit::found(format!("{failed} check(s) failed"))) }
}

async fn examine(settings: Settings, findings: &mut Findings) {
    let url = settings.database_url.clone();
    let config = match settings.check() {
        Ok(config) => {
            findings.add("ours", "configuration and secrets", true, "complete", "");
            Some(config)
        }
        Err(faults) => {
            for fault in faults.0 {
                findings.add("ours", "configuration and secrets", false, fault, "attio-billing serve --help");
            }
            None
        }
    };
    match Database::open(url).await {
        Err(_) => findings.add(
            "database",
            "reachable",
            false,
            "no answer, or no database there",
            "start the server or correct DATABASE_URL; `attio-billing migrate` says why it cannot be reached",
        ),
        Ok(database) => match database.visit().await {
            Err(_) => {
                findings.add("database", "schema", false, "it is not that of this release", "attio-billing migrate");
            }
            Ok(pool) => {
                if let Err(e) = look_at(&pool, config.as_ref(), findings).await {
                    findings.add("database", "reachable", false, e.to_string(), "attio-billing doctor");
                }
            }
        },
    }
    if let Some(config) = &config {
        vendors(config, findings).await;
    }
}

async fn look_at(pool: &PgPool, config: Option<&Config>, findings: &mut Findings) -> Result<(), StoreError> {
    database(pool, config, findings).await?;
    ours(pool, config, findings).await
}

async fn database(pool: &PgPool, config: Option<&Config>, findings: &mut Findings) -> Result<(), StoreError> {
    let server = server(pool).await?;
    findings.add("database", "reachable", !server.standby, "it answers", "point DATABASE_URL to the primary");
    findings.add("database", "schema", true, "that of this release", "");
    let version = format!("Postgres {}", server.version / 10_000);
    findings.add(
        "database",
        "version",
        server.version >= 140_000,
        version,
        "upgrade the server to Postgres 14 or later",
    );
    let production = config.is_some_and(|config| config.environment == Environment::Production);
    match server.tls {
        Some(tls) => findings.add(
            "database",
            "TLS",
            tls || !production,
            if tls { "on" } else { "off" },
            "add `?sslmode=verify-full` to DATABASE_URL",
        ),
        None => findings.unknown("database", "TLS", "not readable with these rights"),
    }
    let ahead = clock_ahead(pool).await?;
    let found = format!("ours is {} ms ahead", ahead.num_milliseconds());
    findings.add(
        "database",
        "clock",
        ahead.abs() < CLOCKS_APART,
        found,
        "run a time service on both hosts: `timedatectl set-ntp true`",
    );
    let size = server.bytes.map_or_else(|| "?".to_owned(), |bytes| (bytes / 1_000_000).to_string());
    findings.unknown("database", "free space", &format!("not readable over SQL; the database takes {size} MB"));
    match (schema::stamp_of(pool).await?, config) {
        (None, _) => findings.add("database", "stamp", true, "none yet: the first `serve` makes it", ""),
        (Some(stored), Some(config)) => {
            let fits = stored == stamp(config);
            let found = format!("{} in {}", stored.prefix, stored.environment);
            let cure = "use the database that belongs to this configuration: DATABASE_URL";
            findings.add("database", "stamp", fits, found, cure);
        }
        (Some(stored), None) => findings.add("database", "stamp", true, stored.prefix, ""),
    }
    Ok(())
}

async fn ours(pool: &PgPool, config: Option<&Config>, findings: &mut Findings) -> Result<(), StoreError> {
    let hold = recovery::hold(pool).await?;
    let found = hold.as_ref().map_or_else(|| "none".to_owned(), |hold| hold.cause.clone());
    findings.add("ours", "recovery hold", hold.is_none(), found, "attio-billing recover --help");
    let (unowned, all) = backlog::unowned_shards(pool).await?;
    findings.add(
        "ours",
        "nodes",
        unowned == 0,
        format!("{unowned} of {all} shards have no node"),
        "attio-billing serve",
    );
    for state in checks::states(pool).await? {
        let found = match (&state.example, state.age) {
            (Some(fault), _) => format!("{}: {}", fault.subject, fault.detail),
            (None, Some(age)) => format!("passed {} s ago", age.as_secs()),
            (None, None) => "never ran".to_owned(),
        };
        let passed = state.passed(Duration::from_mins(5));
        let check = format!("standing check `{}`", state.check.as_str());
        findings.add("ours", check, passed, found, "attio-billing projections rebuild --check");
    }
    checkpoints_of(pool, config, findings).await?;
    let drills = drills::drills(pool).await?;
    let production = config.is_some_and(|config| config.environment == Environment::Production);
    let fits = !(production && drills.overdue());
    findings.add("ours", "recovery drill", fits, recover::shown(&drills), "attio-billing recover --drill");
    let off = settings::switched_off(pool).await?;
    let found = if off.is_empty() { "all on".to_owned() } else { off.into_keys().collect::<Vec<_>>().join(", ") };
    findings.add("ours", "switches", found == "all on", found, "attio-billing switch <operation> on --reason …");
    let census = query::census(pool, RealClock.now()).await?;
    let parked: u64 = census.parked.iter().map(|(_, count)| count).sum();
    let cure = "attio-billing saga list --status needs_person";
    findings.add("ours", "parked sagas", parked == 0, format!("{parked} wait for a person"), cure);
    for read in catalog::reads(pool).await? {
        let found = match (read.read_at, read.offerings, read.differences) {
            (Some(at), Some(offerings), Some(differences)) => {
                let at = at.format("%Y-%m-%d %H:%M");
                format!("{offerings} offerings read {at}, {differences} records of Attio differed")
            }
            _ => "never read to its end".to_owned(),
        };
        let check = format!("catalog of organization {}", read.organization);
        findings.add("vendors", check, !read.is_stale(RealClock.now()), found, "attio-billing catalog sync");
    }
    let silence = config.and_then(|config| config.watch.silence);
    for (vendor, last) in inbox::last_received(pool).await? {
        let passed = silence.is_none_or(|silence| RealClock.now() - last <= silence);
        let check = format!("webhook of {vendor}");
        let found = format!("last heard {}", last.format("%Y-%m-%d %H:%M"));
        findings.add(
            "vendors",
            check,
            passed,
            found,
            "look at the vendor whether the webhook is active; attio-billing setup --check",
        );
    }
    Ok(())
}

async fn checkpoints_of(pool: &PgPool, config: Option<&Config>, findings: &mut Findings) -> Result<(), StoreError> {
    let Some(config) = config else { return Ok(()) };
    let production = config.environment == Environment::Production;
    let told = |set: bool| if set { "set" } else { "not set" };
    let watch = &config.watch;
    for (check, set, name) in [
        (
            "alert channel",
            watch.alert_url.is_some() || !watch.alert_mail.is_empty(),
            "set ALERT_URL or ALERT_MAIL, then `attio-billing alerts test`",
        ),
        ("heartbeat", watch.heartbeat_url.is_some(), "set HEARTBEAT_URL"),
    ] {
        findings.add("ours", check, set || !production, told(set), name);
    }
    signing_key(pool, config, findings).await?;
    let Some(sink) = &config.proof.sink else {
        findings.add("ours", "checkpoint sink", !production, "not set", "set CHECKPOINT_SINK");
        return Ok(());
    };
    let readable = Sink::new(sink, config.installation.as_str()).and_then(|sink| sink.contents().map(|_| ()));
    let found = readable.as_ref().err().cloned().unwrap_or_else(|| "it can be read, or only takes".to_owned());
    findings.add("ours", "checkpoint sink", readable.is_ok(), found, "attio-billing log checkpoints");
    let ages = checkpoints::ages(pool).await?;
    let found = ages.published.map_or("never".to_owned(), |age| format!("{} min ago", age.as_secs() / 60));
    let passed = ages.published.is_some_and(|age| age <= PUBLISHED_WITHIN);
    findings.add("ours", "last published checkpoint", passed, found, "attio-billing log checkpoints");
    Ok(())
}

/// Whether the service has the key that is to sign next.
async fn signing_key(pool: &PgPool, config: &Config, findings: &mut Findings) -> Result<(), StoreError> {
    let Some(wanted) = checkpoints::signs_next(pool).await? else { return Ok(()) };
    let has = signers(&config.proof, &Keys::new(&config.secret_key, ""));
    let fits = has.is_ok_and(|signers| signers.public().any(|key| key == wanted));
    let found =
        if fits { format!("key {} is at hand", wanted.id()) } else { format!("key {} is missing", wanted.id()) };
    let cure = "set CHECKPOINT_SIGNING_KEY to the key in use, or `attio-billing keys rotate checkpoint --help`";
    findings.add("ours", "signing key", fits, found, cure);
    Ok(())
}

/// Each vendor is asked something small with its credentials; a search of nothing, a page of a list, the data model.
async fn vendors(config: &Config, findings: &mut Findings) {
    let connectors = match Connectors::new(&config.vendors, Arc::new(RealClock), None, Arc::new(InMemory::default())) {
        Ok(connectors) => connectors,
        Err(why) => return findings.add("vendors", "clients", false, why, "attio-billing serve --help"),
    };
    let now = RealClock.now();
    let (braintree, zoho, attio) = tokio::join!(
        tokio::time::timeout(CALL, connectors.braintree.created("doctor.", (now - TimeDelta::minutes(1), now), CALL)),
        tokio::time::timeout(CALL, connectors.zoho.list_open_invoices(None, 1, CALL)),
        tokio::time::timeout(CALL, connectors.attio.setup(true)),
    );
    let late = || format!("no answer within {} s", CALL.as_secs());
    let outcomes = [
        (
            "Braintree",
            braintree.map_or_else(|_| Err(late()), |answer| answer.map(drop)),
            "check BRAINTREE_BASE_URL, BRAINTREE_PUBLIC_KEY and BRAINTREE_PRIVATE_KEY",
        ),
        (
            "Zoho Billing",
            zoho.map_or_else(|_| Err(late()), |answer| answer.map(drop).map_err(|outcome| outcome.word().to_owned())),
            "check ZOHO_API_URL, ZOHO_ORGANIZATION_ID and ZOHO_REFRESH_TOKEN",
        ),
        (
            "Attio",
            attio.map_or_else(|_| Err(late()), |answer| answer.map(drop).map_err(|e| e.to_string())),
            "attio-billing setup --check",
        ),
    ];
    for (vendor, outcome, cure) in outcomes {
        let found = outcome.as_ref().err().cloned().unwrap_or_else(|| "answers with our credentials".to_owned());
        findings.add("vendors", vendor, outcome.is_ok(), found, cure);
    }
}
