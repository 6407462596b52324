//! The private Postgres: starting, joining, dying and coming back, with real servers in folders of their own.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use attio_billing::store::embedded::{Durability, Embedded, EmbeddedError, Options, start};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// Selects, in a process of its own, the helper below, and names its data folder.
const HELPER: &str = "ATTIO_BILLING_TEST_STARTER";
const PATIENCE: Duration = Duration::from_secs(30);

/// A data folder that the server's user can reach, whatever our umask is.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    place
}

fn options(place: &Path) -> Options {
    Options { folder: Some(place.to_path_buf()), durability: Durability::Relaxed, ..Options::default() }
}

async fn started(place: &Path) -> Embedded {
    start(options(place)).await.unwrap_or_else(|error| panic!("no server: {error}, {error:?}"))
}

async fn ask<T>(server: &Embedded, question: &'static str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let mut connection = PgConnection::connect(server.url().expose_secret()).await.unwrap();
    let answer = sqlx::query_scalar(question).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    answer
}

fn data(place: &Path) -> PathBuf {
    place.join("postgres/cluster/data")
}

fn postmaster(place: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data(place).join("postmaster.pid")).ok()?;
    Pid::from_raw(text.lines().next()?.parse().ok()?)
}

fn write_pid_file(place: &Path, pid: u32) {
    let text = format!("{pid}\n{}\n1700000000\n5432\n\n127.0.0.1\n\nready\n", data(place).display());
    fs::write(data(place).join("postmaster.pid"), text).unwrap();
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    while !holds() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        ticks.tick().await;
    }
}

async fn is_down(place: &Path) {
    eventually("the server is down", || postmaster(place).is_none()).await;
}

/// Another process that starts a server and keeps it until it is killed.
struct Starter(Child);

impl Starter {
    /// Runs this very test binary, or a copy of it, as ourselves or as another user.
    fn run(program: &Path, place: &Path, uid: Option<u32>) -> Self {
        let mut command = Command::new(program);
        command.args(["--exact", "embedded::a_helper_process_starts_a_server_when_it_is_asked_to", "--nocapture"]);
        command.env(HELPER, place).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(uid) = uid {
            command.uid(uid).gid(uid);
        }
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let ready = said.lines().map_while(Result::ok).any(|line| line.contains("the helper's server answers"));
        assert!(ready, "the helper ended early");
        Self(child)
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test]
async fn a_helper_process_starts_a_server_when_it_is_asked_to() {
    let Some(place) = std::env::var_os(HELPER) else { return };
    let server = started(Path::new(&place)).await;
    assert_eq!(ask::<i32>(&server, "select 1").await, 1);
    println!("the helper's server answers");
    // Until our parent kills us, or is gone itself.
    std::io::stdin().lines().for_each(drop);
}

#[tokio::test]
async fn a_server_starts_from_nothing_keeps_its_data_and_stops() {
    let place = place();
    let server = start(Options { folder: Some(place.path().to_path_buf()), ..Options::default() }).await.unwrap();
    assert_eq!(ask::<i32>(&server, "select 1").await, 1);
    assert_eq!(ask::<String>(&server, "show server_encoding").await, "UTF8");
    assert_eq!(ask::<String>(&server, "show fsync").await, "on");
    let notes = server.create_database("notes \"of\" a test").await;
    assert!(notes.is_ok(), "{notes:?}");
    server.stop().await.unwrap();
    assert_eq!(postmaster(place.path()), None, "stopped when `stop` returns");

    let server = started(place.path()).await;
    let kept: i64 = ask(&server, "select count(*) from pg_database where datname like 'notes%'").await;
    assert_eq!(kept, 1);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn nobody_gets_in_without_the_password_or_sees_it() {
    let place = place();
    let server = started(place.path()).await;
    let mut url = url::Url::parse(server.url().expose_secret()).unwrap();
    assert!(!format!("{server:?}").contains(url.password().unwrap()));
    url.set_password(Some("guessed")).unwrap();
    let refused = PgConnection::connect(url.as_str()).await.expect_err("a wrong password");
    assert_eq!(refused.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref(), Some("28P01"));
    let password = fs::metadata(place.path().join("postgres/cluster/password")).unwrap();
    assert_eq!(password.mode() & 0o777, 0o600);
    let pid = postmaster(place.path()).unwrap();
    let owner = fs::metadata(data(place.path()).join("postmaster.pid")).unwrap().uid();
    assert_ne!(owner, 0, "process {pid} must not run as root");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_start_joins_and_keeps_the_server_when_the_first_stops() {
    let place = place();
    let first = started(place.path()).await;
    let second = started(place.path()).await;
    assert_eq!(first.url().expose_secret(), second.url().expose_secret());
    first.stop().await.unwrap();
    assert_eq!(ask::<i32>(&second, "select 1").await, 1);
    second.stop().await.unwrap();
    is_down(place.path()).await;
}

#[tokio::test]
async fn of_two_starts_at_once_one_wins_and_the_other_joins() {
    let place = place();
    let starts = [(); 2].map(|()| tokio::spawn(start(options(place.path()))));
    let [one, other] = starts.map(async |starting| starting.await.unwrap().unwrap());
    let (one, other) = tokio::join!(one, other);
    assert_eq!(one.url().expose_secret(), other.url().expose_secret());
    drop((one, other));
    is_down(place.path()).await;
}

#[tokio::test]
async fn the_server_dies_with_its_starter() {
    let place = place();
    let mut starter = Starter::run(&std::env::current_exe().unwrap(), place.path(), None);
    assert!(postmaster(place.path()).is_some());
    starter.kill();
    is_down(place.path()).await;
}

#[tokio::test]
async fn the_server_outlives_a_killed_starter_for_as_long_as_it_is_used() {
    let place = place();
    let mut starter = Starter::run(&std::env::current_exe().unwrap(), place.path(), None);
    let joined = started(place.path()).await;
    starter.kill();
    assert_eq!(ask::<i32>(&joined, "select 1").await, 1);
    drop(joined);
    is_down(place.path()).await;
}

#[tokio::test]
async fn an_unprivileged_user_runs_a_server_of_its_own() {
    if !rustix::process::geteuid().is_root() {
        return; // Then every other test here is this one.
    }
    let (nobody, place) = (65534, place());
    let program = place.path().join("it");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let data = place.path().join("data");
    fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(nobody), Some(nobody)).unwrap();
    let mut starter = Starter::run(&program, &data, Some(nobody));
    assert_eq!(fs::metadata(data.join("postgres/cluster/data/postmaster.pid")).unwrap().uid(), nobody);
    starter.kill();
    is_down(&data).await;
}

#[tokio::test]
async fn root_is_told_when_the_servers_user_cannot_reach_the_folder() {
    if !rustix::process::geteuid().is_root() {
        return; // The server's user is then the one who made the folder.
    }
    let closed = place();
    fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).unwrap();
    let refused = start(options(closed.path())).await.expect_err("a folder closed to all but root");
    let said = refused.to_string();
    assert!(said.contains("cannot reach or write it") && said.contains("ATTIO_BILLING_DATA"), "{said}");
}

#[tokio::test]
async fn a_killed_server_recovers_what_was_committed() {
    let place = place();
    let killed = started(place.path()).await;
    let mut connection = PgConnection::connect(killed.url().expose_secret()).await.unwrap();
    sqlx::raw_sql("create table kept as select 7 as number").execute(&mut connection).await.unwrap();
    kill_process(postmaster(place.path()).unwrap(), Signal::KILL).unwrap();

    let server = started(place.path()).await;
    assert_eq!(ask::<i32>(&server, "select number from kept").await, 7);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_stale_pid_file_is_overcome_whoever_has_the_pid_now() {
    let place = place();
    started(place.path()).await.stop().await.unwrap();

    let mut zombie = Command::new("true").spawn().unwrap();
    let pid = Pid::from_child(&zombie);
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    for (whose, pid) in [("a zombie", zombie.id()), ("gone", gone.id()), ("no server", std::process::id())] {
        write_pid_file(place.path(), pid);
        let server = started(place.path()).await;
        assert_eq!(ask::<i32>(&server, "select 1").await, 1, "the process was {whose}");
        server.stop().await.unwrap();
    }
    zombie.wait().unwrap();
}

#[tokio::test]
async fn a_half_made_cluster_is_made_anew() {
    let place = place();
    let left = place.path().join("postgres/new-0123");
    fs::create_dir_all(left.join("data/base")).unwrap();
    let server = started(place.path()).await;
    assert!(!left.exists());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_damaged_cluster_is_refused_and_left_alone() {
    let place = place();
    started(place.path()).await.stop().await.unwrap();
    let control = data(place.path()).join("global/pg_control");
    fs::rename(&control, place.path().join("pg_control")).unwrap();
    let refused = start(options(place.path())).await.expect_err("not a whole cluster");
    assert!(refused.to_string().contains("move it away"), "{refused}");
    fs::rename(place.path().join("pg_control"), &control).unwrap();
    started(place.path()).await.stop().await.unwrap();
}

#[tokio::test]
async fn a_cluster_of_another_version_is_refused_by_name() {
    let place = place();
    started(place.path()).await.stop().await.unwrap();
    let version = data(place.path()).join("PG_VERSION");
    fs::write(&version, "9\n").unwrap();
    let refused = start(options(place.path())).await.expect_err("no server is that old");
    let EmbeddedError::Version { cluster: 9, server, .. } = &refused else { panic!("{refused}") };
    let said = refused.to_string();
    assert!(said.contains("made by Postgres 9") && said.contains(&format!("is Postgres {server}")), "{said}");
    assert!(said.contains("hint: install Postgres 9"), "{said}");
}

#[tokio::test]
async fn without_a_server_the_error_names_both_ways_out() {
    let (place, empty) = (place(), place());
    let binaries = Some(empty.path().to_path_buf());
    let refused = start(Options { binaries, ..options(place.path()) }).await.expect_err("there is no server");
    let said = refused.to_string();
    assert!(said.contains("set DATABASE_URL to a Postgres 14 or newer"), "{said}");
    assert!(said.contains("apt install postgresql") && said.contains("github.com"), "{said}");
    assert!(said.contains(&empty.path().display().to_string()), "{said}");
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let place = place();
    started(place.path()).await.stop().await.unwrap();
    let configuration = data(place.path()).join("postgresql.conf");
    fs::write(&configuration, "no_such_setting = 1\n").unwrap();
    let refused = start(options(place.path())).await.expect_err("a broken configuration");
    assert!(refused.to_string().contains("no_such_setting"), "{refused}");
}
