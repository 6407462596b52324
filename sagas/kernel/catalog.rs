//! The catalog: what Zoho sells, each offering in a line as the CRM shows it, and what the CRM shows now. Words and prices
//! only; it sells nothing, and what an offer costs a customer is priced from `offer`.

use super::money::Money;
use super::offer::{Bracket, Discount, PlanOffer, Scheme, Tax, TermUnit};
use chrono::{DateTime, Utc};
use iso_currency::Currency;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// All that Zoho sells or sold, as one full read shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// Zoho organization id.
    pub organization: String,
    /// Plans, add-ons and coupons, retired ones too.
    pub offerings: Vec<Offering>,
    /// When the read began (UTC).
    pub read_at: DateTime<Utc>,
}

/// One thing that is sold, in words for the CRM team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offering {
    /// `external_id` in Attio: `plan:<organization>:<code>`.
    pub external_id: String,
    /// What it is.
    pub kind: OfferingKind,
    /// Zoho's code of it.
    pub code: String,
    /// Name as customers see it; a coupon's is its code.
    pub name: String,
    /// The net price of one unit for one term, where there is one such price.
    pub price: Option<Money>,
    /// All that prices it, in a sentence: two offerings that cost the same have the same one.
    pub price_text: String,
    /// How often it is charged: `1 month`, `once` …
    pub interval: String,
    /// It may be sold.
    pub active: bool,
}

/// Slugs of the attributes of a record of the catalog that are ours to write, but for the mark of when.
pub const OFFERING_ATTRIBUTES: [&str; 8] =
    ["external_id", "name", "kind", "code", "price", "price_text", "billing_interval", "offering_status"];

/// What is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferingKind {
    Plan,
    Addon,
    Coupon,
}

impl OfferingKind {
    /// The option's title in Attio, and the first part of an external id.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Addon => "addon",
            Self::Coupon => "coupon",
        }
    }

    /// By which an offering is found in Attio.
    pub fn external_id(self, organization: &str, code: &str) -> String {
        format!("{}:{organization}:{code}", self.as_str())
    }
}

impl Offering {
    /// The status' title in Attio.
    pub const fn status(&self) -> &'static str {
        if self.active { "Available" } else { "Retired" }
    }

    /// A plan.
    pub fn of_plan(organization: &str, plan: &PlanOffer) -> Self {
        let interval = term(plan.interval, plan.unit);
        let every = if plan.interval == 1 { unit(plan.unit).to_owned() } else { interval.clone() };
        let mut price_text = format!("{} every {every}{}", plan.price, tax(plan.tax));
        if plan.setup_fee.is_positive() {
            let _ = write!(price_text, "; setup fee {}", plan.setup_fee);
        }
        if plan.trial_days > 0 {
            let _ = write!(price_text, "; {} days of trial", plan.trial_days);
        }
        Self {
            external_id: OfferingKind::Plan.external_id(organization, &plan.code),
            kind: OfferingKind::Plan,
            code: plan.code.clone(),
            name: plan.name.clone(),
            price: Some(plan.price),
            price_text,
            interval,
            active: plan.active,
        }
    }
}

/// How often: `1 month`, `3 months`.
pub fn term(count: u32, of: TermUnit) -> String {
    if count == 1 { format!("1 {}", unit(of)) } else { format!("{count} {}s", unit(of)) }
}

const fn unit(of: TermUnit) -> &'static str {
    match of {
        TermUnit::Days => "day",
        TermUnit::Weeks => "week",
        TermUnit::Months => "month",
        TermUnit::Years => "year",
    }
}

/// What a quantity costs: the price of one where every one costs the same, else bracket by bracket.
pub fn brackets(scheme: Scheme, brackets: &[Bracket], taxed: Tax) -> String {
    let how = match scheme {
        Scheme::Unit => "",
        Scheme::Volume => " (volume: the whole quantity at its bracket's price)",
        Scheme::Tier => " (tiers: each unit at its bracket's price)",
        Scheme::Package => " (packages: the bracket's price for the whole quantity)",
    };
    let one = |bracket: &Bracket| match (scheme, bracket.to) {
        (Scheme::Unit, _) => format!("{} each", bracket.price),
        (_, Some(to)) => format!("{} to {to}: {}", bracket.from, bracket.price),
        (_, None) => format!("from {}: {}", bracket.from, bracket.price),
    };
    format!("{}{}{how}", brackets.iter().map(one).collect::<Vec<_>>().join(", "), tax(taxed))
}

/// What a coupon takes off.
pub fn discount(of: Discount) -> String {
    match of {
        Discount::Flat { amount } => format!("{amount} off"),
        Discount::Share { ppm } => format!("{} % off", percent(ppm)),
    }
}

fn tax(of: Tax) -> String {
    match of {
        Tax::Rate { ppm: 0 } => String::new(),
        Tax::Rate { ppm } => format!(" plus {} % tax", percent(ppm)),
        Tax::Unknown => " plus tax".to_owned(),
    }
}

/// Parts per million as a percentage, without zeros at its end.
fn percent(ppm: u32) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What Attio shows of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCatalog {
    /// The currency of the attribute `price`: a price in another one stands in `price_text` alone.
    pub currency: Currency,
    /// All records of `service_plans`, oldest first.
    pub records: Vec<ShownOffering>,
}

/// One record of `service_plans`, as Attio holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownOffering {
    /// Record id.
    pub record: String,
    /// Absent on a record that a CRM user made.
    pub external_id: Option<String>,
    /// Title of the option.
    pub kind: Option<String>,
    /// Code.
    pub code: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// In the attribute's currency.
    pub price: Option<Money>,
    /// Exact price, in words.
    pub price_text: Option<String>,
    /// Billing interval, in words.
    pub interval: Option<String>,
    /// Title of the status.
    pub status: Option<String>,
    /// Attributes of ours whose present value a workspace member set, by slug.
    pub edited: Vec<String>,
    /// When one of ours was set last (UTC).
    pub touched_at: Option<DateTime<Utc>>,
    /// A sync was asked for on the record, and nobody has answered.
    pub press: Option<CatalogPress>,
}

/// The act `Sync catalog now` as it stands on a record of `service_plans`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CatalogPress {
    /// Record id of the object `service_plans`.
    pub record: String,
    /// When it was pressed (UTC): the value's `active_from`.
    pub pressed_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use iso_currency::Currency;

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::EUR)
    }

    #[test]
    fn a_plans_sentence_holds_all_that_prices_it() {
        let plan = PlanOffer {
            code: "team".to_owned(),
            name: "Team".to_owned(),
            product: "1".to_owned(),
            active: true,
            price: eur(7_900),
            setup_fee: eur(0),
            interval: 1,
            unit: TermUnit::Months,
            trial_days: 0,
            tax: Tax::Rate { ppm: 0 },
        };
        let text = |plan: &PlanOffer| Offering::of_plan("60012", plan).price_text;
        let money = eur(7_900);
        assert_eq!(text(&plan), format!("{money} every month"));
        let quarterly = PlanOffer { interval: 3, tax: Tax::Rate { ppm: 88_750 }, ..plan.clone() };
        assert_eq!(text(&quarterly), format!("{money} every 3 months plus 8.875 % tax"));
        let fee = eur(25_000);
        let whole = PlanOffer { setup_fee: fee, trial_days: 14, tax: Tax::Unknown, ..plan.clone() };
        assert_eq!(text(&whole), format!("{money} every month plus tax; setup fee {fee}; 14 days of trial"));
        let offering = Offering::of_plan("60012", &plan);
        assert_eq!((offering.external_id.as_str(), offering.interval.as_str()), ("plan:60012:team", "1 month"));
    }

    #[test]
    fn brackets_and_discounts_are_told_one_by_one() {
        let bracket = |from, to, minor| Bracket { from, to, price: eur(minor) };
        let none = Tax::Rate { ppm: 0 };
        assert_eq!(brackets(Scheme::Unit, &[bracket(1, None, 900)], none), format!("{} each", eur(900)));
        let two = [bracket(1, Some(10), 900), bracket(11, None, 800)];
        let told = brackets(Scheme::Tier, &two, Tax::Rate { ppm: 190_000 });
        let first = format!("1 to 10: {}, from 11: {} plus 19 % tax (tiers", eur(900), eur(800));
        assert!(told.starts_with(&first), "{told}");
        assert_ne!(told, brackets(Scheme::Volume, &two, Tax::Rate { ppm: 190_000 }), "another scheme, another price");
        assert_eq!(discount(Discount::Share { ppm: 100_000 }), "10 % off");
        assert_eq!(discount(Discount::Flat { amount: eur(500) }), format!("{} off", eur(500)));
    }
}
