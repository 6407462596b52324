//! Metrics as Prometheus reads them.

use crate::outside::Outside;
use serde_json::{Value, json};

async fn scraped(out: &Outside) -> String {
    let answer = out.http.get(out.private("/metrics")).send().await.unwrap();
    assert!(answer.status().is_success());
    answer.text().await.unwrap()
}

#[tokio::test]
async fn what_happens_is_counted_and_what_stands_is_shown() {
    let out = Outside::start().await;
    let delivery = r#"{"event_id":"6","event_type":"card_deleted","data":{}}"#;
    for _ in 0..2 {
        assert!(out.zoho(delivery).await.status().is_success());
    }
    let press = json!({"vendor": "attio", "act": "create_record", "object": "subscriptions",
        "values": {"sync_action": ["Request refund"]}});
    out.stage.sandbox.staff(&press).await.unwrap();
    let answered = out.stage.until("an act to be answered", async || {
        let sagas: Value = out.get("/sagas?kind=act_refusal").await;
        Ok(sagas["sagas"][0]["state"] == "Answered")
    });
    answered.await.unwrap();
    let text = scraped(&out).await;
    for line in [
        "attio_billing_deliveries_total{vendor=\"zoho\",result=\"stored\"} 1",
        "attio_billing_deliveries_total{vendor=\"zoho\",result=\"duplicate\"} 1",
        "attio_billing_vendor_calls_total{vendor=\"attio\",operation=\"attio.refuse_act\",outcome=\"done\"} 1",
        "attio_billing_vendor_call_seconds_count{vendor=\"attio\",operation=\"attio.refuse_act\"} 1",
        "attio_billing_forgotten_sagas 0",
        "attio_billing_shards_unowned 0",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
    out.end().await;
}
