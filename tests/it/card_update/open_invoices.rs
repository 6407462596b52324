//! Open invoices: tried by the new card, oldest first, one at a time.

use super::play::{MASTERCARD, Play};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_p6_open_invoices_are_charged_to_the_new_card_at_once_each_once() {
    let play = Play::new().await;
    let customer = play.customer("Owes Twice").await;
    play.card_declines(&customer.card, Some("2001")).await;
    let first = play.renew(&customer, 4_900).await;
    let second = play.renew(&customer, 3_000).await;
    assert_eq!(play.charges(&first).await.len(), 1);
    let url = play.invited(&customer).await;
    let (_, html) = play.html(&url).await;
    assert!(html.contains("€79.00") && html.contains("pay €79.00"), "what is owed is said before: {html}");
    play.rest().await;
    assert_eq!(play.give(&url, MASTERCARD).await.stage, "changed");
    play.until_state(&customer, "KeepingOldCard").await;
    let new = play.default_of(&customer).await;
    for invoice in [&first, &second] {
        assert_eq!(play.invoice(invoice).await["balance"], 0);
        let charges = play.charges(invoice).await;
        let taken: Vec<_> = charges.iter().filter(|(_, status)| status == "submitted_for_settlement").collect();
        assert_eq!(taken.iter().map(|(card, _)| card).collect::<Vec<_>>(), [&new], "{charges:?}");
    }
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_e6_a_hard_decline_of_the_first_leaves_the_others_to_their_schedule() {
    let play = Play::new().await;
    let customer = play.customer("Hard No").await;
    play.card_declines(&customer.card, Some("2001")).await;
    let first = play.renew(&customer, 4_900).await;
    let second = play.renew(&customer, 3_000).await;
    let url = play.invited(&customer).await;
    play.fault("transaction.sale", "decline", json!({"code": "2005"})).await;
    assert_eq!(play.give(&url, MASTERCARD).await.stage, "changed");
    play.until_state(&customer, "KeepingOldCard").await;
    let (one, two) = (play.charges(&first).await, play.charges(&second).await);
    assert_eq!((one.len(), two.len()), (2, 1), "the second waits: {one:?} {two:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_e5_nothing_is_switched_while_a_charge_of_the_old_card_is_unknown() {
    let play = Play::new().await;
    let customer = play.customer("Unknown Charge").await;
    let url = play.invited(&customer).await;
    play.fault("transaction.sale", "timeout_before", json!({})).await;
    let invoice = play.renew(&customer, 4_900).await;
    assert!(play.charges(&invoice).await.is_empty());
    let shown = play.give(&url, MASTERCARD).await;
    assert_eq!(shown.stage, "confirming", "{shown:?}");
    play.until_state(&customer, "WaitingForCharge").await;
    assert_eq!(play.default_of(&customer).await, customer.card);
    // Braintree's search shows in time that nothing was done; then the same charge goes out again.
    play.advance("PT5M").await;
    assert_eq!(play.default_of(&customer).await, customer.card, "still in doubt");
}
