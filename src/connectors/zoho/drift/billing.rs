//! Zoho Billing: its lists, and one object of each kind as it is read by its id.

use super::super::billing::Billing;
use super::{NOBODY, Seen, body, refusal, rows, seen, soon};
use crate::connectors::drift::{Field, Point, Survey, flag, list, number, text, time, word};
use chrono::{DateTime, Utc};
use sagas::kernel::money;
use serde_json::Value;

const PRODUCT: &[Field] = &[text("product_id"), text("name"), word("status", is_offered)];
const PLAN: &[Field] = &[
    text("plan_code"),
    text("name"),
    word("status", is_offered),
    text("product_id"),
    number("recurring_price"),
    number("interval"),
    text("interval_unit").optional(),
    number("trial_period").optional(),
    number("setup_fee").optional(),
    text("tax_id").optional(),
];
const ADDON: &[Field] = &[
    text("addon_code"),
    text("name"),
    word("status", is_offered),
    text("product_id").optional(),
    word("type", |word| matches!(word, "recurring" | "one_time")).optional(),
    list("price_brackets"),
];
const COUPON: &[Field] = &[
    text("coupon_code"),
    word("status", |word| matches!(word, "active" | "inactive" | "expired" | "maxed_out")),
    word("discount_by", |word| matches!(word, "flat" | "percentage")),
    number("discount_value"),
    text("product_id").optional(),
];
const CUSTOMER_ROW: &[Field] = &[
    text("customer_id"),
    text("display_name").optional(),
    text("email").optional(),
    time("created_time"),
    time("updated_time").optional(),
];
const CUSTOMER: &[Field] = &[
    text("customer_id"),
    word("status", is_offered),
    text("currency_code"),
    number("price_precision").optional(),
    number("unused_credits").optional(),
    list("custom_fields").optional(),
    time("created_time"),
];
const SUBSCRIPTION_ROW: &[Field] = &[
    text("subscription_id"),
    text("customer_id"),
    word("status", is_subscription_status),
    text("reference_id").optional(),
    flag("auto_collect"),
    text("currency_code"),
    number("amount"),
    time("created_time").optional(),
    time("updated_time").optional(),
];
const SUBSCRIPTION: &[Field] = &[
    text("subscription_id"),
    text("customer.customer_id"),
    word("status", is_subscription_status),
    flag("auto_collect"),
    text("currency_code"),
    text("plan.plan_code"),
    text("product_id"),
    number("amount"),
    text("reference_id").optional(),
    text("child_invoice_id").optional(),
];
const INVOICE_ROW: &[Field] = &[
    text("invoice_id"),
    text("customer_id"),
    word("status", is_invoice_status),
    number("total"),
    number("balance"),
    text("currency_code"),
    time("updated_time").optional(),
];
const INVOICE: &[Field] = &[
    text("invoice_id"),
    text("number"),
    text("customer_id"),
    word("status", is_invoice_status),
    text("currency_code"),
    number("total"),
    number("balance"),
    number("credits_applied").optional(),
    number("write_off_amount").optional(),
    list("payments"),
    list("credits").optional(),
    text("invoice_date"),
    text("due_date"),
];
const EVENT: &[Field] = &[text("event_id"), text("event_type"), time("event_time")];
const PAGING: &[Field] = &[number("page"), number("per_page"), flag("has_more_page")];

/// A list that is read: path, its key in the answer, and what is read of a row.
const LISTS: [(&str, &str, &[Field]); 8] = [
    ("products", "products", PRODUCT),
    ("plans", "plans", PLAN),
    ("addons", "addons", ADDON),
    ("coupons", "coupons", COUPON),
    ("customers", "customers", CUSTOMER_ROW),
    ("subscriptions", "subscriptions", SUBSCRIPTION_ROW),
    ("invoices", "invoices", INVOICE_ROW),
    ("events", "events", EVENT),
];

fn is_offered(word: &str) -> bool {
    matches!(word, "active" | "inactive")
}

fn is_subscription_status(word: &str) -> bool {
    let running = matches!(word, "future" | "trial" | "live" | "non_renewing" | "dunning" | "unpaid" | "paused");
    running || super::super::wire::is_over(word)
}

fn is_invoice_status(word: &str) -> bool {
    let open = matches!(word, "sent" | "overdue" | "unpaid" | "partially_paid" | "viewed");
    open || matches!(word, "draft" | "pending" | "paid" | "void")
}

/// A number that is not 0, whatever the HTTP status.
fn code(body: &Value) -> Option<String> {
    let code = body.get("code")?;
    let code = code.as_i64().map_or_else(|| code.as_str().map(str::to_owned), |code| Some(code.to_string()));
    code.filter(|code| code != "0")
}

pub(super) async fn walk(billing: &Billing, survey: &mut Survey<'_>, now: DateTime<Utc>) {
    let mut found: Vec<(&str, Vec<Value>)> = Vec::new();
    for (path, key, fields) in LISTS {
        survey.asks(path);
        let query = [("page", "1"), ("per_page", "25")];
        let answered = billing.reply(&[path], &query, soon()).await;
        // What cannot be asked first will not be answered later.
        let unanswered = answered.is_err() && found.is_empty();
        if let Some((reply, body)) = body(survey, path, answered, code) {
            if let Some(reply) = &reply {
                survey.headers(reply, now);
            }
            survey.shape(&format!("pages of {path}"), [body["page_context"].clone()].as_slice(), PAGING);
            let rows = rows(&body, key);
            survey.shape(path, rows.as_slice(), fields);
            found.push((path, rows));
        }
        if unanswered {
            return;
        }
    }
    let rows_of = |path: &str| found.iter().find(|(of, _)| *of == path).map_or(&[][..], |(_, rows)| rows.as_slice());
    let events = if found.iter().any(|(of, _)| *of == "events") { "it can" } else { "it cannot, with these rights" };
    survey.settle(Point::EventsList, events);
    currencies(survey, rows_of("subscriptions"), rows_of("invoices"));
    one_customer(billing, survey, rows_of("customers")).await;
    one_subscription(billing, survey, rows_of("subscriptions")).await;
    one_invoice(billing, survey, rows_of("invoices")).await;
    payments(billing, survey).await;
}

/// Every currency that money is in is one of ISO 4217.
fn currencies(survey: &mut Survey<'_>, subscriptions: &[Value], invoices: &[Value]) {
    let mut used = Survey::words(subscriptions, "currency_code");
    used.extend(Survey::words(invoices, "currency_code"));
    if used.is_empty() {
        return survey.empty("currencies in use");
    }
    let known = used.iter().all(|code| money::currency(code).is_ok());
    let found = used.into_iter().collect::<Vec<_>>().join(", ");
    survey.holds("currencies in use", known, found, "amounts of an unknown currency are refused");
}

/// The first row's object, read by its id.
async fn one(
    billing: &Billing,
    survey: &mut Survey<'_>,
    (path, key, id): (&str, &str, &str),
    of: &[Value],
    fields: &[Field],
) -> Option<Value> {
    let check = format!("one of {path}");
    let Some(id) = of.first().and_then(|row| row[id].as_str()) else {
        survey.empty(&check);
        return None;
    };
    survey.asks(&check);
    let (_, body) = body(survey, &check, billing.reply(&[path, id], &[], soon()).await, code)?;
    let object = body[key].clone();
    survey.shape(&check, [object.clone()].as_slice(), fields);
    Some(object)
}

async fn one_customer(billing: &Billing, survey: &mut Survey<'_>, of: &[Value]) {
    let Some(shown) = one(billing, survey, ("customers", "customer", "customer_id"), of, CUSTOMER).await else {
        return;
    };
    let currency = shown["currency_code"].as_str().and_then(|code| money::currency(code).ok());
    if let (Some(currency), Some(theirs)) = (currency, shown["price_precision"].as_u64()) {
        let ours = currency.exponent().map_or(0, u64::from);
        let found = format!("Zoho {theirs}, ISO 4217 {ours}");
        let cure = "amounts with more decimals than ISO 4217 gives are refused, never rounded: set Zoho's format to it";
        survey.holds(&format!("decimals of {}", currency.code()), theirs == ours, found, cure);
    }
    survey.asks("customers by e-mail address");
    let query = [("email", NOBODY), ("per_page", "25")];
    let answered = billing.reply(&["customers"], &query, soon()).await;
    let answer = match seen(survey, "customers by e-mail address", answered, code) {
        Some(Seen::Body(_, body)) if rows(&body, "customers").is_empty() => "they are".to_owned(),
        Some(Seen::Body(..)) => "they are not: the parameter is ignored".to_owned(),
        Some(Seen::Refused(reply, code)) => refusal(&reply, &code),
        Some(Seen::Nothing) | None => return,
    };
    survey.settle(Point::CustomerByMail, answer);
}

async fn one_subscription(billing: &Billing, survey: &mut Survey<'_>, of: &[Value]) {
    const CHECK: &str = "subscription by its reference";
    one(billing, survey, ("subscriptions", "subscription", "subscription_id"), of, SUBSCRIPTION).await;
    let referred = of.iter().find_map(|row| {
        let reference = row["reference_id"].as_str().filter(|text| !text.is_empty())?;
        Some((row["subscription_id"].as_str()?, reference))
    });
    let Some((id, reference)) = referred else { return };
    survey.asks(CHECK);
    let answered = billing.reply(&["subscriptions"], &[("reference_contains", reference)], soon()).await;
    if let Some((_, body)) = body(survey, CHECK, answered, code) {
        let found = rows(&body, "subscriptions").iter().any(|row| row["subscription_id"] == id);
        let word = if found { "it does" } else { "it does not" };
        survey.holds(CHECK, found, word, "a subscription made without an answer could not be found again");
        survey.settle(Point::ReferenceFilter, word);
    }
}

async fn one_invoice(billing: &Billing, survey: &mut Survey<'_>, of: &[Value]) {
    let Some(shown) = one(billing, survey, ("invoices", "invoice", "invoice_id"), of, INVOICE).await else { return };
    let is_there = |names: &[&str]| {
        let there = names.iter().filter(|name| shown.get(**name).is_some_and(|value| !value.is_null()));
        let there: Vec<_> = there.map(|name| format!("`{name}`")).collect();
        if there.is_empty() { "it does not".to_owned() } else { format!("it does: {}", there.join(", ")) }
    };
    survey.settle(Point::InvoiceSubscription, is_there(&["subscription_id", "subscriptions"]));
    survey.settle(Point::InvoiceTax, is_there(&["tax_total", "taxes"]));
}

/// Zoho's documents know no such list.
async fn payments(billing: &Billing, survey: &mut Survey<'_>) {
    survey.asks("payments");
    let answered = billing.reply(&["payments"], &[("per_page", "25")], soon()).await;
    let answer = match seen(survey, "payments", answered, code) {
        Some(Seen::Body(..) | Seen::Nothing) => "they can".to_owned(),
        Some(Seen::Refused(reply, code)) => refusal(&reply, &code),
        None => return,
    };
    survey.settle(Point::PaymentList, answer);
}
