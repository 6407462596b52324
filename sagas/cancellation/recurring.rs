//! Where Braintree's own recurring billing collects: it is ended there before Zoho, since it takes money and cannot be undone;
//! at the end of a term by the number of its cycles, which can be taken back. What staff did in Zoho is brought after there,
//! too. Who mirrors its charges is told before the call, so that the end is not taken for somebody else's.

use super::state::State;
use super::turn::Turn;
use super::words::{Event, RecurringEnd, Wish};
use crate::kernel::answer::{Answer, CollectionOwner};
use crate::kernel::effect::{Braintree, Effect, Message, RecurringChange};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::recurring::{self, Intent};
use crate::kernel::saga::Pending;
use serde::{Deserialize, Serialize};

/// What is known of the subscription at Braintree, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AtBraintree {
    seen: Option<Seen>,
    /// What it was brought to.
    done: Option<RecurringEnd>,
}

impl AtBraintree {
    pub(super) fn is_untouched(&self) -> bool {
        *self == Self::default()
    }
}

/// As it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// Number of its present cycle; none: its first day is to come.
    cycle: Option<u32>,
    over: bool,
}

impl State {
    pub(super) fn by_braintree(&self) -> bool {
        self.survey.as_ref().is_some_and(|survey| survey.owner == Some(CollectionOwner::BraintreeRecurring))
    }

    /// Its id at Braintree.
    fn recurring(&self) -> Option<String> {
        Some(recurring::id_of(self.survey.as_ref()?.subscription.as_deref()?))
    }

    pub(super) fn apply_recurring(&mut self, event: &Event) {
        let at = &mut self.at_braintree;
        match event {
            Event::RecurringRead { cycle, over } => at.seen = Some(Seen { cycle: *cycle, over: *over }),
            Event::RecurringEnded { end, .. } => at.done = Some(*end),
            Event::RecurringGoesOn { .. } => at.done = Some(RecurringEnd::Never),
            _ => {}
        }
    }
}

/// The next call at Braintree.
pub(super) fn work(state: &State, end: RecurringEnd) -> Option<Pending> {
    let subscription = state.recurring()?;
    let perform = |step, call| Some(Pending::perform(step, state.calls + 1, Effect::Braintree(call)));
    let cancel = |subscription| perform("end_recurring", Braintree::CancelSubscription { subscription });
    match (end, state.at_braintree.seen) {
        (RecurringEnd::Now, _) => cancel(subscription),
        (_, None) => perform("read_recurring", Braintree::ReadSubscription { subscription }),
        (RecurringEnd::WithTerm, Some(Seen { cycle: Some(cycles), over: false })) if cycles > 0 => {
            let change = RecurringChange::EndAfter { cycles };
            perform("end_recurring", Braintree::UpdateSubscription { subscription, change })
        }
        // Nothing was charged yet, and nothing will be; or it is over already.
        (RecurringEnd::WithTerm, Some(_)) => cancel(subscription),
        (RecurringEnd::Never, Some(_)) => {
            let change = RecurringChange::NeverEnds;
            perform("keep_recurring", Braintree::UpdateSubscription { subscription, change })
        }
    }
}

/// Who mirrors its charges is told what is intended.
pub(super) fn tells(state: &State, event: &Event) -> Option<Message> {
    let (intent, at) = match event {
        Event::RecurringWanted { end: RecurringEnd::Now | RecurringEnd::WithTerm, at } => (Intent::Ends, *at),
        Event::RecurringGoesOn { at } => (Intent::GoesOn, *at),
        _ => return None,
    };
    Some(intent.message(&state.recurring()?, at))
}

impl Turn<'_> {
    /// True where Braintree comes first: then that was decided.
    pub(super) fn braintree_first(&mut self, end: RecurringEnd) -> bool {
        let at = &self.state.at_braintree;
        let wanted = self.state.by_braintree() && at.done != Some(end) && at.done != Some(RecurringEnd::Now);
        if wanted {
            self.push(Event::RecurringWanted { end, at: self.at.now });
        }
        wanted
    }

    /// Before Zoho takes an ending back: can Braintree?
    pub(super) fn look_at_braintree_first(&mut self) -> bool {
        let wanted = self.state.by_braintree() && self.state.at_braintree.seen.is_none();
        if wanted {
            self.push(Event::RecurringWanted { end: RecurringEnd::Never, at: self.at.now });
        }
        wanted
    }

    pub(super) fn recurring_answered(&mut self, step: &str, end: RecurringEnd, outcome: &Outcome) {
        let at = self.at.now;
        match (step, outcome) {
            ("read_recurring", Outcome::Done { answer: Answer::Recurring(shown) }) => {
                let cycle = shown.current_cycle.filter(|cycle| *cycle > 0);
                self.push(Event::RecurringRead { cycle, over: shown.status.is_over() });
                self.cannot_go_on(end, shown.status.is_over());
            }
            ("read_recurring", outcome) if is_not_found(outcome) => {
                self.push(Event::RecurringRead { cycle: None, over: true });
                self.cannot_go_on(end, true);
            }
            ("end_recurring", Outcome::Done { .. }) => self.push(Event::RecurringEnded { end, at }),
            // It charges nothing, for ever.
            ("end_recurring", outcome) if is_not_found(outcome) => {
                self.push(Event::RecurringEnded { end: RecurringEnd::Now, at });
            }
            ("keep_recurring", Outcome::Done { .. }) => self.push(Event::RecurringGoesOn { at }),
            ("end_recurring" | "keep_recurring", Outcome::Rejected { rejection }) if is_business(rejection) => {
                let Rejection { code, message, .. } = rejection;
                let detail = format!(
                    "Braintree refuses to change the end of the subscription ({code} {message}); Zoho is as it was: change it in Braintree's console, then resume"
                );
                self.hold(ParkCode::CancelRefused, detail);
            }
            _ => {}
        }
    }

    /// What has ended at Braintree is ended for good.
    fn cannot_go_on(&mut self, end: RecurringEnd, over: bool) {
        if end != RecurringEnd::Never || !over {
            return;
        }
        if self.state.wish == Some(Wish::Reactivate) {
            return self.refuse("Braintree has ended its billing for good: let it end and start a new one");
        }
        let detail = "the subscription goes on in Zoho, and Braintree has ended its billing for good: nobody collects it; \
                      end it in Zoho, or hand its collection over, then resume";
        self.hold(ParkCode::MoneyDecision, detail.to_owned());
    }
}

fn is_not_found(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound)
}

const fn is_business(rejection: &Rejection) -> bool {
    matches!(rejection.kind, RejectionKind::Invalid | RejectionKind::State)
}
