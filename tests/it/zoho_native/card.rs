//! Another card for what Zoho collects: our link leads to Zoho's page, and what came of it is read there.

use super::play::{DECLINED, GOOD, Play};
use attio_billing::demo::Newcomer;
use reqwest::StatusCode;

const OTHER: &str = "5555555555554444";

impl Play {
    /// A colleague presses `Send card link`: the link that the customer gets.
    async fn card_link(&self, newcomer: &Newcomer) -> String {
        self.stage.press(&newcomer.record, "Send card link").await.unwrap();
        self.until_record(newcomer, "checkout_status", "Link ready").await;
        self.rest().await;
        self.stage.checkout_url(&newcomer.record).await.unwrap()
    }

    /// How many cards Zoho keeps.
    async fn cards(&self) -> usize {
        self.books().await["zoho"]["cards"].as_array().unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_a_card_link_leads_to_zohos_page_and_what_came_of_it_is_told_in_attio() {
    let play = Play::new().await;
    let (newcomer, _) = play.active("Newcard").await;
    let url = play.card_link(&newcomer).await;
    assert!(url.contains("/card/"), "{url}");
    let led = play.get(&url).await;
    assert_eq!(led.status, StatusCode::SEE_OTHER, "{}", led.html);
    let at_zoho = play.get(&led.to).await;
    assert!(at_zoho.html.contains("Zoho Billing (sandbox)"), "{}", at_zoho.html);
    assert_eq!(play.get(&url).await.to, led.to, "the page that is open is used again");
    assert_eq!(play.calls("hostedpage.updatecard").await, 1);
    let before = play.cards().await;
    let back = play.pay(&led.to, OTHER).await;
    assert!(back.to.starts_with(&url), "the customer comes back to where they were: {}", back.to);
    let done = play.get(&back.to).await;
    assert!(
        done.html.contains("data-stage=\"active\"") && done.html.contains("your card was changed"),
        "{}",
        done.html
    );
    play.until_record(&newcomer, "checkout_status", "Completed").await;
    play.rest().await;
    assert_eq!(play.cards().await, before + 1);
    assert_eq!(play.record(&newcomer, "checkout_url").await, "");
    assert_eq!(play.get(&url).await.status, StatusCode::OK, "the link says what it led to, and leads nowhere any more");
    assert_eq!(play.calls("hostedpage.updatecard").await, 1);
    let vault = play.books().await["braintree"]["payment_methods"].clone();
    assert!(vault.as_array().is_none_or(Vec::is_empty), "no vault of ours is touched: {vault:#}");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_declined_card_and_a_page_whose_hour_is_over_lead_to_a_new_page() {
    let play = Play::new().await;
    let (newcomer, _) = play.active("Declinedcard").await;
    let url = play.card_link(&newcomer).await;
    let first = play.get(&url).await.to;
    play.pay(&first, DECLINED).await;
    play.advance("PT62M").await;
    let second = play.get(&url).await;
    assert_eq!(second.status, StatusCode::SEE_OTHER, "{}", second.html);
    assert_ne!(second.to, first);
    play.close(&second.to).await;
    play.advance("PT62M").await;
    let third = play.get(&url).await.to;
    assert_ne!(third, second.to);
    play.pay(&third, GOOD).await;
    // Nobody comes back: a look finds it.
    play.advance("PT11M").await;
    play.until_record(&newcomer, "checkout_status", "Completed").await;
    play.rest().await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_card_link_whose_week_is_over_or_that_was_replaced_opens_no_page() {
    let play = Play::new().await;
    let (newcomer, _) = play.active("Latecard").await;
    let first = play.card_link(&newcomer).await;
    play.advance("PT1M").await;
    play.stage.press(&newcomer.record, "Send card link").await.unwrap();
    play.until_record(&newcomer, "sync_action", "none").await;
    play.rest().await;
    let second = play.stage.checkout_url(&newcomer.record).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(play.get(&first).await.status, StatusCode::GONE);
    play.advance("P8D").await;
    let late = play.get(&second).await;
    assert_eq!((late.status, late.html.contains("data-stage=\"expired\"")), (StatusCode::GONE, true), "{}", late.html);
    assert_eq!(play.calls("hostedpage.updatecard").await, 0);
    play.is_sound().await;
}
