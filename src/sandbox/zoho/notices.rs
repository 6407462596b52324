//! What Zoho tells three days before it happens: a renewal, the end of a trial, the last term's end. Only where the
//! organisation has switched it on.

use super::call::Org;
use super::dates::plus_days;
use super::errors::Refusal;
use super::ids::Id;
use super::subscriptions::{Status, Subscription};
use chrono::NaiveDate;

/// Days ahead (Zoho's descriptions of its events).
const AHEAD: i64 = 3;

impl Subscription {
    /// The day on which something ahead is to be told.
    pub(super) fn notice_day(&self) -> Option<NaiveDate> {
        let next = self.next.filter(|next| self.noticed != Some(*next))?;
        matches!(self.status, Status::Live | Status::Trial).then(|| plus_days(next, -AHEAD))
    }
}

impl Org<'_> {
    /// Tells what is ahead of a subscription on this day, once; false if nothing is.
    pub(super) fn notice(&mut self, id: Id, day: NaiveDate) -> Result<bool, Refusal> {
        let subscription = self.state.subscription_mut(id)?;
        if subscription.notice_day().is_none_or(|due| due > day) {
            return Ok(false);
        }
        subscription.noticed = subscription.next;
        let ahead = subscription.next.is_some_and(|next| next > day);
        let kind = match subscription.status {
            Status::Trial => "trial_expiring",
            _ if subscription.cycles > 0 && subscription.billed >= subscription.cycles => "subscription_expiring",
            _ => "subscription_ahead",
        };
        if ahead {
            self.tell(kind, id)?;
        }
        Ok(ahead)
    }
}
