//! Holds: an amount authorised and not submitted, then submitted for settlement or voided. The gateway's own status says
//! what became of a command; a refused one is never sent again before that was read.

use super::judge::{self, Said, Shown};
use super::wire::{self, HeldOn, Hold, Unusable, plain};
use super::xml::Node;
use super::{Braintree, NOTHING_DONE, found, input_gone, is_path_id, no_merchant_account, unclear};
use crate::port::{Call, Report};
use reqwest::Method;
use sagas::kernel::answer::TransactionStatus;
use sagas::kernel::effect::{PayWith, Presence};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};

/// The token of the new card is taken; the nonce was used: an earlier sending of the same hold had an effect.
const SENT_BEFORE: [&str; 2] = ["91719", "91564"];

/// The nonce is unknown or expired; it is locked.
const NONCE_USELESS: [&str; 2] = ["91565", "91566"];

/// Only what is authorised can be submitted for settlement.
const NOT_SUBMITTABLE: &str = "91507";

/// Only what is authorised or waits for settlement can be voided.
const NOT_VOIDABLE: &str = "91504";

/// What a transaction's status says about a command to it.
pub(super) enum Stand {
    /// It settles the matter.
    Final(Outcome),
    /// The transaction is as it was before the command.
    Before(String),
    /// It cannot be told yet.
    Open(String),
}

impl Braintree {
    /// Holds the amount; a new card is vaulted with it.
    pub(super) async fn authorise(
        &self,
        call: &Call,
        order_id: &str,
        customer: &str,
        with: &PayWith,
        amount: Money,
        presence: Presence,
    ) -> Report {
        let Some(merchant_account) = self.merchant_account(amount.currency) else {
            return no_merchant_account(amount.currency).into();
        };
        let card = match (with, &call.beside.input) {
            (PayWith::Stored { token, authenticated: None }, _) => HeldOn::Stored { token },
            (PayWith::Stored { authenticated: Some(_), .. }, Some(nonce)) => HeldOn::StoredAuthenticated { nonce },
            (PayWith::New { token, input: _, authenticated }, Some(nonce)) => {
                HeldOn::New { customer, nonce, token, authenticated: *authenticated }
            }
            (PayWith::Stored { .. } | PayWith::New { .. }, None) => return input_gone().into(),
        };
        // The same in every sending of one order id; a new hold has a new order id.
        let key = format!("{order_id}.k1");
        let key = self.keys_are_sent().then_some(key.as_str());
        let body = wire::hold_request(&Hold { amount, order_id, merchant_account, card, presence, key });
        let (said, request_id) = self.write(call, Method::POST, &["transactions"], Some(body)).await;
        let outcome = judge::sale(said, wire::hold).unwrap_or_else(|faults| {
            if let Some(code) = faults.find(&SENT_BEFORE) {
                judge::unknown(format!(
                    "the card or the nonce was used before ({code}): an earlier request went through"
                ))
            } else if let Some(code) = faults.find(&NONCE_USELESS) {
                faults.rejected(RejectionKind::Invalid, code)
            } else {
                self.refused(&faults)
            }
        });
        Report { outcome, request_id, person: None }
    }

    /// Submits a hold for settlement.
    pub(super) async fn submit(&self, call: &Call, transaction: &str, amount: Money) -> Report {
        // A key remembers a refusal too: each sending has its own, and the status keeps two from both having an effect.
        let key = format!("{transaction}.submit.k{}", call.attempt);
        let body = wire::submit_request(amount, self.keys_are_sent().then_some(key.as_str()));
        let path = ["transactions", transaction, "submit_for_settlement"];
        self.command(call, path, Some(body), NOT_SUBMITTABLE, |node| submitted(node, amount)).await
    }

    /// Voids a hold or a sale. It goes out without a key: the replay of a refused void would hide that it works by now.
    pub(super) async fn void(&self, call: &Call, transaction: &str) -> Report {
        self.command(call, ["transactions", transaction, "void"], None, NOT_VOIDABLE, voided).await
    }

    /// Sends a command to a transaction; where its state forbids it (`forbidden`), that state is read and judged.
    async fn command(
        &self,
        call: &Call,
        path: [&str; 3],
        body: Option<String>,
        forbidden: &'static str,
        judged: impl Fn(&Node) -> Result<Stand, Unusable>,
    ) -> Report {
        if !is_path_id(path[1]) {
            return judge::not_found("transaction").into();
        }
        let (said, request_id) = self.write(call, Method::PUT, &path, body).await;
        let outcome = match said {
            Said::Object(node) | Said::Transaction(node) if node.name == "transaction" => answered(judged(&node)),
            Said::Object(_) | Said::Empty | Said::Transaction(_) | Said::Verification(_) => {
                judge::unknown("the answer is no transaction".to_owned())
            }
            Said::Faults(faults) if faults.find(&[forbidden]).is_some() => {
                match self.find(call, &path[..2], "id").await {
                    Shown::Object(node) => forbidden_by(judged(&node), forbidden),
                    Shown::Missing => judge::not_found("transaction"),
                    Shown::Unread(outcome) => outcome,
                }
            }
            Said::Faults(faults) => self.refused(&faults),
            Said::Missing => judge::not_found("transaction"),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// Looks what became of a command to a transaction.
    pub(super) async fn look_command(
        &self,
        call: &Call,
        transaction: &str,
        judged: impl Fn(&Node) -> Result<Stand, Unusable>,
    ) -> Look {
        match self.find(call, &["transactions", transaction], "id").await {
            Shown::Object(node) => match judged(&node) {
                Ok(Stand::Final(outcome)) => found(outcome),
                Ok(Stand::Before(_)) => NOTHING_DONE,
                Ok(Stand::Open(detail)) => Look::Unclear { detail },
                Err(error) => Look::Unclear { detail: error.to_string() },
            },
            Shown::Missing => found(judge::not_found("transaction")),
            Shown::Unread(outcome) => unclear(outcome),
        }
    }
}

/// What the status says about a submit of that amount.
pub(super) fn submitted(node: &Node, amount: Money) -> Result<Stand, Unusable> {
    let hold = wire::hold(node)?;
    let word = word(node);
    Ok(match hold.status {
        TransactionStatus::SubmittedForSettlement
        | TransactionStatus::Settling
        | TransactionStatus::SettlementPending
        | TransactionStatus::SettlementConfirmed
        | TransactionStatus::Settled => Stand::Final(if hold.amount == amount {
            judge::done(hold)
        } else {
            let (theirs, ours) = (hold.amount.decimal(), amount.decimal());
            let message = format!("transaction {} is {word} with {theirs} and not with {ours}", hold.id);
            judge::rejected(RejectionKind::Mismatch, "amount", &message)
        }),
        TransactionStatus::Authorized => Stand::Before(word),
        TransactionStatus::Authorizing => Stand::Open(format!("transaction {} is still authorizing", hold.id)),
        TransactionStatus::SettlementDeclined
        | TransactionStatus::SettlementFailed
        | TransactionStatus::Voided
        | TransactionStatus::AuthorizationExpired
        | TransactionStatus::ProcessorDeclined
        | TransactionStatus::GatewayRejected
        | TransactionStatus::Failed => Stand::Final(in_state(&hold.id, &word)),
        TransactionStatus::Other(_) => Stand::Final(strange(&hold.id, &word)),
    })
}

/// What the status says about a void: done is whatever holds nothing any more.
pub(super) fn voided(node: &Node) -> Result<Stand, Unusable> {
    let hold = wire::hold(node)?;
    let word = word(node);
    Ok(match hold.status {
        TransactionStatus::Voided
        | TransactionStatus::AuthorizationExpired
        | TransactionStatus::ProcessorDeclined
        | TransactionStatus::GatewayRejected
        | TransactionStatus::Failed => Stand::Final(judge::done(hold)),
        TransactionStatus::Authorized | TransactionStatus::SubmittedForSettlement => Stand::Before(word),
        TransactionStatus::Authorizing => Stand::Open(format!("transaction {} is still authorizing", hold.id)),
        TransactionStatus::Settling
        | TransactionStatus::SettlementPending
        | TransactionStatus::SettlementConfirmed
        | TransactionStatus::Settled
        | TransactionStatus::SettlementDeclined
        | TransactionStatus::SettlementFailed => Stand::Final(in_state(&hold.id, &word)),
        TransactionStatus::Other(_) => Stand::Final(strange(&hold.id, &word)),
    })
}

/// The command was taken, and this is the transaction after it.
fn answered(stand: Result<Stand, Unusable>) -> Outcome {
    match stand {
        Ok(Stand::Final(outcome)) => outcome,
        Ok(Stand::Before(word)) => judge::unknown(format!("the command was taken and the transaction is {word}")),
        Ok(Stand::Open(detail)) => judge::unknown(detail),
        Err(error) => judge::unusable(&error),
    }
}

/// The command was refused for the transaction's state, and this is the transaction.
fn forbidden_by(stand: Result<Stand, Unusable>, code: &str) -> Outcome {
    match stand {
        Ok(Stand::Final(outcome)) => outcome,
        // A batch that is being closed still reads as waiting for settlement.
        Ok(Stand::Before(word)) => judge::again(format!("refused ({code}), and the transaction is {word}")),
        Ok(Stand::Open(detail)) => judge::again(format!("refused ({code}): {detail}")),
        Err(error) => judge::again(format!("refused ({code}), and the transaction cannot be used: {error}")),
    }
}

fn word(node: &Node) -> String {
    plain(node.text_of("status").unwrap_or_default())
}

fn in_state(transaction: &str, word: &str) -> Outcome {
    judge::rejected(RejectionKind::State, word, &format!("transaction {transaction} is {word}"))
}

fn strange(transaction: &str, word: &str) -> Outcome {
    let message = format!("transaction {transaction} is in the status `{word}`, which is not known: look it up there");
    judge::rejected(RejectionKind::UnknownState, word, &message)
}
