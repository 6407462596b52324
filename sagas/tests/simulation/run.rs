//! Runs a seed, tells a failure in its shortest form, counts what was reached.

use crate::people::the_end;
use crate::world::{Trace, World};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Cells reached: flow, step, what happened there.
pub(crate) type Cells = BTreeMap<(String, String, String), u32>;

/// What came of a run.
pub(crate) struct Run {
    pub(crate) hash: u64,
    pub(crate) events: u64,
    pub(crate) broken: Option<String>,
    pub(crate) mishaps: Vec<(u32, String)>,
    pub(crate) cells: Cells,
    pub(crate) told: Vec<String>,
    /// How sagas ended: flow, the flow's own word.
    pub(crate) ends: BTreeSet<(String, String)>,
}

/// Plays a seed; `only` lets only these mishaps happen, `tell` keeps the story.
pub(crate) fn play(seed: u64, only: Option<BTreeSet<u32>>, tell: bool) -> Run {
    let mut world = World::new(seed, only);
    if tell {
        world.trace = Trace { lines: Some(Vec::new()), ..Trace::default() };
    }
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        world.run(the_end(world.healed_at));
        if world.broken.is_none() {
            world.check_rest();
        }
    }));
    if let Err(cause) = panicked {
        let text = cause.downcast_ref::<String>().cloned();
        let text = text.or_else(|| cause.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        world.broken = Some(format!("panicked: {}", text.unwrap_or_default()));
    }
    let mut told = world.trace.lines.take().unwrap_or_default();
    if tell {
        told.extend(books(&world));
    }
    let ends = world.sagas.values().map(|s| (s.live.flow_name().to_owned(), s.live.summary().state)).collect();
    Run {
        hash: world.trace.hash,
        events: world.trace.events,
        broken: world.broken,
        mishaps: world.mishaps.happened,
        cells: world.cells,
        told,
        ends,
    }
}

/// The books of all sides, for people.
fn books(world: &World) -> Vec<String> {
    let mut lines = vec!["--- the books".to_owned()];
    for sale in &world.braintree.sales {
        lines.push(format!("braintree {} {} {:?} {}", sale.id, sale.order_id, sale.status, sale.amount));
    }
    for bill in &world.zoho.bills {
        let (balance, void) = (world.zoho.balance(bill), if bill.void { " void" } else { "" });
        lines.push(format!("zoho invoice {} total {} balance {balance}{void}", bill.id, bill.total));
    }
    for payment in &world.zoho.payments {
        lines.push(format!("zoho payment on {} of {}: {}", payment.invoice, payment.reference, payment.amount));
    }
    for (invoice, sums) in &world.tables.by_invoice {
        lines.push(format!("ledger invoice {invoice}: {sums:?}"));
    }
    for (id, slot) in &world.sagas {
        let flow = slot.live.flow();
        let parked = flow.parked.as_ref().map(|p| format!(" {} {}", p.code, p.detail)).unwrap_or_default();
        lines.push(format!("{} {id}: {}{parked}", slot.live.flow_name(), slot.live.summary().state));
    }
    lines
}

/// The fewest mishaps with which the seed still breaks a law: one after the other is left out.
pub(crate) fn shrink(seed: u64, mishaps: &[(u32, String)]) -> BTreeSet<u32> {
    let mut kept: BTreeSet<u32> = mishaps.iter().map(|(n, _)| *n).collect();
    let fails = |only: &BTreeSet<u32>| play(seed, Some(only.clone()), false).broken.is_some();
    if !fails(&kept) {
        return kept;
    }
    // First the halves that are not needed, then single ones.
    let mut size = kept.len().div_ceil(2);
    while size > 0 {
        for chunk in kept.clone().into_iter().collect::<Vec<_>>().chunks(size) {
            let fewer: BTreeSet<u32> = kept.iter().filter(|n| !chunk.contains(n)).copied().collect();
            if fewer.len() < kept.len() && fails(&fewer) {
                kept = fewer;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2).min(size - 1) };
    }
    kept
}

/// A failure as it is printed: the law, the mishaps that it takes, the story's end, the books, and how to see it again.
pub(crate) fn report(seed: u64, run: &Run) -> String {
    let only = shrink(seed, &run.mishaps);
    let again = play(seed, Some(only.clone()), true);
    let numbers = only.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let law = again.broken.as_ref().or(run.broken.as_ref()).cloned().unwrap_or_default();
    let mishaps: Vec<_> = again.mishaps.iter().map(|(n, what)| format!("  {n}: {what}")).collect();
    let story = &again.told[again.told.len().saturating_sub(60)..];
    format!(
        "seed {seed} breaks a law: {law}\nof {} mishaps these suffice:\n{}\nthe end of the story:\n{}\nsee it again: SEED={seed} MISHAPS={numbers} cargo test -p sagas --test simulation replay -- --nocapture",
        run.mishaps.len(),
        mishaps.join("\n"),
        story.iter().map(|line| line.chars().take(400).collect::<String>()).collect::<Vec<_>>().join("\n"),
    )
}
