//! Cards that Zoho itself keeps, and its test gateway, which charges them. No call takes a card number: customers type
//! it into a hosted page.

use super::State;
use super::call::{Call, Org, Route, route};
use super::dates::stamp;
use super::errors::Refusal;
use super::ids::Id;
use super::list::Listing;
use super::reply::{Answer, Object, Reply};
use axum::routing::MethodFilter;
use chrono::{DateTime, Datelike, NaiveDate, Utc};

pub(super) const ROUTES: &[Route] = &[
    route("card.list", MethodFilter::GET, "/customers/{id}/cards", list),
    route("card.get", MethodFilter::GET, "/customers/{id}/cards/{card}", get),
    route("card.delete", MethodFilter::DELETE, "/customers/{id}/cards/{card}", delete),
];

/// The gateway that the simulated organisation has set up.
pub(super) const GATEWAY: &str = "test_gateway";
/// The sandbox's number of a card that the gateway does not even take. (Zoho publishes no numbers of its gateway.)
pub(super) const REFUSED: &str = "4000000000000002";
/// The sandbox's number of a card that is taken and then declined each time it is charged.
const DECLINES: &str = "4000000000000341";

/// A card of a customer. Its number is not kept.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub(super) id: Id,
    pub(super) customer: Id,
    /// The last four digits, as Zoho shows them: a number.
    last_four: u32,
    expiry_month: u32,
    expiry_year: i32,
    /// Whether the bank declines each charge.
    declines: bool,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

/// What a person types into a card form.
#[derive(Debug)]
pub(super) struct Typed<'a> {
    pub(super) number: &'a str,
    pub(super) month: u32,
    pub(super) year: i32,
}

impl Default for Typed<'_> {
    /// A card that pays.
    fn default() -> Self {
        Self { number: "4111111111111111", month: 12, year: 2039 }
    }
}

impl Card {
    /// Why the gateway declines a charge on this day; nothing if it pays.
    pub(super) fn declined(&self, today: NaiveDate) -> Option<&'static str> {
        if (self.expiry_year, self.expiry_month) < (today.year(), today.month()) {
            Some("The credit card has expired.")
        } else if self.declines {
            Some("This transaction has been declined.")
        } else {
            None
        }
    }

    /// Adds what subscriptions, payments and lists show of it.
    pub(super) fn face(&self, view: Object) -> Object {
        view.with("last_four_digits", self.last_four)
            .with("expiry_month", self.expiry_month)
            .with("expiry_year", self.expiry_year)
    }

    /// As a subscription shows it.
    pub(super) fn short_view(&self) -> Object {
        self.face(Object::new().with("card_id", self.id)).with("payment_gateway", GATEWAY)
    }

    fn row(&self) -> Object {
        self.view_with(
            Object::new().with("card_id", self.id).with("customer_id", self.customer).with("status", "active"),
        )
    }

    fn view_with(&self, head: Object) -> Object {
        self.face(head)
            .with("payment_gateway", GATEWAY)
            .with("created_time", stamp(self.created))
            .with("updated_time", stamp(self.updated))
    }
}

impl State {
    /// The card of this id, of this customer.
    pub(super) fn card(&self, id: Id, customer: Id) -> Result<&Card, Refusal> {
        self.cards.get(&id).filter(|card| card.customer == customer).ok_or_else(|| Refusal::unknown("Card"))
    }

    fn card_view(&self, card: &Card) -> Object {
        let customer = self.customers.get(&card.customer);
        let head = Object::new().with("customer_id", card.customer).with("card_id", card.id);
        let mut view = card.view_with(head);
        for name in ["first_name", "last_name"] {
            view = view.with(name, customer.map_or("", |customer| customer.plain(name)));
        }
        for name in ["street", "city", "state", "zip", "country"] {
            view = view.with(name, customer.map(|customer| &customer.billing_address[name]));
        }
        view
    }
}

impl Org<'_> {
    /// Keeps a card that a customer typed in, unless the gateway does not take it.
    pub(super) fn add_card(&mut self, customer: Id, typed: &Typed<'_>) -> Result<Id, Refusal> {
        self.state.customer(customer)?;
        let digits: String = typed.number.chars().filter(char::is_ascii_digit).collect();
        if !(12..=19).contains(&digits.len()) {
            return Err(Refusal::invalid("card_number"));
        }
        if !(1..=12).contains(&typed.month) {
            return Err(Refusal::invalid("expiry_month"));
        }
        let last_four = digits[digits.len() - 4..].parse().map_err(|_| Refusal::invalid("card_number"))?;
        let card = Card {
            id: self.state.counters.id(),
            customer,
            last_four,
            expiry_month: typed.month,
            expiry_year: typed.year,
            declines: digits == DECLINES,
            created: self.now,
            updated: self.now,
        };
        if digits == REFUSED {
            return Err(Refusal::declined("The credit card was not accepted."));
        }
        if (card.expiry_year, card.expiry_month) < (self.today().year(), self.today().month()) {
            return Err(Refusal::invalid("expiry_year"));
        }
        let id = card.id;
        self.state.cards.insert(id, card);
        Ok(id)
    }

    /// Replaces what is on a card, which keeps its id and its subscriptions.
    pub(super) fn replace_card(&mut self, id: Id, typed: &Typed<'_>) -> Result<(), Refusal> {
        let old = self.state.cards.get(&id).ok_or_else(|| Refusal::unknown("Card"))?.clone();
        let made = self.add_card(old.customer, typed)?;
        if let Some(new) = self.state.cards.remove(&made) {
            self.state.cards.insert(id, Card { id, created: old.created, ..new });
        }
        Ok(())
    }

    /// Forgets a card; subscriptions that it paid are collected no more.
    pub(super) fn delete_card(&mut self, id: Id) -> Result<(), Refusal> {
        let card = self.state.cards.remove(&id).ok_or_else(|| Refusal::unknown("Card"))?;
        for subscription in self.state.subscriptions.values_mut().filter(|of| of.card == Some(id)) {
            subscription.card = None;
            subscription.auto_collect = false;
            subscription.updated = self.now;
        }
        self.emit("card_deleted", &Object::new().with("card", card.row()));
        Ok(())
    }
}

fn ids(call: &Call<'_>) -> Result<(Id, Id), Refusal> {
    let card = Id::read(call.param("card")).ok_or_else(|| Refusal::unknown("Card"))?;
    Ok((call.id("Customer")?, card))
}

fn list(call: &mut Call<'_>) -> Answer {
    let customer = call.id("Customer")?;
    let state = &*call.org.state;
    state.customer(customer)?;
    let ids = state.cards.values().filter(|card| card.customer == customer).map(|card| card.id);
    Listing { key: "cards", report: "Cards", filter: "Status.Active" }.answer(call, ids, |id| state.cards[&id].row())
}

fn get(call: &mut Call<'_>) -> Answer {
    let (customer, card) = ids(call)?;
    let state = &*call.org.state;
    Ok(Reply::ok("success").with("card", state.card_view(state.card(card, customer)?)))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let (customer, card) = ids(call)?;
    call.org.state.card(card, customer)?;
    call.org.delete_card(card)?;
    Ok(Reply::ok("The credit card has been deleted."))
}
