//! The log on a real Postgres: the fence, group commit, conflicts, poison, and what an append carries beside its events.

use crate::store_support::{Bench, append, event, saga};
use attio_billing::store::append::{Append, AppendError, ItemMark};
use attio_billing::store::chain;
use attio_billing::store::claims::{self, Reserved};
use attio_billing::store::items::{ItemState, NewItem, item_state, items_ready, offer_item};
use attio_billing::store::log::{Limits, Log, events_of};
use attio_billing::store::shards::{Lease, Node};
use attio_billing::store::verify;
use sagas::kernel::effect::{Claim, ClaimKind, Message};
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::Mark;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Appends one event after another to a saga until it is refused; how many were accepted, and the refusal.
async fn until_refused(log: &Log, saga: SagaId, accepted: &AtomicU64, over: &AtomicBool) -> AppendError {
    let mut sequence = 0;
    loop {
        match log.append(append(saga, sequence, vec![event(saga, sequence + 1)])).await {
            Ok(written) => {
                assert!(!over.load(Ordering::SeqCst) || written.sequence == sequence + 1);
                sequence = written.sequence;
                accepted.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => return error,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_of_a_replaced_owner_lands_late() {
    let bench = Bench::new().await;
    let (node, log) = bench.node("first").await;
    let accepted = Arc::new(AtomicU64::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..16)
        .map(|n| {
            let (log, accepted, over) = (log.clone(), accepted.clone(), over.clone());
            tokio::spawn(async move { until_refused(&log, saga(n), &accepted, &over).await })
        })
        .collect();
    while accepted.load(Ordering::SeqCst) < 50 {
        tokio::task::yield_now().await;
    }
    // The first node's lease ends by the database's clock, and it does not know.
    bench.execute("update node set lease_until = now() - interval '1 second'").await;
    let (second, second_log) = bench.node("second").await;
    assert_eq!(second.owned().len(), 64);
    over.store(true, Ordering::SeqCst);
    let at_take_over = bench.count("select count(*) from event").await;
    for writer in writers {
        let refused = writer.await.unwrap();
        assert!(matches!(refused, AppendError::Fenced { .. }), "{refused}");
    }
    assert_eq!(bench.count("select count(*) from event").await, at_take_over, "an append landed late");
    assert_eq!(accepted.load(Ordering::SeqCst), u64::try_from(at_take_over).unwrap(), "an acknowledged append is lost");
    let beat = node.beat().await.unwrap();
    assert!(node.owned().len() <= 32 && beat.gained.is_empty(), "the sleeper took something back: {beat:?}");
    // The successor goes on where the log ends.
    let (first, length) = (saga(0), events_of(&bench.pool, second.shard_of(saga(0)), saga(0)).await.unwrap().len());
    let length = u64::try_from(length).unwrap();
    second_log.append(append(first, length, vec![event(first, length + 1)])).await.unwrap();
    assert!(verify::verify(&bench.pool, |_| {}).await.unwrap().first_break.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sagas_append_at_once_and_each_stream_is_whole() {
    let bench = Bench::new().await;
    let (node, log) = bench.node("one").await;
    let writers: Vec<_> = (0..64)
        .map(|n| {
            let log = log.clone();
            tokio::spawn(async move {
                for sequence in 0..5 {
                    let written = log.append(append(saga(n), sequence, vec![event(saga(n), sequence + 1)])).await;
                    assert_eq!(written.unwrap().sequence, sequence + 1);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for n in 0..64 {
        let events = events_of(&bench.pool, node.shard_of(saga(n)), saga(n)).await.unwrap();
        assert_eq!(events.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
    let report = verify::verify(&bench.pool, |_| {}).await.unwrap();
    assert_eq!((report.events, report.first_break), (320, None));
}

#[tokio::test]
async fn an_append_that_expects_another_length_is_a_conflict_and_writes_nothing() {
    let bench = Bench::new().await;
    let (_node, log) = bench.node("one").await;
    let it = saga(1);
    log.append(append(it, 0, vec![event(it, 1), event(it, 2)])).await.unwrap();
    let refused = log.append(append(it, 1, vec![event(it, 2)])).await.unwrap_err();
    assert!(matches!(refused, AppendError::Conflict { expected: 1, actual: 2, .. }), "{refused}");
    assert_eq!(bench.count("select count(*) from event").await, 2);
}

/// An append that the database refuses: a claim of another saga's is harmless to the others, a broken row is not.
fn poisonous(it: SagaId) -> Append {
    let mut poison = append(it, 0, vec![event(it, 1)]);
    let mut journal = crate::store_support::capture(it, 1, 100);
    journal.lines[0].amount.minor = -100;
    poison.events[0].journals = vec![journal];
    poison
}

#[tokio::test]
async fn a_poison_append_is_refused_alone_and_its_neighbours_are_stored() {
    let bench = Bench::new().await;
    let (_node, log) = bench.node("one").await;
    let mut all = Vec::new();
    for n in 0..40 {
        let log = log.clone();
        let one = if n == 17 { poisonous(saga(n)) } else { append(saga(n), 0, vec![event(saga(n), 1)]) };
        all.push(async move { (n, log.append(one).await) });
    }
    for (n, written) in futures::future::join_all(all).await {
        match (n, written) {
            (17, Err(AppendError::Poison { detail, .. })) => assert!(detail.contains("journal_line"), "{detail}"),
            (17, other) => panic!("the poison went through: {other:?}"),
            (_, written) => assert_eq!(written.unwrap().sequence, 1),
        }
    }
    assert_eq!(bench.count("select count(*) from event").await, 39);
    assert!(verify::verify(&bench.pool, |_| {}).await.unwrap().first_break.is_none());
}

#[tokio::test]
async fn a_nul_character_from_outside_never_stops_an_append() {
    let bench = Bench::new().await;
    let (node, log) = bench.node("one").await;
    let it = saga(1);
    let mut one = append(it, 0, vec![event(it, 1)]);
    one.row.title = "a\0b".to_owned();
    one.events[0].payload = r#"{"name":"a\u0000b"}"#.to_owned();
    one.events[0].references = vec![("order".to_owned(), "o\0".to_owned())];
    log.append(one).await.unwrap();
    let stored = events_of(&bench.pool, node.shard_of(it), it).await.unwrap();
    assert_eq!(stored[0].payload, r#"{"name":"a\u0000b"}"#, "the bytes that were hashed are the bytes stored");
    assert_eq!(bench.text("select title from saga").await, "a\u{fffd}b");

    let mut raw = append(it, 1, vec![event(it, 2)]);
    raw.events[0].payload = "\"\0\"".to_owned();
    assert!(matches!(log.append(raw).await, Err(AppendError::Poison { .. })));
    assert!(verify::verify(&bench.pool, |_| {}).await.unwrap().first_break.is_none());
}

#[tokio::test]
async fn an_item_is_applied_by_one_append_only() {
    let bench = Bench::new().await;
    let (node, log) = bench.node("one").await;
    let it = saga(1);
    let item = NewItem {
        saga: it,
        saga_kind: "test".to_owned(),
        kind: "test.go".to_owned(),
        principal: "operator:ada".to_owned(),
        body: "{}".to_owned(),
        waiting_key: None,
        idempotency_key: Some("key-1".to_owned()),
    };
    let id = offer_item(&bench.pool, node.shard_count(), &item, &[]).await.unwrap();
    let mark = ItemMark { item: id, refused: None };
    let with = |sequence| Append { items: vec![mark.clone()], ..append(it, sequence, vec![event(it, sequence + 1)]) };
    log.append(with(0)).await.unwrap();
    assert_eq!(item_state(&bench.pool, id).await.unwrap().unwrap().state, ItemState::Applied);
    let refused = log.append(with(1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::ItemClosed { item } if item == id), "{refused}");
    assert_eq!(bench.count("select count(*) from event").await, 1);
}

#[tokio::test]
async fn an_append_that_relies_on_anothers_claim_is_refused_alone() {
    let bench = Bench::new().await;
    let (_node, log) = bench.node("one").await;
    let claim = Claim { kind: ClaimKind::ZohoInvoice, key: "77".to_owned() };
    let reserved = claims::reserve(&bench.pool, saga(1), "claim", std::slice::from_ref(&claim)).await.unwrap();
    assert_eq!(reserved, Reserved::Held);
    let relying = |it: SagaId| {
        let mut one = append(it, 0, vec![event(it, 1)]);
        one.events[0].marks = vec![Mark::Confirm(claim.clone())];
        one
    };
    let (thief, owner) = tokio::join!(log.append(relying(saga(2))), log.append(relying(saga(1))));
    assert!(matches!(thief, Err(AppendError::Poison { saga: of, .. }) if of == saga(2)), "{thief:?}");
    owner.unwrap();
    assert_eq!(bench.text("select state from claim").await, "confirmed");
}

#[tokio::test]
async fn the_chain_names_an_edited_payload_a_deleted_row_and_a_swapped_order() {
    for (harm, pos, words) in [
        ("update event set payload = '{\"n\":9}' where seq = 3", Some(3), "the payload or a column was changed"),
        ("update event set at = at + interval '1 second' where seq = 2", Some(2), "a column was changed"),
        ("update event set hash = sha256('x') where seq = 2", Some(2), "`hash`"),
        ("delete from event where seq = 3", Some(4), "position 3 is missing"),
        ("delete from event where seq = 5", None, "has 4 events, the last with sequence 4, and its row says 5"),
        ("delete from event", None, "has 0 events"),
        (
            "update event set pos = pos + 1000; update event set pos = 3006 - pos; update event set pos = pos - 2000",
            Some(1),
            "`prev_hash`",
        ),
        (
            "delete from journal_line where line = 1 and journal = (select id from journal limit 1)",
            Some(1),
            "not balance",
        ),
        ("delete from journal_line where journal = (select id from journal limit 1)", Some(1), "not balance"),
        ("update journal set event = gen_random_uuid()", None, "which is not there"),
    ] {
        let bench = Bench::new().await;
        let (_node, log) = bench.node("one").await;
        let it = saga(1);
        for n in 0..5 {
            let mut one = append(it, n, vec![event(it, n + 1)]);
            one.events[0].journals = vec![crate::store_support::capture(it, n + 1, 100)];
            log.append(one).await.unwrap();
        }
        let whole = verify::verify(&bench.pool, |_| {}).await.unwrap();
        assert_eq!((whole.events, &whole.first_break), (5, &None));
        let head = &whole.heads[usize::from(it.shard(64))];
        assert!(head.pos == 5 && head.hash != chain::GENESIS);
        bench.execute(harm).await;
        let broken = verify::verify(&bench.pool, |_| {}).await.unwrap().first_break;
        let broken = broken.unwrap_or_else(|| panic!("unnoticed: {harm}"));
        assert_eq!((broken.shard, broken.pos), (Some(it.shard(64)), pos), "{harm}: {broken}");
        assert!(broken.what.contains(words), "{harm}: {broken}");
    }
}

#[tokio::test]
async fn a_clean_restart_takes_its_shards_at_once() {
    let bench = Bench::new().await;
    let (node, log) = bench.node("one").await;
    log.append(append(saga(1), 0, vec![event(saga(1), 1)])).await.unwrap();
    node.leave().await.unwrap();
    assert!(matches!(log.append(append(saga(1), 1, vec![event(saga(1), 2)])).await, Err(AppendError::Fenced { .. })));
    let (again, log) = bench.node("one").await;
    assert_eq!(again.owned().len(), 64);
    log.append(append(saga(1), 1, vec![event(saga(1), 2)])).await.unwrap();
}

#[tokio::test]
async fn a_second_node_gets_its_share_by_hand_over() {
    let bench = Bench::new().await;
    let (first, _log) = bench.node("first").await;
    let (second, _log) = bench.node("second").await;
    assert!(second.owned().is_empty(), "nothing is taken from the living");
    let beat = first.beat().await.unwrap();
    assert_eq!(beat.surplus.len(), 32);
    first.hand_over(&beat.surplus).await.unwrap();
    assert_eq!(second.beat().await.unwrap().gained.len(), 32);
    assert_eq!((first.owned().len(), second.owned().len()), (32, 32));
    assert_eq!(first.beat().await.unwrap(), attio_billing::store::shards::Beat::default());
}

#[tokio::test]
async fn no_call_may_outlive_the_lease() {
    let bench = Bench::new().await;
    let second = std::time::Duration::from_secs(1);
    let lease = Lease { length: second * 60, renewal: second * 15, margin: second * 5 };
    let node = Node::join(bench.pool.clone(), "one", lease).await.unwrap();
    node.beat().await.unwrap();
    assert!(node.may_send(3, second * 30));
    assert!(!node.may_send(3, second * 56), "55 s are left for a call");
    node.hand_over(&[3]).await.unwrap();
    assert!(!node.may_send(3, second));
}

#[tokio::test]
async fn a_batch_is_bounded_and_all_is_written() {
    let bench = Bench::new().await;
    let node = Arc::new(Node::join(bench.pool.clone(), "one", Lease::default()).await.unwrap());
    node.beat().await.unwrap();
    let log = Log::start(bench.pool.clone(), node, Limits { appends: 3, bytes: 64 });
    let all = (0..20).map(|n| log.append(append(saga(n % 4), u64::from(n / 4), vec![event(saga(n % 4), 1)])));
    // Event ids repeat here only because the events are the same; streams stay in order all the same.
    let written = futures::future::join_all(all).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert_eq!(bench.count("select count(*) from event").await, 20);
}

/// What one saga tells another, as an event of it does.
fn telling(it: SagaId, key: &str) -> NewItem {
    let message = Message {
        to: saga(99),
        flow: "rehearsal".to_owned(),
        kind: "test.told".to_owned(),
        command: serde_json::json!({ "command": "go_ahead" }),
        key: key.to_owned(),
    };
    NewItem::told(it, &message)
}

#[tokio::test]
async fn what_an_event_tells_comes_with_its_append_and_only_once() {
    let bench = Bench::new().await;
    let (node, log) = bench.node("one").await;
    let it = saga(1);
    let with =
        |sequence, key| Append { tells: vec![telling(it, key)], ..append(it, sequence, vec![event(it, sequence + 1)]) };
    log.append(with(0, "a")).await.unwrap();
    log.append(with(1, "a")).await.unwrap();
    log.append(with(1, "b")).await.unwrap_err();
    let shard = node.shard_of(saga(99));
    let told = items_ready(&bench.pool, &[shard], &[], 10).await.unwrap();
    let [told] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((told.item.saga, told.item.saga_kind.as_str()), (saga(99), "rehearsal"));
    assert_eq!((told.item.kind.as_str(), told.item.principal.as_str()), ("test.told", format!("saga:{it}").as_str()));
}

#[tokio::test]
async fn an_append_that_is_refused_tells_nothing() {
    let bench = Bench::new().await;
    let (_node, log) = bench.node("one").await;
    let poison = Append { tells: vec![telling(saga(1), "a")], ..poisonous(saga(1)) };
    log.append(poison).await.unwrap_err();
    assert_eq!(bench.count("select count(*) from item").await, 0);
}
