//! Changes of a running subscription.

use super::*;
use sagas::kernel::answer::SubscriptionTerms;
use sagas::kernel::effect::{AddonOrder, OnSubscription, TermsOrder, Zoho as Effects};

const ID: &str = "90300000079200";
const BEFORE: &str = "2026-11-20T10:00:00+0000";

fn order(at_end: bool) -> TermsOrder {
    TermsOrder {
        subscription: ID.to_owned(),
        plan: "pro-monthly".to_owned(),
        quantity: 2,
        addons: vec![AddonOrder { code: "seat".to_owned(), quantity: 3 }],
        coupon: None,
        at_end,
        seen: Some(BEFORE.to_owned()),
    }
}

fn change(at_end: bool) -> Effects {
    Effects::Subscription(OnSubscription::Change(Box::new(order(at_end))))
}

fn cancel(at_end: bool) -> Effects {
    let (subscription, seen) = (ID.to_owned(), Some(BEFORE.to_owned()));
    Effects::Subscription(OnSubscription::Cancel { subscription, at_end, seen })
}

fn of(plan: &str, quantity: &str, addons: &str, status: &str, changed: &str) -> Play {
    json(
        200,
        &format!(
            r#"{{"code":0,"subscription":{{"subscription_id":"{ID}","customer":{{"customer_id":"903000000000099"}},
            "status":"{status}","auto_collect":false,"currency_code":"EUR","amount":"119.10","child_invoice_id":"",
            "current_term_ends_at":"2026-12-20","next_billing_at":"2026-12-21","updated_time":"{changed}",
            "plan":{{"plan_code":"{plan}","quantity":{quantity}}},"addons":{addons},"coupon":{{}}}}}}"#
        ),
    )
}

fn old(status: &str, changed: &str) -> Play {
    of("plus-monthly", "1", "[]", status, changed)
}

const SEATS: &str = r#"[{"addon_code":"seat","quantity":"3","price":5}]"#;

fn new() -> Play {
    of("pro-monthly", "2", SEATS, "live", "2026-11-21T12:00:01+0000")
}

fn nothing_waits() -> Play {
    json(400, r#"{"code":9009,"message":"There are no scheduled changes."}"#)
}

fn waiting() -> Play {
    json(
        200,
        &format!(
            r#"{{"code":0,"subscription":{{"subscription_id":"{ID}","currency_code":"EUR","amount":240,
            "plan":{{"plan_code":"pro-monthly","quantity":2}},"addons":{SEATS}}}}}"#
        ),
    )
}

fn terms(answer: Answer) -> SubscriptionTerms {
    match answer {
        Answer::Terms(terms) => *terms,
        other => panic!("expected terms: {other:?}"),
    }
}

#[tokio::test]
async fn a_change_is_put_as_the_whole_wanted_list_and_read_back() {
    let (zoho, peer) = zoho([accepted(), new(), nothing_waits()]).await;
    let terms = terms(done(perform(&zoho, &change(false)).await));
    assert_eq!((terms.sold.plan.as_str(), terms.sold.quantity), ("pro-monthly", 2));
    assert_eq!(terms.sold.addons, order(false).addons);
    assert_eq!(terms.sold.amount, Some(eur(11_910)));
    assert_eq!((terms.newest_invoice, terms.scheduled), (None, None));
    let path = format!("/subscriptions/{ID}");
    let lines = lines(&peer);
    assert_eq!(lines, [format!("PUT {path}"), format!("GET {path}"), format!("GET {path}/scheduledchanges")]);
    assert_eq!(
        body(&peer.seen()[1]),
        r#"{"plan":{"plan_code":"pro-monthly","quantity":2},"addons":[{"addon_code":"seat","quantity":3}],"end_of_term":false}"#
    );
}

#[tokio::test]
async fn a_change_at_the_end_of_the_term_is_proved_by_what_waits() {
    let (first, _peer) = zoho([accepted(), old("live", BEFORE), waiting()]).await;
    let shown = terms(done(perform(&first, &change(true)).await));
    assert_eq!(shown.sold.plan, "plus-monthly");
    assert_eq!(
        shown.scheduled.map(|sold| (sold.plan, sold.amount)),
        Some(("pro-monthly".to_owned(), Some(eur(24_000))))
    );

    let (second, _peer) = zoho([accepted(), old("live", BEFORE), nothing_waits()]).await;
    let stale = perform(&second, &change(true)).await;
    let Outcome::Unknown { detail } = stale else { panic!("{stale:?}") };
    assert!(detail.contains("plan 1 × plus-monthly"), "{detail}");
}

#[tokio::test]
async fn an_add_on_that_zoho_still_shows_leaves_the_change_unknown() {
    let kept = r#"[{"addon_code":"seat","quantity":3},{"addon_code":"backup","quantity":1}]"#;
    let (zoho, _peer) = zoho([accepted(), of("pro-monthly", "2", kept, "live", BEFORE), nothing_waits()]).await;
    assert_eq!(perform(&zoho, &change(false)).await.word(), "unknown");
}

#[tokio::test]
async fn a_lost_change_is_adopted_repeated_or_given_to_a_person() {
    let (adopted, _peer) = zoho([new(), nothing_waits()]).await;
    let (outcome, _) = found(look(&adopted, &change(false)).await);
    assert_eq!(terms(done(outcome)).sold.plan, "pro-monthly");

    let (absent, _peer) = zoho([old("live", BEFORE), nothing_waits()]).await;
    assert_eq!(look(&absent, &change(false)).await, ABSENT);

    let (changed, _peer) = zoho([old("live", "2026-11-21T12:00:00+0000"), nothing_waits()]).await;
    let (outcome, _) = found(look(&changed, &change(false)).await);
    assert_eq!(rejection(outcome).kind, RejectionKind::Changed);
}

#[tokio::test]
async fn a_cancellation_goes_out_with_its_date_and_is_read_back() {
    let (at_end, peer) = zoho([accepted(), old("non_renewing", BEFORE), nothing_waits()]).await;
    assert_eq!(terms(done(perform(&at_end, &cancel(true)).await)).status, "non_renewing");
    assert_eq!(lines(&peer)[0], format!("POST /subscriptions/{ID}/cancel?cancel_at_end=true"));

    let (now, peer) = zoho([accepted(), old("cancelled", BEFORE)]).await;
    assert_eq!(terms(done(perform(&now, &cancel(false)).await)).status, "cancelled");
    assert_eq!(lines(&peer)[0], format!("POST /subscriptions/{ID}/cancel?cancel_at_end=false"));
    assert_eq!(lines(&peer).len(), 2, "nothing can wait any more");
}

#[tokio::test]
async fn a_refusal_of_what_is_cancelled_already_is_no_failure_and_of_anything_else_is_one() {
    let (already, _peer) = zoho([refused(), old("cancelled", BEFORE)]).await;
    assert_eq!(terms(done(perform(&already, &cancel(false)).await)).status, "cancelled");
    let (not, _peer) = zoho([refused(), old("live", BEFORE), nothing_waits()]).await;
    let no = rejection(perform(&not, &cancel(false)).await);
    assert_eq!((no.kind, no.code.as_str()), (RejectionKind::State, "1040"));
}

#[tokio::test]
async fn what_was_accepted_and_cannot_be_read_back_is_looked_up_and_not_said_to_be_unsent() {
    let (zoho, _peer) = zoho([accepted(), json(503, "<html>")]).await;
    assert!(matches!(perform(&zoho, &cancel(true)).await, Outcome::Unknown { .. }));
}

#[tokio::test]
async fn reactivating_collecting_and_coupons_each_have_a_path_of_their_own() {
    let (subscription, seen) = (ID.to_owned(), None::<String>);
    let coupon = |coupon: Option<&str>| OnSubscription::Coupon {
        subscription: ID.to_owned(),
        coupon: coupon.map(str::to_owned),
        seen: None,
    };
    let online = SUBSCRIPTION.replace("\"auto_collect\": false", "\"auto_collect\": true");
    let with_coupon =
        SUBSCRIPTION.replace("\"addons\": []", "\"addons\": [], \"coupon\": {\"coupon_code\": \"WELCOME\"}");
    for (call, shown, line, sent) in [
        (
            OnSubscription::Reactivate { subscription: subscription.clone(), seen: seen.clone() },
            SUBSCRIPTION.to_owned(),
            format!("POST /subscriptions/{ID}/reactivate"),
            "",
        ),
        (
            OnSubscription::Collect { subscription, by_zoho: true, seen },
            online,
            format!("POST /subscriptions/{ID}/autocollect"),
            r#"{"auto_collect":true}"#,
        ),
        (coupon(Some("WELCOME")), with_coupon, format!("POST /subscriptions/{ID}/coupons/WELCOME"), ""),
        (coupon(None), SUBSCRIPTION.to_owned(), format!("DELETE /subscriptions/{ID}/coupons"), ""),
    ] {
        let (zoho, peer) = zoho([accepted(), json(200, &shown), nothing_waits()]).await;
        let effect = Effects::Subscription(call);
        assert!(matches!(perform(&zoho, &effect).await, Outcome::Done { .. }), "{effect:?}");
        assert_eq!(lines(&peer)[0], line);
        assert_eq!(body(&peer.seen()[1]), sent);
    }
}

#[tokio::test]
async fn a_card_that_zoho_keeps_is_seen_by_its_id_alone() {
    let read = Effects::Subscription(OnSubscription::ReadTerms { subscription: ID.to_owned() });
    for (card, has_card) in [(r#"{"card_id":"903000000000123","last_four_digits":"1111"}"#, true), ("{}", false)] {
        let shown = json(
            200,
            &format!(
                r#"{{"code":0,"subscription":{{"subscription_id":"{ID}","customer":{{"customer_id":"903000000000099"}},
                "status":"live","auto_collect":false,"currency_code":"EUR","amount":"119.10","card":{card},
                "plan":{{"plan_code":"plus-monthly","quantity":1}},"addons":[]}}}}"#
            ),
        );
        let (zoho, _peer) = zoho([shown, nothing_waits()]).await;
        assert_eq!(terms(done(perform(&zoho, &read).await)).has_card, has_card, "{card}");
    }
}
