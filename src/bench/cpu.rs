//! Processor time of this process and of the Postgres behind a pool, as Linux counts it. Elsewhere nothing is said.

use crate::store::yardstick;
use sqlx::PgPool;
use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// Processor time used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cpu {
    /// By this process.
    pub(super) ours: Option<Duration>,
    /// By Postgres with all its processes; absent where it runs on another machine.
    pub(super) postgres: Option<Duration>,
}

/// One line of `/proc/*/stat`.
struct Process {
    name: String,
    parent: u32,
    /// In ticks, of its own.
    own: u64,
    /// In ticks, of its children that have ended.
    ended: u64,
}

impl Cpu {
    pub(super) async fn now(pool: &PgPool) -> Self {
        let backend = yardstick::backend(pool).await.ok();
        let ours = process(std::process::id()).map(|process| time(process.own));
        Self { ours, postgres: backend.and_then(|pid| u32::try_from(pid).ok()).and_then(server) }
    }

    pub(super) fn since(self, before: &Self) -> Self {
        let used = |now: Option<Duration>, then: Option<Duration>| Some(now?.saturating_sub(then?));
        Self { ours: used(self.ours, before.ours), postgres: used(self.postgres, before.postgres) }
    }
}

/// All processes of the server to which a backend belongs.
fn server(backend: u32) -> Option<Duration> {
    let postmaster = process(backend).filter(|p| p.name.starts_with("postgres"))?.parent;
    let main = process(postmaster)?;
    let pids = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let all: HashMap<u32, Process> = pids.filter_map(|pid| Some((pid, process(pid)?))).collect();
    let children = all.values().filter(|p| p.parent == postmaster).map(|p| p.own).sum::<u64>();
    Some(time(main.own + main.ended + children))
}

fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything; after it the fields count from the third.
    let (head, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |at: usize| fields.get(at - 3)?.parse::<u64>().ok();
    Some(Process {
        name: head.split_once('(')?.1.to_owned(),
        parent: u32::try_from(number(4)?).ok()?,
        own: number(14)? + number(15)?,
        ended: number(16)? + number(17)?,
    })
}

fn time(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second().max(1))
}
