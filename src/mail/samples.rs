//! A made-up mail of each template: for previews, for a first test of a mail server, and for tests.

use super::facts::{
    ActivationFailed, Card, CardChanged, CardExpires, CardLink, Checkout, ComingCharge, Facts, PaymentFailed, Receipt,
    Refund, Released, Renewal, Started, Template,
};
use crate::brand::Locale;
use chrono::NaiveDate;
use url::Url;

/// How the sample's reader is called.
pub const NAME: &str = "Maria Example";

/// Facts with every optional one given.
pub fn facts(template: Template, locale: Locale) -> Facts {
    let amount = |english: &str, german: &str| String::from(if locale == Locale::De { german } else { english });
    let total = amount("€58.31", "58,31 €");
    let plan = String::from("Plus");
    let invoice = String::from("INV-000042");
    let card = Card { brand: "Visa".to_owned(), last_four: "1111".to_owned() };
    let renewal = Some(Renewal { amount: total.clone(), on: day(2026, 12, 21) });
    let link = |path: &str| {
        Url::parse("https://billing.example.com").and_then(|base| base.join(path)).expect("a constant is a URL")
    };
    let checkout = |plan, due_today, renewal| Checkout {
        plan,
        due_today,
        renewal,
        link: link("/checkout/sample-token"),
        valid_until: day(2026, 11, 28),
    };
    let failed = |next_attempt| PaymentFailed {
        invoice: invoice.clone(),
        amount: total.clone(),
        card: Some(card.clone()),
        next_attempt,
        link: link("/card/sample-token"),
        valid_until: day(2026, 11, 28),
    };
    let coming = |before| ComingCharge {
        plan: plan.clone(),
        amount: total.clone(),
        before,
        on: day(2026, 12, 21),
        link: link("/cancel/sample-token"),
    };
    match template {
        Template::CheckoutLink => Facts::CheckoutLink(checkout(plan, total, renewal)),
        Template::CheckoutReminder => Facts::CheckoutReminder(checkout(plan, total, renewal)),
        Template::Receipt => Facts::Receipt(Receipt {
            plan,
            invoice,
            amount: total,
            tax: Some(amount("€9.31", "9,31 €")),
            paid_on: day(2026, 11, 21),
            card,
            renewal,
        }),
        Template::Started => Facts::Started(Started { plan, on: day(2026, 11, 21), card: Some(card), renewal }),
        Template::ActivationFailed => Facts::ActivationFailed(ActivationFailed {
            plan,
            released: Some(Released { amount: total, card }),
            link: Some(link("/checkout/sample-token")),
        }),
        Template::Refund => {
            Facts::Refund(Refund { invoice, amount: total, on: day(2026, 11, 21), card: Some(card), voided: false })
        }
        Template::PaymentFailed => Facts::PaymentFailed(failed(Some(day(2026, 11, 24)))),
        Template::AuthenticationNeeded => Facts::AuthenticationNeeded(failed(None)),
        Template::LastNotice => Facts::LastNotice(failed(None)),
        Template::TrialEnds => Facts::TrialEnds(coming(None)),
        Template::Renews => Facts::Renews(coming(None)),
        Template::PriceChanges => Facts::PriceChanges(coming(Some(amount("€49.00", "49,00 €")))),
        Template::CardExpires => Facts::CardExpires(CardExpires {
            card,
            good_through: day(2026, 11, 30),
            charge_on: day(2026, 12, 21),
            link: link("/card/sample-token"),
            valid_until: day(2026, 11, 28),
        }),
        Template::CardLink => Facts::CardLink(CardLink {
            card: Some(card),
            owed: Some(total),
            link: link("/card/sample-token"),
            valid_until: day(2026, 11, 28),
        }),
        Template::CardChanged => Facts::CardChanged(CardChanged {
            card: Card { brand: "Mastercard".to_owned(), last_four: "4444".to_owned() },
            before: Some(card),
            same: false,
            owed: Some(total),
        }),
    }
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a constant is a day")
}
