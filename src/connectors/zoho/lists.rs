//! Whole lists, one page a call, so that each can be weighed against the quota: the catalog, and what reconciliation compares.
//! Keeps no cursor: a page's number is one, and oldest first no row is lost or repeated while new ones are made.

use super::billing::{Ask, PER_PAGE, unreadable};
use super::wire::{
    AddonRows, CouponRows, CustomerRows, InvoiceRows, PlanRows, ProductRows, SubscriptionRows, Unreadable,
};
use super::{Page, Zoho};
use chrono::{DateTime, NaiveDate, Utc};
use sagas::kernel::money::Money;
use sagas::kernel::offer::{Bracket, Discount, PlanOffer, Scheme, Tax};
use sagas::kernel::outcome::Outcome;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::Instant;

/// In which order a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// New rows come last: a list that is read on later has moved nowhere.
    OldestFirst,
    /// New rows come first, and shift those that were not read yet: they show up twice, and are known by their id.
    NewestFirst,
}

/// One page of a list, as it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// From 1; a page names the next one.
    pub page: u32,
    /// In which order.
    pub order: Order,
    /// How long the call may take.
    pub time_limit: Duration,
}

/// A product: the family of plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Zoho product id.
    pub id: String,
    /// Name as customers see it.
    pub name: String,
    /// Its plans may be sold.
    pub active: bool,
}

/// An add-on, apart from any plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAddon {
    /// Add-on code.
    pub code: String,
    /// Name as customers see it.
    pub name: String,
    /// Product id, where it is of one.
    pub product: Option<String>,
    /// It may be sold.
    pub active: bool,
    /// Charged in every term; else once.
    pub recurring: bool,
    /// How its price follows from the quantity.
    pub scheme: Scheme,
    /// Prices by quantity, from the lowest up.
    pub brackets: Vec<Bracket>,
    /// Tax on its lines.
    pub tax: Tax,
}

/// A coupon, apart from any plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCoupon {
    /// Coupon code.
    pub code: String,
    /// Product id, where it is of one.
    pub product: Option<String>,
    /// It may be used.
    pub active: bool,
    /// What it takes off.
    pub discount: Discount,
}

/// A customer, without personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCustomer {
    /// Zoho customer id.
    pub id: String,
    /// When it was last changed, as Zoho writes it.
    pub changed_at: Option<String>,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSubscription {
    /// Zoho subscription id.
    pub id: String,
    /// Zoho customer id.
    pub customer: Option<String>,
    /// Zoho's status text.
    pub status: Option<String>,
    /// Our reference on it.
    pub reference: Option<String>,
    /// Zoho would charge by itself, where the row says it.
    pub auto_collect: Option<bool>,
    /// Day of the next invoice (books zone).
    pub next_billing_on: Option<NaiveDate>,
    /// When it was last changed, as Zoho writes it.
    pub changed_at: Option<String>,
}

/// An invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedInvoice {
    /// Zoho invoice id.
    pub id: String,
    /// Zoho customer id.
    pub customer: Option<String>,
    /// Zoho's status text.
    pub status: Option<String>,
    /// Gross total.
    pub total: Option<Money>,
    /// Still owed.
    pub balance: Option<Money>,
    /// When it was made (UTC), where the row says it.
    pub made_at: Option<DateTime<Utc>>,
    /// When it was last changed, as Zoho writes it.
    pub changed_at: Option<String>,
}

type Listed<T> = Result<Page<T>, Box<Outcome>>;

impl Zoho {
    /// Products, retired ones too.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn list_products(&self, asked: Asked) -> Listed<Product> {
        self.rows(("zoho.list_products", "products", None), asked, |page: ProductRows| Ok(page.read())).await
    }

    /// Plans, retired ones too.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn list_plans(&self, asked: Asked) -> Listed<PlanOffer> {
        let list = ("zoho.list_plans", "plans", Some("PlanStatus.All"));
        self.rows(list, asked, |page: PlanRows| page.read(&self.prices)).await
    }

    /// Add-ons, retired ones too.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn list_addons(&self, asked: Asked) -> Listed<ListedAddon> {
        let list = ("zoho.list_addons", "addons", Some("AddonStatus.All"));
        self.rows(list, asked, |page: AddonRows| page.read(&self.prices)).await
    }

    /// Coupons, retired ones too.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn list_coupons(&self, asked: Asked) -> Listed<ListedCoupon> {
        let list = ("zoho.list_coupons", "coupons", Some("CouponStatus.All"));
        self.rows(list, asked, |page: CouponRows| page.read(&self.prices)).await
    }

    /// Customers, inactive ones too. A row holds neither our id nor a CRM id: who compares them reads each.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn list_customers(&self, asked: Asked) -> Listed<ListedCustomer> {
        let list = ("zoho.list_customers", "customers", Some("Status.All"));
        self.rows(list, asked, |page: CustomerRows| Ok(page.read())).await
    }

    /// Subscriptions of all customers, cancelled ones too.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn list_all_subscriptions(&self, asked: Asked) -> Listed<ListedSubscription> {
        let list = ("zoho.list_all_subscriptions", "subscriptions", Some("SubscriptionStatus.All"));
        self.rows(list, asked, |page: SubscriptionRows| Ok(page.listed())).await
    }

    /// Invoices of all customers, void ones too. A row names neither subscription nor payments.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn list_invoices(&self, asked: Asked) -> Listed<ListedInvoice> {
        let list = ("zoho.list_invoices", "invoices", Some("Status.All"));
        self.rows(list, asked, |page: InvoiceRows| page.listed()).await
    }

    async fn rows<W: DeserializeOwned, T>(
        &self,
        (operation, resource, filter): (&'static str, &str, Option<&str>),
        asked: Asked,
        read: impl FnOnce(W) -> Result<Vec<T>, Unreadable>,
    ) -> Listed<T> {
        let page = asked.page.to_string();
        let order = match asked.order {
            Order::OldestFirst => "A",
            Order::NewestFirst => "D",
        };
        let mut query: Vec<_> = filter.map(|filter| ("filter_by", filter)).into_iter().collect();
        query.extend([("sort_column", "created_time"), ("sort_order", order)]);
        query.extend([("page", page.as_str()), ("per_page", PER_PAGE)]);
        let ask = Ask::list(operation, std::slice::from_ref(&resource), &query);
        let (paging, rows): (_, W) = self.billing.page(ask, Instant::now() + asked.time_limit).await?;
        let items = read(rows).map_err(unreadable)?;
        Ok(Page { items, next: paging.has_more().then(|| asked.page.saturating_add(1)) })
    }
}
