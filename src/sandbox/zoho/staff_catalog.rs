//! Acts of a person who sets up what is sold and what is taken off: plans, add-ons, coupons, taxes, credit.

use super::call::Org;
use super::credit_notes::NewNote;
use super::fields::Fields;
use super::ids::Id;
use super::money::Percent;
use super::staff::{Act, said};
use serde_json::{Value, json};

impl Act<'_> {
    /// `product_id`, or the product of the plan `of_plan`, or else a new one.
    fn product(&self, org: &mut Org<'_>) -> Result<Id, String> {
        if let Some(id) = self.optional_id("product_id")? {
            return Ok(id);
        }
        match self.optional("of_plan")? {
            Some(code) => org.state.plan(code).map(|plan| plan.product).map_err(said),
            None => org.add_product(&Fields::default().with("name", "Product")).map_err(said),
        }
    }

    /// `plan_code`, `price`; `name`, `setup_fee`, `product_id` or `of_plan`, `tax_id`, `interval`, `interval_unit` and
    /// others as in a request.
    pub(super) fn add_plan(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let code = self.text("plan_code")?;
        let currency = org.state.base_currency();
        let price = currency.text(self.amount("price")?);
        let product = self.product(org)?;
        let mut replaced = vec![
            ("product_id", json!(product)),
            ("name", json!(self.optional("name")?.unwrap_or(code))),
            ("recurring_price", json!(price)),
        ];
        if self.0.contains_key("setup_fee") {
            replaced.push(("setup_fee", json!(currency.text(self.amount("setup_fee")?))));
        }
        if !self.0.contains_key("interval") {
            replaced.push(("interval", json!(1)));
        }
        let code = org.add_plan(&self.request(&replaced)?).map_err(said)?;
        Ok(json!({ "plan_code": code, "product_id": product }))
    }

    /// `plan_code`; `name`, `price`, `active`: what is given is changed.
    pub(super) fn edit_plan(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let price = self.0.contains_key("price").then(|| self.amount("price")).transpose()?;
        let active = self.0.contains_key("active").then(|| self.flag("active")).transpose()?;
        org.edit_plan(self.text("plan_code")?, self.optional("name")?, price, active).map_err(said)?;
        Ok(json!({}))
    }

    /// `addon_code`, `price` of one piece; `name`, `unit_name`, `product_id` or `of_plan`, `tax_id`, `type` and others
    /// as in a request. In place of `price`: `pricing_scheme` and `price_brackets` as in a request, with their prices
    /// as decimal numbers.
    pub(super) fn add_addon(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let code = self.text("addon_code")?;
        let currency = org.state.base_currency();
        let mut replaced = vec![
            ("name", json!(self.optional("name")?.unwrap_or(code))),
            ("unit_name", json!(self.optional("unit_name")?.unwrap_or("piece"))),
        ];
        if !self.0.contains_key("price_brackets") {
            replaced.push(("price_brackets", json!([{ "price": currency.text(self.amount("price")?) }])));
        }
        let product = self.product(org)?;
        replaced.push(("product_id", json!(product)));
        let code = org.add_addon(&self.request(&replaced)?).map_err(said)?;
        Ok(json!({ "addon_code": code, "product_id": product }))
    }

    /// `coupon_code`, `percentage` (`"10"`) or `amount`; `name`, `type` (`one_time`), `product_id` or `of_plan` and
    /// others as in a request.
    pub(super) fn add_coupon(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let code = self.text("coupon_code")?;
        let currency = org.state.base_currency();
        let (by, value) = match self.optional("percentage")? {
            Some(percentage) => ("percentage", percentage.to_owned()),
            None => ("flat", currency.text(self.amount("amount")?)),
        };
        let product = self.product(org)?;
        let replaced = [
            ("product_id", json!(product)),
            ("name", json!(self.optional("name")?.unwrap_or(code))),
            ("type", json!(self.optional("type")?.unwrap_or("one_time"))),
            ("discount_by", json!(by)),
            ("discount_value", json!(value)),
        ];
        let code = org.add_coupon(&self.request(&replaced)?).map_err(said)?;
        Ok(json!({ "coupon_code": code, "product_id": product }))
    }

    /// `name`, `percentage` (`"19"`).
    pub(super) fn add_tax(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let rate = Percent::parse(self.text("percentage")?)
            .ok_or("`percentage`: text is expected, a number from 0 to 100 with four decimals at most")?;
        Ok(json!({ "tax_id": org.add_tax(self.text("name")?.to_owned(), rate) }))
    }

    /// `customer_id`, `amount`; `reference_number`, `date`: a credit note.
    pub(super) fn give_credit(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let line = self.line(org, "Credit")?;
        if line.total() == 0 {
            return Err("`amount`: more than zero is expected".to_owned());
        }
        let note = NewNote {
            customer: self.id("customer_id")?,
            number: None,
            date: self.day("date", org)?,
            reference: self.optional("reference_number")?.unwrap_or("").to_owned(),
            lines: vec![line],
        };
        Ok(json!({ "creditnote_id": org.add_note(note).map_err(said)? }))
    }
}
