//! All state of the sandbox, shared by the vendors' handlers and the control API.

use super::{
    attio, braintree,
    clock::Clock,
    credentials::Credentials,
    crm, desk,
    exchanges::Exchanges,
    faults::{Faults, Vendor},
    hooks::Hooks,
    mailbox::Mailbox,
    orders::Journal,
    transport::Calls,
    zoho,
};
use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, OnceLock},
};
use tokio_util::sync::CancellationToken;

/// The whole simulated world.
pub struct World {
    pub credentials: Credentials,
    pub clock: Clock,
    pub faults: Faults,
    pub hooks: Hooks,
    pub calls: Calls,
    pub exchanges: Exchanges,
    pub journal: Journal,
    pub attio: Mutex<attio::State>,
    pub zoho: Mutex<zoho::State>,
    pub crm: Mutex<crm::State>,
    pub desk: Mutex<desk::State>,
    pub braintree: Mutex<braintree::State>,
    pub mailbox: Mailbox,
    base_url: OnceLock<String>,
    unlimited: Mutex<BTreeSet<Vendor>>,
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
            exchanges: Exchanges::default(),
            journal: Journal::default(),
            attio: Mutex::default(),
            zoho: Mutex::default(),
            crm: Mutex::default(),
            desk: Mutex::default(),
            braintree: Mutex::default(),
            mailbox: Mailbox::default(),
            base_url: OnceLock::new(),
            unlimited: Mutex::default(),
            closing: CancellationToken::new(),
        }
    }

    /// Where the sandbox is reached, without a trailing slash (`http://127.0.0.1:4000`): for answers that name their
    /// own host. Empty until the server listens.
    pub fn base_url(&self) -> &str {
        self.base_url.get().map_or("", String::as_str)
    }

    /// Whether the vendor's own rate limits hold. Those ordered as a fault hold always.
    pub fn limits_hold(&self, of: Vendor) -> bool {
        !self.unlimited.lock().expect("limits lock").contains(&of)
    }

    /// Lets callers go as fast as they can, or not: setting up a workspace takes Attio's 25 writes a second many seconds.
    pub fn hold_limits(&self, of: &[Vendor], hold: bool) {
        let mut unlimited = self.unlimited.lock().expect("limits lock");
        unlimited.retain(|vendor| !of.contains(vendor));
        unlimited.extend(of.iter().filter(|_| !hold));
    }

    /// Says under which URL callers reach the sandbox. The first one stays: a server behind another name is told before
    /// it listens, else it takes its own address.
    pub fn reached_at(&self, base_url: String) {
        self.base_url.get_or_init(|| base_url);
    }
}

impl fmt::Debug for World {
    /// Names the sandbox only: its state holds personal data, keys and bodies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}
