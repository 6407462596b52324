//! What follows from an input, event by event, on a state that changes with each.

use super::state::{Stage, State, Watch};
use super::words::{Command, Conflict, Event, Found};
use super::{judge, steps};
use crate::kernel::answer::{Answer, BilledInvoice, Invoice, SubscriptionSurvey};
use crate::kernel::effect::{Braintree, Claim, ClaimKind, Desk, Effect, Zoho};
use crate::kernel::money::Money;
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::saga::{Answered, At, Refusal};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};

/// So often a claim of another flow is waited for: about an hour in all.
const CLAIM_TRIES: u32 = 6;
/// Between two comparisons of a shadow.
const SHADOW_LOOKS: TimeDelta = TimeDelta::days(1);
/// Why a shadow differs where Zoho has the invoice no more.
const DELETED: &str = "the old way deleted the invoice";
/// An invoice that is open so many days after it was due was not charged by the old way.
const LATE_AFTER: Days = Days::new(3);

/// Events so far, and the state after them.
pub(super) struct Turn<'a> {
    pub(super) state: State,
    pub(super) at: &'a At,
    pub(super) out: Vec<Event>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(state: &State, at: &'a At) -> Self {
        Self { state: state.clone(), at, out: Vec::new() }
    }

    pub(super) fn push(&mut self, event: Event) {
        self.state.apply(&event);
        self.out.push(event);
    }

    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        let at = self.at.now;
        match command {
            Command::Check { job, old, installation } => match self.state.stage {
                Stage::New | Stage::Matched | Stage::Conflict | Stage::Unlinked => {
                    let (job, old, installation) = (job.clone(), old.clone(), installation.clone());
                    self.push(Event::CheckAsked { job, old, installation, at });
                    self.judge();
                }
                // The same list twice is the same result.
                Stage::Linked | Stage::Ended => {}
                Stage::Checking { .. }
                | Stage::Claiming
                | Stage::Linking
                | Stage::Counting
                | Stage::Owning
                | Stage::Unowning
                | Stage::Disowning
                | Stage::Unlinking
                | Stage::Reclaiming
                | Stage::Resurveying
                | Stage::Returning => {
                    return Err(Refusal::new("busy", "the line is being worked on: check again when that is done"));
                }
            },
            Command::Link { by } => match self.state.stage {
                Stage::Matched | Stage::Checking { then_link: false } => {
                    self.push(Event::LinkAsked { by: by.clone(), at });
                    self.judge();
                }
                Stage::Linked
                | Stage::Ended
                | Stage::Checking { then_link: true }
                | Stage::Claiming
                | Stage::Linking
                | Stage::Counting
                | Stage::Owning => {}
                _ => {
                    return Err(Refusal::new(
                        "not_matched",
                        "only a line that is matched can be linked: check it first",
                    ));
                }
            },
            Command::Unlink { reason, by } => match self.state.stage {
                Stage::Linked if self.state.cut.as_ref().is_some_and(|cut| cut.is_under_way()) => {
                    let why = "it is being handed over: stop that first, with `attio-billing hand-over stop`";
                    return Err(Refusal::new("busy", why));
                }
                Stage::Linked => self.push(Event::UnlinkAsked { reason: reason.clone(), by: by.clone(), at }),
                Stage::Unlinked => {}
                _ => return Err(Refusal::new("not_linked", "the line is not linked: there is nothing to take back")),
            },
            Command::Shadow { on, by } => self.shadow(*on, by)?,
            Command::Explain { invoice, reason, by } => {
                if !self.state.shadow.as_ref().is_some_and(|shadow| shadow.differs.contains_key(invoice)) {
                    return Err(Refusal::new("no_difference", "no difference is known of this invoice"));
                }
                let (invoice, reason, by) = (invoice.clone(), reason.clone(), by.clone());
                self.push(Event::DifferenceExplained { invoice, reason, by, at });
            }
            Command::Approve { reason, by } => self.approve(by, reason)?,
            Command::CutOver { order } => self.cut_over(order)?,
            Command::TakeBack { order } => self.take_back(order)?,
            Command::HandOverEnded { hand_over, ended } => self.hand_over_ended(*hand_over, ended),
            Command::SubscriptionEnded { product } => {
                let held = |claim: &&Claim| claim.kind == ClaimKind::AccountPlanFamily && claim.key == *product;
                let claim = self.state.claims.iter().find(held).cloned();
                if let Some(claim) = claim.filter(|_| self.state.stage == Stage::Linked) {
                    self.push(Event::ProductReleased { claim });
                }
            }
        }
        Ok(())
    }

    fn shadow(&mut self, on: bool, by: &str) -> Result<(), Refusal> {
        let (by, at) = (by.to_owned(), self.at.now);
        match (on, self.state.shadow.is_some()) {
            (true, false) if self.state.watch.is_some() => {
                return Err(Refusal::new(
                    "handed_over",
                    "the new way charges it: there is nothing to compare any more",
                ));
            }
            (true, false) if self.state.stage == Stage::Linked => self.push(Event::ShadowBegun { by, at }),
            (true, false) => {
                return Err(Refusal::new("not_linked", "only what is linked can be shadowed: link it first"));
            }
            (false, true) => self.push(Event::ShadowEnded { by, at }),
            (true, true) | (false, false) => {}
        }
        Ok(())
    }

    /// Whatever has fallen due by now.
    pub(super) fn due(&mut self) {
        let is_due = |until: Option<DateTime<Utc>>| until.is_some_and(|until| until <= self.at.now);
        let claim = matches!(self.state.stage, Stage::Claiming | Stage::Reclaiming) && is_due(self.state.busy.until);
        let paid = is_due(self.state.held_until);
        let compare = self.state.shadow.as_ref().is_some_and(|shadow| !shadow.due && is_due(shadow.look_at));
        let linked = self.state.stage == Stage::Linked;
        let cut =
            linked && self.state.cut.as_ref().is_some_and(|c| c.is_under_way() && !c.due && is_due(Some(c.look_at)));
        let is_watched = |watch: &Watch| !watch.done && !watch.due && watch.foreign.is_none() && is_due(watch.look_at);
        let watch = linked && self.state.watch.as_deref().is_some_and(is_watched);
        if claim {
            self.push(Event::ClaimDue);
        }
        if cut {
            self.push(Event::HandOverLookDue);
        }
        if watch {
            self.push(Event::WatchDue);
        }
        if let (true, Some(found)) = (paid, self.state.found.clone()) {
            self.push(Event::PaidTermOver { zoho_subscription: found.zoho_subscription });
        }
        if compare {
            self.push(Event::ShadowDue);
        }
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let Answered { step, effect, outcome, .. } = *answered;
        match outcome {
            Outcome::Done { answer } => self.done(step, effect, answer),
            Outcome::Declined { .. } if step == "claim" => self.not_claimed(),
            Outcome::Declined { .. } if step == "claim_back" => {
                let again_at = self.state.busy.again_at(self.at.now);
                self.push(Event::ClaimBusy { again_at });
            }
            Outcome::Rejected { rejection } => self.refused(step, effect, rejection),
            // Nobody else declines. The machine parks it.
            Outcome::Declined { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
        }
    }

    fn done(&mut self, step: &str, effect: &Effect, answer: &Answer) {
        let read = match (step, answer) {
            ("find_customers", Answer::ZohoCustomers { customers }) => {
                Event::ZohoCustomersFound { customers: customers.clone() }
            }
            ("list_subscriptions", Answer::Subscriptions { subscriptions }) => {
                Event::SubscriptionsListed { subscriptions: subscriptions.clone() }
            }
            ("read_subscription", Answer::Subscription(read)) => {
                Event::SubscriptionRead { subscription: Some(read.clone()) }
            }
            ("read_customer", Answer::ZohoCustomer(read)) => Event::CustomerRead { customer: Some(read.clone()) },
            ("survey_subscription", Answer::SubscriptionSurvey(survey)) => {
                Event::SubscriptionSurveyed { survey: survey.clone() }
            }
            ("survey_customer", Answer::CustomerSurvey(survey)) => Event::CustomerSurveyed { survey: survey.clone() },
            ("find_payers", Answer::BraintreeCustomers { customers }) => {
                Event::BraintreeCustomersFound { customers: customers.clone() }
            }
            ("read_cards", Answer::Methods { methods }) => Event::CardsRead { methods: Some(methods.clone()) },
            ("read_card_uses", Answer::MethodInUse(shown)) => {
                let (token, subscriptions) = (shown.method.token.clone(), shown.subscriptions.clone());
                Event::CardUsesRead { token, subscriptions }
            }
            ("find_client", Answer::Client(client)) => Event::ClientRead { client: client.clone() },
            ("find_person", Answer::PersonFound { record }) => Event::PersonLooked { record: Some(record.clone()) },
            ("find_person", Answer::Nothing) => Event::PersonLooked { record: None },
            _ => return self.done_writing(step, effect, answer),
        };
        self.push(read);
        self.judge();
    }

    /// What is no read of a check.
    fn done_writing(&mut self, step: &str, effect: &Effect, answer: &Answer) {
        let Some(found) = self.state.found.clone() else { return };
        match (step, answer) {
            ("claim", _) => self.push(Event::ProductClaimed { claims: steps::claims(&found) }),
            ("link", _) => {
                self.push(Event::IdsLinked);
                if steps::seed(&self.state, &found).is_none() {
                    self.push(Event::OldChargesCounted { order_ids: Vec::new() });
                }
            }
            ("count_old_charges", _) => {
                if let Effect::Desk(Desk::CountOldCharges { order_ids, .. }) = effect {
                    self.push(Event::OldChargesCounted { order_ids: order_ids.clone() });
                }
            }
            ("record_owner", _) => self.linked(found),
            ("survey_collector", Answer::SubscriptionSurvey(survey)) if self.state.stage == Stage::Linked => {
                self.looked_at_record(survey);
            }
            ("survey_collector", Answer::SubscriptionSurvey(survey)) => self.collector(&found, survey),
            ("clear_owner", _) if self.state.stage == Stage::Returning => {
                let released = steps::return_claims(&self.state);
                self.push(Event::ReturnedToOldWay { released, at: self.at.now });
            }
            ("clear_owner", _) => self.push(Event::OwnerCleared),
            ("claim_back", _) => self.push(Event::ReturnClaimed { claims: steps::return_claims(&self.state) }),
            ("survey_charges", Answer::EndingSurvey(survey)) if self.state.stage == Stage::Linked => {
                self.charges_surveyed(survey);
            }
            ("survey_charges", Answer::EndingSurvey(survey)) => self.return_surveyed(survey),
            ("read_charge", Answer::Transaction(transaction)) => self.charge_read(transaction),
            ("unlink", _) => {
                let (was_held, released) = (self.state.held_until.is_some(), self.state.claims.clone());
                let zoho_subscription = found.zoho_subscription;
                self.push(Event::SubscriptionUnlinked { zoho_subscription, was_held, released, at: self.at.now });
            }
            ("list_invoices", Answer::BilledInvoices { invoices }) if self.state.watch.is_some() => {
                self.watch(invoices);
            }
            ("list_invoices", Answer::BilledInvoices { invoices }) => self.invoices(invoices),
            ("read_invoice", Answer::Invoice(invoice)) if self.state.watch.is_some() => self.watched_invoice(invoice),
            ("read_invoice", Answer::Invoice(invoice)) => self.compare(invoice),
            // No step is answered with anything else.
            _ => {}
        }
    }

    /// Everything is read: what the line is, or what stands in the way.
    fn judge(&mut self) {
        if !matches!(self.state.stage, Stage::Checking { .. }) || steps::read(&self.state).is_some() {
            return;
        }
        let at = self.at.now;
        match judge::judge(&self.state) {
            Ok(found) => self.push(Event::LineMatched { found: Box::new(found), at }),
            Err(conflicts) => self.push(Event::ConflictsFound { conflicts, at }),
        }
    }

    fn not_claimed(&mut self) {
        if self.state.busy.refusals < CLAIM_TRIES {
            let again_at = self.state.busy.again_at(self.at.now);
            return self.push(Event::ClaimBusy { again_at });
        }
        let conflict = Conflict {
            code: "product_taken".to_owned(),
            what: "the customer has a subscription of this product here already, or another flow works on them"
                .to_owned(),
            cure: "end or unlink the other, then check again".to_owned(),
        };
        self.push(Event::ConflictsFound { conflicts: vec![conflict], at: self.at.now });
    }

    fn linked(&mut self, found: Found) {
        let paid = self.state.old.as_ref().and_then(|old| old.paid_until).and_then(|day| day.succ_opt());
        let begins = |day: chrono::NaiveDate| {
            day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::seconds(i64::from(self.at.books_offset))
        };
        let held_until = paid.map(begins).filter(|begins| *begins > self.at.now);
        let product = steps::product(&found);
        let released = self.state.claims.iter().filter(|claim| **claim != product).cloned().collect();
        self.push(Event::SubscriptionLinked { found: Box::new(found), held_until, released, at: self.at.now });
    }

    /// Whoever collects it by now may not be taken off by going back to before the link.
    fn collector(&mut self, found: &Found, survey: &SubscriptionSurvey) {
        if survey.owner == found.owner && survey.claimed_by.is_none() {
            return self.push(Event::CollectorUnchanged);
        }
        let why = "who collects was changed since it was linked, or is being changed: hand it back first".to_owned();
        self.push(Event::UnlinkRefused { why });
    }

    fn refused(&mut self, step: &str, effect: &Effect, rejection: &Rejection) {
        let gone = rejection.kind == RejectionKind::NotFound;
        let read = match step {
            "read_subscription" if gone => Event::SubscriptionRead { subscription: None },
            "read_customer" if gone => Event::CustomerRead { customer: None },
            "list_subscriptions" if gone => Event::SubscriptionsListed { subscriptions: Vec::new() },
            "read_cards" if gone => Event::CardsRead { methods: None },
            "read_card_uses" if gone => {
                let Effect::Braintree(Braintree::ReadMethod { token }) = effect else { return };
                Event::CardUsesRead { token: token.clone(), subscriptions: Vec::new() }
            }
            // Who was erased has no address any more.
            "find_customers" if gone => Event::ZohoCustomersFound { customers: Vec::new() },
            "find_payers" if gone => Event::BraintreeCustomersFound { customers: Vec::new() },
            "find_person" if gone => Event::PersonLooked { record: None },
            _ => return self.refused_writing(step, effect, rejection),
        };
        self.push(read);
        self.judge();
    }

    fn refused_writing(&mut self, step: &str, effect: &Effect, rejection: &Rejection) {
        let at = self.at.now;
        match (step, effect) {
            ("link", _) if rejection.code == "linked_otherwise" => {
                let conflict = Conflict {
                    code: rejection.code.clone(),
                    what: rejection.message.clone(),
                    cure: "correct the line, or unlink the other first; then check again".to_owned(),
                };
                let released = self.state.claims.clone();
                self.push(Event::LinkRefused { conflict, released, at });
            }
            ("clear_owner", _) if rejection.code == "other_owner" => {
                let why = "who collects was changed meanwhile: look who does, then ask again".to_owned();
                if self.state.stage == Stage::Returning {
                    let released = steps::return_claims(&self.state);
                    return self.push(Event::ReturnRefused { why, released });
                }
                self.push(Event::UnlinkRefused { why });
            }
            ("read_invoice", Effect::Zoho(Zoho::ReadInvoice { invoice }))
                if rejection.kind == RejectionKind::NotFound && self.state.watch.is_some() =>
            {
                self.push(Event::NothingCharged { invoice: invoice.clone(), at });
            }
            ("read_invoice", Effect::Zoho(Zoho::ReadInvoice { .. })) if rejection.kind == RejectionKind::NotFound => {
                let queued = self.state.shadow.as_ref().and_then(|shadow| shadow.queue.first()).cloned();
                if let Some(BilledInvoice { id, number, total, .. }) = queued {
                    let took = Money::zero(total.currency);
                    self.differs(id, number, total, took, DELETED);
                }
            }
            // The machine parks it.
            _ => {}
        }
    }

    fn invoices(&mut self, invoices: &[BilledInvoice]) {
        let look_at = self.at.now + SHADOW_LOOKS;
        let Some(shadow) = &self.state.shadow else { return };
        if shadow.before.is_none() {
            let before = invoices.iter().map(|invoice| invoice.id.clone()).collect();
            return self.push(Event::ShadowFrom { before, look_at });
        }
        let unfinished = |invoice: &&BilledInvoice| matches!(invoice.status.as_str(), "draft" | "pending");
        let gone = |(id, would): (&String, &Money)| {
            let there = invoices.iter().any(|invoice| invoice.id == *id);
            (!there).then(|| (id.clone(), *would))
        };
        let gone: Vec<_> = shadow.open.iter().filter_map(gone).collect();
        let compared = invoices.iter().filter(|invoice| !unfinished(invoice) && !shadow.is_settled(&invoice.id));
        let invoices = compared.cloned().collect();
        self.push(Event::InvoicesFound { invoices, look_at });
        for (id, would) in gone {
            self.differs(id.clone(), id, would, Money::zero(would.currency), DELETED);
        }
    }

    /// What we would have charged is what is left to pay once credits are off (the rule of `Claimed` in an invoice's
    /// payment); what the old way took is what Zoho shows as paid.
    fn compare(&mut self, invoice: &Invoice) {
        let Some(shadow) = &self.state.shadow else { return };
        let (id, number, currency) = (invoice.id.clone(), invoice.number.clone(), invoice.total.currency);
        let would = Money::new(invoice.total.minor - invoice.credits.minor - invoice.written_off.minor, currency);
        let took = Money::new(invoice.payments.iter().map(|payment| payment.amount.minor).sum(), currency);
        let charged = shadow.open.get(&id).copied();
        let void = invoice.status == "void";
        let at = self.at.now;
        if charged.is_none() && (void || !would.is_positive()) {
            return self.push(Event::ShadowAgrees { invoice: id, took, at });
        }
        if charged.is_none() {
            self.push(Event::WouldCharge { invoice: id.clone(), number: number.clone(), amount: would, at });
        }
        let would = charged.unwrap_or(would);
        let late = invoice.due_date.checked_add_days(LATE_AFTER).is_some_and(|last| self.at.date(at) > last);
        if void {
            self.differs(id, number, would, took, "the old way voided the invoice after we would have charged it");
        } else if invoice.balance.is_positive() && late {
            self.differs(id, number, would, took, "the old way has not charged it, three days after it was due");
        } else if invoice.balance.is_positive() {
            self.push(Event::OldWayAwaited { invoice: id });
        } else if took == would {
            self.push(Event::ShadowAgrees { invoice: id, took, at });
        } else {
            self.differs(id, number, would, took, "the old way took another amount");
        }
    }

    fn differs(&mut self, invoice: String, number: String, would: Money, took: Money, why: &str) {
        self.push(Event::ShadowDiffers { invoice, number, would, took, why: why.to_owned(), at: self.at.now });
    }
}
