//! The catalog of the demo, priced by the simulated Zoho.

use crate::zoho_caller::Zoho;
use serde_json::json;

#[tokio::test]
async fn the_catalog_of_the_demo_makes_first_invoices_to_the_cent() {
    let zoho = Zoho::start().await;
    let control = sandbox::remote::Remote::new(&format!("{}/control", zoho.base));
    attio_billing::demo::provision_zoho(&control, "plus-monthly").await.unwrap();
    let customer = zoho.customer("EUR");
    let plan = |code: &str| json!({ "customer_id": customer, "plan": { "plan_code": code } });
    let seats = json!([{ "addon_code": "seat", "quantity": 2 }]);
    for (plan, more, status) in [
        (plan("plus-monthly"), json!({}), "live"),
        (plan("team-monthly"), json!({ "addons": seats, "coupon_code": "WELCOME10" }), "live"),
        (plan("team-monthly"), json!({ "coupon_code": "FREE100" }), "live"),
        (plan("business-monthly"), json!({}), "live"),
        (plan("starter-monthly"), json!({}), "trial"),
    ] {
        let mut body = plan;
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = zoho.post("/subscriptions", &body.to_string()).await;
        assert_eq!(made.json["subscription"]["status"], status, "{}", made.text);
    }
    let books = sandbox::zoho::books(&zoho.world);
    let invoices = books["invoices"].as_array().unwrap();
    let totals: Vec<_> = invoices.iter().map(|invoice| invoice["total"].as_i64().unwrap()).collect();
    // Team with two seats: 71.10 + 13.51 and 16.20 + 3.08. Business with its fee: 177.31 and 297.50.
    assert_eq!(totals, [4_900, 10_389, 0, 47_481]);
    assert!(invoices.iter().all(|invoice| invoice["currency"] == "EUR"));
}
