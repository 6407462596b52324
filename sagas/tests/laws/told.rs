//! What each saga can be told in a walk.

use crate::activation;
use crate::card_update;
use crate::dice::Dice;
use crate::ending;
use crate::samples::eur;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::act_refusal::{self, ActRefusal};
use sagas::cancellation::{self, Cancellation};
use sagas::catalog_sync::{self, Asked, CatalogSync};
use sagas::invoice_payment::{self, Choice, InvoicePayment};
use sagas::kernel::catalog::CatalogPress;
use sagas::kernel::effect::PracticeScript;
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::Saga;
use sagas::payment_method_update::{self, PaymentMethodUpdate};
use sagas::rehearsal::{self, Rehearsal};
use sagas::subscription_activation::{self, SubscriptionActivation};

/// What a saga can be told in a walk; the first one starts it.
pub(crate) trait Told: Saga {
    fn start() -> Self::Command;
    fn command(state: &Self::State, dice: &mut Dice, now: DateTime<Utc>) -> Self::Command;
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
        }
    }

    fn command(_: &invoice_payment::State, dice: &mut Dice, now: DateTime<Utc>) -> invoice_payment::Command {
        use invoice_payment::Command as C;
        let reason = "walk".to_owned();
        match dice.roll(9) {
            0 => {
                let reply_to = dice.of(&[None, Some(SagaId::derived("card", &["1"]))]);
                C::MethodChanged { consent: dice.rarely(), customer_present: dice.rarely(), reply_to }
            }
            1 => C::HoldReleased { reason },
            2 => C::ChargeNow { reason },
            3 => C::Pause { until: now + TimeDelta::days(2), reason },
            4 => C::StopCollecting { reason },
            5 => C::Decide { choice: dice.of(&[Choice::ChargeAgain, Choice::RecordAgain, Choice::Leave]), reason },
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
