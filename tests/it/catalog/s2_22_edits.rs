//! People who edit the catalog's records in Attio.

use super::{PLAN, Shop};
use serde_json::json;

#[tokio::test]
async fn e4_an_edit_is_written_back_with_a_note_when_the_webhook_tells_of_it() {
    // Nothing is polled: only the webhook can start it.
    let shop = Shop::ordered().await;
    shop.advance("PT61S").await;
    shop.edits(PLAN, "name", json!("Cheapest")).await;
    shop.until_shown(PLAN, "name", "Plus").await;
    shop.until("the note", async || shop.attio("notes").await.len() == 1).await;
    let note = shop.attio("notes").await.remove(0);
    assert_eq!(note["parent_record_id"], shop.record(PLAN).await["record_id"]);
    assert!(note["content"].as_str().unwrap().starts_with("Edited here: name."), "{note}");

    // A value that is taken away has nobody who set it.
    shop.advance("PT61S").await;
    shop.edits(PLAN, "price_text", json!(null)).await;
    shop.until_shown(PLAN, "price_text", "49.00 EUR every month").await;
    // A description is the CRM team's own.
    shop.advance("PT61S").await;
    shop.edits(PLAN, "description", json!("For teams of five")).await;
    shop.out.stage.rest().await.unwrap();
    assert_eq!(shop.shows(PLAN, "description").await, "For teams of five");
    assert_eq!(shop.attio("notes").await.len(), 2);
    shop.end().await;
}

#[tokio::test]
async fn e4_an_edit_whose_webhook_was_lost_is_found_by_the_poll_which_reads_what_attio_holds() {
    let shop = Shop::polled().await;
    shop.out.stage.sandbox.webhooks(&json!({"hold": true})).await.unwrap();
    shop.edits(PLAN, "name", json!("Cheapest")).await;
    shop.advance("PT61S").await;
    shop.until_shown(PLAN, "name", "Plus").await;
    shop.until("the note", async || shop.attio("notes").await.len() == 1).await;
    // The same edit once more is another edit.
    shop.edits(PLAN, "name", json!("Cheapest")).await;
    shop.advance("PT61S").await;
    shop.until("the second note", async || shop.attio("notes").await.len() == 2).await;
    assert_eq!(shop.shows(PLAN, "name").await, "Plus");
    shop.end().await;
}

#[tokio::test]
async fn e4_who_edits_again_and_again_is_left_alone_for_an_hour_and_somebody_is_asked() {
    let shop = Shop::ordered().await;
    for round in 0..3 {
        shop.advance("PT61S").await;
        shop.edits(PLAN, "name", json!(format!("Mine {round}"))).await;
        shop.until_shown(PLAN, "name", "Plus").await;
        shop.out.stage.rest().await.unwrap();
    }
    shop.advance("PT61S").await;
    shop.edits(PLAN, "name", json!("Mine for good")).await;
    shop.until("the task", async || shop.attio("tasks").await.len() == 1).await;
    shop.out.stage.rest().await.unwrap();
    assert_eq!((shop.shows(PLAN, "name").await, shop.attio("notes").await.len()), (json!("Mine for good"), 3));
    let task = shop.attio("tasks").await.remove(0);
    assert!(task["content"].as_str().unwrap().contains("edited here again and again"), "{task}");
    shop.advance("PT1H").await;
    assert_eq!(shop.order(None).await.0, 200);
    shop.until_shown(PLAN, "name", "Plus").await;
    shop.end().await;
}

#[tokio::test]
async fn our_own_writes_come_back_as_no_edit() {
    let shop = Shop::polled().await;
    shop.sells(PLAN, json!({"name": "Plus 2"})).await;
    shop.advance("PT61S").await;
    shop.until_shown(PLAN, "name", "Plus 2").await;
    shop.out.stage.rest().await.unwrap();
    let heard: i64 = sqlx::query_scalar("select count(*) from item where kind = 'attio.catalog_edited'")
        .fetch_one(shop.out.stage.pool())
        .await
        .unwrap();
    assert_eq!((heard, shop.attio("notes").await.len()), (0, 0));
    shop.end().await;
}
