//! 2.26: the books are opened with what is owed at one instant, and with nothing that does not tie.

use super::Play;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::Customer;
use attio_billing::store::ledger::{invoice_balances, trial_balance};

/// Of every account that is not zero.
async fn accounts(play: &Play) -> Vec<(u16, i64)> {
    let balances = trial_balance(play.out.stage.pool(), None).await.unwrap();
    balances.into_iter().map(|of| (of.account, of.net_minor())).filter(|(_, net)| *net != 0).collect()
}

async fn linked(play: &Play, name: &str) -> Customer {
    let customer = play.old(name).await;
    let list = format!("subscription_id,customer_id,zoho_subscription_id\nold-1,c1,{}\n", customer.zoho_subscription);
    let (job, _) = play.check(&play.list("old.csv", &list), &[]).await;
    play.does(&["import", "link", &job, "--wait"]).await;
    customer
}

/// The position of a customer who owes their first invoice, by these words of the list and of finance.
fn position(play: &Play, customer: &Customer, owes: &str, total: &str) -> String {
    let text = format!(
        "kind,id,currency,amount\nreceivable,{},EUR,{owes}\nreceivable,total,EUR,{total}\n\
         credit,{},EUR,15.00\ncredit,total,EUR,15.00\nin_transit,payout-7,EUR,3.00\nin_transit,total,EUR,3.00\n",
        customer.first_invoice, customer.zoho_customer
    );
    play.list("position.csv", &text).to_str().unwrap().to_owned()
}

const AT: &str = "2026-06-09T12:00:00Z";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_what_does_not_tie_is_named_and_posts_nothing_until_it_ties_and_the_books_open_once() {
    let play = Play::new().await;
    let customer = linked(&play, "Owes").await;
    let before = accounts(&play).await;
    let wrong = position(&play, &customer, "48.00", "50.00");
    let propose = |file: &str| vec!["opening".to_owned(), "propose".to_owned(), file.to_owned()];
    let run = async |file: &str| {
        let mut args = propose(file);
        args.extend(["--at", AT, "--reason", "go-live"].map(str::to_owned));
        play.does(&args.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    run(&wrong).await;
    let shown = play.does(&["opening", "show"]).await;
    assert!(shown.starts_with("Differs"), "{shown}");
    assert!(shown.contains("line 2, receivable") && shown.contains("the list says 48.00 EUR"), "{shown}");
    assert!(shown.contains("finance says 50.00 EUR"), "{shown}");
    assert_eq!(accounts(&play).await, before, "nothing is posted");

    run(&position(&play, &customer, "49.00", "49.00")).await;
    let shown = play.does(&["opening", "show"]).await;
    assert!(shown.starts_with("Open:"), "{shown}");
    let owed = invoice_balances(play.out.stage.pool(), &customer.first_invoice).await.unwrap();
    let owed: Vec<_> = owed.iter().map(|of| (of.account, of.net_minor())).filter(|(_, net)| *net != 0).collect();
    assert_eq!(owed, [(1200, 4_900), (3900, -4_900)], "what was booked of before is taken back");
    let all = accounts(&play).await;
    assert_eq!(all, [(1020, 300), (1200, 4_900), (2110, -1_500), (3900, -3_700)]);
    crate::proof::invariants::hold(play.out.stage.pool()).await;

    let again = position(&play, &customer, "49.00", "49.00");
    let (code, _, errors) = play.run(&["opening", "propose", &again, "--at", AT, "--reason", "again"]).await;
    assert!(code != 0 && errors.contains("the books are open"), "{errors}");
    assert_eq!(accounts(&play).await, all);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p3_a_second_person_opens_the_books_where_two_must_agree() {
    let play = Play::with(|options| options.approvals = true).await;
    let bob = play.out.token_of("bob", Holder::Person, Role::FinanceApprover).await;
    let customer = play.old("Owes").await;
    play.out.stage.rest().await.unwrap();
    let text = format!(
        "kind,id,currency,amount\nreceivable,{},EUR,49.00\nreceivable,total,EUR,49.00\n",
        customer.first_invoice
    );
    let file = play.list("position.csv", &text);
    play.does(&["opening", "propose", file.to_str().unwrap(), "--at", AT, "--reason", "go-live"]).await;
    let (code, _, errors) = play.run(&["opening", "approve", "--reason", "seen"]).await;
    assert!(code != 0, "who proposes it does not agree to it: {errors}");
    let shown = play.does(&["opening", "show"]).await;
    assert!(shown.starts_with("Tied"), "{shown}");
    assert!(accounts(&play).await.iter().all(|(account, _)| *account != 3900));
    let (code, _, errors) = play.run_as(&bob, &["opening", "approve", "--reason", "seen"]).await;
    assert_eq!(code, 0, "{errors}");
    play.out.stage.rest().await.unwrap();
    assert!(play.does(&["opening", "show"]).await.starts_with("Open:"));
    assert!(accounts(&play).await.contains(&(3900, -4_900)));
    crate::proof::invariants::hold(play.out.stage.pool()).await;
    play.end().await;
}
