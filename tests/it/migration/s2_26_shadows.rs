//! 2.26: what we would charge beside what the old way charges.

use super::{Play, saga};
use attio_billing::demo::Customer;
use serde_json::json;

/// A customer whom Zoho charges, linked and shadowed from now on.
async fn shadowed(play: &Play, name: &str) -> (Customer, String) {
    let customer = play.old(name).await;
    play.collected_by_zoho(&customer).await;
    let list = format!("subscription_id,customer_id,zoho_subscription_id\nold-1,c1,{}\n", customer.zoho_subscription);
    let (job, _) = play.check(&play.list("old.csv", &list), &[]).await;
    for command in ["link", "shadow"] {
        let (code, _, errors) = play.run(&["import", command, &job, "--wait"]).await;
        assert_eq!(code, 0, "{errors}");
    }
    play.out.stage.rest().await.unwrap();
    assert_eq!(play.state("old-1").await, "Shadow");
    (customer, job)
}

async fn day(play: &Play) {
    play.out.stage.sandbox.advance("P1D").await.unwrap();
    play.out.stage.rest().await.unwrap();
}

async fn names(play: &Play) -> Vec<String> {
    let (_, events) = attio_billing::store::query::saga(play.out.stage.pool(), saga("old-1")).await.unwrap().unwrap();
    events
        .into_iter()
        .map(|event| event.name)
        .filter(|name| name.starts_with("Would") || name.starts_with("ShadowA") || name.starts_with("ShadowDi"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_a_shadow_lists_what_we_would_charge_sends_nothing_and_agrees_with_the_old_way() {
    let play = Play::new().await;
    let (customer, _) = shadowed(&play, "Agrees").await;
    let sales = play.sales().await;
    let invoice = play.out.stage.renew(&customer, 4_900).await.unwrap();
    let paid = json!({"vendor": "zoho", "act": "record_payment", "invoice_id": invoice, "amount": 4_900});
    play.staff(&paid).await;
    play.out.stage.rest().await.unwrap();
    day(&play).await;
    assert_eq!(names(&play).await, ["WouldCharge", "ShadowAgrees"]);
    assert_eq!((play.state("old-1").await.as_str(), play.sales().await), ("Shadow", sales));
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_a_shadow_that_differs_stands_until_it_is_explained() {
    let play = Play::new().await;
    let (customer, job) = shadowed(&play, "Differs").await;
    let invoice = play.out.stage.renew(&customer, 4_900).await.unwrap();
    let void = json!({"vendor": "zoho", "act": "void_invoice", "invoice_id": invoice});
    day(&play).await;
    assert_eq!(names(&play).await, ["WouldCharge"]);
    play.staff(&void).await;
    play.out.stage.rest().await.unwrap();
    day(&play).await;
    assert_eq!(play.state("old-1").await, "ShadowDiffers");
    let (code, shown, _) = play.run(&["import", "list", &job, "--conflicts", "--csv"]).await;
    assert!(code == 0 && shown.contains("the old way voided the invoice"), "{shown}");
    let (code, shown, errors) = play.run(&["import", "explain", "old-1", &invoice, "--reason", "a test order"]).await;
    assert!(code == 0 && shown.contains("Shadow"), "{shown}{errors}");
    assert_eq!(play.state("old-1").await, "Shadow");
    let (code, _, errors) = play.run(&["import", "shadow", &job, "--off", "--wait"]).await;
    assert_eq!(code, 0, "{errors}");
    play.out.stage.rest().await.unwrap();
    assert_eq!(play.state("old-1").await, "Linked");
    play.end().await;
}
