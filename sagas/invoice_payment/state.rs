//! What an invoice's stream remembers, folded from its events. Nothing is decided here.

use super::books::Booked;
use super::dunning::{self, Asked, Bar, Dunning, Lasting, Next, Ruling};
use super::projection::{self, Face};
use super::words::{Attempt, Captured, Choice, Closing, Event, Scope, Trouble, Wait};
use crate::kernel::answer::{Client, CollectionOwner, Invoice, Method, Subscription, Survey};
use crate::kernel::effect::AttioRecord;
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use crate::kernel::outcome::Decline;
use crate::kernel::park::ParkCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where an invoice's stream stands. Mails to the customer and tickets are not written by this flow yet: who must act
/// is told in Attio and, for what needs us, by the park.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) intake: Option<Intake>,
    pub(super) stage: Stage,
    pub(super) rest: Rest,
    /// A signal came while a step was under way: all is looked at again before the stream rests.
    pub(super) again: bool,
    pub(super) facts: Facts,
    /// Counts the rounds of reads: tells repeated steps apart.
    pub(super) round: u32,
    /// Charges ever planned, network sub-attempts included: tells repeated charges apart.
    pub(super) charges: u32,
    /// The last attempt number used; never goes back.
    pub(super) attempts: u32,
    pub(super) attempt: Option<Attempt>,
    /// `order_id` of the last planned charge.
    pub(super) last_order: String,
    pub(super) captures: Vec<Capture>,
    /// Approved transactions of which only the id is known.
    pub(super) unread: Vec<String>,
    pub(super) recording: Option<Recording>,
    /// Records ever begun: tells repeated records apart.
    pub(super) records: u32,
    pub(super) looking: Option<String>,
    /// Looks at settlement ever begun.
    pub(super) looks: u32,
    pub(super) booked: Booked,
    pub(super) dunning: Dunning,
    pub(super) orders: Orders,
    pub(super) deferral: Deferral,
    pub(super) party: Party,
    pub(super) face: Option<Face>,
    /// Grows with every face.
    pub(super) face_version: u64,
    /// The last face that was shown or passed over.
    pub(super) shown_version: u64,
}

/// The signal of a person's resume.
pub(super) const RESUMED: &str = "resumed";

/// What came with the first message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intake {
    pub(super) organization: String,
    pub(super) installation: Installation,
    pub(super) invoice: String,
    pub(super) subscription: Option<String>,
}

/// Who is shown the state in Attio; known from the last round that got so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Party {
    /// Ours to show: the customer is linked and we collect.
    pub(super) known: bool,
    /// Our own tables were asked at least once.
    pub(super) surveyed: bool,
    /// Our customer id.
    pub(super) customer: Option<String>,
    pub(super) client: Option<AttioRecord>,
    /// Our subscription id and Zoho's.
    pub(super) subscription: Option<(String, String)>,
}

/// The chain of steps that is under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// None: see `rest`.
    #[default]
    Resting,
    Checking,
    Claiming,
    CountingCard,
    Charging,
    Recording,
}

/// What the stream rests in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rest", rename_all = "snake_case")]
pub(super) enum Rest {
    /// Nothing was detected.
    #[default]
    Nothing,
    Waiting {
        wait: Wait,
        until: DateTime<Utc>,
    },
    Held {
        code: ParkCode,
        detail: String,
    },
    Closed {
        closing: Closing,
    },
}

/// What was read in this round.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) since: Option<DateTime<Utc>>,
    pub(super) invoice: Option<Invoice>,
    /// The subscription that the customer's list names for an invoice that names none.
    pub(super) found: Option<Option<String>>,
    pub(super) survey: Option<Survey>,
    pub(super) subscription: Option<Subscription>,
    pub(super) client: Option<Client>,
    pub(super) method: Option<Option<Method>>,
}

/// What was captured, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Capture {
    pub(super) transaction: String,
    pub(super) order_id: String,
    pub(super) amount: Money,
    pub(super) applied: Money,
    pub(super) captured_at: DateTime<Utc>,
    pub(super) effective: chrono::NaiveDate,
    pub(super) reversed: bool,
    pub(super) settled: bool,
    /// The payment in Zoho, once recorded.
    pub(super) payment: Option<String>,
    /// Zoho refused the record.
    pub(super) refused: Option<Refused>,
    pub(super) trouble: Option<Trouble>,
    /// When its settlement is looked up (UTC); absent: final.
    pub(super) next_look: Option<DateTime<Utc>>,
}

/// A record that Zoho refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    pub(super) amount: Money,
    pub(super) why: String,
}

impl Capture {
    /// Neither reversed nor given back.
    pub(super) const fn is_live(&self) -> bool {
        !self.reversed
    }

    /// Held and applied to nothing, in minor units.
    pub(super) const fn unapplied(&self) -> i64 {
        if self.reversed { 0 } else { self.amount.minor - self.applied.minor }
    }
}

/// A record in Zoho that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recording {
    pub(super) transaction: String,
    pub(super) amount: Money,
    pub(super) again: bool,
}

/// What people ordered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Orders {
    /// One attempt outside the schedule.
    pub(super) once: bool,
    /// The customer is there.
    pub(super) customer_present: bool,
    /// No attempt before (UTC).
    pub(super) paused_until: Option<DateTime<Utc>>,
    /// No attempt until somebody orders one.
    pub(super) stopped: bool,
    /// What was captured is recorded once more.
    pub(super) record_again: bool,
    /// It is collected though the subscription has ended.
    pub(super) collect_ended: bool,
}

/// Waits that are tried again with growing distance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deferral {
    pub(super) wait: Option<Wait>,
    pub(super) since: Option<DateTime<Utc>>,
    pub(super) times: u32,
}

impl State {
    pub(super) fn capture(&self, transaction: &str) -> Option<&Capture> {
        self.captures.iter().find(|c| c.transaction == transaction)
    }

    fn capture_mut(&mut self, transaction: &str) -> Option<&mut Capture> {
        self.captures.iter_mut().find(|c| c.transaction == transaction)
    }

    /// Captured, live, and applied to nothing, in minor units.
    pub(super) fn unapplied(&self) -> i64 {
        self.captures.iter().map(Capture::unapplied).sum()
    }

    /// The subscription of the invoice, once it is known.
    pub(super) fn subscription_id(&self) -> Option<&str> {
        let invoice = self.facts.invoice.as_ref()?;
        let hint = self.intake.as_ref().and_then(|i| i.subscription.as_deref());
        invoice.subscription.as_deref().or(hint).or_else(|| self.facts.found.as_ref().and_then(Option::as_deref))
    }

    /// The earliest look at a settlement that is due some time (UTC).
    pub(super) fn next_look(&self) -> Option<(&str, DateTime<Utc>)> {
        self.captures
            .iter()
            .filter_map(|c| c.next_look.map(|at| (c.transaction.as_str(), at)))
            .min_by_key(|(_, at)| *at)
    }

    /// A face that Attio does not show yet.
    pub(super) fn owed_face(&self) -> Option<&Face> {
        (self.face_version > self.shown_version).then_some(self.face.as_ref()).flatten()
    }

    /// The invoice's number, or its id where the number is not known yet.
    pub(super) fn title(&self) -> &str {
        let id = self.intake.as_ref().map_or("", |i| i.invoice.as_str());
        self.facts.invoice.as_ref().map_or(id, |i| i.number.as_str())
    }

    fn rest_in(&mut self, rest: Rest) {
        self.stage = Stage::Resting;
        self.attempt = None;
        if !matches!(rest, Rest::Waiting { .. }) {
            self.orders.once = false;
            self.orders.record_again = false;
            self.deferral = Deferral::default();
        }
        self.rest = rest;
    }

    fn wait(&mut self, wait: Wait, until: DateTime<Utc>) {
        self.rest_in(Rest::Waiting { wait, until });
    }

    fn show(&mut self, event: &Event) {
        if let Some(face) = projection::face(self, event)
            && !self.face.as_ref().is_some_and(|shown| shown.same(&face))
        {
            self.face = Some(face);
            self.face_version += 1;
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
            Scope::Survey => {}
        }
    }

    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_fact(event);
        self.apply_charge(event);
        self.apply_money(event);
        self.booked.apply(event);
        self.show(event);
    }

    /// Signals, orders, reads and rests.
    fn apply_fact(&mut self, event: &Event) {
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
                    self.captures.iter_mut().for_each(|c| c.refused = None);
                }
                if let (Some(intake), Some(named)) = (&mut self.intake, subscription) {
                    intake.subscription = Some(named.clone());
                }
                self.again = true;
            }
            Event::MethodChanged { consent, customer_present } => {
                self.again = true;
                self.orders.once = true;
                self.orders.customer_present = *customer_present;
                self.dunning.method_renewed(*consent);
            }
            Event::ChargeOrdered { .. } => {
                self.again = true;
                self.orders.once = true;
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
            Event::DecisionTaken { choice, .. } => self.decided(*choice),
            Event::ChecksBegun { scope, at } => self.begin_checks(*scope, *at),
            Event::InvoiceRead { invoice } => self.facts.invoice = Some((**invoice).clone()),
            Event::SubscriptionOfInvoiceFound { subscription } => self.facts.found = Some(subscription.clone()),
            Event::InvoiceSurveyed { survey } => self.surveyed(survey),
            Event::SubscriptionRead { subscription } => self.facts.subscription = Some((**subscription).clone()),
            Event::ClientRead { client } => {
                if client.record.is_some() {
                    self.party.client.clone_from(&client.record);
                }
                self.facts.client = Some((**client).clone());
            }
            Event::MethodRead { method } => self.facts.method = Some(method.clone()),
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

    fn surveyed(&mut self, survey: &Survey) {
        let ours = survey.owner == Some(CollectionOwner::Orchestrator) || survey.one_off_consent;
        self.party.surveyed = true;
        if survey.customer.is_some() {
            self.party.customer.clone_from(&survey.customer);
        }
        self.party.known = survey.customer.is_some() && ours;
        if survey.attio_client.is_some() {
            self.party.client.clone_from(&survey.attio_client);
        }
        self.party.subscription = survey.subscription.clone().zip(self.subscription_id().map(str::to_owned));
        self.facts.survey = Some(survey.clone());
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

    /// Attempts, from the plan to the answer.
    fn apply_charge(&mut self, event: &Event) {
        match event {
            Event::ChargePlanned { attempt } => {
                self.stage = Stage::Claiming;
                self.charges += 1;
                self.attempts = self.attempts.max(attempt.number);
                self.last_order.clone_from(&attempt.order_id);
                self.orders.once = false;
                self.orders.customer_present = false;
                self.deferral = Deferral::default();
                self.attempt = Some((**attempt).clone());
            }
            Event::InvoiceClaimed => self.stage = Stage::CountingCard,
            Event::CardCounted => self.stage = Stage::Charging,
            Event::CardCapReached { until, .. } => {
                self.wait(Wait::CardCap, *until);
            }
            Event::ChargeDeclined { decline, ruling, at } => self.declined(decline, ruling, *at),
            Event::ChargeSuperseded => {
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

    /// Captures, records and settlement.
    fn apply_money(&mut self, event: &Event) {
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
            Event::CustomerStateShown { version, .. } | Event::ProjectionRefused { version, .. } => {
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
        invoice.payments.push(crate::kernel::answer::InvoicePayment {
            id: payment.to_owned(),
            reference: transaction.to_owned(),
            mode: "creditcard".to_owned(),
            amount: applied,
        });
    }
}

impl Capture {
    fn new(captured: &Captured) -> Self {
        Self {
            transaction: captured.transaction.clone(),
            order_id: captured.order_id.clone(),
            amount: captured.amount,
            applied: Money::zero(captured.amount.currency),
            captured_at: captured.captured_at,
            effective: captured.effective,
            reversed: false,
            settled: false,
            payment: None,
            refused: None,
            trouble: captured.trouble.clone(),
            next_look: Some(captured.captured_at + super::schedule::settlement::OFTEN),
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
