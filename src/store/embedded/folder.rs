//! The folder of the private server: where it lies, who owns it, its lock, and the making of the cluster in it.
//!
//! Refuses to delete or overwrite anything that could be a finished cluster: a cluster is made under a name of its own
//! and renamed into place as the last act, so that whatever carries the final name is whole.
//!
//! ```text
//! <data>/postgres/            0700, owned by the user the server runs as
//!     lock                    held while somebody starts or joins
//!     hold                    the pipe whose writers keep the server running
//!     cluster/data            the server's own data folder
//!     cluster/password        of the one role, 0600
//!     log/  start.log         what the server says
//!     new-<random>            a cluster that is being made, or was left half made
//! ```

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use etcetera::BaseStrategy;
use rustix::fs::{FlockOperation, flock};
use secrecy::SecretString;

use super::binaries::Binaries;
use super::{Durability, EmbeddedError, Patience, ROLE, doing};

/// Names the data folder when no option does.
pub(super) const DATA_VARIABLE: &str = "ATTIO_BILLING_DATA";
/// The system users that may run the server when we are root, best first.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];
/// How long another process may take to start its server (a first start may download one).
const LOCK_PATIENCE: Duration = Duration::from_mins(5);

/// Whom the server runs as when we are root.
#[derive(Debug, Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

/// An opened server folder, reachable for the user that the server runs as.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: PathBuf,
    account: Option<Account>,
}

impl Folder {
    /// Opens the folder that `chosen`, the environment or the kind of user names, and makes it if need be.
    pub(super) fn open(chosen: Option<&Path>) -> Result<Self, EmbeddedError> {
        let named = std::env::var_os(DATA_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(data) = chosen.map(Path::to_path_buf).or(named) {
            return Self::prepare(&data);
        }
        let mut refused = None;
        for data in default_places() {
            match make_own(&data).and_then(|()| Self::prepare(&data)) {
                Ok(folder) => return Ok(folder),
                Err(error) => {
                    tracing::info!(%error, "trying the next place for the data");
                    refused.get_or_insert(error);
                }
            }
        }
        Err(refused.expect("there is at least one default place"))
    }

    fn prepare(data: &Path) -> Result<Self, EmbeddedError> {
        if !data.exists() {
            fs::create_dir_all(data).map_err(doing("make the data folder", data))?;
            if is_root() {
                // The server's user passes through it, whatever our umask is.
                fs::set_permissions(data, Permissions::from_mode(0o755)).map_err(doing("open", data))?;
            }
        }
        let root = data.canonicalize().map_err(doing("find the data folder", data))?.join("postgres");
        match DirBuilder::new().mode(0o700).create(&root) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(doing("make the server's folder", &root)(error));
            }
            Ok(()) | Err(_) => {}
        }
        let account = settle_owner(&root)?;
        let folder = Self { root, account };
        folder.check_reach()?;
        Ok(folder)
    }

    /// The server cannot start in a folder whose parents are closed to it, and would say so only obscurely.
    fn check_reach(&self) -> Result<(), EmbeddedError> {
        let tried = self.command("test").arg("-w").arg(&self.root).stderr(Stdio::null()).status();
        if tried.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        let who = self.account.map_or_else(|| "you".to_owned(), |account| format!("uid {}", account.uid));
        Err(self.problem(&format!("the server runs as {who}, who cannot reach or write it")))
    }

    fn problem(&self, problem: &str) -> EmbeddedError {
        EmbeddedError::Folder { folder: self.root.clone(), problem: problem.to_owned() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn data(&self) -> PathBuf {
        self.root.join("cluster/data")
    }

    pub(super) fn hold(&self) -> PathBuf {
        self.root.join("hold")
    }

    /// A command that runs as the server's user, in its folder, without our environment (which holds our secrets).
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.root).stdin(Stdio::null());
        command.env("LC_ALL", "C").env("HOME", &self.root);
        for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(account) = self.account {
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    /// A new or emptied file that belongs to the server's user and nobody else can read.
    pub(super) fn create(&self, path: &Path) -> Result<File, EmbeddedError> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        let file = file.map_err(doing("write", path))?;
        self.give(path)?;
        Ok(file)
    }

    fn give(&self, path: &Path) -> Result<(), EmbeddedError> {
        let Some(account) = self.account else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid)).map_err(doing("give away", path))
    }

    /// The right to start, join or stop; freed when dropped, also by the death of the process.
    pub(super) async fn lock(&self) -> Result<File, EmbeddedError> {
        let path = self.root.join("lock");
        let file = self.create(&path)?;
        let patience = Patience::of(LOCK_PATIENCE);
        let mut told = false;
        while let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(doing("lock", &path)(error.into()));
            }
            if !told {
                tracing::info!(folder = %self.root.display(), "another process is starting the database, waiting");
                told = true;
            }
            if !patience.tick().await {
                return Err(self.problem("another process has been starting a server in it for too long"));
            }
        }
        Ok(file)
    }

    /// The major version that made the cluster; `None` when there is no cluster yet.
    pub(super) fn cluster_major(&self) -> Result<Option<u32>, EmbeddedError> {
        if !self.root.join("cluster").exists() {
            return Ok(None);
        }
        let version = fs::read_to_string(self.data().join("PG_VERSION")).ok();
        let whole = self.data().join("global/pg_control").exists() && self.password_path().exists();
        match version.and_then(|version| version.trim().parse().ok()) {
            Some(major) if whole => Ok(Some(major)),
            _ => Err(self.problem("`cluster` in it is not a whole cluster; move it away to begin with an empty one")),
        }
    }

    fn password_path(&self) -> PathBuf {
        self.root.join("cluster/password")
    }

    pub(super) fn password(&self) -> Result<SecretString, EmbeddedError> {
        let path = self.password_path();
        let password = fs::read_to_string(&path).map_err(doing("read the database password", &path))?;
        Ok(SecretString::from(password.trim().to_owned()))
    }

    /// Makes the cluster beside its final place and renames it there, so that a half-made one never looks finished.
    /// The caller holds the lock and knows that there is none.
    pub(super) async fn make_cluster(&self, binaries: &Binaries, durability: Durability) -> Result<(), EmbeddedError> {
        self.remove_half_made()?;
        tracing::info!(folder = %self.root.display(), major = binaries.major, "making the database cluster");
        let place = self.root.join(format!("new-{}", hex::encode(rand::random::<[u8; 8]>())));
        DirBuilder::new().mode(0o700).create(&place).map_err(doing("make", &place))?;
        self.give(&place)?;
        let password = place.join("password");
        let mut file = self.create(&password)?;
        let secret = hex::encode(rand::random::<[u8; 24]>());
        file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(doing("write", &password))?;

        let mut initdb = self.command(binaries.folder.join("initdb"));
        initdb.args(["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--data-checksums", "--no-instructions"]);
        initdb.arg(format!("--username={ROLE}")).arg("--pwfile").arg(&password).arg("--pgdata").arg(place.join("data"));
        if durability == Durability::Relaxed {
            initdb.arg("--no-sync");
        }
        let mut initdb = tokio::process::Command::from(initdb);
        let made = initdb.kill_on_drop(true).output().await.map_err(doing("run", &binaries.folder.join("initdb")))?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr).trim().to_owned();
            return Err(EmbeddedError::Initdb { folder: self.root.clone(), said });
        }
        let cluster = self.root.join("cluster");
        fs::rename(&place, &cluster).map_err(doing("finish", &cluster))?;
        File::open(&self.root).and_then(|root| root.sync_all()).map_err(doing("sync", &self.root))
    }

    /// What an interrupted start left: only names that a finished cluster never carries.
    fn remove_half_made(&self) -> Result<(), EmbeddedError> {
        for entry in fs::read_dir(&self.root).map_err(doing("list", &self.root))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("new-") {
                tracing::info!(folder = %entry.path().display(), "removing a half-made cluster");
                fs::remove_dir_all(entry.path()).map_err(doing("remove the half-made", &entry.path()))?;
            }
        }
        Ok(())
    }
}

pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where the data goes when nobody says, best first.
fn default_places() -> Vec<PathBuf> {
    let spare = std::env::temp_dir().join(format!("attio-billing-{}", rustix::process::geteuid().as_raw()));
    if is_root() {
        return vec![PathBuf::from("/var/lib/attio-billing"), spare];
    }
    let home = etcetera::base_strategy::choose_native_strategy().map(|user| user.data_dir().join("attio-billing"));
    home.into_iter().chain([spare]).collect()
}

/// Makes a default place and refuses one that somebody else made first: the temp folder is open to everyone.
fn make_own(data: &Path) -> Result<(), EmbeddedError> {
    let mode = if is_root() { 0o755 } else { 0o700 };
    DirBuilder::new().recursive(true).mode(mode).create(data).map_err(doing("make the data folder", data))?;
    let found = data.symlink_metadata().map_err(doing("look at", data))?;
    if found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(EmbeddedError::Folder { folder: data.to_path_buf(), problem: "it belongs to another user".to_owned() })
}

/// Decides whom the server runs as: ourselves, or as root the folder's owner, who becomes an unprivileged user once.
fn settle_owner(root: &Path) -> Result<Option<Account>, EmbeddedError> {
    let found = root.symlink_metadata().map_err(doing("look at", root))?;
    if !is_root() {
        if found.uid() == rustix::process::geteuid().as_raw() {
            return Ok(None);
        }
        let problem = format!("it belongs to uid {}; run as that user", found.uid());
        return Err(EmbeddedError::Folder { folder: root.to_path_buf(), problem });
    }
    if found.uid() != 0 {
        return Ok(Some(Account { uid: found.uid(), gid: found.gid() }));
    }
    let account = ACCOUNTS.into_iter().find_map(account).ok_or_else(|| EmbeddedError::Folder {
        folder: root.to_path_buf(),
        problem: format!("the server must not run as root, and there is no user named {}", ACCOUNTS.join(" or ")),
    })?;
    std::os::unix::fs::chown(root, Some(account.uid), Some(account.gid)).map_err(doing("give away", root))?;
    Ok(Some(account))
}

fn account(name: &str) -> Option<Account> {
    let ask = |flag: &str| -> Option<u32> {
        let answer = Command::new("id").args([flag, name]).stderr(Stdio::null()).output().ok()?;
        String::from_utf8(answer.stdout).ok()?.trim().parse().ok()
    };
    Some(Account { uid: ask("-u")?, gid: ask("-g")? })
}
