//! The road that ends well: asked for, given, charged from then on.

use super::play::{MASTERCARD, Play};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_p1_to_p7_another_card_is_given_on_the_page_charged_by_the_next_renewal_and_the_old_one_goes() {
    let play = Play::new().await;
    let customer = play.customer("Another Card").await;
    let url = play.invited(&customer).await;
    assert!(url.contains("/card/"), "{url}");
    assert_eq!(play.record(&customer.newcomer, "checkout_status").await, "Link ready");
    let (status, html) = play.html(&url).await;
    assert_eq!(status, 200);
    for shown in ["Visa •••• 1881", "Nothing is charged now", "keeps this card on file", "id=\"card-number\""] {
        assert!(html.contains(shown), "{shown} is not on {html}");
    }
    play.rest().await;
    let shown = play.give(&url, MASTERCARD).await;
    assert_eq!((shown.status, shown.stage.as_str()), (200, "changed"), "{shown:?}");
    let (_, html) = play.html(&url).await;
    assert!(html.contains("•••• 4444") && html.contains("•••• 1881"), "both cards are named: {html}");

    play.until_record(&customer.newcomer, "checkout_status", "Completed").await;
    play.rest().await;
    let new = play.default_of(&customer).await;
    assert_ne!(new, customer.card);
    assert_eq!(play.cards_of(&customer.braintree).await.len(), 2, "the old one is kept for a week");
    let subjects = play.subjects().await;
    assert!(subjects.iter().any(|s| s == "Please give us a card for your payments"), "{subjects:?}");
    assert!(subjects.iter().any(|s| s == "Your payments are now taken from another card"), "{subjects:?}");

    let invoice = play.renew(&customer, 4_900).await;
    let charges = play.charges(&invoice).await;
    assert_eq!(charges.iter().map(|(card, _)| card).collect::<Vec<_>>(), [&new], "{charges:?}");
    play.act(json!({"vendor": "braintree", "act": "settle_now"})).await;
    play.advance("P8D").await;
    play.until_state(&customer, "Changed").await;
    let left = play.cards_of(&customer.braintree).await;
    assert_eq!(left.iter().map(|card| &card["token"]).collect::<Vec<_>>(), [&json!(new)]);
    let books = play.books().await;
    let company = books["attio"]["records"]["companies"].as_array().unwrap().iter();
    let company = company.into_iter().find(|c| c["record_id"] == customer.newcomer.company.as_str()).unwrap();
    assert_eq!(company["values"]["payment_method_on_file"], json!(true), "{company:#}");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_e3_the_same_card_given_again_takes_over_and_is_not_told_as_another() {
    let play = Play::new().await;
    let customer = play.customer("Same Card").await;
    let url = play.invited(&customer).await;
    let again = play.nonce("visa").await;
    assert_eq!(play.give(&url, &again).await.stage, "changed");
    play.until_state(&customer, "KeepingOldCard").await;
    assert_ne!(play.default_of(&customer).await, customer.card, "the new token takes over");
    let subjects = play.subjects().await;
    assert_eq!(subjects.last().map(String::as_str), Some("Your card is confirmed"), "{subjects:?}");
    play.act(json!({"vendor": "braintree", "act": "settle_now"})).await;
    play.advance("P8D").await;
    play.until_state(&customer, "Changed").await;
    assert_eq!(play.cards_of(&customer.braintree).await.len(), 1);
    play.is_sound().await;
}
