//! What happens between the hold and the capture, and shortly after it.

use super::play::{GOOD, Play, fault};
use attio_billing::demo::{Shown, SignUp};
use attio_billing::store::items::ItemState;
use serde_json::{Value, json};

/// The customer pays; everything is made, and the capture alone cannot be sent. This happens meanwhile.
async fn just_before_the_capture(play: &Play, url: &str, happens: impl AsyncFnOnce()) -> Shown {
    let submit = "transaction.submit_for_settlement";
    play.fault(json!({"vendor": "braintree", "operation": submit, "kind": "rate_limit"})).await;
    let before = play.calls("braintree", submit).await;
    play.pay_while(url, async {
        play.until_called_again("braintree", submit, before).await;
        happens().await;
        play.clear_faults().await;
        play.advance("PT5M").await;
    })
    .await
}

/// The one hold that stands.
async fn hold(play: &Play) -> Value {
    let live = play.live().await;
    assert!(live.len() == 1 && live[0]["status"] == "authorized", "{live:#?}");
    live[0].clone()
}

/// All transactions that neither hold nor take money: how they ended.
async fn let_go(play: &Play) -> Vec<String> {
    let books = play.books().await;
    let all = books["braintree"]["transactions"].as_array().unwrap();
    let words = all.iter().map(|t| t["status"].as_str().unwrap().to_owned());
    words.filter(|word| word != "submitted_for_settlement").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e16_the_first_invoice_is_heard_of_while_its_subscription_is_unknown_and_is_charged_once() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Overtaken", play.stage.plan())).await;
    // Zoho makes the subscription, does not say so, and lists it only a minute later.
    play.fault(fault("zoho", "subscription.create", "timeout_after")).await;
    play.fault(json!({"vendor": "zoho", "operation": "subscription.list", "kind": "late_index", "seconds": 60})).await;
    play.pay_while(&url, async {
        play.until_called("zoho", "subscription.create").await;
        let heard = async || Ok(!play.books().await["zoho"]["invoices"].as_array().unwrap().is_empty());
        play.stage.until("the first invoice", heard).await.unwrap();
        let books = play.books().await;
        let invoice = play.stage.saga_of(books["zoho"]["invoices"][0]["invoice_id"].as_str().unwrap());
        let put_off = |line: &attio_billing::store::query::SagaLine| line.state == "Deferred";
        play.stage.until_saga(invoice, "put off", put_off).await.unwrap();
        assert_eq!(hold(&play).await["amount_minor"], 4_900, "the invoice's own stream charges nothing");
        play.advance("PT3M").await;
        play.clear_faults().await;
        play.advance("PT3M").await;
    })
    .await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    assert_eq!(play.stage.checkout_state(&url).await.unwrap().stage, "paid");
    play.is_collected(&[4_900]).await;
    assert_eq!(play.live_subscriptions().await.len(), 1);
    assert_eq!(play.calls("braintree", "transaction.sale").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e21_an_invoice_that_was_paid_elsewhere_releases_the_hold_and_the_subscription_starts() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("By Transfer", play.stage.plan())).await;
    let shown = just_before_the_capture(&play, &url, async || {
        let books = play.books().await;
        let invoice = books["zoho"]["invoices"][0]["invoice_id"].clone();
        play.act(json!({"vendor": "zoho", "act": "record_payment", "invoice_id": invoice,
            "payment_mode": "banktransfer", "reference_number": "SEPA 1"}))
            .await;
    })
    .await;
    assert!(["started", "confirming"].contains(&shown.stage.as_str()), "{shown:?}");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    assert_eq!(play.record(&newcomer, "payment_status").await, "Paid");
    assert_eq!(play.live_subscriptions().await.len(), 1);
    play.is_collected(&[]).await;
    assert_eq!(let_go(&play).await, ["voided"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e23_a_hold_that_staff_voided_is_sold_anew_and_taken_once() {
    is_sold_anew("void_in_console", "voided").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e23_a_hold_that_expired_is_sold_anew_and_taken_once() {
    is_sold_anew("expire_authorization", "authorization_expired").await;
}

async fn is_sold_anew(act: &str, ends: &str) {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Let Go", play.stage.plan())).await;
    let shown = just_before_the_capture(&play, &url, async || {
        let id = hold(&play).await["id"].clone();
        play.act(json!({"vendor": "braintree", "act": act, "id": id})).await;
    })
    .await;
    assert!(["paid", "confirming"].contains(&shown.stage.as_str()), "{shown:?}");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
    assert_eq!(let_go(&play).await, [ends]);
    assert_eq!(play.calls("braintree", "transaction.sale").await, 2, "the hold, and one sale in its place");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e23_a_new_sale_that_is_declined_undoes_everything() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Second Thoughts", play.stage.plan())).await;
    just_before_the_capture(&play, &url, async || {
        let hold = hold(&play).await;
        play.act(json!({"vendor": "braintree", "act": "set_card_behaviour", "token": hold["token"],
            "decline_code": "2001"}))
            .await;
        play.act(json!({"vendor": "braintree", "act": "void_in_console", "id": hold["id"]})).await;
    })
    .await;
    play.until_record(&newcomer, "subscription_status", "Failed").await;
    assert!(play.record(&newcomer, "last_error").await.contains("declined when the payment was taken"));
    assert_eq!(play.stage.checkout_state(&url).await.unwrap().stage, "failed");
    play.is_undone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e15_of_two_subscriptions_made_by_a_lost_answer_the_newer_is_undone_and_one_is_paid() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Made Twice", play.stage.plan())).await;
    // Two looks, a while apart, do not show what was made: it is made again.
    play.fault(fault("zoho", "subscription.create", "timeout_after")).await;
    play.fault(json!({"vendor": "zoho", "operation": "subscription.list", "kind": "late_index", "seconds": 3_600}))
        .await;
    play.pay_while(&url, async {
        play.until_called("zoho", "subscription.create").await;
        for _ in 0..3 {
            play.advance("PT10M").await;
        }
        play.clear_faults().await;
        play.advance("PT15M").await;
    })
    .await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
    let books = play.books().await;
    let status: Vec<_> = books["zoho"]["subscriptions"].as_array().unwrap().iter().map(|s| &s["status"]).collect();
    assert_eq!(status, ["live", "cancelled"], "the older one stays");
    let mut invoices: Vec<_> =
        books["zoho"]["invoices"].as_array().unwrap().iter().map(|i| i["status"].as_str()).collect();
    invoices.sort_unstable();
    assert_eq!(invoices, [Some("paid"), Some("void")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e20_an_invoice_above_what_was_accepted_is_undone_and_asked_again_and_then_a_person_looks() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Dearer", play.stage.plan())).await;
    let raised = async |url: &str, total: i64| {
        just_before_the_capture(&play, url, async || {
            let books = play.books().await;
            let invoices = books["zoho"]["invoices"].as_array().unwrap();
            let open = invoices.iter().find(|i| i["balance"] != 0).unwrap();
            play.act(
                json!({"vendor": "zoho", "act": "edit_invoice", "invoice_id": open["invoice_id"], "amount": total}),
            )
            .await;
        })
        .await
    };
    raised(&url, 5_900).await;
    let again = async || Ok(play.record(&newcomer, "checkout_status").await == "Link ready");
    play.stage.until("a new link", again).await.unwrap();
    play.rest().await;
    assert!(play.record(&newcomer, "quote_text").await.contains("59.00"), "Zoho's total is what is asked now");
    let newer = play.stage.checkout_url(&newcomer.record).await.unwrap();
    assert_ne!(newer, url);
    play.is_undone().await;

    raised(&newer, 6_900).await;
    let parked = async || Ok(play.saga(&newcomer).await.parked.is_some());
    play.stage.until("a person to be asked", parked).await.unwrap();
    assert_eq!(play.saga(&newcomer).await.parked.unwrap().0, "AMOUNT_MISMATCH");
    play.is_undone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e24_a_capture_whose_answer_is_lost_is_found_and_taken_once() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Lost Word", play.stage.plan())).await;
    play.fault(fault("braintree", "transaction.submit_for_settlement", "timeout_after")).await;
    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    assert!(["paid", "confirming"].contains(&shown.stage.as_str()), "{shown:?}");
    play.advance("PT3M").await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
    assert_eq!(play.calls("braintree", "transaction.submit_for_settlement").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e25_called_off_before_the_capture_undoes_everything() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Thought Better", play.stage.plan())).await;
    let limit = json!({"vendor": "zoho", "operation": "subscription.create", "kind": "rate_limit"});
    play.fault(limit).await;
    play.pay_while(&url, async {
        play.until_called("zoho", "subscription.create").await;
        assert_eq!(play.call_off(&newcomer).await.state, ItemState::Applied);
        play.clear_faults().await;
        play.advance("PT5M").await;
    })
    .await;
    play.until_record(&newcomer, "subscription_status", "Cancelled").await;
    assert_eq!(play.stage.checkout_state(&url).await.unwrap().stage, "cancelled");
    assert_eq!(let_go(&play).await, ["voided"]);
    play.is_undone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e25_called_off_in_attio_before_anybody_pays_withdraws_the_link() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Never Mind", play.stage.plan())).await;
    play.rest().await;
    play.press(&newcomer, "Cancel now").await;
    play.until_record(&newcomer, "subscription_status", "Cancelled").await;
    assert_eq!(play.record(&newcomer, "checkout_url").await, "");
    assert_eq!(play.stage.pay(&url, GOOD).await.unwrap().stage, "cancelled");
    assert_eq!(play.calls("braintree", "transaction.sale").await, 0);
    play.is_undone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e26_called_off_after_the_capture_is_refused_and_nothing_is_undone() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Too Late", play.stage.plan())).await;
    // Taken, and Zoho does not record it yet.
    play.fault(json!({"vendor": "zoho", "operation": "payment.create", "kind": "rate_limit"})).await;
    assert_eq!(play.stage.pay(&url, GOOD).await.unwrap().stage, "paid");
    let refused = play.call_off(&newcomer).await;
    assert_eq!(refused.state, ItemState::Refused);
    let why = refused.reason.unwrap_or_default();
    assert!(why.contains("was taken") && why.contains("refund"), "{why}");
    play.clear_faults().await;
    play.advance("PT5M").await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    assert_eq!(play.call_off(&newcomer).await.state, ItemState::Refused, "nor once it is active");
    // A press on what is active is another flow's: see `tests/it/cancellation/`.
    play.is_collected(&[4_900]).await;
    assert_eq!(play.live_subscriptions().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e17_what_waits_for_a_person_can_be_called_off_and_the_record_started_again() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("No Invoice", play.stage.plan())).await;
    play.fault(json!({"vendor": "zoho", "operation": "invoice.list", "kind": "late_index", "seconds": 86_400})).await;
    play.pay_while(&url, async {
        play.until_called("zoho", "invoice.list").await;
        for wait in ["PT15S", "PT1M", "PT5M", "PT15M"] {
            play.advance(wait).await;
        }
    })
    .await;
    assert_eq!(play.saga(&newcomer).await.parked.unwrap().0, "NO_INVOICE", "{}", play.history(&newcomer).await);
    hold(&play).await;
    play.clear_faults().await;
    assert_eq!(play.call_off(&newcomer).await.state, ItemState::Applied);
    play.until_record(&newcomer, "subscription_status", "Cancelled").await;
    play.is_undone().await;

    play.press(&newcomer, "Start").await;
    let again = play.stage.checkout_url(&newcomer.record).await.unwrap();
    assert_eq!(play.stage.pay(&again, GOOD).await.unwrap().stage, "paid");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
    assert_eq!(play.live_subscriptions().await.len(), 1);
}
