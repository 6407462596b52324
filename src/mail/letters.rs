//! From a saga's letter to a mail: the person, the page's address and the amounts in the reader's own writing are added
//! here, just before it is sent.

use super::facts::{
    ActivationFailed, Card, CardChanged, CardExpires, CardLink, Checkout, ComingCharge, Facts, PaymentFailed, Receipt,
    Refund, Renewal, Started,
};
use super::{Mail, Mailer, MessageId, To};
use crate::brand::Locale;
use crate::port::Beside;
use chrono::NaiveDate;
use sagas::kernel::effect::{self, CardCause, FailedCharge, Letter, LetterFacts, Price};
use sagas::kernel::money::Money;
use secrecy::ExposeSecret;
use url::Url;

/// The mail of a letter.
///
/// # Errors
/// What it lacks, in a sentence without personal data.
pub fn mail_of(letter: &Letter, beside: &Beside, mailer: &Mailer) -> Result<Mail, String> {
    let person = beside.person.as_ref().ok_or("nothing is known of the person")?;
    let locale = person.locale.as_deref().and_then(Locale::of_tag).unwrap_or(mailer.locale());
    let link = beside.link.as_ref().and_then(|link| Url::parse(link.expose_secret()).ok());
    Ok(Mail {
        message_id: MessageId::new(&format!("{}@{}", letter.reference, mailer.domain()))?,
        to: To { address: person.email.clone(), name: Some(person.display_name()) },
        locale,
        facts: facts(&letter.about, link, locale)?,
    })
}

fn facts(about: &LetterFacts, link: Option<Url>, locale: Locale) -> Result<Facts, String> {
    let checkout = |price: &Price, link: Option<Url>| {
        Ok::<_, String>(Checkout {
            plan: price.title.clone(),
            due_today: locale.money(price.due_today),
            renewal: Some(renewal(price.renews_on, price.renewal, locale)),
            link: link.ok_or("it has no link")?,
            valid_until: price.expires_at.date_naive(),
        })
    };
    Ok(match about {
        LetterFacts::CheckoutLink(price) => Facts::CheckoutLink(checkout(price, link)?),
        LetterFacts::CheckoutReminder(price) => Facts::CheckoutReminder(checkout(price, link)?),
        LetterFacts::Receipt { title, paid, invoice_number, card, on, next } => {
            let plan = title.clone();
            let card = card.clone().map(|(brand, last_four)| Card { brand, last_four });
            let renewal = next.map(|(day, amount)| renewal(day, amount, locale));
            match (paid, card) {
                (Some(paid), Some(card)) => Facts::Receipt(Receipt {
                    plan,
                    invoice: invoice_number.clone().unwrap_or_default(),
                    amount: locale.money(*paid),
                    tax: None,
                    paid_on: *on,
                    card,
                    renewal,
                }),
                (_, card) => Facts::Started(Started { plan, on: *on, card, renewal }),
            }
        }
        LetterFacts::Refund { amount, invoice_number, card, on, voided } => Facts::Refund(Refund {
            invoice: invoice_number.clone(),
            amount: locale.money(*amount),
            on: *on,
            card: card.clone().map(|(brand, last_four)| Card { brand, last_four }),
            voided: *voided,
        }),
        LetterFacts::ActivationFailed { title, reason: _ } => {
            Facts::ActivationFailed(ActivationFailed { plan: title.clone(), released: None, link })
        }
        LetterFacts::CardLink { card, owed, expires_at } => Facts::CardLink(CardLink {
            card: card.as_ref().map(named),
            owed: owed.map(|owed| locale.money(owed)),
            link: link.ok_or("it has no link")?,
            valid_until: expires_at.date_naive(),
        }),
        LetterFacts::CardChanged { card, before, same, owed } => Facts::CardChanged(CardChanged {
            card: named(card),
            before: before.as_ref().map(named),
            same: *same,
            owed: owed.map(|owed| locale.money(owed)),
        }),
        LetterFacts::TrialEnds(charge) => Facts::TrialEnds(coming(charge, None, link, locale)?),
        LetterFacts::Renews(charge) => Facts::Renews(coming(charge, None, link, locale)?),
        LetterFacts::PriceChanges { charge, before } => {
            Facts::PriceChanges(coming(charge, Some(*before), link, locale)?)
        }
        LetterFacts::CardWanted { cause, expires_at } => {
            card_wanted(cause, link.ok_or("it has no link")?, expires_at.date_naive(), locale)
        }
    })
}

fn coming(
    charge: &effect::ComingCharge,
    before: Option<Money>,
    link: Option<Url>,
    locale: Locale,
) -> Result<ComingCharge, String> {
    Ok(ComingCharge {
        plan: charge.title.clone(),
        amount: locale.money(charge.amount),
        before: before.map(|before| locale.money(before)),
        on: charge.on,
        link: link.ok_or("it has no link")?,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "a link is given away")]
fn card_wanted(cause: &CardCause, link: Url, valid_until: NaiveDate, locale: Locale) -> Facts {
    let failed = |due: &FailedCharge, next_attempt| PaymentFailed {
        invoice: due.invoice_number.clone(),
        amount: locale.money(due.amount),
        card: due.card.as_ref().map(named),
        next_attempt,
        link: link.clone(),
        valid_until,
    };
    match cause {
        CardCause::Expires { card, good_through, charge_on } => Facts::CardExpires(CardExpires {
            card: named(card),
            good_through: *good_through,
            charge_on: *charge_on,
            link: link.clone(),
            valid_until,
        }),
        CardCause::ChargeFailed { due, again_on } => Facts::PaymentFailed(failed(due, Some(*again_on))),
        CardCause::NewCard { due } => Facts::PaymentFailed(failed(due, None)),
        CardCause::NeedsAuthentication { due } => Facts::AuthenticationNeeded(failed(due, None)),
        CardCause::LastNotice { due } => Facts::LastNotice(failed(due, None)),
    }
}

fn named((brand, last_four): &(String, String)) -> Card {
    Card { brand: brand.clone(), last_four: last_four.clone() }
}

fn renewal(on: NaiveDate, amount: Money, locale: Locale) -> Renewal {
    Renewal { amount: locale.money(amount), on }
}
