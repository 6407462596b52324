//! What the outcome of a step means. An outcome without a branch here yields nothing: the machine then parks the step under
//! the vendor's reason, and a resume looks the same call up before it is sent again.

use super::events::Event;
use super::state::{Life, Stage};
use super::turn::{Turn, is_past, next_page_look};
use super::words::After;
use crate::kernel::answer::{Answer, CollectionOwner, HostedPage, Subscription, SubscriptionSurvey, SubscriptionTerms};
use crate::kernel::effect::{ClaimKind, Effect};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::Answered;
use crate::kernel::sellable::{self, is_live};
use crate::kernel::selling::Selling;
use chrono::TimeDelta;

/// A page whose end Zoho does not name lives so long.
const PAGE_LIFE: TimeDelta = TimeDelta::hours(1);
/// What others work on is looked at again after so long.
const BUSY_LOOK: TimeDelta = TimeDelta::hours(1);

/// Whether the stage awaits that step's answer.
fn awaits(stage: &Stage, step: &str) -> bool {
    match step {
        // What was made for the customer is kept in mind, whatever became of the start.
        "enrol" | "zoho_customer" | "revive_zoho_customer" | "link_zoho_customer" => true,
        // Called off meanwhile, nobody knows the page's address, and it ends by itself.
        "create_page" => *stage == Stage::Opening,
        "read_page" => *stage == Stage::PageOut,
        "find_purchase" => *stage == Stage::Confirming,
        "adopt" => *stage == Stage::Linking,
        "survey" | "read_terms" | "tell_invoice" | "tell_end" => *stage == Stage::Running,
        _ => matches!(stage, Stage::Preparing | Stage::Opening),
    }
}

impl Turn<'_> {
    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let Answered { step, effect, outcome, .. } = *answered;
        match step {
            "show" => self.shown(effect, outcome),
            "letter" | "task" => self.told_people(step, outcome),
            "claim" | "take_over" if matches!(self.state.stage, Stage::Over { .. }) => {
                self.claimed_late(effect, outcome);
            }
            "claim" | "take_over" => self.claimed(effect, outcome),
            // It has gone on since: what was asked for is not wanted any more.
            _ if !awaits(&self.state.stage, step) => {}
            _ => match outcome {
                Outcome::Done { answer } => self.done(step, effect, answer),
                Outcome::Rejected { rejection } if rejection.is_business() => self.refused(step, effect, rejection),
                Outcome::Declined { .. }
                | Outcome::Rejected { .. }
                | Outcome::NotSent { .. }
                | Outcome::Unknown { .. } => {}
            },
        }
    }

    fn done(&mut self, step: &str, effect: &Effect, answer: &Answer) {
        if self.has_read(step, effect, answer) {
            return;
        }
        match (step, answer) {
            ("find_purchase", Answer::Subscriptions { subscriptions }) => self.listed(subscriptions),
            (_, Answer::Subscriptions { subscriptions }) => self.subscriptions(subscriptions),
            ("create_page", Answer::HostedPage(page)) => {
                let expires_at = page.expires_at.unwrap_or(self.at.now + PAGE_LIFE);
                self.push(Event::PageMade { page: page.id.clone(), expires_at, at: self.at.now });
            }
            ("read_page", Answer::HostedPage(page)) => self.page_read(page),
            ("adopt", _) => self.linked(),
            ("survey", Answer::SubscriptionSurvey(survey)) => self.surveyed(survey),
            ("read_terms", Answer::Terms(terms)) => self.mirrored(terms),
            ("tell_invoice", _) => {
                let newest =
                    self.state.mirror.as_ref().and_then(|m| m.terms.as_ref()).map(|t| t.newest_invoice.clone());
                if let Some(invoice) = newest.flatten() {
                    self.push(Event::InvoiceTold { invoice });
                }
            }
            ("tell_end", _) => self.push(Event::EndTold),
            // No step is answered with anything else.
            _ => {}
        }
    }

    /// What was asked for is not there, or not acceptable.
    fn refused(&mut self, step: &str, effect: &Effect, rejection: &Rejection) {
        if self.has_not_read(step, effect, rejection) {
            return;
        }
        match step {
            "find_zoho_customer" | "revive_zoho_customer" | "zoho_customer" | "create_page" => {
                let reason = format!("Zoho refused it: {} ({})", rejection.message, rejection.code);
                self.refuse(reason, "correct it in Zoho or on the record, then press `Retry`");
            }
            "read_page" if rejection.kind == RejectionKind::NotFound => {
                if let Some(page) = self.state.page.as_ref().map(|page| page.id.clone()) {
                    self.page_over(page);
                }
            }
            _ => {}
        }
    }

    fn subscriptions(&mut self, subscriptions: &[Subscription]) {
        self.sell(Selling::SubscriptionsRead { subscriptions: subscriptions.to_vec() });
        let Some(plan) = self.state.sale.facts.offer.as_ref().map(|offer| offer.plan.clone()) else { return };
        let ours = self.state.reference();
        let others: Vec<_> = subscriptions.iter().filter(|s| Some(&s.reference) != ours.as_ref()).cloned().collect();
        if subscriptions.iter().any(|s| is_live(s) && Some(&s.reference) == ours.as_ref()) {
            // Bought on an earlier page, which nobody came back from.
            self.push(Event::PurchaseSeen { source: "list".to_owned(), at: self.at.now });
        } else if let Some(not) = sellable::family(&others, &plan) {
            self.refuse(not.reason, not.cure);
        }
    }

    /// What was asked for comes after the end: it is let go again.
    fn claimed_late(&mut self, effect: &Effect, outcome: &Outcome) {
        if matches!(outcome, Outcome::Done { .. }) {
            self.claimed(effect, outcome);
            self.close();
        }
    }

    fn page_read(&mut self, shown: &HostedPage) {
        let now = self.at.now;
        let Some(page) = self.state.page.clone().filter(|page| page.id == shown.id) else { return };
        match shown.status.as_str() {
            "success" => self.push(Event::PurchaseSeen { source: "hosted page".to_owned(), at: now }),
            "cancelled" | "force_cancelled" => self.page_over(page.id),
            // No status says that it has expired.
            _ if is_past(&page, now) => self.page_over(page.id),
            status => {
                let look_at = next_page_look(&page, now);
                self.push(Event::PageRead { page: page.id, status: status.to_owned(), look_at, at: now });
            }
        }
    }

    /// What Zoho sold by our reference: the oldest is kept.
    fn listed(&mut self, subscriptions: &[Subscription]) {
        let linked = self.state.sold.as_ref().filter(|_| self.state.is_linked()).map(|s| s.subscription.id.clone());
        let live = || subscriptions.iter().filter(|s| is_live(s));
        let kept = match &linked {
            Some(id) => subscriptions.iter().find(|s| s.id == *id),
            None => live().next().or_else(|| subscriptions.first()),
        };
        let Some(kept) = kept else { return self.unseen() };
        let twins = live().filter(|s| s.id != kept.id).map(|s| s.id.clone()).collect();
        self.push(Event::PurchaseFound { subscription: Box::new(kept.clone()), twins, at: self.at.now });
    }

    fn unseen(&mut self) {
        if let Some(again_at) = self.look_again() {
            return self.push(Event::PurchaseUnseen { again_at });
        }
        let reference = self.state.reference().unwrap_or_default();
        let detail = format!(
            "Zoho says that it was bought, and shows no subscription with the reference {reference}: find it in Zoho and write \
             the reference on it, then resume; or give the payment back there, then call this start off"
        );
        self.hold(ParkCode::PageWithoutSubscription, detail, After::Look);
    }

    fn linked(&mut self) {
        let (Some(subscription), Some(sold)) = (self.state.subscription(), &self.state.sold) else { return };
        let zoho_subscription = sold.subscription.id.clone();
        let released =
            self.state.sale.claims.iter().filter(|c| c.kind != ClaimKind::AccountPlanFamily).cloned().collect();
        let on = self.at.date(self.at.now);
        self.push(Event::SubscriptionLinked { subscription, zoho_subscription, released, on, at: self.at.now });
    }

    fn surveyed(&mut self, survey: &SubscriptionSurvey) {
        let ours = survey.owner == Some(CollectionOwner::ZohoNative);
        let busy = survey.claimed_by.is_some();
        self.push(Event::OwnerSurveyed { ours, busy, at: self.at.now });
        if busy {
            self.sell(Selling::ClaimBusy { held: "zoho_subscription".to_owned(), again_at: self.at.now + BUSY_LOOK });
        } else if !ours {
            self.push(Event::HandedOver { at: self.at.now });
        }
    }

    fn mirrored(&mut self, terms: &SubscriptionTerms) {
        let (look_at, at) = (self.next_mirror_look(terms), self.at.now);
        self.push(Event::SubscriptionMirrored { terms: Box::new(terms.clone()), look_at, at });
        let failed = self.state.mirror.as_ref().and_then(|mirror| mirror.past_due.clone());
        match (Life::of(&terms.status), failed, &terms.newest_invoice) {
            (Life::PastDue, None, Some(invoice)) => self.push(Event::PaymentFailed { invoice: invoice.clone(), at }),
            (Life::PastDue, _, _) | (_, None, _) => {}
            (_, Some(invoice), _) => self.push(Event::PaymentRecovered { invoice, at }),
        }
    }
}
