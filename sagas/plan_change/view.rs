//! What may be seen of a plan change from outside: a pure function of the state.

use super::preview::Preview;
use super::state::{Stage, State};
use super::words::{After, Demand};
use serde::Serialize;

/// What somebody who accepts must see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// Where it stands.
    pub state: &'static str,
    /// Our customer id.
    pub customer: Option<String>,
    /// What the change costs; absent while it is being reckoned.
    pub preview: Option<Preview>,
    /// The preview waits for the customer's acceptance.
    pub acceptable: bool,
    /// What is asked for above the ceiling: it waits for an acceptance of its own.
    pub demand: Option<Demand>,
    /// Why it was refused or failed; empty: it was not.
    pub reason: String,
    /// What to do then.
    pub cure: String,
}

/// As it is now.
pub fn view(state: &State) -> View {
    let asks_more = matches!(state.stage, Stage::Demanding { .. } | Stage::Held { then: After::Settle, .. });
    let (reason, cure) = match &state.stage {
        Stage::Over { reason, cure, .. } => (reason.clone(), cure.clone()),
        _ => (String::new(), String::new()),
    };
    View {
        state: super::word(state),
        customer: state.our_customer().map(str::to_owned),
        preview: state.preview.clone(),
        acceptable: matches!(state.stage, Stage::Previewed { .. }) && state.undoing.is_none(),
        demand: state.demand.clone().filter(|_| asks_more),
        reason,
        cure,
    }
}
