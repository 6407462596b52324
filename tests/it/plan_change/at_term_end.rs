//! What costs less waits for the end of the term, and can be taken back until then.

use super::play::Play;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e11_a_downgrade_waits_in_zoho_and_is_in_place_when_the_term_is_over() {
    let play = Play::new().await;
    let sold = play.sold("Shrinking").await;
    let saga = play.ask(&sold, "k1", "mini-monthly").await;
    let shown = play.previewed(saga).await;
    assert_eq!(shown["preview"]["effective"], "term_end");
    assert_eq!(
        (shown["preview"]["ceiling"]["minor"].as_i64(), shown["preview"]["lines"].to_string().as_str()),
        (Some(0), "[]")
    );
    play.accept(saga, &shown["preview"]["hash"]).await;
    play.until(saga, "Scheduled").await;
    assert_eq!(play.subscription(&sold).await["plan_code"], "plus-monthly");
    assert_eq!((play.invoices(&sold).await.len(), play.sales().await.len(), play.fences().await), (1, 0, 0));
    let told = play.record(&sold.record, "quote_text").await;
    assert!(told.starts_with("Changes on 2026-07-09"), "{told}");

    play.advance("P31D").await;
    play.until(saga, "Changed").await;
    assert_eq!(play.subscription(&sold).await["plan_code"], "mini-monthly");
    assert_eq!(play.invoices(&sold).await.len(), 2, "the renewal, at the new price");
    assert!(play.invoices(&sold).await[1].0 < play.invoices(&sold).await[0].0);
    play.until_record(&sold.record, "quote_text", "Sold: 1 × mini-monthly").await;
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e12_a_downgrade_is_taken_back_before_its_date_with_the_present_plan() {
    let play = Play::new().await;
    let sold = play.sold("Wavering").await;
    let waits = play.ask(&sold, "k1", "mini-monthly").await;
    let hash = play.previewed(waits).await["preview"]["hash"].clone();
    play.accept(waits, &hash).await;
    play.until(waits, "Scheduled").await;

    let back = play.ask(&sold, "k2", "plus-monthly").await;
    let shown = play.previewed(back).await;
    assert_eq!(shown["preview"]["effective"], "withdrawal");
    play.accept(back, &shown["preview"]["hash"]).await;
    play.until(back, "Withdrawn").await;
    assert_eq!((play.invoices(&sold).await.len(), play.sales().await.len()), (1, 0));

    play.advance("P31D").await;
    play.until(waits, "Dropped").await;
    assert_eq!(play.subscription(&sold).await["plan_code"], "plus-monthly");
    play.is_sound().await;
    play.end().await;
}
