//! What comes from outside and what time brings: requests, second persons, decisions, deadlines. All times are set here.

use super::Refund;
use super::state::{Outcome, Stage};
use super::words::{Choice, Command, Event, Terms, Wait};
use crate::kernel::give_back::{Approval, Wish};
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{Refusal, Saga};
use chrono::TimeDelta;

/// A second person has so long.
const APPROVAL: TimeDelta = TimeDelta::days(7);
/// What a rule proposes waits so long for somebody who agrees.
const PROPOSAL: TimeDelta = TimeDelta::days(30);
/// What a rule gives back alone waits so long: what made it necessary may pass.
const COOLING: TimeDelta = TimeDelta::hours(1);
/// The invoice's stream answers at once, or is held up by something that a person must clear.
pub(super) const ANSWER: TimeDelta = TimeDelta::hours(1);
/// A rule's give-back looks again whether the transaction is free.
const BUSY_AGAIN: TimeDelta = TimeDelta::minutes(10);

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, Refund>;

impl Turn<'_> {
    pub(super) fn commanded(&mut self, command: &Command) -> Result<(), Refusal> {
        let now = self.at.now;
        match command {
            Command::Requested { wish } => {
                // The same give-back asked for again.
                if self.state.wish.is_none() {
                    worth_it(wish)?;
                    self.push(Event::RefundRequested { wish: wish.clone(), at: now });
                } else if self.state.wish.as_ref() != Some(&**wish) {
                    return Err(self.refused("key_reused", "asked for before, with this key, as something else"));
                }
            }
            Command::FoundOutside { wish, refund } => self.found_outside(wish, refund)?,
            Command::Approved { by, reason } => {
                self.awaits_second_person(by, reason)?;
                self.push(Event::ApprovalGiven { by: by.clone(), reason: reason.clone(), at: now });
            }
            Command::Denied { by, reason } => {
                self.awaits_second_person("", reason)?;
                self.push(Event::ApprovalDenied { by: by.clone(), reason: reason.clone(), at: now });
            }
            Command::Admitted { terms } => {
                if self.listens() {
                    self.admitted(terms);
                }
            }
            Command::NotAdmitted { code, why } => {
                if self.listens() {
                    self.not_let_go(code, why.clone());
                }
            }
            Command::Decided { choice, by, reason } => self.decided(*choice, by, reason)?,
            Command::Disputed { dispute } => {
                if !self.state.disputed && self.state.wish.is_some() {
                    self.push(Event::PaymentDisputed { dispute: *dispute, at: now });
                    self.stopped_by_dispute();
                }
            }
            Command::Reassigned { forgiven, reopened, tax } => {
                let (forgiven, reopened, tax) = (*forgiven, *reopened, *tax);
                if self.state.terms.as_ref().is_some_and(|terms| terms.forgiven != forgiven) {
                    self.push(Event::GiveBackReassigned { forgiven, reopened, tax });
                }
            }
            Command::LookAgain { .. } => {
                let sent = matches!(self.state.outcome, Some(Outcome::Sent { .. }));
                if sent && self.state.stage == Stage::Accepted && !self.state.looking {
                    self.push(Event::SettlementLookDue);
                }
            }
        }
        Ok(())
    }

    /// The bank has taken the money itself: what is not sent yet would go out a second time.
    pub(super) fn stopped_by_dispute(&mut self) {
        // What others gave back has gone out: it is booked all the same.
        if self.state.outside.is_some() && !self.state.booked {
            return;
        }
        let at = self.at.now;
        let why = "the customer's bank disputes the payment: reply to the dispute; if it is won, ask anew".to_owned();
        let code = "disputed".to_owned();
        match self.state.stage {
            Stage::Claiming
            | Stage::Weighing
            | Stage::Approving { .. }
            | Stage::Asking
            | Stage::Awaiting { .. }
            | Stage::Waiting { .. }
            | Stage::Reading
                if !self.state.booked =>
            {
                self.push(Event::RefundRefused { code, why, at });
            }
            // Zoho shows it already: whether it is owed still is a person's to say.
            Stage::Claiming | Stage::Choosing | Stage::Waiting { .. } if self.state.told => {
                self.push(Event::RefundBlocked { code, why, at });
            }
            Stage::Choosing | Stage::Waiting { .. } => {
                self.push(Event::RefundWithdrawn { credit_kept: false, effective: self.at.date(at) });
            }
            // What is under way is shown to the bank as proof; what is held is a person's.
            Stage::New
            | Stage::Claiming
            | Stage::Verifying
            | Stage::Weighing
            | Stage::Approving { .. }
            | Stage::Asking
            | Stage::Awaiting { .. }
            | Stage::Reading
            | Stage::Sending
            | Stage::Accepted
            | Stage::Held { .. }
            | Stage::Over { .. } => {}
        }
    }

    pub(super) fn refused(&self, code: &str, why: &str) -> Refusal {
        let title = Refund::summary(&self.state);
        Refusal::new(code, format!("refund of {}: {why} (state: {})", title.title, title.state))
    }

    fn awaits_second_person(&self, by: &str, reason: &str) -> Result<(), Refusal> {
        if !matches!(self.state.stage, Stage::Approving { .. }) {
            return Err(self.refused("nothing_to_approve", "it waits for nobody's agreement"));
        }
        if reason.trim().is_empty() {
            return Err(self.refused("no_reason", "say why, for the record"));
        }
        // `token:ada` and `shell:ada` are one person.
        let name = |principal: &str| principal.split_once(':').map_or(principal, |(_, name)| name).to_owned();
        if self.state.wish.as_ref().is_some_and(|wish| name(&wish.by) == name(by)) {
            return Err(self.refused("same_person", "who asked for it does not approve it: somebody else has to"));
        }
        Ok(())
    }

    /// The transaction is ours to give back of.
    pub(super) fn claimed(&mut self) {
        self.push(Event::TransactionClaimed);
        let second = self.state.wish.as_ref().is_some_and(|wish| wish.approval == Approval::SecondPerson);
        if second && self.state.stage == Stage::Asking {
            self.push(Event::ApprovalAwaited { until: self.at.now + APPROVAL });
        }
    }

    /// A rule's proposal goes by itself, or waits for a person.
    pub(super) fn weighed(&mut self, alone: bool) {
        self.push(Event::ProposalWeighed { alone });
        if alone {
            self.put_off(Wait::Cooling, COOLING);
        } else {
            self.push(Event::ApprovalAwaited { until: self.at.now + PROPOSAL });
        }
    }

    pub(super) fn busy(&mut self, held: &str) {
        self.push(Event::ClaimRefused { held: held.to_owned() });
        let by_person = |wish: &Wish| matches!(wish.approval, Approval::Alone | Approval::SecondPerson);
        let person = self.state.wish.as_ref().is_some_and(by_person);
        if person && !self.state.booked && self.state.outside.is_none() {
            let why = format!("another give-back or a dispute of this payment is under way ({held})");
            self.push(Event::RefundRefused { code: "busy".to_owned(), why, at: self.at.now });
        } else {
            self.put_off(Wait::Busy, BUSY_AGAIN);
        }
    }

    pub(super) fn put_off(&mut self, wait: Wait, time: TimeDelta) {
        self.push(Event::GiveBackPutOff { wait, until: self.at.now + time, at: self.at.now });
    }

    fn admitted(&mut self, terms: &Terms) {
        let asked = self.state.wish.as_ref().map(|wish| (wish.amount, wish.invoice.as_str()));
        if asked != Some((terms.amount(), terms.invoice.as_str())) {
            let why = format!("the invoice's stream lets {} of invoice {} go", terms.amount(), terms.invoice);
            return self.not_let_go("mismatch", why);
        }
        self.push(Event::GiveBackAdmitted { terms: Box::new(terms.clone()) });
        if terms.forgiven.minor == 0 {
            self.approve(None);
        }
    }

    /// It is owed from here on, whatever becomes of the call.
    pub(super) fn approve(&mut self, tax: Option<Money>) {
        let made_at = self.state.outside.as_ref().and_then(|outside| outside.made_at);
        let effective = self.at.date(made_at.unwrap_or(self.at.now));
        self.push(Event::RefundApproved { tax, effective, at: self.at.now });
        if let Some(made_at) = made_at {
            self.book_found(made_at);
        }
    }

    fn decided(&mut self, choice: Choice, by: &str, reason: &str) -> Result<(), Refusal> {
        if matches!(choice, Choice::Forgive | Choice::Reopen | Choice::Recorded) {
            return self.explained(choice, by, reason);
        }
        let Stage::Held { code: ParkCode::RefundBlocked | ParkCode::RefundFailedAfterSuccess, .. } = self.state.stage
        else {
            return Err(self.refused("nothing_to_decide", "the bank did not refuse it"));
        };
        if reason.trim().is_empty() {
            return Err(self.refused("no_reason", "say why, for the record"));
        }
        if choice == Choice::TryAgain && self.state.disputed {
            let why = "the customer's bank disputes the payment: withdraw it, and reply to the dispute";
            return Err(self.refused("disputed", why));
        }
        if choice == Choice::Withdraw && self.state.told && !self.is_forgiven_alone() {
            let why = "Zoho shows the invoice as owed already: try again, or record it as paid outside";
            return Err(self.refused("too_late", why));
        }
        let (by, reason, at) = (by.to_owned(), reason.to_owned(), self.at.now);
        self.push(Event::DecisionTaken { choice, by, reason, at });
        let effective = self.at.date(at);
        match choice {
            Choice::TryAgain | Choice::Forgive | Choice::Reopen | Choice::Recorded => {}
            Choice::PaidOutside => {
                let amount = self.state.wish.as_ref().map(|wish| wish.amount);
                if let Some(amount) = amount {
                    self.push(Event::RefundPaidOutside { amount, effective });
                }
            }
            Choice::Withdraw => {
                let credit_kept = self.state.zoho.note.is_some();
                self.push(Event::RefundWithdrawn { credit_kept, effective });
            }
        }
        Ok(())
    }

    fn is_forgiven_alone(&self) -> bool {
        self.state.terms.as_ref().is_some_and(|terms| terms.reopened.minor == 0 && terms.unapplied.minor == 0)
    }

    /// A person looked at what it was parked for.
    pub(super) fn taken_up(&mut self) {
        if matches!(self.state.stage, Stage::Held { .. }) {
            self.push(Event::RefundTakenUp { at: self.at.now });
        }
    }

    /// A deadline or the end of a sleep.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        match self.state.stage {
            Stage::Approving { until } if until <= now => self.push(Event::ApprovalLapsed { at: now }),
            Stage::Awaiting { until } if until <= now => {
                let why = "the invoice is being worked on or parked: clear that first, then ask again".to_owned();
                self.not_let_go("stream_busy", why);
            }
            Stage::Waiting { until, .. } if until <= now => self.push(Event::GiveBackDue { at: now }),
            Stage::Accepted | Stage::Over { .. } => {
                if self.state.next_look.is_some_and(|look| look <= now) && !self.state.looking {
                    self.push(Event::SettlementLookDue);
                } else if let Some(due) = self.state.people.come_due(now) {
                    self.push(Event::Told(due));
                }
            }
            _ => {}
        }
    }
}

/// Something is asked for, by somebody, for a reason.
pub(super) fn worth_it(wish: &Wish) -> Result<(), Refusal> {
    if !wish.amount.is_positive() {
        return Err(Refusal::new("amount", format!("{} is nothing to give back", wish.amount)));
    }
    if wish.by.trim().is_empty() || wish.reason.trim().is_empty() {
        return Err(Refusal::new("no_reason", "say who asks and why, for the record"));
    }
    Ok(())
}
