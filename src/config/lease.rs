//! How a node's lease and the calls that it makes fit together.

use std::time::Duration;

/// A lease is renewed so many times while it lasts.
pub const RENEWALS: u32 = 4;
/// What a call must leave of a lease.
pub const LEASE_MARGIN: Duration = Duration::from_secs(2);

/// What is wrong where a call could not leave at every moment between two renewals of a lease: no call may outlive it, so
/// that all of them would wait, for a while or for ever.
pub(super) fn call_beyond_lease(lease: u64, call: u64) -> Option<String> {
    let (renewals, margin) = (u64::from(RENEWALS), LEASE_MARGIN.as_secs());
    let longest = (lease - lease / renewals).saturating_sub(margin);
    let needed = call.saturating_add(margin).saturating_mul(renewals).div_ceil(renewals - 1);
    (longest < call).then(|| {
        let lower = if longest > 0 { format!("lower CALL_SECONDS to {longest} at most, or ") } else { String::new() };
        format!(
            "CALL_SECONDS ({call}) is longer than LEASE_SECONDS ({lease}) allows: no call may outlive a lease that was last \
             renewed a quarter of it ago, less {margin} s; {lower}raise LEASE_SECONDS to {needed} at least"
        )
    })
}

pub(super) fn default_node_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{host}-{}", std::process::id())
}
