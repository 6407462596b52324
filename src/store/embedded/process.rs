//! Tells whether a pid file speaks the truth: whether its process is a postmaster of this very folder.
//!
//! Refuses to trust a number: pids are reused, and a zombie still counts as alive for `kill -0`, which is why the
//! server's own check is not enough.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the server writes into `postmaster.pid`; the port comes a moment after the pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: u32,
    pub(super) port: Option<u16>,
}

impl PidFile {
    /// `None` when there is none.
    pub(super) fn read(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        // An unreadable number is as stale as that of a dead process: 0 is nobody's.
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok()).unwrap_or(0);
        let port = text.lines().nth(3).and_then(|line| line.trim().parse().ok());
        Some(Self { pid, port })
    }
}

/// Whether a live process of this id is a server of the folder `data`.
pub(super) fn is_postmaster(pid: u32, data: &Path) -> bool {
    let Some((state, name)) = state_and_name(pid) else { return false };
    let alive = !state.starts_with(['Z', 'X']);
    let server = ["postgres", "postmaster"].iter().any(|known| name.ends_with(known));
    // A postmaster works in its data folder; where the system does not tell, connecting decides.
    let elsewhere = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder != data);
    alive && server && !elsewhere
}

fn state_and_name(pid: u32) -> Option<(String, String)> {
    if Path::new("/proc/self/stat").exists() {
        // `1234 (name with ) in it) S …`
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, tail) = stat.rsplit_once(')')?;
        return Some((tail.trim().chars().take(1).collect(), head.split_once('(')?.1.to_owned()));
    }
    let asked = Command::new("ps").args(["-o", "stat=,comm=", "-p", &pid.to_string()]).stderr(Stdio::null()).output();
    let said = String::from_utf8(asked.ok()?.stdout).ok()?;
    let (state, name) = said.trim().split_once(' ')?;
    Some((state.to_owned(), name.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_read_even_when_half_written() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(PidFile::read(data.path()), None);
        let cases = [
            ("77\n/data\n1700000000\n5433\n\n127.0.0.1\n", PidFile { pid: 77, port: Some(5433) }),
            ("77\n/data\n", PidFile { pid: 77, port: None }),
            ("", PidFile { pid: 0, port: None }),
        ];
        for (text, expected) in cases {
            fs::write(data.path().join("postmaster.pid"), text).unwrap();
            assert_eq!(PidFile::read(data.path()), Some(expected));
        }
    }

    #[test]
    fn a_process_that_is_no_server_is_not_mistaken_for_one() {
        assert!(!is_postmaster(std::process::id(), Path::new("/")));
    }
}
