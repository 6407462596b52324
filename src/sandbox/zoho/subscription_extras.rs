//! The lesser calls on subscriptions: charges beside the term, its card, its notes, what happened to it.

use super::call::{Call, Org, Route, route};
use super::dates::stamp;
use super::errors::Refusal;
use super::fields::Fields;
use super::ids::Id;
use super::invoices::Used;
use super::offers::{Charge, Sort};
use super::reply::{Answer, Object, Reply};
use super::subscription_calls::{change, show};
use axum::routing::MethodFilter;
use chrono::{DateTime, Utc};

pub(super) const ROUTES: &[Route] = &[
    route("subscription.charge", MethodFilter::POST, "/subscriptions/{id}/charge", charge),
    route("subscription.buyonetimeaddon", MethodFilter::POST, "/subscriptions/{id}/buyonetimeaddon", buy_addons),
    route("subscription.setcard", MethodFilter::POST, "/subscriptions/{id}/card", set_card),
    route("subscription.removecard", MethodFilter::DELETE, "/subscriptions/{id}/card", remove_card),
    route("subscription.addnote", MethodFilter::POST, "/subscriptions/{id}/notes", add_note),
    route("subscription.deletenote", MethodFilter::DELETE, "/subscriptions/{id}/notes/{note}", delete_note),
    route("subscription.activities", MethodFilter::GET, "/subscriptions/{id}/recentactivities", activities),
    route("subscription.describe", MethodFilter::POST, "/subscriptions/{id}/lineitems/{code}", describe),
    route("subscription.salesperson", MethodFilter::POST, "/subscriptions/{id}/salesperson", salesperson),
];

/// Something that was said of, or happened to, a subscription.
#[derive(Debug, Clone)]
pub(super) struct Remark {
    id: Id,
    text: String,
    at: DateTime<Utc>,
}

impl Remark {
    /// As a subscription shows a note.
    pub(super) fn note_view(&self) -> Object {
        Object::new()
            .with("note_id", self.id)
            .with("description", &self.text)
            .with("commented_by", "API")
            .with("commented_time", stamp(self.at))
    }

    /// As an invoice shows a comment.
    pub(super) fn comment_view(&self) -> Object {
        Object::new()
            .with("comment_id", self.id)
            .with("description", &self.text)
            .with("commented_by_id", "")
            .with("commented_by", "API")
            .with("comment_type", "system")
            .with("date", self.at.date_naive())
            .with("time", self.at.format("%I:%M %p").to_string())
            .with("operation_type", "Updated")
            .with("transaction_id", "")
            .with("transaction_type", "invoice")
    }

    fn activity_view(&self) -> Object {
        Object::new()
            .with("activity_id", self.id)
            .with("description", &self.text)
            .with("activity_time", stamp(self.at))
            .with("commented_by", "API")
    }
}

impl Org<'_> {
    /// A remark of now.
    pub(super) fn remark(&mut self, text: String) -> Remark {
        Remark { id: self.state.counters.id(), text, at: self.now }
    }

    /// Charges something once beside the term; an online subscription pays it at once.
    pub(super) fn charge_once(&mut self, id: Id, charges: Vec<Charge>, coupon: Option<Used>) -> Result<Id, Refusal> {
        if !self.state.subscription(id)?.status.runs() {
            return Err(Refusal::wrong_subscription_state());
        }
        let today = self.today();
        self.bill(id, today, charges, coupon)
    }

    /// Charges the one-time add-ons that a request names.
    pub(super) fn buy_addons(&mut self, id: Id, fields: &Fields) -> Result<Id, Refusal> {
        let addons = fields.list("addons")?.filter(|addons| !addons.is_empty());
        let addons = addons.ok_or_else(|| Refusal::missing("addons"))?;
        let subscription = self.state.subscription(id)?;
        let customer = self.state.customer(subscription.customer)?;
        let read = |addon: &Fields| {
            let charge = self.read_addon(addon, &subscription.item.code, customer)?;
            if charge.sort == Sort::OneTime { Ok(charge) } else { Err(Refusal::invalid("addon_code")) }
        };
        let mut charges = addons.iter().map(read).collect::<Result<Vec<_>, Refusal>>()?;
        let code = fields.text("coupon_code")?.filter(|code| !code.is_empty());
        let used = code.map(|code| {
            self.check_coupon(&code, &charges, subscription.item.product, subscription.currency)?;
            let coupon = self.state.coupon(&code)?;
            coupon.take_off(&mut charges);
            Ok(Used { code: coupon.code.clone(), name: coupon.name.clone() })
        });
        let used = used.transpose()?;
        if let Some(used) = &used {
            self.count_redemption(&used.code.clone());
        }
        self.charge_once(id, charges, used)
    }
}

/// This organisation has no unbilled charges: it says so instead of leaving an invoice out.
fn refuse_unbilled(fields: &Fields) -> Result<(), Refusal> {
    match fields.flag("add_to_unbilled_charges")? {
        Some(true) => Err(Refusal::invalid("add_to_unbilled_charges")),
        Some(false) | None => Ok(()),
    }
}

fn show_invoice(call: &Call<'_>, id: Id, message: &str) -> Answer {
    let state = &*call.org.state;
    Ok(Reply::ok(message).with("invoice", state.charged_invoice_view(state.invoice(id)?, call.org.today())))
}

fn charge(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Subscription")?, call.fields()?);
    refuse_unbilled(&fields)?;
    let subscription = call.org.state.subscription(id)?;
    let amount = fields.needed_amount("amount", subscription.currency)?;
    let name = fields.text("description")?.unwrap_or_else(|| "One-time charge".to_owned());
    let invoice = call.org.charge_once(id, vec![Charge::new(Sort::OneTime, "", &name, (amount, 1), None)], None)?;
    show_invoice(call, invoice, "One time charge has been added successfully.")
}

fn buy_addons(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Subscription")?, call.fields()?);
    refuse_unbilled(&fields)?;
    let invoice = call.org.buy_addons(id, &fields)?;
    show_invoice(call, invoice, "One-time addon has been purchased successfully.")
}

fn set_card(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Subscription")?, call.fields()?);
    let card = fields.needed_id("card_id")?;
    call.org.set_card(id, card, fields.flag("auto_collect")?.unwrap_or(true))?;
    show(call, id, Reply::ok("Card has been updated successfully."))
}

fn remove_card(call: &mut Call<'_>) -> Answer {
    let id = call.id("Subscription")?;
    if call.org.state.subscription(id)?.card.is_none() {
        return Err(Refusal::unknown("Card"));
    }
    change(call, id, |subscription| {
        subscription.card = None;
        subscription.auto_collect = false;
    })?;
    Ok(Reply::ok("Card has been successfully removed from the subscription."))
}

fn add_note(call: &mut Call<'_>) -> Answer {
    let (id, text) = (call.id("Subscription")?, call.fields()?.needed("description")?);
    call.org.state.subscription(id)?;
    let note = call.org.remark(text);
    change(call, id, |subscription| subscription.notes.push(note))?;
    let notes: Vec<Object> = call.org.state.subscription(id)?.notes.iter().map(Remark::note_view).collect();
    Ok(Reply::ok("Notes added.").with("note", Object::new().with("notes", notes)))
}

fn delete_note(call: &mut Call<'_>) -> Answer {
    let id = call.id("Subscription")?;
    let note = Id::read(call.param("note"));
    let notes = &call.org.state.subscription(id)?.notes;
    let at = notes.iter().position(|of| Some(of.id) == note).ok_or_else(|| Refusal::unknown("Note"))?;
    change(call, id, |subscription| drop(subscription.notes.remove(at)))?;
    Ok(Reply::ok("The note has been deleted."))
}

/// Newest first.
fn activities(call: &mut Call<'_>) -> Answer {
    let subscription = call.org.state.subscription(call.id("Subscription")?)?;
    let rows: Vec<Object> = subscription.activities.iter().rev().map(Remark::activity_view).collect();
    Ok(Reply::ok("success").with("activities", rows))
}

fn describe(call: &mut Call<'_>) -> Answer {
    let (id, text) = (call.id("Subscription")?, call.fields()?.needed("description")?);
    let code = call.param("code").to_owned();
    let subscription = call.org.state.subscription(id)?;
    if subscription.item.code != code && !subscription.has_addon(&code) {
        return Err(Refusal::unknown("Item"));
    }
    change(call, id, |subscription| drop(subscription.descriptions.insert(code, text)))?;
    Ok(Reply::ok("Item description has been updated successfully."))
}

fn salesperson(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Subscription")?, call.fields()?);
    let name = fields.needed("salesperson_name")?;
    let known = fields.id("salesperson_id")?;
    let person = known.unwrap_or_else(|| call.org.state.counters.id());
    change(call, id, |subscription| subscription.salesperson = Some((person, name)))?;
    show(call, id, Reply::ok("Sales Person has been updated successfully."))
}
