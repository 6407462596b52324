//! Holds against a scripted peer: authorise, submit, void, and what became of them.

use super::*;
use sagas::kernel::answer::CardSeen;
use sagas::kernel::effect::{PayWith, Presence};
use sagas::kernel::outcome::INPUT_GONE;
use uuid::Uuid;

const HOLD: &str = "demo1.act.5f.1";
const NONCE: &str = "tokencc_bh_single_use";

fn authorise(with: PayWith) -> Act {
    let amount = Money::new(5900, Currency::EUR);
    Act::Authorise { order_id: HOLD.to_owned(), customer: "c-42".to_owned(), with, amount, presence: Presence::First }
}

fn new_card() -> Act {
    authorise(PayWith::New { token: "m-9a".to_owned(), input: Uuid::nil(), authenticated: false })
}

fn submit(minor: i64) -> Act {
    Act::Submit { transaction: "h4x7q2mn".to_owned(), amount: Money::new(minor, Currency::EUR) }
}

fn void() -> Act {
    Act::Void { transaction: "h4x7q2mn".to_owned() }
}

fn with_nonce(effect: Act) -> Call {
    Call { beside: Beside { input: Some(NONCE.into()), ..Beside::default() }, ..call(effect) }
}

/// What a call comes to, and what went out.
async fn done_with(effect: Act, script: impl IntoIterator<Item = Play>) -> (Outcome, Vec<String>) {
    let peer = Peer::start(script).await;
    let report = connector(&peer, AtMostOnceKeys::Learned).perform(&with_nonce(effect.clone()), &effect).await;
    (report.outcome, peer.seen())
}

async fn looked_at(effect: Act, script: impl IntoIterator<Item = Play>) -> Look {
    let peer = Peer::start(script).await;
    connector(&peer, AtMostOnceKeys::Learned).look(&call(effect.clone()), &effect).await
}

/// The hold as it stands later: in that status, with that amount.
fn standing(status: &str, amount: &str) -> String {
    fixture!("hold").replacen("authorized", status, 1).replacen("59.00", amount, 1)
}

fn refusal(code: &str) -> Play {
    Play::reply(422, XML, &fixture!("sale_validation").replace("91518", code))
}

fn transaction(outcome: Outcome) -> Transaction {
    let Outcome::Done { answer: Answer::Transaction(transaction) } = outcome else { panic!("not done: {outcome:?}") };
    *transaction
}

fn found(look: Look) -> Outcome {
    let Look::Found { outcome, .. } = look else { panic!("not found: {look:?}") };
    *outcome
}

fn body(request: &str) -> &str {
    request.split_once("?>").expect("a body").1
}

#[tokio::test]
async fn a_hold_on_a_new_card_names_customer_nonce_and_our_token_and_is_not_submitted() {
    let (outcome, seen) = done_with(new_card(), [Play::reply(201, XML, fixture!("hold"))]).await;
    let expected = Transaction {
        id: "h4x7q2mn".to_owned(),
        status: TransactionStatus::Authorized,
        amount: Money::new(5900, Currency::EUR),
        order_id: HOLD.to_owned(),
        customer: Some("c-42".to_owned()),
        token: Some("m-9a".to_owned()),
        created_at: at("2026-11-21T10:00:00Z"),
        merchant_account: "acme_eur".to_owned(),
        held: None,
        hold_expires_at: Some(at("2026-11-28T10:00:00Z")),
        card: Some(CardSeen {
            brand: "Visa".to_owned(),
            last_four: "1881".to_owned(),
            number: Some("a1b2c3d4e5f60718293a4b5c6d7e8f90".to_owned()),
        }),
        authentication: None,
    };
    assert_eq!(transaction(outcome), expected);
    assert!(seen[0].starts_with("POST /merchants/acme/transactions HTTP/1.1\r\n"), "{}", seen[0]);
    assert_eq!(
        body(&seen[0]),
        "<transaction><type>sale</type><amount>59.00</amount><order_id>demo1.act.5f.1</order_id>\
         <customer_id>c-42</customer_id><payment_method_nonce>tokencc_bh_single_use</payment_method_nonce>\
         <credit_card><token>m-9a</token></credit_card><merchant_account_id>acme_eur</merchant_account_id>\
         <transaction_source>recurring_first</transaction_source><api_request_key>demo1.act.5f.1.k1</api_request_key>\
         <options><submit_for_settlement type=\"boolean\">false</submit_for_settlement>\
         <store_in_vault_on_success type=\"boolean\">true</store_in_vault_on_success></options></transaction>"
    );
}

#[tokio::test]
async fn a_hold_on_a_stored_card_names_the_card_alone() {
    let stored = authorise(PayWith::Stored { token: "m-7f3c".to_owned(), authenticated: None });
    let (outcome, seen) = done_with(stored, [Play::reply(201, XML, fixture!("hold"))]).await;
    assert_eq!(outcome.word(), "done");
    assert_eq!(
        body(&seen[0]),
        "<transaction><type>sale</type><amount>59.00</amount><order_id>demo1.act.5f.1</order_id>\
         <payment_method_token>m-7f3c</payment_method_token><merchant_account_id>acme_eur</merchant_account_id>\
         <transaction_source>recurring_first</transaction_source><api_request_key>demo1.act.5f.1.k1</api_request_key>\
         <options><submit_for_settlement type=\"boolean\">false</submit_for_settlement></options></transaction>"
    );
}

#[tokio::test]
async fn a_hold_without_its_nonce_or_merchant_account_is_never_sent() {
    let peer = Peer::start([]).await;
    let connector = connector(&peer, AtMostOnceKeys::Off);
    let gone = perform(&connector, new_card()).await.outcome;
    assert_eq!(rejection(gone), (RejectionKind::NotFound, INPUT_GONE.to_owned()));
    let Act::Authorise { order_id, customer, with, presence, .. } = new_card() else { panic!("a hold") };
    let dollars = Act::Authorise { order_id, customer, with, amount: Money::new(5900, Currency::USD), presence };
    let refused = connector.perform(&with_nonce(dollars.clone()), &dollars).await.outcome;
    assert_eq!(rejection(refused), (RejectionKind::Invalid, "no_merchant_account".to_owned()));
    assert!(peer.seen().is_empty());
}

#[tokio::test]
async fn a_partial_approval_comes_back_with_the_smaller_amount() {
    let partial = fixture!("hold").replace("59.00", "10.04").replace(">1000<", ">1004<");
    let (outcome, _) = done_with(new_card(), [Play::reply(201, XML, &partial)]).await;
    let hold = transaction(outcome);
    assert_eq!((hold.amount.minor, hold.held), (1004, None));
}

#[tokio::test]
async fn a_declined_hold_says_why_and_a_duplicate_is_unknown() {
    let (outcome, _) = done_with(new_card(), [Play::reply(422, XML, fixture!("sale_processor_declined"))]).await;
    assert_eq!(declined(outcome).code, "2001");
    for reason in ["three_d_secure", "avs", "cvv", "fraud"] {
        let answer = fixture!("sale_gateway_rejected_cvv")
            .replace("<gateway-rejection-reason>cvv", &format!("<gateway-rejection-reason>{reason}"));
        let decline = declined(done_with(new_card(), [Play::reply(422, XML, &answer)]).await.0);
        assert_eq!((decline.kind, decline.code.as_str()), (DeclineKind::Gateway, reason));
    }
    let duplicate = Play::reply(422, XML, fixture!("sale_gateway_rejected_duplicate"));
    assert_eq!(done_with(new_card(), [duplicate]).await.0.word(), "unknown");
}

#[tokio::test]
async fn a_token_or_nonce_that_was_used_means_that_an_earlier_hold_went_through() {
    for code in ["91719", "91564"] {
        assert_eq!(done_with(new_card(), [refusal(code)]).await.0.word(), "unknown", "{code}");
    }
    for code in ["91565", "91566"] {
        let outcome = done_with(new_card(), [refusal(code)]).await.0;
        assert_eq!(rejection(outcome), (RejectionKind::Invalid, code.to_owned()));
    }
    let outcome = done_with(new_card(), [refusal("91510")]).await.0;
    assert_eq!(rejection(outcome), (RejectionKind::NotFound, "91510".to_owned()));
    assert_eq!(done_with(new_card(), [Play::Reset]).await.0.word(), "unknown");
}

#[tokio::test]
async fn a_hold_is_looked_up_by_its_order_id_with_what_only_a_hold_has() {
    let hit = |status: &str| standing(status, "59.00").replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "");
    for (status, expected) in [
        ("authorized", TransactionStatus::Authorized),
        ("submitted_for_settlement", TransactionStatus::SubmittedForSettlement),
        ("authorization_expired", TransactionStatus::AuthorizationExpired),
    ] {
        let hold = transaction(found(looked_at(new_card(), hits(&[hit(status)])).await));
        assert_eq!((hold.status, hold.card.is_some(), hold.hold_expires_at.is_some()), (expected, true, true));
    }
    let refused = found(looked_at(new_card(), hits(&[hit("processor_declined")])).await);
    assert_eq!(refused.word(), "declined");
    // Within one second, and the newest is shown first.
    let twice = [hit("authorized").replace("h4x7q2mn", "second11"), hit("authorized")];
    let Look::Found { extra, .. } = looked_at(new_card(), hits(&twice)).await else { panic!("not found") };
    assert_eq!(extra, ["second11"]);
    let old = hit("authorized").replace("2026-11-21T10:00:00Z", "2026-11-20T10:00:00Z");
    let reused = found(looked_at(new_card(), hits(&[old])).await);
    assert_eq!(rejection(reused).0, RejectionKind::OrderIdReused);
}

#[tokio::test]
async fn all_that_an_order_id_holds_or_held_is_found_and_refusals_are_left_out() {
    let find = || Act::FindTransactions { order_id: "demo1.act.5f.1".to_owned() };
    let as_hit = |id: &str, status: &str, minute: u32| {
        let text = standing(status, "59.00").replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "");
        let created = format!("2026-11-21T10:{minute:02}:00Z");
        text.replace("h4x7q2mn", id).replacen("2026-11-21T10:00:00Z", &created, 1)
    };
    let shown = [
        as_hit("late2", "voided", 9),
        as_hit("no1", "processor_declined", 1),
        as_hit("wait1", "authorizing", 2),
        as_hit("late1", "authorized", 4),
    ];
    let (outcome, _) = done_with(find(), hits(&shown)).await;
    let Outcome::Done { answer: Answer::Transactions { transactions } } = outcome else { panic!("{outcome:?}") };
    let found: Vec<_> = transactions.iter().map(|t| (t.id.as_str(), t.status.clone())).collect();
    assert_eq!(found, [("late1", TransactionStatus::Authorized), ("late2", TransactionStatus::Voided)]);
    let none = "<search-results><page-size>50</page-size><ids type=\"array\"/></search-results>";
    let (outcome, _) = done_with(find(), [ok(none)]).await;
    assert_eq!(outcome, Outcome::Done { answer: Answer::Transactions { transactions: Vec::new() } });
    assert_eq!(done_with(find(), [Play::Reset]).await.0.word(), "not_sent", "a read is made again");
}

#[tokio::test]
async fn a_submit_of_less_keeps_what_was_held_and_names_no_order_id() {
    let answer = standing("submitted_for_settlement", "49.00");
    let (outcome, seen) = done_with(submit(4900), [ok(&answer)]).await;
    let hold = transaction(outcome);
    assert_eq!((hold.amount.minor, hold.held), (4900, Some(Money::new(5900, Currency::EUR))));
    let head = "PUT /merchants/acme/transactions/h4x7q2mn/submit_for_settlement HTTP/1.1\r\n";
    assert!(seen[0].starts_with(head), "{}", seen[0]);
    assert_eq!(
        body(&seen[0]),
        "<transaction><amount>49.00</amount><api_request_key>h4x7q2mn.submit.k1</api_request_key></transaction>"
    );
}

#[tokio::test]
async fn a_refused_submit_is_judged_by_the_transaction_itself() {
    let read = |status, amount| [refusal("91507"), ok(&standing(status, amount))];
    for status in ["submitted_for_settlement", "settling", "settled"] {
        let (outcome, seen) = done_with(submit(4900), read(status, "49.00")).await;
        assert_eq!(transaction(outcome).amount.minor, 4900, "{status}");
        assert!(seen[1].starts_with("GET /merchants/acme/transactions/h4x7q2mn HTTP/1.1\r\n"), "{}", seen[1]);
        let other = done_with(submit(4900), read(status, "48.00")).await.0;
        assert_eq!(rejection(other), (RejectionKind::Mismatch, "amount".to_owned()), "{status}");
    }
    for status in ["voided", "authorization_expired", "settlement_declined", "processor_declined"] {
        let outcome = done_with(submit(4900), read(status, "59.00")).await.0;
        assert_eq!(rejection(outcome), (RejectionKind::State, status.to_owned()));
    }
    let strange = done_with(submit(4900), read("held_for_review", "59.00")).await.0;
    assert_eq!(rejection(strange), (RejectionKind::UnknownState, "held_for_review".to_owned()));
    assert_eq!(done_with(submit(4900), read("authorized", "59.00")).await.0.word(), "not_sent");
    for unread in [Play::reply(500, XML, ""), Play::Reset, ok("<html></html>")] {
        assert_eq!(done_with(submit(4900), [refusal("91507"), unread]).await.0.word(), "not_sent");
    }
}

#[tokio::test]
async fn other_refusals_of_a_submit_keep_their_code() {
    for (code, kind) in [("95601", RejectionKind::State), ("91522", RejectionKind::Invalid)] {
        assert_eq!(rejection(done_with(submit(4900), [refusal(code)]).await.0), (kind, code.to_owned()));
    }
    let missing = done_with(submit(4900), [Play::reply(404, XML, "")]).await.0;
    assert_eq!(rejection(missing).0, RejectionKind::NotFound);
    assert_eq!(done_with(submit(4900), [refusal("915231")]).await.0.word(), "not_sent");
    for play in [Play::reply(500, XML, ""), Play::Reset, ok(fixture!("hold")), ok("<html></html>"), ok("")] {
        assert_eq!(done_with(submit(4900), [play.clone()]).await.0.word(), "unknown", "{play:?}");
    }
}

#[tokio::test]
async fn a_look_at_a_submit_tells_done_not_done_and_refused() {
    let look = |status: &str, amount: &str| looked_at(submit(4900), [ok(&standing(status, amount))]);
    assert_eq!(transaction(found(look("settling", "49.00").await)).held.map(|held| held.minor), Some(5900));
    assert_eq!(look("authorized", "59.00").await, NOTHING_DONE);
    assert_eq!(rejection(found(look("voided", "59.00").await)).1, "voided");
    assert_eq!(rejection(found(look("settled", "59.00").await)).0, RejectionKind::Mismatch);
    assert!(is_unclear(&look("authorizing", "59.00").await));
    for play in [Play::reply(500, XML, ""), Play::reply(401, XML, ""), Play::Reset, ok(fixture!("sale_approved"))] {
        assert!(is_unclear(&looked_at(submit(4900), [play]).await));
    }
    assert_eq!(rejection(found(looked_at(submit(4900), [Play::reply(404, XML, "")]).await)).0, RejectionKind::NotFound);
}

#[tokio::test]
async fn a_void_is_sent_bare_and_done_once_nothing_is_held() {
    let (outcome, seen) = done_with(void(), [ok(&standing("voided", "59.00"))]).await;
    assert_eq!(transaction(outcome).status, TransactionStatus::Voided);
    assert!(seen[0].starts_with("PUT /merchants/acme/transactions/h4x7q2mn/void HTTP/1.1\r\n"), "{}", seen[0]);
    assert!(seen[0].ends_with("\r\n\r\n"), "{}", seen[0]);
    let read = |status| [refusal("91504"), ok(&standing(status, "59.00"))];
    for status in ["voided", "authorization_expired", "processor_declined"] {
        assert_eq!(done_with(void(), read(status)).await.0.word(), "done", "{status}");
    }
    for status in ["settling", "settled", "settlement_declined"] {
        let outcome = done_with(void(), read(status)).await.0;
        assert_eq!(rejection(outcome), (RejectionKind::State, status.to_owned()));
    }
    // A batch that is being closed: to be tried again.
    assert_eq!(done_with(void(), read("submitted_for_settlement")).await.0.word(), "not_sent");
    assert_eq!(done_with(void(), [Play::Reset]).await.0.word(), "unknown");
}

#[tokio::test]
async fn a_look_at_a_void_tells_by_the_status() {
    let look = |status: &str| looked_at(void(), [ok(&standing(status, "59.00"))]);
    assert_eq!(found(look("voided").await).word(), "done");
    assert_eq!(found(look("authorization_expired").await).word(), "done");
    assert_eq!(look("authorized").await, NOTHING_DONE);
    assert_eq!(look("submitted_for_settlement").await, NOTHING_DONE);
    assert_eq!(rejection(found(look("settled").await)), (RejectionKind::State, "settled".to_owned()));
}

#[tokio::test]
async fn an_id_that_is_none_never_gets_into_a_path() {
    let peer = Peer::start([]).await;
    let connector = connector(&peer, AtMostOnceKeys::Off);
    for act in [
        Act::Void { transaction: "../customers/c-42".to_owned() },
        Act::Submit { transaction: "a/b".to_owned(), amount: Money::new(1, Currency::EUR) },
    ] {
        assert_eq!(rejection(perform(&connector, act).await.outcome).0, RejectionKind::NotFound);
    }
    assert!(peer.seen().is_empty());
}

#[tokio::test]
async fn a_read_shows_a_hold_as_one_and_a_sale_with_its_card() {
    let read = async |body: String, id: &str| {
        let effect = Act::ReadTransaction { transaction: id.to_owned() };
        transaction(done_with(effect, [ok(&body)]).await.0)
    };
    let hold = read(fixture!("hold").to_owned(), "h4x7q2mn").await;
    assert!(hold.card.is_some() && hold.hold_expires_at.is_some());
    let lowered = read(standing("settled", "49.00"), "h4x7q2mn").await;
    assert_eq!(lowered.held, Some(Money::new(5900, Currency::EUR)));
    let whole = read(standing("settled", "59.00"), "h4x7q2mn").await;
    let sale = read(fixture!("sale_approved").to_owned(), "k3v9p2ab").await;
    for plain in [whole, sale] {
        assert_eq!((plain.held, plain.hold_expires_at), (None, None));
        // Who is told of a refund is told to which card.
        assert!(plain.card.is_some());
    }
}

#[tokio::test]
async fn the_nonce_shows_in_no_outcome_and_no_debug_output() {
    let echo = fixture!("sale_validation").replace("m-7f3c", NONCE);
    for play in [Play::reply(422, XML, &echo), Play::reply(422, XML, fixture!("sale_processor_declined")), Play::Reset]
    {
        let (outcome, _) = done_with(new_card(), [play]).await;
        assert!(!format!("{outcome:?}").contains(NONCE), "{outcome:?}");
    }
    assert!(!format!("{:?}", with_nonce(new_card())).contains(NONCE));
}
