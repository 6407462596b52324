//! A payout on its bench: a gateway that pays out, keeps back and tells; a ledger that holds what was settled.

mod s2_8_payouts;

use super::{Command, Disbursement};
use crate::kernel::answer::Answer;
use crate::kernel::books::{self, Sums};
use crate::kernel::effect::{Braintree, Desk, Effect};
use crate::kernel::flow::Open;
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use crate::kernel::outcome::Outcome;
use crate::kernel::payout::{Fate, PaidOut, Payout, PayoutNotice};
use crate::kernel::posting::{Dimensions, Posting, Rule, journal};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use iso_currency::Currency;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const ACCOUNT: &str = "acme-eur";

pub(super) fn day() -> NaiveDate {
    NaiveDate::default() + TimeDelta::days(20_000)
}

/// The morning after: the first look of the day's own.
fn morning() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_001) + TimeDelta::hours(6)
}

pub(super) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub(super) struct World {
    bench: Bench<Disbursement>,
    /// What the gateway shows for that day, by transaction id.
    pub(super) shown: BTreeMap<String, PaidOut>,
    /// What other flows booked before.
    before: BTreeMap<String, Sums>,
    /// Transactions of which a flow of ours speaks.
    known: BTreeSet<String>,
}

stands_on_its_bench!(World, Disbursement);

impl World {
    pub(super) fn new() -> Self {
        Self {
            bench: Bench::new(Disbursement::id(ACCOUNT, day()), morning()),
            shown: BTreeMap::new(),
            before: BTreeMap::new(),
            known: BTreeSet::new(),
        }
    }

    fn payout() -> Payout {
        Payout { account: ACCOUNT.to_owned(), day: day(), currency: Currency::EUR }
    }

    fn installation() -> Installation {
        Installation::new("demo1").expect("valid")
    }

    pub(super) fn look(&mut self, announced: bool) {
        let source = "poller".to_owned();
        self.tell(Command::Look { payout: Self::payout(), installation: Self::installation(), announced, source });
    }

    pub(super) fn notice(&mut self, amount: i64) {
        self.noticed("p1", amount, true);
    }

    pub(super) fn noticed(&mut self, id: &str, amount: i64, success: bool) {
        let transactions = self.shown.keys().cloned().collect();
        let notice = PayoutNotice { transactions, ..Self::told(id, amount, success) };
        self.tell(Command::Noticed { payout: Self::payout(), installation: Self::installation(), notice });
    }

    /// A notice that names no transaction.
    fn told(id: &str, amount: i64, success: bool) -> PayoutNotice {
        PayoutNotice {
            id: id.to_owned(),
            amount: Some(eur(amount)),
            success,
            is_retry: false,
            transactions: Vec::new(),
            exception: (!success).then(|| "bank_rejected".to_owned()),
        }
    }

    /// A sale of ours that our ledger holds as settled.
    pub(super) fn settled(&mut self, id: &str, minor: i64) {
        self.known.insert(id.to_owned());
        for rule in [Rule::Capture, Rule::Apply, Rule::Settle] {
            self.booked(id, rule, minor);
        }
    }

    /// Another flow books.
    pub(super) fn booked(&mut self, id: &str, rule: Rule, minor: i64) {
        let dimensions = Dimensions { transaction: Some(id.to_owned()), ..Dimensions::default() };
        let posting = Posting { rule, amount: eur(minor), tax: None, effective: day(), dimensions };
        let journal = journal(Uuid::nil(), 0, &posting).expect("moves something");
        self.before.entry(id.to_owned()).or_default().post(rule, &books::lines_of(&journal));
    }

    pub(super) fn knows(&mut self, id: &str) {
        self.known.insert(id.to_owned());
    }

    /// The gateway pays it out.
    pub(super) fn pays(&mut self, id: &str, minor: i64) {
        let item = PaidOut {
            transaction: id.to_owned(),
            order_id: String::new(),
            refund_of: None,
            is_credit: false,
            amount: eur(minor),
            paid: eur(minor),
            fate: Fate::Paid,
        };
        self.shown.insert(id.to_owned(), item);
    }

    /// The gateway nets a refund.
    pub(super) fn nets(&mut self, id: &str, sale: &str, minor: i64) {
        self.pays(id, minor);
        let item = self.shown.get_mut(id).expect("shown");
        (item.is_credit, item.refund_of) = (true, Some(sale.to_owned()));
    }

    pub(super) fn becomes(&mut self, id: &str, fate: Fate) {
        self.shown.get_mut(id).expect("shown").fate = fate;
    }

    /// The ledger by transaction, with what this flow booked.
    fn ledger(&self) -> BTreeMap<String, Sums> {
        let mut ledger = self.before.clone();
        for event in self.events() {
            for posting in super::books::postings(&Self::payout(), event) {
                let Some(journal) = journal(Uuid::nil(), 0, &posting) else { continue };
                let Some(transaction) = posting.dimensions.transaction else { continue };
                ledger.entry(transaction).or_default().post(posting.rule, &books::lines_of(&journal));
            }
        }
        ledger
    }
}

impl Played for World {
    type Flow = Disbursement;

    fn answer(&mut self, open: &Open) -> Outcome {
        let answer = match &open.effect {
            Effect::Braintree(Braintree::ReadPayoutList { merchant_account, day: of }) => {
                assert_eq!((merchant_account.as_str(), *of), (ACCOUNT, day()));
                Answer::PayoutListed { transactions: self.shown.keys().cloned().collect() }
            }
            Effect::Braintree(Braintree::ReadPayout { transactions, .. }) => {
                assert!(transactions.len() <= 50, "a page is 50 at most");
                let items = transactions.iter().filter_map(|id| self.shown.get(id)).cloned().collect();
                Answer::PaidOut { items }
            }
            Effect::Desk(Desk::SurveyPayout { transactions, .. }) => {
                let ledger = self.ledger();
                let known = |id: &&String| ledger.contains_key(*id) || self.known.contains(*id);
                let positions = transactions.iter().filter(known).map(|id| {
                    let mut of = books::position(id, &ledger.get(id).cloned().unwrap_or_default());
                    of.is_known = self.known.contains(id);
                    of
                });
                Answer::Positions { positions: positions.collect() }
            }
            other => panic!("no call of this flow: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn must_hold(&self) {
        for (transaction, sums) in self.ledger() {
            let broken = books::of_transaction(&sums);
            assert!(broken.is_empty(), "{transaction}: {broken:?}");
        }
    }
}
