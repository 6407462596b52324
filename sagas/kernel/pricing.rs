//! What an offer costs: lines, coupon and tax, in whole minor units. Pure; it refuses what cannot be sold in one sentence
//! with the cure, and never guesses a tax: where Zoho decides it, the highest one bounds the price. It makes no promise to
//! anybody: what is promised, and until when, is a flow's.

use super::money::Money;
use super::offer::{AddonOffer, CouponOffer, Discount, Offer, PlanOffer, Scheme, Tax, TermUnit};
use chrono::{Days, Months, NaiveDate};
use iso_currency::Currency;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One line of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    /// What it is, as customers read it.
    pub text: String,
    /// How many.
    pub quantity: u32,
    /// Net, after a coupon.
    pub net: Money,
    /// Tax on it; absent where it is not known.
    pub tax: Option<Money>,
}
/// The settings by which an offer is priced.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// The highest tax that could be added where the tax is not known, in parts per million.
    pub(crate) highest_tax_ppm: u32,
    /// ISO 4217 codes with a merchant account.
    pub(crate) currencies: &'a [String],
}

/// Why there is no price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoQuote {
    /// It cannot be sold so.
    Refused {
        /// What is wrong.
        reason: String,
        /// What to choose on the record.
        cure: String,
    },
    /// Prices or settings are not good enough: a person's work.
    Unsound(String),
}

/// What a quantity of an offer costs.
#[derive(Debug, Clone)]
pub(crate) struct Priced {
    /// The first term, with what is charged once.
    pub(crate) first: Sum,
    /// Each later one.
    pub(crate) later: Sum,
}

/// The price of a quantity of what Zoho offers; no quantity: one.
pub(crate) fn priced(quantity: Option<u32>, offer: &Offer, rules: &Rules<'_>) -> Result<Priced, NoQuote> {
    sellable(quantity, offer, rules)?;
    let currency = offer.plan.price.currency;
    let lines = lines(quantity.unwrap_or(1), offer)?;
    let first = Sum::of(&discounted(&lines, offer.coupon.as_ref(), false)?, currency, rules)?;
    let later: Vec<_> = lines.iter().filter(|l| l.recurring).cloned().collect();
    let later = Sum::of(&discounted(&later, offer.coupon.as_ref(), true)?, currency, rules)?;
    Ok(Priced { first, later })
}

/// SHA-256 in hex over what was promised: the fields in the order of their declaration, without white space.
pub(crate) fn fingerprint(promise: &impl Serialize) -> String {
    // Plain numbers, texts and dates always serialise.
    let text = serde_json::to_string(promise).unwrap_or_default();
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        for digit in [byte >> 4, byte & 0xf] {
            hex.extend(char::from_digit(u32::from(digit), 16));
        }
        hex
    })
}

const MILLION: i128 = 1_000_000;

/// One line before the coupon.
#[derive(Debug, Clone)]
struct Line {
    text: String,
    quantity: u32,
    net: i128,
    tax: Tax,
    recurring: bool,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plan,
    Addon,
    SetupFee,
}

pub(crate) fn refused(reason: impl Into<String>, cure: impl Into<String>) -> NoQuote {
    NoQuote::Refused { reason: reason.into(), cure: cure.into() }
}

fn too_large() -> NoQuote {
    refused("the price is larger than an amount can be", "lower `Quantity`")
}

/// What cannot be sold, whatever it costs.
fn sellable(quantity: Option<u32>, offer: &Offer, rules: &Rules<'_>) -> Result<(), NoQuote> {
    let plan = &offer.plan;
    if !plan.active {
        return Err(refused(format!("the plan {} is not sold any more", plan.code), "choose another `Plan`"));
    }
    if plan.interval == 0 {
        return Err(NoQuote::Unsound(format!("the plan {} has no term in Zoho: give it an interval", plan.code)));
    }
    if quantity == Some(0) {
        return Err(refused("a quantity of 0 buys nothing", "set `Quantity` to 1 or more, or clear it"));
    }
    let currency = plan.price.currency;
    if !rules.currencies.iter().any(|code| code == currency.code()) {
        let reason = format!("there is no merchant account for {}", currency.code());
        return Err(refused(reason, "choose a `Plan` in a currency that is set up"));
    }
    let unsound = |what: &str, other: Currency| {
        NoQuote::Unsound(format!("{what} is priced in {} and the plan in {}", other.code(), currency.code()))
    };
    if plan.setup_fee.currency != currency {
        return Err(unsound("the setup fee", plan.setup_fee.currency));
    }
    if plan.price.minor < 0 || plan.setup_fee.minor < 0 {
        return Err(NoQuote::Unsound(format!("the plan {} has a negative price in Zoho", plan.code)));
    }
    for addon in &offer.addons {
        if !addon.active || !addon.fits_plan {
            let reason = format!("the add-on {} is not sold with the plan {}", addon.code, plan.code);
            return Err(refused(reason, "remove it from `Add-ons`, or choose another `Plan`"));
        }
        if let Some(bracket) = addon.brackets.iter().find(|b| b.price.currency != currency || b.price.minor < 0) {
            return Err(unsound(&format!("the add-on {}", addon.code), bracket.price.currency));
        }
    }
    if let Some(coupon) = &offer.coupon {
        coupon_fits(coupon, plan)?;
    }
    Ok(())
}

fn coupon_fits(coupon: &CouponOffer, plan: &PlanOffer) -> Result<(), NoQuote> {
    if !coupon.active {
        let reason = format!("the coupon {} cannot be used any more", coupon.code);
        return Err(refused(reason, "clear `Coupon code`, or enter another one"));
    }
    if !coupon.fits_plan {
        let reason = format!("the coupon {} is not for the plan {}", coupon.code, plan.code);
        return Err(refused(reason, "clear `Coupon code`, or choose the plan that it is for"));
    }
    match coupon.discount {
        Discount::Flat { amount } if amount.currency != plan.price.currency => {
            let reason = format!("the coupon {} is in {}", coupon.code, amount.currency.code());
            Err(refused(reason, format!("enter a coupon in {}", plan.price.currency.code())))
        }
        Discount::Flat { .. } | Discount::Share { .. } => Ok(()),
    }
}

fn lines(quantity: u32, offer: &Offer) -> Result<Vec<Line>, NoQuote> {
    let plan = &offer.plan;
    let mut out = vec![Line {
        text: plan.name.clone(),
        quantity,
        net: i128::from(plan.price.minor) * i128::from(quantity),
        tax: plan.tax,
        recurring: true,
        kind: Kind::Plan,
    }];
    if plan.setup_fee.is_positive() {
        out.push(Line {
            text: format!("{}, setup fee, once", plan.name),
            quantity: 1,
            net: i128::from(plan.setup_fee.minor),
            tax: plan.tax,
            recurring: false,
            kind: Kind::SetupFee,
        });
    }
    for addon in &offer.addons {
        // A record names an add-on, not how many of it.
        let text = if addon.recurring { addon.name.clone() } else { format!("{}, once", addon.name) };
        out.push(Line {
            text,
            quantity: 1,
            net: addon_price(addon, 1)?,
            tax: addon.tax,
            recurring: addon.recurring,
            kind: Kind::Addon,
        });
    }
    Ok(out)
}

/// The price of a quantity of an add-on.
fn addon_price(addon: &AddonOffer, quantity: u32) -> Result<i128, NoQuote> {
    let none = || {
        let reason = format!("the add-on {} has no price for a quantity of {quantity}", addon.code);
        refused(reason, "remove it from `Add-ons`")
    };
    let whole = addon.brackets.iter().find(|b| b.from <= quantity && b.to.is_none_or(|to| quantity <= to));
    let price = |money: Money| i128::from(money.minor);
    match addon.scheme {
        Scheme::Unit | Scheme::Volume => Ok(price(whole.ok_or_else(none)?.price) * i128::from(quantity)),
        Scheme::Package => Ok(price(whole.ok_or_else(none)?.price)),
        Scheme::Tier => {
            whole.ok_or_else(none)?;
            Ok(addon.brackets.iter().map(|b| price(b.price) * i128::from(units_in(b.from, b.to, quantity))).sum())
        }
    }
}

/// How many of a quantity fall into a bracket; a bracket from 0 begins with the first unit.
fn units_in(from: u32, to: Option<u32>, quantity: u32) -> u32 {
    let last = to.map_or(quantity, |to| to.min(quantity));
    (last + 1).saturating_sub(from.max(1))
}

/// The lines after the coupon. A later term is without it where it does not last beyond the first invoice.
fn discounted(lines: &[Line], coupon: Option<&CouponOffer>, later: bool) -> Result<Vec<Line>, NoQuote> {
    let mut lines = lines.to_vec();
    let Some(coupon) = coupon.filter(|c| if later { c.invoices.is_none_or(|n| n > 1) } else { c.invoices != Some(0) })
    else {
        return Ok(lines);
    };
    let reached = |line: &Line| match line.kind {
        Kind::Plan => true,
        Kind::Addon => coupon.on_addons,
        Kind::SetupFee => false,
    };
    let total: i128 = lines.iter().filter(|l| reached(l)).map(|l| l.net).sum();
    let mut before = 0;
    for line in lines.iter_mut().filter(|l| reached(l)) {
        let off = match coupon.discount {
            Discount::Share { ppm } => share(line.net, ppm)?,
            // Spread over the lines by their nets, so that the parts add up to exactly the coupon.
            Discount::Flat { amount } if total > 0 => {
                let flat = i128::from(amount.minor).clamp(0, total);
                let part = |net: i128| flat * net / total;
                let off = part(before + line.net) - part(before);
                before += line.net;
                off
            }
            Discount::Flat { .. } => 0,
        };
        line.net -= off.clamp(0, line.net);
        line.text = format!("{}, with coupon {}", line.text, coupon.code);
    }
    Ok(lines)
}

/// A share in parts per million, half a minor unit rounded up.
pub(crate) fn share(net: i128, ppm: u32) -> Result<i128, NoQuote> {
    let doubled = net.checked_mul(i128::from(ppm) * 2).ok_or_else(too_large)?;
    Ok((doubled + MILLION).div_euclid(2 * MILLION))
}

/// Lines with their taxes, and what they come to.
#[derive(Debug, Clone)]
pub(crate) struct Sum {
    pub(crate) lines: Vec<QuoteLine>,
    /// With tax as far as it is known.
    pub(crate) gross: Money,
    /// The tax in it.
    pub(crate) tax: Money,
    /// The most that it can come to.
    pub(crate) ceiling: Money,
    /// The tax of every line is known.
    pub(crate) known: bool,
}

impl Sum {
    pub(crate) fn nothing(currency: Currency, known: bool) -> Self {
        let zero = Money::zero(currency);
        Self { lines: Vec::new(), gross: zero, tax: zero, ceiling: zero, known }
    }

    fn of(lines: &[Line], currency: Currency, rules: &Rules<'_>) -> Result<Self, NoQuote> {
        let money = |minor: i128| i64::try_from(minor).map(|m| Money::new(m, currency)).map_err(|_| too_large());
        let (mut gross, mut taxes, mut margin, mut known) = (0, 0, 0, true);
        let mut out = Vec::with_capacity(lines.len());
        for line in lines {
            let tax = match line.tax {
                Tax::Rate { ppm } => Some(share(line.net, ppm)?),
                Tax::Unknown if rules.highest_tax_ppm == 0 => {
                    let what = "Zoho decides the tax and no highest tax is set: set it, or set the plan's tax in Zoho";
                    return Err(NoQuote::Unsound(what.to_owned()));
                }
                Tax::Unknown => {
                    known = false;
                    // Rounded up: Zoho may round each of its own lines up.
                    margin += share(line.net, rules.highest_tax_ppm)? + i128::from(line.net > 0);
                    None
                }
            };
            gross += line.net + tax.unwrap_or(0);
            taxes += tax.unwrap_or(0);
            out.push(QuoteLine {
                text: line.text.clone(),
                quantity: line.quantity,
                net: money(line.net)?,
                tax: tax.map(money).transpose()?,
            });
        }
        Ok(Self { lines: out, gross: money(gross)?, tax: money(taxes)?, ceiling: money(gross + margin)?, known })
    }
}

pub(crate) fn plus_days(day: NaiveDate, days: u32) -> Result<NaiveDate, NoQuote> {
    day.checked_add_days(Days::new(u64::from(days))).ok_or_else(too_far)
}

fn too_far() -> NoQuote {
    refused("a date of it is beyond the calendar", "choose an earlier `Starts on` or fewer `Trial days`")
}

/// The same day one term later; in a shorter month its last day.
pub(crate) fn plus_term(day: NaiveDate, plan: &PlanOffer) -> Result<NaiveDate, NoQuote> {
    let many = |factor: u32| plan.interval.checked_mul(factor).ok_or_else(too_far);
    match plan.unit {
        TermUnit::Days => plus_days(day, plan.interval),
        TermUnit::Weeks => plus_days(day, many(7)?),
        TermUnit::Months => day.checked_add_months(Months::new(plan.interval)).ok_or_else(too_far),
        TermUnit::Years => day.checked_add_months(Months::new(many(12)?)).ok_or_else(too_far),
    }
}
