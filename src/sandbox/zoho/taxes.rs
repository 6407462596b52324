//! Taxes: a name and a rate, exclusive of prices, named by plans, add-ons, customers and lines.
//!
//! Zoho Billing's documents know no call that makes or lists them: a person sets them up at the console. Only their ids
//! and amounts are seen over the API. A tax never changes, so that lines can hold it as it was.

use super::State;
use super::call::Org;
use super::customers::Customer;
use super::errors::Refusal;
use super::ids::Id;
use super::money::{Currency, Percent};
use super::reply::Object;

/// A tax of the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tax {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) rate: Percent,
}

impl Tax {
    /// The tax on a net amount of minor units, rounded half up.
    pub(super) fn on(&self, net: i64) -> i64 {
        self.rate.of(net)
    }
}

/// A tax id as answers show it: empty text where there is no tax.
pub(super) fn id_text(tax: Option<&Tax>) -> String {
    tax.map(|tax| tax.id.to_string()).unwrap_or_default()
}

/// The sums by tax, in the order in which the taxes come first.
pub(super) fn sums<'a>(parts: impl Iterator<Item = (&'a Tax, i64)>) -> Vec<(&'a Tax, i64)> {
    let mut sums: Vec<(&Tax, i64)> = Vec::new();
    for (tax, amount) in parts {
        match sums.iter_mut().find(|(known, _)| known.id == tax.id) {
            Some((_, sum)) => *sum += amount,
            None => sums.push((tax, amount)),
        }
    }
    sums
}

/// Sums by tax as subscriptions and credit notes show them: the amounts are text.
pub(super) fn view(sums: &[(&Tax, i64)], currency: Currency) -> Vec<Object> {
    let row = |(tax, amount): &(&Tax, i64)| {
        Object::new().with("tax_id", tax.id).with("tax_name", &tax.name).with("tax_amount", currency.text(*amount))
    };
    sums.iter().map(row).collect()
}

impl State {
    /// The tax of this id.
    pub(super) fn tax(&self, id: Id) -> Result<&Tax, Refusal> {
        self.taxes.get(&id).ok_or_else(|| Refusal::unknown("Tax"))
    }

    /// The tax that a customer pays on something: the one it names, else the customer's own; none if the customer is
    /// not taxable.
    pub(super) fn tax_for(&self, customer: &Customer, own: Option<Id>) -> Result<Option<Tax>, Refusal> {
        let id = own.or(customer.tax).filter(|_| customer.taxable);
        id.map(|id| self.tax(id).cloned()).transpose()
    }
}

impl Org<'_> {
    /// Adds a tax.
    pub(super) fn add_tax(&mut self, name: String, rate: Percent) -> Id {
        let id = self.state.counters.id();
        self.state.taxes.insert(id, Tax { id, name, rate });
        id
    }
}
