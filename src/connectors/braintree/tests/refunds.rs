//! Refunds against a scripted peer: taken, refused, and found again in both ways.

use super::*;
use sagas::kernel::answer::Refund;

const REFUND: &str = "demo1.rf.5f.1";

fn refund() -> Act {
    let amount = Money::new(2000, Currency::EUR);
    Act::Refund { order_id: REFUND.to_owned(), transaction: "k3v9p2ab".to_owned(), amount }
}

fn given(outcome: Outcome) -> Refund {
    let Outcome::Done { answer: Answer::Refund(refund) } = outcome else { panic!("not done: {outcome:?}") };
    *refund
}

fn standing(status: &str) -> String {
    fixture!("refund").replacen("submitted_for_settlement", status, 1)
}

/// The sale, with these refunds on it.
fn sale_with(refunds: &[&str]) -> Play {
    let ids: String = refunds.iter().flat_map(|id| ["<item>", id, "</item>"]).collect();
    let named = format!("<refund-ids type=\"array\">{ids}</refund-ids>");
    ok(&fixture!("sale_approved").replace("<refund-ids type=\"array\"/>", &named))
}

fn declined_answer() -> String {
    let refused = part(&standing("processor_declined")).replace("1002", "2004").replace("approved", "hard_declined");
    format!(
        "<api-error-response><errors><errors type=\"array\"/></errors><message>No</message>{refused}</api-error-response>"
    )
}

#[tokio::test]
async fn a_refund_names_its_amount_and_our_reference_and_is_a_transaction_of_its_own() {
    let (outcome, seen) = asked(refund(), "", [Play::reply(201, XML, fixture!("refund"))]).await;
    let given = given(outcome);
    assert_eq!(
        (given.id.as_str(), given.transaction.as_str(), given.order_id.as_str()),
        ("r7f2k9xz", "k3v9p2ab", REFUND)
    );
    assert_eq!((given.amount.minor, given.status), (2000, TransactionStatus::SubmittedForSettlement));
    assert_eq!(given.soft_decline, None);
    assert!(seen[0].starts_with("POST /merchants/acme/transactions/k3v9p2ab/refund HTTP/1.1\r\n"), "{}", seen[0]);
    assert_eq!(
        sent(&seen[0]),
        "<transaction><amount>20.00</amount><order_id>demo1.rf.5f.1</order_id>\
         <api_request_key>demo1.rf.5f.1.k1</api_request_key></transaction>"
    );
}

#[tokio::test]
async fn a_soft_no_is_kept_beside_a_refund_that_was_taken_and_a_hard_one_declines_it() {
    let soft = fixture!("refund").replace("1002", "1005").replace(
        "<additional-processor-response nil=\"true\"/>",
        "<additional-processor-response>2046 : Declined</additional-processor-response>",
    );
    assert_eq!(
        given(asked(refund(), "", [Play::reply(201, XML, &soft)]).await.0).soft_decline.as_deref(),
        Some("2046")
    );
    let hard = declined(asked(refund(), "", [Play::reply(422, XML, &declined_answer())]).await.0);
    assert_eq!((hard.code.as_str(), hard.transaction.as_deref()), ("2004", Some("r7f2k9xz")));
}

#[tokio::test]
async fn what_the_state_of_the_sale_forbids_keeps_its_code() {
    for code in ["91505", "91506", "91574", "91538", "91547", "91559"] {
        let outcome = asked(refund(), "", [faults(code)]).await.0;
        assert_eq!(rejection(outcome), (RejectionKind::State, code.to_owned()));
    }
    let missing = asked(refund(), "", [Play::reply(404, XML, "")]).await.0;
    assert_eq!(rejection(missing).0, RejectionKind::NotFound);
    assert_eq!(asked(refund(), "", [faults("915231")]).await.0.word(), "not_sent");
    for play in [Play::Reset, Play::reply(500, XML, ""), ok("<html></html>"), ok(""), ok(fixture!("sale_approved"))] {
        assert_eq!(asked(refund(), "", [play.clone()]).await.0.word(), "unknown", "{play:?}");
    }
}

#[tokio::test]
async fn where_nothing_is_left_to_give_back_our_own_refund_is_adopted_and_another_is_not() {
    for code in ["91512", "91521"] {
        let script = [faults(code), sale_with(&["r7f2k9xz"]), ok(fixture!("refund"))];
        assert_eq!(given(asked(refund(), "", script).await.0).id, "r7f2k9xz");
        let other = fixture!("refund").replace(REFUND, "by-hand");
        let script = [faults(code), sale_with(&["r7f2k9xz"]), ok(&other)];
        assert_eq!(rejection(asked(refund(), "", script).await.0), (RejectionKind::State, code.to_owned()));
        assert_eq!(asked(refund(), "", [faults(code), Play::Reset]).await.0.word(), "unknown");
    }
}

#[tokio::test]
async fn a_refund_is_found_by_its_sale_before_the_index_shows_it() {
    let script = [sale_with(&["r7f2k9xz"]), ok(fixture!("refund")), no_hits()];
    let (look, seen) = looked_for(refund(), script).await;
    assert_eq!(given(outcome_of(look)).id, "r7f2k9xz");
    assert!(seen[2].contains("<refund type=\"boolean\">true</refund>"), "{}", seen[2]);
}

#[tokio::test]
async fn a_refused_refund_is_found_by_the_search_alone() {
    let [ids, page] = hits(&[part(&standing("processor_declined"))]);
    let (look, _) = looked_for(refund(), [sale_with(&[]), ids, page]).await;
    assert_eq!(outcome_of(look).word(), "declined");
}

#[tokio::test]
async fn two_refunds_of_one_order_id_are_the_older_one_and_one_too_many() {
    let newer = part(fixture!("refund")).replace("r7f2k9xz", "newer1").replace("10:00:00Z", "10:00:09Z");
    let [ids, page] = hits(&[newer]);
    let script = [sale_with(&["r7f2k9xz"]), ok(fixture!("refund")), ids, page];
    let Look::Found { outcome, extra } = looked_for(refund(), script).await.0 else { panic!("not found") };
    assert_eq!((given(*outcome).id.as_str(), extra.as_slice()), ("r7f2k9xz", ["newer1".to_owned()].as_slice()));
}

#[tokio::test]
async fn a_partial_refund_of_another_reference_is_not_ours() {
    let other = fixture!("refund").replace(REFUND, "demo1.rf.5f.2");
    let (look, _) = looked_for(refund(), [sale_with(&["r7f2k9xz"]), ok(&other), no_hits(), no_hits()]).await;
    assert_eq!(look, Look::Absent { watermark: false, key_proven: false });
}

#[tokio::test]
async fn absence_is_claimed_only_after_both_ways_and_a_watermark() {
    let passed = hit("later001", "authorized", "2026-11-21T10:02:30Z");
    let [ids, page] = hits(std::slice::from_ref(&passed));
    let (look, seen) = looked_for(refund(), [sale_with(&[]), no_hits(), ids.clone(), page.clone(), no_hits()]).await;
    assert_eq!(look, Look::Absent { watermark: true, key_proven: false });
    assert_eq!(seen.len(), 5);
    // The index caught up between the two searches.
    let [late_ids, late_page] = hits(&[part(fixture!("refund"))]);
    let (look, _) = looked_for(refund(), [sale_with(&[]), no_hits(), ids, page, late_ids, late_page]).await;
    assert_eq!(given(outcome_of(look)).id, "r7f2k9xz");
    for script in
        [vec![Play::Reset], vec![sale_with(&["gone1"]), Play::reply(404, XML, "")], vec![sale_with(&[]), Play::Reset]]
    {
        assert!(is_unclear(&looked_for(refund(), script).await.0));
    }
}

#[tokio::test]
async fn a_refund_of_another_sale_or_an_older_one_is_for_a_person() {
    let foreign = fixture!("refund").replace("k3v9p2ab", "other001");
    let [ids, page] = hits(&[part(&foreign)]);
    let (look, _) = looked_for(refund(), [sale_with(&[]), ids, page]).await;
    assert_eq!(rejection(outcome_of(look)).0, RejectionKind::Mismatch);
    let old = part(fixture!("refund")).replace("2026-11-21T10:00:00Z", "2026-11-20T10:00:00Z");
    let [ids, page] = hits(&[old]);
    let (look, _) = looked_for(refund(), [sale_with(&[]), ids, page]).await;
    assert_eq!(rejection(outcome_of(look)).0, RejectionKind::OrderIdReused);
}

#[tokio::test]
async fn a_refund_is_confirmed_by_its_own_id_and_reference() {
    let confirm = async |play| {
        let peer = Peer::start([play]).await;
        connector(&peer, AtMostOnceKeys::Off).confirm(&call(refund()), &refund(), "r7f2k9xz").await
    };
    assert_eq!(given(outcome_of(confirm(ok(fixture!("refund"))).await)).id, "r7f2k9xz");
    assert!(is_unclear(&confirm(ok(&fixture!("refund").replace(REFUND, "other"))).await));
    assert_eq!(confirm(Play::reply(404, XML, "")).await, NOTHING_DONE);
}
