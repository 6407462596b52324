//! What each saga can be told in a walk.

use crate::activation;
use crate::dice::Dice;
use crate::ending;
use crate::samples::eur;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::act_refusal::{self, ActRefusal};
use sagas::cancellation::{self, Cancellation};
use sagas::invoice_payment::{self, Choice, InvoicePayment};
use sagas::kernel::effect::PracticeScript;
use sagas::kernel::ids::Installation;
use sagas::kernel::saga::Saga;
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
            0 => C::MethodChanged { consent: dice.rarely(), customer_present: dice.rarely() },
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

impl Told for Cancellation {
    fn start() -> cancellation::Command {
        ending::start()
    }

    fn command(_: &cancellation::State, dice: &mut Dice, now: DateTime<Utc>) -> cancellation::Command {
        ending::command(dice, now)
    }
}
