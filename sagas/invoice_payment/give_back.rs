//! Money that a give-back wants of a capture: what of it may be taken, and that nothing else happens to that money until
//! the give-back says how it ended. Posts nothing: the journals of a give-back are written by its own saga.

use super::state::{Capture, Rest, Stage, State};
use super::turn::Turn;
use super::words::{Event, Scope, Wait};
use crate::kernel::effect::Message;
use crate::kernel::give_back::Source;
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How a give-back ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A refund was accepted, and Zoho shows it.
    Refunded,
    /// A refund was made, and what was forgiven at first is owed again.
    Reopened,
    /// The whole sale was voided, and Zoho shows it.
    Voided,
    /// Nothing was given back.
    Withdrawn,
}

/// A part of a capture that is being given back, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GiveBack {
    pub(super) saga: SagaId,
    /// Of what is applied, and stays so: a credit note stands against it.
    pub(super) forgiven: Money,
    /// Of what was applied and is not any more.
    pub(super) reopened: Money,
    /// Of what was never applied.
    pub(super) unapplied: Money,
    /// Tax within what is forgiven, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tax: Option<Money>,
    /// Not ended yet.
    pub(super) open: bool,
}

impl GiveBack {
    /// So much of what was forgiven was taken from what is not applied any more.
    pub(super) const fn reassign(&mut self, moved: i64, tax: Option<Money>) {
        self.forgiven.minor -= moved;
        self.reopened.minor += moved;
        self.tax = tax;
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    saga: SagaId,
    transaction: String,
    amount: Money,
    source: Source,
}

/// An answer that is owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
enum Reply {
    Yes {
        saga: SagaId,
        transaction: String,
    },
    No {
        saga: SagaId,
        code: String,
        why: String,
    },
    /// To a dispute: what is known of the payment.
    Described {
        saga: SagaId,
        transaction: String,
    },
    /// To a give-back: where its money was taken from in the end.
    Reassigned {
        saga: SagaId,
        forgiven: Money,
        reopened: Money,
        tax: Option<Money>,
    },
    /// To a give-back: the payment is disputed.
    Disputed {
        saga: SagaId,
        dispute: SagaId,
    },
}

/// Who asked and was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counter {
    asked: Vec<Asked>,
    replies: Vec<Reply>,
    /// Replies ever sent: tells repeated ones apart.
    answered: u32,
    /// Over before they were let in: messages can overtake each other.
    over: Vec<SagaId>,
}

impl Counter {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A payment is disputed: the dispute hears what is known of it, and the give-backs under way that it is.
    pub(super) fn disputed(&mut self, dispute: SagaId, transaction: &str, under_way: Vec<SagaId>) {
        self.replies.push(Reply::Described { saga: dispute, transaction: transaction.to_owned() });
        self.replies.extend(under_way.into_iter().map(|saga| Reply::Disputed { saga, dispute }));
    }

    pub(super) fn reassigned(&mut self, saga: SagaId, forgiven: Money, reopened: Money, tax: Option<Money>) {
        self.replies.push(Reply::Reassigned { saga, forgiven, reopened, tax });
    }

    /// Which telling is the next one; the first is the activation's.
    pub(super) const fn next_telling(&self) -> u32 {
        self.answered + 2
    }
}

impl Capture {
    /// Given back of what is not applied, or being so, in minor units.
    pub(super) fn given_back(&self) -> i64 {
        self.give_backs.iter().map(|g| g.reopened.minor + g.unapplied.minor).sum()
    }

    /// Given back and forgiven: a credit note stands against it, in minor units.
    pub(super) fn forgiven(&self) -> i64 {
        self.give_backs.iter().map(|g| g.forgiven.minor).sum()
    }

    /// Given back for good, whatever it was taken from, in minor units.
    pub(super) fn gone(&self) -> i64 {
        let over = self.give_backs.iter().filter(|g| !g.open);
        over.map(|g| g.forgiven.minor + g.reopened.minor + g.unapplied.minor).sum()
    }

    /// What may still be given back of what is applied, and of what is not, in minor units: what a bank kept is gone.
    fn left(&self) -> (i64, i64) {
        let (applied, lost) = (self.applied.minor - self.forgiven(), self.lost());
        let of_applied = lost.min(applied);
        (applied - of_applied, self.unapplied() - (lost - of_applied))
    }

    /// A give-back is under way.
    pub(super) fn is_being_given_back(&self) -> bool {
        self.give_backs.iter().any(|g| g.open)
    }
}

impl Turn<'_> {
    /// A give-back wants money of a capture. Asked again it is answered already.
    pub(super) fn give_back_asked(&mut self, transaction: &str, saga: SagaId, amount: Money, source: Source) {
        let counter = &self.state.give_backs;
        let known = counter.asked.iter().any(|asked| asked.saga == saga)
            || self.state.captures.iter().any(|c| c.give_backs.iter().any(|g| g.saga == saga));
        if known || counter.over.contains(&saga) {
            return;
        }
        let transaction = transaction.to_owned();
        self.push(Event::GiveBackAsked { transaction, saga, amount, source, at: self.at.now });
    }

    /// The first of those who asked hears whether it may.
    pub(super) fn let_in(&mut self) {
        let Some(asked) = self.state.give_backs.asked.first().cloned() else { return };
        let Asked { saga, transaction, amount, source } = asked;
        match parts(&self.state, &transaction, amount, source) {
            Ok([forgiven, reopened, unapplied]) => {
                let at = self.at.now;
                self.push(Event::GiveBackAdmitted { saga, transaction, forgiven, reopened, unapplied, at });
            }
            Err((code, why)) => {
                self.push(Event::GiveBackNotAdmitted { saga, transaction, code: code.to_owned(), why });
            }
        }
    }

    pub(super) fn give_back_ended(&mut self, transaction: &str, saga: SagaId, ending: Ending, tax: Option<Money>) {
        let of = |c: &&Capture| c.give_backs.iter().any(|g| g.saga == saga && g.open);
        let moved = self.state.captures.iter().find(of).map(Capture::given_back);
        if moved.is_none() && self.state.give_backs.over.contains(&saga) {
            return;
        }
        let transaction = transaction.to_owned();
        self.push(Event::GiveBackEnded { transaction: transaction.clone(), saga, ending, tax, at: self.at.now });
        let Some(moved) = moved else { return };
        if ending == Ending::Withdrawn && self.state.looking.is_none() && self.state.stage == Stage::Resting {
            // What made it pointless is seen now: until here the stream looked away.
            if self.state.capture(&transaction).is_some_and(|c| c.is_live() && !c.settled) {
                self.push(Event::SettlementLookDue { transaction });
            }
        }
        let at_rest = matches!(self.state.stage, Stage::Resting) && self.state.looking.is_none();
        if at_rest && (moved != 0 || matches!(ending, Ending::Voided | Ending::Reopened)) {
            self.check(Scope::All);
        }
    }
}

/// What may be taken of what: forgiven, reopened, never applied.
fn parts(
    state: &State,
    transaction: &str,
    amount: Money,
    source: Source,
) -> Result<[Money; 3], (&'static str, String)> {
    let Some(capture) = state.capture(transaction) else {
        let why = format!("{transaction} is no payment of invoice {}", state.title());
        return Err(("not_ours", why));
    };
    if !capture.is_live() {
        return Err(("reversed", format!("{transaction} was voided or taken back: there is nothing to give back")));
    }
    if capture.is_disputed() {
        let why = format!("{transaction} is disputed by the customer's bank: reply to the dispute instead");
        return Err(("disputed", why));
    }
    if capture.is_being_given_back() {
        return Err(("under_way", format!("another give-back of {transaction} is under way")));
    }
    if amount.currency != capture.amount.currency || !amount.is_positive() {
        return Err(("amount", format!("{amount} cannot be given back of {}", capture.amount)));
    }
    let (applied, unapplied) = capture.left();
    let (of_applied, of_unapplied) = match source {
        Source::Forgive | Source::Reopen => {
            let of_applied = amount.minor.min(applied);
            (of_applied, amount.minor - of_applied)
        }
        Source::Unapplied => (0, amount.minor),
    };
    if of_unapplied > unapplied {
        let money = |minor| Money::new(minor, amount.currency);
        let left = format!("{} applied and {} unapplied are left of it", money(applied), money(unapplied));
        return Err(("too_much", format!("{amount} is more than can be given back of {transaction}: {left}")));
    }
    let money = |minor| Money::new(minor, amount.currency);
    let (forgiven, reopened) = if source == Source::Reopen { (0, of_applied) } else { (of_applied, 0) };
    Ok([money(forgiven), money(reopened), money(of_unapplied)])
}

/// What stands of a payment, for who wants to give some of it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Zoho invoice id.
    pub invoice: String,
    /// Zoho's number of it.
    pub number: String,
    /// What the sale took.
    pub captured: Money,
    /// Applied to the invoice, and not forgiven.
    pub applied: Money,
    /// Applied to nothing.
    pub unapplied: Money,
    /// The money stands at the processor as settled: it is refunded; before, the whole of it is voided.
    pub settled: bool,
    /// Another give-back of it is under way.
    pub under_way: bool,
    /// The customer's bank disputes it.
    pub disputed: bool,
    /// It was voided or taken back.
    pub reversed: bool,
}

/// What stands of a payment of this invoice; none: it is none of it.
pub fn standing(state: &State, transaction: &str) -> Option<Standing> {
    let capture = state.capture(transaction)?;
    let money = |minor| Money::new(minor, capture.amount.currency);
    let (applied, unapplied) = capture.left();
    Some(Standing {
        invoice: state.intake.as_ref()?.invoice.clone(),
        number: state.title().to_owned(),
        captured: capture.amount,
        applied: money(applied),
        unapplied: money(unapplied),
        settled: capture.settled,
        under_way: capture.is_being_given_back(),
        disputed: capture.is_disputed(),
        reversed: !capture.is_live(),
    })
}

impl State {
    pub(super) fn apply_give_back(&mut self, event: &Event) {
        match event {
            Event::GiveBackAsked { transaction, saga, amount, source, .. } => {
                let (saga, amount, source) = (*saga, *amount, *source);
                self.give_backs.asked.push(Asked { saga, transaction: transaction.clone(), amount, source });
            }
            Event::GiveBackAdmitted { saga, transaction, forgiven, reopened, unapplied, .. } => {
                self.give_backs.asked.retain(|asked| asked.saga != *saga);
                if let Some(capture) = self.capture_mut(transaction) {
                    capture.applied.minor -= reopened.minor;
                    let (forgiven, reopened, unapplied) = (*forgiven, *reopened, *unapplied);
                    let saga = *saga;
                    capture.give_backs.push(GiveBack { saga, forgiven, reopened, unapplied, tax: None, open: true });
                }
                self.give_backs.replies.push(Reply::Yes { saga: *saga, transaction: transaction.clone() });
            }
            Event::GiveBackNotAdmitted { saga, code, why, .. } => {
                self.give_backs.asked.retain(|asked| asked.saga != *saga);
                let (code, why) = (code.clone(), why.clone());
                self.give_backs.replies.push(Reply::No { saga: *saga, code, why });
            }
            Event::GiveBackAnswered | Event::DisputeAnswered => {
                self.give_backs.answered += 1;
                if !self.give_backs.replies.is_empty() {
                    self.give_backs.replies.remove(0);
                }
            }
            Event::GiveBackEnded { transaction, saga, ending, tax, .. } => {
                self.ended_give_back(transaction, *saga, *ending, *tax);
            }
            _ => {}
        }
    }

    /// Some money is let go of, or is free again. Who waited for that looks again once nothing else is under way.
    fn ended_give_back(&mut self, transaction: &str, saga: SagaId, ending: Ending, tax: Option<Money>) {
        self.give_backs.asked.retain(|asked| asked.saga != saga);
        self.give_backs.over.push(saga);
        self.again |= matches!(self.rest, Rest::Waiting { wait: Wait::Busy, .. } | Rest::Held { .. });
        let Some(capture) = self.capture_mut(transaction) else { return };
        let Some(at) = capture.give_backs.iter().position(|g| g.saga == saga && g.open) else { return };
        match ending {
            Ending::Refunded => {
                if let Some(give_back) = capture.give_backs.get_mut(at) {
                    give_back.open = false;
                    give_back.tax = tax;
                }
            }
            Ending::Reopened => {
                if let Some(give_back) = capture.give_backs.get_mut(at) {
                    let forgiven = give_back.forgiven.minor;
                    give_back.open = false;
                    give_back.forgiven.minor = 0;
                    give_back.reopened.minor += forgiven;
                    capture.applied.minor -= forgiven;
                }
            }
            Ending::Voided => {
                for give_back in &mut capture.give_backs {
                    give_back.open = false;
                }
                capture.reversed = true;
                capture.applied.minor = 0;
                capture.next_look = None;
            }
            Ending::Withdrawn => {
                let withdrawn = capture.give_backs.remove(at);
                capture.applied.minor += withdrawn.reopened.minor;
            }
        }
        if ending != Ending::Withdrawn && capture.unapplied() == 0 {
            // What people were asked to give back is given back.
            capture.trouble = None;
            capture.refused = None;
        }
    }

    /// What a give-back is to be told.
    pub(super) fn owed_reply(&self) -> Option<Message> {
        let reply = self.give_backs.replies.first()?;
        // Another flow is named, not imported: what it is told is its own command in words.
        let (to, word, command) = match reply {
            Reply::Described { saga, transaction } => {
                let payment = self.described(transaction)?;
                (*saga, "described", json!({"command": "described", "payment": payment}))
            }
            Reply::Disputed { saga, dispute } => {
                (*saga, "disputed", json!({"command": "disputed", "dispute": dispute}))
            }
            Reply::Yes { saga, transaction } => {
                let terms = self.terms(*saga, transaction)?;
                (*saga, "admitted", json!({"command": "admitted", "terms": terms}))
            }
            Reply::Reassigned { saga, forgiven, reopened, tax } => {
                let terms = json!({"command": "reassigned", "forgiven": forgiven, "reopened": reopened, "tax": tax});
                (*saga, "reassigned", terms)
            }
            Reply::No { saga, code, why } => {
                (*saga, "not_admitted", json!({"command": "not_admitted", "code": code, "why": why}))
            }
        };
        let key = match reply {
            Reply::Disputed { dispute, .. } => format!("{to}:{word}:{dispute}"),
            Reply::Reassigned { forgiven, .. } => format!("{to}:{word}:{}", forgiven.minor),
            Reply::Yes { .. } | Reply::No { .. } | Reply::Described { .. } => format!("{to}:{word}"),
        };
        let flow = if matches!(reply, Reply::Described { .. }) { "dispute" } else { "refund" };
        Some(Message { to, flow: flow.to_owned(), kind: format!("invoice.{word}"), command, key })
    }

    fn terms(&self, saga: SagaId, transaction: &str) -> Option<Value> {
        let capture = self.capture(transaction)?;
        // Ended meanwhile: it waits for no answer any more, and hears one that says nothing.
        let none = Money::zero(capture.amount.currency);
        let give_back = capture.give_backs.iter().find(|g| g.saga == saga);
        let part = |of: fn(&GiveBack) -> Money| give_back.map_or(none, of);
        Some(json!({
            "invoice": self.intake.as_ref()?.invoice,
            "number": self.title(),
            "customer": self.party.customer,
            "client": self.party.client,
            "subscription": self.party.subscription.as_ref().map(|(_, zoho)| zoho),
            "subscription_record": self.party.subscription_record,
            "payment": capture.payment,
            "captured": capture.amount,
            "captured_on": capture.effective,
            "applied": capture.applied,
            "forgiven": part(|g| g.forgiven),
            "reopened": part(|g| g.reopened),
            "unapplied": part(|g| g.unapplied),
        }))
    }
}
