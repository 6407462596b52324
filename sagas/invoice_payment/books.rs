//! What the invoice's stream writes into the ledger and beside the log: the invoice and what others paid on it as Zoho
//! shows them, our captures and applications, and the claims and holds that ride in the same append.
//!
//! The hold `captured_not_recorded` is set with the capture itself and lifted by the recording: while money is taken
//! and not recorded nothing else may collect the invoice, from the first second on. Who wants to be told only after
//! some minutes looks at the age of the hold.

use super::lifecycle;
use super::reassign::{journals, take_off};
use super::state::{Capture, State};
use super::ticket;
use super::words::{Attempt, Choice, Closing, Event};
use crate::kernel::answer::Invoice;
use crate::kernel::effect::{Claim, ClaimKind};
use crate::kernel::money::Money;
use crate::kernel::opening::OpenedWith;
use crate::kernel::posting::{Dimensions, Posting, Rule};
use crate::kernel::saga::{Facts, Mark};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Money was captured and is not recorded in Zoho.
pub(super) const CAPTURED_NOT_RECORDED: &str = "captured_not_recorded";
/// A recorded payment was taken back at settlement.
pub(super) const SETTLEMENT_DECLINED: &str = "settlement_declined";
/// A payment was given back and the invoice owes again: set by the give-back.
pub(super) const GIVEN_BACK: &str = "given_back";
/// A recorded payment was voided, and not by us.
pub(super) const VOIDED_ELSEWHERE: &str = "voided_elsewhere";

/// Figures of the invoice as they stand in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Gross total.
    pub total: Money,
    /// Tax within it, where Zoho says.
    pub tax: Option<Money>,
}

/// What the ledger holds of the invoice apart from our own captures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Booked {
    /// As issued; absent: not issued, or voided.
    pub(super) figures: Option<Figures>,
    /// Payments in Zoho that are not ours, by Zoho payment id.
    pub(super) external: BTreeMap<String, External>,
    /// Credits applied, in minor units.
    pub(super) credits: i64,
    /// Written off, in minor units.
    pub(super) written_off: i64,
    /// It was taken out of the books before.
    pub(super) voided: bool,
    /// With what it stands in the opening position; absent: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) opening: Option<Box<OpenedWith>>,
    /// It does, and its books began with that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) opened: bool,
}

/// A payment that somebody else recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct External {
    pub(super) channel: String,
    pub(super) amount: Money,
}

impl Booked {
    /// It stands in the opening position, and its books have not begun with that yet.
    pub(super) const fn is_to_open(&self) -> bool {
        self.opening.is_some() && !self.opened
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::OpeningHeard { with } => self.opening = Some(with.clone()),
            Event::InvoiceOpened { with, .. } => {
                self.opened = true;
                self.voided = false;
                self.figures = Some(Figures { total: with.total, tax: with.tax });
                self.credits = with.credits.minor;
                self.written_off = with.written_off.minor;
                let before = with.payments.iter().map(|paid| {
                    let external = External { channel: channel(&paid.mode).to_owned(), amount: paid.amount };
                    (paid.payment.clone(), external)
                });
                self.external = before.collect();
            }
            Event::InvoiceIssued { figures, .. } => self.figures = Some(*figures),
            Event::InvoiceEdited { after, .. } => self.figures = Some(*after),
            Event::InvoiceVoided { .. } => {
                self.figures = None;
                self.voided = true;
            }
            Event::ExternalPaymentSeen { payment, channel, amount, .. } => {
                self.external.insert(payment.clone(), External { channel: channel.clone(), amount: *amount });
            }
            Event::ExternalPaymentGone { payment, .. } => {
                self.external.remove(payment);
            }
            Event::CreditsApplied { by, .. } => self.credits += by.minor,
            Event::InvoiceWrittenOff { by, .. } => self.written_off += by.minor,
            _ => {}
        }
    }
}

/// Zoho shows the invoice as void.
pub(super) fn is_void(invoice: &Invoice) -> bool {
    invoice.status == "void"
}

/// Zoho has not finished the invoice: it is no receivable yet.
pub(super) fn is_unfinished(invoice: &Invoice) -> bool {
    matches!(invoice.status.as_str(), "draft" | "pending" | "pending_approval" | "approved" | "rejected")
}

/// Of what we applied, some is to be taken off again.
pub(super) fn takes_off(state: &State, invoice: &Invoice) -> bool {
    is_void(invoice) || !surplus(state, invoice, invoice.date).is_empty()
}

/// What has to be booked so that the ledger shows the invoice as Zoho does.
pub(super) fn mirror(state: &State, invoice: &Invoice, today: NaiveDate) -> Vec<Event> {
    if is_unfinished(invoice) {
        return Vec::new();
    }
    if let Some(with) = state.booked.opening.clone().filter(|_| state.booked.is_to_open()) {
        return opened(state, with, invoice.date);
    }
    if is_void(invoice) {
        return voided(state, today);
    }
    let mut out = surplus(state, invoice, today);
    let figures = Figures { total: invoice.total, tax: invoice.tax };
    match state.booked.figures {
        None => {
            // An invoice that was void and is not any more is issued anew on the day it was seen.
            let effective = if state.booked.voided { today } else { invoice.date };
            out.push(Event::InvoiceIssued { figures, effective });
        }
        Some(before) if before != figures => {
            out.push(Event::InvoiceEdited { before, after: figures, effective: today });
        }
        Some(_) => {}
    }
    others_payments(state, invoice, today, &mut out);
    let delta = |now: Money, booked: i64| Money::new(now.minor - booked, now.currency);
    let by = delta(invoice.credits, state.booked.credits);
    if by.minor != 0 {
        out.push(Event::CreditsApplied { by, effective: today });
    }
    let by = delta(invoice.written_off, state.booked.written_off);
    if by.minor != 0 {
        out.push(Event::InvoiceWrittenOff { by, effective: today });
    }
    out
}

/// Its books begin with what it owed. What was booked of before, because the invoice was seen before the books were opened,
/// is taken back: it is historic.
fn opened(state: &State, with: Box<OpenedWith>, issued_on: NaiveDate) -> Vec<Event> {
    let mut out = Vec::new();
    for (payment, booked) in &state.booked.external {
        out.push(Event::ExternalPaymentGone {
            payment: payment.clone(),
            channel: booked.channel.clone(),
            amount: booked.amount,
            effective: with.on,
        });
    }
    let minus = |minor: i64| Money::new(-minor, with.total.currency);
    if state.booked.credits != 0 {
        out.push(Event::CreditsApplied { by: minus(state.booked.credits), effective: with.on });
    }
    if state.booked.written_off != 0 {
        out.push(Event::InvoiceWrittenOff { by: minus(state.booked.written_off), effective: with.on });
    }
    out.push(Event::InvoiceOpened { with, issued: state.booked.figures, issued_on });
    out
}

/// Of what we applied, all that the invoice has no room for any more: it was lowered, or credited, after it was paid. The
/// customer's money is unapplied again, the newest first, before the invoice's own figures change.
fn surplus(state: &State, invoice: &Invoice, today: NaiveDate) -> Vec<Event> {
    let applied: i64 = state.captures.iter().map(|capture| capture.applied.minor).sum();
    let mut beyond = applied - (invoice.total.minor - invoice.credits.minor).max(0);
    let mut out = Vec::new();
    for capture in state.captures.iter().rev().filter(|capture| capture.is_live()) {
        let minor = capture.applied.minor.min(beyond);
        if minor > 0 {
            beyond -= minor;
            out.extend(take_off(capture, minor, today));
        }
    }
    out
}

fn others_payments(state: &State, invoice: &Invoice, today: NaiveDate, out: &mut Vec<Event>) {
    let others = || invoice.payments.iter().filter(|p| state.capture(&p.reference).is_none());
    let gone = |payment: &str, booked: &External| Event::ExternalPaymentGone {
        payment: payment.to_owned(),
        channel: booked.channel.clone(),
        amount: booked.amount,
        effective: today,
    };
    for (payment, booked) in &state.booked.external {
        if !others().any(|p| p.id == *payment && p.amount == booked.amount) {
            out.push(gone(payment, booked));
        }
    }
    for payment in others() {
        if state.booked.external.get(&payment.id).is_none_or(|booked| booked.amount != payment.amount) {
            out.push(Event::ExternalPaymentSeen {
                payment: payment.id.clone(),
                channel: channel(&payment.mode).to_owned(),
                amount: payment.amount,
                effective: today,
            });
        }
    }
}

/// The invoice is void, or gone: Zoho detached what was applied, so do we, and only then it is taken out of the books.
pub(super) fn voided(state: &State, today: NaiveDate) -> Vec<Event> {
    let mut out = Vec::new();
    for capture in state.captures.iter().filter(|c| c.is_live() && c.applied.minor != 0) {
        out.extend(take_off(capture, capture.applied.minor, today));
    }
    for (payment, booked) in &state.booked.external {
        out.push(Event::ExternalPaymentGone {
            payment: payment.clone(),
            channel: booked.channel.clone(),
            amount: booked.amount,
            effective: today,
        });
    }
    if let Some(figures) = state.booked.figures {
        let minus = |minor: i64| Money::new(-minor, figures.total.currency);
        if state.booked.credits != 0 {
            out.push(Event::CreditsApplied { by: minus(state.booked.credits), effective: today });
        }
        if state.booked.written_off != 0 {
            out.push(Event::InvoiceWrittenOff { by: minus(state.booked.written_off), effective: today });
        }
        out.push(Event::InvoiceVoided { figures, effective: today });
    }
    out
}

/// The channel of an external receipt, from Zoho's mode.
fn channel(mode: &str) -> &'static str {
    match mode {
        "check" | "cheque" => "cheque",
        "banktransfer" | "bankremittance" | "transfer" => "transfer",
        "autotransaction" => "zoho_gateway",
        _ => "other",
    }
}

/// What the tables beside the log take from an event.
pub(super) fn facts(state: &State, event: &Event) -> Facts {
    let mut facts = Facts { references: references(event), ..Facts::default() };
    facts.tells.extend(lifecycle::tells(state, event));
    facts.tells.extend(ticket::asked(state, event));
    let book = Book { state };
    match event {
        Event::InvoiceOpened { with, issued, issued_on } => {
            let back = issued.map(|issued| book.invoice(Rule::InvoiceIssuedReversed, &issued, *issued_on));
            facts.postings.extend(back);
            facts.postings.push(book.plain(Rule::OpeningReceivable, with.balance, with.on));
            facts.amount = Some(with.balance);
        }
        Event::InvoiceIssued { figures, effective } => {
            facts.postings.push(book.invoice(Rule::InvoiceIssued, figures, *effective));
            facts.amount = Some(figures.total);
        }
        Event::InvoiceEdited { before, after, effective } => {
            facts.postings.push(book.invoice(Rule::InvoiceIssuedReversed, before, *effective));
            facts.postings.push(book.invoice(Rule::InvoiceIssued, after, *effective));
            facts.amount = Some(after.total);
        }
        Event::InvoiceVoided { figures, effective } => {
            facts.postings.push(book.invoice(Rule::InvoiceVoided, figures, *effective));
            facts.amount = Some(figures.total);
        }
        Event::ExternalPaymentSeen { payment, channel, amount, effective } => {
            facts.postings.push(book.external(Rule::ExternalPayment, payment, channel, *amount, *effective));
            facts.amount = Some(*amount);
        }
        Event::ExternalPaymentGone { payment, channel, amount, effective } => {
            facts.postings.push(book.external(Rule::ExternalPaymentReversed, payment, channel, *amount, *effective));
            facts.amount = Some(*amount);
        }
        Event::CreditsApplied { by, effective } => {
            facts.postings.push(book.plain(Rule::CreditApplied, *by, *effective));
            facts.amount = Some(*by);
        }
        Event::InvoiceWrittenOff { by, effective } => {
            facts.postings.push(book.plain(Rule::WriteOff, *by, *effective));
            facts.amount = Some(*by);
        }
        _ => {
            book.money(event, &mut facts);
            book.marks(event, &mut facts);
        }
    }
    if facts.amount.is_some() {
        // Who asks for an invoice, a customer or a subscription wants to see what was paid.
        let customer = state.facts.invoice.as_ref().map(|i| i.customer.clone());
        let subscription = state.subscription_id().map(str::to_owned);
        for (kind, id) in
            [("zoho_invoice", book.invoice_id()), ("zoho_customer", customer), ("zoho_subscription", subscription)]
        {
            facts.references.extend(id.map(|id| (kind, id)));
        }
    }
    facts
}

struct Book<'a> {
    state: &'a State,
}

impl Book<'_> {
    fn dimensions(&self) -> Dimensions {
        Dimensions {
            customer: self.state.party.customer.clone(),
            subscription: self.state.subscription_id().map(str::to_owned),
            invoice: self.invoice_id(),
            ..Dimensions::default()
        }
    }

    fn invoice_id(&self) -> Option<String> {
        self.state.intake.as_ref().map(|i| i.invoice.clone())
    }

    fn plain(&self, rule: Rule, amount: Money, effective: NaiveDate) -> Posting {
        Posting { rule, amount, tax: None, effective, dimensions: self.dimensions() }
    }

    fn invoice(&self, rule: Rule, figures: &Figures, effective: NaiveDate) -> Posting {
        Posting { tax: figures.tax, ..self.plain(rule, figures.total, effective) }
    }

    fn external(&self, rule: Rule, payment: &str, channel: &str, amount: Money, effective: NaiveDate) -> Posting {
        let mut posting = self.plain(rule, amount, effective);
        posting.dimensions.zoho_payment = Some(payment.to_owned());
        posting.dimensions.channel = Some(channel.to_owned());
        posting
    }

    fn captured(&self, rule: Rule, transaction: &str, amount: Money, effective: NaiveDate) -> Posting {
        let mut posting = self.plain(rule, amount, effective);
        posting.dimensions.transaction = Some(transaction.to_owned());
        posting.dimensions.zoho_payment = self.state.capture(transaction).and_then(|c| c.payment.clone());
        posting
    }

    /// Movements of what we captured.
    fn money(&self, event: &Event, facts: &mut Facts) {
        match event {
            Event::PaymentCaptured { captured, .. }
            | Event::DuplicateCaptured { captured }
            | Event::CaptureFoundByRecovery { captured, .. } => {
                let c = captured;
                facts.postings.push(self.captured(Rule::Capture, &c.transaction, c.amount, c.effective));
                facts.amount = Some(c.amount);
            }
            Event::PaymentRecorded { transaction, applied, again: false, effective, .. } => {
                facts.postings.push(self.captured(Rule::Apply, transaction, *applied, *effective));
                facts.amount = Some(*applied);
            }
            Event::ApplicationUndone { transaction, amount, effective } => {
                facts.postings.push(self.captured(Rule::Unapply, transaction, *amount, *effective));
                facts.amount = Some(*amount);
            }
            Event::GiveBackReassigned { transaction, before, kept, unapplied_before, effective, .. } => {
                for (rule, amount, tax) in journals(*before, *kept, *unapplied_before) {
                    let posting = self.captured(rule, transaction, amount, *effective);
                    facts.postings.push(Posting { tax, ..posting });
                }
                facts.amount = Some(Money::new(before.amount.minor - kept.amount.minor, before.amount.currency));
            }
            Event::PaymentSettled { transaction, amount, effective } => {
                facts.postings.push(self.captured(Rule::Settle, transaction, *amount, *effective));
                facts.amount = Some(*amount);
            }
            Event::PaymentReversed { transaction, amount, applied, was_settled, effective, .. } => {
                if *was_settled {
                    facts.postings.push(self.captured(Rule::SettleReversed, transaction, *amount, *effective));
                }
                if applied.minor != 0 {
                    facts.postings.push(self.captured(Rule::Unapply, transaction, *applied, *effective));
                }
                facts.postings.push(self.captured(Rule::CaptureReversed, transaction, *amount, *effective));
                facts.amount = Some(*amount);
            }
            Event::ChargePlanned { attempt } => facts.amount = Some(attempt.amount),
            Event::ChargeDeclined { .. } => facts.amount = self.state.facts.invoice.as_ref().map(|i| i.balance),
            _ => {}
        }
    }

    fn claim(&self) -> Claim {
        Claim { kind: ClaimKind::ZohoInvoice, key: self.invoice_id().unwrap_or_default() }
    }

    fn customer_claim(&self) -> Option<Claim> {
        let invoice = self.state.facts.invoice.as_ref()?;
        // Only a one-off holds it; letting go what is not held changes nothing.
        self.state
            .subscription_id()
            .is_none()
            .then(|| Claim { kind: ClaimKind::ZohoCustomer, key: invoice.customer.clone() })
    }

    fn release(&self, facts: &mut Facts) {
        facts.marks.extend(self.customer_claim().map(Mark::Release));
        self.release_invoice(facts);
    }

    /// The claim outlives everything while captured money is applied to nothing.
    fn release_invoice(&self, facts: &mut Facts) {
        if self.state.unapplied() == 0 && self.state.unread.is_empty() {
            facts.marks.push(Mark::Release(self.claim()));
        }
    }

    fn hold(&self, reason: &'static str) -> Mark {
        Mark::Hold { invoice: self.invoice_id().unwrap_or_default(), reason }
    }

    fn lift(&self, reason: &'static str) -> Mark {
        Mark::LiftHold { invoice: self.invoice_id().unwrap_or_default(), reason }
    }

    /// Claims, holds and card counts that ride in the append.
    fn marks(&self, event: &Event, facts: &mut Facts) {
        let order_id = || self.state.last_order.clone();
        match event {
            Event::InvoiceClaimed => {
                if let Some(attempt) = &self.state.attempt {
                    facts.marks.extend(claims_of(self.state, attempt).into_iter().map(Mark::Confirm));
                }
            }
            Event::CardCapReached { .. } => self.release(facts),
            Event::ChargeSuperseded | Event::CardUnknown { .. } => {
                facts.marks.push(Mark::GiveBackCard { order_id: order_id() });
                self.release(facts);
            }
            Event::ChargeDeclined { .. } => {
                facts.marks.push(Mark::SpendCard { order_id: order_id() });
                self.release(facts);
            }
            Event::PaymentCaptured { captured, .. } => {
                facts.marks.push(Mark::SpendCard { order_id: captured.order_id.clone() });
                facts.marks.extend(self.customer_claim().map(Mark::Release));
                facts.marks.push(self.hold(CAPTURED_NOT_RECORDED));
            }
            Event::ApplicationUndone { .. }
            | Event::DuplicateCaptured { .. }
            | Event::CaptureFoundByRecovery { .. } => {
                facts.marks.push(self.hold(CAPTURED_NOT_RECORDED));
            }
            Event::PaymentRecorded { again: false, .. } | Event::DuplicateDisproved { .. } => self.cleared(facts),
            Event::PaymentReversed { cause, expected, .. } => {
                self.cleared(facts);
                if !expected {
                    let declined = matches!(cause.as_str(), "settlement_declined" | "settlement_failed");
                    facts.marks.push(self.hold(if declined { SETTLEMENT_DECLINED } else { VOIDED_ELSEWHERE }));
                }
            }
            Event::DecisionTaken { choice: Choice::ChargeAgain, .. } => {
                facts.marks.push(self.lift(SETTLEMENT_DECLINED));
                facts.marks.push(self.lift(VOIDED_ELSEWHERE));
                if self.state.captures.iter().any(|c| !c.give_backs.is_empty()) {
                    facts.marks.push(self.lift(GIVEN_BACK));
                }
            }
            Event::GiveBackEnded { .. } if self.state.attempt.is_none() => self.cleared(facts),
            Event::InvoiceClosed {
                closing: Closing::Void | Closing::Gone | Closing::Zero | Closing::PaidElsewhere | Closing::Paid,
                ..
            } => self.release_invoice(facts),
            _ => {}
        }
    }

    /// No captured money is unapplied any more: claim and hold have done their duty.
    fn cleared(&self, facts: &mut Facts) {
        if self.state.unapplied() == 0 && self.state.unread.is_empty() {
            facts.marks.push(Mark::Release(self.claim()));
            facts.marks.push(self.lift(CAPTURED_NOT_RECORDED));
        }
    }
}

/// The claims of an attempt, in the order of taking.
pub(super) fn claims_of(state: &State, attempt: &Attempt) -> Vec<Claim> {
    let book = Book { state };
    let customer = attempt.one_off.then(|| book.customer_claim()).flatten();
    customer.into_iter().chain([book.claim()]).collect()
}

/// While another saga holds it, no charge of the subscription begins.
pub(super) fn fence(subscription: &str) -> Claim {
    Claim { kind: ClaimKind::ZohoSubscription, key: subscription.to_owned() }
}

/// Ids by which the stream and the event are found.
fn references(event: &Event) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut add = |kind, value: Option<String>| out.extend(value.filter(|v| !v.is_empty()).map(|v| (kind, v)));
    match event {
        Event::InvoiceDetected { invoice, subscription, .. } => {
            add("zoho_invoice", Some(invoice.clone()));
            add("zoho_subscription", subscription.clone());
        }
        Event::InvoiceRead { invoice } => {
            add("zoho_customer", Some(invoice.customer.clone()));
            add("zoho_subscription", invoice.subscription.clone());
            add("invoice_number", Some(invoice.number.clone()));
        }
        Event::SubscriptionOfInvoiceFound { subscription } => add("zoho_subscription", subscription.clone()),
        Event::InvoiceSurveyed { survey } => {
            add("customer", survey.customer.clone());
            add("subscription", survey.subscription.clone());
            add("braintree_customer", survey.braintree_customer.clone());
            add("attio_record", survey.attio_client.as_ref().map(|r| r.id.clone()));
        }
        Event::ClientRead { client } => add("attio_record", client.record.as_ref().map(|r| r.id.clone())),
        Event::ChargePlanned { attempt } => add("order_id", Some(attempt.order_id.clone())),
        Event::PaymentCaptured { captured, extra, .. } => {
            add("braintree_transaction", Some(captured.transaction.clone()));
            for transaction in extra {
                add("braintree_transaction", Some(transaction.clone()));
            }
        }
        Event::DuplicateCaptured { captured }
        | Event::CaptureFoundByRecovery { captured, .. }
        | Event::CaptureAdopted { captured, .. } => {
            add("braintree_transaction", Some(captured.transaction.clone()));
        }
        Event::ChargeDeclined { decline, .. } => add("braintree_transaction", decline.transaction.clone()),
        Event::PaymentRecorded { payment, transaction, .. } => {
            add("zoho_payment", Some(payment.clone()));
            add("braintree_transaction", Some(transaction.clone()));
        }
        Event::ExternalPaymentSeen { payment, .. } => add("zoho_payment", Some(payment.clone())),
        Event::PaymentSettled { transaction, .. }
        | Event::PaymentReversed { transaction, .. }
        | Event::GiveBackAdmitted { transaction, .. }
        | Event::GiveBackEnded { transaction, .. }
        | Event::GiveBackReassigned { transaction, .. } => {
            add("braintree_transaction", Some(transaction.clone()));
        }
        Event::CustomerStateShown { transaction_record, subscription_record, .. } => {
            add("attio_record", transaction_record.clone());
            add("attio_record", subscription_record.clone());
        }
        _ => {}
    }
    out
}

/// What of our live captures is in the way of another charge, in minor units.
pub(super) fn live(captures: &[Capture]) -> i64 {
    captures.iter().filter(|c| c.is_live()).map(|c| c.amount.minor - c.given_back()).sum()
}
