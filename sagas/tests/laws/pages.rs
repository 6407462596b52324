//! The page of each flow in `docs/sagas/`: what people wrote, and below the mark the step table from the declaration and the
//! graph of states as the recorded histories walk it. `UPDATE_DOCS=1` writes that part anew.

use crate::histories::{histories, read};
use sagas::kernel::record::{Record, Recorded};
use sagas::kernel::saga::{BusinessEvent, Saga};
use sagas::kernel::step::{Class, Undo};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

const MARK: &str = "<!-- Below: written from the declaration and the recorded histories, with UPDATE_DOCS=1. -->\n";

/// Whence, whither, and the events that lead there.
type Ways = BTreeMap<(String, String), Vec<&'static str>>;

/// Compares the page of a flow with what the flow is.
#[expect(clippy::disallowed_methods, reason = "a test, and the page is a file")]
pub(crate) fn compare<S: Saga>() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/sagas/{}.md", S::NAME));
    let page = fs::read_to_string(&path).unwrap_or_default();
    let told = page.split_once(MARK).map_or(page.as_str(), |(told, _)| told);
    let title = format!("# `{}`\n", S::NAME);
    assert!(
        told.starts_with(&title) && told.trim_end().lines().count() > 2,
        "docs/sagas/{}.md: begin it with the line `{}` and a few sentences: what starts it, what it promises, what it never does",
        S::NAME,
        title.trim_end()
    );
    let wanted = format!("{}\n\n{MARK}\n{}", told.trim_end(), drawn::<S>());
    if std::env::var_os("UPDATE_DOCS").is_some() && page != wanted {
        fs::write(&path, &wanted).expect("the page can be written");
        return;
    }
    assert_eq!(page, wanted, "docs/sagas/{}.md is not what the flow is: run this test with UPDATE_DOCS=1", S::NAME);
}

fn drawn<S: Saga>() -> String {
    let mut page = format!("{}. Definition {}.\n\n", S::PURPOSE, S::VERSION);
    page.push_str("## Steps\n\n| step | is | undone by |\n| --- | --- | --- |\n");
    for step in S::STEPS {
        let class = match step.class {
            Class::Read => "a read",
            Class::Compensatable => "can be undone",
            Class::Pivot => "**the pivot**",
            Class::Retriable => "repeated until done",
            Class::Projection => "shows, never fails the flow",
        };
        let undo = match step.undo {
            Undo::Effect => "a call of its own",
            Undo::None(why) => why,
        };
        let _ = writeln!(page, "| `{}` | {class} | {undo} |", step.name);
    }
    page.push_str("\n## States\n\nAs the recorded histories in `tests/fixtures/histories/` walk them.\n\n");
    page.push_str("```mermaid\nstateDiagram-v2\n");
    for ((from, to), events) in ways::<S>() {
        let label = if events.is_empty() { String::new() } else { format!(": {}", events.join(", ")) };
        let _ = writeln!(page, "    {from} --> {to}{label}");
    }
    page.push_str("```\n");
    page
}

fn ways<S: Saga>() -> Ways {
    let mut ways = Ways::new();
    for (_, texts) in histories(S::NAME) {
        let mut saga = Recorded::<S>::default();
        let mut from = "[*]".to_owned();
        for text in texts.lines() {
            let (event, _) = read::<S>(S::NAME, text);
            saga.evolve(&event);
            let Record::Business(event) = event else { continue };
            let to = S::summary(&saga.business).state;
            if to != from {
                let events = ways.entry((from, to.clone())).or_default();
                if !events.contains(&event.name()) {
                    events.push(event.name());
                }
                from = to;
            }
        }
        if saga.flow.ended.is_some() {
            ways.entry((from, "[*]".to_owned())).or_default();
        }
    }
    for events in ways.values_mut() {
        events.sort_unstable();
    }
    ways
}
