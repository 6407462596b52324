//! The key that signs checkpoints gives way to another one: whoever trusts the first learns the second from the chain.

use super::checkpoints::{MAKING, signer};
use crate::cli::{program, told};
use crate::postgres::database;
use crate::staging::at_noon;
use crate::store_support::{Bench, append, event, saga};
use attio_billing::config::SinkConfig;
use attio_billing::demo::{Setback, StageOptions};
use attio_billing::proof::export::export;
use attio_billing::proof::sink::{self, Sink};
use attio_billing::proof::verify::verify_export;
use attio_billing::store::checkpoints::{self, NotMade, Signed, make, mark_published};
use attio_billing::store::log::Log;
use attio_billing::store::recovery;
use attio_billing::store::scratch::Scratch;
use attio_billing::store::shards::Node;
use attio_billing::store::signature::{PublicKey, Signer};
use attio_billing::store::verify::verify_trusting;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

fn seed(byte: u8) -> String {
    hex::encode([byte; 32])
}

fn key(byte: u8) -> Signer {
    Signer::from_seed(&[byte; 32])
}

/// A log with one published checkpoint of key 7.
struct Signing {
    bench: Bench,
    log: Log,
    _node: Arc<Node>,
    folder: TempDir,
    events: u32,
}

impl Signing {
    async fn new() -> Self {
        let mut world = Self::unsigned().await;
        world.signed(7).await;
        world
    }

    async fn unsigned() -> Self {
        let bench = Bench::new().await;
        let (node, log) = bench.node("a").await;
        Self { bench, log, _node: node, folder: tempfile::tempdir().unwrap(), events: 0 }
    }

    /// Something happens, and that key signs and publishes it.
    async fn signed(&mut self, byte: u8) {
        let made = self.try_sign(byte).await.unwrap();
        let sink = Sink::new(&SinkConfig::Folder(self.folder.path().to_owned()), "test1").unwrap();
        sink.publish(&made).await.unwrap();
        mark_published(&self.bench.pool, &made).await.unwrap();
    }

    async fn try_sign(&mut self, byte: u8) -> Result<Signed, NotMade> {
        self.events += 1;
        self.log.append(append(saga(self.events), 0, vec![event(saga(self.events), 1)])).await.unwrap();
        make(&self.bench.pool, &key(byte), MAKING).await.map(Option::unwrap)
    }

    async fn rotate(&self, old: u8, next: u8, sink: &Path, more: &[&str]) -> (i32, String, String) {
        let mut command = program(&[&["keys", "rotate", "checkpoint", "--reason", "yearly", "--json"], more].concat());
        command.env("DATABASE_URL", self.bench.url().expose_secret()).env("CHECKPOINT_SINK", sink);
        command.env("CHECKPOINT_SIGNING_KEY", seed(old)).env("CHECKPOINT_NEXT_KEY", seed(next));
        told(command.output().await.unwrap())
    }

    fn lines(&self) -> Vec<Signed> {
        let file = self.folder.path().join("checkpoints.test1.jsonl");
        sink::read(&file).unwrap().into_iter().map(Result::unwrap).collect()
    }

    /// What is wrong with database, sink and export to whoever trusts these keys: the same of all three.
    async fn wrong(&self, trusted: &[PublicKey]) -> Option<String> {
        let lines = self.lines();
        let here = verify_trusting(&self.bench.pool, trusted, &lines, |_| {}).await.unwrap().first_break;
        let file = self.folder.path().join("log.jsonl");
        let _ = std::fs::remove_file(&file);
        export(&self.bench.pool, &file, |_, _| {}).await.unwrap();
        let there = verify_export(&file, trusted, &lines, |_, _| {}).unwrap().first_break;
        let alone = verify_export(&file, trusted, &[], |_, _| {}).unwrap().first_break;
        assert_eq!(here.is_some(), there.is_some(), "{here:?} {there:?}");
        assert_eq!(here.is_some(), alone.is_some(), "{here:?} {alone:?}");
        here.map(|found| found.to_string())
    }
}

#[tokio::test]
async fn two_rotations_are_one_chain_to_whoever_trusts_the_first_key() {
    let mut world = Signing::new().await;
    let folder = world.folder.path().to_owned();
    let (code, out, errors) = world.rotate(7, 8, &folder, &[]).await;
    assert_eq!(code, 0, "{errors}");
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&said["checkpoint"], &said["was_in_use"]), (&2.into(), &false.into()));
    assert_eq!(said["public_key"], key(8).public().to_string());
    let refused = world.try_sign(7).await.unwrap_err();
    assert!(matches!(&refused, NotMade::AnotherKey { wanted, .. } if *wanted == key(8).public().id()), "{refused}");
    world.signed(8).await;
    let (code, _, errors) = world.rotate(8, 7, &folder, &[]).await;
    assert!(code == 4 && errors.contains("has signed before"), "{errors}");
    let (code, _, errors) = world.rotate(7, 9, &folder, &[]).await;
    assert!(code == 4 && errors.contains("name the one that is in use"), "{errors}");
    assert_eq!(world.rotate(8, 9, &folder, &[]).await.0, 0);
    world.signed(9).await;
    for trusted in [vec![signer().public()], vec![key(9).public()], Vec::new()] {
        assert_eq!(world.wrong(&trusted).await, None);
    }
    assert!(world.wrong(&[key(1).public()]).await.unwrap().contains("which is none of those given"));
    let (code, out, errors) = told(
        program(&["log", "verify", "--key", &key(7).public().to_string()])
            .env("DATABASE_URL", world.bench.url().expose_secret())
            .output()
            .await
            .unwrap(),
    );
    assert_eq!(code, 0, "{errors}");
    assert!(out.contains(&format!("key {} gave way to key {}", key(7).public().id(), key(8).public().id())), "{out}");
}

#[tokio::test]
async fn a_rotation_that_was_interrupted_is_brought_to_its_end_by_the_same_command() {
    let mut world = Signing::new().await;
    // The key is in use, and nobody outside knows: the sink could not be written.
    let (code, _, errors) = world.rotate(7, 8, Path::new("/nowhere/at/all"), &[]).await;
    assert!(code == 1 && errors.contains("the sink does not know it yet"), "{errors}");
    assert_eq!(world.lines().len(), 1);
    assert!(world.try_sign(7).await.is_err(), "there is no way back");
    // Meanwhile a node has signed with the new key. What is published later must not come before the introduction.
    world.try_sign(8).await.unwrap();
    let folder = world.folder.path().to_owned();
    let (code, out, errors) = world.rotate(7, 8, &folder, &[]).await;
    assert_eq!(code, 0, "{errors}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["was_in_use"], true);
    let numbers: Vec<u64> = world.lines().iter().map(|line| line.open().unwrap().0.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(world.wrong(&[key(7).public()]).await, None);
    assert_eq!(world.rotate(7, 8, &folder, &[]).await.0, 0, "once more changes nothing");
    assert_eq!(world.wrong(&[key(7).public()]).await, None);
}

#[tokio::test]
async fn without_a_sink_the_export_still_shows_who_introduced_the_key() {
    let mut world = Signing::unsigned().await;
    make(&world.bench.pool, &key(7), MAKING).await.unwrap().unwrap();
    let mut command = program(&["keys", "rotate", "checkpoint", "--reason", "x"]);
    command.env("DATABASE_URL", world.bench.url().expose_secret()).env("CHECKPOINT_SIGNING_KEY", seed(7));
    let (code, _, errors) = told(command.output().await.unwrap());
    assert!(code == 2 && errors.contains("CHECKPOINT_NEXT_KEY is not set"), "{errors}");
    let (code, out, errors) = told(command.env("CHECKPOINT_NEXT_KEY", seed(8)).output().await.unwrap());
    assert!(code == 0 && out.contains("is in use") && errors.contains("destroy the old key"), "{out}{errors}");
    world.try_sign(8).await.unwrap();
    assert_eq!(world.wrong(&[key(7).public()]).await, None);
}

#[tokio::test]
async fn a_forged_introduction_in_the_database_is_named_and_so_is_a_key_in_the_place_of_a_lost_one() {
    let mut world = Signing::new().await;
    let folder = world.folder.path().to_owned();
    assert_eq!(world.rotate(7, 8, &folder, &["--old-is-lost"]).await.0, 0);
    world.signed(8).await;
    let wrong = world.wrong(&[key(7).public()]).await.unwrap();
    assert!(wrong.contains("checkpoint 2: it is signed by key ") && wrong.contains("expected"), "{wrong}");
    assert_eq!(world.wrong(&[key(7).public(), key(8).public()]).await, None);

    let world = Signing::new().await;
    assert_eq!(world.rotate(7, 8, world.folder.path(), &[]).await.0, 0);
    world.bench.execute("update checkpoint set next_signature = signature where number = 2").await;
    let found = verify_trusting(&world.bench.pool, &[], &[], |_| {}).await.unwrap().first_break.unwrap();
    assert!(found.what.contains("checkpoint 2") && found.what.contains("without a signature of that key"), "{found}");
    world.bench.execute("update checkpoint set next_signature = null where number = 2").await;
    assert!(verify_trusting(&world.bench.pool, &[], &[], |_| {}).await.unwrap().first_break.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_goes_on_with_the_new_key_and_a_restore_to_before_it_leaves_one_chain_of_keys() {
    let database = database().await;
    let folder = tempfile::tempdir().unwrap();
    let options = StageOptions { next_key: Some(seed(8).into()), ..at_noon(&database) };
    let scratch = Scratch::of(database.url()).unwrap();
    let mut world = Setback::begin(options, scratch, folder.path(), 1).await.unwrap();
    let run = async |args: &[&str]| {
        let mut command = program(args);
        command.env("DATABASE_URL", database.url().expose_secret()).env("CHECKPOINT_SINK", folder.path());
        command.env("CHECKPOINT_SIGNING_KEY", seed(0x5a)).env("CHECKPOINT_NEXT_KEY", seed(8));
        told(command.output().await.unwrap())
    };
    world.back_up().await.unwrap();
    world.charge(1).await.unwrap();
    let (code, _, errors) = run(&["keys", "rotate", "checkpoint", "--reason", "yearly"]).await;
    assert_eq!(code, 0, "{errors}");
    world.charge(1).await.unwrap();
    world.restore().await.unwrap();
    let (code, _, errors) = run(&["recover", "--reason", "the disk failed"]).await;
    assert_eq!(code, 0, "{errors}");
    let pool = world.stage.pool();
    let swept = async || Ok(recovery::hold(pool).await?.is_some_and(|hold| hold.swept.is_some()));
    world.stage.until("the sweep", swept).await.unwrap();
    let (code, _, errors) = run(&["recover", "release", "--reason", "the books are complete"]).await;
    assert_eq!(code, 0, "{errors}");
    let lines = world.published().unwrap();
    let signed_by = |line: &Signed| line.open().unwrap().1;
    assert_eq!(signed_by(lines.last().unwrap()), key(8).public(), "who declares the loss is the key in use");
    for trusted in [vec![key(0x5a).public()], Vec::new()] {
        let report = verify_trusting(pool, &trusted, &lines, |_| {}).await.unwrap();
        assert_eq!(report.first_break, None);
        assert!(!report.declared.is_empty() && report.successions.len() == 1, "{:?}", report.successions);
    }
    assert_eq!(checkpoints::signs_next(pool).await.unwrap(), Some(key(8).public()));
    world.end().await;
}
