//! Checkpoints: signed, chained, published, and told where they are not.

use crate::store_support::{Bench, append, event, saga};
use attio_billing::config::SinkConfig;
use attio_billing::proof::sink::{Contents, Sink};
use attio_billing::store::checkpoints::{Making, Signed, after, ages, make, mark_published};
use attio_billing::store::signature::Signer;
use std::fs;
use std::io::Write;

pub(super) fn signer() -> Signer {
    Signer::from_seed(&[7; 32])
}

pub(super) const MAKING: Making<'static> =
    Making { installation: "test1", breaks: Vec::new(), beyond: None, lost_changes: Vec::new(), new_key: None };

#[tokio::test]
async fn a_checkpoint_lists_every_head_continues_the_one_before_and_is_made_where_something_moved() {
    let bench = Bench::new().await;
    let (_node, log) = bench.node("a").await;
    log.append(append(saga(1), 0, vec![event(saga(1), 1)])).await.unwrap();
    let first = make(&bench.pool, &signer(), MAKING).await.unwrap().unwrap();
    assert!(make(&bench.pool, &signer(), MAKING).await.unwrap().is_none(), "nothing moved");
    log.append(append(saga(2), 0, vec![event(saga(2), 1)])).await.unwrap();
    let second = make(&bench.pool, &signer(), MAKING).await.unwrap().unwrap();
    let (one, key) = first.open().unwrap();
    let (two, _) = second.open().unwrap();
    assert_eq!((one.number, two.number, one.heads.len()), (1, 2, 64));
    assert_eq!(two.previous.as_deref(), Some(first.hash.as_str()));
    assert_eq!((key, one.key), (signer().public(), signer().public().id()));
    assert_eq!(one.heads.iter().map(|head| head.pos).sum::<u64>(), 1);
    assert!(one.heads.iter().all(|head| head.epoch == 1));
    let kept = after(&bench.pool, 0, false, 10).await.unwrap();
    assert_eq!(kept.into_iter().map(|kept| kept.signed).collect::<Vec<_>>(), [first, second]);
}

#[tokio::test]
async fn a_change_a_foreign_key_and_another_signature_are_seen() {
    let bench = Bench::new().await;
    let whole = make(&bench.pool, &signer(), MAKING).await.unwrap().unwrap();
    let altered = Signed { body: whole.body.replace("\"number\":1", "\"number\":2"), ..whole.clone() };
    assert!(altered.open().unwrap_err().contains("text was changed"));
    let foreign = Signed { public_key: Signer::from_seed(&[8; 32]).public().to_string(), ..whole.clone() };
    assert!(foreign.open().unwrap_err().contains("signature"));
    let garbled = Signed { signature: "no hex".to_owned(), ..whole };
    assert!(garbled.open().is_err());
}

#[tokio::test]
async fn a_folder_keeps_every_line_even_after_a_crash_in_the_middle_of_one() {
    let bench = Bench::new().await;
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::new(&SinkConfig::Folder(folder.path().to_owned()), "test1").unwrap();
    assert_eq!(sink.contents().unwrap(), Contents::Lines(Vec::new()));
    let one = make(&bench.pool, &signer(), MAKING).await.unwrap().unwrap();
    sink.publish(&one).await.unwrap();
    assert!(ages(&bench.pool).await.unwrap().waiting.is_some());
    mark_published(&bench.pool, &one).await.unwrap();
    let ages = ages(&bench.pool).await.unwrap();
    assert!(ages.published.is_some() && ages.waiting.is_none());
    let path = folder.path().join("checkpoints.test1.jsonl");
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"body\":\"cut").unwrap();
    sink.publish(&one).await.unwrap();
    assert_eq!(sink.contents().unwrap(), Contents::Lines(vec![Ok(one.clone()), Err(2), Ok(one)]));
}

#[tokio::test]
async fn a_sink_that_cannot_be_written_says_where_and_an_address_is_never_named() {
    let bench = Bench::new().await;
    let one = make(&bench.pool, &signer(), MAKING).await.unwrap().unwrap();
    let nowhere = SinkConfig::Folder("/nowhere/at/all".into());
    let why = Sink::new(&nowhere, "test1").unwrap().publish(&one).await.unwrap_err();
    assert!(why.contains("/nowhere/at/all"), "{why}");
    let deaf = SinkConfig::Address("http://127.0.0.1:1/secret-path".into());
    let why = Sink::new(&deaf, "test1").unwrap().publish(&one).await.unwrap_err();
    assert!(!why.contains("secret-path"), "{why}");
}
