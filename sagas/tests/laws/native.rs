//! A walk's world for a start that Zoho collects.

use crate::activation::began;
use crate::dice::Dice;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::answer::{Answer, HostedPage};
use sagas::kernel::effect::OnPage;
use sagas::kernel::ids::Installation;
use sagas::zoho_native::{Act, Command, Consent, PageStage, State, Terms, page};

pub(crate) fn start() -> Command {
    pressed(Act::Start, began())
}

fn pressed(act: Act, pressed_at: DateTime<Utc>) -> Command {
    Command::Pressed {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        record: "record1".to_owned(),
        act,
        pressed_at,
        terms: Box::new(Terms {
            highest_tax_ppm: 270_000,
            link_days: 7,
            reminder_day: 3,
            consent_version: "1".to_owned(),
            deal_at_link: true,
        }),
        ordered: false,
    }
}

/// Mostly what a customer at the link would do.
pub(crate) fn command(state: &State, dice: &mut Dice, now: DateTime<Utc>) -> Command {
    let shown = page(state, now);
    let link = shown.link;
    match dice.roll(10) {
        0 => pressed(dice.of(&[Act::Quote, Act::Start, Act::ResendLink, Act::Retry, Act::CancelNow]), now),
        1 => Command::Opened { link },
        2 if dice.rarely() => Command::CancelOrdered { reason: "walk".to_owned() },
        3 => Command::SubscriptionEnded { product: "cust1/prod1".to_owned() },
        4 => Command::Noticed {
            kind: dice.of(&["subscription_created", "subscription_renewed", "payment_thankyou"]).to_owned(),
            subscription: dice.of(&["zs1", "zs2"]).to_owned(),
        },
        5 | 6 => Command::Returned { link },
        _ => {
            let quote_hash = match shown.stage {
                PageStage::Quoted { quote } => quote.hash,
                _ => "none".to_owned(),
            };
            Command::PageAsked {
                link,
                quote_hash,
                consent: Consent { version: "1".to_owned(), at: now, evidence: None },
            }
        }
    }
}

/// What comes of a page.
pub(crate) fn hosted(call: &OnPage, dice: &mut Dice, now: DateTime<Utc>) -> Answer {
    let (id, status) = match call {
        OnPage::Create(_) => ("2-1", "fresh"),
        OnPage::Read { page } => {
            (page.as_str(), dice.of(&["fresh", "read", "success", "success", "failed", "cancelled", "force_cancelled"]))
        }
    };
    Answer::HostedPage(Box::new(HostedPage {
        id: id.to_owned(),
        status: status.to_owned(),
        expires_at: Some(now + TimeDelta::hours(1)).filter(|_| !dice.rarely()),
        subscription: None,
        invoice: None,
    }))
}
