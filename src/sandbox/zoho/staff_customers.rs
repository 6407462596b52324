//! What a person does for, or in the place of, a customer: changes a subscription, pays by a link, uses a hosted page,
//! answers a quote.

use super::call::Org;
use super::dunning::Charged;
use super::quotes::Phase;
use super::staff::{Act, done, said};
use serde_json::{Value, json};

impl Act<'_> {
    /// `subscription_id`, `plan_code`; `end_of_term`, `price`, `quantity`, and others (`addons`, …) as in a request.
    pub(super) fn change_subscription(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let id = self.id("subscription_id")?;
        let currency = org.state.subscription(id).map_err(said)?.currency;
        let mut plan = json!({ "plan_code": self.text("plan_code")?, "quantity": self.0.get("quantity") });
        if self.0.contains_key("price") {
            plan["price"] = json!(currency.text(self.amount("price")?));
        }
        org.update_subscription(id, &self.request(&[("plan", plan)])?).map_err(said)?;
        let invoice = org.state.subscription(id).map_err(said)?.child_invoice;
        Ok(json!({ "invoice_id": invoice }))
    }

    /// `customer_id`; `zcrm_account_id`, `zcrm_contact_id`: what Zoho's own link of CRM and Billing does.
    pub(super) fn link_customer(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let [account, contact] = ["zcrm_account_id", "zcrm_contact_id"].map(|name| self.optional(name));
        done(org.link_customer(self.id("customer_id")?, account?.unwrap_or(""), contact?.unwrap_or("")))
    }

    /// `invoice_id`; `card_number`, `expiry_month`, `expiry_year`: a customer pays by the link on an invoice that a
    /// person sent, through the gateway of Zoho.
    pub(super) fn pay_by_link(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let id = self.id("invoice_id")?;
        let customer = org.state.invoice(id).map_err(said)?.customer;
        let card = org.add_card(customer, &self.typed_card()?).map_err(said)?;
        match org.charge_card(card, id).map_err(said)? {
            Charged::Paid(payment) => Ok(json!({ "payment_id": payment, "card_id": card })),
            Charged::Declined(why) => Err(format!("the gateway declines: {why}")),
        }
    }

    /// `hostedpage_id`; `outcome` (`pay`, `decline` or `close`; `pay`), `card_number`, `expiry_month`, `expiry_year`.
    pub(super) fn use_hosted_page(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let page = org.page_id(self.text("hostedpage_id")?).map_err(said)?;
        org.open_page(page);
        match self.optional("outcome")?.unwrap_or("pay") {
            "pay" => done(org.submit_page(page, &self.typed_card()?)),
            "decline" => {
                let refused = super::cards::Typed { number: super::cards::REFUSED, ..self.typed_card()? };
                match org.submit_page(page, &refused) {
                    Ok(()) => Err("the gateway took a card that it refuses".to_owned()),
                    Err(refusal) => Ok(json!({ "refused": refusal.message })),
                }
            }
            "close" => done(org.close_page(page)),
            other => Err(format!("`outcome`: `{other}` is unknown; expected pay, decline or close")),
        }
    }

    /// `name`, `rate`; others as in a request.
    pub(super) fn add_item(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let rate = org.state.base_currency().text(self.amount("rate")?);
        let id = org.add_item(&self.request(&[("rate", json!(rate))])?).map_err(said)?;
        Ok(json!({ "item_id": id }))
    }

    /// `estimate_id`, `answer` (`accepted` or `declined`), as a customer does in Zoho's portal.
    pub(super) fn answer_quote(&self, org: &mut Org<'_>) -> Result<Value, String> {
        let to = match self.text("answer")? {
            "accepted" => Phase::Accepted,
            "declined" => Phase::Declined,
            other => return Err(format!("`answer`: `{other}` is unknown; expected accepted or declined")),
        };
        done(org.move_quote(self.id("estimate_id")?, to))
    }
}
