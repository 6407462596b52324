//! What each saga can be told in a walk.

use crate::activation;
use crate::card_update;
use crate::deals;
use crate::dice::Dice;
use crate::disputed;
use crate::ending;
use crate::erasing;
use crate::handing_over;
use crate::imports;
use crate::native;
use crate::opening;
use crate::payouts;
use crate::plan;
use crate::profiles;
use crate::recurring;
use crate::samples::{self, day, eur};
use crate::tickets;
use crate::trial;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::act_refusal::{self, ActRefusal};
use sagas::books_opening::BooksOpening;
use sagas::braintree_recurring::{self, BraintreeRecurring};
use sagas::cancellation::{self, Cancellation};
use sagas::catalog_sync::{self, Asked, CatalogSync};
use sagas::crm_lifecycle::{self, CrmLifecycle};
use sagas::desk_ticket::{self, DeskTicket};
use sagas::disbursement::{self, Disbursement};
use sagas::dispute::Dispute;
use sagas::erasure::{self, Erasure};
use sagas::hand_over::{self, HandOver};
use sagas::invoice_payment::{self, Choice, Ending, InvoicePayment, Source};
use sagas::kernel::catalog::CatalogPress;
use sagas::kernel::effect::PracticeScript;
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::posting::{Dimensions, Posting, Rule};
use sagas::kernel::saga::Saga;
use sagas::migration::Migration;
use sagas::notice::{self, Notices};
use sagas::payment_method_update::{self, PaymentMethodUpdate};
use sagas::plan_change::{self, PlanChange};
use sagas::profile_change::{self, ProfileChange};
use sagas::refund::{self, Refund};
use sagas::rehearsal::{self, Rehearsal};
use sagas::sign_up::SignUp;
use sagas::subscription_activation::{self, SubscriptionActivation};
use sagas::zoho_native::{self, ZohoNative};

/// What a saga can be told in a walk; the first one starts it.
pub(crate) trait Told: Saga {
    fn start() -> Self::Command;
    fn command(state: &Self::State, dice: &mut Dice, now: DateTime<Utc>) -> Self::Command;

    /// What others posted before it began.
    fn before() -> Vec<Posting> {
        Vec::new()
    }
}

impl Told for Rehearsal {
    fn start() -> rehearsal::Command {
        let scripts = rehearsal::Scripts { take: PracticeScript::LostUnanswered, ..rehearsal::Scripts::default() };
        let params = rehearsal::Params {
            name: "walk".to_owned(),
            amount: eur(100),
            scripts,
            park: false,
            await_seconds: Some(60),
        };
        rehearsal::Command::Start { params }
    }

    fn command(_: &rehearsal::State, _: &mut Dice, _: DateTime<Utc>) -> rehearsal::Command {
        rehearsal::Command::GoAhead
    }
}

impl Told for ActRefusal {
    fn start() -> act_refusal::Command {
        act_refusal::Command::Pressed {
            record: "r-1".to_owned(),
            act: "Open ticket".to_owned(),
            pressed_at: activation::began(),
            sentence: "`Open ticket` was not carried out: open it in Zoho Desk.".to_owned(),
        }
    }

    fn command(_: &act_refusal::State, _: &mut Dice, _: DateTime<Utc>) -> act_refusal::Command {
        Self::start()
    }
}

impl Told for CatalogSync {
    fn start() -> catalog_sync::Command {
        asked(Asked::Daily, "0".to_owned())
    }

    fn command(_: &catalog_sync::State, dice: &mut Dice, now: DateTime<Utc>) -> catalog_sync::Command {
        let record = dice.of(&["r-1", "r-2"]).to_owned();
        let press = CatalogPress { record: record.clone(), pressed_at: now };
        let by = dice.of(&[Asked::Poll, Asked::Ordered, Asked::Edited { record }, Asked::Pressed { press }]);
        asked(by, dice.roll(40).to_string())
    }
}

fn asked(by: Asked, key: String) -> catalog_sync::Command {
    let day = activation::began().date_naive();
    catalog_sync::Command::Asked { organization: "60012".to_owned(), day, by, key }
}

impl Told for InvoicePayment {
    fn start() -> invoice_payment::Command {
        invoice_payment::Command::Detected {
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            invoice: "77".to_owned(),
            subscription: None,
            source: "walk".to_owned(),
            news: invoice_payment::News::Changed,
            card_link: None,
        }
    }

    fn command(_: &invoice_payment::State, dice: &mut Dice, now: DateTime<Utc>) -> invoice_payment::Command {
        use invoice_payment::Command as C;
        let reason = "walk".to_owned();
        match dice.roll(12) {
            0 => {
                let reply_to = dice.of(&[None, Some(SagaId::derived("card", &["1"]))]);
                C::MethodChanged { consent: dice.rarely(), customer_present: dice.rarely(), reply_to }
            }
            1 => C::HoldReleased { reason },
            2 => C::ChargeNow { reason },
            3 => C::Pause { until: now + TimeDelta::days(2), reason },
            4 => C::StopCollecting { reason },
            5 => C::Decide { choice: dice.of(&[Choice::ChargeAgain, Choice::RecordAgain, Choice::Leave]), reason },
            6 | 7 => C::GiveBackAsked {
                transaction: dice.of(&["t-demo1.inv.77.1", "t-extra"]).to_owned(),
                saga: SagaId::derived("refund", &[dice.of(&["a", "b"])]),
                amount: eur(dice.of(&[2_500, 10_000, 12_000])),
                source: dice.of(&[Source::Forgive, Source::Unapplied]),
            },
            9 if dice.rarely() => C::Dispute(disputed::news(dice)),
            8 => C::GiveBackEnded {
                transaction: "t-demo1.inv.77.1".to_owned(),
                saga: SagaId::derived("refund", &[dice.of(&["a", "b"])]),
                // The journals of what was given back are another saga's: a walk has one.
                ending: Ending::Withdrawn,
                tax: None,
            },
            _ => Self::start(),
        }
    }
}

impl Told for SubscriptionActivation {
    fn start() -> subscription_activation::Command {
        activation::start()
    }

    fn command(
        state: &subscription_activation::State,
        dice: &mut Dice,
        now: DateTime<Utc>,
    ) -> subscription_activation::Command {
        activation::command(state, dice, now)
    }
}

impl Told for PaymentMethodUpdate {
    fn start() -> payment_method_update::Command {
        card_update::start()
    }

    fn command(
        state: &payment_method_update::State,
        dice: &mut Dice,
        now: DateTime<Utc>,
    ) -> payment_method_update::Command {
        card_update::command(state, dice, now)
    }
}

impl Told for Cancellation {
    fn start() -> cancellation::Command {
        ending::start()
    }

    fn command(_: &cancellation::State, dice: &mut Dice, now: DateTime<Utc>) -> cancellation::Command {
        ending::command(dice, now)
    }
}

impl Told for HandOver {
    fn start() -> hand_over::Command {
        handing_over::start()
    }

    fn command(_: &hand_over::State, dice: &mut Dice, _: DateTime<Utc>) -> hand_over::Command {
        handing_over::command(dice)
    }
}

impl Told for CrmLifecycle {
    fn start() -> crm_lifecycle::Command {
        deals::start(activation::began())
    }

    fn command(_: &crm_lifecycle::State, dice: &mut Dice, now: DateTime<Utc>) -> crm_lifecycle::Command {
        deals::command(dice, now)
    }
}

impl Told for Refund {
    fn start() -> refund::Command {
        refund::Command::Requested {
            wish: Box::new(refund::Wish {
                key: "walk".to_owned(),
                installation: Installation::new("demo1").expect("valid"),
                transaction: "tx1".to_owned(),
                invoice: "77".to_owned(),
                stream: SagaId::of_invoice("60012", "77"),
                amount: eur(10_000),
                source: refund::Source::Forgive,
                reason: "walk".to_owned(),
                by: "law".to_owned(),
                approval: refund::Approval::SecondPerson,
            }),
        }
    }

    fn command(_: &refund::State, dice: &mut Dice, _: DateTime<Utc>) -> refund::Command {
        use refund::Command as C;
        let (by, reason) = (dice.of(&["law", "bob", "bob"]).to_owned(), "walk".to_owned());
        match dice.roll(12) {
            0..4 => C::Approved { by, reason },
            4 if dice.rarely() => C::Denied { by, reason },
            5 if dice.rarely() => C::NotAdmitted { code: "too_much".to_owned(), why: "walk".to_owned() },
            6 if dice.rarely() => C::Disputed { dispute: SagaId::derived("dispute", &["d1"]) },
            6 => C::LookAgain { source: "walk".to_owned() },
            7 => {
                let choices = [refund::Choice::TryAgain, refund::Choice::PaidOutside, refund::Choice::Withdraw];
                C::Decided { choice: dice.of(&choices), by, reason }
            }
            _ => C::Admitted { terms: Box::new(terms()) },
        }
    }

    /// A sale of 100, of which 60 were applied.
    fn before() -> Vec<Posting> {
        let post = |rule, minor| Posting {
            rule,
            amount: eur(minor),
            tax: None,
            effective: day("2024-10-03"),
            dimensions: Dimensions { transaction: Some("tx1".to_owned()), ..Dimensions::default() },
        };
        vec![post(Rule::Capture, 10_000), post(Rule::Apply, 6_000)]
    }
}

impl Told for Dispute {
    fn start() -> sagas::dispute::Command {
        disputed::start()
    }

    fn command(_: &sagas::dispute::State, dice: &mut Dice, _: DateTime<Utc>) -> sagas::dispute::Command {
        disputed::command(dice)
    }

    /// A sale of 100, applied and settled.
    fn before() -> Vec<Posting> {
        let post = |rule| Posting {
            rule,
            amount: eur(10_000),
            tax: None,
            effective: day("2024-10-03"),
            dimensions: Dimensions { transaction: Some("tx1".to_owned()), ..Dimensions::default() },
        };
        vec![post(Rule::Capture), post(Rule::Apply), post(Rule::Settle)]
    }
}

/// The stream lets all of it go.
fn terms() -> refund::Terms {
    refund::Terms {
        invoice: "77".to_owned(),
        number: "INV-77".to_owned(),
        customer: Some("cust1".to_owned()),
        client: Some(samples::company()),
        subscription: None,
        subscription_record: None,
        payment: Some("zp1".to_owned()),
        captured: eur(10_000),
        captured_on: day("2024-10-03"),
        applied: eur(3_000),
        forgiven: eur(3_000),
        reopened: eur(3_000),
        unapplied: eur(4_000),
    }
}

impl Told for Erasure {
    fn start() -> erasure::Command {
        erasing::start()
    }

    fn command(state: &erasure::State, dice: &mut Dice, now: DateTime<Utc>) -> erasure::Command {
        erasing::command(state, dice, now)
    }
}

impl Told for SignUp {
    fn start() -> sagas::sign_up::Command {
        trial::start()
    }

    fn command(_: &sagas::sign_up::State, dice: &mut Dice, now: DateTime<Utc>) -> sagas::sign_up::Command {
        trial::command(dice, now)
    }
}

impl Told for Migration {
    fn start() -> sagas::migration::Command {
        imports::start()
    }

    fn command(_: &sagas::migration::State, dice: &mut Dice, _: DateTime<Utc>) -> sagas::migration::Command {
        imports::command(dice)
    }
}

impl Told for BooksOpening {
    fn start() -> sagas::books_opening::Command {
        opening::start()
    }

    fn command(_: &sagas::books_opening::State, dice: &mut Dice, _: DateTime<Utc>) -> sagas::books_opening::Command {
        opening::command(dice)
    }
}

impl Told for Notices {
    fn start() -> notice::Command {
        watched(notice::Sender::Orchestrator)
    }

    fn command(_: &notice::State, dice: &mut Dice, _: DateTime<Utc>) -> notice::Command {
        match dice.roll(6) {
            0 => watched(dice.of(&[notice::Sender::Orchestrator, notice::Sender::Zoho])),
            1 => notice::Command::CancelAsked { link: dice.of(&[0, 1, 2]) },
            _ => notice::Command::Changed { source: "walk".to_owned() },
        }
    }
}

fn watched(sender: notice::Sender) -> notice::Command {
    let card_link = serde_json::json!({
        "link_days": 14, "consent_version": "1", "declines_before_lock": 5, "lock_minutes": 60, "keep_days": 7,
    });
    notice::Command::Watch {
        of: notice::Of {
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            subscription: "zs1".to_owned(),
        },
        terms: Box::new(notice::Terms { sender, card_link }),
    }
}

impl Told for DeskTicket {
    fn start() -> desk_ticket::Command {
        tickets::start()
    }

    fn command(_: &desk_ticket::State, dice: &mut Dice, _: DateTime<Utc>) -> desk_ticket::Command {
        tickets::command(dice)
    }
}

impl Told for ProfileChange {
    fn start() -> profile_change::Command {
        profiles::start()
    }

    fn command(_: &profile_change::State, dice: &mut Dice, _: DateTime<Utc>) -> profile_change::Command {
        profiles::command(dice)
    }
}

impl Told for PlanChange {
    fn start() -> plan_change::Command {
        plan::start()
    }

    fn command(state: &plan_change::State, dice: &mut Dice, now: DateTime<Utc>) -> plan_change::Command {
        plan::command(state, dice, now)
    }
}

impl Told for ZohoNative {
    fn start() -> zoho_native::Command {
        native::start()
    }

    fn command(state: &zoho_native::State, dice: &mut Dice, now: DateTime<Utc>) -> zoho_native::Command {
        native::command(state, dice, now)
    }
}

impl Told for Disbursement {
    fn start() -> disbursement::Command {
        payouts::look(false)
    }

    fn command(_: &disbursement::State, dice: &mut Dice, _: DateTime<Utc>) -> disbursement::Command {
        payouts::command(dice)
    }

    fn before() -> Vec<Posting> {
        payouts::before()
    }
}

impl Told for BraintreeRecurring {
    fn start() -> braintree_recurring::Command {
        recurring::start()
    }

    fn command(
        state: &braintree_recurring::State,
        dice: &mut Dice,
        now: DateTime<Utc>,
    ) -> braintree_recurring::Command {
        recurring::command(state, dice, now)
    }
}
