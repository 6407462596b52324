//! How an activation changes with each event. Pure folding: nothing is decided here, and no event is refused.

use super::collector::AtBraintree;
use super::events::Event;
use super::face;
use super::state::{Ending, Errand, FirstInvoice, Record, Stage, State, Submission, Undoing};
use super::words::{Act, Advice, After, Hold, LetterKind, Nothing, Paying, Then};
use crate::kernel::answer::Method;
use crate::kernel::effect::{Claim, ClaimKind};
use crate::kernel::selling::{Intake, MadeCustomer, Selling};
use chrono::{DateTime, Utc};

impl State {
    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_press(event);
        self.apply_selling(event);
        self.apply_customer(event);
        self.apply_submission(event);
        self.apply_card(event);
        self.apply_late(event);
        self.apply_zoho(event);
        self.apply_capture(event);
        self.apply_end(event);
        self.apply_told(event);
        if let Some(at) = time(event) {
            // A press is answered by what is shown: that is written again, as of now, even where it is the same.
            self.show(at, matches!(event, Event::Selling(Selling::ActPressed { .. })));
        }
    }

    /// What people see changes with the state, and only then is written, or where somebody asks for it.
    pub(super) fn show(&mut self, at: DateTime<Utc>, anew: bool) {
        let Some(face) = face::face(self, at) else { return };
        if anew || self.people.face().is_none_or(|old| !old.same(&face)) {
            self.people.show(face);
        }
    }

    fn apply_press(&mut self, event: &Event) {
        let Event::ActivationRequested { organization, installation, record, act, pressed_at, terms, ordered, .. } =
            event
        else {
            return;
        };
        self.sale.begin(Intake {
            organization: organization.clone(),
            installation: installation.clone(),
            record: record.clone(),
            act: *act,
            pressed_at: *pressed_at,
            terms: (**terms).clone(),
            ordered: *ordered,
        });
        self.stage = Stage::Preparing;
    }

    /// Pressed again while it runs.
    fn pressed(&mut self, act: Act, at: DateTime<Utc>) {
        self.people.hurry();
        match (act, &self.stage) {
            (Act::Start | Act::Retry, Stage::Quoted | Stage::Preparing) => {
                self.sale.act = Some(act);
                if self.sale.is_old(at) {
                    self.prepare();
                }
                self.stage = Stage::Preparing;
            }
            (Act::ResendLink, Stage::LinkOut) => {
                self.sale.link = None;
                self.read_offer_anew();
            }
            _ => {}
        }
    }

    /// All that can change is read anew.
    fn prepare(&mut self) {
        self.stage = Stage::Preparing;
        self.cards = None;
        self.sale.prepare();
    }

    /// Prices only: the customer's own state was read before.
    fn read_offer_anew(&mut self) {
        self.stage = Stage::Preparing;
        self.sale.read_offer_anew();
    }

    fn apply_selling(&mut self, event: &Event) {
        let Event::Selling(event) = event else { return };
        if let Selling::CustomerEnrolled { enrolment } = event
            && let Some(old) = &self.sale.facts.enrolment
            && old.braintree_customer != enrolment.braintree_customer
        {
            self.cards = None;
        }
        self.sale.apply(event);
        match event {
            Selling::ActPressed { act, at, .. } => self.pressed(*act, *at),
            Selling::PressOutdated => self.over(Ending::Outdated, "", ""),
            Selling::QuoteMade { .. } => {
                let again = self.sale.goes_on() && self.sale.link.is_some();
                self.stage = if again { Stage::LinkOut } else { Stage::Quoted };
            }
            Selling::LinkIssued { .. } => {
                self.stage = Stage::LinkOut;
                self.people.owe_letter(LetterKind::Link);
            }
            Selling::ReminderDue { .. } => self.people.owe_letter(LetterKind::Reminder),
            _ => {}
        }
    }

    fn apply_submission(&mut self, event: &Event) {
        match event {
            Event::ConsentGiven { number, consent, with, token, .. } => {
                self.submissions = *number;
                self.submission = Some(Submission {
                    number: *number,
                    consent: consent.clone(),
                    with: with.clone(),
                    token: token.clone(),
                    method: None,
                    counted: false,
                    settled: false,
                    order_id: String::new(),
                });
                self.next_order();
                self.stage = Stage::Paying;
                self.advice = None;
                self.locked_until = None;
                // Who pays needs no link any more.
                self.people.drop_letters(|letter| matches!(letter, LetterKind::Link | LetterKind::Reminder));
            }
            Event::QuoteOutdated { .. } => self.read_offer_anew(),
            Event::BraintreeCustomerMade { customer } => self.made.braintree_customer = Some(customer.clone()),
            Event::BraintreeCustomerLinked => self.made.braintree_linked = true,
            Event::CardRead { method } => self.card_is(method),
            Event::CardCounted { .. } => {
                let sent = self.hold.is_some();
                if let Some(submission) = &mut self.submission {
                    submission.counted = true;
                    submission.settled = sent;
                }
            }
            Event::PaymentAuthorised { .. }
            | Event::AuthorisationDeclined { .. }
            | Event::AuthorisationAbandoned { .. }
            | Event::CardRefused { .. } => {
                if let Some(submission) = &mut self.submission {
                    submission.settled = submission.counted;
                }
            }
            _ => {}
        }
    }

    /// A new order id: one per hold and per sale, for ever.
    fn next_order(&mut self) {
        self.counts.orders += 1;
        let (Some(intake), Some(saga)) = (&self.sale.intake, self.saga()) else { return };
        let order_id = intake.installation.activation_order(saga, self.counts.orders);
        if let Some(submission) = &mut self.submission {
            submission.order_id = order_id;
        }
    }

    fn card_is(&mut self, method: &Method) {
        if let Some(submission) = &mut self.submission {
            submission.token.clone_from(&method.token);
            submission.method = Some(method.clone());
        }
    }

    fn back_to_form(&mut self, advice: Advice) {
        self.share_customer();
        self.stage = Stage::LinkOut;
        self.advice = Some(advice);
    }

    fn apply_card(&mut self, event: &Event) {
        match event {
            Event::CardsRead { methods } => self.cards = Some(methods.clone()),
            Event::CardRefused { advice, .. } => self.back_to_form(*advice),
            Event::PaymentAuthorised { hold, vaulted, extra, .. } => self.held(hold, *vaulted, extra),
            Event::AuthorisationUnclear { transaction, .. } => self.last_hold = Some(transaction.clone()),
            Event::AuthorisationDeclined { advice, locked_until, .. } => {
                self.declined(*locked_until);
                self.back_to_form(*advice);
            }
            Event::AuthorisationInsufficient { locked_until, .. } => {
                self.release_hold();
                if let Some(token) = self.made.card.clone() {
                    self.errands.push(Errand::ForgetCard { token });
                }
                self.declined(*locked_until);
                self.back_to_form(Advice::AnotherCard);
            }
            Event::AuthorisationAbandoned { .. } => self.back_to_form(Advice::NotConfirmed),
            Event::CardVaulted { method, .. } => {
                self.card_is(method);
                self.made.card = Some(method.token.clone());
            }
            Event::AuthorisationReleased { transaction, .. } => {
                self.errand_done(&Errand::Void { transaction: transaction.clone() });
                self.hold = None;
            }
            Event::StrayReleased { transaction } => {
                self.errand_done(&Errand::Void { transaction: transaction.clone() });
            }
            Event::CardForgotten { token } | Event::CardKept { token, .. } => {
                self.errand_done(&Errand::ForgetCard { token: token.clone() });
                self.made.card.take_if(|made| made == token);
            }
            _ => {}
        }
    }

    fn declined(&mut self, locked_until: Option<DateTime<Utc>>) {
        self.declines += 1;
        self.locked_until = locked_until;
        if locked_until.is_some() {
            let text = format!("{} payment attempts were declined: the customer may need help", self.declines);
            self.people.owe_task("declined", text);
        }
    }

    fn held(&mut self, hold: &Hold, vaulted: bool, extra: &[String]) {
        self.last_hold = Some(hold.transaction.clone());
        self.errands.extend(extra.iter().map(|t| Errand::Void { transaction: t.clone() }));
        if vaulted {
            self.made.card = Some(hold.token.clone());
        }
        let new = self.submission.as_ref().is_some_and(|s| matches!(s.with, Paying::New { .. }));
        if new {
            let seen = hold.card.as_ref();
            self.card_is(&Method {
                token: hold.token.clone(),
                default: false,
                brand: seen.map(|c| c.brand.clone()).unwrap_or_default(),
                last_four: seen.map(|c| c.last_four.clone()).unwrap_or_default(),
                expired: false,
                card: seen.and_then(|c| c.number.clone()).unwrap_or_default(),
                has_live_subscription: false,
                good_through: None,
            });
        }
        self.hold = Some(hold.clone());
    }

    fn release_hold(&mut self) {
        if let Some(hold) = &self.hold {
            self.errands.push(Errand::Void { transaction: hold.transaction.clone() });
        }
    }

    pub(super) fn errand_done(&mut self, done: &Errand) {
        let before = self.errands.len();
        self.errands.retain(|e| e != done);
        self.counts.errands += u32::from(self.errands.len() < before);
    }

    fn apply_zoho(&mut self, event: &Event) {
        match event {
            Event::SubscriptionCreated { subscription } => self.made.subscription = Some((**subscription).clone()),
            Event::SubscriptionConfirmed { subscription, twins } => {
                self.counts.lists += 1;
                self.sale.looks = 0;
                self.made.subscription = Some((**subscription).clone());
                self.made.confirmed = true;
                self.errands.extend(twins.iter().map(|t| Errand::UndoTwin { subscription: t.clone() }));
            }
            Event::SubscriptionUnseen { again_at } => {
                self.counts.lists += 1;
                self.sale.looks += 1;
                self.sale.sleep_until = Some(*again_at);
            }
            Event::TwinUndone { subscription } => {
                self.errand_done(&Errand::UndoTwin { subscription: subscription.clone() });
            }
            Event::SubscriptionAdopted { .. } => self.made.adopted = true,
            Event::InvoiceMissing { again_at } => {
                self.counts.invoice_reads += 1;
                self.sale.looks += 1;
                self.invoice.fresh = None;
                self.sale.sleep_until = Some(*again_at);
            }
            Event::FirstInvoiceRead { invoice } => {
                self.counts.invoice_reads += 1;
                self.sale.looks = 0;
                self.invoice = FirstInvoice { first: Some((**invoice).clone()), ..FirstInvoice::default() };
            }
            Event::InvoiceBound { .. } => {
                self.invoice.bound = true;
                self.share_customer();
            }
            Event::InvoiceRead { invoice } => {
                self.counts.invoice_reads += 1;
                self.invoice.fresh = Some((**invoice).clone());
            }
            Event::InvoiceOutdated => self.invoice.fresh = None,
            Event::NothingToCollect { why } => self.nothing_due(*why),
            _ => {}
        }
    }

    fn nothing_due(&mut self, why: Nothing) {
        self.nothing = Some(why);
        self.share_customer();
        self.release_hold();
    }

    fn let_go(&mut self, kind: ClaimKind) {
        self.sale.claims.retain(|c| c.kind != kind);
    }

    fn apply_capture(&mut self, event: &Event) {
        match event {
            Event::CaptureRefused { .. } => {
                self.counts.captures += 1;
                self.release_hold();
                self.sell_anew = true;
                self.invoice.fresh = None;
                self.next_order();
            }
            Event::PaymentCaptured { capture, .. } => {
                self.counts.captures += 1;
                self.capture = Some((**capture).clone());
                self.hold = None;
                self.stage = Stage::HandingOver;
            }
            Event::RecurringBegun { recurring, next_charge_on, .. } => {
                self.counts.captures += 1;
                self.recurring = Some(AtBraintree { id: recurring.clone(), next_charge_on: *next_charge_on });
            }
            Event::FirstChargeDeclined { locked_until, .. } => {
                self.counts.captures += 1;
                self.declined(*locked_until);
            }
            Event::CaptureHandedOver { await_until } => {
                self.let_go(ClaimKind::ZohoInvoice);
                self.stage = Stage::AwaitingRecord { until: *await_until };
            }
            Event::RecordAwaited { until } => self.stage = Stage::AwaitingRecord { until: *until },
            Event::PaymentRecorded { invoice, number, payment, next_billing_on, .. } => {
                self.record = Some(Record {
                    invoice: invoice.clone(),
                    number: number.clone(),
                    payment: payment.clone(),
                    next_billing_on: *next_billing_on,
                });
            }
            Event::CaptureReversed { .. } => self.reversed = true,
            Event::SubscriptionActivated { on, released, .. } => {
                self.sale.let_go(released);
                self.active_on = Some(*on);
                self.over(Ending::Active, "", "");
                // Of money that was taken back there is no receipt.
                if !self.reversed {
                    self.people.owe_letter(LetterKind::Receipt);
                }
                let title = self.sale.title();
                self.people.owe_task("active", format!("{title} is active"));
            }
            _ => {}
        }
    }

    fn over(&mut self, ending: Ending, reason: &str, cure: &str) {
        self.stage = Stage::Over { ending, reason: reason.to_owned(), cure: cure.to_owned() };
        self.sale.sleep_until = None;
        self.people.drop_letters(|letter| matches!(letter, LetterKind::Link | LetterKind::Reminder));
    }

    fn apply_end(&mut self, event: &Event) {
        match event {
            Event::ActivationRefused { reason, cure, released, .. } => {
                self.sale.let_go(released);
                self.over(Ending::Refused, reason, cure);
            }
            Event::CancellationOrdered { reason, .. } => {
                self.undo_all(reason, "press `Start` to begin anew", Then::Cancel);
            }
            Event::ActivationFailed { reason, cure, then, total, .. } => {
                self.total = total.or(self.total);
                self.undo_all(reason, cure, *then);
            }
            Event::ActivationUndone { then, released, .. } => self.undone(*then, released),
            Event::ActivationHeld { code, detail, then, .. } => {
                self.stage = Stage::Held { code: *code, detail: detail.clone(), then: *then };
                self.people.owe_task("held", format!("An operator must look: {detail}"));
            }
            Event::ActivationResumed { .. } => self.resumed(),
            _ => {}
        }
    }

    fn undo_all(&mut self, reason: &str, cure: &str, then: Then) {
        self.undoing = Some(Undoing { reason: reason.to_owned(), cure: cure.to_owned(), then });
        self.sale.sleep_until = None;
    }

    fn undone(&mut self, then: Then, released: &[Claim]) {
        self.sale.let_go(released);
        let Some(undoing) = self.undoing.take() else { return };
        let made = std::mem::take(&mut self.made);
        self.sale.made = MadeCustomer::default();
        // A customer that was made here is gone, and its card with it.
        let stays = made.braintree_customer.is_none() || made.braintree_used == Some(true);
        if let Some(token) = made.card.filter(|_| stays) {
            self.errands.push(Errand::ForgetCard { token });
        }
        self.counts.undone += u32::from(made.subscription.is_some());
        self.invoice = FirstInvoice::default();
        self.hold = None;
        self.nothing = None;
        self.sell_anew = false;
        let link = self.sale.link.take();
        self.advice = None;
        let ending = match then {
            Then::Form => {
                self.sale.link = link;
                self.stage = Stage::LinkOut;
                self.advice = Some(Advice::AnotherCard);
                return;
            }
            Then::Requote | Then::Mismatch => return self.prepare(),
            Then::Fail => Ending::Failed,
            Then::Cancel => Ending::Cancelled,
            Then::Expire => Ending::Expired,
        };
        self.over(ending, &undoing.reason, &undoing.cure);
        if self.submissions > 0 {
            self.people.owe_letter(LetterKind::Failure);
        }
        if ending == Ending::Failed {
            self.people.owe_task("failed", format!("{}; {}", undoing.reason, undoing.cure));
        }
    }

    fn resumed(&mut self) {
        let Stage::Held { then, .. } = self.stage else { return };
        self.sale.looks = 0;
        self.people.drop_task("held");
        match then {
            After::Quote => self.prepare(),
            After::Pay if self.capture.is_some() => self.stage = Stage::HandingOver,
            After::Pay | After::Undo => self.stage = Stage::Paying,
        }
    }
}

/// When it happened, for the events that people see something of.
const fn time(event: &Event) -> Option<DateTime<Utc>> {
    match event {
        Event::Selling(event) => event.seen_at(),
        Event::ActivationRefused { at, .. }
        | Event::ConsentGiven { at, .. }
        | Event::CardRefused { at, .. }
        | Event::AuthorisationDeclined { at, .. }
        | Event::AuthorisationInsufficient { at, .. }
        | Event::AuthorisationAbandoned { at, .. }
        | Event::PaymentCaptured { at, .. }
        | Event::RecurringBegun { at, .. }
        | Event::PaymentRecorded { at, .. }
        | Event::CaptureReversed { at, .. }
        | Event::SubscriptionActivated { at, .. }
        | Event::ActivationUndone { at, .. }
        | Event::ActivationHeld { at, .. }
        | Event::ActivationResumed { at } => Some(*at),
        _ => None,
    }
}
