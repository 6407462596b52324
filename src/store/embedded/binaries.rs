//! Finds a Postgres server on the machine, or has one fetched.
//!
//! Refuses servers older than [`OLDEST`] and servers that cannot open the cluster at hand: a cluster belongs to one
//! major version.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::EmbeddedError;
use super::folder::Folder;

/// Names the folder of the server binaries when no option does.
pub(super) const BINARIES_VARIABLE: &str = "ATTIO_BILLING_POSTGRES_BIN";
/// The oldest major version that we run on.
const OLDEST: u32 = 14;

/// Where packagers put servers: a folder, the beginning of the names in it, and the way on to the binaries.
const PACKAGES: [(&str, &str, &str); 8] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/usr/local", "pgsql", "bin"),
];

/// A folder that holds `postgres` and `initdb`, runnable for the server's user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) folder: PathBuf,
    pub(super) major: u32,
}

/// The server to run: the one named by `chosen` or the environment, else one of the machine, else a fetched one.
/// `wanted` is the major version of the cluster, if there is one.
pub(super) async fn find(
    chosen: Option<&Path>,
    folder: &Folder,
    wanted: Option<u32>,
) -> Result<Binaries, EmbeddedError> {
    let named = std::env::var_os(BINARIES_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(named) = chosen.map(Path::to_path_buf).or(named) {
        let looked = format!("the folder {}", named.display());
        return choose(vec![named], folder, wanted)?.ok_or_else(|| EmbeddedError::NoServer {
            looked,
            fetch: "a named folder rules out a download".to_owned(),
        });
    }
    if let Some(binaries) = choose(machine(), folder, wanted)? {
        return Ok(binaries);
    }
    let looked = "`pg_config`, PATH and the usual places of packages".to_owned();
    let fetched = fetch(wanted).await.map_err(|fetch| EmbeddedError::NoServer { looked: looked.clone(), fetch })?;
    choose(vec![fetched.clone()], folder, wanted)?.ok_or_else(|| EmbeddedError::NoServer {
        looked,
        fetch: format!("the downloaded server in {} does not run here", fetched.display()),
    })
}

/// The first of the candidates that fits; an error when there are servers but none for this cluster.
fn choose(candidates: Vec<PathBuf>, folder: &Folder, wanted: Option<u32>) -> Result<Option<Binaries>, EmbeddedError> {
    let mut other = None;
    for candidate in candidates {
        let Some(found) = inspect(candidate, folder) else { continue };
        match wanted {
            Some(major) if major != found.major => drop(other.get_or_insert(found)),
            Some(_) | None => return Ok(Some(found)),
        }
    }
    match (other, wanted) {
        (Some(found), Some(cluster)) => Err(EmbeddedError::Version {
            folder: folder.root().to_path_buf(),
            cluster,
            binaries: found.folder,
            server: found.major,
        }),
        _ => Ok(None),
    }
}

/// Asks the server itself, as the user who will run it.
fn inspect(candidate: PathBuf, folder: &Folder) -> Option<Binaries> {
    if !candidate.join("initdb").is_file() {
        return None;
    }
    let said = folder.command(candidate.join("postgres")).arg("--version").stderr(Stdio::null()).output().ok()?;
    let major = major_of(&String::from_utf8(said.stdout).ok()?)?;
    (major >= OLDEST).then_some(Binaries { folder: candidate, major })
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; betas say `19beta1`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let end = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

/// The candidates of this machine, most deliberate choice first; of one place the newest first.
fn machine() -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(said) = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output() {
        found.push(PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()));
    }
    // A name on PATH is often a link; the tools that belong to the server lie where it points.
    if let Some(server) = which::which("postgres").ok().and_then(|link| link.canonicalize().ok()) {
        found.extend(server.parent().map(Path::to_path_buf));
    }
    for (place, beginning, way) in PACKAGES {
        found.extend(packaged(Path::new(place), beginning, way));
    }
    #[cfg(feature = "fetch-postgres")]
    found.extend(super::fetch::cache().into_iter().flat_map(|cache| packaged(&cache, "", "bin")));
    found
}

fn packaged(place: &Path, beginning: &str, way: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(beginning))
        .map(|entry| (version_key(&entry.file_name()), entry.path().join(way)))
        .collect();
    found.sort_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, path)| path).collect()
}

/// The numbers in a name, so that `postgresql@9` does not come before `postgresql@17`.
fn version_key(name: &OsStr) -> Vec<u32> {
    let name = name.to_string_lossy();
    name.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

#[cfg(feature = "fetch-postgres")]
async fn fetch(wanted: Option<u32>) -> Result<PathBuf, String> {
    super::fetch::fetch(wanted).await
}

#[cfg(not(feature = "fetch-postgres"))]
#[expect(clippy::unused_async, reason = "the same shape as the fetching one")]
async fn fetch(_wanted: Option<u32>) -> Result<PathBuf, String> {
    Err("this program was built without the feature `fetch-postgres`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_a_server_says() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major_of("mysqld 8"), None);
    }

    #[test]
    fn the_newest_of_several_packages_comes_first() {
        let place = tempfile::tempdir().unwrap();
        for name in ["postgresql@9", "postgresql@17", "postgresql@14", "redis"] {
            std::fs::create_dir(place.path().join(name)).unwrap();
        }
        let found = packaged(place.path(), "postgresql", "bin");
        let expected =
            ["postgresql@17", "postgresql@14", "postgresql@9"].map(|name| place.path().join(name).join("bin"));
        assert_eq!(found, expected);
    }
}
