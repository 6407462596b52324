//! The calls on subscriptions; what they do is in [`super::subscriptions`] and [`super::lifecycle`].

use super::call::{Call, Route, route};
use super::errors::Refusal;
use super::ids::Id;
use super::list::{Listing, filter_by};
use super::reply::{Answer, Reply};
use super::subscriptions::{Status, Subscription};
use axum::routing::MethodFilter;

pub(super) const ROUTES: &[Route] = &[
    route("subscription.create", MethodFilter::POST, "/subscriptions", create),
    route("subscription.list", MethodFilter::GET, "/subscriptions", list),
    route("subscription.get", MethodFilter::GET, "/subscriptions/{id}", get),
    route("subscription.update", MethodFilter::PUT, "/subscriptions/{id}", update),
    route("subscription.delete", MethodFilter::DELETE, "/subscriptions/{id}", delete),
    route("subscription.cancel", MethodFilter::POST, "/subscriptions/{id}/cancel", cancel),
    route("subscription.reactivate", MethodFilter::POST, "/subscriptions/{id}/reactivate", reactivate),
    route("subscription.scheduledchanges", MethodFilter::GET, "/subscriptions/{id}/scheduledchanges", scheduled),
    route("subscription.autocollect", MethodFilter::POST, "/subscriptions/{id}/autocollect", auto_collect),
    route("subscription.reference", MethodFilter::POST, "/subscriptions/{id}/reference", reference),
    route("subscription.customfields", MethodFilter::POST, "/subscriptions/{id}/customfields", custom_fields),
    route("subscription.addcoupon", MethodFilter::POST, "/subscriptions/{id}/coupons/{code}", add_coupon),
    route("subscription.removecoupon", MethodFilter::DELETE, "/subscriptions/{id}/coupons", remove_coupon),
    route("subscription.postpone", MethodFilter::POST, "/subscriptions/{id}/postpone", postpone),
];

/// An answer with the subscription as it is now.
pub(super) fn show(call: &Call<'_>, id: Id, reply: Reply) -> Answer {
    let state = &*call.org.state;
    Ok(reply.with("subscription", state.subscription_view(state.subscription(id)?)))
}

/// Changes a subscription and notes when.
pub(super) fn change(call: &mut Call<'_>, id: Id, change: impl FnOnce(&mut Subscription)) -> Result<(), Refusal> {
    let now = call.org.now;
    let subscription = call.org.state.subscription_mut(id)?;
    change(subscription);
    subscription.updated = now;
    Ok(())
}

fn create(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let id = match fields.object("customer")? {
        None => call.org.add_subscription(&fields)?,
        // Made together with the subscription, a customer comes without a workflow of its own.
        Some(customer) => {
            let customer = call.org.add_customer(&customer)?;
            let made = call.org.add_subscription(&fields.with("customer_id", customer));
            if made.is_err() {
                call.org.state.customers.remove(&customer);
            }
            made?
        }
    };
    show(call, id, Reply::created("Subscription has been created successfully."))
}

fn get(call: &mut Call<'_>) -> Answer {
    show(call, call.id("Subscription")?, Reply::ok("success"))
}

fn list(call: &mut Call<'_>) -> Answer {
    let horizon = call.horizon();
    let text = call.query("filter_by").filter(|text| !text.is_empty()).unwrap_or("SubscriptionStatus.All");
    let by_mode = text.strip_prefix("SubscriptionMode.");
    let by_status = if by_mode.is_some() { "All" } else { filter_by(call, "SubscriptionStatus.")? };
    let today = call.org.today();
    if !Subscription::has_filter(by_status) || by_mode.is_some_and(|mode| !["ONLINE", "OFFLINE"].contains(&mode)) {
        return Err(Refusal::invalid("filter_by"));
    }
    let customer = call.query_id("customer_id")?;
    let reference = call.query("reference_contains");
    let state = &*call.org.state;
    let shows = |subscription: &&Subscription| {
        let mode = match by_mode {
            None => true,
            Some(mode) => mode == if subscription.auto_collect { "ONLINE" } else { "OFFLINE" },
        };
        mode && subscription.fits(by_status, today)
            && subscription.created <= horizon
            && customer.is_none_or(|id| subscription.customer == id)
            && reference.is_none_or(|part| subscription.reference.contains(part))
    };
    let ids = state.subscriptions.values().filter(shows).map(|subscription| subscription.id);
    let row = |id| state.subscription_row(&state.subscriptions[&id]);
    Listing { key: "subscriptions", report: "Subscriptions", filter: text }.answer(call, ids, row)
}

fn update(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Subscription")?, call.fields()?);
    call.org.update_subscription(id, &fields)?;
    show(call, id, Reply::ok("Subscription has been updated successfully."))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.id("Subscription")?;
    call.org.state.subscription(id)?;
    if call.org.state.invoices.values().any(|invoice| invoice.subscription == Some(id)) {
        return Err(Refusal::has_transactions("The subscription"));
    }
    call.org.tell("subscription_deleted", id)?;
    call.org.state.subscriptions.remove(&id);
    Ok(Reply::ok("The subscription has been deleted."))
}

fn cancel(call: &mut Call<'_>) -> Answer {
    let id = call.id("Subscription")?;
    let at_end = match call.query("cancel_at_end") {
        Some("true") => true,
        None | Some("" | "false") => false,
        Some(_) => return Err(Refusal::invalid("cancel_at_end")),
    };
    call.org.cancel(id, at_end)?;
    let message = if at_end {
        "Your subscription will be canceled at the end of this term."
    } else {
        "Your subscription has been canceled."
    };
    show(call, id, Reply::ok(message))
}

fn reactivate(call: &mut Call<'_>) -> Answer {
    let id = call.id("Subscription")?;
    call.org.reactivate(id)?;
    show(call, id, Reply::ok("Subscription has been reactivated successfully."))
}

fn scheduled(call: &mut Call<'_>) -> Answer {
    let state = &*call.org.state;
    let view = state.scheduled_view(state.subscription(call.id("Subscription")?)?)?;
    Ok(Reply::ok("success").with("subscription", view))
}

fn auto_collect(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Subscription")?, call.fields()?);
    let on = fields.flag("auto_collect")?.ok_or_else(|| Refusal::missing("auto_collect"))?;
    if on && call.org.state.subscription(id)?.card.is_none() {
        return Err(Refusal::missing("card_id"));
    }
    change(call, id, |subscription| subscription.auto_collect = on)?;
    show(call, id, Reply::ok("Auto charge Status has been changed successfully."))
}

fn reference(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Subscription")?, call.fields()?);
    let reference = fields.text("reference_id")?.ok_or_else(|| Refusal::missing("reference_id"))?;
    change(call, id, |subscription| subscription.reference = reference)?;
    show(call, id, Reply::ok("Subscription has been updated successfully."))
}

fn custom_fields(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Subscription")?, call.fields()?);
    let mut new = call.org.state.subscription(id)?.custom_fields.clone();
    new.update(&fields)?;
    // One object, by the documents: the field that was named last.
    let last = fields.list("custom_fields")?.and_then(|given| given.last().map(|field| field.needed("label")));
    let view = last.transpose()?.and_then(|label| new.field_view(&label));
    change(call, id, |subscription| subscription.custom_fields = new)?;
    Ok(Reply::ok("Custom Fields Updated Successfully.").with("data", view.unwrap_or_default()))
}

fn add_coupon(call: &mut Call<'_>) -> Answer {
    let id = call.id("Subscription")?;
    let mut subscription = call.org.state.subscription(id)?.clone();
    if !subscription.status.runs() {
        return Err(Refusal::wrong_subscription_state());
    }
    let code = call.param("code").to_owned();
    call.org.redeem(&mut subscription, &code)?;
    change(call, id, |of| of.coupon = subscription.coupon)?;
    Ok(Reply::ok("The coupon has been added to the subscription."))
}

fn remove_coupon(call: &mut Call<'_>) -> Answer {
    let id = call.id("Subscription")?;
    if call.org.state.subscription(id)?.coupon.is_none() {
        return Err(Refusal::unknown("Coupon"));
    }
    change(call, id, |subscription| subscription.coupon = None)?;
    Ok(Reply::ok("The coupon has been removed from the subscription."))
}

fn postpone(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Subscription")?, call.fields()?);
    let day = fields.date("renewal_at")?.ok_or_else(|| Refusal::missing("renewal_at"))?;
    let subscription = call.org.state.subscription(id)?;
    if subscription.status != Status::Live {
        return Err(Refusal::wrong_subscription_state());
    }
    if subscription.next.is_none_or(|next| day <= next) {
        return Err(Refusal::invalid("renewal_at"));
    }
    change(call, id, |subscription| {
        subscription.next = Some(day);
        subscription.anchor = day;
        subscription.count = 0;
    })?;
    call.org.tell("billing_date_changed", id)?;
    show(call, id, Reply::ok("Billing date of the subscription has been changed."))
}
