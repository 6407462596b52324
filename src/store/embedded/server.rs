//! Launches the server of a folder, joins a running one, and lets go of it.
//!
//! The users of a server hold the writing end of a named pipe. A small shell around the server waits for the end of
//! that pipe and then asks for a fast shutdown. So the server stops when its last user is gone, even by `kill -9`.
//! Refuses to signal a process by a number from a file: the shell signals only its own child.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags, fcntl_setfl, open};

use super::binaries::Binaries;
use super::folder::Folder;
use super::process::{PidFile, is_postmaster};
use super::{Durability, EmbeddedError, Login, Patience, doing};

/// `"$@"` is the server, standard input the pipe. The watcher closes its end before it signals, so that nobody joins a
/// server that is going down. Signals of the terminal do not reach us: the shell leads a process group of its own.
const KEEPER: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
( while read -r _; do :; done <&3; exec 3<&-; kill -INT "$server" ) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"#;

/// How long crash recovery may take before we give up on a server that lives but does not answer.
const ANSWER_PATIENCE: Duration = Duration::from_mins(5);
/// How long a launch is repeated for reasons that pass.
const LAUNCH_PATIENCE: Duration = Duration::from_secs(30);
/// How long a server that nobody holds may take to go down before we take it for one started by hand.
const UNHELD_PATIENCE: Duration = Duration::from_secs(3);
/// How long a shutdown may take: it writes a checkpoint.
const STOP_PATIENCE: Duration = Duration::from_mins(1);
/// How long the last line of a failed server may take to reach its log.
const LOG_PATIENCE: Duration = Duration::from_secs(2);
/// Log files that grew beyond this are dropped at the next launch.
const LOG_BYTES: u64 = 10 * 1024 * 1024;
/// Failures that pass by themselves: the port was taken meanwhile; backends of a killed server are still dying.
const PASSING: [&str; 2] = ["Address already in use", "pre-existing shared memory block"];

/// A running server, held.
#[derive(Debug)]
pub(super) struct Server {
    folder: Folder,
    port: u16,
    /// Our end of the pipe; `None` when we joined a server that was started by hand.
    hold: Option<File>,
    /// The shell around the server, when we are the starter.
    keeper: Option<Child>,
}

/// How a launched server came out.
enum Launch {
    Answers,
    Ended,
}

impl Server {
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Joins the server that runs in the folder; `None` when none does, and then no pid file is left in the way.
    /// The caller holds the lock.
    pub(super) async fn join(folder: &Folder) -> Result<Option<Self>, EmbeddedError> {
        let data = folder.data();
        let patience = Patience::of(ANSWER_PATIENCE);
        let mut unheld: Option<Patience> = None;
        loop {
            let Some(PidFile { pid, port }) = PidFile::read(&data) else { return Ok(None) };
            if !is_postmaster(pid, &data) {
                tracing::info!(pid, "removing the pid file of a server that is gone");
                let path = data.join("postmaster.pid");
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(doing("remove the stale", &path)(error));
                    }
                    Ok(()) | Err(_) => return Ok(None),
                }
            }
            let hold = take_hold(folder)?;
            if hold.is_none() {
                unheld.get_or_insert_with(|| Patience::of(UNHELD_PATIENCE));
            }
            let by_hand = unheld.is_some_and(Patience::is_over);
            if let Some(port) = port
                && (hold.is_some() || by_hand)
                && answers(folder, port).await?
                // Still watched after it has answered: so it was not already going down when we took hold.
                && (by_hand || take_hold(folder)?.is_some())
            {
                return Ok(Some(Self { folder: folder.clone(), port, hold, keeper: None }));
            }
            if !patience.tick().await {
                let problem = format!("runs as process {pid} but does not answer");
                return Err(EmbeddedError::Server { folder: folder.root().to_path_buf(), problem });
            }
        }
    }

    /// Starts the server of the folder and waits until it answers. The caller holds the lock and found none running.
    pub(super) async fn launch(
        folder: &Folder,
        binaries: &Binaries,
        durability: Durability,
    ) -> Result<Self, EmbeddedError> {
        let patience = Patience::of(LAUNCH_PATIENCE);
        loop {
            let log = Log::mark(folder)?;
            let mut server = Self::spawn(folder, binaries, durability)?;
            let problem = match server.wait_until_it_answers().await? {
                Launch::Answers => return Ok(server),
                Launch::Ended => log.last_words().await,
            };
            let passes = PASSING.iter().any(|passing| problem.contains(passing));
            if !passes || !patience.tick().await {
                let problem = format!("did not start: {problem}");
                return Err(EmbeddedError::Server { folder: folder.root().to_path_buf(), problem });
            }
            tracing::debug!(problem, "starting the database once more");
        }
    }

    fn spawn(folder: &Folder, binaries: &Binaries, durability: Durability) -> Result<Self, EmbeddedError> {
        let port = free_port()?;
        let (reader, hold) = new_hold(folder)?;
        let said = folder.create(&folder.root().join("start.log"))?;
        let said_too = said.try_clone().map_err(doing("write", folder.root()))?;
        let mut keeper = folder.command("sh");
        keeper.arg("-c").arg(KEEPER).arg("attio-billing-postgres").arg(binaries.folder.join("postgres"));
        keeper.arg("-D").arg(folder.data()).args(settings(folder, port, durability));
        keeper.stdin(reader).stdout(said).stderr(said_too).process_group(0);
        let keeper = keeper.spawn().map_err(doing("start the server in", folder.root()))?;
        Ok(Self { folder: folder.clone(), port, hold: Some(hold), keeper: Some(keeper) })
    }

    async fn wait_until_it_answers(&mut self) -> Result<Launch, EmbeddedError> {
        let patience = Patience::of(ANSWER_PATIENCE);
        loop {
            if self.has_ended()? {
                return Ok(Launch::Ended);
            }
            if answers(&self.folder, self.port).await? {
                return Ok(Launch::Answers);
            }
            if !patience.tick().await {
                let problem = "was started but does not answer".to_owned();
                return Err(EmbeddedError::Server { folder: self.folder.root().to_path_buf(), problem });
            }
        }
    }

    fn has_ended(&mut self) -> Result<bool, EmbeddedError> {
        let Some(keeper) = &mut self.keeper else { return Ok(false) };
        Ok(keeper.try_wait().map_err(doing("watch the server in", self.folder.root()))?.is_some())
    }

    pub(super) async fn stop(mut self) -> Result<(), EmbeddedError> {
        drop(self.hold.take());
        if self.keeper.is_none() {
            return Ok(());
        }
        // The watcher lets go of the pipe at once when nobody else writes to it.
        let shared = Patience::of(Duration::from_millis(500));
        while take_hold(&self.folder)?.is_some() {
            if !shared.tick().await {
                tracing::info!("another process uses the database; it stops with the last of them");
                return Ok(());
            }
        }
        let patience = Patience::of(STOP_PATIENCE);
        while !self.has_ended()? {
            if !patience.tick().await {
                let problem = "did not shut down in time".to_owned();
                return Err(EmbeddedError::Server { folder: self.folder.root().to_path_buf(), problem });
            }
        }
        Ok(())
    }
}

/// Whether the server on this port is that of the folder and takes our password.
async fn answers(folder: &Folder, port: u16) -> Result<bool, EmbeddedError> {
    let login = Login { port, password: folder.password()? };
    let asked = async {
        let mut connection = login.connect("postgres").await?;
        let served: String = sqlx::query_scalar("show data_directory").fetch_one(&mut connection).await?;
        Ok(served)
    };
    match asked.await {
        Ok(served) => Ok(Path::new(&served) == folder.data()),
        // Starting up, shutting down, recovering.
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code.starts_with("57P")) => Ok(false),
        Err(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A fresh pipe: its reading end for the watcher and its writing end for us.
fn new_hold(folder: &Folder) -> Result<(Stdio, File), EmbeddedError> {
    let path = folder.hold();
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(doing("renew", &path)(error)),
        Ok(()) | Err(_) => {}
    }
    let made = folder.command("mkfifo").args(["-m", "600"]).arg(&path).status().map_err(doing("make", &path))?;
    if !made.success() {
        return Err(doing("make", &path)(io::Error::other("mkfifo failed")));
    }
    // Opened for reading first, without waiting: a pipe can only be opened for writing once it has a reader. The end
    // is then handed over already open, so that a watcher whose starter dies meanwhile sees the end at once.
    let opened = open(&path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).and_then(|reader| {
        let writer = open(&path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        fcntl_setfl(&reader, OFlags::empty())?;
        Ok((reader, writer))
    });
    let (reader, writer) = opened.map_err(|error| doing("open", &path)(error.into()))?;
    Ok((Stdio::from(reader), File::from(writer)))
}

/// Our own writing end of a running server's pipe; `None` when nobody watches it.
fn take_hold(folder: &Folder) -> Result<Option<File>, EmbeddedError> {
    let path = folder.hold();
    match open(&path, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
        Ok(writer) => Ok(Some(File::from(writer))),
        Err(rustix::io::Errno::NXIO | rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(doing("open", &path)(error.into())),
    }
}

/// Free at this moment; a launch that finds it taken is repeated with another.
fn free_port() -> Result<u16, EmbeddedError> {
    let probe = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    Ok(probe.map_err(|source| EmbeddedError::Io { act: "find a free port on 127.0.0.1".to_owned(), source })?.port())
}

/// Given at every start, so that a folder follows the program that opens it.
fn settings(folder: &Folder, port: u16, durability: Durability) -> Vec<String> {
    let mut settings = vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "max_connections=200".to_owned(),
        "shared_buffers=128MB".to_owned(),
        "timezone=UTC".to_owned(),
        // One file a weekday, overwritten a week later. No statements and no details: they could name a person.
        "logging_collector=on".to_owned(),
        format!("log_directory={}", folder.root().join("log").display()),
        "log_filename=server-%a.log".to_owned(),
        "log_rotation_age=1d".to_owned(),
        "log_rotation_size=0".to_owned(),
        "log_truncate_on_rotation=on".to_owned(),
        "log_timezone=UTC".to_owned(),
        "log_min_messages=warning".to_owned(),
        "log_min_error_statement=panic".to_owned(),
        "log_error_verbosity=terse".to_owned(),
    ];
    if durability == Durability::Relaxed {
        let relaxed = ["fsync=off", "full_page_writes=off"];
        settings.extend(relaxed.map(str::to_owned));
    }
    settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
}

/// What the server's log held before a launch, to tell what the launch added.
struct Log {
    start: PathBuf,
    folder: PathBuf,
    before: BTreeMap<PathBuf, u64>,
}

impl Log {
    /// Notes the log as it is, without what is too big to keep.
    fn mark(folder: &Folder) -> Result<Self, EmbeddedError> {
        let log = folder.root().join("log");
        let mut before = BTreeMap::new();
        for entry in fs::read_dir(&log).into_iter().flatten().flatten() {
            let length = entry.metadata().map_or(0, |found| found.len());
            if length > LOG_BYTES {
                fs::remove_file(entry.path()).map_err(doing("remove", &entry.path()))?;
            } else {
                before.insert(entry.path(), length);
            }
        }
        Ok(Self { start: folder.root().join("start.log"), folder: log, before })
    }

    /// The reason a server gave before it ended. Its log is written by another process: it may come a moment later.
    async fn last_words(&self) -> String {
        let patience = Patience::of(LOG_PATIENCE);
        loop {
            let said = self.added();
            let told = ["FATAL", "PANIC"].iter().any(|level| said.contains(level));
            if told || !patience.tick().await {
                let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
                return lines[lines.len().saturating_sub(6)..].join(" | ");
            }
        }
    }

    fn added(&self) -> String {
        let mut said = fs::read_to_string(&self.start).unwrap_or_default();
        let logs = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let newest = logs
            .max_by_key(|path| path.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH));
        if let Some(bytes) = newest.as_ref().and_then(|path| fs::read(path).ok()) {
            let known = newest.and_then(|path| self.before.get(&path).copied()).unwrap_or(0);
            let known = usize::try_from(known).unwrap_or(0);
            said.push_str(&String::from_utf8_lossy(bytes.get(known..).unwrap_or(&bytes)));
        }
        said
    }
}
