//! What Zoho sells, as read now: the ground of a quote.

use super::money::Money;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A plan with the add-ons and the coupon that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The plan.
    pub plan: PlanOffer,
    /// The add-ons, in the order in which they were asked for.
    pub addons: Vec<AddonOffer>,
    /// The coupon.
    pub coupon: Option<CouponOffer>,
    /// When it was read (UTC).
    pub read_at: DateTime<Utc>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanOffer {
    /// Plan code.
    pub code: String,
    /// Name as customers see it.
    pub name: String,
    /// Product id: the plan family.
    pub product: String,
    /// It may be sold.
    pub active: bool,
    /// Net price of one unit for one term.
    pub price: Money,
    /// Net, charged once with the first invoice.
    pub setup_fee: Money,
    /// Terms of so many units.
    pub interval: u32,
    /// Unit of the term.
    pub unit: TermUnit,
    /// Days of trial that the plan itself gives.
    pub trial_days: u32,
    /// Tax on its lines.
    pub tax: Tax,
}

/// Unit of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermUnit {
    Days,
    Weeks,
    Months,
    Years,
}

impl TermUnit {
    /// So many of it, in words: `month`, `3 months`.
    pub fn of(self, count: u32) -> String {
        let unit = match self {
            Self::Days => "day",
            Self::Weeks => "week",
            Self::Months => "month",
            Self::Years => "year",
        };
        if count == 1 { unit.to_owned() } else { format!("{count} {unit}s") }
    }
}

/// Tax on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tax", rename_all = "snake_case")]
pub enum Tax {
    /// This share of the net amount, in parts per million; 0: none.
    Rate {
        /// Parts per million.
        ppm: u32,
    },
    /// Zoho decides when it raises the invoice.
    Unknown,
}

/// An add-on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonOffer {
    /// Add-on code.
    pub code: String,
    /// Name as customers see it.
    pub name: String,
    /// It may be sold.
    pub active: bool,
    /// It may be sold with this plan.
    pub fits_plan: bool,
    /// Charged in every term; else once.
    pub recurring: bool,
    /// How its price follows from the quantity.
    pub scheme: Scheme,
    /// Prices by quantity, from the lowest up.
    pub brackets: Vec<Bracket>,
    /// Tax on its lines.
    pub tax: Tax,
}

/// How a price follows from a quantity (Zoho's `pricing_scheme`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Every unit costs the same.
    Unit,
    /// The bracket of the whole quantity prices every unit.
    Volume,
    /// Each bracket prices its own units.
    Tier,
    /// The bracket of the whole quantity is the price.
    Package,
}

/// One bracket of quantities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bracket {
    /// From this quantity.
    pub from: u32,
    /// To this quantity; absent: without end.
    pub to: Option<u32>,
    /// Net price of a unit, or of the package.
    pub price: Money,
}

/// A coupon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponOffer {
    /// Coupon code.
    pub code: String,
    /// It may be used now.
    pub active: bool,
    /// It may be used with this plan.
    pub fits_plan: bool,
    /// Also on the add-ons.
    pub on_addons: bool,
    /// For how many invoices; absent: for all.
    pub invoices: Option<u32>,
    /// What it takes off.
    pub discount: Discount,
}

/// What a coupon takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Discount {
    /// An amount.
    Flat {
        /// Net.
        amount: Money,
    },
    /// A share, in parts per million.
    Share {
        /// Parts per million.
        ppm: u32,
    },
}

/// Reads a percentage as vendors and people write it (`19`, `8.875`) in parts per million; nothing where it is no plain
/// decimal from 0 to 100 with at most four decimals.
pub fn ppm_of_percent(percent: &str) -> Option<u32> {
    let (whole, fraction) = percent.split_once('.').unwrap_or((percent, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let kept = fraction.trim_end_matches('0');
    if !plain(whole) || !plain(fraction) || kept.len() > 4 {
        return None;
    }
    let ppm = format!("{whole}{kept:0<4}").parse().ok()?;
    (ppm <= 1_000_000).then_some(ppm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_exactly_or_not_at_all() {
        for (text, ppm) in [("19", 190_000), ("8.875", 88_750), ("0", 0), ("100.0", 1_000_000), ("0.0001", 1)] {
            assert_eq!(ppm_of_percent(text), Some(ppm), "{text}");
        }
        for bad in ["", ".", "19.", ".5", "-1", "+1", "1e1", "19%", "100.01", "0.00001", "99999999999"] {
            assert_eq!(ppm_of_percent(bad), None, "{bad}");
        }
    }
}
