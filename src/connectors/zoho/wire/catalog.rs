//! Plans, add-ons and coupons as Zoho Billing writes them. Prices are in the organization's own currency, which no
//! answer of the catalog names.

use super::super::catalog::Prices;
use super::super::lists::{ListedAddon, ListedCoupon, Product};
use super::{Amount, Unreadable, filled, given};
use sagas::kernel::money::Money;
use sagas::kernel::offer::{AddonOffer, Bracket, CouponOffer, Discount, PlanOffer, Scheme, TermUnit, ppm_of_percent};
use serde::Deserialize;

/// `{"plan": …}`
#[derive(Debug, Deserialize)]
pub(in super::super) struct PlanAnswer {
    pub(in super::super) plan: PlanWire,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct PlanWire {
    plan_code: String,
    name: String,
    status: String,
    product_id: String,
    recurring_price: Amount,
    setup_fee: Option<Amount>,
    interval: Amount,
    interval_unit: Option<String>,
    trial_period: Option<Amount>,
    tax_id: Option<String>,
}

impl PlanWire {
    pub(in super::super) fn read(self, prices: &Prices) -> Result<PlanOffer, Unreadable> {
        let setup_fee = given(self.setup_fee.as_ref()).map(|fee| fee.money("plan.setup_fee", prices.currency));
        let trial_days = given(self.trial_period.as_ref()).map(|days| days.count("plan.trial_period"));
        let unit = match self.interval_unit.as_deref() {
            Some("days") => TermUnit::Days,
            Some("weeks") => TermUnit::Weeks,
            // Zoho's default.
            Some("months" | "") | None => TermUnit::Months,
            Some("years") => TermUnit::Years,
            Some(_) => return Err(Unreadable::Field("plan.interval_unit")),
        };
        Ok(PlanOffer {
            active: self.status == "active",
            price: self.recurring_price.money("plan.recurring_price", prices.currency)?,
            setup_fee: setup_fee.transpose()?.unwrap_or(Money::zero(prices.currency)),
            interval: self.interval.count("plan.interval")?,
            unit,
            trial_days: trial_days.transpose()?.unwrap_or(0),
            tax: prices.tax(self.tax_id.as_deref()),
            code: self.plan_code,
            name: self.name,
            product: self.product_id,
        })
    }
}

/// `{"addon": …}`
#[derive(Debug, Deserialize)]
pub(in super::super) struct AddonAnswer {
    pub(in super::super) addon: AddonWire,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct AddonWire {
    addon_code: String,
    name: String,
    status: String,
    product_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    interval_unit: Option<String>,
    pricing_scheme: Option<String>,
    price_brackets: Vec<BracketWire>,
    applicable_to_all_plans: Option<bool>,
    plans: Option<Vec<PlanCode>>,
    tax_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct BracketWire {
    start_quantity: Option<Amount>,
    end_quantity: Option<Amount>,
    price: Amount,
}

#[derive(Debug, Deserialize)]
struct PlanCode {
    plan_code: String,
}

#[derive(Debug, Deserialize)]
struct AddonCode {
    addon_code: String,
}

impl AddonWire {
    pub(in super::super) fn read(self, plan: &PlanOffer, prices: &Prices) -> Result<AddonOffer, Unreadable> {
        let fits_plan = self.fits(plan, self.is_recurring()?);
        let ListedAddon { code, name, product: _, active, recurring, scheme, brackets, tax } = self.listed(prices)?;
        Ok(AddonOffer { code, name, active, fits_plan, recurring, scheme, brackets, tax })
    }

    fn is_recurring(&self) -> Result<bool, Unreadable> {
        match self.kind.as_deref() {
            // Zoho's default.
            Some("recurring" | "") | None => Ok(true),
            Some("one_time") => Ok(false),
            Some(_) => Err(Unreadable::Field("addon.type")),
        }
    }

    /// Apart from any plan.
    fn listed(self, prices: &Prices) -> Result<ListedAddon, Unreadable> {
        let scheme = match self.pricing_scheme.as_deref() {
            // Zoho's default.
            Some("unit" | "") | None => Scheme::Unit,
            Some("volume") => Scheme::Volume,
            Some("tier") => Scheme::Tier,
            Some("package") => Scheme::Package,
            Some(_) => return Err(Unreadable::Field("addon.pricing_scheme")),
        };
        Ok(ListedAddon {
            active: self.status == "active",
            recurring: self.is_recurring()?,
            scheme,
            brackets: brackets(&self.price_brackets, prices)?,
            tax: prices.tax(self.tax_id.as_deref()),
            product: filled(self.product_id),
            code: self.addon_code,
            name: self.name,
        })
    }

    /// Of the plan's product, for this plan or all, and charged as often as the plan where it is charged again.
    fn fits(&self, plan: &PlanOffer, recurring: bool) -> bool {
        let plans = self.plans.as_deref().unwrap_or_default();
        let for_all = self.applicable_to_all_plans.unwrap_or(plans.is_empty());
        let listed = for_all || plans.iter().any(|of| of.plan_code == plan.code);
        let same_term = match (self.interval_unit.as_deref(), plan.unit) {
            (Some("yearly"), unit) => unit == TermUnit::Years,
            (_, unit) => unit == TermUnit::Months,
        };
        is_of(self.product_id.as_deref(), plan) && listed && (same_term || !recurring)
    }
}

/// From the lowest up. The scheme `unit` has one without bounds, `package` names upper ends only.
fn brackets(wires: &[BracketWire], prices: &Prices) -> Result<Vec<Bracket>, Unreadable> {
    const FIELD: &str = "addon.price_brackets";
    let bound = |number: Option<&Amount>| {
        let bound = given(number).map(|number| number.count(FIELD)).transpose();
        bound.map(|bound| bound.filter(|bound| *bound > 0))
    };
    let read = |wire: &BracketWire| {
        let (from, to) = (bound(wire.start_quantity.as_ref())?, bound(wire.end_quantity.as_ref())?);
        Ok((from, to, wire.price.money(FIELD, prices.currency)?))
    };
    let mut all = wires.iter().map(read).collect::<Result<Vec<_>, Unreadable>>()?;
    all.sort_by_key(|(from, to, _)| (from.or(*to), to.unwrap_or(u32::MAX)));
    let mut next = 1;
    let mut brackets = Vec::with_capacity(all.len());
    for (from, to, price) in all {
        let from = from.unwrap_or(next);
        if to.is_some_and(|to| to < from) {
            return Err(Unreadable::Field(FIELD));
        }
        next = to.map_or(from, |to| to.saturating_add(1));
        brackets.push(Bracket { from, to, price });
    }
    if brackets.is_empty() { Err(Unreadable::Field(FIELD)) } else { Ok(brackets) }
}

/// `{"coupon": …}`
#[derive(Debug, Deserialize)]
pub(in super::super) struct CouponAnswer {
    pub(in super::super) coupon: CouponWire,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct CouponWire {
    coupon_code: String,
    /// `active`, `inactive`, `expired`, `maxed_out`.
    status: String,
    #[serde(rename = "type")]
    kind: String,
    duration: Option<Amount>,
    discount_by: String,
    discount_value: Amount,
    product_id: Option<String>,
    apply_to_plans: Option<String>,
    plans: Option<Vec<PlanCode>>,
    apply_to_addons: Option<String>,
    addons: Option<Vec<AddonCode>>,
}

impl CouponWire {
    /// On the add-ons only if it covers each one that was asked for: a quote may not promise too much.
    pub(in super::super) fn read(
        self,
        plan: &PlanOffer,
        addons: &[AddonOffer],
        prices: &Prices,
    ) -> Result<CouponOffer, Unreadable> {
        let invoices = match self.kind.as_str() {
            "one_time" => Some(1),
            "duration" => {
                let times = given(self.duration.as_ref()).ok_or(Unreadable::Field("coupon.duration"))?;
                Some(times.count("coupon.duration")?)
            }
            "forever" => None,
            _ => return Err(Unreadable::Field("coupon.type")),
        };
        let discount = discount(&self.discount_by, &self.discount_value, prices)?;
        let of_product = is_of(self.product_id.as_deref(), plan);
        Ok(CouponOffer {
            active: self.status == "active",
            fits_plan: of_product && self.covers_plan(plan),
            on_addons: of_product && !addons.is_empty() && addons.iter().all(|addon| self.covers_addon(addon)),
            invoices,
            discount,
            code: self.coupon_code,
        })
    }

    fn covers_plan(&self, plan: &PlanOffer) -> bool {
        match self.apply_to_plans.as_deref() {
            Some("all") => true,
            Some("none") => false,
            Some(_) | None => self.plans.iter().flatten().any(|of| of.plan_code == plan.code),
        }
    }

    fn covers_addon(&self, addon: &AddonOffer) -> bool {
        match self.apply_to_addons.as_deref() {
            Some("all_addons") => true,
            Some("all_recurring") => addon.recurring,
            Some("all_onetime") => !addon.recurring,
            Some("none") => false,
            Some(_) | None => self.addons.iter().flatten().any(|of| of.addon_code == addon.code),
        }
    }
}

fn discount(by: &str, value: &Amount, prices: &Prices) -> Result<Discount, Unreadable> {
    match by {
        "flat" => Ok(Discount::Flat { amount: value.money("coupon.discount_value", prices.currency)? }),
        "percentage" => {
            let ppm = ppm_of_percent(value.text()).ok_or(Unreadable::Field("coupon.discount_value"))?;
            Ok(Discount::Share { ppm })
        }
        _ => Err(Unreadable::Field("coupon.discount_by")),
    }
}

/// Rows of `GET /products`.
#[derive(Debug, Deserialize)]
pub(in super::super) struct ProductRows {
    products: Vec<ProductRow>,
}

#[derive(Debug, Deserialize)]
struct ProductRow {
    product_id: String,
    name: String,
    status: String,
}

impl ProductRows {
    pub(in super::super) fn read(self) -> Vec<Product> {
        let rows = self.products.into_iter();
        rows.map(|row| Product { id: row.product_id, name: row.name, active: row.status == "active" }).collect()
    }
}

/// Rows of `GET /plans`.
#[derive(Debug, Deserialize)]
pub(in super::super) struct PlanRows {
    plans: Vec<PlanWire>,
}

impl PlanRows {
    pub(in super::super) fn read(self, prices: &Prices) -> Result<Vec<PlanOffer>, Unreadable> {
        self.plans.into_iter().map(|plan| plan.read(prices)).collect()
    }
}

/// Rows of `GET /addons`.
#[derive(Debug, Deserialize)]
pub(in super::super) struct AddonRows {
    addons: Vec<AddonWire>,
}

impl AddonRows {
    pub(in super::super) fn read(self, prices: &Prices) -> Result<Vec<ListedAddon>, Unreadable> {
        self.addons.into_iter().map(|addon| addon.listed(prices)).collect()
    }
}

/// Rows of `GET /coupons`: they do not say what a coupon applies to.
#[derive(Debug, Deserialize)]
pub(in super::super) struct CouponRows {
    coupons: Vec<CouponRow>,
}

#[derive(Debug, Deserialize)]
struct CouponRow {
    coupon_code: String,
    status: String,
    discount_by: String,
    discount_value: Amount,
    product_id: Option<String>,
}

impl CouponRows {
    pub(in super::super) fn read(self, prices: &Prices) -> Result<Vec<ListedCoupon>, Unreadable> {
        let read = |row: CouponRow| {
            Ok(ListedCoupon {
                discount: discount(&row.discount_by, &row.discount_value, prices)?,
                active: row.status == "active",
                product: filled(row.product_id),
                code: row.coupon_code,
            })
        };
        self.coupons.into_iter().map(read).collect()
    }
}

/// Of the plan's product, or of none.
fn is_of(product: Option<&str>, plan: &PlanOffer) -> bool {
    product.is_none_or(|product| product.is_empty() || product == plan.product)
}
