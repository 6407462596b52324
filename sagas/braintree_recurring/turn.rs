//! A decision in the making: what comes from outside, what calls answer, and what follows once all is read. All times are
//! set here.

use super::state::{Stage, State};
use super::steps;
use super::words::{Begun, Charge, Command, Ending, Event, Intent, Shown};
use crate::kernel::answer::{Answer, CollectionOwner, Recurring, RecurringStatus, Transaction, TransactionStatus};
use crate::kernel::effect::{Attio, Braintree, Effect, RecurringChange};
use crate::kernel::money::Money;
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{Answered, Refusal};
use chrono::TimeDelta;

/// A subscription is looked at so often, should every message of Braintree's be lost.
const DAILY: TimeDelta = TimeDelta::hours(24);
/// What is about to be done by others is looked at again after so long.
const SOON: TimeDelta = TimeDelta::hours(1);
/// So long a charge may wait for its invoice.
const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// How ids of ours begin at Braintree, of subscriptions and of customers.
const OURS: [&str; 2] = ["s-", "c-"];

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, super::BraintreeRecurring>;

/// By our own tables Braintree is who collects.
pub(super) fn is_ours(state: &State) -> bool {
    state.look.surveyed.is_some_and(|surveyed| surveyed.owner == Some(CollectionOwner::BraintreeRecurring))
}

impl Turn<'_> {
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        let at = self.at.now;
        match command {
            Command::Begun { begun } => {
                if self.state.begun.is_none() {
                    self.push(Event::CollectionBegun { begun: begun.clone(), look_at: at + DAILY, at });
                }
            }
            Command::Intended { intent } => {
                self.known()?;
                if self.state.ending_intended != (*intent == Intent::Ends) {
                    self.push(Event::EndIntended { intent: *intent, at });
                }
            }
            Command::Heard { recurring, source, card_link } => self.heard(recurring, source, card_link.as_ref()),
            Command::InvoiceRecorded { invoice, payment, .. } => {
                self.known()?;
                // Its answer can come before ours knows that the hand-over arrived.
                let charge = self.state.charges.iter().find(|s| s.invoice.as_ref() == Some(invoice));
                if let Some(transaction) = charge.map(|s| s.charge.transaction.clone()) {
                    let (invoice, payment) = (invoice.clone(), payment.clone());
                    self.push(Event::ChargeRecorded { transaction, invoice, payment, at });
                }
            }
            Command::CaptureReversed { transaction } => {
                self.known()?;
                if self.state.charges.iter().any(|s| s.charge.transaction == *transaction) {
                    self.push(Event::ChargeTakenBack { transaction: transaction.clone(), at });
                }
            }
        }
        Ok(())
    }

    fn known(&self) -> Result<&Begun, Refusal> {
        let none = || Refusal::new("not_begun", "nobody has begun to collect this subscription at Braintree");
        self.state.begun.as_ref().ok_or_else(none)
    }

    fn heard(&mut self, recurring: &str, source: &str, card_link: Option<&serde_json::Value>) {
        let (at, source) = (self.at.now, source.to_owned());
        if self.state.stage == Stage::New {
            // Its message can be faster than who begins it.
            let look_at = at + SOON;
            return self.push(Event::StrangerHeard { recurring: recurring.to_owned(), source, look_at, at });
        }
        if let Some(new) = card_link.filter(|new| self.state.card_link.as_ref() != Some(*new)) {
            self.push(Event::LettersSet { card_link: new.clone() });
        }
        let waits = self.state.begun.is_none() && matches!(self.state.stage, Stage::Resting { .. });
        let is_over = matches!(self.state.stage, Stage::Over { ending: Ending::Ended });
        if !waits && !is_over {
            self.push(Event::ChangeHeard { source, at });
        }
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let Answered { step, effect, outcome, .. } = *answered;
        match (step, outcome) {
            ("show" | "task", outcome) => self.people_told(effect, outcome),
            (step, Outcome::Done { answer }) => self.done(step, effect, answer),
            ("read_recurring", outcome) if is_not_found(outcome) => {
                self.push(Event::SubscriptionGone { at: self.at.now });
            }
            ("read_card", outcome) if is_not_found(outcome) => self.push(Event::CardRead { card: None }),
            ("read_price", outcome) if is_not_found(outcome) => self.push(Event::PriceRead { price: None }),
            ("correct_price", Outcome::Rejected { rejection }) if rejection.is_business() => {
                self.push(Event::PriceKept { code: rejection.code.clone(), at: self.at.now });
            }
            // The flow names no branch: the machine parks it.
            (
                _,
                Outcome::Declined { .. } | Outcome::Rejected { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. },
            ) => {}
        }
    }

    fn done(&mut self, step: &str, effect: &Effect, answer: &Answer) {
        let at = self.at.now;
        match (step, answer) {
            ("survey", Answer::SubscriptionSurvey(survey)) => {
                self.push(Event::OwnerSurveyed { owner: survey.owner, busy: survey.claimed_by.is_some() });
            }
            ("read_recurring", Answer::Recurring(shown)) => self.read(shown),
            ("list_invoices", Answer::BilledInvoices { invoices }) => {
                let is_open = |status: &str| !matches!(status, "void" | "draft" | "pending" | "paid");
                let open = invoices.iter().filter(|i| i.balance.is_positive() && is_open(&i.status)).cloned().collect();
                self.push(Event::InvoicesListed { open, at });
                self.listed();
            }
            ("hand_over", _) => {
                let next = self.state.charges.iter().find(|s| s.invoice.is_some() && !s.handed);
                if let Some(transaction) = next.map(|s| s.charge.transaction.clone()) {
                    self.push(Event::ChargeHandedOver { transaction });
                }
            }
            ("read_card", Answer::MethodInUse(shown)) => {
                let card = (shown.method.brand.clone(), shown.method.last_four.clone());
                self.push(Event::CardRead { card: Some(card) });
            }
            ("ask_card", _) => self.push(Event::CardAsked),
            ("read_price", Answer::Subscription(shown)) => self.push(Event::PriceRead { price: shown.amount }),
            ("correct_price", _) => {
                if let (
                    Effect::Braintree(Braintree::UpdateSubscription {
                        change: RecurringChange::Plan { price, .. },
                        ..
                    }),
                    Some(from),
                ) = (effect, self.state.shown.as_ref().map(|shown| shown.price))
                {
                    self.push(Event::PriceCorrected { from, to: *price, at });
                }
            }
            ("order_end", _) => self.push(Event::EndOrdered { at }),
            // No step is answered with anything else.
            _ => {}
        }
    }

    /// The subscription as it stands, and what is new of its charges, the oldest first.
    fn read(&mut self, shown: &Recurring) {
        let at = self.at.now;
        let today = self.at.date(at);
        self.push(Event::SubscriptionRead {
            shown: Box::new(Shown {
                status: shown.status.clone(),
                plan: shown.plan.clone(),
                token: shown.token.clone(),
                price: shown.price,
                balance: shown.balance,
                next_charge_on: shown.next_charge_on,
            }),
            transactions: shown.transactions.iter().map(|t| t.id.clone()).collect(),
            check: self.state.check_on.is_some_and(|day| day <= today),
            at,
        });
        if self.state.begun.is_none() {
            return self.stranger(shown);
        }
        for transaction in shown.transactions.iter().rev() {
            self.charge(transaction);
        }
        match (&shown.status, &self.state.past_due) {
            (RecurringStatus::PastDue, None) => self.push(Event::WentPastDue { owed: shown.balance, at }),
            (RecurringStatus::Active | RecurringStatus::Pending, Some(past_due)) => {
                let invoice = past_due.invoice.as_ref().map(|(invoice, ..)| invoice.clone());
                self.push(Event::CaughtUp { invoice, at });
            }
            _ => {}
        }
    }

    /// One charge as it stands now.
    fn charge(&mut self, t: &Transaction) {
        let at = self.at.now;
        let reversed =
            || Event::ChargeReversed { transaction: t.id.clone(), amount: t.amount, effective: self.at.date(at), at };
        if self.state.known.contains(&t.id) {
            // What was handed over is looked after by the invoice's own stream.
            let waits = self.state.charges.iter().any(|s| s.charge.transaction == t.id && !s.handed);
            if waits && t.status.is_reversed() {
                let reversed = reversed();
                self.push(reversed);
            }
            // Its invoice owes again, and Braintree's next try is for it.
            if t.status.is_reversed() && self.state.recorded.iter().any(|(id, _)| *id == t.id) {
                self.push(Event::ChargeTakenBack { transaction: t.id.clone(), at });
            }
            return;
        }
        match &t.status {
            // Not final: a later look says.
            TransactionStatus::Authorizing | TransactionStatus::Authorized | TransactionStatus::Other(_) => {}
            TransactionStatus::ProcessorDeclined | TransactionStatus::GatewayRejected | TransactionStatus::Failed => {
                self.push(Event::ChargeFailed { transaction: t.id.clone(), amount: t.amount, at });
            }
            _ => {
                let charge = Charge {
                    transaction: t.id.clone(),
                    amount: t.amount,
                    made_at: t.created_at,
                    effective: self.at.date(t.created_at),
                };
                let reversed = t.status.is_reversed().then(reversed);
                self.push(Event::ChargeCaptured { charge: Box::new(charge), at });
                if let Some(reversed) = reversed {
                    self.push(reversed);
                }
            }
        }
    }

    /// A subscription that nobody here has begun: one of a customer of ours charges what nobody owes.
    fn stranger(&mut self, shown: &Recurring) {
        let names = shown.transactions.iter().filter_map(|t| t.customer.as_deref()).chain([shown.id.as_str()]);
        let is_ours = names.into_iter().any(|name| OURS.iter().any(|ours| name.starts_with(ours)));
        if shown.status.is_over() || !is_ours {
            return self.end(Ending::NotOurs);
        }
        let detail = format!(
            "Braintree charges subscription {} by itself, and nobody here has it on record: end it in Braintree's console, or import it, then resume",
            shown.id
        );
        self.hold(ParkCode::TwoCollectors, detail);
    }

    /// Each charge finds its invoice: the one that owes the same, else the oldest.
    fn listed(&mut self) {
        let at = self.at.now;
        let open = self.state.look.open.clone().unwrap_or_default();
        let waiting: Vec<Charge> =
            self.state.charges.iter().filter(|s| s.invoice.is_none()).map(|s| s.charge.clone()).collect();
        for charge in waiting {
            let free: Vec<_> = self.state.uncharged_invoices(&open).cloned().collect();
            let same = free.iter().find(|invoice| invoice.balance == charge.amount);
            let Some(invoice) = same.or_else(|| free.first()) else { break };
            self.push(Event::ChargeMatched {
                transaction: charge.transaction,
                invoice: invoice.id.clone(),
                number: invoice.number.clone(),
                owed: invoice.balance,
                at,
            });
        }
        let owing = self.state.unmatched_invoices(&open).next().cloned();
        let is_asked = self.state.past_due.as_ref().is_some_and(|past_due| past_due.invoice.is_none());
        if let Some(invoice) = owing.filter(|_| is_asked) {
            self.push(Event::DebtFound { invoice: invoice.id, number: invoice.number, owed: invoice.balance, at });
        }
    }

    /// All that follows from what was decided so far.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        if self.state.stage == Stage::Looking && steps::work(&self.state).is_none() {
            self.rest();
        }
        self.out
    }

    /// Everything is read and done: until when?
    fn rest(&mut self) {
        let now = self.at.now;
        if self.state.again {
            return self.push(Event::LookDue { at: now });
        }
        if self.state.begun.is_none() {
            return self.end(Ending::NotOurs);
        }
        let Some(shown) = self.state.shown.clone() else {
            let detail = "Braintree does not know the subscription any more: look there, then resume";
            return self.hold(ParkCode::UnknownVendorState, detail.to_owned());
        };
        let surveyed = self.state.look.surveyed;
        if !is_ours(&self.state) && !shown.status.is_over() {
            if surveyed.is_some_and(|surveyed| surveyed.busy) {
                return self.push(Event::LookPlanned { until: now + SOON });
            }
            let detail = "Braintree charges the subscription by itself, and by our record somebody else collects it: \
                          end it in Braintree's console, or correct the record, then resume";
            return self.hold(ParkCode::TwoCollectors, detail.to_owned());
        }
        if let RecurringStatus::Other(word) = &shown.status {
            let detail = format!("Braintree calls the subscription `{word}`, which is not known here");
            return self.hold(ParkCode::UnknownVendorState, detail);
        }
        if let Some(waiting) = self.state.unmatched() {
            let Charge { transaction, amount, .. } = &waiting.charge;
            if now - waiting.since < PATIENCE {
                return self.push(Event::LookPlanned { until: now + SOON });
            }
            let detail = format!(
                "Braintree took {amount} ({transaction}) and Zoho has no invoice for it: raise it in Zoho, or void the charge at Braintree, then resume"
            );
            return self.hold(ParkCode::ChargeWithoutInvoice, detail);
        }
        if let Some(detail) = self.missing(&shown.status) {
            return self.hold(ParkCode::ChargeMissing, detail);
        }
        if shown.status.is_over() && self.state.charges.is_empty() {
            return self.end(Ending::Ended);
        }
        self.push(Event::LookPlanned { until: now + DAILY });
    }

    /// An invoice that Braintree should have charged by now. Where its charge failed, Braintree tries again by itself.
    fn missing(&self, status: &RecurringStatus) -> Option<String> {
        let look = &self.state.look;
        let open = look.open.as_ref().filter(|_| look.check && *status == RecurringStatus::Active)?;
        let invoice = self.state.unmatched_invoices(open).next()?;
        let balance: Money = invoice.balance;
        Some(format!(
            "invoice {} owes {balance} and Braintree did not charge it: it is never charged from here; look at the subscription in Braintree, then resume",
            invoice.number
        ))
    }

    fn hold(&mut self, code: ParkCode, detail: String) {
        self.push(Event::CollectionHeld { code, detail, at: self.at.now });
    }

    fn end(&mut self, ending: Ending) {
        self.push(Event::CollectionEnded { ending, at: self.at.now });
    }

    /// A sleep has come to its end.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        if let Some(due) = self.state.people.come_due(now) {
            return self.push(Event::Told(due));
        }
        match self.state.stage {
            Stage::Resting { until } if until <= now => self.push(Event::LookDue { at: now }),
            Stage::Looking => self.push(Event::LookDue { at: now }),
            _ => {}
        }
    }

    /// A person lets it go on: everything is read again.
    pub(super) fn resumed(&mut self) {
        if matches!(self.state.stage, Stage::Held { .. }) {
            self.push(Event::CollectionResumed { at: self.at.now });
        }
    }

    fn people_told(&mut self, effect: &Effect, outcome: &Outcome) {
        let (people, now) = (&self.state.people, self.at.now);
        let told = match effect {
            Effect::Attio(Attio::ShowEnding(face)) => people.shown(face.sync_version, outcome, now),
            _ => people.task_told(outcome, now),
        };
        self.push(Event::Told(told));
    }
}

fn is_not_found(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound)
}
