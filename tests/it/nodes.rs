//! Several services on one database, as a deployment and bad days treat them: restarted one after the other, suspended past
//! their lease, with no connection left. Nothing is stranded, nothing is done twice, and `readyz` says how it stands.

use crate::postgres::database;
use crate::siege::{LEASE, Siege};
use rustix::process::Signal;
use serde_json::json;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a stopped service may take to end.
const DRAIN: Duration = Duration::from_secs(25);

async fn living(pool: &PgPool) -> i64 {
    let living = "select count(*) from node where lease_until > now()";
    sqlx::query_scalar(living).fetch_one(pool).await.unwrap()
}

/// Who has which shard since which change of hands.
async fn owners(pool: &PgPool) -> Vec<(i32, Option<String>, i64)> {
    let owners = "select shard, node::text, epoch from shard order by shard";
    sqlx::query_as(owners).fetch_all(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_strands_nothing() {
    let database = database().await;
    let siege = Siege::lay(database.url()).await;
    let mut services = vec![siege.serve().await, siege.serve().await, siege.serve().await];
    for _ in 0..3 {
        siege.load(300, 900).await;
        let oldest = services.remove(0);
        let ((took, status), ()) = tokio::join!(oldest.terminate(), siege.load(300, 600));
        assert!(status.success() && took < DRAIN, "it ended with {status} after {took:?}");
        // It left by itself: nobody has to wait for the end of its lease.
        assert_eq!(living(siege.pool()).await, 2);
        services.push(siege.serve().await);
    }
    siege.recovers().await;
    siege.is_whole().await;
    for service in services {
        siege.until("it is ready", async || service.is_ready().await).await;
        service.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_suspended_past_its_lease_repeats_nothing_that_its_successor_did() {
    let database = database().await;
    let siege = Siege::lay(database.url()).await;
    // The gateway helps nobody: what is sent twice is charged twice.
    siege
        .stage
        .sandbox
        .staff(&json!({"vendor": "braintree", "act": "set_duplicate_window", "seconds": 0}))
        .await
        .unwrap();
    let asleep = siege.serve().await;
    siege.load(400, 900).await;
    asleep.signal(Signal::STOP);
    let stood_still = Instant::now();
    let heir = siege.serve().await;
    siege.load(400, 900).await;
    siege.until("its lease is over and the other has all", async || living(siege.pool()).await == 1).await;
    assert!(stood_still.elapsed() > Duration::from_secs(LEASE / 2), "its lease was still good");
    siege.until("the heir drives all shards", async || heir.is_ready().await).await;
    asleep.signal(Signal::CONT);
    siege.load(200, 500).await;
    siege.until("it is a node again", async || living(siege.pool()).await == 2).await;
    siege.recovers().await;
    siege.is_whole().await;
    siege.until("both are ready", async || asleep.is_ready().await && heir.is_ready().await).await;
    asleep.kill().await;
    heir.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_without_a_free_connection_says_so_and_keeps_its_shards() {
    let database = database().await;
    let siege = Siege::lay(database.url()).await;
    let serving = Arc::new(siege.serve().await);
    siege.load(300, 600).await;
    siege.until("it drives all", async || serving.is_ready().await).await;
    let before = owners(siege.pool()).await;

    // Whoever reads sagas waits, each with a connection in hand.
    let mut locked = siege.pool().begin().await.unwrap();
    sqlx::query("lock table saga in access exclusive mode").execute(&mut *locked).await.unwrap();
    let readers: Vec<_> = (0..40)
        .map(|_| {
            let serving = Arc::clone(&serving);
            tokio::spawn(async move { serving.ask("/api/v1/sagas").await })
        })
        .collect();
    let held = Instant::now();
    siege.until("it says that it is not ready", async || !serving.is_ready().await).await;
    siege
        .until("its lease would be over by now", async || {
            let (status, said) = serving.ask("/readyz").await;
            assert_eq!(status, 503, "{said}");
            assert!(said["detail"].as_str().is_some_and(|why| why.contains("connections")), "{said}");
            held.elapsed() > Duration::from_secs(LEASE + 1)
        })
        .await;
    assert_eq!(
        (living(siege.pool()).await, owners(siege.pool()).await),
        (1, before),
        "its heartbeat needs none of them"
    );
    locked.rollback().await.unwrap();

    for reader in readers {
        let (status, said) = reader.await.unwrap();
        assert!(status == 200 || status == 503, "{status} {said}");
    }
    siege.until("it is ready again", async || serving.is_ready().await).await;
    let (_, ready) = serving.ask("/readyz").await;
    assert!(ready["clock_ms_ahead_of_database"].as_i64().is_some_and(|apart| apart.abs() < 5_000), "{ready}");
    assert_eq!(ready["sagas_left_to_another_release"], 0, "{ready}");
    siege.recovers().await;
    siege.is_whole().await;
}
