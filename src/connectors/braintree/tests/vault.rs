//! Customers, vaulted cards and their deletion against a scripted peer.

use super::*;
use crate::port::Person;
use uuid::Uuid;

const NONCE: &str = "tokencc_bh_single_use";

fn create() -> Act {
    Act::CreateCustomer { customer: "c-42".to_owned(), person: "42".to_owned() }
}

fn vault() -> Act {
    Act::Vault { customer: "c-42".to_owned(), token: "m-9a".to_owned(), input: Uuid::nil() }
}

fn drop_customer() -> Act {
    Act::DeleteCustomer { customer: "c-42".to_owned() }
}

fn drop_method() -> Act {
    Act::DeleteMethod { token: "m-9a".to_owned() }
}

fn person() -> Person {
    Person {
        first_name: "Ada".to_owned(),
        last_name: "Redacted".to_owned(),
        company: Some("Smith & Sons".to_owned()),
        email: "Redacted@example.org".to_owned(),
        ..Person::default()
    }
}

fn beside(effect: Act) -> Call {
    let beside = Beside { person: Some(person()), input: Some(NONCE.into()), ..Beside::default() };
    Call { beside, ..call(effect) }
}

async fn done_with(effect: Act, script: impl IntoIterator<Item = Play>) -> (Outcome, Vec<String>) {
    let peer = Peer::start(script).await;
    let report = connector(&peer, AtMostOnceKeys::Learned).perform(&beside(effect.clone()), &effect).await;
    (report.outcome, peer.seen())
}

async fn looked_at(effect: Act, play: Play) -> Look {
    let peer = Peer::start([play]).await;
    connector(&peer, AtMostOnceKeys::Learned).look(&beside(effect.clone()), &effect).await
}

fn refusal(code: &str) -> Play {
    Play::reply(422, XML, &fixture!("sale_validation").replace("91518", code))
}

fn missing() -> Play {
    Play::reply(404, XML, "")
}

fn found(look: Look) -> Outcome {
    let Look::Found { outcome, .. } = look else { panic!("not found: {look:?}") };
    *outcome
}

fn is_done(outcome: &Outcome) -> bool {
    *outcome == Outcome::Done { answer: Answer::Nothing }
}

fn body(request: &str) -> &str {
    request.split_once("?>").expect("a body").1
}

#[tokio::test]
async fn a_customer_is_created_under_our_id() {
    let (outcome, seen) = done_with(create(), [Play::reply(201, XML, fixture!("customer"))]).await;
    assert!(is_done(&outcome), "{outcome:?}");
    assert!(seen[0].starts_with("POST /merchants/acme/customers HTTP/1.1\r\n"), "{}", seen[0]);
    assert_eq!(
        body(&seen[0]),
        "<customer><id>c-42</id><first_name>Ada</first_name><last_name>Redacted</last_name>\
         <company>Smith &amp; Sons</company><email>Redacted@example.org</email></customer>"
    );
    assert!(!format!("{outcome:?}{:?}", beside(create())).contains("Ada"));
}

#[tokio::test]
async fn a_customer_that_exists_is_adopted_if_it_is_the_same_person() {
    let (outcome, seen) = done_with(create(), [refusal("91609"), ok(fixture!("customer"))]).await;
    assert!(is_done(&outcome), "{outcome:?}");
    assert!(seen[1].starts_with("GET /merchants/acme/customers/c-42 HTTP/1.1\r\n"), "{}", seen[1]);
    let stranger = fixture!("customer").replace("redacted@example.org", "other@example.org");
    let outcome = done_with(create(), [refusal("91609"), ok(&stranger)]).await.0;
    assert!(!format!("{outcome:?}").contains('@'), "{outcome:?}");
    assert_eq!(rejection(outcome), (RejectionKind::Mismatch, "customer_of_another".to_owned()));
    for unread in [missing(), Play::reply(500, XML, ""), ok("<html></html>")] {
        assert_eq!(done_with(create(), [refusal("91609"), unread]).await.0.word(), "not_sent");
    }
}

#[tokio::test]
async fn a_refused_customer_keeps_its_code_and_an_unread_answer_is_unknown() {
    let outcome = done_with(create(), [refusal("81604")]).await.0;
    assert_eq!(rejection(outcome), (RejectionKind::Invalid, "81604".to_owned()));
    let other = fixture!("customer").replacen("c-42", "c-43", 1);
    for play in [Play::reply(201, XML, &other), Play::reply(500, XML, ""), Play::reply(201, XML, ""), Play::Reset] {
        assert_eq!(done_with(create(), [play.clone()]).await.0.word(), "unknown", "{play:?}");
    }
    assert_eq!(rejection(done_with(create(), [missing()]).await.0).0, RejectionKind::Config);
}

#[tokio::test]
async fn a_customer_is_looked_up_by_its_id() {
    assert!(is_done(&found(looked_at(create(), ok(fixture!("customer"))).await)));
    assert_eq!(looked_at(create(), missing()).await, NOTHING_DONE);
    assert!(is_unclear(&looked_at(create(), Play::reply(503, XML, "")).await));
}

#[tokio::test]
async fn a_card_is_vaulted_under_our_token_once_it_is_verified() {
    let (outcome, seen) = done_with(vault(), [Play::reply(201, XML, fixture!("payment_method"))]).await;
    let Outcome::Done { answer: Answer::Vaulted(method) } = outcome else { panic!("not vaulted: {outcome:?}") };
    assert_eq!((method.token.as_str(), method.brand.as_str(), method.last_four.as_str()), ("m-9a", "Visa", "1881"));
    assert!(!method.expired && !method.has_live_subscription);
    assert!(seen[0].starts_with("POST /merchants/acme/payment_methods HTTP/1.1\r\n"), "{}", seen[0]);
    assert_eq!(
        body(&seen[0]),
        "<payment_method><customer_id>c-42</customer_id>\
         <payment_method_nonce>tokencc_bh_single_use</payment_method_nonce><token>m-9a</token>\
         <options><verify_card type=\"boolean\">true</verify_card></options></payment_method>"
    );
}

#[tokio::test]
async fn a_card_that_fails_its_verification_is_declined() {
    let decline = declined(done_with(vault(), [Play::reply(422, XML, fixture!("sale_verification_declined"))]).await.0);
    assert_eq!((decline.kind, decline.code.as_str()), (DeclineKind::Verification, "2000"));
    assert_eq!((decline.brand.as_deref(), decline.transaction), (Some("Visa"), None));
    let rule = fixture!("sale_verification_declined")
        .replace("<processor-response-code>2000<", "<gateway-rejection-reason>fraud</gateway-rejection-reason><x>2000<")
        .replace("</processor-response-code>", "</x>");
    let decline = declined(done_with(vault(), [Play::reply(422, XML, &rule)]).await.0);
    assert_eq!((decline.kind, decline.code.as_str()), (DeclineKind::Verification, "fraud"));
}

#[tokio::test]
async fn a_token_that_is_taken_is_our_card_and_a_used_nonce_without_one_is_refused() {
    for code in ["91719", "93107", "91731"] {
        let (outcome, seen) = done_with(vault(), [refusal(code), ok(fixture!("payment_method"))]).await;
        assert!(matches!(outcome, Outcome::Done { answer: Answer::Vaulted(_) }), "{code}: {outcome:?}");
        assert!(seen[1].starts_with("GET /merchants/acme/payment_methods/any/m-9a HTTP/1.1\r\n"), "{}", seen[1]);
    }
    for code in ["93107", "91731"] {
        let outcome = done_with(vault(), [refusal(code), missing()]).await.0;
        assert_eq!(rejection(outcome), (RejectionKind::Invalid, code.to_owned()));
    }
    assert_eq!(done_with(vault(), [refusal("93107"), Play::Reset]).await.0.word(), "not_sent");
    assert_eq!(done_with(vault(), [refusal("91719"), missing()]).await.0.word(), "not_sent");
    for (code, kind) in [("93108", RejectionKind::Invalid), ("93105", RejectionKind::NotFound)] {
        assert_eq!(rejection(done_with(vault(), [refusal(code)]).await.0), (kind, code.to_owned()));
    }
}

#[tokio::test]
async fn another_customers_card_is_not_adopted_and_another_instrument_is_no_card() {
    let other = fixture!("payment_method").replace("c-42", "c-43");
    let outcome = done_with(vault(), [refusal("91719"), ok(&other)]).await.0;
    assert_eq!(rejection(outcome), (RejectionKind::Mismatch, "card_of_another".to_owned()));
    let wallet = fixture!("payment_method").replace("credit-card", "paypal-account");
    assert_eq!(done_with(vault(), [Play::reply(201, XML, &wallet)]).await.0.word(), "unknown");
    assert!(is_unclear(&looked_at(vault(), ok(&wallet)).await));
}

#[tokio::test]
async fn a_card_is_looked_up_by_its_token() {
    let outcome = found(looked_at(vault(), ok(fixture!("payment_method"))).await);
    assert!(matches!(outcome, Outcome::Done { answer: Answer::Vaulted(_) }), "{outcome:?}");
    assert_eq!(looked_at(vault(), missing()).await, NOTHING_DONE);
    assert!(is_unclear(&looked_at(vault(), Play::Reset).await));
}

#[tokio::test]
async fn what_nothing_uses_is_deleted_and_what_is_gone_is_done() {
    let unused = fixture!("customer").replace("<status>Past Due", "<status>Canceled");
    let gone = Play::reply(200, XML, " ");
    for (act, shown, path, criterion) in [
        (drop_method(), fixture!("payment_method"), "payment_methods/any/m-9a", "<payment_method_token><is>m-9a</is>"),
        (drop_customer(), unused.as_str(), "customers/c-42", "<customer_id><is>c-42</is>"),
    ] {
        let (outcome, seen) = done_with(act.clone(), [ok(shown), ok(fixture!("search_ids_none")), gone.clone()]).await;
        assert!(is_done(&outcome), "{outcome:?}");
        assert!(seen[1].contains(criterion) && seen[1].contains("<status type=\"array\"><item>authorizing</item>"));
        assert!(seen[2].starts_with(&format!("DELETE /merchants/acme/{path} HTTP/1.1\r\n")), "{}", seen[2]);
        let (outcome, seen) = done_with(act.clone(), [missing()]).await;
        assert!(is_done(&outcome) && seen.len() == 1, "{outcome:?}");
        assert!(is_done(&found(looked_at(act.clone(), missing()).await)));
        assert_eq!(looked_at(act, ok(shown)).await, NOTHING_DONE);
    }
}

#[tokio::test]
async fn what_is_in_use_is_not_deleted() {
    let subscribed = fixture!("payment_method").replace(
        "<subscriptions type=\"array\"/>",
        "<subscriptions type=\"array\"><subscription><id>s-9</id><status>Past Due</status></subscription></subscriptions>",
    );
    let hold = hit("held1", "authorized", "2026-11-21T10:00:00Z");
    let refund = hit("back1", "settling", "2026-11-21T10:00:00Z").replace("<type>sale<", "<type>credit<");
    let after = |node: &str, hits: [Play; 2]| [vec![ok(node)], hits.to_vec()].concat();
    for (act, script, user) in [
        (drop_method(), vec![ok(&subscribed)], "subscription s-9 is Past Due"),
        (drop_customer(), vec![ok(fixture!("customer"))], "subscription s-1 is Past Due"),
        (drop_method(), after(fixture!("payment_method"), hits(&[hold])), "transaction held1 is authorized"),
        (drop_method(), after(fixture!("payment_method"), hits(&[refund])), "refund back1 is settling"),
    ] {
        let (outcome, seen) = done_with(act, script).await;
        let Outcome::Rejected { rejection } = outcome else { panic!("not refused: {outcome:?}") };
        assert_eq!((rejection.kind, rejection.code.as_str()), (RejectionKind::State, "in_use"));
        assert!(rejection.message.starts_with(user), "{}", rejection.message);
        assert!(seen.iter().all(|request| !request.starts_with("DELETE")), "{seen:?}");
    }
}

#[tokio::test]
async fn a_hit_that_is_at_its_end_by_now_uses_nothing() {
    let script = hits(&[hit("held1", "voided", "2026-11-21T10:00:00Z")]);
    let script = [vec![ok(fixture!("payment_method"))], script.to_vec(), vec![Play::reply(200, XML, "")]].concat();
    assert!(is_done(&done_with(drop_method(), script).await.0));
}

#[tokio::test]
async fn a_delete_is_never_sent_on_a_guess() {
    let method = || ok(fixture!("payment_method"));
    for script in [
        vec![Play::reply(500, XML, "")],
        vec![ok("<html></html>")],
        vec![method(), Play::reply(500, XML, "")],
        vec![method(), Play::reply(422, XML, "")],
        vec![method(), Play::Reset],
    ] {
        let (outcome, seen) = done_with(drop_method(), script).await;
        assert_eq!(outcome.word(), "not_sent");
        assert!(seen.iter().all(|request| !request.starts_with("DELETE")), "{seen:?}");
    }
    for play in [Play::reply(500, XML, ""), Play::Reset, ok("<html></html>")] {
        let script = [method(), ok(fixture!("search_ids_none")), play];
        assert_eq!(done_with(drop_method(), script).await.0.word(), "unknown");
    }
    let script = [method(), ok(fixture!("search_ids_none")), missing()];
    assert!(is_done(&done_with(drop_method(), script).await.0));
}

#[tokio::test]
async fn a_call_of_several_exchanges_keeps_to_one_time_limit() {
    let peer = Peer::start([refusal("91609"), Play::Silence]).await;
    let slow = Call { time_limit: Duration::from_millis(300), ..beside(create()) };
    let report = connector(&peer, AtMostOnceKeys::Off).perform(&slow, &create()).await;
    assert!(matches!(report.outcome.word(), "unknown" | "not_sent"), "{report:?}");
}
