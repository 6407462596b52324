//! Letters of dunning: one letter, with a link that works.

use super::play::Play;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e15_e17_the_letter_of_a_failed_charge_leads_to_a_page_where_another_card_pays_it() {
    let play = Play::new().await;
    let sold = play.sold("Short", play.stage.plan()).await;
    play.card_declines(&sold, Some("2001")).await;
    let act = json!({"vendor": "zoho", "act": "create_invoice", "subscription_id": sold.zoho, "amount": 4_900});
    let invoice = play.act(act).await["invoice_id"].as_str().unwrap().to_owned();
    play.until_stream(&invoice, "Dunning").await;
    let letter = play.letter("did not go through", play.stage.saga_of(&invoice)).await;
    assert!(letter.text.contains("We will try the same card again"), "{}", letter.text);
    let (status, page) = play.page(letter.link()).await;
    assert_eq!(status, 200, "{page}");
    let given = play.stage.pay(letter.link(), "fake-valid-mastercard-nonce").await.unwrap();
    assert_eq!(given.stage, "changed", "{given:?}");
    play.until_stream(&invoice, "AwaitSettlement").await;
    play.stage.rest().await.unwrap();
    assert_eq!(play.letters("did not go through").await.len(), 1);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e7_a_card_that_is_no_good_any_more_is_told_with_a_link_and_no_further_attempt() {
    let play = Play::new().await;
    let sold = play.sold("Gone", play.stage.plan()).await;
    play.card_declines(&sold, Some("2004")).await;
    let act = json!({"vendor": "zoho", "act": "create_invoice", "subscription_id": sold.zoho, "amount": 4_900});
    let invoice = play.act(act).await["invoice_id"].as_str().unwrap().to_owned();
    play.until_stream(&invoice, "NeedsMethod").await;
    let letter = play.letter("did not go through", play.stage.saga_of(&invoice)).await;
    assert!(letter.text.contains("We will not try this card again"), "{}", letter.text);
    assert_eq!(play.page(letter.link()).await.0, 200);
}
