//! Subscriptions and their first invoices.

use super::*;
use sagas::kernel::answer::Subscription;
use sagas::kernel::effect::{AddonOrder, SubscriptionOrder};

const REFERENCE: &str = "demo1.sub.0192f6a1c3d84e7fb1d0c7a8e9f01234.1";

fn order() -> SubscriptionOrder {
    SubscriptionOrder {
        customer: "903000000000099".to_owned(),
        reference: REFERENCE.to_owned(),
        plan: "plus-monthly".to_owned(),
        quantity: 3,
        addons: vec![AddonOrder { code: "seat".to_owned(), quantity: 2 }],
        coupon: Some("WELCOME".to_owned()),
        starts_on: NaiveDate::from_ymd_opt(2026, 12, 1),
        trial_days: None,
    }
}

fn create(order: SubscriptionOrder) -> effect::Zoho {
    effect::Zoho::CreateSubscription(Box::new(order))
}

fn made(id: &str) -> Subscription {
    Subscription {
        id: id.to_owned(),
        customer: "903000000000099".to_owned(),
        status: "live".to_owned(),
        auto_collect: false,
        currency: "EUR".to_owned(),
        reference: REFERENCE.to_owned(),
        plan: Some("plus-monthly".to_owned()),
        product: Some("903000000045027".to_owned()),
        amount: Some(Money::new(11_910, Currency::EUR)),
        next_billing_on: NaiveDate::from_ymd_opt(2026, 12, 21),
    }
}

fn rows(rows: &[&str]) -> Play {
    let rows = rows.join(",");
    json(200, &format!(r#"{{"code":0,"subscriptions":[{rows}],"page_context":{{"has_more_page":false}}}}"#))
}

fn row(id: &str, status: &str, reference: &str) -> String {
    format!(
        r#"{{"subscription_id":"{id}","customer_id":"903000000000099","status":"{status}","amount":119.10,"next_billing_at":"2026-12-21","auto_collect":false,"currency_code":"EUR","reference_id":"{reference}","plan_name":"Plus","created_time":"2026-11-21T12:00:00+0000"}}"#
    )
}

#[tokio::test]
async fn a_subscription_is_made_that_zoho_does_not_collect_for() {
    let (zoho, peer) = zoho([json(201, SUBSCRIPTION)]).await;
    let answer = done(perform(&zoho, &create(order())).await);
    assert_eq!(answer, Answer::Subscription(Box::new(made("90300000079200"))));
    assert_eq!(lines(&peer), ["POST /subscriptions"]);
    assert_eq!(
        body(&peer.seen()[1]),
        r#"{"customer_id":"903000000000099","plan":{"plan_code":"plus-monthly","quantity":3,"exclude_trial":true},"addons":[{"addon_code":"seat","quantity":2}],"coupon_code":"WELCOME","auto_collect":false,"reference_id":"demo1.sub.0192f6a1c3d84e7fb1d0c7a8e9f01234.1","starts_at":"2026-12-01"}"#
    );
}

#[tokio::test]
async fn a_trial_is_given_by_its_days_or_excluded_never_both() {
    for (trial_days, plan) in [
        (Some(14), r#"{"plan_code":"plus-monthly","quantity":1,"trial_days":14}"#),
        (Some(0), r#"{"plan_code":"plus-monthly","quantity":1,"exclude_trial":true}"#),
    ] {
        let (zoho, peer) = zoho([json(201, SUBSCRIPTION)]).await;
        let plain =
            SubscriptionOrder { quantity: 1, addons: Vec::new(), coupon: None, starts_on: None, trial_days, ..order() };
        perform(&zoho, &create(plain)).await;
        assert_eq!(
            body(&peer.seen()[1]),
            format!(
                r#"{{"customer_id":"903000000000099","plan":{plan},"auto_collect":false,"reference_id":"{REFERENCE}"}}"#
            )
        );
    }
}

#[tokio::test]
async fn a_status_is_the_flows_to_judge_and_another_owner_is_a_mismatch() {
    let trial = SUBSCRIPTION.replace("\"live\"", "\"trial\"").replace("\"2026-12-21\"", "\"\"");
    let (zoho_of_trial, _peer) = zoho([json(201, &trial)]).await;
    let Answer::Subscription(trial) = done(perform(&zoho_of_trial, &create(order())).await) else {
        panic!("expected a subscription");
    };
    assert_eq!((trial.status.as_str(), trial.next_billing_on), ("trial", None));
    for (from, to, code) in [
        ("\"customer_id\": \"903000000000099\"", "\"customer_id\": \"1\"", "customer"),
        (REFERENCE, "demo1.sub.another", "reference"),
        ("\"auto_collect\": false", "\"auto_collect\": true", "auto_collect"),
    ] {
        let (zoho, _peer) = zoho([json(201, &SUBSCRIPTION.replace(from, to))]).await;
        let refused = rejection(perform(&zoho, &create(order())).await);
        assert_eq!((refused.kind, refused.code.as_str()), (RejectionKind::Mismatch, code));
    }
}

#[tokio::test]
async fn a_making_without_a_usable_answer_is_unknown_and_a_refused_one_is_not_done() {
    for play in [Play::Reset, Play::cut(201, SUBSCRIPTION), json(502, "<html>"), json(201, r#"{"code":0}"#)] {
        let (zoho, _peer) = zoho([play.clone()]).await;
        assert_eq!(perform(&zoho, &create(order())).await.word(), "unknown", "{play:?}");
    }
    let (silent, _peer) = zoho([Play::Silence]).await;
    let effect = create(order());
    let hurried = Call { time_limit: Duration::from_millis(300), ..call(&effect) };
    assert_eq!(silent.perform(&hurried, &effect).await.outcome.word(), "unknown");
    for (status, code, kind) in [(404, 1002, RejectionKind::NotFound), (400, 9004, RejectionKind::Invalid)] {
        let (zoho, _peer) = zoho([json(status, &format!(r#"{{"code":{code},"message":"No."}}"#))]).await;
        let refused = rejection(perform(&zoho, &effect).await);
        assert_eq!((refused.kind, refused.code), (kind, code.to_string()));
    }
}

#[tokio::test]
async fn a_subscription_is_found_by_exactly_its_reference_cancelled_or_not() {
    let longer = format!("{REFERENCE}1");
    let (zoho, peer) = zoho([
        rows(&[
            &row("90300000079300", "live", REFERENCE),
            &row("1", "live", &longer),
            &row("90300000079200", "cancelled", REFERENCE),
        ]),
        json(200, SUBSCRIPTION),
    ])
    .await;
    let effect = create(order());
    let look = zoho.look(&call(&effect), &effect).await;
    let Look::Found { outcome, extra } = look else { panic!("expected a hit: {look:?}") };
    assert_eq!(done(*outcome), Answer::Subscription(Box::new(made("90300000079200"))), "the older one");
    assert_eq!(extra, ["90300000079300"]);
    assert_eq!(
        lines(&peer),
        [
            "GET /subscriptions?customer_id=903000000000099&filter_by=SubscriptionStatus.All&reference_contains=demo1.sub.0192f6a1c3d84e7fb1d0c7a8e9f01234.1&sort_column=created_time&sort_order=A&page=1&per_page=200",
            "GET /subscriptions/90300000079200",
        ]
    );
}

#[tokio::test]
async fn no_hit_is_absent_and_no_answer_unclear() {
    let effect = create(order());
    let (zoho_of_none, _peer) = zoho([rows(&[&row("1", "live", "demo1.sub.another")])]).await;
    assert_eq!(zoho_of_none.look(&call(&effect), &effect).await, ABSENT);
    let (blind, _peer) = zoho([json(429, r#"{"code":44,"message":"x"}"#)]).await;
    assert!(matches!(blind.look(&call(&effect), &effect).await, Look::Unclear { .. }));
}

fn list(reference: Option<&str>) -> effect::Zoho {
    effect::Zoho::ListSubscriptions { customer: "903000000000099".to_owned(), reference: reference.map(str::to_owned) }
}

async fn listed(zoho: &Zoho, reference: Option<&str>) -> Vec<Subscription> {
    match done(perform(zoho, &list(reference)).await) {
        Answer::Subscriptions { subscriptions } => subscriptions,
        other => panic!("expected subscriptions: {other:?}"),
    }
}

#[tokio::test]
async fn a_list_by_reference_is_one_call() {
    let longer = format!("{REFERENCE}1");
    let (zoho, peer) = zoho([rows(&[
        &row("90300000079300", "live", REFERENCE),
        &row("1", "live", &longer),
        &row("90300000079200", "cancelled", REFERENCE),
    ])])
    .await;
    let subscriptions = listed(&zoho, Some(REFERENCE)).await;
    let older = Subscription { status: "cancelled".to_owned(), plan: None, product: None, ..made("90300000079200") };
    let newer = Subscription { plan: None, product: None, ..made("90300000079300") };
    assert_eq!(subscriptions, [older, newer]);
    assert_eq!(lines(&peer).len(), 1);
}

#[tokio::test]
async fn a_list_without_a_reference_says_the_plan_of_each_that_may_still_bill() {
    let shown =
        row("3", "unpaid", "x").replace("\"plan_name\"", "\"plan_code\":\"max\",\"product_id\":\"9\",\"plan_name\"");
    let (zoho, peer) = zoho([
        rows(&[
            &row("1", "cancelled", "x"),
            &row("2", "live", "x"),
            &shown,
            &row("4", "trial", "x"),
            &row("5", "expired", "x"),
        ]),
        json(200, &SUBSCRIPTION.replace("90300000079200", "2")),
        gone(),
    ])
    .await;
    let subscriptions = listed(&zoho, None).await;
    let plans: Vec<_> = subscriptions.iter().map(|s| (s.id.as_str(), s.plan.as_deref())).collect();
    assert_eq!(plans, [("1", None), ("2", Some("plus-monthly")), ("3", Some("max")), ("5", None)]);
    assert_eq!(lines(&peer)[1..], ["GET /subscriptions/2", "GET /subscriptions/4"]);
}

#[tokio::test]
async fn reading_a_subscription_answers_no_more_than_it_did() {
    let (zoho, _peer) = zoho([json(200, SUBSCRIPTION)]).await;
    let effect = effect::Zoho::ReadSubscription { subscription: "90300000079200".to_owned() };
    let answer = serde_json::to_string(&done(perform(&zoho, &effect).await)).expect("JSON");
    assert_eq!(
        answer,
        format!(
            r#"{{"answer":"subscription","id":"90300000079200","customer":"903000000000099","status":"live","auto_collect":false,"currency":"EUR","reference":"{REFERENCE}"}}"#
        ),
        "recorded histories hold it in this form"
    );
}

fn first_invoice() -> effect::Zoho {
    effect::Zoho::ReadFirstInvoice { subscription: "90300000079200".to_owned() }
}

#[tokio::test]
async fn the_first_invoice_is_the_oldest_and_says_its_subscription() {
    let list = r#"{"code":0,"invoices":[{"invoice_id":"90300000079500"},{"invoice_id":"90300000079426"}],
        "page_context":{"has_more_page":true}}"#;
    let silent = INVOICE.replace(r#"[{"subscription_id": "90300000079200"}]"#, "[]");
    let (zoho, peer) = zoho([json(200, list), json(200, &silent)]).await;
    let answer = done(perform(&zoho, &first_invoice()).await);
    let Answer::FirstInvoice { invoice: Some(invoice) } = answer else { panic!("expected an invoice: {answer:?}") };
    assert_eq!((invoice.id.as_str(), invoice.subscription.as_deref()), ("90300000079426", Some("90300000079200")));
    assert_eq!(
        lines(&peer),
        [
            "GET /invoices?subscription_id=90300000079200&filter_by=Status.All&sort_column=created_time&sort_order=A&page=1&per_page=200",
            "GET /invoices/90300000079426",
        ]
    );
}

#[tokio::test]
async fn no_invoice_yet_is_a_clean_answer() {
    let (zoho, peer) = zoho([json(200, r#"{"code":0,"invoices":[]}"#)]).await;
    assert_eq!(done(perform(&zoho, &first_invoice()).await), Answer::FirstInvoice { invoice: None });
    assert_eq!(lines(&peer).len(), 1);
}
