//! The whole log in one file: one JSON object on a line, made to be verified without a database and without us.
//!
//! First a `header` with the installation and how far each shard is exported, then the published checkpoints and the last
//! one, then every event by shard and position, then an `end`. An export that was cut off goes on where the file ends.

use crate::store::checkpoints::{self, Signed};
use crate::store::entry::{self, Entry};
use crate::store::schema;
use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

/// What the header begins with.
pub const FORM: &str = "attio-billing/log/1";
const PAGE: i64 = 1_000;

/// One line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// The first.
    Header(Header),
    /// A checkpoint; `published`: a sink has it.
    Checkpoint {
        /// A sink has it.
        published: bool,
        /// It.
        checkpoint: Signed,
    },
    /// An event.
    Event(Entry),
    /// The last.
    End {
        /// How many events there are.
        events: u64,
    },
}

/// What an export is of, and how far it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORM`].
    pub form: String,
    /// Prefix of the installation.
    pub installation: String,
    /// By the database's clock (UTC).
    pub begun_at: DateTime<Utc>,
    /// Number of the last checkpoint that is in it; none: there was none.
    pub checkpoint: Option<u64>,
    /// Where each shard ends, by shard.
    pub ends: Vec<u64>,
}

/// What came of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Events in the file.
    pub events: u64,
    /// Of them, those that were there before.
    pub found: u64,
}

/// What a file holds so far.
struct Begun {
    header: Header,
    events: u64,
    last: Option<Entry>,
    /// Up to where its lines are whole, in bytes.
    whole: u64,
    ended: bool,
}

/// Writes the log to a file, or goes on with one that was cut off. `progress`: events written, and all.
///
/// # Errors
/// The database or the file cannot be used, or the file is something else.
pub async fn export(pool: &PgPool, path: &Path, mut progress: impl FnMut(u64, u64)) -> anyhow::Result<Exported> {
    let begun = begun(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
    let (header, mut out, found, last) = if let Some(begun) = begun {
        belongs(pool, &begun).await?;
        if begun.ended {
            return Ok(Exported { events: begun.events, found: begun.events });
        }
        file.set_len(begun.whole)?;
        let mut out = BufWriter::new(file);
        out.seek(SeekFrom::End(0))?;
        (begun.header, out, begun.events, begun.last)
    } else {
        file.set_len(0)?;
        let mut out = BufWriter::new(file);
        (begin(pool, &mut out).await?, out, 0, None)
    };
    let all: u64 = header.ends.iter().sum();
    let mut events = found;
    progress(events, all);
    let from = last.as_ref().map_or(0, |entry| entry.shard);
    for (shard, end) in (0_u16..).zip(&header.ends).filter(|(shard, _)| *shard >= from) {
        let mut pos = last.as_ref().filter(|entry| entry.shard == shard).map_or(0, |entry| entry.pos);
        while pos < *end {
            let page = entry::page(pool, shard, pos, *end, PAGE).await?;
            let Some(reached) = page.last().map(|entry| entry.pos) else {
                bail!("shard {shard} ends at position {pos}, and had {end} when the export began: run `log verify`");
            };
            for entry in page {
                write(&mut out, &Line::Event(entry))?;
                events += 1;
            }
            pos = reached;
            progress(events, all);
        }
    }
    write(&mut out, &Line::End { events })?;
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(Exported { events, found })
}

/// Header and checkpoints.
async fn begin(pool: &PgPool, out: &mut impl Write) -> anyhow::Result<Header> {
    let stamp = schema::stamp_of(pool).await?.context("this database belongs to no installation yet")?;
    let mut kept: Vec<checkpoints::Kept> = Vec::new();
    loop {
        let mut page = checkpoints::after(pool, kept.last().map_or(0, |kept| kept.number), true, 500).await?;
        if page.is_empty() {
            break;
        }
        kept.append(&mut page);
    }
    // Read before the heads: what it signed is in the export.
    let last = checkpoints::last(pool).await?.filter(|last| kept.last().is_none_or(|kept| kept.signed != *last));
    let ends = checkpoints::heads(pool).await?.into_iter().map(|head| head.pos).collect();
    let number = |signed: &Signed| serde_json::from_str::<checkpoints::Body>(&signed.body).ok().map(|body| body.number);
    let header = Header {
        form: FORM.to_owned(),
        installation: stamp.prefix,
        begun_at: crate::store::checks::database_now(pool).await?,
        checkpoint: last.as_ref().and_then(number).or(kept.last().map(|kept| kept.number)),
        ends,
    };
    write(out, &Line::Header(header.clone()))?;
    for kept in kept {
        write(out, &Line::Checkpoint { published: kept.published, checkpoint: kept.signed })?;
    }
    if let Some(checkpoint) = last {
        write(out, &Line::Checkpoint { published: false, checkpoint })?;
    }
    Ok(header)
}

fn write(out: &mut impl Write, line: &Line) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    Ok(out.write_all(b"\n")?)
}

/// What the file holds; none: nothing that counts.
fn begun(path: &Path) -> anyhow::Result<Option<Begun>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let mut begun: Option<Begun> = None;
    let mut reader = BufReader::new(file);
    let (mut bytes, mut checkpoints, mut text) = (0, None, Vec::new());
    loop {
        text.clear();
        bytes += reader.read_until(b'\n', &mut text)? as u64;
        if text.last() != Some(&b'\n') {
            break;
        }
        let line = serde_json::from_slice(&text);
        match (&mut begun, line) {
            (None, Ok(Line::Header(header))) if header.form == FORM => {
                begun = Some(Begun { header, events: 0, last: None, whole: bytes, ended: false });
            }
            (Some(_), Ok(Line::Checkpoint { checkpoint, .. })) => checkpoints = Some(checkpoint),
            (Some(begun), Ok(Line::Event(entry))) => {
                begun.events += 1;
                begun.last = Some(entry);
                begun.whole = bytes;
            }
            (Some(begun), Ok(Line::End { .. })) => begun.ended = true,
            _ => bail!("it is no export of a log, or was damaged: give the name of another file"),
        }
    }
    if begun.is_none() && bytes > 0 {
        bail!("it is no export of a log: give the name of another file");
    }
    // Cut off among the checkpoints: begun anew, which costs little.
    Ok(begun.filter(|begun| {
        begun.last.is_some() || begun.ended || (checkpoints.is_none() && begun.header.checkpoint.is_none())
    }))
}

/// Refuses to go on with the file of another log.
async fn belongs(pool: &PgPool, begun: &Begun) -> anyhow::Result<()> {
    let stamp = schema::stamp_of(pool).await?.context("this database belongs to no installation yet")?;
    if stamp.prefix != begun.header.installation {
        bail!("the file is of installation {}, and this is {}", begun.header.installation, stamp.prefix);
    }
    let Some(last) = &begun.last else { return Ok(()) };
    let stored = entry::page(pool, last.shard, last.pos - 1, last.pos, 1).await?;
    if stored.first() != Some(last) {
        bail!(
            "shard {}, position {} differs between the file and this database: export to another file, and compare both with `log verify`",
            last.shard,
            last.pos
        );
    }
    Ok(())
}
