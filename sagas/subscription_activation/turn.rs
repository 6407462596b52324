//! A decision in the making, and what follows by itself: the quote once its ground is read, the link once somebody
//! wants to be paid, the end once nothing is missing.

use super::SubscriptionActivation;
use super::collector;
use super::events::Event;
use super::pricer::{self, Dates, NoQuote};
use super::state::{Stage, State};
use super::steps;
use super::words::{After, Nothing, Terms, Then};
use crate::kernel::answer::Invoice;
use crate::kernel::effect::{Claim, ClaimKind};
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use crate::kernel::quote::Quote;
use crate::kernel::selling::{Sale, Selling, Sells};
use chrono::{DateTime, TimeDelta, Utc};

/// The record of a capture is awaited so long at a time; the invoice's own stream pages a person.
const RECORD_PATIENCE: TimeDelta = TimeDelta::hours(24);

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, SubscriptionActivation>;

impl Turn<'_> {
    /// All that follows from what was decided so far.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        // A quote, its link, a binding, an end: each round does one of them.
        for _ in 0..8 {
            let before = self.out.len();
            self.follow();
            if self.out.len() == before {
                break;
            }
        }
        self.out
    }

    fn follow(&mut self) {
        let state = &self.state;
        if state.undoing.is_some() || !state.errands.is_empty() || state.sale.sleep_until.is_some() {
            return;
        }
        match state.stage {
            Stage::Preparing if steps::preparation(state).is_none() => self.prepared(),
            Stage::Quoted if state.sale.goes_on() => {
                let Some(terms) = state.sale.intake.as_ref().map(|intake| &intake.terms) else { return };
                self.issue_link(terms.reminder_day);
            }
            Stage::Paying if state.is_settled() => self.activate(),
            Stage::Paying => self.bind(),
            Stage::AwaitingRecord { .. } if state.record.is_some() || state.reversed => self.activate(),
            Stage::New
            | Stage::Preparing
            | Stage::Quoted
            | Stage::LinkOut
            | Stage::HandingOver
            | Stage::AwaitingRecord { .. }
            | Stage::Held { .. }
            | Stage::Over { .. } => {}
        }
    }

    /// Everything is read: the quote. One of today that is still good is kept: it is a promise.
    fn prepared(&mut self) {
        let today = self.at.date(self.at.now);
        let state_is_braintrees = self.state.by_braintree();
        let State { sale: Sale { intake, facts, quote, quoted_on, link, .. }, total, .. } = &self.state;
        let (Some(intake), Some(request), Some(offer)) = (intake, &facts.request, &facts.offer) else { return };
        if let Some(kept) = quote.clone().filter(|q| *quoted_on == Some(today) && q.expires_at > self.at.now) {
            return self.sell(Selling::QuoteMade { quote: Box::new(kept), made_on: today, at: self.at.now });
        }
        let days = TimeDelta::days(i64::from(intake.terms.link_days));
        let expires_at = link.as_ref().map_or(self.at.now + days, |l| l.expires_at);
        let quoted = pricer::quote(request, offer, &intake.terms, Dates { today, expires_at });
        let fits = |quote: &Quote| if state_is_braintrees { collector::expressible(offer, quote) } else { Ok(()) };
        match quoted.and_then(|quote| fits(&quote).map(|()| quote)) {
            Ok(quote) => {
                let quote = total.map_or_else(|| quote.clone(), |total| pricer::with_total(quote.clone(), total));
                self.sell(Selling::QuoteMade { quote: Box::new(quote), made_on: today, at: self.at.now });
            }
            Err(NoQuote::Refused { reason, cure }) => self.refuse(reason, cure),
            Err(NoQuote::Unsound(detail)) => self.hold(ParkCode::NoQuote, detail, After::Quote),
        }
    }

    /// The first invoice is ours: does it fit what was accepted?
    fn bind(&mut self) {
        let Some(first) = self.state.invoice.first.clone().filter(|_| !self.state.invoice.bound) else { return };
        let claim = Claim { kind: ClaimKind::ZohoInvoice, key: first.id.clone() };
        if self.state.sale.claims.contains(&claim) && self.weigh(&first) {
            let quoted = self.state.sale.quote.as_ref().map(|q| q.due_today).filter(|due| *due != first.balance);
            self.push(Event::InvoiceBound { invoice: first.id, number: first.number, balance: first.balance, quoted });
        }
    }

    /// True where the invoice can be captured; else what follows was decided.
    pub(super) fn weigh(&mut self, invoice: &Invoice) -> bool {
        let Some(ceiling) = self.state.sale.quote.as_ref().map(|q| q.ceiling) else { return false };
        let balance = invoice.balance;
        if invoice.status == "void" {
            self.fail("the first invoice was voided in Zoho", "press `Retry`");
        } else if balance.currency != ceiling.currency {
            let reason = format!("Zoho bills in {}, not in {}", balance.currency.code(), ceiling.currency.code());
            self.fail(&reason, "choose a `Plan` in the customer's currency");
        } else if balance.minor > ceiling.minor {
            self.over_ceiling(balance, ceiling);
        } else if balance.is_positive() {
            return true;
        } else {
            let why = if invoice.payments.is_empty() { Nothing::Zero } else { Nothing::PaidElsewhere };
            self.push(Event::NothingToCollect { why });
        }
        false
    }

    fn over_ceiling(&mut self, balance: Money, ceiling: Money) {
        let again = self.state.total.is_some();
        let reason = format!("Zoho asks for {balance}, and at most {ceiling} was accepted");
        let then = if again { Then::Mismatch } else { Then::Requote };
        self.undo(&reason, "the customer gets a new quote", then, Some(balance));
    }

    fn activate(&mut self) {
        let released =
            self.state.sale.claims.iter().filter(|c| c.kind != ClaimKind::AccountPlanFamily).cloned().collect();
        let on = self.at.date(self.at.now);
        self.push(Event::SubscriptionActivated { on, released, at: self.at.now });
    }

    pub(super) fn fail(&mut self, reason: &str, cure: &str) {
        self.undo(reason, cure, Then::Fail, None);
    }

    /// Undoes all, unless that was decided before.
    pub(super) fn undo(&mut self, reason: &str, cure: &str, then: Then, total: Option<Money>) {
        if self.state.undoing.is_none() {
            self.push(Event::ActivationFailed {
                reason: reason.to_owned(),
                cure: cure.to_owned(),
                then,
                total,
                at: self.at.now,
            });
        }
    }

    pub(super) fn hold(&mut self, code: ParkCode, detail: impl Into<String>, then: After) {
        self.push(Event::ActivationHeld { code, detail: detail.into(), then, at: self.at.now });
    }

    pub(super) fn record_deadline(&self) -> DateTime<Utc> {
        self.at.now + RECORD_PATIENCE
    }

    /// A sleep or a deadline has come.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        if self.state.sale.sleep_until.is_some_and(|until| until <= now) {
            return self.sell(Selling::WaitOver);
        }
        if let Some(watch) = self.state.watches.iter().find(|w| steps::rests(&self.state) && w.next_look <= now) {
            let order_id = watch.order_id.clone();
            return self.push(Event::LateHoldLookDue { order_id });
        }
        if let Some(due) = self.state.people.come_due(now).filter(|_| steps::rests(&self.state)) {
            return self.push(Event::Told(due));
        }
        match &self.state.stage {
            Stage::Quoted => {
                self.undo("the quote was not used in time", "press `Start` for a new one", Then::Expire, None);
            }
            Stage::LinkOut => match &self.state.sale.link {
                Some(link) if link.expires_at > now => {
                    let number = link.number;
                    self.sell(Selling::ReminderDue { number });
                }
                _ => self.undo("the link was not used in time", "press `Start` for a new one", Then::Expire, None),
            },
            Stage::AwaitingRecord { .. } => {
                let until = self.record_deadline();
                self.push(Event::RecordAwaited { until });
            }
            Stage::New
            | Stage::Preparing
            | Stage::Paying
            | Stage::HandingOver
            | Stage::Held { .. }
            | Stage::Over { .. } => {}
        }
    }

    /// All completed steps are undone.
    pub(super) fn unwound(&mut self) {
        let Some(undoing) = self.state.undoing.clone() else { return };
        self.hold_gone();
        let again = matches!(undoing.then, Then::Requote | Then::Form | Then::Mismatch);
        let stays =
            |claim: &&Claim| again && matches!(claim.kind, ClaimKind::AttioTrigger | ClaimKind::AccountPlanFamily);
        let released = self.state.sale.claims.iter().filter(|c| !stays(c)).cloned().collect();
        self.push(Event::ActivationUndone { then: undoing.then, released, at: self.at.now });
        if undoing.then == Then::Mismatch {
            self.hold(ParkCode::AmountMismatch, undoing.reason, After::Quote);
        }
    }

    /// The hold does not stand any more: the ledger's memo follows.
    pub(super) fn hold_gone(&mut self) {
        if let Some(hold) = self.state.hold.clone() {
            self.push(Event::AuthorisationReleased {
                transaction: hold.transaction,
                amount: hold.amount,
                effective: self.at.date(self.at.now),
            });
        }
    }

    /// A person lets it go on.
    pub(super) fn resumed(&mut self) {
        let Stage::Held { then, detail, .. } = self.state.stage.clone() else { return };
        self.push(Event::ActivationResumed { at: self.at.now });
        if then == After::Undo {
            self.fail(&detail, "press `Retry`");
        }
    }

    /// What was requested is stale and was not sent, or is proven not to have been done.
    pub(super) fn superseded(&mut self, step: &str) {
        if self.state.stage != Stage::Paying {
            return self.due();
        }
        let late = self.state.hold.as_ref().is_some_and(|h| h.use_until <= self.at.now);
        match step {
            "authorise" => self.abandoned(),
            "capture" | "begin_recurring" if !late => self.push(Event::InvoiceOutdated),
            _ => {
                let reason = match self.state.hold {
                    Some(_) => "the hold on the card grew too old before the subscription was ready",
                    None => "another activation of the same customer was not ready in time",
                };
                self.undo(reason, "the customer gets a new link", Then::Requote, None);
            }
        }
    }
}

impl Sells for SubscriptionActivation {
    type Terms = Terms;

    fn sale(state: &State) -> &Sale<Terms> {
        &state.sale
    }

    fn prepares(state: &State) -> bool {
        state.stage == Stage::Preparing
    }

    fn is_link_out(state: &State) -> bool {
        state.stage == Stage::LinkOut
    }

    fn is_ending(state: &State) -> bool {
        state.undoing.is_some()
    }

    fn is_over(state: &State) -> bool {
        matches!(state.stage, Stage::Over { .. })
    }

    /// Where something was made before, it is undone first.
    fn refuse(turn: &mut Turn<'_>, reason: String, cure: String) {
        if turn.state.submissions > 0 {
            return turn.fail(&reason, &cure);
        }
        let released = turn.state.sale.claims.clone();
        turn.push(Event::ActivationRefused { reason, cure, released, at: turn.at.now });
    }
}
