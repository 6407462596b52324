//! Disbursement: what the gateway pays out to the bank is booked, transaction by transaction.
//!
//! One instance a merchant account and day. The day's own look begins it, or the gateway's notice, which is a hint and the
//! only word on what reached the bank. It promises: each transaction of ours is booked as paid out once, gross, and only from
//! where our ledger holds it; what the gateway holds back, or the bank sends back, stands where it is; what the sum of the
//! transactions has above what was paid stands in suspense until somebody explains it; nothing is guessed, and no fee is
//! made up. It changes nothing at any vendor.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `list` | asks which transactions the gateway paid out that day | – |
//! | `read` | reads some of them, with what became of each | – |
//! | `weigh` | asks our ledger where their money stands | – |

mod books;
mod state;
#[cfg(test)]
mod tests;
mod turn;
mod weigh;
mod words;

pub use state::State;
pub use weigh::{Entry, Stands};
pub use words::{Command, Event};

/// The kind of reference by which a merchant account is found whose payouts are announced.
pub const ANNOUNCED: &str = books::ANNOUNCED;

use crate::kernel::effect::{Braintree, Desk, Effect};
use crate::kernel::ids::SagaId;
use crate::kernel::park::ParkCode;
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, End, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::StepSpec;
use chrono::NaiveDate;
use state::Stage;
use turn::Turn;

/// The flow.
pub struct Disbursement;

impl Disbursement {
    /// The payout of a merchant account on a day.
    pub fn id(account: &str, day: NaiveDate) -> SagaId {
        SagaId::derived(Self::NAME, &[account, &day.to_string()])
    }
}

impl Saga for Disbursement {
    const NAME: &'static str = "disbursement";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Books what Braintree pays out to the bank, and what of it is not explained";
    const STEPS: &'static [StepSpec] = &[StepSpec::read("list"), StepSpec::read("read"), StepSpec::read("weigh")];
    const PRIORITY: Priority = Priority::Background;

    type State = State;
    type Command = Command;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
        let mut turn = Turn::new(state, at);
        match input {
            Input::Command(command) => turn.told(command)?,
            Input::Answered(answered) => turn.answered(answered.outcome),
            Input::Due | Input::Resumed => turn.go_on(),
            Input::Superseded { .. } | Input::Unwound { .. } => {}
        }
        Ok(turn.out)
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn pending(state: &State) -> Pending {
        let Some(payout) = &state.payout else { return Pending::Ended(End::GivenUp) };
        let (merchant_account, day) = (payout.account.clone(), payout.day);
        let perform = |step, effect| Pending::perform(step, state.concluded + 1, effect);
        match &state.stage {
            Stage::NotOpened => Pending::Ended(End::GivenUp),
            Stage::Listing => perform("list", Effect::Braintree(Braintree::ReadPayoutList { merchant_account, day })),
            Stage::Reading => {
                let transactions = state.next_part();
                perform("read", Effect::Braintree(Braintree::ReadPayout { merchant_account, day, transactions }))
            }
            Stage::Weighing => {
                let sales = state.part.iter().filter_map(|item| item.refund_of.clone());
                let mut transactions: Vec<String> =
                    state.part.iter().map(|item| item.transaction.clone()).chain(sales).collect();
                transactions.sort();
                transactions.dedup();
                perform("weigh", Effect::Desk(Desk::SurveyPayout { transactions, currency: payout.currency }))
            }
            Stage::Resting { until } if turn::is_overdue(state.awaited_since, *until) => Pending::Park {
                code: ParkCode::UnknownVendorState,
                detail: format!(
                    "Braintree paid out what our books do not show as settled: {}. See to their flows, then resume",
                    turn::named(&state.awaited())
                ),
            },
            Stage::Resting { until } => Pending::Sleep { why: "the gateway is asked again then", until: *until },
            Stage::Closed => Pending::Ended(End::Completed),
        }
    }

    fn undo(_: &State, _: &str) -> Option<Effect> {
        None
    }

    fn facts(state: &State, event: &Event) -> Facts {
        books::facts(state, event)
    }

    fn summary(state: &State) -> Summary {
        let title = state.payout.as_ref().map_or_else(String::new, |of| format!("{} {}", of.day, of.account));
        Summary { state: state.word().to_owned(), title, amount: state.amount(), ..Summary::default() }
    }
}
