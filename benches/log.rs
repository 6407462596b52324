//! What the log's own work costs in this process, each beside what it cannot be cheaper than: the link of the chain beside
//! the bare digest of the same bytes, reading a history into a saga beside reading it as JSON. Only the ratios say something.
//!
//!     cargo bench

use attio_billing::store::chain::{GENESIS, Header, link};
use chrono::DateTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sagas::kernel::record::{Record, Recorded};
use sagas::kernel::saga::Saga;
use sagas::rehearsal::Rehearsal;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::hint::black_box;
use uuid::Uuid;

/// As the engine wrote it.
const HISTORY: &str = include_str!("../tests/fixtures/histories/rehearsal/declined_and_undone__Undone.jsonl");

fn chain(c: &mut Criterion) {
    let payload = "x".repeat(400);
    let header = Header {
        shard: 3,
        pos: 1_234_567,
        saga: Uuid::from_u128(1),
        seq: 12,
        id: Uuid::from_u128(2),
        name: "PaymentCaptured",
        principal: "engine",
        at: DateTime::UNIX_EPOCH,
        amount: Some((4_900, "EUR")),
    };
    // The canonical header of such an event is about as long.
    let bytes = "x".repeat(32 + 200 + payload.len());
    let mut group = c.benchmark_group("chain");
    group.throughput(Throughput::Elements(1));
    group.bench_function("link", |b| b.iter(|| link(black_box(&GENESIS), black_box(&header), black_box(&payload))));
    group.bench_function("digest of as many bytes", |b| b.iter(|| Sha256::digest(black_box(&bytes))));
    group.finish();
}

fn history(c: &mut Criterion) {
    let mut group = c.benchmark_group("history");
    group.throughput(Throughput::Elements(HISTORY.lines().count() as u64));
    group.bench_function("fold", |b| {
        b.iter(|| {
            let mut saga = Recorded::<Rehearsal>::default();
            for line in black_box(HISTORY).lines() {
                let event: Record<<Rehearsal as Saga>::Event> = serde_json::from_str(line).expect("an event of today");
                saga.evolve(&event);
            }
            saga
        });
    });
    group.bench_function("read as JSON", |b| {
        b.iter(|| {
            for line in black_box(HISTORY).lines() {
                black_box(serde_json::from_str::<Value>(line).expect("JSON"));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, chain, history);
criterion_main!(benches);
