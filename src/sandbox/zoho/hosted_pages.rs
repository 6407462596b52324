//! Hosted pages: what a customer does on a page of Zoho's, with a card that Zoho keeps and charges by itself.
//!
//! A page lives one hour. There is no status that says so: who asks compares `expiring_time`.

use super::State;
use super::call::Org;
use super::cards::Typed;
use super::dates::stamp;
use super::dunning::Charged;
use super::errors::Refusal;
use super::fields::Fields;
use super::ids::Id;
use super::offers::Item;
use super::reply::Object;
use chrono::{DateTime, TimeDelta, Utc};

/// How long a page can be used.
const LIFE: TimeDelta = TimeDelta::hours(1);

/// One page.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) id: Id,
    /// The name under which the API and the customer know it.
    pub(super) code: String,
    pub(super) action: Action,
    pub(super) status: Status,
    /// The body of the request that made it.
    request: Vec<u8>,
    pub(super) redirect: String,
    created: DateTime<Utc>,
    expires: DateTime<Utc>,
    /// What came of it.
    subscription: Option<Id>,
    invoice: Option<Id>,
}

/// What the customer is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    NewSubscription,
    UpdateSubscription,
    UpdateCard,
    OneTimeAddon,
    AddPaymentMethod,
    UpdatePaymentMethod,
    InvoicePayment,
}

/// Where a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Fresh,
    /// The customer opened it.
    Read,
    Success,
    /// The gateway declined; the customer can try again.
    Failed,
    /// The customer closed it.
    Cancelled,
    /// A newer page for the same thing took its place.
    ForceCancelled,
}

impl Action {
    /// Zoho's word. Its documents name the first four; the others are named after their paths.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::NewSubscription => "new_subscription",
            Self::UpdateSubscription => "update_subscription",
            Self::UpdateCard => "update_card",
            Self::OneTimeAddon => "one_time_addon",
            Self::AddPaymentMethod => "add_payment_method",
            Self::UpdatePaymentMethod => "update_payment_method",
            Self::InvoicePayment => "invoice_payment",
        }
    }

    /// The field of the request that names what the page is for.
    fn subject(self) -> &'static str {
        match self {
            Self::NewSubscription | Self::AddPaymentMethod => "customer_id",
            Self::UpdateSubscription | Self::UpdateCard | Self::OneTimeAddon => "subscription_id",
            Self::UpdatePaymentMethod => "card_id",
            Self::InvoicePayment => "invoice_id",
        }
    }
}

impl Status {
    /// Zoho's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Read => "read",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::ForceCancelled => "force_cancelled",
        }
    }
}

impl Page {
    /// Whether the customer can still do something on it.
    pub(super) fn is_open(&self, now: DateTime<Utc>) -> bool {
        let open = match self.status {
            Status::Fresh | Status::Read | Status::Failed => true,
            Status::Success | Status::Cancelled | Status::ForceCancelled => false,
        };
        open && now < self.expires
    }

    fn fields(&self) -> Result<Fields, Refusal> {
        Fields::read(&self.request)
    }

    /// As lists and answers to creation show it.
    pub(super) fn view(&self, base: &str) -> Object {
        Object::new()
            .with("hostedpage_id", &self.code)
            .with("status", self.status.word())
            .with("url", format!("{base}/hostedpage/{}/checkout", self.code))
            .with("action", self.action.word())
            .with("expiring_time", stamp(self.expires))
            .with("created_time", stamp(self.created))
    }
}

impl State {
    /// The page of this name.
    pub(super) fn page(&self, code: &str) -> Result<&Page, Refusal> {
        self.pages.values().find(|page| page.code == code).ok_or_else(|| Refusal::unknown("Hosted page"))
    }

    /// What came of a page: nothing until the customer succeeded.
    pub(super) fn page_data(&self, page: &Page, now: DateTime<Utc>) -> Object {
        let mut data = Object::new();
        if let Some(subscription) = page.subscription.and_then(|id| self.subscriptions.get(&id)) {
            data = data.with("subscription", self.subscription_view(subscription));
        }
        if let Some(invoice) = page.invoice.and_then(|id| self.invoices.get(&id)) {
            data = data.with("invoice", self.charged_invoice_view(invoice, now.date_naive()));
        }
        data
    }
}

impl Org<'_> {
    /// Makes a page from the body of a request. What cannot be done is refused now, not on the page.
    pub(super) fn add_page(&mut self, action: Action, request: &[u8]) -> Result<Id, Refusal> {
        let fields = Fields::read(request)?;
        self.check_page(action, &fields)?;
        let subject = fields.text(action.subject())?;
        for page in self.state.pages.values_mut().filter(|page| page.action == action && page.is_open(self.now)) {
            if subject.is_some() && page.fields()?.text(action.subject())? == subject {
                page.status = Status::ForceCancelled;
            }
        }
        let id = self.state.counters.id();
        let page = Page {
            id,
            code: format!("2-{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>()),
            action,
            status: Status::Fresh,
            request: request.to_vec(),
            redirect: fields.text("redirect_url")?.unwrap_or_default(),
            created: self.now,
            expires: self.now + LIFE,
            subscription: None,
            invoice: None,
        };
        self.state.pages.insert(id, page);
        Ok(id)
    }

    fn check_page(&self, action: Action, fields: &Fields) -> Result<(), Refusal> {
        let state = &*self.state;
        match action {
            Action::NewSubscription => {
                let Some(customer) = fields.object("customer")? else {
                    let customer = state.customer(fields.needed_id("customer_id")?)?;
                    return Item::read(self, fields, customer, None).map(drop);
                };
                customer.needed("display_name")?;
                customer.needed("email")?;
                let plan = fields.object("plan")?.ok_or_else(|| Refusal::missing("plan"))?;
                state.plan(&plan.needed("plan_code")?).map(drop)
            }
            Action::UpdateSubscription => {
                let subscription = state.subscription(fields.needed_id("subscription_id")?)?;
                let customer = state.customer(subscription.customer)?;
                Item::read(self, fields, customer, Some(&subscription.item))?;
                if subscription.status.runs() { Ok(()) } else { Err(Refusal::wrong_subscription_state()) }
            }
            Action::UpdateCard => {
                let subscription = state.subscription(fields.needed_id("subscription_id")?)?;
                if subscription.status.runs() { Ok(()) } else { Err(Refusal::wrong_subscription_state()) }
            }
            Action::OneTimeAddon => {
                state.subscription(fields.needed_id("subscription_id")?)?;
                let addons = fields.list("addons")?.filter(|addons| !addons.is_empty());
                let addons = addons.ok_or_else(|| Refusal::missing("addons"))?;
                addons.iter().try_for_each(|addon| state.addon(&addon.needed("addon_code")?).map(drop))
            }
            Action::AddPaymentMethod => state.customer(fields.needed_id("customer_id")?).map(drop),
            Action::UpdatePaymentMethod => {
                let card = fields.needed_id("card_id")?;
                state.cards.get(&card).map(drop).ok_or_else(|| Refusal::unknown("Card"))
            }
            Action::InvoicePayment => state.invoice(fields.needed_id("invoice_id")?)?.check_takes(1),
        }
    }

    /// The customer opens a page.
    pub(super) fn open_page(&mut self, id: Id) {
        if let Some(page) = self.state.pages.get_mut(&id).filter(|page| page.status == Status::Fresh) {
            page.status = Status::Read;
        }
    }

    /// The customer closes a page.
    pub(super) fn close_page(&mut self, id: Id) -> Result<(), Refusal> {
        let now = self.now;
        let page = self.state.pages.get_mut(&id).filter(|page| page.is_open(now));
        page.ok_or_else(Refusal::page_is_over)?.status = Status::Cancelled;
        Ok(())
    }

    /// The customer types a card in and submits. A refusal leaves the page as `failed`, and nothing else behind.
    pub(super) fn submit_page(&mut self, id: Id, typed: &Typed<'_>) -> Result<(), Refusal> {
        let page = self.state.pages.get(&id).filter(|page| page.is_open(self.now));
        let page = page.ok_or_else(Refusal::page_is_over)?.clone();
        let done = self.carry_out(page.action, page.fields()?, typed);
        let page = self.state.pages.get_mut(&id).ok_or_else(|| Refusal::unknown("Hosted page"))?;
        match done {
            Ok((subscription, invoice)) => {
                page.status = Status::Success;
                (page.subscription, page.invoice) = (subscription, invoice);
                Ok(())
            }
            Err(refusal) => {
                page.status = Status::Failed;
                Err(refusal)
            }
        }
    }

    /// Does what a page is for; the subscription and the invoice that it is about, afterwards.
    fn carry_out(
        &mut self,
        action: Action,
        fields: Fields,
        typed: &Typed<'_>,
    ) -> Result<(Option<Id>, Option<Id>), Refusal> {
        match action {
            Action::NewSubscription => self.subscribe_by_page(fields, typed),
            Action::UpdateSubscription => {
                let id = fields.needed_id("subscription_id")?;
                self.card_of_page(id, typed)?;
                self.update_subscription(id, &fields)?;
                Ok((Some(id), self.state.subscription(id)?.child_invoice))
            }
            Action::UpdateCard => {
                let id = fields.needed_id("subscription_id")?;
                self.card_of_page(id, typed)?;
                Ok((Some(id), None))
            }
            Action::OneTimeAddon => {
                let id = fields.needed_id("subscription_id")?;
                self.card_of_page(id, typed)?;
                let invoice = self.buy_addons(id, &fields)?;
                Ok((Some(id), Some(invoice)))
            }
            Action::AddPaymentMethod => {
                self.add_card(fields.needed_id("customer_id")?, typed)?;
                Ok((None, None))
            }
            Action::UpdatePaymentMethod => {
                self.replace_card(fields.needed_id("card_id")?, typed)?;
                Ok((None, None))
            }
            Action::InvoicePayment => {
                let id = fields.needed_id("invoice_id")?;
                let of = self.state.invoice(id)?;
                let subscription = of.subscription;
                let card = self.add_card(of.customer, typed)?;
                match self.charge_card(card, id)? {
                    Charged::Paid(_) => Ok((subscription, Some(id))),
                    Charged::Declined(why) => {
                        self.state.cards.remove(&card);
                        Err(Refusal::declined(&why))
                    }
                }
            }
        }
    }

    /// The card is charged first, by way of the first invoice: a subscription that it cannot pay is not made.
    fn subscribe_by_page(&mut self, fields: Fields, typed: &Typed<'_>) -> Result<(Option<Id>, Option<Id>), Refusal> {
        let inline = fields.object("customer")?;
        let customer = match &inline {
            Some(customer) => self.add_customer(customer)?,
            None => fields.needed_id("customer_id")?,
        };
        let made = self.add_card(customer, typed).and_then(|card| {
            match self.state.card(card, customer)?.declined(self.today()) {
                None => {
                    let request = fields.with("customer_id", customer).with("card_id", card);
                    self.add_subscription(&request)
                }
                Some(why) => {
                    self.state.cards.remove(&card);
                    Err(Refusal::declined(why))
                }
            }
        });
        match made {
            Ok(id) => Ok((Some(id), self.state.subscription(id)?.child_invoice)),
            Err(refusal) => {
                if inline.is_some() {
                    self.state.customers.remove(&customer);
                }
                Err(refusal)
            }
        }
    }

    /// Keeps a typed card and puts it on a subscription.
    fn card_of_page(&mut self, subscription: Id, typed: &Typed<'_>) -> Result<(), Refusal> {
        let customer = self.state.subscription(subscription)?.customer;
        let card = self.add_card(customer, typed)?;
        self.set_card(subscription, card, true)
    }
}
