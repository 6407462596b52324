//! The tests that an invoice passes before every charge, in their order. Pure, and without time: it says which fact is
//! missing, what stands in the way, or what may be charged. Refuses nothing by itself: `turn.rs` acts on the verdict.

use super::books;
use super::state::{Capture, State};
use super::words::{Closing, Trouble};
use crate::kernel::answer::{CollectionOwner, Invoice, InvoicePayment, Method, Subscription, Survey};
use crate::kernel::effect::ClaimKind;
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;

/// What the facts say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A fact is missing.
    Need(Need),
    /// What was captured is to be recorded in Zoho.
    Record { transaction: String, amount: Money, again: bool },
    /// Zoho shows the record already.
    Adopt { transaction: String, payment: String, amount: Money },
    /// Nothing is charged now.
    Stop { test: &'static str, stop: Stop },
    /// All tests are passed.
    Ready(Box<Ready>),
}

impl Verdict {
    /// It rests on our own tables alone, or what follows from it reads again what is old.
    pub(super) const fn needs_no_vendor(&self) -> bool {
        match self {
            Self::Ready(_)
            | Self::Stop {
                stop: Stop::LinkPending | Stop::Busy | Stop::GivingBack | Stop::Unannounced | Stop::Switch,
                ..
            } => true,
            Self::Need(_) | Self::Record { .. } | Self::Adopt { .. } | Self::Stop { .. } => false,
        }
    }
}

/// A fact to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Invoice,
    SubscriptionOfInvoice,
    Survey,
    Subscription,
    Client,
    Method,
}

/// Why nothing is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// A person must look.
    Held { code: ParkCode, detail: String },
    /// The subscription is not linked yet.
    LinkPending,
    /// Another saga is at work.
    Busy,
    /// A give-back is under way, and says when it has ended.
    GivingBack,
    /// Zoho has not finished the invoice.
    Draft,
    /// The subscription is paused.
    SubscriptionPaused,
    /// The subscription has ended: its invoice may be void in a moment, too.
    SubscriptionEnded { status: String },
    /// No card that may be charged.
    NoMethod,
    /// The customer was told too late what is charged, and gets the time to read it.
    Unannounced,
    /// Sales are switched off.
    Switch,
    /// Nothing for us to do.
    Closed(Closing),
}

/// What may be charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) amount: Money,
    pub(super) customer: String,
    pub(super) method: Method,
    pub(super) one_off: bool,
}

type Found = Result<(), Verdict>;

fn stop(test: &'static str, stop: Stop) -> Verdict {
    Verdict::Stop { test, stop }
}

fn held(test: &'static str, code: ParkCode, detail: String) -> Verdict {
    stop(test, Stop::Held { code, detail })
}

/// The verdict on what is known now.
pub(super) fn judge(state: &State) -> Verdict {
    match tests(state) {
        Ok(ready) => Verdict::Ready(Box::new(ready)),
        Err(verdict) => verdict,
    }
}

fn tests(state: &State) -> Result<Ready, Verdict> {
    if state.captures.iter().any(Capture::is_being_given_back) {
        return Err(stop("2.4-p4", Stop::GivingBack));
    }
    let facts = &state.facts;
    let invoice = facts.invoice.as_ref().ok_or(Verdict::Need(Need::Invoice))?;
    let tests = Tests { state, invoice };
    // What an activation captured can be the first that is known of an invoice: nothing is booked without its customer.
    if state.adopted.is_some() && !state.party.surveyed {
        return Err(Verdict::Need(Need::Survey));
    }
    tests.place()?;
    tests.question()?;
    if state.subscription_id().is_none() && !facts.looked_for_subscription {
        return Err(Verdict::Need(Need::SubscriptionOfInvoice));
    }
    let survey = facts.survey.as_ref().ok_or(Verdict::Need(Need::Survey))?;
    tests.customer(survey)?;
    let one_off = state.subscription_id().is_none();
    if one_off {
        one_off_consented(survey)?;
    } else {
        tests.linked(survey)?;
        // What Braintree charged by itself is recorded here, and shown as paid like any other.
        if survey.owner == Some(CollectionOwner::BraintreeRecurring) {
            tests.collected(survey)?;
        }
        // Whoever collects: what we recorded and Zoho shows no more is a person's question.
        if !state.captures.is_empty() {
            tests.agreement(survey)?;
        }
        owner(survey, invoice)?;
    }
    tests.collected(survey)?;
    tests.identity(survey)?;
    tests.collectors()?;
    tests.agreement(survey)?;
    tests.holds(survey)?;
    tests.status()?;
    let amount = tests.owed()?;
    tests.currency()?;
    let (customer, method) = tests.method(survey)?;
    if survey.sale_switched_off {
        return Err(stop("2.2-e15", Stop::Switch));
    }
    Ok(Ready { amount, customer, method, one_off })
}

struct Tests<'a> {
    state: &'a State,
    invoice: &'a Invoice,
}

impl Tests<'_> {
    /// Captured money that is applied to nothing comes before everything else.
    fn place(&self) -> Found {
        let invoice = self.invoice;
        for capture in self.state.captures.iter().filter(|c| c.is_live() && c.trouble.is_none()) {
            let missing = ours_of(invoice, capture).is_none() && invoice.balance.is_positive();
            if capture.unapplied() > 0 && !(capture.payment.is_some() && self.state.orders.record_again && missing) {
                self.place_one(capture)?;
            } else if self.state.orders.record_again && missing && capture.is_held() {
                // What the ledger applied is put back; a remainder stays a question. What went back is nobody's to record.
                let again = capture.applied.is_positive();
                let whole = if again { capture.applied.minor } else { capture.unapplied() };
                let whole = Money::new(whole, capture.amount.currency);
                let amount = Money::new(whole.minor.min(invoice.balance.minor), whole.currency);
                return Err(Verdict::Record { transaction: capture.transaction.clone(), amount, again });
            }
        }
        Ok(())
    }

    fn place_one(&self, capture: &Capture) -> Found {
        let invoice = self.invoice;
        let id = &capture.transaction;
        let left = Money::new(capture.unapplied(), capture.amount.currency);
        let money = |test, detail| Err(held(test, ParkCode::MoneyDecision, detail));
        if books::is_void(invoice) {
            return money("2.12-e2", format!("{left} of {id} was taken and the invoice is void: void or refund it"));
        }
        if !invoice.balance.is_positive() && self.state.facts.survey.is_none() {
            // Who has to agree to a give-back depends on what else the customer owes.
            return Err(Verdict::Need(Need::Survey));
        }
        if capture.payment.is_some() {
            let what = if ours_of(invoice, capture).is_none() && invoice.balance.is_positive() {
                "was recorded before and is not any more: record it again or give it back"
            } else if invoice.balance.is_positive() {
                "was left over when it was recorded, and the invoice owes again: apply it in Zoho by hand or give it back"
            } else {
                "is more than the invoice owed: apply it elsewhere or give it back"
            };
            return money("2.2-e24", format!("{left} of {id} {what}"));
        }
        if let Some(payment) = ours_of(invoice, capture) {
            let amount = Money::new(payment.amount.minor.min(left.minor), left.currency);
            return Err(Verdict::Adopt { transaction: id.clone(), payment: payment.id.clone(), amount });
        }
        if !invoice.balance.is_positive() {
            let test = if invoice.written_off.is_positive() { "2.12-e7" } else { "2.2-e24" };
            return money(
                test,
                format!("{left} of {id} was taken and the invoice owes nothing: apply it elsewhere or give it back"),
            );
        }
        // It owes because a record was taken away, not because this money is due.
        let others = self.state.captures.iter().filter(|other| other.transaction != *id && other.is_live());
        if let Some(lost) = others.filter(|c| c.applied.is_positive()).find(|c| ours_of(invoice, c).is_none()) {
            return Err(held(
                "2.2-e9",
                ParkCode::HeldMismatch,
                format!(
                    "{left} of {id} was taken, and the invoice owes because Zoho shows no record of {} any more: decide: record again, or give back",
                    lost.transaction
                ),
            ));
        }
        let amount = Money::new(left.minor.min(invoice.balance.minor), left.currency);
        if let Some(refused) = capture.refused.as_ref().filter(|r| r.amount == amount) {
            let refused = &refused.why;
            return Err(held(
                "2.2-e23",
                ParkCode::RecordBlocked,
                format!(
                    "{left} of {id} was taken and Zoho refuses the record ({refused}): clear the cause in Zoho, then resume"
                ),
            ));
        }
        Err(Verdict::Record { transaction: id.clone(), amount, again: false })
    }

    /// What only a person can decide about captured money.
    fn question(&self) -> Found {
        for capture in &self.state.captures {
            let (id, amount) = (&capture.transaction, capture.amount);
            let found = match (&capture.trouble, capture.reversed) {
                (None, _) | (Some(Trouble::Partial | Trouble::Extra | Trouble::Mismatch { .. }), true) => continue,
                (Some(Trouble::Partial), false) => (
                    "2.0-e20",
                    ParkCode::MoneyDecision,
                    format!("only {amount} was approved ({id}): void or refund it, then resume"),
                ),
                (Some(Trouble::Extra), false) => (
                    "2.0-e22",
                    ParkCode::MoneyDecision,
                    format!("{amount} was taken a second time ({id}): void or refund it, then resume"),
                ),
                (Some(Trouble::Mismatch { what }), false) => {
                    ("2.0-e20", ParkCode::AnswerMismatch, format!("{id}: {what}"))
                }
                (Some(Trouble::SettlementDeclined), _) => (
                    "2.8-e3",
                    ParkCode::SettlementDeclined,
                    format!(
                        "{amount} of {id} was taken back at settlement: delete payment {} in Zoho, then decide: charge again, or leave",
                        capture.payment.as_deref().unwrap_or("(none recorded)")
                    ),
                ),
                (Some(Trouble::VoidedElsewhere), _) => (
                    "2.8-e6",
                    ParkCode::HeldByDecision,
                    format!(
                        "{id} was voided outside of this system: delete payment {} in Zoho, then decide: charge again, or leave",
                        capture.payment.as_deref().unwrap_or("(none recorded)")
                    ),
                ),
            };
            return Err(held(found.0, found.1, found.2));
        }
        Ok(())
    }

    fn customer(&self, survey: &Survey) -> Found {
        let customer = &self.invoice.customer;
        // An activation that was undone leaves a void invoice behind, and neither its subscription nor, mostly, its
        // customer is linked any more: nobody need look.
        let unlinked = survey.customer.is_none() || survey.subscription.is_none();
        if unlinked && books::is_void(self.invoice) && self.state.captures.is_empty() {
            return Err(stop("2.2-e12", Stop::Closed(Closing::Void)));
        }
        if survey.ambiguous {
            let detail = format!("Zoho customer {customer} is linked to several customers: keep one link, then resume");
            return Err(held("2.2-e2", ParkCode::CustomerUnlinked, detail));
        }
        if survey.customer.is_none() {
            // An activation is being undone: the invoice will be void in a moment.
            unclaimed(survey, &[ClaimKind::ZohoSubscription, ClaimKind::ZohoInvoice])?;
            let detail = format!("Zoho customer {customer} is linked to no customer of ours: link it, then resume");
            return Err(held("2.2-e2", ParkCode::CustomerUnlinked, detail));
        }
        Ok(())
    }

    /// The invoice's subscription is ours to know, and nobody else works on it.
    fn linked(&self, survey: &Survey) -> Found {
        if survey.subscription.is_none() {
            // With an owner on record it is ours; without, only its reference tells.
            let expected = survey.owner.is_some() || {
                let subscription = self.subscription()?;
                let prefix = self.state.intake.as_ref().map(|i| format!("{}.sub.", i.installation.as_str()));
                prefix.is_some_and(|prefix| subscription.reference.starts_with(&prefix))
            };
            if expected {
                return Err(stop("2.2-e3", Stop::LinkPending));
            }
        }
        let busy = [ClaimKind::ZohoSubscription, ClaimKind::ZohoInvoice];
        unclaimed(survey, &busy)
    }

    /// Paid by us and nothing disagrees: the costlier reads below could find nothing to do.
    fn collected(&self, survey: &Survey) -> Found {
        let ours = self.ours_at_zoho();
        let all_ours = ours > 0 && ours == self.invoice.payments.iter().map(|p| p.amount.minor).sum::<i64>();
        if all_ours && !self.invoice.balance.is_positive() && survey.applied.is_some_and(|a| a.minor == ours) {
            return Err(stop("2.2-e12", Stop::Closed(Closing::Paid)));
        }
        Ok(())
    }

    /// Attio's ids of the client must be those of our links. A client that Attio does not have is no obstacle.
    fn identity(&self, survey: &Survey) -> Found {
        let client = self.state.facts.client.as_ref().ok_or(Verdict::Need(Need::Client))?;
        let differs = |theirs: &Option<String>, ours: Option<&str>| matches!((theirs.as_deref().filter(|t| !t.is_empty()), ours), (Some(t), Some(o)) if t != o);
        let what = if client.ambiguous {
            "several records in Attio name this Zoho customer"
        } else if differs(&client.zoho_customer, Some(&self.invoice.customer)) {
            "the client's `zoho_customer_id` in Attio is another than the invoice's customer"
        } else if differs(&client.braintree_customer, survey.braintree_customer.as_deref()) {
            "the client's `braintree_customer_id` in Attio is another than the one linked here"
        } else {
            return Ok(());
        };
        Err(held("2.2-e2", ParkCode::IdentitySplit, format!("{what}: correct it in Attio, then resume")))
    }

    fn subscription(&self) -> Result<&Subscription, Verdict> {
        self.state.facts.subscription.as_ref().ok_or(Verdict::Need(Need::Subscription))
    }

    /// Nobody else could charge it.
    fn collectors(&self) -> Found {
        let two = |what: String| Err(held("2.2-e7", ParkCode::TwoCollectors, what));
        if self.invoice.payments.iter().any(|p| p.mode == "autotransaction") {
            return two(
                "Zoho's own gateway charged this invoice: turn off `auto_collect`, then hand over or resume".to_owned()
            );
        }
        if self.state.subscription_id().is_none() {
            return Ok(());
        }
        let subscription = self.subscription()?;
        let (id, status) = (&subscription.id, subscription.status.as_str());
        if subscription.auto_collect {
            return two(format!("Zoho would charge subscription {id} by itself: turn off `auto_collect`, then resume"));
        }
        if matches!(status, "unpaid" | "dunning" | "cancelled_from_dunning") {
            return two(format!("subscription {id} is `{status}`: Zoho's own dunning is at work; end it, then resume"));
        }
        if subscription.customer != self.invoice.customer {
            return Err(held(
                "2.2-e2",
                ParkCode::IdentitySplit,
                format!("subscription {id} belongs to another Zoho customer than the invoice"),
            ));
        }
        Ok(())
    }

    /// Zoho's payments on the invoice that carry our references, in minor units.
    fn ours_at_zoho(&self) -> i64 {
        let ours = |p: &&InvoicePayment| self.state.capture(&p.reference).is_some();
        self.invoice.payments.iter().filter(ours).map(|p| p.amount.minor).sum()
    }

    /// Our ledger and Zoho agree on what we applied, and no capture hangs in the air.
    fn agreement(&self, survey: &Survey) -> Found {
        let currency = self.invoice.total.currency;
        let applied = survey.applied.unwrap_or(Money::zero(currency));
        let zoho = Money::new(self.ours_at_zoho(), currency);
        if applied != zoho {
            return Err(held(
                "2.2-e9",
                ParkCode::HeldMismatch,
                format!(
                    "our ledger applied {applied}, Zoho shows {zoho} of ours: decide: record again, charge again, or leave"
                ),
            ));
        }
        if let Some(unapplied) = survey.unapplied.filter(|u| u.is_positive()) {
            return Err(held(
                "2.2-e9",
                ParkCode::HeldMismatch,
                format!("{unapplied} captured for this invoice is neither applied, reversed nor given back"),
            ));
        }
        Ok(())
    }

    fn holds(&self, survey: &Survey) -> Found {
        if !self.amount().is_positive() {
            return Ok(());
        }
        let Some(reason) = survey.holds.first() else {
            // Who set it lifts it by itself, after days.
            let ends = survey.subscription_holds.is_empty();
            return if ends { Ok(()) } else { Err(stop("2.25-e4", Stop::Unannounced)) };
        };
        let test = if reason == "dispute" { "2.2-e16" } else { "2.2-e10" };
        let all = survey.holds.join(", ");
        Err(held(
            test,
            ParkCode::HeldByDecision,
            format!("collection is on hold ({all}): who set the hold releases it"),
        ))
    }

    fn status(&self) -> Found {
        if books::is_unfinished(self.invoice) {
            return Err(stop("2.2-e11", Stop::Draft));
        }
        let known = ["sent", "overdue", "unpaid", "partially_paid", "paid", "void", "viewed"];
        let status = self.invoice.status.as_str();
        if !known.contains(&status) {
            let detail = format!("Zoho calls the invoice `{status}`, which is not known here");
            return Err(held("2.0-e19", ParkCode::UnknownVendorState, detail));
        }
        let Some(subscription) = self.state.facts.subscription.as_ref() else { return Ok(()) };
        match subscription.status.as_str() {
            _ if !self.amount().is_positive() || self.state.orders.collect_ended => Ok(()),
            "paused" => Err(stop("2.11-e13", Stop::SubscriptionPaused)),
            "future" | "trial" | "live" | "non_renewing" => Ok(()),
            "cancelled" | "expired" | "trial_expired" | "creation_failed" => {
                Err(stop("2.6-e2", Stop::SubscriptionEnded { status: subscription.status.clone() }))
            }
            other => Err(held(
                "2.0-e19",
                ParkCode::UnknownVendorState,
                format!("Zoho calls the subscription `{other}`, which is not known here"),
            )),
        }
    }

    /// What may be charged at most: Zoho's balance, and never more than our own reckoning leaves.
    fn amount(&self) -> Money {
        let i = self.invoice;
        let others: i64 =
            i.payments.iter().filter(|p| self.state.capture(&p.reference).is_none()).map(|p| p.amount.minor).sum();
        let left = i.total.minor - i.credits.minor - i.written_off.minor - others - books::live(&self.state.captures);
        Money::new(i.balance.minor.min(left), i.total.currency)
    }

    fn owed(&self) -> Result<Money, Verdict> {
        let amount = self.amount();
        let i = self.invoice;
        let live = books::live(&self.state.captures);
        let closing = if books::is_void(i) {
            Closing::Void
        } else if i.status != "paid" && amount.is_positive() {
            return Ok(amount);
        } else if i.balance.is_positive() && live > 0 {
            let detail = format!(
                "Zoho still shows {} open, but what we hold captured covers the invoice: give it back before charging again",
                i.balance
            );
            return Err(held("2.2-e9", ParkCode::HeldMismatch, detail));
        } else if i.written_off.is_positive() {
            Closing::WrittenOff
        } else if live > 0 {
            Closing::Paid
        } else if i.payments.is_empty() {
            Closing::Zero
        } else {
            Closing::PaidElsewhere
        };
        Err(stop("2.2-e12", Stop::Closed(closing)))
    }

    fn currency(&self) -> Found {
        let invoice = self.invoice.total.currency.code();
        match self.state.facts.subscription.as_ref() {
            Some(subscription) if subscription.currency != invoice => Err(held(
                "2.2-e13",
                ParkCode::HeldByDecision,
                format!(
                    "the invoice is in {invoice}, its subscription in {}: nothing is converted",
                    subscription.currency
                ),
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// The customer's default card, if it may be charged.
    fn method(&self, survey: &Survey) -> Result<(String, Method), Verdict> {
        let no_method = || stop("2.2-e14", Stop::NoMethod);
        let customer = survey.braintree_customer.clone().ok_or_else(no_method)?;
        if !self.state.facts.method_read {
            return Err(Verdict::Need(Need::Method));
        }
        let method = self.state.facts.method.clone().ok_or_else(no_method)?;
        let dunning = &self.state.dunning;
        let barred = self.state.facts.since.is_some_and(|now| dunning.bars(&method.card, now));
        if method.expired || barred || dunning.revoked {
            return Err(no_method());
        }
        if method.has_live_subscription {
            return Err(held(
                "2.2-e7",
                ParkCode::TwoCollectors,
                "a live Braintree subscription charges the same card: cancel it or hand over, then resume".to_owned(),
            ));
        }
        Ok((customer, method))
    }
}

/// Zoho's payment with the capture's reference.
fn ours_of<'a>(invoice: &'a Invoice, capture: &Capture) -> Option<&'a InvoicePayment> {
    invoice.payments.iter().find(|p| p.reference == capture.transaction)
}

fn unclaimed(survey: &Survey, kinds: &[ClaimKind]) -> Found {
    if survey.claimed_elsewhere.iter().any(|kind| kinds.contains(kind)) {
        return Err(stop("2.2-e4", Stop::Busy));
    }
    Ok(())
}

fn owner(survey: &Survey, invoice: &Invoice) -> Found {
    match survey.owner {
        // Of a term that another one collected, before a hand-over.
        Some(CollectionOwner::Orchestrator) if survey.owner_from.is_some_and(|from| invoice.date < from) => {
            Err(stop("2.2-e5", Stop::Closed(Closing::NoOwner)))
        }
        Some(CollectionOwner::Orchestrator) => Ok(()),
        None => Err(stop("2.2-e5", Stop::Closed(Closing::NoOwner))),
        Some(CollectionOwner::BraintreeRecurring | CollectionOwner::ZohoNative) => {
            Err(stop("2.2-e6", Stop::Closed(Closing::OtherOwner)))
        }
    }
}

fn one_off_consented(survey: &Survey) -> Found {
    unclaimed(survey, &[ClaimKind::ZohoCustomer, ClaimKind::ZohoInvoice])?;
    if survey.one_off_consent { Ok(()) } else { Err(stop("2.2-e8", Stop::Closed(Closing::NoConsent))) }
}
