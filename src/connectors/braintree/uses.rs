//! Deleting a card or a customer, and what forbids it: deleting a card cancels all its subscriptions at once and for ever,
//! and money under way loses what it could be given back to. What uses it is read anew before each delete.

use super::judge::{self, Said, Shown};
use super::search;
use super::wire::{is_live, plain};
use super::xml::{Body, Node};
use super::{Braintree, NOTHING_DONE, found, unclear, vault};
use crate::port::{Call, Report};
use reqwest::Method;
use sagas::kernel::answer::Answer;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};

/// Statuses of holds, sales and refunds that are not at their end.
const UNDER_WAY: [&str; 6] =
    ["authorizing", "authorized", "submitted_for_settlement", "settling", "settlement_pending", "settlement_confirmed"];

/// What is deleted only if nothing uses it.
pub(super) enum Kept<'a> {
    /// A customer, by its id.
    Customer(&'a str),
    /// A vaulted card, by its token.
    Method(&'a str),
}

impl<'a> Kept<'a> {
    fn path(&self) -> Vec<&'a str> {
        match *self {
            Self::Customer(id) => vec!["customers", id],
            Self::Method(token) => vault::path(token).to_vec(),
        }
    }

    const fn id_field(&self) -> &'static str {
        match self {
            Self::Customer(_) => "id",
            Self::Method(_) => "token",
        }
    }

    /// The search's criterion for its transactions.
    const fn criterion(&self) -> (&'static str, &'a str) {
        match *self {
            Self::Customer(id) => ("customer_id", id),
            Self::Method(token) => ("payment_method_token", token),
        }
    }
}

impl Braintree {
    /// Deletes it, unless something uses it. What is gone already is done.
    pub(super) async fn delete(&self, call: &Call, kept: &Kept<'_>) -> Report {
        let gone = || Outcome::Done { answer: Answer::Nothing };
        let node = match self.find(call, &kept.path(), kept.id_field()).await {
            Shown::Object(node) => node,
            Shown::Missing => return gone().into(),
            Shown::Unread(outcome) => return outcome.into(),
        };
        match self.user_of(call, kept, &node).await {
            Ok(None) => {}
            Ok(Some(user)) => {
                let message = format!("{user}: nothing was deleted");
                return judge::rejected(RejectionKind::State, "in_use", &message).into();
            }
            Err(detail) => return judge::again(detail).into(),
        }
        self.delete_now(call, kept).await
    }

    /// Deletes what nothing uses.
    pub(super) async fn delete_now(&self, call: &Call, kept: &Kept<'_>) -> Report {
        let (said, request_id) = self.write(call, Method::DELETE, &kept.path(), None).await;
        let outcome = match said {
            Said::Empty | Said::Missing => Outcome::Done { answer: Answer::Nothing },
            Said::Object(_) | Said::Transaction(_) | Said::Verification(_) => {
                judge::unknown("the answer to the delete is not known".to_owned())
            }
            Said::Faults(faults) => self.refused(&faults),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// Looks whether it is gone.
    pub(super) async fn look_deleted(&self, call: &Call, kept: &Kept<'_>) -> Look {
        match self.find(call, &kept.path(), kept.id_field()).await {
            Shown::Object(_) => NOTHING_DONE,
            Shown::Missing => found(Outcome::Done { answer: Answer::Nothing }),
            Shown::Unread(outcome) => unclear(outcome),
        }
    }

    /// One thing that uses it, in words; an error says why that cannot be told.
    pub(super) async fn user_of(&self, call: &Call, kept: &Kept<'_>, node: &Node) -> Result<Option<String>, String> {
        if let Some(user) = live_subscription(node) {
            return Ok(Some(user));
        }
        let (name, value) = kept.criterion();
        let statuses = UNDER_WAY.map(str::to_owned);
        let criteria = |search: &mut Body| {
            search.group(name, |criterion| criterion.text("is", value));
            search.list("status", &statuses);
        };
        Ok(search::transactions(self, call.time_limit, &criteria).await?.iter().find_map(under_way))
    }
}

/// A live subscription at any depth: a customer's hang on its payment methods.
fn live_subscription(node: &Node) -> Option<String> {
    let own = node.items("subscriptions").find(|subscription| is_live(subscription));
    own.map(|subscription| sentence("subscription", subscription))
        .or_else(|| node.children.iter().find_map(live_subscription))
}

/// The index may be behind: the status that is shown counts.
fn under_way(transaction: &Node) -> Option<String> {
    let status = transaction.text_of("status").unwrap_or_default();
    let kind = if transaction.text_of("type") == Some("credit") { "refund" } else { "transaction" };
    UNDER_WAY.contains(&status).then(|| sentence(kind, transaction))
}

fn sentence(kind: &str, node: &Node) -> String {
    let text = |name| plain(node.text_of(name).unwrap_or("?"));
    format!("{kind} {} is {}", text("id"), text("status"))
}
