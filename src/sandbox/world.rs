//! All state of the sandbox, shared by the vendors' handlers and the control API.

use super::{attio, braintree, clock::Clock, faults::Faults, hooks::Hooks, zoho};
use std::sync::Mutex;

/// The whole simulated world.
#[derive(Debug, Default)]
pub struct World {
    pub clock: Clock,
    pub faults: Faults,
    pub hooks: Hooks,
    pub attio: Mutex<attio::State>,
    pub zoho: Mutex<zoho::State>,
    pub braintree: Mutex<braintree::State>,
}
