//! A walk's world for the hand-over.

use crate::dice::Dice;
use crate::samples;
use sagas::hand_over::{Command, OpenInvoices};
use sagas::kernel::answer::{Answer, CollectionOwner, SubscriptionSurvey, SubscriptionTerms};
use sagas::kernel::effect::{Desk, Effect, OnSubscription, SubscriptionKey, Zoho};
use sagas::kernel::hand_over::{Approval, Wish};
use sagas::kernel::ids::Installation;

/// A subscription of its own: what others read of theirs does not fit it.
const SUBSCRIPTION: &str = "zs9";

pub(crate) fn start() -> Command {
    Command::Requested {
        wish: Box::new(Wish {
            key: "walk".to_owned(),
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            subscription: SUBSCRIPTION.to_owned(),
            from: Some(CollectionOwner::ZohoNative),
            to: CollectionOwner::Orchestrator,
            from_period: None,
            consent: None,
            proof: None,
            braintree_plan: None,
            recurring: None,
            open_invoices: None,
            cohort: Some("walk".to_owned()),
            reason: "walk".to_owned(),
            by: "token:ada".to_owned(),
            approval: Approval::SecondPerson,
            reply_to: None,
        }),
    }
}

pub(crate) fn command(dice: &mut Dice) -> Command {
    let (by, reason) = (dice.of(&["token:ada", "token:bob"]).to_owned(), "walk".to_owned());
    match dice.roll(12) {
        0 => start(),
        1 => Command::Stopped { by, reason },
        2 | 3 => Command::Redirected { by, reason },
        4..=6 => {
            let choice = dice.of(&[OpenInvoices::Collect, OpenInvoices::Void, OpenInvoices::Leave]);
            Command::Decided { choice, by, reason }
        }
        _ => Command::Approved { by, reason },
    }
}

/// The answers to calls about its subscription.
pub(crate) fn answer(effect: &Effect, dice: &mut Dice) -> Option<Answer> {
    Some(match effect {
        Effect::Desk(Desk::SurveySubscription { by: SubscriptionKey::Zoho { subscription } })
            if subscription == SUBSCRIPTION =>
        {
            let zoho = Some(CollectionOwner::ZohoNative);
            Answer::SubscriptionSurvey(Box::new(SubscriptionSurvey {
                subscription: if dice.rarely() { None } else { Some("sub9".to_owned()) },
                zoho_subscription: Some(SUBSCRIPTION.to_owned()),
                attio_record: Some("as9".to_owned()),
                owner: if dice.rarely() { None } else { zoho },
                owner_from: None,
                claimed_by: None,
                customer: Some("cust1".to_owned()),
            }))
        }
        Effect::Zoho(Zoho::Subscription(OnSubscription::ReadTerms { subscription }))
            if subscription == SUBSCRIPTION =>
        {
            let status = if dice.rarely() { dice.of(&["cancelled", "new"]) } else { "live" };
            let auto_collect = dice.roll(3) == 0;
            Answer::Terms(Box::new(SubscriptionTerms { auto_collect, ..samples::terms(status) }))
        }
        _ => return None,
    })
}
