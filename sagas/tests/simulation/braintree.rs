//! Simulated Braintree: a vault and a book of transactions, kept as its documents say. Its search index is behind, in
//! order; a request that comes twice is done twice.

use crate::recurring::Series;
use crate::tables::eur;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sagas::kernel::answer::{
    Answer, CardSeen, Dispute, Method, MethodInUse, Refund, Transaction, TransactionStatus as Status,
};
use sagas::kernel::effect::{Braintree as Call, PayWith};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Decline, DeclineKind, Look, Outcome, Rejection, RejectionKind};
use std::collections::BTreeMap;

/// A card that exists, whoever has it.
#[derive(Debug, Clone)]
pub(crate) struct Plastic {
    /// The bank says no until then, softly.
    pub(crate) broke_until: Option<DateTime<Utc>>,
    /// The bank says no for ever.
    pub(crate) stolen: bool,
    /// The bank holds only half of what is asked.
    pub(crate) poor: bool,
}

#[derive(Debug, Clone)]
struct Vaulted {
    token: String,
    card: String,
}

/// One transaction in the book.
#[derive(Debug, Clone)]
pub(crate) struct Sale {
    pub(crate) id: String,
    pub(crate) order_id: String,
    pub(crate) customer: String,
    token: String,
    card: String,
    pub(crate) amount: Money,
    held: Option<Money>,
    pub(crate) status: Status,
    pub(crate) created_at: DateTime<Utc>,
    /// The subscription for which Braintree made it by itself.
    pub(crate) series: Option<String>,
    /// It began one: who began it books it.
    pub(crate) first: bool,
}

#[derive(Default)]
pub(crate) struct Braintree {
    /// Subscriptions that it charges by itself.
    pub(crate) series: Vec<Series>,
    /// A term of theirs that begins now.
    pub(crate) term: TimeDelta,
    customers: BTreeMap<String, Vec<Vaulted>>,
    pub(crate) plastic: BTreeMap<String, Plastic>,
    pub(crate) sales: Vec<Sale>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) disputes: Vec<Dispute>,
    pub(crate) documents: u32,
    /// The index shows what is older than this.
    pub(crate) lag: TimeDelta,
    /// The index stands still until then, at this instant.
    pub(crate) stuck: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// The index leaves out the next hold for so long.
    pub(crate) leaves_out: Option<TimeDelta>,
    /// Holds that the index has left out, until then.
    left_out: BTreeMap<String, DateTime<Utc>>,
}

/// Holds end by themselves.
const HOLD_DAYS: i64 = 7;

impl Braintree {
    pub(crate) fn vault(&mut self, customer: &str, token: &str, card: &str) {
        let vaulted = Vaulted { token: token.to_owned(), card: card.to_owned() };
        self.customers.entry(customer.to_owned()).or_default().push(vaulted);
    }

    pub(crate) fn has_a_card(&self, customer: &str) -> bool {
        self.customers.get(customer).is_some_and(|cards| !cards.is_empty())
    }

    pub(crate) fn is_on_file(&self, token: &str) -> bool {
        self.on_file(token).is_some()
    }

    /// Money moves on by itself.
    pub(crate) fn settle(&mut self, id: &str, fails: bool) {
        let Some(sale) = self.sale_mut(id) else { return };
        if matches!(sale.status, Status::SubmittedForSettlement | Status::Settling) {
            sale.status = if fails { Status::SettlementDeclined } else { Status::Settled };
        }
    }

    pub(crate) fn sale(&self, id: &str) -> Option<&Sale> {
        self.sales.iter().find(|s| s.id == id)
    }

    pub(crate) fn sale_mut(&mut self, id: &str) -> Option<&mut Sale> {
        self.sales.iter_mut().find(|s| s.id == id)
    }

    /// Holds whose time is over.
    pub(crate) fn expire(&mut self, now: DateTime<Utc>) {
        for sale in &mut self.sales {
            if sale.status == Status::Authorized && now - sale.created_at >= TimeDelta::days(HOLD_DAYS) {
                sale.status = Status::AuthorizationExpired;
            }
        }
    }

    /// `nonce`: the card behind a single-use input.
    pub(crate) fn perform(&mut self, call: &Call, nonce: Option<&str>, now: DateTime<Utc>) -> Outcome {
        self.expire(now);
        let done = |answer| Outcome::Done { answer };
        match call {
            Call::ReadCustomer { customer } => match self.customers.get(customer) {
                None => not_found(),
                Some(methods) => {
                    let shown = methods.iter().enumerate().map(|(at, m)| method(m, at == 0));
                    done(Answer::Methods { methods: shown.collect() })
                }
            },
            Call::Sell { order_id, customer, token, amount, .. } => {
                let Some(card) = self.card_of(customer, token) else {
                    return rejected(RejectionKind::NotFound, "91518");
                };
                self.book(order_id, customer, token, &card, *amount, Status::SubmittedForSettlement, now)
            }
            Call::Authorise { order_id, customer, with, amount, .. } => {
                if !self.customers.contains_key(customer) {
                    return rejected(RejectionKind::Invalid, "91510");
                }
                let (token, card) = match with {
                    PayWith::Stored { token, .. } => (token, self.card_of(customer, token)),
                    PayWith::New { token, .. } => (token, nonce.map(str::to_owned)),
                };
                let Some(card) = card else { return rejected(RejectionKind::Invalid, "91518") };
                let poor = self.plastic.get(&card).is_some_and(|p| p.poor);
                let amount = if poor { eur(amount.minor / 2) } else { *amount };
                let outcome = self.book(order_id, customer, token, &card, amount, Status::Authorized, now);
                if let Some(so_long) = self.leaves_out.take() {
                    self.left_out.insert(format!("tx{}", self.sales.len()), now + so_long);
                }
                if matches!((&outcome, with), (Outcome::Done { .. }, PayWith::New { .. })) {
                    self.vault(customer, token, &card);
                }
                outcome
            }
            Call::FindTransactions { order_id } => {
                let transactions = self.hits(order_id, now).into_iter().map(shown).collect();
                done(Answer::Transactions { transactions })
            }
            Call::ReadTransaction { transaction } => match self.sale(transaction) {
                Some(sale) => done(Answer::Transaction(Box::new(shown(sale)))),
                None => self.refunds.iter().find(|r| r.id == *transaction).map_or_else(not_found, |refund| {
                    // The bank has it at once.
                    done(Answer::Transaction(Box::new(as_transaction(refund))))
                }),
            },
            Call::Refund { order_id, transaction, amount } => self.refund(order_id, transaction, *amount, now),
            Call::CreateCustomer { customer, .. } => {
                self.customers.entry(customer.clone()).or_default();
                done(Answer::Nothing)
            }
            Call::DeleteCustomer { customer } => {
                if self.sales.iter().any(|s| s.customer == *customer && under_way(s)) {
                    return rejected(RejectionKind::State, "in_use");
                }
                self.customers.remove(customer);
                done(Answer::Nothing)
            }
            Call::Vault { customer, token, .. } => {
                let Some(card) = nonce else { return rejected(RejectionKind::Invalid, "91565") };
                if self.bank(card, now).is_some() {
                    return Outcome::Declined { decline: decline(DeclineKind::Verification, "2001", None) };
                }
                if self.card_of(customer, token).is_none() {
                    self.vault(customer, token, card);
                }
                let vaulted = Vaulted { token: token.clone(), card: card.to_owned() };
                done(Answer::Vaulted(Box::new(method(&vaulted, true))))
            }
            Call::DeleteMethod { token } => {
                if self.sales.iter().any(|s| s.token == *token && under_way(s)) {
                    return rejected(RejectionKind::State, "in_use");
                }
                self.customers.values_mut().for_each(|methods| methods.retain(|m| m.token != *token));
                self.ends_with(token);
                done(Answer::Nothing)
            }
            Call::Submit { transaction, amount } => self.submit(transaction, *amount),
            Call::Void { transaction } => self.void(transaction),
            Call::ReadMethod { token } => match self.on_file(token) {
                Some((customer, at, vaulted)) => done(Answer::MethodInUse(Box::new(MethodInUse {
                    method: method(vaulted, at == 0),
                    customer: customer.clone(),
                    subscriptions: self.charging(token),
                }))),
                None => not_found(),
            },
            // The first one is the default.
            Call::SetDefaultMethod { customer, token } => {
                let methods = self.customers.entry(customer.clone()).or_default();
                let Some(at) = methods.iter().position(|m| m.token == *token) else { return not_found() };
                methods[..=at].rotate_right(1);
                done(Answer::Nothing)
            }
            Call::CreateSubscription(_)
            | Call::ReadSubscription { .. }
            | Call::UpdateSubscription { .. }
            | Call::CancelSubscription { .. } => self.on_series(call, now),
            Call::ReadDispute { .. }
            | Call::AcceptDispute { .. }
            | Call::UploadDocument { .. }
            | Call::AddEvidence { .. }
            | Call::FinalizeDispute { .. } => self.on_dispute(call),
            Call::VerifyMethod { .. }
            | Call::ReadPayoutList { .. }
            | Call::ReadPayout { .. }
            | Call::UpdateCustomer { .. }
            | Call::RemoveEvidence { .. }
            | Call::ReadProfile(_)
            | Call::WriteProfile(_)
            | Call::SeekCustomer { .. }
            | Call::FindCustomers { .. }
            | Call::EraseCustomer { .. } => panic!("no flow of this world asks for {call:?}"),
        }
    }

    /// What of a sale went back, in minor units.
    pub(crate) fn refunded(&self, sale: &str) -> i64 {
        self.refunds.iter().filter(|refund| refund.transaction == sale).map(|refund| refund.amount.minor).sum()
    }

    fn refund(&mut self, order_id: &str, transaction: &str, amount: Money, now: DateTime<Utc>) -> Outcome {
        let Some(sale) = self.sale(transaction) else { return not_found() };
        if !matches!(sale.status, Status::Settling | Status::Settled) {
            return rejected(RejectionKind::State, "91506");
        }
        if self.refunded(transaction) + amount.minor > sale.amount.minor {
            return rejected(RejectionKind::Invalid, "91521");
        }
        let refund = Refund {
            id: format!("rf{}", self.refunds.len() + 1),
            transaction: transaction.to_owned(),
            order_id: order_id.to_owned(),
            amount,
            status: Status::SubmittedForSettlement,
            created_at: now,
            soft_decline: None,
        };
        self.refunds.push(refund.clone());
        Outcome::Done { answer: Answer::Refund(Box::new(refund)) }
    }

    fn submit(&mut self, id: &str, amount: Money) -> Outcome {
        let Some(sale) = self.sale_mut(id) else { return not_found() };
        if sale.status == Status::Authorized {
            sale.held = Some(sale.amount);
            sale.amount = amount;
            sale.status = Status::SubmittedForSettlement;
        }
        submitted(sale, amount).unwrap_or_else(not_found)
    }

    pub(crate) fn void(&mut self, id: &str) -> Outcome {
        let Some(sale) = self.sale_mut(id) else { return not_found() };
        match sale.status {
            Status::Authorized | Status::SubmittedForSettlement => sale.status = Status::Voided,
            Status::Voided | Status::AuthorizationExpired => {}
            _ => return rejected(RejectionKind::State, "91504"),
        }
        Outcome::Done { answer: Answer::Transaction(Box::new(shown(sale))) }
    }

    /// Why the bank says no.
    fn bank(&self, card: &str, now: DateTime<Utc>) -> Option<(&'static str, &'static str)> {
        let plastic = self.plastic.get(card)?;
        if plastic.stolen {
            return Some(("2043", "hard_declined"));
        }
        plastic.broke_until.is_some_and(|until| until > now).then_some(("2001", "soft_declined"))
    }

    #[expect(clippy::too_many_arguments, reason = "a line of the book has so many columns")]
    pub(crate) fn book(
        &mut self,
        order_id: &str,
        customer: &str,
        token: &str,
        card: &str,
        amount: Money,
        approved: Status,
        now: DateTime<Utc>,
    ) -> Outcome {
        let id = format!("tx{}", self.sales.len() + 1);
        let no = self.bank(card, now);
        let sale = Sale {
            id: id.clone(),
            order_id: order_id.to_owned(),
            customer: customer.to_owned(),
            token: token.to_owned(),
            card: card.to_owned(),
            amount,
            held: None,
            status: if no.is_some() { Status::ProcessorDeclined } else { approved },
            created_at: now,
            series: None,
            first: false,
        };
        self.sales.push(sale.clone());
        match no {
            Some((code, kind)) => {
                Outcome::Declined { decline: decline(DeclineKind::Processor, code, Some((kind, id))) }
            }
            None => Outcome::Done { answer: Answer::Transaction(Box::new(shown(&sale))) },
        }
    }

    /// Whose a vaulted card is, at which place, and the card.
    fn on_file(&self, token: &str) -> Option<(&String, usize, &Vaulted)> {
        self.customers.iter().find_map(|(customer, methods)| {
            let at = methods.iter().position(|m| m.token == token)?;
            Some((customer, at, methods.get(at)?))
        })
    }

    pub(crate) fn card_of(&self, customer: &str, token: &str) -> Option<String> {
        self.customers.get(customer)?.iter().find(|m| m.token == token).map(|m| m.card.clone())
    }

    pub(crate) fn index(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let behind = now - self.lag;
        self.stuck.filter(|(until, _)| *until > now).map_or(behind, |(_, at)| at.min(behind))
    }

    /// What a search or a read by our reference shows.
    pub(crate) fn look(
        &mut self,
        call: &Call,
        requested: DateTime<Utc>,
        sent: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Look {
        self.expire(now);
        let nothing = Look::Absent { watermark: true, key_proven: false };
        let found = |outcome| Look::Found { outcome: Box::new(outcome), extra: Vec::new() };
        let nothing_more = || Outcome::Done { answer: Answer::Nothing };
        match call {
            Call::Sell { order_id, .. } | Call::Authorise { order_id, .. } => {
                self.search(order_id, requested, sent, now)
            }
            // By the sale, which names its refunds.
            Call::Refund { order_id, .. } => {
                let refund = self.refunds.iter().find(|refund| refund.order_id == *order_id).cloned();
                refund.map_or(nothing, |r| found(Outcome::Done { answer: Answer::Refund(Box::new(r)) }))
            }
            Call::ReadCustomer { .. }
            | Call::ReadMethod { .. }
            | Call::ReadTransaction { .. }
            | Call::ReadSubscription { .. }
            | Call::FindTransactions { .. } => nothing,
            Call::SetDefaultMethod { token, .. } => match self.on_file(token) {
                Some((_, 0, _)) => found(nothing_more()),
                Some(_) => nothing,
                None => found(not_found()),
            },
            Call::CreateCustomer { customer, .. } => {
                if self.customers.contains_key(customer) {
                    found(nothing_more())
                } else {
                    nothing
                }
            }
            Call::Vault { customer, token, .. } => {
                let methods = self.customers.get(customer).into_iter().flatten();
                let vaulted = methods.into_iter().find(|m| m.token == *token);
                vaulted
                    .map_or(nothing, |m| found(Outcome::Done { answer: Answer::Vaulted(Box::new(method(m, false))) }))
            }
            Call::DeleteCustomer { customer } => {
                if self.customers.contains_key(customer) {
                    nothing
                } else {
                    found(nothing_more())
                }
            }
            Call::DeleteMethod { token } => {
                let there = self.customers.values().flatten().any(|m| m.token == *token);
                if there { nothing } else { found(nothing_more()) }
            }
            Call::Submit { transaction, amount } => match self.sale(transaction) {
                Some(sale) => submitted(sale, *amount).map_or(nothing, found),
                None => found(not_found()),
            },
            Call::Void { transaction } => match self.sale(transaction) {
                Some(sale) if matches!(sale.status, Status::Authorized | Status::SubmittedForSettlement) => nothing,
                Some(sale) if matches!(sale.status, Status::Voided | Status::AuthorizationExpired) => {
                    found(Outcome::Done { answer: Answer::Transaction(Box::new(shown(sale))) })
                }
                Some(_) => found(rejected(RejectionKind::State, "91504")),
                None => found(not_found()),
            },
            Call::CreateSubscription(_) | Call::UpdateSubscription { .. } | Call::CancelSubscription { .. } => {
                self.look_series(call, sent, now)
            }
            Call::AcceptDispute { .. }
            | Call::FinalizeDispute { .. }
            | Call::AddEvidence { .. }
            | Call::UploadDocument { .. } => self.look_dispute(call),
            // What is looked up was asked for before, and refused there.
            other => panic!("no flow of this world asks for {other:?}"),
        }
    }

    /// What the index shows under an order id.
    fn hits(&self, order_id: &str, now: DateTime<Utc>) -> Vec<&Sale> {
        let index = self.index(now);
        let shows = |s: &&Sale| s.order_id == order_id && s.created_at <= index && !self.is_left_out(s, now);
        self.sales.iter().filter(shows).collect()
    }

    /// The index wrongly does not show it, though it shows what is newer.
    fn is_left_out(&self, sale: &Sale, now: DateTime<Utc>) -> bool {
        self.left_out.get(&sale.id).is_some_and(|until| *until > now)
    }

    pub(crate) fn was_left_out(&self, sale: &Sale) -> bool {
        self.left_out.contains_key(&sale.id)
    }

    fn search(
        &self,
        order_id: &str,
        requested: DateTime<Utc>,
        sent: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Look {
        let hits = self.hits(order_id, now);
        let found = |outcome, extra| Look::Found { outcome: Box::new(outcome), extra };
        if hits.iter().any(|s| s.created_at < requested - TimeDelta::minutes(5)) {
            return found(rejected(RejectionKind::OrderIdReused, "order_id_reused"), Vec::new());
        }
        let done = |sale: &Sale| Outcome::Done { answer: Answer::Transaction(Box::new(shown(sale))) };
        let mut approved = hits.iter().filter(|s| s.status.is_approved());
        if let Some(oldest) = approved.next() {
            return found(done(oldest), approved.map(|s| s.id.clone()).collect());
        }
        if let Some(reversed) = hits.iter().find(|s| s.status.is_reversed()) {
            return found(done(reversed), Vec::new());
        }
        if let Some(no) = hits.last() {
            let stolen = self.plastic.get(&no.card).is_some_and(|p| p.stolen);
            let (code, kind) = if stolen { ("2043", "hard_declined") } else { ("2001", "soft_declined") };
            let decline = decline(DeclineKind::Processor, code, Some((kind, no.id.clone())));
            return found(Outcome::Declined { decline }, Vec::new());
        }
        // Other customers pay, too: every twenty minutes somebody.
        let newest = self.index(now).duration_trunc(TimeDelta::minutes(20)).expect("within range");
        let watermark = sent.is_some_and(|sent| newest >= sent + TimeDelta::minutes(2));
        Look::Absent { watermark, key_proven: false }
    }
}

impl Sale {
    /// Money is taken, or on its way.
    pub(crate) fn is_captured(&self) -> bool {
        self.status.is_approved() && self.status != Status::Authorized
    }
}

fn under_way(sale: &Sale) -> bool {
    matches!(sale.status, Status::Authorized | Status::SubmittedForSettlement | Status::Settling)
}

fn submitted(sale: &Sale, amount: Money) -> Option<Outcome> {
    Some(match sale.status {
        Status::SubmittedForSettlement | Status::Settling | Status::Settled if sale.amount == amount => {
            Outcome::Done { answer: Answer::Transaction(Box::new(shown(sale))) }
        }
        Status::SubmittedForSettlement | Status::Settling | Status::Settled => {
            rejected(RejectionKind::Mismatch, "amount")
        }
        Status::Authorized => return None,
        _ => rejected(RejectionKind::State, "91507"),
    })
}

fn as_transaction(refund: &Refund) -> Transaction {
    Transaction {
        authentication: None,
        id: refund.id.clone(),
        status: Status::Settled,
        amount: refund.amount,
        order_id: refund.order_id.clone(),
        customer: None,
        token: None,
        created_at: refund.created_at,
        merchant_account: "eur".to_owned(),
        held: None,
        hold_expires_at: None,
        card: None,
    }
}

pub(crate) fn shown(sale: &Sale) -> Transaction {
    let hold = sale.status == Status::Authorized || sale.held.is_some();
    Transaction {
        authentication: None,
        id: sale.id.clone(),
        status: sale.status.clone(),
        amount: sale.amount,
        order_id: sale.order_id.clone(),
        customer: Some(sale.customer.clone()),
        token: Some(sale.token.clone()),
        created_at: sale.created_at,
        merchant_account: "eur".to_owned(),
        held: sale.held,
        hold_expires_at: hold.then(|| sale.created_at + TimeDelta::days(HOLD_DAYS)),
        card: Some(CardSeen {
            brand: "Visa".to_owned(),
            last_four: "1111".to_owned(),
            number: Some(sale.card.clone()),
        }),
    }
}

fn method(vaulted: &Vaulted, default: bool) -> Method {
    Method {
        token: vaulted.token.clone(),
        default,
        brand: "Visa".to_owned(),
        last_four: "1111".to_owned(),
        expired: false,
        card: vaulted.card.clone(),
        has_live_subscription: false,
        good_through: None,
    }
}

pub(crate) fn decline(kind: DeclineKind, code: &str, of: Option<(&str, String)>) -> Decline {
    Decline {
        kind,
        code: code.to_owned(),
        text: "declined".to_owned(),
        response_type: of.as_ref().map(|(kind, _)| (*kind).to_owned()),
        advice_code: None,
        advice_text: None,
        network_code: None,
        network_text: None,
        transaction: of.map(|(_, id)| id),
        brand: Some("Visa".to_owned()),
    }
}

pub(crate) fn rejected(kind: RejectionKind, code: &str) -> Outcome {
    let message = "refused".to_owned();
    Outcome::Rejected { rejection: Rejection { kind, code: code.to_owned(), message } }
}

pub(crate) fn not_found() -> Outcome {
    rejected(RejectionKind::NotFound, "http_404")
}

/// Nothing owed.
pub(crate) const NOTHING: Money = eur(0);
