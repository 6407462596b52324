//! What staff change in Zoho.

use super::play::Play;
use sagas::plan_change::PlanChange;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e13_a_change_by_staff_is_shown_in_attio_and_its_invoice_charged_like_any_other() {
    let play = Play::new().await;
    let sold = play.sold("Phoned").await;
    play.advance("P5D").await;
    play.act(json!({"vendor": "zoho", "act": "change_subscription", "subscription_id": sold.zoho,
        "plan_code": "max-monthly"}))
        .await;
    let adoption = PlanChange::adoption(&play.stage().config().vendors.zoho.organization_id, &sold.zoho);
    play.until(adoption, "Adopted").await;
    play.until_record(&sold.record, "quote_text", "Sold: 1 × max-monthly").await;
    let invoices = play.invoices(&sold).await;
    let [_, (total, balance)] = invoices[..] else { panic!("one invoice more") };
    assert!(total > 0 && balance == 0, "its own stream charges it: {balance} of {total}");
    assert!(play.sales().await.is_empty(), "and no plan change of ours does");
    play.is_sound().await;
    play.end().await;
}
