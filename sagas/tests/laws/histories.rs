//! The histories that earlier releases recorded: each is read, folds to the state that it led to then, gives the same rows
//! and journals, and the flow wants the same next.
//!
//! `<scenario>__<State>.jsonl` holds the stored texts, and `<scenario>__<State>.end.json` what a release made of them when it
//! first read them. Neither is ever rewritten: `WRITE_HISTORIES` adds what is missing.

use sagas::kernel::flow::Phase;
use sagas::kernel::ids::SagaId;
use sagas::kernel::posting::journal;
use sagas::kernel::record::{Record, Recorded};
use sagas::kernel::saga::{BusinessEvent, Facts, Mark, Pending, Saga};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The name of an event, from its stored text: variants of events and their tags are the same word.
fn name_of(text: &str) -> String {
    let record: Value = serde_json::from_str(text).expect("json");
    let tag = |part: &str| record[part]["event"].as_str().map(str::to_owned);
    let Some(business) = tag("business") else {
        return format!("step.{}", tag("step").expect("an event of one of both kinds"));
    };
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    business.split('_').map(capital).collect()
}

/// A stored event in today's form, and the form in which it was stored.
pub(crate) fn read<S: Saga>(name: &str, text: &str) -> (Record<S::Event>, u32) {
    let read = sagas::forms().read(&name_of(text), text.to_owned());
    assert!(!read.newer, "{name}: {text}");
    let event = serde_json::from_str(&read.text).unwrap_or_else(|e| panic!("{name}: {e}: {}", read.text));
    (event, read.form)
}

/// A saga with that history; what its events put into the tables beside the log.
fn replay<S: Saga>(name: &str, texts: &str) -> (Recorded<S>, Vec<Value>) {
    let mut saga = Recorded::<S>::default();
    let mut beside = Vec::new();
    for (text, seq) in texts.lines().zip(1..) {
        let (event, form) = read::<S>(name, text);
        let written: Value = serde_json::from_str(&event.stored().expect("writes")).expect("json");
        if form == event.form() {
            let stored: Value = serde_json::from_str(text).expect("json");
            assert_eq!(written, stored, "{name}: an old event is written differently now: that is a new form of it");
        }
        saga.evolve(&event);
        if let Record::Business(event) = &event {
            let facts = facts(SagaId::derived("history", &[name]), seq, &S::facts(&saga.business, event));
            beside.push(json!([seq, event.name(), facts]));
        }
    }
    (saga, beside)
}

fn facts(saga: SagaId, seq: u64, facts: &Facts) -> Value {
    let journals = facts.postings.iter().enumerate().filter_map(|(group, p)| journal(saga.event(seq), group, p));
    let journals = journals.map(|journal| {
        let lines = journal.lines.iter().map(|line| json!([line.account, line.side, line.amount]));
        json!({"id": journal.id, "rule": journal.rule, "effective": journal.effective, "dimensions": journal.dimensions,
            "lines": lines.collect::<Vec<_>>()})
    });
    json!({
        "journals": journals.collect::<Vec<_>>(),
        "amount": facts.amount,
        "references": facts.references,
        "marks": facts.marks.iter().map(mark).collect::<Vec<_>>(),
    })
}

fn mark(mark: &Mark) -> Value {
    match mark {
        Mark::Confirm(claim) => json!({"confirm": claim}),
        Mark::Release(claim) => json!({"release": claim}),
        Mark::Hold { invoice, reason } => json!({"hold": [invoice, reason]}),
        Mark::LiftHold { invoice, reason } => json!({"lift_hold": [invoice, reason]}),
        Mark::SpendCard { order_id } => json!({"spend_card": order_id}),
        Mark::GiveBackCard { order_id } => json!({"give_back_card": order_id}),
        Mark::EraseInput { input } => json!({"erase_input": input}),
        Mark::ForgetValues { mark, .. } => json!({"forget_values": mark}),
    }
}

/// What the flow wants next. Sentences for people may be put better by a later release.
fn wants(pending: Pending) -> Value {
    match pending {
        Pending::Perform { step, n, effect, fresh_until } => {
            json!({"perform": {"step": step, "n": n, "effect": effect, "fresh_until": fresh_until}})
        }
        Pending::Await { signal: _, until } => json!({"await": until}),
        Pending::Sleep { why: _, until } => json!({"sleep": until}),
        Pending::Park { code, detail: _ } => json!({"park": code}),
        Pending::Unwind { reason: _ } => json!("unwind"),
        Pending::Ended(end) => json!({"ended": end}),
    }
}

fn end<S: Saga>(saga: &Recorded<S>, beside: &[Value]) -> Value {
    let flow = &saga.flow;
    json!({
        "summary": S::summary(&saga.business),
        "version": flow.version,
        "open": flow.open,
        "completed": flow.completed,
        "unwinding": flow.unwinding.is_some(),
        "past_pivot": flow.past_pivot,
        "parked": flow.parked.as_ref().map(|parked| parked.code),
        "ended": flow.ended,
        "next": wants(S::pending(&saga.business)),
        "beside": beside,
    })
}

/// All recorded histories of a flow: the files, in order, and their lines.
#[expect(clippy::disallowed_methods, reason = "a test, and the histories are files")]
pub(crate) fn histories(flow: &str) -> Vec<(PathBuf, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/histories").join(flow);
    let files = fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl")).collect();
    assert!(!files.is_empty(), "no history of {flow} is recorded");
    files.sort();
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).expect("a history");
        (file, text)
    };
    files.into_iter().map(read).collect()
}

/// Replays all recorded histories of a flow.
pub(crate) fn replay_all<S: Saga>() {
    for (path, texts) in histories(S::NAME) {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let (saga, beside) = replay::<S>(&name, &texts);
        let (_, expected) = name.rsplit_once("__").expect("`scenario__State`");
        assert_eq!(S::summary(&saga.business).state, expected, "{name}");
        let waits = saga.flow.open.as_ref().is_some_and(|o| matches!(o.phase, Phase::Unknown { .. }));
        let at_rest = saga.flow.parked.is_some() || (saga.flow.open.is_none() && saga.flow.unwinding.is_none());
        assert!(waits || at_rest, "{name} ends in the middle of a step");
        let end = end(&saga, &beside);
        let recorded = recorded(&path.with_extension("end.json"), &end);
        assert_eq!(end, recorded, "{name}: this release makes something else of it");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test, and the histories are files")]
fn recorded(file: &Path, end: &Value) -> Value {
    if std::env::var_os("WRITE_HISTORIES").is_some() && !file.exists() {
        fs::write(file, format!("{end}\n")).expect("a file");
    }
    let text = fs::read_to_string(file);
    let text = text.unwrap_or_else(|e| panic!("{}: {e}: write it with WRITE_HISTORIES=1", file.display()));
    serde_json::from_str(&text).expect("json")
}

/// An upcaster finds its events by their name alone.
#[test]
fn the_name_of_an_event_that_changed_is_that_of_one_flow() {
    let mut flows = Vec::new();
    macro_rules! list {
        ($($saga:ty,)*) => { $({
            type Event = <$saga as Saga>::Event;
            flows.push((<$saga>::NAME, Event::NAMES, Event::CHANGES));
        })* };
    }
    sagas::for_each_saga!(list);
    for change in flows.iter().flat_map(|(.., changes)| *changes) {
        let mut of: Vec<_> = flows
            .iter()
            .filter(|(_, names, _)| names.iter().any(|names| names.contains(&change.event)))
            .map(|f| f.0)
            .collect();
        // Several versions of one flow share its events.
        of.dedup();
        assert_eq!(of.len(), 1, "{} is an event of {of:?}", change.event);
    }
}
