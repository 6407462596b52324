//! The changes that a request makes to a subscription's add-ons or discounts: add, update, remove, with the gateway's codes
//! at the very item that is wrong. Changes only the list it is given.

use super::call::Ask;
use super::catalog::{Kind, Modification};
use super::codes::{self, Code};
use super::money::{self, Bad};
use super::reply::Errors;
use super::subscription::Line;
use std::collections::BTreeMap;

/// Where the changes apply, and what they can draw on.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) kind: Kind,
    pub(super) catalogue: &'a BTreeMap<String, Modification>,
    /// ISO 4217 of the subscription.
    pub(super) currency: &'a str,
}

impl Change<'_> {
    /// Applies `ask` (`add`, `update`, `remove`) to `lines`, noting every fault.
    pub(super) fn apply(&self, lines: &mut Vec<Line>, ask: &Ask, errors: &mut Errors) {
        let removed = ask.texts("remove");
        for (at, item) in ask.items("update").iter().enumerate() {
            self.update(lines, item, &removed, &mut |attribute, code| self.note(errors, "update", at, attribute, code));
        }
        for id in &removed {
            if let Some(at) = lines.iter().position(|line| line.id == *id) {
                lines.remove(at);
                continue;
            }
            let other = self.catalogue.get(id).is_some_and(|m| m.kind != self.kind);
            let code = if other { codes::LINE_REMOVE_KIND } else { codes::LINE_REMOVE_ABSENT };
            errors.add(&["subscription", self.kind.plural()], "remove", code);
        }
        for (at, item) in ask.items("add").iter().enumerate() {
            self.add(lines, item, &mut |attribute, code| self.note(errors, "add", at, attribute, code));
        }
    }

    fn note(&self, errors: &mut Errors, verb: &str, at: usize, attribute: &'static str, code: Code) {
        errors.add(&["subscription", self.kind.plural(), verb, &format!("index_{at}")], attribute, code);
    }

    fn update(&self, lines: &mut [Line], item: &Ask, removed: &[String], fault: &mut dyn FnMut(&'static str, Code)) {
        let Some(id) = item.text("existing_id") else { return fault("existing_id", codes::LINE_EXISTING_REQUIRED) };
        if removed.contains(&id) {
            return fault("existing_id", codes::LINE_UPDATED_AND_REMOVED);
        }
        match lines.iter_mut().find(|line| line.id == id) {
            Some(line) => self.write(line, item, fault),
            None if self.catalogue.get(&id).is_some_and(|m| m.kind != self.kind) => {
                fault("existing_id", codes::LINE_EXISTING_KIND);
            }
            None => fault("existing_id", codes::LINE_EXISTING_INVALID),
        }
    }

    fn add(&self, lines: &mut Vec<Line>, item: &Ask, fault: &mut dyn FnMut(&'static str, Code)) {
        let Some(id) = item.text("inherited_from_id") else {
            return fault("inherited_from_id", codes::LINE_INHERITED_REQUIRED);
        };
        let Some(found) = self.catalogue.get(&id).filter(|m| m.kind == self.kind) else {
            return fault("inherited_from_id", codes::LINE_INHERITED_INVALID);
        };
        if lines.iter().any(|line| line.id == id) {
            return fault("base", codes::LINE_TWICE);
        }
        let mut line = found.line.clone();
        self.write(&mut line, item, fault);
        lines.push(line);
    }

    fn write(&self, line: &mut Line, item: &Ask, fault: &mut dyn FnMut(&'static str, Code)) {
        match item.text("amount").map(|text| money::parse(&text, self.currency)) {
            None => {}
            Some(Ok(amount)) => line.amount = amount,
            Some(Err(Bad::TooLarge)) => fault("amount", codes::LINE_AMOUNT_TOO_LARGE),
            Some(Err(Bad::Format | Bad::Negative)) => fault("amount", codes::LINE_AMOUNT),
        }
        match item.text("quantity").map(|text| text.parse::<i64>()) {
            None => {}
            Some(Ok(quantity)) if (1..=1_000_000).contains(&quantity) => line.quantity = quantity,
            Some(Ok(_)) => fault("quantity", codes::LINE_QUANTITY_POSITIVE),
            Some(Err(_)) => fault("quantity", codes::LINE_QUANTITY),
        }
        let never = item.flag("never_expires");
        match item.text("number_of_billing_cycles").map(|text| text.parse::<u32>()) {
            Some(_) if never => fault("base", codes::LINE_CYCLES_INCONSISTENT),
            Some(Ok(0)) => fault("number_of_billing_cycles", codes::LINE_CYCLES_POSITIVE),
            Some(Ok(cycles)) => line.cycles = Some(cycles),
            Some(Err(_)) => fault("number_of_billing_cycles", codes::LINE_CYCLES),
            None if never => line.cycles = None,
            None => {}
        }
    }
}
