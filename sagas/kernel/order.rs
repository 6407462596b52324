//! What the order of a saga's own events must be, whichever flow it is: nothing is sent that was not wanted, nothing a
//! second time while its outcome is unknown, nothing undone after the pivot, no act of a person without name and reason.
//! Walks, simulation and the verification of a live database feed it one event after the other.

use super::effect::{Braintree, Effect};
use super::flow::{Flow, Open, Phase, StepEvent};
use super::invariant::{Broken, Invariant};
use super::outcome::{Look, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// What was seen of one saga's stream so far.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// Order ids that were sent, and not looked up since.
    sent: BTreeSet<String>,
    /// Order ids whose attempt is over: the transaction that was approved, if one was.
    over: BTreeMap<String, Option<String>>,
}

/// The order id under which an effect takes, holds or gives back money.
pub fn order_id(effect: &Effect) -> Option<&str> {
    match effect {
        Effect::Braintree(
            Braintree::Sell { order_id, .. }
            | Braintree::Authorise { order_id, .. }
            | Braintree::Refund { order_id, .. },
        ) => Some(order_id),
        _ => None,
    }
}

impl Order {
    /// The next event; `before` is the engine's state that it found.
    ///
    /// # Errors
    /// It must not follow.
    pub fn follow(&mut self, before: &Flow, event: &StepEvent) -> Result<(), Broken> {
        let open = before.open.as_ref();
        let breaks = |invariant, what: String| Err(Broken::new(invariant, what));
        match event {
            StepEvent::Requested { step, undo, .. } => {
                if let Some(open) = open {
                    return breaks(Invariant::I33, format!("{step} is wanted while {} is open", open.step));
                }
                if *undo && before.past_pivot {
                    return breaks(Invariant::I31, format!("{step} is undone after the pivot"));
                }
            }
            StepEvent::Unwinding { .. } if before.past_pivot => {
                return breaks(Invariant::I31, "it is undone after the pivot".to_owned());
            }
            StepEvent::Sending { step, .. } => return self.sent(open, step),
            StepEvent::Answered { outcome, .. } | StepEvent::Resolved { outcome, .. } => {
                return self.ended(open, outcome);
            }
            StepEvent::NotSent { .. } => self.may_be_sent_again(open),
            // A clean look while it waits to be sent again; those on the way to a proof are no leave to send.
            StepEvent::Looked { look: Look::Absent { .. }, .. }
                if open.is_some_and(|o| matches!(o.phase, Phase::Requested { .. })) =>
            {
                self.may_be_sent_again(open);
            }
            StepEvent::Ended { .. } => {
                if let Some(open) = open {
                    return breaks(Invariant::I33, format!("it ends while {} is open", open.step));
                }
            }
            StepEvent::Resumed { principal, reason, approver, .. }
            | StepEvent::Ordered { principal, reason, approver, .. } => {
                return by_whom(principal, reason, approver.as_deref());
            }
            _ => {}
        }
        Ok(())
    }

    fn sent(&mut self, open: Option<&Open>, step: &str) -> Result<(), Broken> {
        let ready = open.filter(|o| o.step == step && matches!(o.phase, Phase::Requested { look_first: false, .. }));
        let Some(open) = ready else {
            let what = format!("{step} is sent without having been wanted, or before it was looked up");
            return Err(Broken::new(Invariant::I33, what));
        };
        let Some(order_id) = order_id(&open.effect) else { return Ok(()) };
        if self.sent.insert(order_id.to_owned()) {
            return Ok(());
        }
        // A clean look between is leave to send the same attempt again, even one whose answer nobody could use.
        Err(if self.over.contains_key(order_id) {
            Broken::new(Invariant::I34, format!("order id {order_id} is sent again after its attempt was over"))
        } else {
            Broken::new(Invariant::I33, format!("order id {order_id} is sent twice without a clean look between"))
        })
    }

    fn ended(&mut self, open: Option<&Open>, outcome: &Outcome) -> Result<(), Broken> {
        let Some(order_id) = open.filter(|o| !o.undo).and_then(|o| order_id(&o.effect)) else { return Ok(()) };
        match outcome {
            Outcome::Done { answer } => {
                let transaction = answer.vendor_id().map(str::to_owned);
                let earlier = self.over.insert(order_id.to_owned(), transaction.clone()).flatten();
                if let (Some(earlier), Some(now)) = (earlier, transaction)
                    && earlier != now
                {
                    let what = format!("order id {order_id} leads to {earlier} and to {now}");
                    return Err(Broken::new(Invariant::I18, what));
                }
            }
            Outcome::Declined { .. } => {
                self.over.entry(order_id.to_owned()).or_default();
            }
            Outcome::Rejected { .. } | Outcome::NotSent { .. } => self.may_be_sent_again(open),
            Outcome::Unknown { .. } => {}
        }
        Ok(())
    }

    fn may_be_sent_again(&mut self, open: Option<&Open>) {
        if let Some(order_id) = open.and_then(|o| order_id(&o.effect)) {
            self.sent.remove(order_id);
        }
    }
}

/// An act of a person.
fn by_whom(principal: &str, reason: &str, approver: Option<&str>) -> Result<(), Broken> {
    let what = if principal.trim().is_empty() {
        "an order has nobody who gave it"
    } else if reason.trim().is_empty() {
        "an order has no reason"
    } else if approver.is_some_and(|approver| approver == principal) {
        "an order was approved by who gave it"
    } else {
        return Ok(());
    };
    Err(Broken::new(Invariant::I52, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::answer::Answer;
    use crate::kernel::tests::samples::{eur, instant, transaction};

    /// A stream, and what its last event broke.
    #[derive(Default)]
    struct Stream {
        flow: Flow,
        order: Order,
    }

    impl Stream {
        fn push(&mut self, event: &StepEvent) -> Option<&'static str> {
            let broken = self.order.follow(&self.flow, event).err();
            self.flow.evolve(event, |_| false, |step| step == "charge");
            broken.map(|broken| broken.invariant.number())
        }

        /// Wanted, sent, and approved as that transaction.
        fn charged(&mut self, id: &str) -> [Option<&'static str>; 3] {
            [self.push(&requested(false)), self.push(&sending()), self.push(&done(id))]
        }
    }

    fn requested(undo: bool) -> StepEvent {
        let sale = Braintree::Sell {
            order_id: "demo1.inv.77.1".to_owned(),
            customer: "c-1".to_owned(),
            token: "m-1".to_owned(),
            amount: eur(1_000),
            recurring: true,
            details: None,
        };
        StepEvent::Requested {
            step: "charge".to_owned(),
            n: 1,
            undo,
            effect: Effect::Braintree(sale),
            fresh_until: None,
            at: instant("2026-11-02T09:00:00Z"),
        }
    }

    fn sending() -> StepEvent {
        let at = instant("2026-11-02T09:00:00Z");
        StepEvent::Sending { step: "charge".to_owned(), attempt: 1, at, deadline: at, node: "n".to_owned(), epoch: 1 }
    }

    fn done(id: &str) -> StepEvent {
        let sold = transaction(id, "demo1.inv.77.1", eur(1_000), instant("2026-11-02T09:00:00Z"));
        StepEvent::Answered {
            step: "charge".to_owned(),
            attempt: 1,
            undo: false,
            outcome: Outcome::Done { answer: Answer::Transaction(Box::new(sold)) },
            request_id: None,
            latency_ms: 1,
        }
    }

    #[test]
    fn what_is_wanted_sent_and_answered_in_order_breaks_nothing() {
        assert_eq!(Stream::default().charged("tx1"), [None; 3]);
    }

    #[test]
    fn a_call_that_nobody_wanted_or_that_is_sent_twice_is_named() {
        assert_eq!(Stream::default().push(&sending()), Some("I33"));
        let mut stream = Stream::default();
        assert_eq!(
            [requested(false), sending(), sending()].map(|event| stream.push(&event)),
            [None, None, Some("I33")]
        );
        assert_eq!(stream.push(&requested(false)), Some("I33"), "while it is open");
    }

    #[test]
    fn an_order_id_that_is_used_again_or_leads_elsewhere_is_named() {
        let mut stream = Stream::default();
        stream.charged("tx1");
        assert_eq!(stream.charged("tx2"), [None, Some("I34"), Some("I18")]);
    }

    #[test]
    fn an_undo_after_the_pivot_is_named() {
        let mut stream = Stream::default();
        stream.charged("tx1");
        assert_eq!(stream.push(&requested(true)), Some("I31"));
        let mut stream = Stream::default();
        stream.charged("tx1");
        assert_eq!(stream.push(&StepEvent::Unwinding { reason: "tested".to_owned() }), Some("I31"));
    }

    #[test]
    fn an_order_of_a_person_without_name_reason_or_second_person_is_named() {
        let order = |principal: &str, reason: &str, approver: Option<&str>| StepEvent::Resumed {
            principal: principal.to_owned(),
            reason: reason.to_owned(),
            approver: approver.map(str::to_owned),
            at: instant("2026-11-02T09:00:00Z"),
        };
        let mut stream = Stream::default();
        assert_eq!(stream.push(&order("ada", "seen to", Some("bob"))), None);
        for bad in [order("", "seen to", None), order("ada", " ", None), order("ada", "seen to", Some("ada"))] {
            assert_eq!(stream.push(&bad), Some("I52"));
        }
    }
}
