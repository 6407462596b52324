//! `log verify|export|checkpoints`: that the log is whole, shown to whoever does not take our word.

use crate::cli::database::{Database, DatabaseArgs};
use crate::cli::{Exit, print, print_json};
use crate::config::ProofSettings;
use crate::proof::compare::{Compared, compare};
use crate::proof::export;
use crate::proof::sink::{self, Sink};
use crate::proof::verify::verify_export;
use crate::store::checkpoints::{self, Signed};
use crate::store::schema;
use crate::store::signature::PublicKey;
use crate::store::verify::{Report, verify_trusting};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Verify {
    /// Verify this export instead of the database
    #[arg(long)]
    export: Option<PathBuf>,
    /// A sink's file of published checkpoints, to be held against it
    #[arg(long)]
    published: Option<PathBuf>,
    /// Public key to be trusted, as `log checkpoints` shows it, and with it those that it introduces; may be given several
    /// times. None: the key of the first checkpoint
    #[arg(long = "key", value_parser = public_key)]
    keys: Vec<PublicKey>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Export {
    /// Where to
    file: PathBuf,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Checkpoints {
    #[command(flatten)]
    settings: ProofSettings,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn public_key(text: &str) -> Result<PublicKey, String> {
    text.parse().map_err(|e| format!("{e}"))
}

pub(super) async fn verify(args: Verify) -> Result<(), Exit> {
    let published = args.published.as_deref().map(published_lines).transpose()?.unwrap_or_default();
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {pos} events {msg}, {per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let report = if let Some(file) = &args.export {
        verify_export(file, &args.keys, &published, |events, all| {
            bar.set_position(events);
            bar.set_message(format!("of {all}"));
        })?
    } else {
        let database = Database::open(args.database.database_url).await?;
        let pool = database.visit().await?;
        verify_trusting(&pool, &args.keys, &published, |progress| {
            bar.set_position(progress.events);
            bar.set_message(format!("shard {}", progress.shard));
        })
        .await?
    };
    bar.finish_and_clear();
    if args.json {
        print_json(&as_json(&report))?;
    }
    if let Some(found) = &report.first_break {
        return Err(Exit::found(format!("the log is broken: {found}"))
            .hint("stop writing, keep a copy of the database, and compare with a backup"));
    }
    if !args.json {
        tell(&report, args.export.is_some());
    }
    Ok(())
}

/// A sink's lines; one that is no checkpoint is a finding.
fn published_lines(path: &Path) -> Result<Vec<Signed>, Exit> {
    if !path.exists() {
        return Err(Exit::usage(format!("{} does not exist: --published names a sink's file", path.display())));
    }
    let lines = sink::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    lines
        .into_iter()
        .map(|line| {
            line.map_err(|number| {
                Exit::found(format!("{}, line {number} is no checkpoint: it was changed or cut off", path.display()))
            })
        })
        .collect()
}

fn as_json(report: &Report) -> serde_json::Value {
    let heads: Vec<_> = report
        .heads
        .iter()
        .map(|head| json!({"shard": head.shard, "pos": head.pos, "hash": hex::encode(head.hash)}))
        .collect();
    json!({
        "events": report.events,
        "heads": heads,
        "checkpoints": report.checkpoints,
        "keys": report.keys,
        "key_changes": report.successions,
        "unpublished": report.unpublished,
        "declared_breaks": report.declared,
        "first_break": report.first_break.as_ref().map(ToString::to_string),
    })
}

fn tell(report: &Report, offline: bool) {
    let shards = report.heads.len();
    let beside = if offline { "" } else { ", every journal balances" };
    print(&format!("{} events in {shards} shards: every hash fits{beside}", report.events));
    print(&format!("{} checkpoints, signed by {}", report.checkpoints, listed(&report.keys)));
    for change in &report.successions {
        let from = change.from.as_ref().map_or_else(|| "a lost key".to_owned(), |from| format!("key {from}"));
        print(&format!(
            "checkpoint {}: {from} gave way to key {}, says {}: {}",
            change.checkpoint, change.to, change.by, change.reason
        ));
    }
    if report.unpublished > 0 {
        print(&format!(
            "{} events came after the last published checkpoint: not yet proven to others",
            report.unpublished
        ));
    }
    for lost in &report.declared {
        print(&format!(
            "declared break: shard {}, positions {} to {} were lost in a restore, says {}: {}",
            lost.shard,
            lost.restored + 1,
            lost.published,
            lost.by,
            lost.reason
        ));
    }
}

fn listed(keys: &[String]) -> String {
    if keys.is_empty() { "nobody".to_owned() } else { keys.join(", ") }
}

pub(super) async fn export(args: Export) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("{bar:30} {pos} of {len} events, {per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let exported = export::export(&pool, &args.file, |events, all| {
        bar.set_length(all);
        bar.set_position(events);
    })
    .await;
    bar.finish_and_clear();
    let exported = exported?;
    let before = match exported.found {
        0 => String::new(),
        found => format!(", {found} of them were there before"),
    };
    print(&format!("{} events in {}{before}", exported.events, args.file.display()));
    Ok(())
}

pub(super) async fn checkpoints(args: Checkpoints) -> Result<(), Exit> {
    let config = args.settings.check_alone().map_err(Exit::config)?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let stamp = schema::stamp_of(&pool).await?.context("this database belongs to no installation yet")?;
    let sink = config.sink.as_ref().map(|sink| Sink::new(sink, &stamp.prefix)).transpose().map_err(Exit::usage)?;
    let keys = checkpoints::keys(&pool).await?;
    let in_use = checkpoints::signs_next(&pool).await?;
    let ages = checkpoints::ages(&pool).await?;
    let compared = match &sink {
        Some(sink) => compare(&pool, sink).await?,
        None => Compared::default(),
    };
    if args.json {
        print_json(&json!({
            "keys": keys.iter().map(|(key, since)| json!({"id": key.id(), "public_key": key.to_string(), "first_used": since, "in_use": Some(*key) == in_use})).collect::<Vec<_>>(),
            "made_seconds_ago": ages.made.map(|age| age.as_secs()),
            "published_seconds_ago": ages.published.map(|age| age.as_secs()),
            "sink": sink.as_ref().map(Sink::name),
            "in_both": compared.in_both,
            "not_readable": compared.not_readable,
            "differences": compared.differences,
        }))?;
    } else {
        for (key, since) in &keys {
            let word = if Some(*key) == in_use { "in use" } else { "gave way" };
            print(&format!("key {}  {key}  since {}  {word}", key.id(), since.format("%Y-%m-%d %H:%M")));
        }
        let ago = |age: Option<std::time::Duration>| {
            age.map_or("never".to_owned(), |age| format!("{} min ago", age.as_secs() / 60))
        };
        print(&format!("last made {}, last published {}", ago(ages.made), ago(ages.published)));
        match &sink {
            None => print("CHECKPOINT_SINK is not set: nothing is published"),
            Some(sink) if compared.not_readable => {
                print(&format!("{} only takes: what it has cannot be read from here", sink.name()));
            }
            Some(sink) => {
                print(&format!("{} checkpoints are in the database and in {}", compared.in_both, sink.name()));
            }
        }
    }
    if compared.differences.is_empty() {
        return Ok(());
    }
    Err(Exit::found(format!("database and sink differ:\n  - {}", compared.differences.join("\n  - "))))
}
