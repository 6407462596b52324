//! A seeded simulation of the whole business in one thread: all flows on a model of the engine, vendors that keep books,
//! people who edit them by hand, nodes that die. Laws are checked after every event, and again once all is healed.
//!
//! `SCHEDULES=10000 cargo test --release -p sagas --test simulation` plays more seeds; `SEED=7 cargo test -p sagas --test
//! simulation replay -- --nocapture` tells one.

use run::{Cells, play, report};
use std::collections::BTreeSet;

mod braintree;
mod cards;
mod catalog;
mod changes;
mod clock;
mod coverage;
mod crm;
mod deals;
mod dice;
mod disputes;
mod ending;
mod engine;
mod laws;
mod live;
mod mail;
mod mishaps;
mod native;
mod people;
mod recurring;
mod refunds;
mod rest;
mod run;
mod tables;
mod trial;
mod world;
mod zoho;

/// So many seeds in a run of all tests.
const SLICE: u64 = 80;
/// From so many on every cell has to be reached.
const ENOUGH: u64 = 10_000;

#[expect(clippy::disallowed_methods, reason = "how much is played is said from outside")]
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[test]
fn whatever_happens_no_law_is_broken() {
    let schedules = asked("SCHEDULES").and_then(|n| n.parse().ok()).unwrap_or(SLICE);
    let first = asked("FIRST").and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut cells = Cells::new();
    let (mut ends, mut events, mut failed) = (BTreeSet::new(), 0, Vec::new());
    let began = clock::stopwatch();
    for seed in first..first + schedules {
        let run = play(seed, None, false);
        events += run.events;
        for (cell, times) in &run.cells {
            *cells.entry(cell.clone()).or_default() += times;
        }
        ends.extend(run.ends.iter().cloned());
        if run.broken.is_some() {
            failed.push((seed, run));
        }
    }
    let a_minute = u128::from(schedules) * 60_000 / began.elapsed().as_millis().max(1);
    println!("{schedules} schedules, {events} events, {} cells, {a_minute} schedules a minute", cells.len());
    for (seed, run) in failed.iter().skip(1) {
        println!("seed {seed}: {}", run.broken.clone().unwrap_or_default());
    }
    let missed = coverage::missed(&cells, &ends);
    println!("not reached: {missed:?}");
    if let Some((seed, run)) = failed.first() {
        panic!("{} of {schedules} seeds break a law\n{}", failed.len(), report(*seed, run));
    }
    assert!(schedules < ENOUGH || missed.is_empty(), "the simulation does not reach {missed:?} any more");
}

#[test]
fn replay() {
    let Some(seed) = asked("SEED").and_then(|n| n.parse().ok()) else { return };
    let only = asked("MISHAPS").map(|list| list.split(',').filter_map(|n| n.parse().ok()).collect());
    let run = play(seed, only, true);
    for line in &run.told {
        println!("{line}");
    }
    for (n, what) in &run.mishaps {
        println!("mishap {n}: {what}");
    }
    println!("{} events, hash {:016x}: {}", run.events, run.hash, run.broken.as_deref().unwrap_or("all laws hold"));
    assert!(run.broken.is_none());
}

#[test]
fn a_seed_is_played_the_same_every_time() {
    for seed in 0..16 {
        let (first, second) = (play(seed, None, false), play(seed, None, true));
        assert_eq!(
            (first.hash, first.events, first.broken),
            (second.hash, second.events, second.broken),
            "seed {seed}"
        );
    }
}
