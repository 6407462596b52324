//! Verifies an export without a database: chains, checkpoints, signatures, and that nothing is missing at its end.

use super::export::{FORM, Header, Line};
use crate::store::checkpoints::Signed;
use crate::store::entry::{Chain, Entry};
use crate::store::signature::PublicKey;
use crate::store::verify::{Break, Report, ShardHead};
use crate::store::witness::Witness;
use anyhow::Context;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Verifies the export in a file. Only these keys and those that they introduce are believed, where any are given; what a
/// sink has is held against it, too. `progress`: events read, and all.
///
/// # Errors
/// The file cannot be read, or is no export. A broken one is no error but a report.
pub fn verify_export(
    path: &Path,
    trusted: &[PublicKey],
    published: &[Signed],
    mut progress: impl FnMut(u64, u64),
) -> anyhow::Result<Report> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut lines = BufReader::new(file).split(b'\n');
    let first = lines.next().transpose().with_context(|| format!("{} cannot be read", path.display()))?;
    let header = match first.as_deref().map(serde_json::from_slice) {
        Some(Ok(Line::Header(header))) if header.form == FORM => header,
        _ => anyhow::bail!("{} is no export of a log: its first line is no header of form {FORM}", path.display()),
    };
    let mut reading = Reading::new(header, trusted);
    for line in published {
        if let Err(what) = reading.sink.hear(line, true, false) {
            return Ok(reading.broken(Break::general(format!("in the published lines, {what}"))));
        }
    }
    if let Some(what) = reading.sink.unbelieved().filter(|_| !published.is_empty()) {
        return Ok(reading.broken(Break::general(format!("in the published lines, {what}"))));
    }
    for (number, text) in (2_u64..).zip(lines) {
        let text = text.with_context(|| format!("{}, line {number} cannot be read", path.display()))?;
        match reading.take(number, &text) {
            None => progress(reading.report.events, reading.all),
            Some(found) => return Ok(reading.broken(found)),
        }
    }
    Ok(reading.end())
}

struct Reading {
    header: Header,
    all: u64,
    witness: Witness,
    sink: Witness,
    chain: Chain,
    report: Report,
    ended: bool,
}

impl Reading {
    fn new(header: Header, trusted: &[PublicKey]) -> Self {
        let shards = u16::try_from(header.ends.len()).unwrap_or(u16::MAX);
        Self {
            all: header.ends.iter().sum(),
            header,
            witness: Witness::trusting(trusted),
            sink: Witness::trusting(trusted),
            chain: Chain::new(0, shards),
            report: Report::new(),
            ended: false,
        }
    }

    /// Takes a line; what is wrong with it.
    fn take(&mut self, number: u64, text: &[u8]) -> Option<Break> {
        let general = |what: String| Some(Break::general(format!("line {number}: {what}")));
        if self.ended {
            return general("there is something behind the end".to_owned());
        }
        match serde_json::from_slice(text) {
            Ok(Line::Event(entry)) => self.event(&entry),
            Ok(Line::Checkpoint { published, checkpoint }) => match self.witness.hear(&checkpoint, published, false) {
                Ok(()) => None,
                Err(what) => general(what),
            },
            Ok(Line::End { events }) => {
                self.ended = true;
                let found = self.report.events;
                if events == found {
                    return None;
                }
                general(format!("the end says {events} events, and there are {found}"))
            }
            Ok(Line::Header(_)) => general("a second header".to_owned()),
            Err(e) => general(format!("it cannot be read ({e}): it was changed or cut off")),
        }
    }

    fn event(&mut self, entry: &Entry) -> Option<Break> {
        while self.chain.shard < entry.shard {
            if let Some(found) = self.close() {
                return Some(found);
            }
        }
        let at = |what: String| Some(Break::at(entry.shard, entry.pos, what));
        if entry.shard < self.chain.shard {
            return at(format!("it comes after events of shard {}", self.chain.shard));
        }
        let signed = |witness: &Witness| witness.contradicts(entry.shard, entry.pos, &entry.hash);
        let wrong = self.chain.follow(entry).or_else(|| signed(&self.witness)).or_else(|| signed(&self.sink));
        if let Some(what) = wrong {
            return at(what);
        }
        self.report.events += 1;
        None
    }

    /// The shard is over: it must be as long as the header says. The next one begins.
    fn close(&mut self) -> Option<Break> {
        let (shard, pos) = (self.chain.shard, self.chain.pos);
        let end = self.header.ends.get(usize::from(shard)).copied().unwrap_or(0);
        self.report.heads.push(ShardHead { shard, pos, hash: self.chain.hash });
        self.chain = Chain::new(shard + 1, self.chain.shards);
        if pos != end {
            let what = format!("it is missing: the header says that the shard ends at {end}, and it ends at {pos}");
            return Some(Break::at(shard, pos + 1, what));
        }
        let beyond =
            self.witness.beyond(shard, pos).or_else(|| self.sink.beyond(shard, pos).filter(|(at, _)| *at <= end));
        beyond.map(|(pos, what)| Break::at(shard, pos, what))
    }

    fn broken(mut self, found: Break) -> Report {
        self.report.first_break = Some(found);
        self.report.heard(&self.witness);
        self.report
    }

    fn end(mut self) -> Report {
        if !self.ended {
            let (events, all) = (self.report.events, self.all);
            let what = format!(
                "the export is cut off: it has no end line, and {events} of {all} events; `log export` goes on with it"
            );
            return self.broken(Break::general(what));
        }
        if let Some(what) = self.witness.unbelieved() {
            return self.broken(Break::general(what));
        }
        while usize::from(self.chain.shard) < self.header.ends.len() {
            if let Some(found) = self.close() {
                return self.broken(found);
            }
        }
        self.report.heard(&self.witness);
        self.report
    }
}
