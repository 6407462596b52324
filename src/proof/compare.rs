//! Compares the checkpoints of the database with those that a sink has.

use super::sink::{Contents, Sink};
use crate::store::checkpoints::{self, Kept, Signed};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};

/// What a comparison showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Checkpoints that both have, word by word.
    pub in_both: u64,
    /// The sink only takes.
    pub not_readable: bool,
    /// What differs, for people.
    pub differences: Vec<String>,
}

/// Compares them.
///
/// # Errors
/// The database or the sink cannot be read.
pub async fn compare(pool: &PgPool, sink: &Sink) -> anyhow::Result<Compared> {
    let Contents::Lines(lines) = sink.contents().map_err(anyhow::Error::msg)? else {
        return Ok(Compared { not_readable: true, ..Compared::default() });
    };
    let mut compared = Compared::default();
    let mut there: BTreeMap<u64, Signed> = BTreeMap::new();
    let mut lost: BTreeSet<u64> = BTreeSet::new();
    for line in lines {
        match line.map_err(|number| format!("line {number} of the sink is no checkpoint: it was changed or cut off")) {
            Ok(signed) => match signed.open() {
                Ok((body, _)) => {
                    // What a restore declared lost is in the sink alone, rightly.
                    if let Some(last) = body.breaks.iter().map(|lost| lost.checkpoint).max() {
                        lost.extend(there.keys().filter(|number| **number <= last));
                    }
                    there.insert(body.number, signed);
                }
                Err(what) => compared.differences.push(format!("a checkpoint of the sink: {what}")),
            },
            Err(what) => compared.differences.push(what),
        }
    }
    let mut number = 0;
    loop {
        let page = checkpoints::after(pool, number, false, 500).await?;
        let Some(last) = page.last() else { break };
        number = last.number;
        for kept in &page {
            one(kept, there.remove(&kept.number).as_ref(), &mut compared);
        }
    }
    for number in there.into_keys().filter(|number| !lost.contains(number)) {
        compared.differences.push(format!("checkpoint {number} is in the sink and not in the database"));
    }
    Ok(compared)
}

fn one(kept: &Kept, there: Option<&Signed>, compared: &mut Compared) {
    let number = kept.number;
    match there {
        Some(signed) if *signed == kept.signed => compared.in_both += 1,
        Some(signed) => compared.differences.push(format!(
            "checkpoint {number} has hash {} in the database and {} in the sink",
            kept.signed.hash, signed.hash
        )),
        None if kept.published => {
            compared.differences.push(format!("checkpoint {number} was published, and the sink does not have it"));
        }
        None => {}
    }
}
