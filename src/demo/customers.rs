//! Customers of the simulated world: made at every vendor as staff would make them, and linked to ours.

use super::stage::Stage;
use crate::store::customers::{CustomerLinks, link_customer};
use sagas::kernel::answer::CollectionOwner;
use serde_json::{Value, json};

/// What a customer shall be like.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Display name; also the root of its ids.
    pub name: String,
    /// Price of its plan in minor units of EUR.
    pub price: i64,
    /// Card: `visa`, `mastercard` …
    pub card: &'static str,
    /// Whether our tables know it.
    pub linked: bool,
}

impl Wish {
    /// A linked customer with a Visa.
    pub fn new(name: impl Into<String>, price: i64) -> Self {
        Self { name: name.into(), price, card: "visa", linked: true }
    }

    /// Not linked yet.
    #[must_use]
    pub fn unlinked(mut self) -> Self {
        self.linked = false;
        self
    }
}

/// A customer's ids everywhere.
#[derive(Debug, Clone)]
pub struct Customer {
    pub name: String,
    /// Our customer id.
    pub ours: String,
    /// Our subscription id.
    pub subscription: String,
    pub zoho_customer: String,
    pub zoho_subscription: String,
    /// The first invoice, raised with the subscription.
    pub first_invoice: String,
    pub braintree_customer: String,
    pub token: String,
    pub attio_company: String,
}

impl Stage {
    /// Makes a customer at every vendor, with a subscription and its first invoice. Webhooks are held meanwhile, so
    /// that a customer is linked before its first invoice is heard of.
    ///
    /// # Errors
    /// The sandbox or our store does not take it.
    pub async fn new_customer(&self, wish: &Wish) -> anyhow::Result<Customer> {
        let root: String = wish.name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        let email = format!("{root}@example.org");
        self.sandbox.webhooks(&json!({"hold": true})).await?;
        let ours = format!("{root}-{}", self.next_number());
        let braintree_customer = format!("c-{ours}");
        let card = json!({"vendor": "braintree", "act": "vault_customer", "customer_id": braintree_customer,
            "customer": {"id": braintree_customer, "email": email}, "token": format!("m-{ours}"), "card": wish.card});
        let token = id(&self.sandbox.staff(&card).await?, "token")?;
        let zoho = json!({"vendor": "zoho", "act": "create_customer", "display_name": wish.name, "email": email,
            "currency_code": "EUR"});
        let zoho_customer = id(&self.sandbox.staff(&zoho).await?, "customer_id")?;
        let subscribe = json!({"vendor": "zoho", "act": "create_subscription", "customer_id": zoho_customer,
            "plan_code": self.plan(), "price": wish.price, "auto_collect": false,
            "reference_id": format!("{}.sub.{ours}.1", self.prefix())});
        let subscribed = self.sandbox.staff(&subscribe).await?;
        let zoho_subscription = id(&subscribed, "subscription_id")?;
        let subscription = format!("s-{ours}");
        let company = json!({"vendor": "attio", "act": "create_record", "object": "companies", "values": {
            "name": [wish.name.clone()], "zoho_customer_id": [zoho_customer.clone()],
            "braintree_customer_id": [braintree_customer.clone()]}});
        let attio_company = record_id(&self.sandbox.staff(&company).await?)?;
        let record = json!({"vendor": "attio", "act": "create_record", "object": "subscriptions", "values": {
            "name": [format!("{} subscription", wish.name)], "external_id": [format!("sub:{subscription}")],
            "zoho_subscription_id": [zoho_subscription.clone()]}});
        self.sandbox.staff(&record).await?;
        let customer = Customer {
            name: wish.name.clone(),
            ours,
            subscription,
            first_invoice: id(&subscribed, "invoice_id")?,
            zoho_customer,
            zoho_subscription,
            braintree_customer,
            token,
            attio_company,
        };
        if wish.linked {
            self.link(&customer).await?;
        }
        self.sandbox.webhooks(&json!({"hold": false})).await?;
        Ok(customer)
    }

    /// Links a customer's ids to ours, with us as the collector of its subscription.
    ///
    /// # Errors
    /// An id belongs to another customer, or the store cannot be reached.
    pub async fn link(&self, customer: &Customer) -> anyhow::Result<()> {
        let links = CustomerLinks {
            customer: customer.ours.clone(),
            zoho_customer: Some(customer.zoho_customer.clone()),
            braintree_customer: Some(customer.braintree_customer.clone()),
            attio_company: Some(customer.attio_company.clone()),
            subscription: Some(customer.subscription.clone()),
            zoho_subscription: Some(customer.zoho_subscription.clone()),
            owner: Some(CollectionOwner::Orchestrator),
            ..CustomerLinks::default()
        };
        link_customer(self.pool(), &links, "demo").await?;
        Ok(())
    }

    /// Zoho raises another invoice for the customer's subscription: a renewal at once.
    ///
    /// # Errors
    /// The sandbox does not take it.
    pub async fn renew(&self, customer: &Customer, amount: i64) -> anyhow::Result<String> {
        let act = json!({"vendor": "zoho", "act": "create_invoice", "subscription_id": customer.zoho_subscription,
            "amount": amount});
        id(&self.sandbox.staff(&act).await?, "invoice_id")
    }
}

fn id(answer: &Value, field: &str) -> anyhow::Result<String> {
    match &answer[field] {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => anyhow::bail!("the sandbox named no `{field}`: {answer}"),
    }
}

pub(super) fn record_id(record: &Value) -> anyhow::Result<String> {
    record["id"]["record_id"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| anyhow::anyhow!("the sandbox named no record id: {record}"))
}
