//! Coupons: what takes something off plans and add-ons. Setup fees are no such thing: no coupon touches them.

use super::State;
use super::call::{Call, Org, Route, route};
use super::dates::stamp;
use super::errors::Refusal;
use super::fields::Fields;
use super::ids::Id;
use super::list::{Listing, filter_by};
use super::money::{Currency, Percent, share};
use super::offers::{Charge, Sort};
use super::reply::{Answer, Object, Reply};
use axum::routing::MethodFilter;
use chrono::{DateTime, NaiveDate, Utc};

pub(super) const ROUTES: &[Route] = &[
    route("coupon.create", MethodFilter::POST, "/coupons", create),
    route("coupon.list", MethodFilter::GET, "/coupons", list),
    route("coupon.get", MethodFilter::GET, "/coupons/{code}", get),
    route("coupon.update", MethodFilter::PUT, "/coupons/{code}", update),
    route("coupon.delete", MethodFilter::DELETE, "/coupons/{code}", delete),
    route("coupon.markasactive", MethodFilter::POST, "/coupons/{code}/markasactive", mark_active),
    route("coupon.markasinactive", MethodFilter::POST, "/coupons/{code}/markasinactive", mark_inactive),
];

/// A coupon.
#[derive(Debug, Clone)]
pub(super) struct Coupon {
    id: Id,
    pub(super) code: String,
    pub(super) name: String,
    description: String,
    uses: Uses,
    discount: Discount,
    product: Id,
    plans: Scope,
    addons: Scope,
    /// Subscriptions that may use it.
    max: Option<i64>,
    /// Subscriptions that used it.
    redeemed: i64,
    /// The last day on which it can be applied to a subscription.
    expiry: Option<NaiveDate>,
    active: bool,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

/// How many invoices of one subscription it is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Uses {
    Once,
    Times(i64),
    Forever,
}

/// What it takes off.
#[derive(Debug, Clone, Copy)]
enum Discount {
    /// Minor units of the organisation's own currency, of all that it covers together.
    Flat(i64),
    Percentage(Percent),
}

/// The plans, or the add-ons, that it covers.
#[derive(Debug, Clone)]
enum Scope {
    All,
    Recurring,
    Once,
    Nothing,
    Selected(Vec<String>),
}

impl Scope {
    /// Reads `field`, and, where it says `select`, the codes in `list`.
    fn read(fields: &Fields, field: &str, list: &str, code: &str) -> Result<Self, Refusal> {
        let codes = fields.list(list)?.unwrap_or_default();
        match fields.text(field)?.as_deref() {
            None | Some("") if codes.is_empty() => Ok(Self::All),
            Some("all" | "all_addons") => Ok(Self::All),
            Some("all_recurring") => Ok(Self::Recurring),
            Some("all_onetime") => Ok(Self::Once),
            Some("none") => Ok(Self::Nothing),
            None | Some("" | "select") if codes.is_empty() => Err(Refusal::missing(list)),
            None | Some("" | "select") => {
                Ok(Self::Selected(codes.iter().map(|fields| fields.needed(code)).collect::<Result<_, Refusal>>()?))
            }
            Some(_) => Err(Refusal::invalid(field)),
        }
    }

    fn covers(&self, charge: &Charge) -> bool {
        match self {
            Self::All => true,
            Self::Recurring => charge.sort != Sort::OneTime,
            Self::Once => charge.sort == Sort::OneTime,
            Self::Nothing => false,
            Self::Selected(codes) => codes.contains(&charge.code),
        }
    }

    /// Zoho's word; `all` differs between plans and add-ons.
    fn word(&self, all: &'static str) -> &'static str {
        match self {
            Self::All => all,
            Self::Recurring => "all_recurring",
            Self::Once => "all_onetime",
            Self::Nothing => "none",
            Self::Selected(_) => "select",
        }
    }

    fn codes(&self) -> &[String] {
        match self {
            Self::Selected(codes) => codes,
            Self::All | Self::Recurring | Self::Once | Self::Nothing => &[],
        }
    }
}

impl Coupon {
    /// Zoho's word for its state.
    fn status(&self, today: NaiveDate) -> &'static str {
        if !self.active {
            "inactive"
        } else if self.expiry.is_some_and(|day| today > day) {
            "expired"
        } else if self.max.is_some_and(|max| self.redeemed >= max) {
            "maxed_out"
        } else {
            "active"
        }
    }

    fn covers(&self, charge: &Charge) -> bool {
        match charge.sort {
            Sort::Plan => self.plans.covers(charge),
            Sort::Addon | Sort::OneTime => self.addons.covers(charge),
            Sort::SetupFee => false,
        }
    }

    /// Refuses a coupon that cannot be applied to these charges of this product, or to anything.
    fn check(&self, charges: &[Charge], product: Id, today: NaiveDate) -> Result<(), Refusal> {
        match self.status(today) {
            "active" if self.product == product && charges.iter().any(|charge| self.covers(charge)) => Ok(()),
            "active" => Err(Refusal::coupon(&self.code, "is not applicable to this subscription")),
            "expired" => Err(Refusal::coupon(&self.code, "has expired")),
            "maxed_out" => Err(Refusal::coupon(&self.code, "has reached its maximum number of redemptions")),
            _ => Err(Refusal::coupon(&self.code, "is inactive")),
        }
    }

    /// Takes the discount off the charges that it covers. Percentages are rounded half up for each charge; a flat
    /// amount is spread over them by what they cost, to the last minor unit.
    pub(super) fn take_off(&self, charges: &mut [Charge]) {
        let covered: Vec<&mut Charge> = charges.iter_mut().filter(|charge| self.covers(charge)).collect();
        let whole: i64 = covered.iter().map(|charge| charge.cost).sum();
        let (mut seen, mut given) = (0, 0);
        for charge in covered {
            charge.discount = match self.discount {
                Discount::Percentage(percent) => percent.of(charge.cost),
                Discount::Flat(amount) => {
                    seen += charge.cost;
                    share(amount.min(whole), seen, whole) - given
                }
            };
            given += charge.discount;
        }
    }

    fn limits(&mut self, fields: &Fields) -> Result<(), Refusal> {
        if let Some(description) = fields.text("description")? {
            self.description = description;
        }
        if let Some(max) = fields.whole("max_redemption")? {
            self.max = Some(max).filter(|max| *max > 0);
        }
        self.expiry = fields.date("expiry_at")?.or(self.expiry);
        Ok(())
    }
}

/// A coupon on a subscription.
#[derive(Debug, Clone)]
pub(super) struct Redeemed {
    pub(super) code: String,
    /// Invoices that it is still good for; nothing: all.
    left: Option<i64>,
    /// Whether it is taken off the present term, or the first one that is still to come.
    pub(super) present: bool,
}

impl State {
    /// The coupon of this code, in whatever state.
    pub(super) fn coupon(&self, code: &str) -> Result<&Coupon, Refusal> {
        self.coupons.get(code).ok_or_else(|| Refusal::unknown("Coupon"))
    }

    /// The coupon's use for an invoice of this day; it is used up by one. After its last day, only coupons that hold
    /// forever are still good.
    pub(super) fn use_coupon(&self, redeemed: &mut Redeemed, day: NaiveDate) -> Option<&Coupon> {
        let coupon = self.coupons.get(&redeemed.code)?;
        let in_time = coupon.uses == Uses::Forever || coupon.expiry.is_none_or(|last| day <= last);
        redeemed.present = in_time && redeemed.left.is_none_or(|left| left > 0);
        if redeemed.present {
            redeemed.left = redeemed.left.map(|left| left - 1);
        }
        Some(coupon).filter(|_| redeemed.present)
    }

    fn coupon_row(&self, coupon: &Coupon, today: NaiveDate) -> Object {
        let kind = match coupon.uses {
            Uses::Once => "one_time",
            Uses::Times(_) => "duration",
            Uses::Forever => "forever",
        };
        let (by, value) = match coupon.discount {
            Discount::Flat(amount) => ("flat", self.base_currency().number(amount)),
            Discount::Percentage(percent) => ("percentage", percent.number()),
        };
        let row = Object::new()
            .with("coupon_code", &coupon.code)
            .with("name", &coupon.name)
            .with("description", &coupon.description)
            .with("type", kind)
            .with("status", coupon.status(today))
            .with("discount_by", by)
            .with("discount_value", value)
            .with("product_id", coupon.product)
            .with("redemption_count", coupon.redeemed)
            .with("expiry_at", coupon.expiry.map(|day| day.to_string()).unwrap_or_default())
            .with("created_time", stamp(coupon.created))
            .with("updated_time", stamp(coupon.updated));
        // Always a number, by the documents: without a limit there is none.
        match coupon.max {
            Some(max) => row.with("max_redemption", max),
            None => row,
        }
    }

    fn coupon_view(&self, code: &str, today: NaiveDate) -> Result<Object, Refusal> {
        let coupon = self.coupon(code)?;
        let addon = |code: &String| {
            let name = self.addons.get(code).map_or("", |addon| &addon.name);
            Object::new().with("addon_code", code).with("name", name)
        };
        let plans = coupon.plans.codes().iter().map(|code| self.plan_name_view(code));
        let row = self.coupon_row(coupon, today);
        let row = if let Uses::Times(times) = coupon.uses { row.with("duration", times) } else { row };
        Ok(row
            .with("apply_to_plans", coupon.plans.word("all"))
            .with("plans", plans.collect::<Vec<_>>())
            .with("apply_to_addons", coupon.addons.word("all_addons"))
            .with("addons", coupon.addons.codes().iter().map(addon).collect::<Vec<_>>()))
    }
}

impl Org<'_> {
    /// Adds a coupon from the fields of a request.
    pub(super) fn add_coupon(&mut self, fields: &Fields) -> Result<String, Refusal> {
        let code = fields.needed("coupon_code")?;
        if self.state.coupons.contains_key(&code) {
            return Err(Refusal::invalid("coupon_code"));
        }
        let times = || match fields.whole("duration")? {
            Some(times) if times > 0 => Ok(Uses::Times(times)),
            Some(_) => Err(Refusal::invalid("duration")),
            None => Err(Refusal::missing("duration")),
        };
        let value = fields.needed("discount_value")?;
        let wrong_value = || Refusal::invalid("discount_value");
        let mut coupon = Coupon {
            id: self.state.counters.id(),
            code: code.clone(),
            name: fields.needed("name")?,
            description: String::new(),
            uses: match fields.needed("type")?.as_str() {
                "one_time" => Uses::Once,
                "duration" => times()?,
                "forever" => Uses::Forever,
                _ => return Err(Refusal::invalid("type")),
            },
            discount: match fields.needed("discount_by")?.as_str() {
                "flat" => Discount::Flat(fields.needed_amount("discount_value", self.state.base_currency())?),
                "percentage" => Discount::Percentage(Percent::parse(&value).ok_or_else(wrong_value)?),
                _ => return Err(Refusal::invalid("discount_by")),
            },
            product: self.state.product(fields.needed_id("product_id")?)?,
            plans: Scope::read(fields, "apply_to_plans", "plans", "plan_code")?,
            addons: Scope::read(fields, "apply_to_addons", "addons", "addon_code")?,
            max: None,
            redeemed: 0,
            expiry: None,
            active: true,
            created: self.now,
            updated: self.now,
        };
        for plan in coupon.plans.codes() {
            self.state.plan(plan)?;
        }
        for addon in coupon.addons.codes() {
            self.state.addon(addon)?;
        }
        coupon.limits(fields)?;
        self.state.coupons.insert(code.clone(), coupon);
        Ok(code)
    }

    /// Checks that a coupon can be applied to these charges of this product now. A flat one is money of the
    /// organisation's own currency.
    pub(super) fn check_coupon(
        &self,
        code: &str,
        charges: &[Charge],
        product: Id,
        currency: Currency,
    ) -> Result<Redeemed, Refusal> {
        let coupon = self.state.coupon(code)?;
        coupon.check(charges, product, self.today())?;
        if matches!(coupon.discount, Discount::Flat(_)) && currency != self.state.base_currency() {
            return Err(Refusal::coupon(code, "is not applicable to this subscription"));
        }
        let left = match coupon.uses {
            Uses::Once => Some(1),
            Uses::Times(times) => Some(times),
            Uses::Forever => None,
        };
        Ok(Redeemed { code: coupon.code.clone(), left, present: true })
    }

    /// Counts one more subscription that uses a coupon.
    pub(super) fn count_redemption(&mut self, code: &str) {
        if let Some(coupon) = self.state.coupons.get_mut(code) {
            coupon.redeemed += 1;
        }
    }
}

fn show(call: &Call<'_>, code: &str, reply: Reply) -> Answer {
    Ok(reply.with("coupon", call.org.state.coupon_view(code, call.org.today())?))
}

fn create(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let code = call.org.add_coupon(&fields)?;
    show(call, &code, Reply::created("The coupon has been created"))
}

fn get(call: &mut Call<'_>) -> Answer {
    show(call, call.param("code"), Reply::ok("success"))
}

fn list(call: &mut Call<'_>) -> Answer {
    let filter = filter_by(call, "CouponStatus.")?;
    let product = call.query_id("product_id")?;
    let (state, today) = (&*call.org.state, call.org.today());
    let wanted = |coupon: &&Coupon| {
        let status = match filter {
            "All" => true,
            "ACTIVE" | "INACTIVE" | "EXPIRED" => filter.eq_ignore_ascii_case(coupon.status(today)),
            _ => false,
        };
        status && product.is_none_or(|id| coupon.product == id)
    };
    let by_id = |id: Id| state.coupons.values().find(|coupon| coupon.id == id);
    let ids = state.coupons.values().filter(wanted).map(|coupon| coupon.id);
    let row = |id| by_id(id).map(|coupon| state.coupon_row(coupon, today)).unwrap_or_default();
    Listing { key: "coupons", report: "Coupons", filter: &format!("CouponStatus.{filter}") }.answer(call, ids, row)
}

fn change(call: &mut Call<'_>, message: &str, change: impl FnOnce(&mut Coupon) -> Result<(), Refusal>) -> Answer {
    let mut coupon = call.org.state.coupon(call.param("code"))?.clone();
    change(&mut coupon)?;
    coupon.updated = call.org.now;
    let code = coupon.code.clone();
    call.org.state.coupons.insert(code.clone(), coupon);
    show(call, &code, Reply::ok(message))
}

fn update(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    change(call, "The coupon details have been updated.", |coupon| {
        coupon.name = fields.needed("name")?;
        coupon.limits(&fields)
    })
}

fn delete(call: &mut Call<'_>) -> Answer {
    let coupon = call.org.state.coupon(call.param("code"))?;
    if coupon.redeemed > 0 {
        return Err(Refusal::has_transactions("The coupon"));
    }
    let code = coupon.code.clone();
    call.org.state.coupons.remove(&code);
    Ok(Reply::ok("The coupon has been deleted."))
}

fn mark_active(call: &mut Call<'_>) -> Answer {
    mark(call, true, "The coupon has been marked as active.")
}

fn mark_inactive(call: &mut Call<'_>) -> Answer {
    mark(call, false, "The coupon has been marked as inactive.")
}

fn mark(call: &mut Call<'_>, active: bool, message: &str) -> Answer {
    let code = call.org.state.coupon(call.param("code"))?.code.clone();
    if let Some(coupon) = call.org.state.coupons.get_mut(&code) {
        coupon.active = active;
        coupon.updated = call.org.now;
    }
    Ok(Reply::ok(message))
}
