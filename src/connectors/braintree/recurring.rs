//! Braintree's own recurring billing: subscriptions under ids of our choosing. "Already exists" and "already cancelled"
//! mean done. No change made from here charges anything, and the retry charge is not used: it cannot be searched with proof.

use super::judge::{self, Said, Shown, Verdict};
use super::search;
use super::wire::{self, Unusable, plain};
use super::xml::{Body, Node, Unreadable};
use super::{Braintree, NOTHING_DONE, found, is_path_id, no_merchant_account, unclear};
use crate::port::{Call, Report};
use iso_currency::Currency;
use reqwest::Method;
use sagas::kernel::answer::{Answer, Recurring, RecurringStatus};
use sagas::kernel::effect::{FirstTermKind, RecurringChange, RecurringOrder};
use sagas::kernel::money::{self, Money};
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};

/// The id is taken.
const ID_TAKEN: &str = "81902";

/// It is cancelled already, or has expired: there is nothing to cancel.
const OVER: [&str; 2] = ["81905", "81910"];

impl Braintree {
    /// Makes the subscription; its first charge may be part of that.
    pub(super) async fn subscribe(&self, call: &Call, order: &RecurringOrder) -> Report {
        if !is_path_id(&order.subscription) {
            let message = "the gateway takes letters, digits, `-` and `_` in a subscription's id";
            return judge::rejected(RejectionKind::Invalid, "subscription_id", message).into();
        }
        let Some(merchant_account) = self.merchant_account(order.price.currency) else {
            return no_merchant_account(order.price.currency).into();
        };
        let body = request(order, merchant_account);
        let (said, request_id) = self.write(call, Method::POST, &["subscriptions"], Some(body)).await;
        let outcome = match said {
            Said::Object(node) => self.made(&node, &order.subscription),
            Said::Empty | Said::Verification(_) => judge::unknown("the answer is no subscription".to_owned()),
            // Nothing was made: the first charge was declined.
            Said::Transaction(node) => match judge::transaction(&node, wire::transaction) {
                Ok(Verdict::Declined(decline)) => Outcome::Declined { decline },
                Ok(Verdict::Done(charge)) => {
                    judge::unknown(format!("refused, and its first charge {} is not declined", charge.id))
                }
                Ok(Verdict::Open(detail)) => judge::unknown(detail),
                Err(error) => judge::unusable(&error),
            },
            Said::Faults(faults) if faults.find(&[ID_TAKEN]).is_some() => {
                match self.find(call, &["subscriptions", &order.subscription], "id").await {
                    Shown::Object(node) => self.made(&node, &order.subscription),
                    Shown::Missing => judge::again("the id was taken and is not there any more".to_owned()),
                    Shown::Unread(outcome) => outcome,
                }
            }
            Said::Faults(faults) => self.refused(&faults),
            Said::Missing => judge::no_address(),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// Looks for the subscription by its id. Where there is none, its first charge may have been declined: the charges of
    /// the customer since then tell, once the index has passed them.
    pub(super) async fn look_subscribed(&self, call: &Call, order: &RecurringOrder) -> Look {
        let path = ["subscriptions", order.subscription.as_str()];
        match self.find(call, &path, "id").await {
            Shown::Object(node) => return look_of(self.made(&node, &order.subscription)),
            Shown::Missing => {}
            Shown::Unread(outcome) => return unclear(outcome),
        }
        // Nothing left: it may go out.
        if call.sent_at.is_none() {
            return NOTHING_DONE;
        }
        let looked = async {
            if let Some(look) = self.first_charge(call, order).await? {
                return Ok(look);
            }
            if !search::passed(self, call, order.price.currency).await? {
                return Err("there is no such subscription, and the search has not passed the request yet".to_owned());
            }
            if let Some(look) = self.first_charge(call, order).await? {
                return Ok(look);
            }
            Ok::<_, String>(match self.find(call, &path, "id").await {
                Shown::Object(node) => look_of(self.made(&node, &order.subscription)),
                Shown::Missing => NOTHING_DONE,
                Shown::Unread(outcome) => unclear(outcome),
            })
        };
        looked.await.unwrap_or_else(|detail| Look::Unclear { detail })
    }

    /// What recurring charges of the customer since the request say of a subscription that is not there. The amount is
    /// compared afterwards, so that none stays hidden.
    async fn first_charge(&self, call: &Call, order: &RecurringOrder) -> Result<Option<Look>, String> {
        let since = call.requested_at - search::CLOCK_SKEW;
        let criteria = |search: &mut Body| {
            search.group("customer_id", |criterion| criterion.text("is", &order.customer));
            search.list("source", &["recurring".to_owned()]);
            search.group("created_at", |range| range.time("min", since));
        };
        let mut declined = None;
        for node in search::transactions(self, call.time_limit, &criteria).await? {
            // A charge of another subscription says nothing of this one.
            if node.text_of("subscription-id").is_some_and(|id| id != order.subscription) {
                continue;
            }
            let verdict = judge::transaction(&node, wire::transaction);
            match verdict.map_err(|error| format!("a hit cannot be used: {error}"))? {
                Verdict::Declined(decline) if charges(&node, order) => declined = Some(decline),
                Verdict::Declined(_) => {}
                Verdict::Done(charge) => {
                    return Err(format!("there is no such subscription, and charge {} stands", charge.id));
                }
                Verdict::Open(detail) => return Err(detail),
            }
        }
        Ok(declined.map(|decline| found(Outcome::Declined { decline })))
    }

    /// Changes the subscription.
    pub(super) async fn change_subscription(&self, call: &Call, id: &str, change: &RecurringChange) -> Report {
        if !is_path_id(id) {
            return judge::not_found("subscription").into();
        }
        let (said, request_id) =
            self.write(call, Method::PUT, &["subscriptions", id], Some(change_request(change))).await;
        let outcome = match said {
            Said::Object(node) => match self.recurring(&node) {
                Ok(shown) if shown.id == id && shows(&shown, change) => done(shown),
                Ok(_) => judge::unknown("the answer does not show the change".to_owned()),
                Err(error) => judge::unusable(&error),
            },
            Said::Empty | Said::Transaction(_) | Said::Verification(_) => {
                judge::unknown("the answer is no subscription".to_owned())
            }
            Said::Faults(faults) => self.refused(&faults),
            Said::Missing => judge::not_found("subscription"),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// Cancels the subscription.
    pub(super) async fn cancel_subscription(&self, call: &Call, id: &str) -> Report {
        if !is_path_id(id) {
            return judge::not_found("subscription").into();
        }
        let (said, request_id) = self.write(call, Method::PUT, &["subscriptions", id, "cancel"], None).await;
        let cancelled = |node: &Node| match self.recurring(node) {
            Ok(shown) if shown.id == id && shown.status.is_over() => done(shown),
            Ok(_) => judge::unknown("the answer does not show the subscription as cancelled".to_owned()),
            Err(error) => judge::unusable(&error),
        };
        let outcome = match said {
            Said::Object(node) => cancelled(&node),
            Said::Empty | Said::Transaction(_) | Said::Verification(_) => {
                judge::unknown("the answer is no subscription".to_owned())
            }
            Said::Faults(faults) if faults.find(&OVER).is_some() => {
                match self.find(call, &["subscriptions", id], "id").await {
                    Shown::Object(node) => cancelled(&node),
                    Shown::Missing => judge::not_found("subscription"),
                    Shown::Unread(outcome) => outcome,
                }
            }
            Said::Faults(faults) => self.refused(&faults),
            Said::Missing => judge::not_found("subscription"),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// Looks whether the subscription is as it was to become.
    pub(super) async fn look_subscription(&self, call: &Call, id: &str, is_so: impl Fn(&Recurring) -> bool) -> Look {
        match self.find(call, &["subscriptions", id], "id").await {
            Shown::Object(node) => match self.recurring(&node) {
                Ok(shown) if is_so(&shown) => found(done(shown)),
                Ok(_) => NOTHING_DONE,
                Err(error) => Look::Unclear { detail: error.to_string() },
            },
            Shown::Missing => found(judge::not_found("subscription")),
            Shown::Unread(outcome) => unclear(outcome),
        }
    }

    fn made(&self, node: &Node, id: &str) -> Outcome {
        match self.recurring(node) {
            Ok(shown) if shown.id == id => done(shown),
            Ok(_) => judge::unknown("the answer is another subscription".to_owned()),
            Err(error) => judge::unusable(&error),
        }
    }

    /// Reads a subscription.
    pub(super) fn recurring(&self, node: &Node) -> Result<Recurring, Unusable> {
        let id = node.required("id")?.to_owned();
        let currency = self.currency_shown(node)?;
        let amount = |name| Money::parse(node.text_of(name).unwrap_or_default(), currency);
        let price = amount("price").map_err(|error| Unusable::Amount { transaction: id.clone(), error })?;
        // What was given back of a charge is no charge.
        let sales = node.items("transactions").filter(|one| one.text_of("type") != Some("credit"));
        let transactions = sales.map(wire::transaction).collect::<Result<_, _>>()?;
        Ok(Recurring {
            id,
            status: status(node.required("status")?),
            plan: node.required("plan-id")?.to_owned(),
            token: node.required("payment-method-token")?.to_owned(),
            price,
            balance: amount("balance").ok(),
            current_cycle: node.number("current-billing-cycle"),
            ends_after: node.number("number-of-billing-cycles").filter(|_| !node.flag("never-expires")),
            next_charge_on: node.day("next-billing-date"),
            paid_through: node.day("paid-through-date"),
            failures: node.number("failure-count").unwrap_or(0),
            transactions,
        })
    }

    /// A subscription's sums have no currency beside them: its merchant account gives it, or what was charged so far.
    fn currency_shown(&self, node: &Node) -> Result<Currency, Unusable> {
        let of_account = node.text_of("merchant-account-id").and_then(|account| self.currency_of(account));
        let mut said = node.items("status-history").chain(node.items("transactions"));
        let mut code = || said.find_map(|one| one.text_of("currency-iso-code"));
        of_account
            .or_else(|| code().and_then(|code| money::currency(code).ok()))
            .ok_or_else(|| Unreadable::Field("merchant-account-id").into())
    }
}

fn charges(node: &Node, order: &RecurringOrder) -> bool {
    let first = match &order.first_term {
        None => Some(order.price.minor),
        Some(term) if term.kind == FirstTermKind::AddOn => order.price.minor.checked_add(term.amount.minor),
        Some(term) => order.price.minor.checked_sub(term.amount.minor),
    };
    let shown = node.text_of("amount").and_then(|text| Money::parse(text, order.price.currency).ok());
    shown.is_some_and(|shown| Some(shown.minor) == first)
}

/// A plan's own add-ons, discounts and trial would change what Zoho has priced: none of them is taken over.
fn request(order: &RecurringOrder, merchant_account: &str) -> String {
    Body::document("subscription", |body| {
        body.text("id", &order.subscription);
        body.text("payment_method_token", &order.token);
        body.text("plan_id", &order.plan);
        body.text("price", &order.price.decimal());
        body.text("merchant_account_id", merchant_account);
        body.flag("never_expires", true);
        body.flag("trial_period", false);
        if let Some(day) = order.first_charge_on {
            body.day("first_billing_date", day);
        }
        if let Some(term) = &order.first_term {
            let list = match term.kind {
                FirstTermKind::AddOn => "add_ons",
                FirstTermKind::Discount => "discounts",
            };
            body.group(list, |list| {
                list.items("add", &[term], |item, term| {
                    item.text("inherited_from_id", &term.modification);
                    item.text("amount", &term.amount.decimal());
                    item.number("quantity", 1);
                    item.number("number_of_billing_cycles", 1);
                });
            });
        }
        body.group("options", |options| {
            options.flag("do_not_inherit_add_ons_or_discounts", true);
            if order.first_charge_on.is_none() {
                options.flag("start_immediately", true);
            }
        });
    })
}

/// With proration, which the account can have on, a change might charge at once.
fn change_request(change: &RecurringChange) -> String {
    Body::document("subscription", |body| {
        match change {
            RecurringChange::Method { token } => body.text("payment_method_token", token),
            RecurringChange::Plan { plan, price } => {
                body.text("plan_id", plan);
                body.text("price", &price.decimal());
            }
            RecurringChange::EndAfter { cycles } => body.number("number_of_billing_cycles", *cycles),
            RecurringChange::NeverEnds => body.flag("never_expires", true),
        }
        body.group("options", |options| options.flag("prorate_charges", false));
    })
}

/// Whether the subscription is as the change wants it.
pub(super) fn shows(shown: &Recurring, change: &RecurringChange) -> bool {
    match change {
        RecurringChange::Method { token } => shown.token == *token,
        RecurringChange::Plan { plan, price } => shown.plan == *plan && shown.price == *price,
        RecurringChange::EndAfter { cycles } => shown.ends_after == Some(*cycles),
        RecurringChange::NeverEnds => shown.ends_after.is_none(),
    }
}

/// The statuses of the gateway's reference, with capitals and a space; another word is kept.
pub(super) fn status(word: &str) -> RecurringStatus {
    match word {
        "Pending" => RecurringStatus::Pending,
        "Active" => RecurringStatus::Active,
        "Past Due" => RecurringStatus::PastDue,
        "Expired" => RecurringStatus::Expired,
        "Canceled" => RecurringStatus::Canceled,
        other => RecurringStatus::Other(plain(other)),
    }
}

fn done(subscription: Recurring) -> Outcome {
    Outcome::Done { answer: Answer::Recurring(Box::new(subscription)) }
}

/// A read told it: what cannot be used is read again.
fn look_of(outcome: Outcome) -> Look {
    match outcome {
        Outcome::Unknown { .. } | Outcome::NotSent { .. } => unclear(outcome),
        Outcome::Done { .. } | Outcome::Declined { .. } | Outcome::Rejected { .. } => found(outcome),
    }
}
