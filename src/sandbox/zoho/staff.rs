//! What a person does at Zoho's own console. Amounts of an act are integers of minor units.

use super::call::Org;
use super::cards::Typed;
use super::errors::Refusal;
use super::fields::{CustomFields, Fields};
use super::ids::Id;
use super::invoices::{Line, NewInvoice};
use super::offers::{Charge, Sort};
use super::payments::NewPayment;
use crate::{World, acts, faults::Vendor};
use chrono::NaiveDate;
use serde_json::{Map, Value, json};

/// An act of a person at the vendor's own console (`POST /control/staff`, `{"vendor":…,"act":…,…}`). It answers with the
/// ids that it made.
///
/// # Errors
/// A sentence saying which field was wrong and what was expected.
pub fn staff(world: &World, act: &Value) -> Result<Value, String> {
    let fields = act.as_object().ok_or("an act is an object with the field `act`")?;
    let mut state = world.zoho.lock().expect("zoho lock");
    let mut org = Org { world, state: &mut state, now: world.clock.now() };
    org.roll();
    org.state.remember(world, org.now);
    let act = Act(fields);
    let org = &mut org;
    match act.text("act")? {
        "create_plan" | "add_plan" => act.add_plan(org),
        "edit_plan" => act.edit_plan(org),
        "delete_plan" => done(org.remove_plan(act.text("plan_code")?)),
        "add_addon" => act.add_addon(org),
        "add_coupon" => act.add_coupon(org),
        "add_tax" => act.add_tax(org),
        "give_credit" => act.give_credit(org),
        "set_auto_apply_credits" => {
            org.state.settings.auto_apply_credits = act.flag("on")?;
            Ok(json!({}))
        }
        "create_customer" => act.create_customer(org),
        "create_subscription" => act.create_subscription(org),
        "create_invoice" => act.create_invoice(org),
        "edit_invoice" => act.edit_invoice(org),
        "void_invoice" => done(org.void_invoice(act.id("invoice_id")?)),
        "write_off_invoice" => done(org.write_off(act.id("invoice_id")?)),
        "record_payment" => act.record_payment(org),
        "delete_payment" => done(org.delete_payment(act.id("payment_id")?)),
        "cancel_subscription" => done(org.cancel(act.id("subscription_id")?, act.flag("at_end")?)),
        "turn_off_auto_collect" => act.turn_off_auto_collect(org),
        "turn_on_auto_collect" => act.turn_on_auto_collect(org),
        "delete_customer" => done(org.delete_customer(act.id("customer_id")?)),
        "reactivate_subscription" => done(org.reactivate(act.id("subscription_id")?)),
        "change_subscription" => act.change_subscription(org),
        "pause_subscription" => done(org.pause(act.id("subscription_id")?)),
        "resume_subscription" => done(org.resume(act.id("subscription_id")?)),
        "link_customer" => act.link_customer(org),
        "pay_by_link" => act.pay_by_link(org),
        "use_hosted_page" => act.use_hosted_page(org),
        "add_item" => act.add_item(org),
        "answer_quote" => act.answer_quote(org),
        "expire_tokens" => {
            org.state.accounts.expire_all();
            Ok(json!({}))
        }
        "make_grant_code" => act.make_grant_code(org),
        "settings" => act.settings(org),
        other => Err(acts::unplayed(Vendor::Zoho, other)),
    }
}

/// The fields of an act.
pub(super) struct Act<'a>(pub(super) &'a Map<String, Value>);

pub(super) fn done(outcome: Result<(), Refusal>) -> Result<Value, String> {
    outcome.map(|()| json!({})).map_err(said)
}

#[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
pub(super) fn said(refusal: Refusal) -> String {
    format!("Zoho refuses (code {}): {}", refusal.code, refusal.message)
}

impl<'a> Act<'a> {
    pub(super) fn text(&self, name: &str) -> Result<&'a str, String> {
        self.optional(name)?.ok_or_else(|| format!("`{name}`: text is expected"))
    }

    pub(super) fn optional(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| format!("`{name}`: text is expected")),
        }
    }

    pub(super) fn id(&self, name: &str) -> Result<Id, String> {
        Id::read(self.text(name)?).ok_or_else(|| format!("`{name}`: an id is expected, as text"))
    }

    pub(super) fn optional_id(&self, name: &str) -> Result<Option<Id>, String> {
        self.optional(name)?.map(|_| self.id(name)).transpose()
    }

    pub(super) fn amount(&self, name: &str) -> Result<i64, String> {
        let amount = self.0.get(name).and_then(Value::as_i64).filter(|minor| *minor >= 0);
        amount.ok_or_else(|| format!("`{name}`: an integer of minor units is expected, zero or more"))
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| format!("`{name}`: true or false is expected")),
        }
    }

    /// A day; today if absent.
    pub(super) fn day(&self, name: &str, org: &Org<'_>) -> Result<NaiveDate, String> {
        match self.optional(name)? {
            None => Ok(org.today()),
            Some(text) => text.parse().map_err(|_| format!("`{name}`: a day is expected, yyyy-mm-dd")),
        }
    }

    /// The act as a request's fields, some of them replaced.
    pub(super) fn request(&self, replaced: &[(&str, Value)]) -> Result<Fields, String> {
        let mut all = self.0.clone();
        all.extend(replaced.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Fields::read(Value::Object(all).to_string().as_bytes()).map_err(said)
    }

    /// The fields of a request.
    fn create_customer(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let id = org.add_customer(&self.request(&[])?).map_err(said)?;
        Ok(json!({ "customer_id": id }))
    }

    /// `customer_id`, `plan_code`; `price`, `setup_fee`, `quantity`, `exclude_trial`, `trial_days`, `exclude_setup_fee`,
    /// `billing_cycles` of the plan; others (`addons`, `coupon_code`, …) as in a request.
    fn create_subscription(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let currency = org.state.customer(self.id("customer_id")?).map_err(said)?.currency;
        let mut plan = json!({ "plan_code": self.text("plan_code")?, "quantity": self.0.get("quantity") });
        for name in ["price", "setup_fee"].into_iter().filter(|name| self.0.contains_key(*name)) {
            plan[name] = json!(currency.text(self.amount(name)?));
        }
        for name in ["exclude_trial", "trial_days", "exclude_setup_fee", "billing_cycles"] {
            plan[name] = json!(self.0.get(name));
        }
        let id = org.add_subscription(&self.request(&[("plan", plan)])?).map_err(said)?;
        let invoice = org.state.subscription(id).map_err(said)?.child_invoice;
        Ok(json!({ "subscription_id": id, "invoice_id": invoice }))
    }

    /// `amount`, and `subscription_id` (a renewal at once) or `customer_id`; `date`, `payment_terms`; `pending`: lines can
    /// still be added, and nothing is owed yet.
    fn create_invoice(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let subscription = self.optional_id("subscription_id")?;
        let (customer, own_terms, name) = if let Some(id) = subscription {
            let of = org.state.subscription(id).map_err(said)?;
            (of.customer, of.payment_terms, of.name())
        } else {
            let id = self.id("customer_id")?;
            (id, org.state.customer(id).map_err(said)?.payment_terms, "Services".to_owned())
        };
        let date = self.day("date", org)?;
        let terms = self.0.get("payment_terms").and_then(Value::as_i64).unwrap_or(own_terms);
        let lines = vec![self.line(org, &name)?];
        let pending = self.flag("pending")?;
        let new = NewInvoice { customer, subscription, date, terms, lines, coupon: None, draft: pending };
        let id = org.raise_invoice(new).map_err(said)?;
        if pending {
            org.make_pending(id).map_err(said)?;
        }
        Ok(json!({ "invoice_id": id }))
    }

    pub(super) fn line(&self, org: &mut Org<'_>, name: &str) -> Result<Line, String> {
        let price = self.amount("amount")?;
        Ok(Line { id: org.state.counters.id(), charge: Charge::new(Sort::OneTime, "", name, (price, 1), None) })
    }

    /// `invoice_id`, `amount`: the new total.
    fn edit_invoice(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let line = self.line(org, "Edited by staff")?;
        done(org.replace_lines(self.id("invoice_id")?, vec![line]))
    }

    /// `invoice_id` or `customer_id`; `amount` (absent: the invoice's balance), `payment_mode` (`cash`),
    /// `reference_number`, `date`. More than the balance becomes the customer's credit.
    fn record_payment(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let invoice = self.optional_id("invoice_id")?;
        let (customer, balance) = match invoice {
            Some(id) => {
                let of = org.state.invoice(id).map_err(said)?;
                (of.customer, of.balance())
            }
            None => (self.id("customer_id")?, 0),
        };
        let amount = if self.0.contains_key("amount") { self.amount("amount")? } else { balance };
        if amount == 0 {
            return Err("`amount`: more than zero is expected".to_owned());
        }
        org.state.customer(customer).map_err(said)?;
        let id = org.record_payment(NewPayment {
            customer,
            mode: self.optional("payment_mode")?.unwrap_or("cash").to_owned(),
            amount,
            date: self.day("date", org)?,
            reference: self.optional("reference_number")?.unwrap_or("").to_owned(),
            description: self.optional("description")?.unwrap_or("").to_owned(),
            uses: invoice.map(|id| (id, amount.min(balance))).into_iter().filter(|(_, part)| *part > 0).collect(),
            custom_fields: CustomFields::default(),
            auto: None,
        });
        Ok(json!({ "payment_id": id.map_err(said)? }))
    }

    /// `subscription_id`: from now on nobody pays its invoices by itself.
    fn turn_off_auto_collect(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let id = self.id("subscription_id")?;
        let subscription = org.state.subscriptions.get_mut(&id).ok_or("there is no such subscription")?;
        subscription.auto_collect = false;
        org.tell("subscription_updated", id).map_err(said)?;
        Ok(json!({}))
    }

    /// `subscription_id`; `card_number`, `expiry_month`, `expiry_year`: from now on Zoho's own gateway pays its invoices,
    /// with the card that the person typed in (one that pays, if none is given).
    fn turn_on_auto_collect(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let id = self.id("subscription_id")?;
        let customer = org.state.subscription(id).map_err(said)?.customer;
        let typed = self.typed_card()?;
        let card = org.add_card(customer, &typed).map_err(said)?;
        org.set_card(id, card, true).map_err(said)?;
        org.tell("subscription_updated", id).map_err(said)?;
        Ok(json!({ "card_id": card }))
    }

    /// `scope` (comma separated) and `minutes` (3 to 10): a code for a self client.
    fn make_grant_code(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let minutes = self.0.get("minutes").map(|given| {
            let given = given.as_i64().filter(|minutes| (3..=10).contains(minutes));
            given.ok_or_else(|| "`minutes`: a number from 3 to 10 is expected".to_owned())
        });
        let (scope, minutes) = (self.optional("scope")?, minutes.transpose()?);
        Ok(json!({ "code": org.state.accounts.make_code(scope, minutes, org.now) }))
    }

    /// `card_number`, `expiry_month`, `expiry_year`, as a customer types them; without them a card that pays.
    pub(super) fn typed_card(&self) -> Result<Typed<'a>, String> {
        let whole = |name: &str, default: i64| match self.0.get(name) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value.as_i64().ok_or_else(|| format!("`{name}`: a whole number is expected")),
        };
        let paying = Typed::default();
        let out_of_range = |_| "`expiry_month`, `expiry_year`: a month and a year are expected".to_owned();
        Ok(Typed {
            number: self.optional("card_number")?.unwrap_or(paying.number),
            month: whole("expiry_month", paying.month.into())?.try_into().map_err(out_of_range)?,
            year: whole("expiry_year", paying.year.into())?.try_into().map_err(out_of_range)?,
        })
    }

    /// The settings to change; answers all settings.
    fn settings(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let mut changes = self.0.clone();
        changes.retain(|name, _| !["act", "vendor"].contains(&name.as_str()));
        if changes.contains_key("base_currency") && !org.state.plans.is_empty() {
            return Err(
                "`base_currency`: it can be changed only before there are plans, which are priced in it".to_owned()
            );
        }
        org.state.settings.change(&changes)
    }
}
