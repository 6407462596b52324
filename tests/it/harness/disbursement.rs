//! The fixture of payouts: a customer's paid and settled invoice, and for each instance a merchant account of its own in name only,
//! in whose payout it sees that one sale. So many can be played side by side at one gateway.

use super::Ground;
use super::narrowed::{self, Own};
use super::staged::Staged;
use crate::store_support::eur;
use attio_billing::store::items::NewItem;
use attio_billing::store::payouts;
use attio_billing::store::query::SagaLine;
use chrono::TimeDelta;
use iso_currency::Currency;
use sagas::disbursement::{Command, Disbursement};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Braintree, Effect};
use sagas::kernel::outcome::{Outcome, Rejection, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::payout::{Payout, PayoutNotice};
use sagas::kernel::saga::Saga;

pub(crate) const KIND: &str = Disbursement::NAME;
const PRICE: i64 = 4_900;

/// Of the day's payouts, its own sale alone.
fn keeps(answer: &mut Answer, sale: &str) {
    match answer {
        Answer::PayoutListed { transactions } => transactions.retain(|id| id == sale),
        Answer::PaidOut { items } => items.retain(|item| item.transaction == sale),
        _ => {}
    }
}

pub(crate) struct Fixture {
    staged: Staged,
    ground: Ground,
    /// Which sale each instance sees.
    sales: Own,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let staged = Staged::new().await;
        let sales = Own::default();
        let accounts = &staged.stage.config().vendors.braintree.merchant_accounts;
        let account = accounts.get("EUR").expect("an account in euros").clone();
        let asks = Box::new(move |effect: &mut Effect| {
            if let Effect::Braintree(
                Braintree::ReadPayoutList { merchant_account, .. } | Braintree::ReadPayout { merchant_account, .. },
            ) = effect
            {
                merchant_account.clone_from(&account);
            }
        });
        let ground = narrowed::ground(&staged, &sales, asks, keeps);
        Self { staged, ground, sales }
    }
}

#[async_trait::async_trait]
impl super::Fixture for Fixture {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn ground(&self) -> &Ground {
        &self.ground
    }

    async fn advance(&self, by: TimeDelta) {
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
    }

    fn roads(&self) -> &'static [&'static str] {
        &["looked", "announced"]
    }

    fn one_in(&self) -> usize {
        4
    }

    async fn start_of(&self, road: &'static str, name: &str) -> NewItem {
        let paid = self.staged.paid_invoice(name, PRICE).await;
        // The gateway pays out a day after it settled.
        let day = (self.staged.stage.clock().now() + TimeDelta::days(1)).date_naive();
        // It looks for days, how often depends on the hour at which it begins: here it begins when they are over.
        self.advance(TimeDelta::days(6)).await;
        let payout = Payout { account: name.to_owned(), day, currency: Currency::EUR };
        let installation = self.staged.installation();
        let saga = Disbursement::id(name, day);
        self.sales.lock().unwrap().insert(saga, paid.transaction.clone());
        let command = if road == "announced" {
            let notice = PayoutNotice {
                id: format!("payout-{name}"),
                amount: Some(eur(PRICE)),
                success: true,
                is_retry: false,
                transactions: vec![paid.transaction],
                exception: None,
            };
            Command::Noticed { payout, installation, notice }
        } else {
            Command::Look { payout, installation, announced: false, source: "harness".to_owned() }
        };
        super::item(saga, KIND, "test.payout", &command)
    }

    /// Neither the gateway nor our own tables decline a read: a no is a refusal for good.
    fn decline(&self) -> Outcome {
        let (kind, code) = (RejectionKind::Invalid, "harness".to_owned());
        Outcome::Rejected { rejection: Rejection { kind, code, message: "no, as the test wants".to_owned() } }
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    /// What was paid out is booked once, and nothing of it stands anywhere else.
    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        for line in sagas.iter().filter(|line| line.kind == KIND && line.state == "Explained") {
            let sale = self.sales.lock().unwrap()[&line.id].clone();
            let positions = payouts::positions(self.pool(), &[sale], Currency::EUR).await.unwrap();
            let at: Vec<_> = positions.iter().map(|of| (of.settled, of.held, of.in_transit, of.is_known)).collect();
            assert_eq!(at, [(0, 0, PRICE, true)], "{line:#?}");
            assert_eq!(line.amount, Some(eur(PRICE)));
        }
    }
}
