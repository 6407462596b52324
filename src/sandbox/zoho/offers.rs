//! What a subscription is charged for: its plan with quantity and price, its add-ons, its setup fee, and what discounts
//! and taxes make of them.

use super::State;
use super::call::Org;
use super::customers::Customer;
use super::dates::Term;
use super::errors::Refusal;
use super::fields::Fields;
use super::ids::Id;
use super::invoices::Line;
use super::money::Currency;
use super::reply::Object;
use super::subscriptions::Subscription;
use super::taxes::{self, Tax};

/// One thing to pay for; amounts in minor units.
#[derive(Debug, Clone)]
pub(super) struct Charge {
    pub(super) sort: Sort,
    pub(super) code: String,
    pub(super) name: String,
    /// For one piece; for add-ons in tiers or packages, that of the bracket in which the quantity lies.
    pub(super) price: i64,
    pub(super) quantity: i64,
    /// Before discount and tax.
    pub(super) cost: i64,
    pub(super) discount: i64,
    pub(super) tax: Option<Tax>,
}

/// What a charge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Plan,
    SetupFee,
    /// An add-on, each term.
    Addon,
    /// An add-on or a service, once.
    OneTime,
}

/// What is charged each term, and add-ons that are charged once beside it.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The plan's code.
    pub(super) code: String,
    pub(super) name: String,
    pub(super) product: Id,
    pub(super) product_name: String,
    /// Minor units for one piece.
    price: i64,
    quantity: i64,
    pub(super) tax: Option<Tax>,
    pub(super) term: Term,
    addons: Vec<Charge>,
}

impl Charge {
    /// Price times quantity, without a discount.
    pub(super) fn new(sort: Sort, code: &str, name: &str, (price, quantity): (i64, i64), tax: Option<Tax>) -> Self {
        let (code, name) = (code.to_owned(), name.to_owned());
        Self { sort, code, name, price, quantity, cost: price.saturating_mul(quantity), discount: 0, tax }
    }

    /// What is taxed.
    pub(super) fn net(&self) -> i64 {
        self.cost - self.discount
    }

    /// The tax, rounded half up for this charge alone.
    pub(super) fn tax_amount(&self) -> i64 {
        self.tax.as_ref().map_or(0, |tax| tax.on(self.net()))
    }

    /// The net amount with its tax.
    pub(super) fn total(&self) -> i64 {
        self.net() + self.tax_amount()
    }

    /// The tax, if there is one, with its amount.
    pub(super) fn tax_part(&self) -> Option<(&Tax, i64)> {
        self.tax.as_ref().map(|tax| (tax, self.tax_amount()))
    }

    /// Whether each term is charged for it again.
    pub(super) fn recurs(&self) -> bool {
        match self.sort {
            Sort::Plan | Sort::Addon => true,
            Sort::SetupFee | Sort::OneTime => false,
        }
    }
}

impl Item {
    /// Reads `plan` and `addons` of a request; absent add-ons are those of `current`. The plan must be for sale, unless
    /// it is the current one. Another currency than the organisation's own needs prices, as the catalog has none in it.
    pub(super) fn read(
        org: &Org<'_>,
        request: &Fields,
        customer: &Customer,
        current: Option<&Self>,
    ) -> Result<Self, Refusal> {
        let fields = request.object("plan")?.ok_or_else(|| Refusal::missing("plan"))?;
        let plan = org.state.plan(&fields.needed("plan_code")?)?;
        if !plan.active && current.is_none_or(|current| current.code != plan.code) {
            return Err(Refusal::not_for_sale("plan", &plan.code, "is inactive"));
        }
        let own_price = (customer.currency == org.state.base_currency()).then_some(plan.price);
        let given = fields.amount("price", customer.currency)?;
        let mut item = Self {
            code: plan.code.clone(),
            name: plan.name.clone(),
            product: plan.product,
            product_name: org.state.product_name(plan.product).to_owned(),
            price: given.or(own_price).ok_or_else(|| Refusal::missing("price"))?,
            quantity: fields.quantity()?,
            tax: org.state.tax_for(customer, fields.id("tax_id")?.or(plan.tax))?,
            term: plan.term,
            addons: current.map(|current| current.addons.clone()).unwrap_or_default(),
        };
        item.price.checked_mul(item.quantity).ok_or_else(|| Refusal::invalid("price"))?;
        if let Some(addons) = request.list("addons")? {
            item.addons = addons
                .iter()
                .map(|addon| org.read_addon(addon, &item.code, customer))
                .collect::<Result<_, Refusal>>()?;
        }
        Ok(item)
    }

    /// What a term costs, before discount and tax.
    pub(super) fn cost(&self) -> i64 {
        let addons = self.addons.iter().filter(|charge| charge.recurs());
        self.price.saturating_mul(self.quantity) + addons.map(|charge| charge.cost).sum::<i64>()
    }

    fn plan_charge(&self) -> Charge {
        Charge::new(Sort::Plan, &self.code, &self.name, (self.price, self.quantity), self.tax.clone())
    }
}

impl Subscription {
    /// The charges of one term, before discounts; with setup fee and add-ons charged once if it is the first.
    pub(super) fn charges(&self, first: bool) -> Vec<Charge> {
        let item = &self.item;
        let fee = Charge::new(Sort::SetupFee, &item.code, "Setup fee", (self.setup_fee, 1), item.tax.clone());
        let addons = item.addons.iter().filter(|charge| first || charge.recurs()).cloned();
        let fee = Some(fee).filter(|fee| first && fee.cost > 0);
        std::iter::once(item.plan_charge()).chain(fee).chain(addons).collect()
    }

    /// Whether it holds this add-on, or will.
    pub(super) fn has_addon(&self, code: &str) -> bool {
        let items = std::iter::once(&self.item).chain(&self.scheduled);
        items.flat_map(|item| &item.addons).any(|charge| charge.code == code)
    }
}

/// Charges as a subscription shows them: plan, add-ons, coupon and taxes.
pub(super) struct Shown<'a> {
    subscription: &'a Subscription,
    charges: Vec<Charge>,
}

impl State {
    /// The charges of a subscription's present term, or of its first while that is still to come.
    pub(super) fn shown<'a>(&self, subscription: &'a Subscription) -> Shown<'a> {
        let mut charges = subscription.charges(subscription.billed <= 1);
        let redeemed = subscription.coupon.as_ref().filter(|redeemed| redeemed.present);
        if let Some(coupon) = redeemed.and_then(|redeemed| self.coupons.get(&redeemed.code)) {
            coupon.take_off(&mut charges);
        }
        Shown { subscription, charges }
    }
}

impl Shown<'_> {
    fn currency(&self) -> Currency {
        self.subscription.currency
    }

    fn recurring(&self) -> impl Iterator<Item = &Charge> {
        self.charges.iter().filter(|charge| charge.recurs())
    }

    /// What recurs, less its discount, with tax, in minor units.
    pub(super) fn amount(&self) -> i64 {
        self.recurring().map(Charge::total).sum()
    }

    fn charge_view(&self, charge: &Charge, code: &'static str, description: &'static str) -> Object {
        let currency = self.currency();
        let said = self.subscription.descriptions.get(&charge.code).map_or("", String::as_str);
        Object::new()
            .with(code, &charge.code)
            .with("name", &charge.name)
            .with(description, said)
            .with("quantity", charge.quantity)
            .with("price", currency.number(charge.price))
            .with("discount", currency.number(charge.discount))
            .with("total", currency.number(charge.net()))
            .with("tax_id", taxes::id_text(charge.tax.as_ref()))
    }

    /// Adds `plan`, `addons`, `coupon` (if there is one) and `taxes`.
    pub(super) fn onto(&self, view: Object) -> Object {
        let currency = self.currency();
        let of = self.subscription;
        let plan = self.charges.iter().find(|charge| charge.sort == Sort::Plan);
        let plan = plan.map(|plan| self.charge_view(plan, "plan_code", "plan_description")).unwrap_or_default();
        let plan = plan.with("setup_fee", currency.number(of.setup_fee)).with("trial_days", of.trial_days);
        let addons = of.item.addons.iter().map(|addon| {
            let charged = self.charges.iter().find(|charge| charge.code == addon.code && charge.sort == addon.sort);
            self.charge_view(charged.unwrap_or(addon), "addon_code", "addon_description")
        });
        let view = view.with("plan", plan).with("addons", addons.collect::<Vec<_>>());
        let discount: i64 = self.charges.iter().map(|charge| charge.discount).sum();
        let view = match &of.coupon {
            None => view,
            Some(redeemed) => {
                let coupon = Object::new().with("coupon_code", &redeemed.code);
                view.with("coupon", coupon.with("discount_amount", currency.number(discount)))
            }
        };
        let sums = taxes::sums(self.recurring().filter_map(Charge::tax_part));
        view.with("taxes", taxes::view(&sums, currency))
    }
}

impl Org<'_> {
    /// Reads one of `addons` of a request, beside a plan. A given price is for one piece.
    pub(super) fn read_addon(&self, fields: &Fields, plan: &str, customer: &Customer) -> Result<Charge, Refusal> {
        let addon = self.state.addon(&fields.needed("addon_code")?)?;
        addon.check_goes_with(self.state.plan(plan)?)?;
        let quantity = fields.quantity()?;
        let tax = self.state.tax_for(customer, fields.id("tax_id")?.or(addon.tax))?;
        let sort = if addon.is_once() { Sort::OneTime } else { Sort::Addon };
        let charge = |price| Charge::new(sort, &addon.code, &addon.name, (price, quantity), tax);
        if let Some(price) = fields.amount("price", customer.currency)? {
            price.checked_mul(quantity).ok_or_else(|| Refusal::invalid("price"))?;
            return Ok(charge(price));
        }
        if customer.currency != self.state.base_currency() {
            return Err(Refusal::missing("price"));
        }
        let quote = addon.pricing.quote(quantity)?;
        Ok(Charge { cost: quote.cost, ..charge(quote.price) })
    }

    /// Lines of a document from charges.
    pub(super) fn lines(&mut self, charges: Vec<Charge>) -> Vec<Line> {
        charges.into_iter().map(|charge| Line { id: self.state.counters.id(), charge }).collect()
    }
}
