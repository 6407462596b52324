//! How an invoice's stream changes with each event. Pure folding: nothing is decided here, and no event is refused.

use super::dunning::{self, Asked, Bar, Dunning, Lasting, Next, Ruling};
use super::projection;
use super::state::{Adopted, Capture, Deferral, Facts, Intake, RESUMED, Recording, Refused, Rest, Stage, State};
use super::words::{Captured, Choice, Closing, Event, Scope, Trouble, Wait};
use crate::kernel::answer::{CollectionOwner, InvoicePayment, Survey};
use crate::kernel::money::Money;
use crate::kernel::outcome::Decline;
use crate::kernel::park::ParkCode;
use crate::kernel::retry::PutOff;
use chrono::{DateTime, Utc};

impl State {
    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_signal(event);
        self.apply_retry(event);
        self.apply_letters(event);
        self.apply_read(event);
        self.apply_rest(event);
        self.apply_charge(event);
        self.apply_capture(event);
        self.apply_record(event);
        self.apply_settlement(event);
        self.apply_give_back(event);
        self.apply_reassigned(event);
        self.apply_proposal(event);
        self.apply_dispute(event);
        self.booked.apply(event);
        self.show(event);
    }

    /// What came from outside.
    fn apply_signal(&mut self, event: &Event) {
        match event {
            Event::InvoiceDetected { organization, installation, invoice, subscription, .. } => {
                self.intake = Some(Intake {
                    organization: organization.clone(),
                    installation: installation.clone(),
                    invoice: invoice.clone(),
                    subscription: subscription.clone(),
                });
            }
            Event::SignalHeard { signal, subscription } => {
                if signal == RESUMED {
                    self.captures.iter_mut().for_each(Capture::cleared);
                }
                if let (Some(intake), Some(named)) = (&mut self.intake, subscription) {
                    intake.subscription = Some(named.clone());
                }
                // A round that has read nothing yet will see whatever the signal is about.
                self.again |= !(self.stage == Stage::Checking && self.facts.is_empty());
            }
            Event::MethodChanged { consent, customer_present } => {
                self.again = true;
                // A new card alone is no reason to charge what is not due, or what never failed, out of turn.
                self.orders.once = *customer_present || self.dunning.declines > 0 || self.dunning.asked.is_some();
                self.orders.customer_present = *customer_present;
                self.dunning.method_renewed(*consent);
            }
            Event::ChargeOrdered { .. } => {
                self.again = true;
                self.orders.once = true;
                self.orders.early = true;
                self.orders.stopped = false;
                self.orders.paused_until = None;
            }
            Event::CollectionPaused { until, .. } => {
                self.again = true;
                self.orders.once = false;
                self.orders.paused_until = Some(*until);
            }
            Event::CollectionStopped { .. } => {
                self.orders.stopped = true;
                self.rest_in(Rest::Closed { closing: Closing::Stopped });
            }
            Event::CollectionOfEndedOrdered { .. } => {
                self.again = true;
                self.orders.collect_ended = true;
            }
            Event::DecisionTaken { choice, .. } => self.decided(*choice),
            _ => {}
        }
    }

    fn decided(&mut self, choice: Choice) {
        match choice {
            Choice::ChargeAgain => {
                self.again = true;
                self.orders.once = true;
                self.orders.stopped = false;
                self.orders.collect_ended = true;
                for capture in &mut self.captures {
                    if capture.reversed {
                        capture.trouble = None;
                    }
                }
            }
            Choice::RecordAgain => {
                self.again = true;
                self.orders.record_again = true;
                for capture in &mut self.captures {
                    capture.refused = None;
                }
            }
            Choice::Leave => self.rest_in(Rest::Closed { closing: Closing::Left }),
        }
    }

    /// What was read in this round.
    fn apply_read(&mut self, event: &Event) {
        match event {
            Event::ChecksBegun { scope, at } => self.begin_checks(*scope, *at),
            Event::InvoiceRead { invoice } => self.facts.invoice = Some((**invoice).clone()),
            Event::SubscriptionOfInvoiceFound { subscription } => {
                self.facts.found.clone_from(subscription);
                self.facts.looked_for_subscription = true;
            }
            Event::InvoiceSurveyed { survey } => self.surveyed(survey),
            Event::SubscriptionRead { subscription } => self.facts.subscription = Some((**subscription).clone()),
            Event::ClientRead { client } => {
                if client.record.is_some() {
                    self.party.client.clone_from(&client.record);
                }
                self.facts.client = Some((**client).clone());
            }
            Event::MethodRead { method } => {
                self.facts.method.clone_from(method);
                self.facts.method_read = true;
            }
            _ => {}
        }
    }

    fn begin_checks(&mut self, scope: Scope, at: DateTime<Utc>) {
        self.stage = Stage::Checking;
        self.round += 1;
        self.attempt = None;
        self.facts.survey = None;
        match scope {
            Scope::All => {
                self.again = false;
                self.facts = Facts { since: Some(at), ..Facts::default() };
            }
            Scope::Invoice => {
                self.again = false;
                self.facts.invoice = None;
            }
            Scope::Survey => self.facts.partial = true,
        }
    }

    fn surveyed(&mut self, survey: &Survey) {
        let collected =
            matches!(survey.owner, Some(CollectionOwner::Orchestrator | CollectionOwner::BraintreeRecurring));
        let ours = collected || survey.one_off_consent;
        self.party.surveyed = true;
        if survey.customer.is_some() {
            self.party.customer.clone_from(&survey.customer);
        }
        self.party.known = survey.customer.is_some() && ours;
        if survey.attio_client.is_some() {
            self.party.client.clone_from(&survey.attio_client);
        }
        self.party.subscription_record.clone_from(&survey.attio_subscription);
        self.party.subscription = survey.subscription.clone().zip(self.subscription_id().map(str::to_owned));
        self.facts.survey = Some(survey.clone());
    }

    /// Waits, parks and ends.
    fn apply_rest(&mut self, event: &Event) {
        match event {
            Event::InvoiceDeferred { wait, until, at, .. } => {
                if self.deferral.wait != Some(*wait) {
                    self.deferral = Deferral { wait: Some(*wait), since: Some(*at), times: 0 };
                }
                self.deferral.times += 1;
                if matches!(wait, Wait::Method | Wait::Authentication) && self.dunning.asked.is_none() {
                    let authentication = *wait == Wait::Authentication;
                    self.dunning.asked = Some(Asked { authentication, until: *until });
                }
                self.wait(*wait, *until);
            }
            Event::InvoiceHeld { code, detail, .. } => {
                self.rest_in(Rest::Held { code: *code, detail: detail.clone() });
            }
            Event::InvoiceClosed { closing, .. } => {
                self.dunning.exhausted |= *closing == Closing::Exhausted;
                self.rest_in(Rest::Closed { closing: *closing });
            }
            _ => {}
        }
    }

    fn rest_in(&mut self, rest: Rest) {
        self.stage = Stage::Resting;
        self.attempt = None;
        if !matches!(rest, Rest::Waiting { .. }) {
            self.orders.once = false;
            self.orders.early = false;
            self.orders.record_again = false;
            self.deferral = Deferral::default();
        }
        self.rest = rest;
    }

    fn wait(&mut self, wait: Wait, until: DateTime<Utc>) {
        self.rest_in(Rest::Waiting { wait, until });
    }

    /// Attempts, from the plan to the answer.
    fn apply_charge(&mut self, event: &Event) {
        match event {
            Event::ChargePlanned { attempt } => {
                self.stage = Stage::Claiming;
                self.charges += 1;
                self.attempts = self.attempts.max(attempt.number);
                self.last_order.clone_from(&attempt.order_id);
                self.orders.once = false;
                self.orders.early = false;
                self.orders.customer_present = false;
                self.deferral = Deferral::default();
                self.superseded = None;
                self.attempt = Some((**attempt).clone());
            }
            Event::InvoiceClaimed => self.stage = Stage::CountingCard,
            Event::CardCounted => self.stage = Stage::Charging,
            Event::CardCapReached { until, .. } => {
                self.wait(Wait::CardCap, *until);
            }
            Event::ChargeDeclined { decline, ruling, at } => self.declined(decline, ruling, *at),
            Event::ChargeSuperseded => {
                self.superseded.clone_from(&self.attempt);
                self.dunning.network_retry = 0;
                self.dunning.not_before = None;
            }
            Event::CardUnknown { .. } => {
                if let Some(attempt) = &self.attempt {
                    let bar = Bar { card: attempt.method.card.clone(), lasting: Lasting::UntilChanged };
                    self.dunning.bars.push(bar);
                }
                self.stage = Stage::Checking;
            }
            _ => {}
        }
    }

    fn declined(&mut self, decline: &Decline, ruling: &Ruling, at: DateTime<Utc>) {
        let Some(attempt) = self.attempt.clone() else { return };
        let dunning = &mut self.dunning;
        dunning.declines += 1;
        dunning.failed += u32::from(attempt.scheduled && attempt.network_retry == 0);
        dunning.first_failed_at.get_or_insert(at);
        dunning.anchor.get_or_insert(ruling.anchor);
        dunning.last_offered |= ruling.rule == "2.3-e11";
        dunning.doubted |= ruling.rule == "2.3-e14" && dunning::is_doubtful(decline);
        dunning.bars.extend(ruling.bar.clone());
        dunning.network_retry = 0;
        dunning.not_before = None;
        match &ruling.next {
            Next::Attempt { at } => {
                dunning.not_before = Some(*at);
                self.wait(Wait::NextAttempt, *at);
            }
            Next::NetworkRetry { retry, at } => {
                dunning.network_retry = *retry;
                dunning.not_before = Some(*at);
                self.wait(Wait::NetworkRetry, *at);
            }
            Next::Method { until, revoked } => {
                dunning.revoked |= *revoked;
                dunning.asked = Some(Asked { authentication: false, until: *until });
                self.wait(Wait::Method, *until);
            }
            Next::Authentication { until } => {
                dunning.asked = Some(Asked { authentication: true, until: *until });
                self.wait(Wait::Authentication, *until);
            }
            Next::Exhausted => {
                dunning.exhausted = true;
                self.rest_in(Rest::Closed { closing: Closing::Exhausted });
            }
            Next::Person => self.rest_in(Rest::Held {
                code: ParkCode::OutcomeUnknown,
                detail: format!(
                    "charge {} was rejected as a duplicate: look for a success of the same customer and amount, then resume",
                    attempt.order_id
                ),
            }),
        }
    }

    /// What was captured.
    fn apply_capture(&mut self, event: &Event) {
        match event {
            Event::PaymentCaptured { captured, extra, .. } => {
                self.captures.push(Capture::new(captured));
                self.unread.extend(extra.iter().cloned());
                self.attempt = None;
                self.dunning.not_before = None;
                self.dunning.network_retry = 0;
                self.dunning.asked = None;
                self.stage = Stage::Checking;
            }
            Event::CaptureFoundByRecovery { captured, .. } => {
                self.captures.push(Capture::new(captured));
                // The number counts as used.
                let used = captured.order_id.split('.').nth(3).and_then(|n| n.parse().ok()).unwrap_or(0);
                self.attempts = self.attempts.max(used);
                self.again = true;
            }
            Event::CaptureAdopted { captured, reply_to, .. } => {
                self.captures.push(Capture::new(captured));
                self.adopted = Some(Adopted { transaction: captured.transaction.clone(), reply_to: *reply_to });
                // An attempt that was planned meanwhile has nothing to charge any more; its claim is refused.
                self.again = true;
            }
            Event::ActivationTold => self.adopted = None,
            Event::DuplicateCaptured { captured } => {
                self.unread.retain(|t| *t != captured.transaction);
                self.captures.push(Capture::new(captured));
                self.looking = None;
                self.stage = Stage::Checking;
            }
            Event::DuplicateDisproved { transaction } => {
                self.unread.retain(|t| t != transaction);
                self.looking = None;
            }
            Event::ApplicationUndone { transaction, amount, .. } => {
                if let Some(capture) = self.capture_mut(transaction) {
                    capture.applied.minor -= amount.minor;
                }
            }
            _ => {}
        }
    }

    /// What was recorded in Zoho.
    fn apply_record(&mut self, event: &Event) {
        match event {
            Event::RecordingBegun { transaction, amount, again } => {
                self.stage = Stage::Recording;
                self.records += 1;
                self.orders.record_again = false;
                self.recording = Some(Recording { transaction: transaction.clone(), amount: *amount, again: *again });
            }
            Event::PaymentRecorded { transaction, payment, applied, again, .. } => {
                self.recording = None;
                self.stage = Stage::Checking;
                self.orders.record_again = false;
                if let Some(capture) = self.capture_mut(transaction) {
                    capture.payment = Some(payment.clone());
                    capture.refused = None;
                    if !again {
                        capture.applied.minor += applied.minor;
                    }
                }
                self.note_record(transaction, payment, *applied);
                self.note_ledger();
            }
            Event::RecordDoubtful { transaction, what } => {
                if let Some(capture) = self.capture_mut(transaction) {
                    capture.trouble = Some(Trouble::Mismatch { what: what.clone() });
                }
            }
            Event::RecordRefused { transaction, code, message, .. } => {
                if let Some(recording) = self.recording.take()
                    && let Some(capture) = self.capture_mut(transaction)
                {
                    capture.refused = Some(Refused { amount: recording.amount, why: format!("{code} {message}") });
                }
                self.stage = Stage::Checking;
            }
            _ => {}
        }
    }

    /// What became of the captures, and what Attio shows.
    fn apply_settlement(&mut self, event: &Event) {
        match event {
            Event::SettlementLookDue { transaction } => {
                self.looks += 1;
                self.looking = Some(transaction.clone());
            }
            Event::SettlementAwaited { transaction, next_look, .. } => {
                self.looking = None;
                if let Some(capture) = self.capture_mut(transaction) {
                    capture.next_look = Some(*next_look);
                }
            }
            Event::PaymentSettled { transaction, .. } => {
                self.looking = None;
                if let Some(capture) = self.capture_mut(transaction) {
                    capture.settled = true;
                    capture.next_look = None;
                }
            }
            Event::PaymentReversed { transaction, cause, expected, .. } => self.reversed(transaction, cause, *expected),
            Event::ProjectionPutOff { again_at, .. } => self.put_off.refused(*again_at),
            Event::ProjectionDue => self.put_off.until = None,
            Event::CustomerStateShown { version, .. } | Event::ProjectionRefused { version, .. } => {
                self.put_off = PutOff::default();
                self.shown_version = self.shown_version.max(*version);
            }
            Event::SettlementUnclear { transaction, code, what, .. } => {
                self.looking = None;
                if let Some(capture) = self.capture_mut(transaction) {
                    // Looked at again by the person's resume.
                    capture.next_look = None;
                }
                self.again = false;
                self.rest_in(Rest::Held { code: *code, detail: what.clone() });
            }
            _ => {}
        }
    }

    fn reversed(&mut self, transaction: &str, cause: &str, expected: bool) {
        self.looking = None;
        self.stage = Stage::Checking;
        if let Some(capture) = self.capture_mut(transaction) {
            capture.reversed = true;
            capture.applied.minor = 0;
            capture.next_look = None;
            capture.trouble = match (expected, cause) {
                (true, _) => None,
                (false, "settlement_declined" | "settlement_failed") => Some(Trouble::SettlementDeclined),
                (false, _) => Some(Trouble::VoidedElsewhere),
            };
        }
    }

    /// What this flow posted since our own tables were read.
    fn note_ledger(&mut self) {
        let applied = self.captures.iter().map(|c| c.applied.minor).sum();
        let unapplied = self.unapplied();
        if let (Some(survey), Some(invoice)) = (&mut self.facts.survey, &self.facts.invoice) {
            survey.applied = Some(Money::new(applied, invoice.total.currency));
            survey.unapplied = Some(Money::new(unapplied, invoice.total.currency));
        }
    }

    /// Our own record is known to the facts of this round without another read.
    fn note_record(&mut self, transaction: &str, payment: &str, applied: Money) {
        let Some(invoice) = &mut self.facts.invoice else { return };
        if invoice.payments.iter().any(|p| p.id == payment) {
            return;
        }
        invoice.balance.minor -= applied.minor;
        invoice.payments.push(InvoicePayment {
            id: payment.to_owned(),
            reference: transaction.to_owned(),
            mode: "creditcard".to_owned(),
            amount: applied,
        });
    }

    fn show(&mut self, event: &Event) {
        if let Some(face) = projection::face(self, event)
            && !self.face.as_ref().is_some_and(|shown| shown.same(&face))
        {
            self.face = Some(face);
            self.face_version += 1;
            self.put_off.until = None;
        }
    }
}

impl Capture {
    /// A person cleared what stood in the way of the record; whether Zoho and the ledger agree is tested anew.
    fn cleared(&mut self) {
        self.refused = None;
        if self.unapplied() == 0 && matches!(self.trouble, Some(Trouble::Mismatch { .. })) {
            self.trouble = None;
        }
    }

    fn new(captured: &Captured) -> Self {
        Self {
            transaction: captured.transaction.clone(),
            order_id: captured.order_id.clone(),
            amount: captured.amount,
            applied: Money::zero(captured.amount.currency),
            captured_at: captured.made_at,
            effective: captured.effective,
            reversed: false,
            settled: false,
            payment: None,
            refused: None,
            trouble: captured.trouble.clone(),
            next_look: Some(captured.made_at + super::schedule::settlement::OFTEN),
            give_backs: Vec::new(),
            disputes: Vec::new(),
        }
    }
}

impl Dunning {
    fn method_renewed(&mut self, consent: bool) {
        self.bars.retain(|bar| bar.lasting == Lasting::Ever);
        self.method_changed = self.declines > 0;
        self.exhausted = false;
        if consent {
            self.revoked = false;
        }
        if !self.revoked {
            self.asked = None;
        }
    }

    /// Whether a card may not be charged at an instant.
    pub(super) fn bars(&self, card: &str, now: DateTime<Utc>) -> bool {
        self.bars.iter().any(|bar| {
            bar.card == card
                && match bar.lasting {
                    Lasting::Ever | Lasting::UntilChanged => true,
                    Lasting::Until { until } => now < until,
                }
        })
    }
}
