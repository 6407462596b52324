//! Webhooks from the simulated vendors to whoever listens: queued, delivered by one task, and on order dropped,
//! doubled, delayed or reordered.

use super::faults::Vendor;
use std::{collections::BTreeMap, sync::Mutex};

/// One webhook as the vendor would send it, signature headers included.
#[derive(Debug, Clone)]
pub struct Hook {
    pub vendor: Vendor,
    /// The vendor's own event name, for the control API.
    pub kind: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// The queue of outgoing webhooks.
#[derive(Debug, Default)]
pub struct Hooks {
    queue: Mutex<Vec<Hook>>,
    targets: Mutex<BTreeMap<Vendor, String>>,
}

impl Hooks {
    /// Queues one webhook for delivery.
    pub fn send(&self, hook: Hook) {
        self.queue.lock().expect("hooks lock").push(hook);
    }

    /// The URL that a vendor's webhooks go to (some signatures cover its query), where one is set.
    pub fn target(&self, vendor: Vendor) -> Option<String> {
        self.targets.lock().expect("hooks lock").get(&vendor).cloned()
    }
}
