//! Scripted views of the checkout page: one of every state, for the tests of the page and for `examples/checkout_preview`.

use attio_billing::brand::{Brand, Locale};
use attio_billing::checkout::{Advice, CardChange, CardOffer, CardOnFile, CardPage, Line, Quote, Receipt, Renewal};
use attio_billing::checkout::{Stage, Tax, Unit, View};
use chrono::{DateTime, NaiveDate, Utc};
use iso_currency::Currency;
use sagas::kernel::money::Money;

/// The names under which [`named`] knows a view.
pub(crate) const NAMES: [&str; 31] = [
    "quoted",
    "declines",
    "tax",
    "cards",
    "trial",
    "free",
    "german",
    "replaced",
    "declined",
    "again",
    "authentication",
    "confirming",
    "locked",
    "paid",
    "started",
    "expired",
    "revoked",
    "failed",
    "cancelled",
    "preparing",
    "card",
    "card-owed",
    "card-none",
    "card-german",
    "card-declined",
    "card-authentication",
    "card-confirming",
    "card-locked",
    "card-changed",
    "card-changed-owed",
    "card-failed",
];

/// A company.
pub(crate) fn brand() -> Brand {
    Brand {
        name: "Northwind Analytics".to_owned(),
        support_email: "billing@northwind.example".to_owned(),
        colour: "#1d3f72".parse().expect("a colour"),
        logo: None,
        locale: Locale::En,
    }
}

/// The view of that name; none under another.
pub(crate) fn named(name: &str) -> Option<View> {
    let view = match name {
        "quoted" | "declines" => view(Stage::Quoted),
        "tax" => View { quote: Some(taxed_later()), ..view(Stage::Quoted) },
        "cards" => View { cards_on_file: vec![visa(), mastercard()], ..view(Stage::Quoted) },
        "trial" => View { quote: Some(trial()), ..view(Stage::Quoted) },
        "free" => View { quote: Some(free()), ..view(Stage::Quoted) },
        "german" => View { locale: Some("de-AT".to_owned()), ..view(Stage::Quoted) },
        "replaced" => view(Stage::Replaced),
        "declined" => view(Stage::Declined { advice: Advice::AnotherCard }),
        "again" => view(Stage::Declined { advice: Advice::EnterAgain }),
        "authentication" => view(Stage::NeedsAuthentication),
        "confirming" => view(Stage::Confirming),
        "locked" => view(Stage::LockedUntil { at: instant("2026-11-21T15:40:00Z") }),
        "paid" => view(paid()),
        "started" => View { quote: Some(trial()), ..view(Stage::Started) },
        "expired" => view(Stage::Expired),
        "revoked" => view(Stage::Revoked),
        "failed" => view(Stage::Failed),
        "cancelled" => view(Stage::Cancelled),
        "preparing" => View { quote: None, ..view(Stage::Preparing) },
        name => return name.strip_prefix("card").and_then(of_card),
    };
    Some(view)
}

/// A view of the page for another card.
fn of_card(name: &str) -> Option<View> {
    let on_file = || CardOffer {
        on_file: Some(visa()),
        owed: None,
        hash: "3c1d5a77e0".to_owned(),
        consent_version: "2026-01".to_owned(),
        expires_at: instant("2026-11-28T12:00:00Z"),
    };
    let owed = || CardOffer { owed: Some(eur(12_850)), ..on_file() };
    let of = |stage, offer| View { quote: None, card: Some(CardPage { offer }), ..view(stage) };
    let changed = |owed| Stage::Changed(CardChange { card: mastercard(), before: Some(visa()), owed });
    Some(match name {
        "" => of(Stage::Quoted, Some(on_file())),
        "-owed" => of(Stage::Quoted, Some(owed())),
        "-none" => of(Stage::Quoted, Some(CardOffer { on_file: None, ..on_file() })),
        "-german" => View { locale: Some("de-AT".to_owned()), ..of(Stage::Quoted, Some(owed())) },
        "-declined" => of(Stage::Declined { advice: Advice::AnotherCard }, Some(owed())),
        "-authentication" => of(Stage::NeedsAuthentication, Some(owed())),
        "-confirming" => of(Stage::Confirming, None),
        "-locked" => of(Stage::LockedUntil { at: instant("2026-11-21T15:40:00Z") }, None),
        "-changed" => of(changed(None), None),
        "-changed-owed" => of(changed(Some(eur(12_850))), None),
        "-failed" => of(Stage::Failed, None),
        _ => return None,
    })
}

/// Paid with the first card.
pub(crate) fn paid() -> Stage {
    Stage::Paid(Receipt {
        amount: eur(58_310),
        paid_on: day(2026, 11, 21),
        reference: "act-7f3c-2026".to_owned(),
        card: Some(visa()),
    })
}

fn view(stage: Stage) -> View {
    View {
        stage,
        quote: Some(quote()),
        customer: "Müller & Söhne GmbH".to_owned(),
        cards_on_file: Vec::new(),
        locale: None,
        card: None,
        elsewhere: None,
    }
}

fn quote() -> Quote {
    Quote {
        lines: vec![
            Line { text: "Team plan, 10 seats".to_owned(), amount: eur(49_000) },
            Line { text: "Priority support".to_owned(), amount: eur(5_000) },
            Line { text: "Launch discount".to_owned(), amount: eur(-5_000) },
        ],
        tax: Tax::Known(eur(9_310)),
        due_today: eur(58_310),
        ceiling: eur(58_310),
        renewal: Some(Renewal { amount: eur(64_260), every: 1, unit: Unit::Month, on: day(2026, 12, 21) }),
        trial_end: None,
        hash: "9f2c4be1a0".to_owned(),
        expires_at: instant("2026-11-28T12:00:00Z"),
        consent_version: "2026-01".to_owned(),
    }
}

fn taxed_later() -> Quote {
    Quote { tax: Tax::UpTo(eur(13_230)), due_today: eur(49_000), ceiling: eur(62_230), ..quote() }
}

fn trial() -> Quote {
    Quote { trial_end: Some(day(2026, 12, 5)), ..free() }
}

fn free() -> Quote {
    Quote {
        lines: vec![Line { text: "Team plan, 10 seats".to_owned(), amount: eur(0) }],
        tax: Tax::Known(eur(0)),
        due_today: eur(0),
        ceiling: eur(0),
        ..quote()
    }
}

fn visa() -> CardOnFile {
    card("pm-1", "Visa", "4242")
}

fn mastercard() -> CardOnFile {
    card("pm-2", "Mastercard", "4444")
}

fn card(id: &str, brand: &str, last_four: &str) -> CardOnFile {
    CardOnFile { id: id.to_owned(), brand: brand.to_owned(), last_four: last_four.to_owned() }
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date of the calendar")
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an RFC 3339 time")
}
