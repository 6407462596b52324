//! All state of the sandbox, shared by the vendors' handlers and the control API.

use super::{
    attio, braintree, clock::Clock, credentials::Credentials, faults::Faults, hooks::Hooks, transport::Calls, zoho,
};
use std::sync::{Mutex, OnceLock};
use tokio_util::sync::CancellationToken;

/// The whole simulated world.
#[derive(Debug)]
pub struct World {
    pub credentials: Credentials,
    pub clock: Clock,
    pub faults: Faults,
    pub hooks: Hooks,
    pub calls: Calls,
    pub attio: Mutex<attio::State>,
    pub zoho: Mutex<zoho::State>,
    pub braintree: Mutex<braintree::State>,
    base_url: OnceLock<String>,
    /// Cancelled when the server shuts down, so that held connections end.
    pub(super) closing: CancellationToken,
}

impl Default for World {
    fn default() -> Self {
        Self::new(Credentials::default())
    }
}

impl World {
    /// An empty world that accepts these credentials.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            clock: Clock::default(),
            faults: Faults::default(),
            hooks: Hooks::default(),
            calls: Calls::default(),
            attio: Mutex::default(),
            zoho: Mutex::default(),
            braintree: Mutex::default(),
            base_url: OnceLock::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Where the sandbox is reached, without a trailing slash (`http://127.0.0.1:4000`): for answers that name their
    /// own host. Empty until the server listens.
    pub fn base_url(&self) -> &str {
        self.base_url.get().map_or("", String::as_str)
    }

    /// Notes the address once the server listens; the first one stays.
    pub(super) fn listens_at(&self, base_url: String) {
        self.base_url.get_or_init(|| base_url);
    }
}
