//! The preview of a plan change: what the customer would pay now and later. Our own estimate, and labelled so: Zoho prorates by
//! settings of the organisation that no call shows. So the customer accepts a ceiling, and the invoice says the amount.

use super::words::{Effective, Terms, Wanted};
use crate::kernel::answer::{Sold, SubscriptionTerms};
use crate::kernel::money::Money;
use crate::kernel::offer::{Offer, TermUnit};
use crate::kernel::pricing::{self, NoQuote, QuoteLine, Rules, Sum, fingerprint, plus_term, refused};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// A term that is as long as another one to so many days is the same: months differ.
const SAME_TERM_DAYS: i64 = 3;

/// What a change would cost, with a hash over all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// What would be sold.
    pub wanted: Wanted,
    /// The plan's name, as customers read it.
    pub title: String,
    /// What is sold now.
    pub present: Sold,
    /// When it takes effect.
    pub effective: Effective,
    /// That day (books zone).
    pub effective_on: NaiveDate,
    /// Credit and charges of now; none where nothing is due now.
    pub lines: Vec<QuoteLine>,
    /// To be paid now, as we reckon it.
    pub due_now: Money,
    /// The most that is charged now.
    pub ceiling: Money,
    /// The tax of every line is known.
    pub tax_known: bool,
    /// What each later term costs, gross as far as the tax is known.
    pub renewal: Money,
    /// Day of the next charge (books zone).
    pub renews_on: NaiveDate,
    /// A later term: so many of a unit.
    pub term: (u32, TermUnit),
    /// The subscription as it was read: when Zoho last changed it.
    pub version: Option<String>,
    /// Good until (UTC).
    pub expires_at: DateTime<Utc>,
    /// Version of the consent's text that goes with it.
    pub consent_version: String,
    /// SHA-256 over all other fields, in hex.
    pub hash: String,
}

impl Preview {
    /// Money is held for it.
    pub const fn is_due_now(&self) -> bool {
        self.ceiling.is_positive()
    }

    /// In a sentence, for the CRM team.
    pub fn sentence(&self) -> String {
        let (count, unit) = self.term;
        let tax = if self.tax_known { "" } else { " plus tax" };
        let later = format!("{}{tax} every {} from {}", self.renewal, unit.of(count), self.renews_on);
        let what = format!("{} × {}", self.wanted.quantity, self.title);
        match self.effective {
            Effective::Now if self.is_due_now() => {
                format!("{what}: about {} now{tax}, at most {}; then {later}", self.due_now, self.ceiling)
            }
            Effective::Now => format!("{what}: nothing now; then {later}"),
            Effective::TermEnd => format!("{what} from {}: nothing now; then {later}", self.effective_on),
            Effective::Withdrawal => format!("{what} stays: the change that waits is taken back; {later}"),
        }
    }

    fn sealed(mut self) -> Self {
        self.hash.clear();
        self.hash = fingerprint(&self);
        self
    }
}

/// What a preview rests on.
pub(super) struct Ground<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) at_end: Option<bool>,
    pub(super) is: &'a SubscriptionTerms,
    pub(super) offer: &'a Offer,
    pub(super) terms: &'a Terms,
    /// Today in the books zone.
    pub(super) today: NaiveDate,
    /// End of the preview (UTC).
    pub(super) expires_at: DateTime<Utc>,
}

/// What is due now, its ceiling, and its lines.
struct Due {
    lines: Vec<QuoteLine>,
    amount: i128,
    most: i128,
    renews_on: NaiveDate,
}

/// The preview, or why there is none.
pub(super) fn preview(ground: &Ground<'_>) -> Result<Preview, NoQuote> {
    let Ground { wanted, at_end, is, offer, terms, today, expires_at } = *ground;
    let rules = Rules { highest_tax_ppm: terms.highest_tax_ppm, currencies: &terms.currencies };
    let withdraws = wanted.is(&is.sold) && is.scheduled.is_some();
    if let Some(once) = offer.addons.iter().find(|addon| !addon.recurring) {
        let reason = format!("the add-on {} is charged once, and no part of a plan", once.code);
        return Err(refused(reason, "remove it from `Add-ons`"));
    }
    let price = pricing::priced(Some(wanted.quantity), offer, &rules)?.later;
    let present = is.sold.amount.ok_or_else(|| unsound("what the subscription costs now"))?;
    let currency = price.gross.currency;
    if present.currency != currency {
        let reason = format!("the subscription is billed in {}, for ever", present.currency.code());
        return Err(refused(reason, format!("choose a `Plan` in {}", present.currency.code())));
    }
    let next = is.next_billing_on.ok_or_else(|| unsound("when the subscription renews"))?;
    let due = due(is, offer, &price, present, today, next)?;
    let effective = match (withdraws, at_end) {
        (true, _) => Effective::Withdrawal,
        (false, Some(true)) => Effective::TermEnd,
        (false, None) if due.amount <= 0 && is.status != "trial" => Effective::TermEnd,
        (false, Some(false)) if due.amount < 0 => {
            let reason = "what costs less takes effect when the term ends: at once it would leave credit";
            return Err(refused(reason, "leave the time open, or change it in Zoho"));
        }
        (false, Some(false) | None) => Effective::Now,
    };
    let is_now = effective == Effective::Now;
    if is_now && next <= today {
        return Err(refused("the subscription renews today", "change it tomorrow, or for the end of the term"));
    }
    let money = |minor: i128| {
        let minor = i64::try_from(minor).map_err(|_| unsound("an amount that can be reckoned with"))?;
        Ok::<_, NoQuote>(Money::new(minor, currency))
    };
    let is_due = is_now && due.amount > 0;
    Ok(Preview {
        wanted: wanted.clone(),
        title: offer.plan.name.clone(),
        present: is.sold.clone(),
        effective,
        effective_on: if effective == Effective::TermEnd { next } else { today },
        lines: if is_due { due.lines } else { Vec::new() },
        due_now: money(if is_due { due.amount } else { 0 })?,
        ceiling: money(if is_due { due.most } else { 0 })?,
        tax_known: price.known,
        renewal: price.gross,
        renews_on: if is_now { due.renews_on } else { next },
        term: (offer.plan.interval, offer.plan.unit),
        version: is.changed_at.clone(),
        expires_at,
        consent_version: terms.consent_version.clone(),
        hash: String::new(),
    }
    .sealed())
}

fn unsound(what: &str) -> NoQuote {
    NoQuote::Unsound(format!("Zoho does not say {what}: look at the subscription there"))
}

/// The rest of the present term at the new price, less the same at the old one. A plan with another term begins one of its
/// own today.
fn due(
    is: &SubscriptionTerms,
    offer: &Offer,
    price: &Sum,
    present: Money,
    today: NaiveDate,
    next: NaiveDate,
) -> Result<Due, NoQuote> {
    if is.status == "trial" {
        return Ok(Due { lines: Vec::new(), amount: 0, most: 0, renews_on: next });
    }
    let began = is.term_starts_on.ok_or_else(|| unsound("when the term began"))?;
    let days = (next - began).num_days().max(1);
    let left = (next - today).num_days().clamp(0, days);
    let rest = |minor: i64| prorated(minor, left, days);
    let is_same_term = (next - plus_term(began, &offer.plan)?).num_days().abs() <= SAME_TERM_DAYS;
    let (charge, most, renews_on) = if is_same_term {
        (rest(price.gross.minor), rest(price.ceiling.minor), next)
    } else {
        (i128::from(price.gross.minor), i128::from(price.ceiling.minor), plus_term(today, &offer.plan)?)
    };
    let credit = rest(present.minor);
    let line = |text: String, minor: i128| {
        let minor = i64::try_from(minor).map_err(|_| unsound("an amount that can be reckoned with"))?;
        Ok::<_, NoQuote>(QuoteLine { text, quantity: 1, net: Money::new(minor, present.currency), tax: None })
    };
    let period = if is_same_term { format!("until {next}") } else { format!("{today} until {renews_on}") };
    let lines = vec![
        line(format!("Unused time of {} until {next}", is.sold.plan), -credit)?,
        line(format!("{} {period}", offer.plan.name), charge)?,
    ];
    // Zoho rounds each of its own lines: one minor unit for each that it may make.
    let roundings = i128::try_from(price.lines.len() + 1).unwrap_or(i128::MAX);
    Ok(Due { lines, amount: charge - credit, most: most - credit + roundings, renews_on })
}

/// So many days of a term's price, half a minor unit rounded up.
fn prorated(minor: i64, left: i64, days: i64) -> i128 {
    let (left, days) = (i128::from(left), i128::from(days));
    (i128::from(minor) * left * 2 + days).div_euclid(days * 2)
}
