//! Vendors that are down, closed or in doubt.

use super::play::Play;
use attio_billing::store::append::Status;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_charged_while_zohos_daily_quota_is_used_up() {
    let play = Play::new().await;
    let customer = play.customer("Quota").await;
    play.fault(json!({"vendor": "zoho", "operation": "*", "kind": "daily_quota"})).await;
    let invoice = play.renew(&customer, 2_000).await;
    assert_eq!(play.saga(&invoice).await.status, Status::WaitingVendor);
    for _ in 0..3 {
        play.advance("PT1H").await;
    }
    assert_eq!(play.saga(&invoice).await.status, Status::WaitingVendor, "never a person's business");
    play.is_never_charged(&invoice).await;

    play.clear_faults().await;
    play.advance("PT2H").await;
    play.until_state(&invoice, "AwaitSettlement").await;
    play.is_charged_once(&invoice).await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quota_that_ends_between_charge_and_record_delays_only_the_record() {
    let play = Play::new().await;
    let customer = play.customer("Half Way").await;
    let other = play.customer("Next In Line").await;
    play.fault(json!({"vendor": "zoho", "operation": "payment.create", "kind": "daily_quota"})).await;
    let invoice = play.renew(&customer, 2_000).await;
    let line = play.saga(&invoice).await;
    assert_eq!((line.status, line.state.as_str()), (Status::WaitingVendor, "Charged"));
    // The gate is closed now: the next customer is not charged into it.
    let next = play.renew(&other, 1_000).await;
    assert_eq!(play.saga(&next).await.status, Status::WaitingVendor);
    play.is_never_charged(&next).await;

    play.clear_faults().await;
    play.advance("PT2H").await;
    for invoice in [&invoice, &next] {
        play.until_state(invoice, "AwaitSettlement").await;
        play.is_charged_once(invoice).await;
    }
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_whose_answer_is_lost_is_found_and_not_made_twice() {
    let play = Play::new().await;
    let customer = play.customer("Lost Answer").await;
    for kind in ["timeout_after", "cut_after", "reset_after"] {
        play.fault(json!({"vendor": "zoho", "operation": "payment.create", "kind": kind, "times": 1})).await;
        let invoice = play.stage.renew(&customer, 2_000).await.unwrap();
        play.until_status(&invoice, Status::Resolving).await;
        for _ in 0..4 {
            play.advance("PT2M").await;
        }
        play.until_state(&invoice, "AwaitSettlement").await;
        play.is_charged_once(&invoice).await;
    }
    // A server error that recorded nothing: made after two clean looks.
    let fault = json!({"vendor": "zoho", "operation": "payment.create", "kind": "status", "status": 500, "times": 1});
    play.fault(fault).await;
    let invoice = play.stage.renew(&customer, 2_000).await.unwrap();
    play.until_status(&invoice, Status::Resolving).await;
    for _ in 0..5 {
        play.advance("PT5M").await;
    }
    play.until_state(&invoice, "AwaitSettlement").await;
    play.is_charged_once(&invoice).await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attio_down_delays_what_is_shown_and_nothing_else() {
    let play = Play::new().await;
    let customer = play.customer("Unseen").await;
    let writes = ["record.upsert", "record.update", "record.create"];
    for operation in writes {
        play.fault(json!({"vendor": "attio", "operation": operation, "kind": "status", "status": 503})).await;
    }
    let invoice = play.renew(&customer, 2_000).await;
    play.is_charged_once(&invoice).await;
    assert_eq!(play.shown(&invoice).await, None);
    play.advance("PT10M").await;
    assert!(play.saga(&invoice).await.parked.is_none());

    play.clear_faults().await;
    for _ in 0..3 {
        play.advance("PT10M").await;
    }
    assert_eq!(play.shown(&invoice).await.as_deref(), Some("Paid"));
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn braintree_that_refuses_our_keys_parks_for_operators_and_a_resume_goes_on() {
    let play = Play::new().await;
    let customer = play.customer("Locked Out").await;
    let refused = json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "status", "status": 401});
    play.fault(refused).await;
    let invoice = play.renew(&customer, 2_000).await;
    play.parked_as(&invoice, "VENDOR_CONFIG").await;
    play.is_never_charged(&invoice).await;
    play.resume(&invoice).await;
    play.parked_as(&invoice, "VENDOR_CONFIG").await;
    play.clear_faults().await;
    play.resume(&invoice).await;
    play.until_state(&invoice, "AwaitSettlement").await;
    play.is_charged_once(&invoice).await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zoho_unreadable_keeps_the_invoice_until_it_can_be_read() {
    let play = Play::new().await;
    let customer = play.customer("Unread").await;
    play.fault(json!({"vendor": "zoho", "operation": "invoice.get", "kind": "status", "status": 503, "times": 2}))
        .await;
    let invoice = play.stage.renew(&customer, 2_000).await.unwrap();
    for _ in 0..4 {
        play.advance("PT1M").await;
    }
    play.until_state(&invoice, "AwaitSettlement").await;
    play.is_charged_once(&invoice).await;
    play.is_sound().await;
}
