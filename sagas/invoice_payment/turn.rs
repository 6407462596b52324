//! From a verdict to events: what is waited for and how long, when a charge is planned, when the stream rests. All
//! times are set here.

use super::books;
use super::check::{self, Ready, Stop, Verdict};
use super::dunning;
use super::letters;
use super::state::{Capture, Rest, Stage, State};
use super::words::{Attempt, Closing, Event, Scope, Wait};
use crate::kernel::answer::Invoice;
use crate::kernel::park::ParkCode;
use chrono::{DateTime, TimeDelta, Utc};

/// A charge is never sent on an older read of the invoice.
pub(super) const FRESH: TimeDelta = TimeDelta::seconds(60);
/// A charge is not even planned on an older one: claim and count need their time too.
const FRESH_ENOUGH: TimeDelta = TimeDelta::seconds(30);
/// Subscription, client and card are read again when the round is older.
const ROUND: TimeDelta = TimeDelta::minutes(10);
/// A subscription that is being made is linked long before.
const LINK_PATIENCE: TimeDelta = TimeDelta::hours(24);
/// The first wait for something that other parts of this system are about to do; doubles up to an hour, because each
/// look may cost a call of Zoho's daily quota.
const SHORTLY: TimeDelta = TimeDelta::seconds(60);
const AT_MOST: TimeDelta = TimeDelta::hours(1);
/// The switch of sales is looked at in our own tables: that costs nothing.
const SWITCH_AGAIN: TimeDelta = TimeDelta::minutes(5);
/// A hold that ends by itself is looked at again.
const HOLD_AGAIN: TimeDelta = TimeDelta::hours(1);
/// What Zoho or people there will change is looked at daily, should its message be lost.
const DAILY: TimeDelta = TimeDelta::days(1);

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, super::InvoicePayment>;

impl Turn<'_> {
    /// All that follows from what was decided so far.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        // What was just decided is told with the facts that it rests on: the next round reads them anew.
        self.letter(0);
        let told = self.out.len();
        // Each round plans, records, rests or wants a read; a handful of them is the longest chain there is.
        for _ in 0..16 {
            let before = self.out.len();
            match self.state.stage {
                Stage::Checking => self.judged(check::judge(&self.state)),
                Stage::Resting => self.rested(),
                Stage::Claiming | Stage::CountingCard | Stage::Charging | Stage::Recording => {}
            }
            if self.out.len() == before {
                break;
            }
        }
        self.letter(told);
        self.out
    }

    /// The customer is told of what was decided since that event.
    fn letter(&mut self, since: usize) {
        let decided = self.out.get(since..).unwrap_or_default();
        if let Some(cause) = letters::cause(&self.state, decided, self.at) {
            self.push(Event::LetterOwed { cause: Box::new(cause), at: self.at.now });
        }
    }

    /// At rest: transactions of which only the id is known are read, and what was heard meanwhile is looked at.
    fn rested(&mut self) {
        if self.state.looking.is_some() || self.state.intake.is_none() {
            return;
        }
        if let Some(transaction) = self.state.unread.first().cloned() {
            self.push(Event::SettlementLookDue { transaction });
        } else if self.state.again {
            self.check(Scope::All);
        } else {
            self.let_in();
        }
    }

    pub(super) fn check(&mut self, scope: Scope) {
        self.push(Event::ChecksBegun { scope, at: self.at.now });
    }

    fn judged(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Need(_) => {}
            verdict if self.state.facts.partial && !verdict.needs_no_vendor() => self.check(Scope::All),
            Verdict::Record { transaction, amount, again } => {
                self.push(Event::RecordingBegun { transaction, amount, again });
            }
            Verdict::Adopt { transaction, payment, amount } => {
                self.recorded(&transaction, &payment, amount, false);
            }
            Verdict::Stop { test, stop } => self.stopped(test, stop),
            Verdict::Ready(ready) => self.ready(*ready),
        }
    }

    /// A capture is recorded in Zoho.
    pub(super) fn recorded(
        &mut self,
        transaction: &str,
        payment: &str,
        applied: crate::kernel::money::Money,
        again: bool,
    ) {
        let effective = self.state.capture(transaction).map_or_else(|| self.at.date(self.at.now), |c| c.effective);
        self.push(Event::PaymentRecorded {
            transaction: transaction.to_owned(),
            payment: payment.to_owned(),
            applied,
            again,
            effective,
            at: self.at.now,
        });
        let dunning = &self.state.dunning;
        let closed = self.state.facts.invoice.as_ref().is_some_and(|i| !i.balance.is_positive());
        if let Some(first) = dunning.first_failed_at.filter(|_| closed && !again) {
            let (attempts, method_changed) = (self.state.attempts, dunning.method_changed);
            let days = (self.at.now - first).num_days();
            self.push(Event::InvoiceRecovered { attempts, days, method_changed, amount: applied });
        }
    }

    pub(super) fn defer(&mut self, test: &str, wait: Wait, until: DateTime<Utc>) {
        self.push(Event::InvoiceDeferred { wait, test: test.to_owned(), until, at: self.at.now });
    }

    pub(super) fn hold(&mut self, test: &str, code: ParkCode, detail: String) {
        self.push(Event::InvoiceHeld { code, detail, test: test.to_owned(), at: self.at.now });
        if code == ParkCode::MoneyDecision {
            self.propose();
        }
    }

    pub(super) fn close(&mut self, closing: Closing) {
        self.push(Event::InvoiceClosed { closing, at: self.at.now });
    }

    /// The next look at something that this system is about to do itself.
    pub(super) fn shortly(&self, wait: Wait) -> DateTime<Utc> {
        let deferral = &self.state.deferral;
        let times = if deferral.wait == Some(wait) { deferral.times } else { 0 };
        self.at.now + (SHORTLY * 2_i32.pow(times.min(10))).min(AT_MOST)
    }

    fn stopped(&mut self, test: &'static str, stop: Stop) {
        let now = self.at.now;
        match stop {
            Stop::Held { code, detail } => self.hold(test, code, detail),
            // An activation that is undone cancels first and voids then: looked at once more before a person is asked.
            Stop::SubscriptionEnded { .. } if self.state.deferral.wait != Some(Wait::Ended) => {
                self.defer(test, Wait::Ended, self.shortly(Wait::Ended));
            }
            Stop::SubscriptionEnded { status } => {
                let detail = format!("the subscription is `{status}`: decide: charge again, or leave");
                self.hold(test, ParkCode::HeldByDecision, detail);
            }
            Stop::LinkPending => {
                let since = self.state.deferral.since.filter(|_| self.state.deferral.wait == Some(Wait::Link));
                if since.is_some_and(|since| now - since >= LINK_PATIENCE) {
                    let detail = "the invoice's subscription is ours by its reference and was not linked in a day: link it, then resume";
                    self.hold(test, ParkCode::CustomerUnlinked, detail.to_owned());
                } else {
                    self.defer(test, Wait::Link, self.shortly(Wait::Link));
                }
            }
            Stop::Busy => self.defer(test, Wait::Busy, self.shortly(Wait::Busy)),
            Stop::GivingBack => self.defer(test, Wait::Busy, now + DAILY),
            Stop::Draft => self.defer(test, Wait::Draft, now + DAILY),
            Stop::SubscriptionPaused => self.defer(test, Wait::SubscriptionPaused, now + DAILY),
            Stop::Unannounced => self.defer(test, Wait::Notice, now + HOLD_AGAIN),
            Stop::Switch => self.defer(test, Wait::Switch, now + SWITCH_AGAIN),
            Stop::NoMethod => self.no_method(test),
            Stop::Closed(closing) => self.close(closing),
        }
    }

    fn no_method(&mut self, test: &str) {
        let due = self.state.facts.invoice.as_ref().map_or_else(|| self.at.date(self.at.now), |i| i.due_date);
        let dunning = &self.state.dunning;
        let (wait, until) = match dunning.asked {
            Some(asked) if asked.authentication => (Wait::Authentication, asked.until),
            Some(asked) => (Wait::Method, asked.until),
            None => (Wait::Method, dunning::last_day(dunning, due, self.at)),
        };
        if until <= self.at.now || dunning.exhausted {
            self.close(Closing::Exhausted);
        } else {
            self.defer(test, wait, until);
        }
    }

    /// All tests are passed: is it time?
    fn ready(&mut self, ready: Ready) {
        let Some(invoice) = self.state.facts.invoice.clone() else { return };
        if let Some(closing) = self.given_up() {
            return self.close(closing);
        }
        if let Some((test, wait, until)) = self.not_yet(&invoice) {
            return self.defer(test, wait, until);
        }
        let now = self.at.now;
        if now - invoice.read_at > FRESH_ENOUGH {
            let old = self.state.facts.since.is_none_or(|since| now - since > ROUND);
            return self.check(if old { Scope::All } else { Scope::Invoice });
        }
        self.plan(ready, &invoice);
    }

    fn given_up(&self) -> Option<Closing> {
        let orders = &self.state.orders;
        match (orders.once, orders.stopped, self.state.dunning.exhausted) {
            (true, _, _) | (false, false, false) => None,
            (false, true, _) => Some(Closing::Stopped),
            (false, false, true) => Some(Closing::Exhausted),
        }
    }

    fn not_yet(&self, invoice: &Invoice) -> Option<(&'static str, Wait, DateTime<Utc>)> {
        let now = self.at.now;
        let State { orders, dunning, .. } = &self.state;
        let due = dunning::morning(invoice.due_date, self.at);
        if !orders.early && self.at.date(now) < invoice.due_date {
            return Some(("2.3", Wait::DueDate, due));
        }
        if orders.once {
            return None;
        }
        if let Some(until) = orders.paused_until.filter(|until| *until > now) {
            return Some(("2.3-e18", Wait::Paused, until));
        }
        if let Some(at) = dunning.not_before.filter(|at| *at > now) {
            let wait = if dunning.network_retry > 0 { Wait::NetworkRetry } else { Wait::NextAttempt };
            return Some(("2.3", wait, at));
        }
        None
    }

    fn plan(&mut self, ready: Ready, invoice: &Invoice) {
        let State { intake, orders, dunning, attempts, .. } = &self.state;
        let Some(intake) = intake else { return };
        let network_retry = if orders.once { 0 } else { dunning.network_retry };
        let number = if network_retry > 0 { *attempts } else { *attempts + 1 };
        let mut attempt = Attempt {
            number,
            network_retry,
            order_id: intake.installation.invoice_order(&intake.invoice, number, network_retry),
            amount: ready.amount,
            customer: ready.customer,
            method: ready.method,
            scheduled: !orders.once,
            recurring: !orders.customer_present,
            one_off: ready.one_off,
            fresh_until: invoice.read_at + FRESH,
        };
        // The same request under the same order id: one search shows all that ever came of it (2.0-e28).
        if let Some(superseded) = self.state.superseded.as_ref().filter(|s| s.asks_the_same(&attempt)) {
            attempt.number = superseded.number;
            attempt.network_retry = superseded.network_retry;
            attempt.order_id.clone_from(&superseded.order_id);
        }
        self.push(Event::ChargePlanned { attempt: Box::new(attempt) });
    }

    /// The invoice is not at Zoho: looked for once more, then it counts as deleted.
    pub(super) fn missing(&mut self) {
        self.push(Event::InvoiceNotFound { at: self.at.now });
        if self.state.captures.iter().any(Capture::is_being_given_back) {
            return self.defer("2.4-p4", Wait::Busy, self.at.now + DAILY);
        }
        if self.state.deferral.wait != Some(Wait::Missing) {
            return self.defer("2.2-e1", Wait::Missing, self.shortly(Wait::Missing));
        }
        for event in books::voided(&self.state, self.at.date(self.at.now)) {
            self.push(event);
        }
        if self.state.unapplied() > 0 {
            let detail = "money was taken and the invoice was deleted in Zoho: void or refund it".to_owned();
            self.hold("2.12-e6", ParkCode::MoneyDecision, detail);
        } else {
            self.close(Closing::Gone);
        }
    }

    /// A sleep or a deadline has come.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        if self.state.stage == Stage::Checking {
            return self.check(Scope::All);
        }
        if self.state.stage != Stage::Resting {
            return;
        }
        if let Some((transaction, _)) = self.state.next_look().filter(|(_, at)| *at <= now) {
            let transaction = transaction.to_owned();
            return self.push(Event::SettlementLookDue { transaction });
        }
        if self.state.put_off.until.is_some_and(|until| until <= now) {
            return self.push(Event::ProjectionDue);
        }
        let Rest::Waiting { wait, until } = self.state.rest else { return };
        if until > now {
            return;
        }
        match wait {
            Wait::Method | Wait::Authentication => self.close(Closing::Exhausted),
            Wait::Link | Wait::Busy | Wait::Notice | Wait::Switch => self.check(Scope::Survey),
            Wait::Missing
            | Wait::Draft
            | Wait::SubscriptionPaused
            | Wait::Ended
            | Wait::DueDate
            | Wait::NextAttempt
            | Wait::NetworkRetry
            | Wait::Paused
            | Wait::CardCap => self.check(Scope::All),
        }
    }
}
