//! Exports: whole, resumable, verified without a database; and what was done to one is named.

use super::checkpoints::{MAKING, signer};
use crate::cli::{program, told};
use crate::store_support::{Bench, append, event, saga};
use attio_billing::proof::export::export;
use attio_billing::proof::verify::verify_export;
use attio_billing::store::checkpoints::{Signed, make, mark_published};
use attio_billing::store::signature::Signer;
use attio_billing::store::verify::{Report, verify, verify_trusting};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A log of forty events with a published checkpoint in its middle.
struct Shown {
    bench: Bench,
    folder: TempDir,
    published: Signed,
}

impl Shown {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let (_node, log) = bench.node("a").await;
        for n in 0..20 {
            log.append(append(saga(n), 0, vec![event(saga(n), 1)])).await.unwrap();
        }
        let published = make(&bench.pool, &signer(), MAKING).await.unwrap().unwrap();
        mark_published(&bench.pool, &published).await.unwrap();
        for n in 0..20 {
            log.append(append(saga(n), 1, vec![event(saga(n), 2)])).await.unwrap();
        }
        Self { bench, folder: tempfile::tempdir().unwrap(), published }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn exported(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let done = export(&self.bench.pool, &path, |_, _| {}).await.unwrap();
        assert_eq!(done.events, 40);
        path
    }
}

fn verified(path: &Path) -> Report {
    verify_export(path, &[], &[], |_, _| {}).unwrap()
}

fn broken(path: &Path) -> String {
    verified(path).first_break.expect("a break").to_string()
}

#[tokio::test]
async fn an_export_verifies_without_a_database_and_says_what_is_not_published_yet() {
    let shown = Shown::new().await;
    let path = shown.exported("log.jsonl").await;
    let report = verified(&path);
    assert_eq!((report.events, report.first_break.clone(), report.checkpoints), (40, None, 1));
    assert_eq!((report.unpublished, report.keys), (20, vec![signer().public().id()]));
    let lines = [shown.published.clone()];
    let trusted = verify_export(&path, &[signer().public()], &lines, |_, _| {}).unwrap();
    assert_eq!(trusted.first_break, None);
    let foreign = Signer::from_seed(&[9; 32]).public();
    let wrong = verify_export(&path, &[foreign], &[], |_, _| {}).unwrap().first_break.unwrap().to_string();
    assert!(wrong.contains("which is none of those given"), "{wrong}");
    let here = verify(&shown.bench.pool, |_| {}).await.unwrap();
    assert_eq!((here.events, here.first_break, here.unpublished), (40, None, 20));
}

#[tokio::test]
async fn a_changed_line_is_named_by_shard_and_position_with_what_was_expected() {
    let shown = Shown::new().await;
    let path = shown.exported("log.jsonl").await;
    let text = fs::read_to_string(&path).unwrap();
    let harmed = shown.path("harmed.jsonl");
    let write = |text: &str| fs::write(&harmed, text).unwrap();

    write(&text.replacen("{\\\"n\\\":2}", "{\\\"n\\\":3}", 1));
    let what = broken(&harmed);
    assert!(
        what.contains("shard ") && what.contains("position 2") && what.contains("that of its content is"),
        "{what}"
    );

    let mut lines: Vec<&str> = text.lines().collect();
    let event = lines.iter().position(|line| line.contains("\"line\":\"event\"")).unwrap();
    let gone = lines.remove(event);
    write(&(lines.join("\n") + "\n"));
    assert!(broken(&harmed).contains("is missing"), "{}", broken(&harmed));
    lines.insert(event + 1, gone);
    write(&(lines.join("\n") + "\n"));
    assert!(verified(&harmed).first_break.is_some(), "a swapped order");

    write(&text.replacen("\"line\":\"event\",\"shard\"", "\"line\":\"event\",\"shrad\"", 1));
    assert!(broken(&harmed).contains("it cannot be read"));
    write(&text.replacen("\\\"number\\\":1", "\\\"number\\\":2", 1));
    assert!(broken(&harmed).contains("its text was changed"));
}

#[tokio::test]
async fn an_export_that_was_cut_off_is_told_as_such_and_goes_on_where_it_ends() {
    let shown = Shown::new().await;
    let path = shown.exported("log.jsonl").await;
    let whole = fs::read(&path).unwrap();
    for cut in [whole.len() - 10, whole.len() / 2, whole.len() / 2 + 37] {
        fs::write(&path, &whole[..cut]).unwrap();
        let what = broken(&path);
        assert!(what.contains("cut off"), "{what}");
        let done = export(&shown.bench.pool, &path, |_, _| {}).await.unwrap();
        assert_eq!(done.events, 40);
        assert!(done.found > 0);
        assert_eq!(fs::read(&path).unwrap(), whole, "cut at {cut}");
    }
    let again = export(&shown.bench.pool, &path, |_, _| {}).await.unwrap();
    assert_eq!((again.events, again.found), (40, 40));
}

#[tokio::test]
async fn a_file_of_something_else_is_neither_overwritten_nor_taken_for_an_export() {
    let shown = Shown::new().await;
    let path = shown.path("notes.txt");
    fs::write(&path, "my notes\n").unwrap();
    let why = format!("{:#}", export(&shown.bench.pool, &path, |_, _| {}).await.unwrap_err());
    assert!(why.contains("no export of a log"), "{why}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "my notes\n");
    let why = format!("{:#}", verify_export(&path, &[], &[], |_, _| {}).unwrap_err());
    assert!(why.contains("no header"), "{why}");
    let why = format!("{:#}", verify_export(&shown.path("none"), &[], &[], |_, _| {}).unwrap_err());
    assert!(why.contains("cannot be read"), "{why}");

    let other = Shown::new().await;
    let path = other.exported("other.jsonl").await;
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 20]).unwrap();
    shown.bench.execute("update event set principal = 'x'").await;
    let why = format!("{:#}", export(&shown.bench.pool, &path, |_, _| {}).await.unwrap_err());
    assert!(why.contains("differs between the file and this database"), "{why}");
}

#[tokio::test]
async fn whoever_writes_the_whole_log_anew_is_found_out_by_what_was_published() {
    let shown = Shown::new().await;
    // An administrator of the database: the log is made anew, and so are the checkpoints, with a key of his own.
    shown
        .bench
        .execute(
            "delete from checkpoint; delete from checkpoint_key; delete from event; delete from saga;
             delete from node; update shard set node = null, epoch = 0",
        )
        .await;
    let (_node, log) = shown.bench.node("b").await;
    for n in 0..20 {
        let mut one = append(saga(n), 0, vec![event(saga(n), 1)]);
        one.events[0].payload = "{\"n\":7}".to_owned();
        log.append(one).await.unwrap();
    }
    make(&shown.bench.pool, &Signer::from_seed(&[9; 32]), MAKING).await.unwrap().unwrap();
    assert_eq!(verify(&shown.bench.pool, |_| {}).await.unwrap().first_break, None, "by itself it looks whole");
    let lines = [shown.published.clone()];
    let found = verify_trusting(&shown.bench.pool, &[], &lines, |_| {}).await.unwrap().first_break.unwrap();
    assert!(found.what.contains("checkpoint 1 signed"), "{found}");
    let found =
        verify_trusting(&shown.bench.pool, &[signer().public()], &[], |_| {}).await.unwrap().first_break.unwrap();
    assert!(found.what.contains("which is none of those given"), "{found}");
}

#[tokio::test]
async fn events_that_were_cut_off_behind_a_checkpoint_are_missed() {
    let shown = Shown::new().await;
    shown.bench.execute("delete from event where seq = 1; delete from event; delete from saga").await;
    let found = verify(&shown.bench.pool, |_| {}).await.unwrap().first_break.unwrap();
    assert!(found.what.contains("events were cut off"), "{found}");
}

#[tokio::test]
async fn the_commands_export_verify_and_compare() {
    let shown = Shown::new().await;
    let url = shown.bench.url().expose_secret().to_owned();
    let on = async |args: &[&str]| {
        told(
            program(args).env("DATABASE_URL", &url).env("CHECKPOINT_SINK", shown.folder.path()).output().await.unwrap(),
        )
    };
    let file = shown.path("log.jsonl");
    let (code, out, errors) = on(&["log", "export", file.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{errors}");
    assert!(out.starts_with("40 events in "), "{out}");
    let (code, out, errors) = on(&["log", "verify", "--json", "--export", file.to_str().unwrap()]).await;
    assert_eq!(code, 0, "{errors}");
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&said["events"], &said["unpublished"], &said["first_break"]), (&40.into(), &20.into(), &Value::Null));
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("Tested", "Tasted", 1)).unwrap();
    let (code, _, errors) = on(&["log", "verify", "--export", file.to_str().unwrap()]).await;
    assert_eq!(code, 5, "{errors}");
    assert!(errors.contains("position 1"), "{errors}");
    let (code, _, errors) = on(&["log", "verify", "--key", "short"]).await;
    assert!(code == 2 && errors.contains("64 hexadecimal digits"), "{errors}");

    let (code, _, errors) = on(&["log", "checkpoints"]).await;
    assert!(code == 5 && errors.contains("checkpoint 1 was published, and the sink does not have it"), "{errors}");
    let line = serde_json::to_string(&shown.published).unwrap();
    fs::write(shown.path("checkpoints.test1.jsonl"), format!("{line}\n")).unwrap();
    let (code, out, errors) = on(&["log", "checkpoints", "--json"]).await;
    assert_eq!(code, 0, "{errors}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["in_both"], 1);
}
