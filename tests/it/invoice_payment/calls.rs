//! How many calls of Zoho's daily quota a renewal costs.

use super::play::Play;
use serde_json::json;

const OPERATIONS: [&str; 3] = ["invoice.get", "subscription.get", "payment.create"];

/// All calls on Zoho's API so far, by operation; tokens cost no quota.
async fn calls(play: &Play) -> Vec<(String, u64)> {
    let books = play.books().await;
    let all = books["calls"]["zoho"].as_object().cloned().unwrap_or_default();
    all.iter().filter(|(name, _)| !name.starts_with("token.")).map(|(n, c)| (n.clone(), c.as_u64().unwrap())).collect()
}

fn spent(before: &[(String, u64)], after: &[(String, u64)]) -> Vec<(String, u64)> {
    let was = |name: &str| before.iter().find(|(n, _)| n == name).map_or(0, |(_, c)| *c);
    after.iter().map(|(n, c)| (n.clone(), c - was(n))).filter(|(_, c)| *c > 0).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_renewal_costs_three_calls_of_zohos_quota() {
    let play = Play::new().await;
    let once = OPERATIONS.map(|name| (name.to_owned(), 1)).to_vec();
    let sorted = |mut calls: Vec<(String, u64)>| {
        calls.sort();
        calls
    };

    let before = calls(&play).await;
    let customer = play.customer("Frugal").await;
    let first = spent(&before, &calls(&play).await);
    assert_eq!(first, sorted(once.clone()), "a first invoice, told with its subscription");

    let before = calls(&play).await;
    let invoice = play.renew(&customer, 2_000).await;
    play.is_charged_once(&invoice).await;
    assert_eq!(spent(&before, &calls(&play).await), sorted(once.clone()), "a renewal and the echo of our record");

    // The webhook of our own record comes again: not a call. Somebody else's payment is looked at.
    let before = calls(&play).await;
    let log = play.webhooks(json!({})).await;
    let echo = log["deliveries"].as_array().unwrap().iter().rfind(|d| d["kind"] == "payment_thankyou").unwrap();
    play.webhooks(json!({"resend": echo["id"]})).await;
    play.rest().await;
    assert_eq!(spent(&before, &calls(&play).await), []);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_change_is_seen_though_echoes_are_not_looked_at() {
    let play = Play::new().await;
    let customer = play.customer("Watched").await;
    play.card_declines(&customer, Some("2001")).await;
    let invoice = play.renew(&customer, 2_000).await;
    assert_eq!(play.state(&invoice).await, "Dunning");

    let reads = play.calls("zoho", "invoice.get").await;
    play.act(json!({"vendor": "zoho", "act": "edit_invoice", "invoice_id": invoice, "amount": 2_600})).await;
    assert!(play.calls("zoho", "invoice.get").await > reads, "an edit is read");
    assert_eq!(play.count(&invoice, "InvoiceEdited").await, 1);

    let reads = play.calls("zoho", "invoice.get").await;
    play.act(json!({"vendor": "zoho", "act": "record_payment", "invoice_id": invoice, "amount": 600})).await;
    assert!(play.calls("zoho", "invoice.get").await > reads, "a payment that is not ours is read");
    assert_eq!(play.count(&invoice, "ExternalPaymentSeen").await, 1);
    play.is_sound().await;
}
