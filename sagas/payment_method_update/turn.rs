//! A decision in the making, and what follows by itself: the link once all is read, the wait where a charge of the old card
//! is under way.

use super::answers;
use super::events::Event;
use super::state::{Stage, State};
use super::steps;
use crate::kernel::effect::{Claim, ClaimKind};
use chrono::{DateTime, TimeDelta, Utc};

/// What another saga holds is asked for again; doubles with each time.
const BUSY_AGAIN: TimeDelta = TimeDelta::seconds(60);
/// A charge that is under way is looked at again; doubles with each time.
const CHARGING_AGAIN: TimeDelta = TimeDelta::seconds(15);
/// No wait is longer than this.
const AT_MOST: TimeDelta = TimeDelta::hours(1);

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, super::PaymentMethodUpdate>;

impl Turn<'_> {
    /// All that follows from what was decided so far.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        let state = &self.state;
        if state.undoing.is_some() || state.sleep_until.is_some() {
            return self.out;
        }
        match state.stage {
            Stage::Preparing if steps::preparation(state).is_none() => self.prepared(),
            Stage::Updating => self.wait_for_charge(),
            _ => {}
        }
        self.out
    }

    /// Everything is read: the link.
    fn prepared(&mut self) {
        let State { intake: Some(intake), facts, links, .. } = &self.state else { return };
        let ended = facts.subscription.as_ref().is_some_and(|s| !answers::is_live(s));
        if ended && self.state.owed().is_none() {
            return self.refuse("the subscription has ended and nothing is owed for it", "start a new one");
        }
        let expires_at = self.at.now + TimeDelta::days(i64::from(intake.terms.link_days));
        let number = links + 1;
        self.push(Event::CardLinkIssued { number, expires_at, at: self.at.now });
    }

    /// The default is switched only while no charge of the old card is under way or without a known outcome.
    fn wait_for_charge(&mut self) {
        let state = &self.state;
        let ready =
            state.card.is_some() && state.on_old.is_some() && state.to_move().is_none() && state.moving.is_none();
        let charging =
            state.facts.uses.as_ref().filter(|_| ready && state.facts.uses_at.is_some()).and_then(|uses| uses.charging);
        let Some(charging) = charging.filter(|_| state.old.is_some()) else { return };
        let released = self.fences();
        let again_at = self.later(CHARGING_AGAIN);
        self.push(Event::SwitchDeferred { charging, released, again_at });
    }

    /// Claims that keep renewals off: held no longer than something moves.
    pub(super) fn fences(&self) -> Vec<Claim> {
        self.state.claims.iter().filter(|claim| claim.kind == ClaimKind::ZohoSubscription).cloned().collect()
    }

    pub(super) fn refuse(&mut self, reason: impl Into<String>, cure: impl Into<String>) {
        let released = self.state.claims.clone();
        let (reason, cure) = (reason.into(), cure.into());
        self.push(Event::CardUpdateRefused { reason, cure, released, at: self.at.now });
    }

    pub(super) fn busy(&mut self, held: String) {
        let again_at = self.later(BUSY_AGAIN);
        self.push(Event::ClaimBusy { held, again_at });
    }

    fn later(&self, first: TimeDelta) -> DateTime<Utc> {
        self.at.now + (first * 2_i32.pow(self.state.looks.min(10))).min(AT_MOST)
    }

    /// A sleep or a deadline has come.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        if let Some(due) = self.state.people.come_due(now) {
            return self.push(Event::Told(due));
        }
        if self.state.sleep_until.is_some_and(|until| until <= now) {
            return self.push(Event::LookDue);
        }
        match &self.state.stage {
            // Who has gone to Zoho is waited for: the page lives longer than the link.
            Stage::LinkOut if self.state.at_zoho.page.is_some() => {
                self.page_due();
            }
            Stage::LinkOut if self.state.link.as_ref().is_some_and(|link| link.expires_at <= now) => {
                let released = self.state.claims.clone();
                self.push(Event::CardLinkExpired { released, at: now });
            }
            Stage::Retrying => {
                if let Some((invoice, _)) = self.state.asked.filter(|(_, until)| *until <= now) {
                    self.retried(invoice, None);
                }
            }
            Stage::Retiring { until } if *until <= now && !self.state.retirement.due => self.push(Event::OldCardDue),
            _ => {}
        }
    }

    /// All completed steps are undone.
    pub(super) fn unwound(&mut self) {
        if self.state.undoing.is_some() {
            let released = self.state.claims.clone();
            self.push(Event::CardUpdateUndone { released, at: self.at.now });
        }
    }

    /// A person lets it go on.
    pub(super) fn resumed(&mut self) {
        if matches!(self.state.stage, Stage::Held { .. }) {
            self.push(Event::CardUpdateResumed { at: self.at.now });
        }
    }

    /// What was requested is stale and was not sent.
    pub(super) fn superseded(&mut self, step: &str) {
        if step == "switch_default" {
            self.push(Event::UsesOutdated);
        } else {
            self.due();
        }
    }
}
