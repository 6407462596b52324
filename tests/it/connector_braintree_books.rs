//! What the simulated gateway tells by itself, as the connector reads it: its books, and its webhooks.

use crate::connector_braintree::{Stage, sell};
use crate::sandbox_caller::Listener;
use attio_billing::connectors::braintree::books::{Booked, Disbursed, Plan, Settled, Span};
use attio_billing::connectors::braintree::webhook::{
    Delivery, KeyPair, Notification, Payout, Subject, answer_challenge, verify_and_parse,
};
use axum::extract::Query;
use axum::routing::get;
use chrono::{NaiveDate, TimeDelta};
use futures::StreamExt as _;
use iso_currency::Currency;
use reqwest::Method;
use sagas::kernel::effect::{Braintree as Act, RecurringOrder};
use sagas::kernel::money::Money;
use sandbox::faults::{Kind, Vendor};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::slice;
use std::time::Duration;
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(5);

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

/// A gateway that delivers its webhooks here.
struct Heard {
    stage: Stage,
    listener: Listener,
}

impl Heard {
    /// With the card `m-1` and the plan `monthly`.
    async fn open() -> Self {
        let (stage, listener) = (Stage::open().await, Listener::start().await);
        stage.card("m-1");
        stage.staff(&json!({"act": "create_plan", "id": "monthly", "price": "20.00"}));
        stage.world.hooks.aim(Vendor::Braintree, Some(listener.url.clone()));
        Self { stage, listener }
    }

    /// All that was sent, once it has come, by kind: each is genuine, is about something the gateway knows, and is told
    /// from every other.
    async fn notifications(&self) -> BTreeMap<String, Vec<Notification>> {
        let (sent, keys) = (self.stage.world.hooks.log().len(), key_pair(&self.stage));
        let mut by_kind: BTreeMap<String, Vec<Notification>> = BTreeMap::new();
        let mut known = BTreeSet::new();
        for received in self.listener.received(sent).await {
            let delivery = Delivery::from_form(&received.body).unwrap();
            let read = verify_and_parse(slice::from_ref(&keys), &delivery).unwrap();
            assert_eq!(self.stage.connector.knows(&read.subject, LIMIT).await, Some(true), "{read:?}");
            assert!(known.insert(read.delivery_key.clone()), "{read:?}");
            by_kind.entry(read.kind.clone()).or_default().push(read);
        }
        by_kind
    }

    /// An open dispute of a settled sale: the two ids.
    async fn disputed(&self, order_id: &str) -> (String, String) {
        let sale = self.stage.settled_sale(order_id, 5900).await;
        let dispute = self.stage.staff(&json!({"act": "open_dispute", "id": sale}));
        (sale, dispute["id"].as_str().unwrap().to_owned())
    }
}

fn key_pair(stage: &Stage) -> KeyPair {
    let keys = &stage.world.credentials.braintree;
    KeyPair { public_key: keys.public_key.clone(), private_key: keys.private_key.clone().into() }
}

fn monthly(id: &str, token: &str) -> Act {
    Act::CreateSubscription(Box::new(RecurringOrder {
        subscription: id.to_owned(),
        customer: "c-1".to_owned(),
        token: token.to_owned(),
        plan: "monthly".to_owned(),
        price: euros(2000),
        first_charge_on: None,
        first_term: None,
    }))
}

async fn booked(stage: &Stage, span: Span) -> Vec<Booked> {
    let ids = stage.connector.transaction_ids(span, LIMIT).await.unwrap();
    let parts: Vec<_> = stage.connector.booked(span, ids, LIMIT).collect().await;
    parts.into_iter().flat_map(Result::unwrap).collect()
}

#[tokio::test]
async fn the_books_show_a_sale_with_its_refund_its_dispute_and_its_payout() {
    let stage = Stage::open().await;
    stage.card("m-1");
    let from = stage.world.clock.now() - TimeDelta::minutes(1);
    assert_eq!(stage.perform(sell("o-1", 5900), None).await.word(), "done");
    stage.advance(TimeDelta::days(3));
    let sale = booked(&stage, Span::Created(from, stage.world.clock.now())).await.remove(0);
    let id = sale.transaction.id.clone();
    let act = Act::Refund { order_id: "r-1".to_owned(), transaction: id.clone(), amount: euros(900) };
    assert_eq!(stage.perform(act, None).await.word(), "done");
    stage.staff(&json!({"act": "open_dispute", "id": id}));
    stage.advance(TimeDelta::days(3));

    let all = booked(&stage, Span::Created(from, stage.world.clock.now())).await;
    let [refund, sale] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((sale.is_credit, &sale.refund_of, sale.transaction.amount), (false, &None, euros(5900)));
    assert_eq!((&sale.refunds, sale.disputes.len()), (&vec![refund.transaction.id.clone()], 1));
    assert_eq!((refund.is_credit, &refund.refund_of, refund.transaction.amount), (true, &Some(id), euros(900)));
    assert!(refund.refunds.is_empty() && refund.disputes.is_empty());
    for (one, amount) in [(sale, 5900), (refund, 900)] {
        assert!(one.batch.is_some() && one.settled_at > Some(one.transaction.created_at), "{one:?}");
        let Disbursed { on, amount: paid, rate, is_held, is_returned } = one.disbursed.clone().unwrap();
        assert_eq!((paid, rate.as_deref(), is_held, is_returned), (euros(amount), Some("1"), false, false));
        assert!(on > one.settled_at.unwrap().date_naive());
        let found = booked(&stage, Span::Disbursed(on, on)).await;
        assert_eq!(found, slice::from_ref(one), "paid out that day alone");
        let settled = one.settled_at.unwrap();
        assert_eq!(booked(&stage, Span::Settled(settled, settled)).await, slice::from_ref(one));
        let earlier = Span::Settled(from, settled - TimeDelta::hours(1));
        assert!(!booked(&stage, earlier).await.contains(one));
    }
}

#[tokio::test]
async fn more_transactions_than_one_slice_holds_are_read_in_parts_and_each_once() {
    let stage = Stage::open().await;
    stage.card("m-1");
    let from = stage.world.clock.now() - TimeDelta::minutes(1);
    for at in 0..53 {
        assert_eq!(stage.perform(sell(&format!("o-{at}"), 1000 + at), None).await.word(), "done");
    }
    let span = Span::Created(from, stage.world.clock.now());
    let ids = stage.connector.transaction_ids(span, LIMIT).await.unwrap();
    let parts: Vec<_> = stage.connector.booked(span, ids, LIMIT).collect().await;
    let parts: Vec<_> = parts.into_iter().map(Result::unwrap).collect();
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [50, 3]);
    let orders: BTreeSet<_> = parts.iter().flatten().map(|one| one.transaction.order_id.clone()).collect();
    assert_eq!(orders.len(), 53);
    let created = stage.connector.created("o-", (from, stage.world.clock.now()), LIMIT).await.unwrap();
    assert_eq!(created.into_iter().map(|one| one.order_id).collect::<BTreeSet<_>>(), orders);
}

#[tokio::test]
async fn a_day_that_settled_is_summed_by_account_card_and_direction() {
    let stage = Stage::open().await;
    stage.card("m-1");
    let sales = [stage.settled_sale("o-1", 5900).await, stage.settled_sale("o-2", 100).await];
    let act = Act::Refund { order_id: "r-1".to_owned(), transaction: sales[0].clone(), amount: euros(900) };
    assert_eq!(stage.perform(act, None).await.word(), "done");
    stage.staff(&json!({"act": "settle_now"}));
    let today = stage.world.clock.now().date_naive();
    let mut lines = stage.connector.settlement(today, LIMIT).await.unwrap();
    lines.sort_by_key(|line| line.is_credit);
    let line = |is_credit, count, minor| Settled {
        merchant_account: "sandbox_eur".to_owned(),
        card_type: "Visa".to_owned(),
        is_credit,
        count,
        amount: euros(minor),
    };
    assert_eq!(lines, [line(false, 2, 6000), line(true, 1, 900)]);
    let before = today - TimeDelta::days(2);
    assert_eq!(stage.connector.settlement(before, LIMIT).await, Ok(Vec::new()));
}

#[tokio::test]
async fn disputes_plans_and_a_customers_subscriptions_are_listed_whole() {
    let heard = Heard::open().await;
    let stage = &heard.stage;
    let (_, dispute) = heard.disputed("o-1").await;
    let today = stage.world.clock.now().date_naive();
    let ids = async |from: NaiveDate, to: NaiveDate| {
        let listed = stage.connector.disputes(from, to, LIMIT).await.unwrap();
        listed.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(today, today).await, slice::from_ref(&dispute));
    stage.order("dispute.search", Kind::Doubled, Some(1));
    assert_eq!(ids(today, today).await, slice::from_ref(&dispute), "shown twice, listed once");
    assert!(ids(today - TimeDelta::days(9), today - TimeDelta::days(1)).await.is_empty());

    stage.staff(&json!({"act": "create_plan", "id": "quarterly", "price": "55.00", "billing_frequency": 3}));
    let mut plans = stage.connector.plans(LIMIT).await.unwrap();
    plans.sort_by_key(|plan| plan.months);
    let plan = |id: &str, minor, months| Plan { id: id.to_owned(), price: euros(minor), months };
    assert_eq!(plans, [plan("monthly", 2000, 1), plan("quarterly", 5500, 3)]);

    stage.card("m-2");
    for (id, token) in [("s-1", "m-1"), ("s-2", "m-2"), ("s-3", "m-2")] {
        assert_eq!(stage.perform(monthly(id, token), None).await.word(), "done");
    }
    let over = Act::CancelSubscription { subscription: "s-2".to_owned() };
    assert_eq!(stage.perform(over, None).await.word(), "done");
    assert_eq!(stage.connector.subscriptions_of("c-1", LIMIT).await.unwrap(), ["s-1", "s-2", "s-3"]);
    assert!(stage.connector.subscriptions_of("c-9", LIMIT).await.is_err());
    let from = stage.world.clock.now() - TimeDelta::minutes(1);
    let charges = booked(stage, Span::Created(from, stage.world.clock.now())).await;
    let mut charged: Vec<_> = charges.iter().filter_map(|one| one.subscription.as_deref()).collect();
    charged.sort_unstable();
    assert_eq!(charged, ["s-1", "s-2", "s-3"]);
}

#[tokio::test]
async fn every_webhook_about_a_subscription_is_read() {
    let heard = Heard::open().await;
    let stage = &heard.stage;
    for token in ["m-2", "m-3", "m-4"] {
        stage.card(token);
    }
    for (id, token) in [("s-paid", "m-1"), ("s-owed", "m-2"), ("s-short", "m-1"), ("s-credit", "m-1")] {
        assert_eq!(stage.perform(monthly(id, token), None).await.word(), "done");
    }
    let trial = json!({"subscription": {"id": "s-trial", "plan_id": "monthly", "payment_method_token": "m-3",
        "trial_period": true, "trial_duration": 2, "trial_duration_unit": "day"}});
    stage.raw(Method::POST, "subscriptions", Some(trial)).await;
    let shorter = json!({"subscription": {"number_of_billing_cycles": 1}});
    stage.raw(Method::PUT, "subscriptions/s-short", Some(shorter)).await;
    let cheaper = json!({"subscription": {"price": "5.00", "options": {"prorate_charges": true}}});
    stage.raw(Method::PUT, "subscriptions/s-credit", Some(cheaper)).await;
    stage.staff(&json!({"act": "set_card_behaviour", "token": "m-2", "decline_code": "2001"}));
    stage.advance(TimeDelta::days(32));
    stage.staff(&json!({"act": "cancel_subscription", "id": "s-paid"}));

    let mut heard = heard.notifications().await;
    heard.retain(|kind, _| kind.starts_with("subscription_"));
    let about = |kind: &str| -> BTreeSet<String> {
        let subjects = heard.get(kind).into_iter().flatten().map(|one| match &one.subject {
            Subject::Subscription { id, newest_transaction } => {
                let is_charge = kind.contains("charged") || kind.contains("past_due");
                assert!(!is_charge || newest_transaction.is_some(), "{one:?}");
                id.trim_start_matches("s-").to_owned()
            }
            other => panic!("{kind}: {other:?}"),
        });
        subjects.collect()
    };
    let seen: BTreeMap<_, _> = heard.keys().map(|kind| (kind.as_str(), about(kind))).collect();
    let wanted = [
        ("subscription_billing_skipped", "credit"),
        ("subscription_canceled", "paid"),
        ("subscription_charged_successfully", "credit owed paid short trial"),
        ("subscription_charged_unsuccessfully", "owed"),
        ("subscription_expired", "short"),
        ("subscription_trial_ended", "trial"),
        ("subscription_went_active", "credit owed paid short"),
        ("subscription_went_past_due", "owed"),
    ];
    let words = |ids: &str| ids.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(seen, wanted.into_iter().map(|(kind, ids)| (kind, words(ids))).collect());
}

#[tokio::test]
async fn every_webhook_about_a_dispute_is_read() {
    let heard = Heard::open().await;
    let stage = &heard.stage;
    let mut sales = BTreeMap::new();
    let mut ids = Vec::new();
    for order in ["o-accepted", "o-won", "o-lost", "o-expired"] {
        let (sale, dispute) = heard.disputed(order).await;
        sales.insert(dispute.clone(), sale);
        ids.push(dispute);
    }
    let sale = stage.settled_sale("o-program", 5900).await;
    let settled = stage.staff(&json!({"act": "open_dispute", "id": sale, "program": "visa_rdr"}));
    let settled = settled["id"].as_str().unwrap().to_owned();
    sales.insert(settled.clone(), sale);
    let accept = Act::AcceptDispute { dispute: ids[0].clone() };
    assert_eq!(stage.perform(accept, None).await.word(), "done");
    for (dispute, status) in [(1, "disputed"), (1, "won"), (2, "under_review"), (2, "lost")] {
        stage.staff(&json!({"act": "decide_dispute", "dispute": ids[dispute], "status": status}));
    }
    stage.advance(TimeDelta::days(12));

    let heard = heard.notifications().await;
    for (kind, wanted) in [
        ("opened", ids.as_slice()),
        ("accepted", &ids[..1]),
        ("disputed", &ids[1..2]),
        ("won", &ids[1..2]),
        ("under_review", &ids[2..3]),
        ("lost", &ids[2..3]),
        ("expired", &ids[3..]),
        ("auto_accepted", slice::from_ref(&settled)),
    ] {
        let seen = heard.get(&format!("dispute_{kind}")).into_iter().flatten();
        let seen: BTreeSet<_> = seen
            .map(|one| match &one.subject {
                Subject::Dispute { id, transaction } => (id.as_str(), transaction.as_deref()),
                other => panic!("{kind}: {other:?}"),
            })
            .collect();
        let wanted = wanted.iter().map(|id| (id.as_str(), sales.get(id).map(String::as_str))).collect();
        assert_eq!(seen, wanted, "{kind}");
    }
}

#[tokio::test]
async fn every_webhook_about_money_on_its_way_is_read() {
    let heard = Heard::open().await;
    let stage = &heard.stage;
    let sale = stage.settled_sale("o-1", 5900).await;
    stage.advance(TimeDelta::days(2));
    let act = Act::Refund { order_id: "r-1".to_owned(), transaction: sale.clone(), amount: euros(900) };
    assert_eq!(stage.perform(act, None).await.word(), "done");
    let refund = booked(stage, Span::Created(stage.world.clock.now() - TimeDelta::minutes(1), stage.world.clock.now()));
    let refund = refund.await.remove(0).transaction.id;
    stage.staff(&json!({"act": "fail_refund", "id": refund}));
    stage.staff(&json!({"act": "review_transaction", "id": sale, "decision": "accept"}));
    stage.staff(&json!({"act": "fail_disbursement", "id": sale}));
    stage.staff(&json!({"act": "check_webhook"}));

    let heard = heard.notifications().await;
    let subject = |kind: &str| match heard.get(kind).map(Vec::as_slice) {
        Some([one]) => one.subject.clone(),
        other => panic!("{kind}: {other:?}"),
    };
    assert_eq!(subject("check"), Subject::Check);
    let failed = Subject::Transaction { id: refund, order_id: Some("r-1".to_owned()) };
    assert_eq!(subject("refund_failed"), failed);
    assert_eq!(subject("transaction_reviewed"), Subject::Transaction { id: sale.clone(), order_id: None });
    for (kind, success) in [("disbursement", true), ("disbursement_exception", false)] {
        let Subject::Disbursement { payout, .. } = subject(kind) else { panic!("{kind}") };
        let Payout { amount, day, merchant_account, transactions, is_retry, exception, follow_up, .. } =
            *payout.clone();
        assert_eq!((amount, merchant_account.as_deref()), (Some(euros(5900)), Some("sandbox_eur")));
        assert_eq!((transactions, payout.success, is_retry), (vec![sale.clone()], success, false));
        assert!(day.is_some() && exception.is_none() == success && follow_up.is_none() == success, "{payout:?}");
    }
}

#[tokio::test]
async fn the_destination_answers_the_gateways_challenge_and_another_key_does_not_open_its_webhooks() {
    let stage = Stage::open().await;
    let keys = key_pair(&stage);
    let signs = keys.clone();
    let answer = async move |Query(asked): Query<BTreeMap<String, String>>| {
        answer_challenge(&signs, &asked["bt_challenge"]).unwrap()
    };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", socket.local_addr().unwrap());
    let app = axum::Router::new().route("/hook", get(answer));
    tokio::spawn(async move { axum::serve(socket, app).await });
    sandbox::braintree::register_webhook(&stage.world, &json!({ "url": url })).await.unwrap();
    assert_eq!(stage.world.hooks.target(Vendor::Braintree), Some(url));

    let listener = Listener::start().await;
    stage.world.hooks.aim(Vendor::Braintree, Some(listener.url.clone()));
    stage.staff(&json!({"act": "check_webhook"}));
    let received = listener.received(1).await.remove(0);
    let delivery = Delivery::from_form(&received.body).unwrap();
    let retired = KeyPair { private_key: "another".to_owned().into(), ..keys.clone() };
    assert!(verify_and_parse(slice::from_ref(&retired), &delivery).is_err());
    let stranger = KeyPair { public_key: "stranger".to_owned(), ..keys.clone() };
    assert_eq!(verify_and_parse(&[stranger, keys], &delivery).unwrap().kind, "check");
}
