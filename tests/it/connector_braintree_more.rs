//! The Braintree connector against the simulated gateway: refunds, cards on file, recurring billing, disputes, and what a
//! sale is for.

use crate::connector_braintree::{Stage, found, is_absent, rejection, sell, transaction};
use attio_billing::connectors::braintree::AtMostOnceKeys;
use attio_billing::port::{Beside, Call, Person};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{NaiveDate, TimeDelta};
use iso_currency::Currency;
use reqwest::Method;
use sagas::kernel::answer::{
    Answer, Dispute, DisputeStatus, MethodInUse, Recurring, RecurringStatus, Refund, TransactionStatus,
};
use sagas::kernel::effect::{
    Braintree as Act, DocumentForm, EvidencePiece, FirstTerm, FirstTermKind, RecurringChange, RecurringOrder,
    SaleDetails, SaleLine,
};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Decline, DeclineKind, Look, Outcome, RejectionKind};
use sandbox::faults::Kind;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

const PDF: &[u8] = b"%PDF-1.7 proof of delivery";

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn refund(order_id: &str, sale: &str, minor: i64) -> Act {
    Act::Refund { order_id: order_id.to_owned(), transaction: sale.to_owned(), amount: euros(minor) }
}

fn given_back(outcome: Outcome) -> Refund {
    let Outcome::Done { answer: Answer::Refund(refund) } = outcome else { panic!("not given back: {outcome:?}") };
    *refund
}

fn decline(outcome: Outcome) -> Decline {
    let Outcome::Declined { decline } = outcome else { panic!("not declined: {outcome:?}") };
    decline
}

fn recurring(outcome: Outcome) -> Recurring {
    let Outcome::Done { answer: Answer::Recurring(recurring) } = outcome else { panic!("not recurring: {outcome:?}") };
    *recurring
}

fn dispute(outcome: Outcome) -> Dispute {
    let Outcome::Done { answer: Answer::Dispute(dispute) } = outcome else { panic!("no dispute: {outcome:?}") };
    *dispute
}

/// Charged 20 euros a month on the card `m-1`.
fn monthly(id: &str) -> RecurringOrder {
    RecurringOrder {
        subscription: id.to_owned(),
        customer: "c-1".to_owned(),
        token: "m-1".to_owned(),
        plan: "monthly".to_owned(),
        price: euros(2000),
        first_charge_on: None,
        first_term: None,
    }
}

fn start(order: RecurringOrder) -> Act {
    Act::CreateSubscription(Box::new(order))
}

fn change(id: &str, change: RecurringChange) -> Act {
    Act::UpdateSubscription { subscription: id.to_owned(), change }
}

fn cancel(id: &str) -> Act {
    Act::CancelSubscription { subscription: id.to_owned() }
}

impl Stage {
    /// With the card `m-1`.
    async fn with_card() -> Self {
        let stage = Self::open().await;
        stage.card("m-1");
        stage
    }

    /// With the card `m-1` and the plan `monthly`.
    async fn with_plan() -> Self {
        let stage = Self::with_card().await;
        stage.staff(&json!({"act": "create_plan", "id": "monthly", "price": "20.00"}));
        stage
    }

    /// The card says no to every charge from now on.
    fn spoil(&self, token: &str) {
        self.staff(&json!({"act": "set_card_behaviour", "token": token, "decline_code": "2001"}));
    }

    async fn read(&self, subscription: &str) -> Recurring {
        let read = Act::ReadSubscription { subscription: subscription.to_owned() };
        recurring(self.perform(read, None).await)
    }

    /// An open dispute of a settled sale of 59 euros.
    async fn disputed(&self, order_id: &str) -> String {
        let sale = self.settled_sale(order_id, 5900).await;
        self.staff(&json!({"act": "open_dispute", "id": sale}))["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_settled_sale_is_given_back_in_parts_and_never_more_than_it_took() {
    let stage = Stage::with_card().await;
    let sale = stage.settled_sale("o-1", 5900).await;
    let first = given_back(stage.perform(refund("r-1", &sale, 1900), None).await);
    assert_eq!((first.transaction.as_str(), first.order_id.as_str(), first.amount.minor), (sale.as_str(), "r-1", 1900));
    assert_eq!((&first.status, first.soft_decline), (&TransactionStatus::SubmittedForSettlement, None));
    let over = stage.perform(refund("r-2", &sale, 4001), None).await;
    assert_eq!(rejection(over), (RejectionKind::State, "91521".to_owned()));
    let rest = given_back(stage.perform(refund("r-2", &sale, 4000), None).await);
    // All is given back: the second sending of a refund is told from another refund.
    assert_eq!(given_back(stage.perform(refund("r-2", &sale, 4000), None).await), rest);
    for (order, of, code) in [("r-3", sale.as_str(), "91512"), ("r-4", first.id.as_str(), "91505")] {
        let refused = stage.perform(refund(order, of, 1), None).await;
        assert_eq!(rejection(refused), (RejectionKind::State, code.to_owned()));
    }
    let nothing = stage.perform(refund("r-5", "nothere", 1), None).await;
    assert_eq!(rejection(nothing).0, RejectionKind::NotFound);
}

#[tokio::test]
async fn a_sale_that_has_not_settled_cannot_be_given_back_yet() {
    let stage = Stage::with_card().await;
    let sale = transaction(stage.perform(sell("o-1", 5900), None).await).id;
    let refused = stage.perform(refund("r-1", &sale, 5900), None).await;
    assert_eq!(rejection(refused), (RejectionKind::State, "91506".to_owned()));
    assert!(is_absent(&stage.look(refund("r-1", &sale, 5900)).await));
    stage.advance(TimeDelta::days(3));
    assert_eq!(given_back(stage.perform(refund("r-1", &sale, 5900), None).await).amount.minor, 5900);
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_found_and_made_once() {
    let stage = Stage::with_card().await;
    let sale = stage.settled_sale("o-1", 5900).await;
    let losses = [Kind::TimeoutAfter, Kind::ResetAfter, Kind::CutAfter, Kind::StatusAfter { status: 504 }];
    for (at, kind) in losses.into_iter().enumerate() {
        let act = refund(&format!("r-{at}"), &sale, 1000);
        stage.order("transaction.refund", kind.clone(), Some(1));
        let call = Call { time_limit: Duration::from_millis(500), ..stage.call(act.clone(), None) };
        assert_eq!(stage.connector.perform(&call, &act).await.outcome.word(), "unknown", "{kind:?}");
        let refund = given_back(found(stage.look(act.clone()).await));
        assert_eq!(given_back(found(stage.connector.confirm(&call, &act, &refund.id).await)), refund);
        let other = stage.connector.confirm(&call, &act, &sale).await;
        assert!(matches!(other, Look::Unclear { .. }), "{other:?}");
    }
    let books = sandbox::braintree::books(&stage.world);
    assert_eq!(books["totals"]["EUR"]["refunded_minor"], 4000);
}

#[tokio::test]
async fn a_refund_is_found_however_the_search_misbehaves() {
    let stage = Stage::with_card().await;
    let sale = stage.settled_sale("o-1", 600_000).await;
    let act = refund("r-1", &sale, 900);
    let made = given_back(stage.perform(act.clone(), None).await);
    for kind in [Kind::Empty, Kind::LateIndex { seconds: 3600 }, Kind::Doubled] {
        stage.order("transaction.search", kind, None);
        let Look::Found { outcome, extra } = stage.look(act.clone()).await else { panic!("not found") };
        assert_eq!((given_back(*outcome), extra), (made.clone(), Vec::new()));
        stage.world.faults.clear();
    }
    // The sale names no refund that was declined: only the search shows it.
    let hard = refund("r-2", &sale, 200_400);
    let refused = decline(stage.perform(hard.clone(), None).await);
    assert_eq!((refused.kind, refused.code.as_str()), (DeclineKind::Processor, "2004"));
    stage.order("transaction.search", Kind::Empty, None);
    assert_eq!(stage.look(hard.clone()).await, Look::Absent { watermark: false, key_proven: false });
    stage.world.faults.clear();
    stage.order("transaction.search", Kind::Doubled, None);
    assert_eq!(decline(found(stage.look(hard).await)), refused);
    // A soft no is taken all the same, and may fail later.
    let soft = given_back(stage.perform(refund("r-3", &sale, 204_600), None).await);
    assert_eq!(soft.soft_decline.as_deref(), Some("2046"));
    stage.world.faults.clear();
    stage.staff(&json!({"act": "fail_refund", "id": soft.id}));
    assert_eq!(decline(found(stage.look(refund("r-3", &sale, 204_600)).await)).kind, DeclineKind::Processor);
}

#[tokio::test]
async fn of_a_refund_that_was_made_twice_the_second_is_named_to_be_dealt_with() {
    let stage = Stage::with_card().await;
    let sale = stage.settled_sale("o-1", 5900).await;
    stage.order("transaction.refund", Kind::Twice, Some(1));
    let one = given_back(stage.perform(refund("r-1", &sale, 900), None).await);
    let Look::Found { outcome, extra } = stage.look(refund("r-1", &sale, 900)).await else { panic!("not found") };
    let both = [given_back(*outcome).id, extra.concat()];
    assert!(both.contains(&one.id) && both[0] != both[1], "{both:?}");
}

#[tokio::test]
async fn a_refund_that_never_arrived_is_proven_absent_once_the_search_has_passed_it() {
    let stage = Stage::with_card().await;
    let sale = stage.settled_sale("o-1", 5900).await;
    let act = refund("r-1", &sale, 900);
    let call = stage.call(act.clone(), None);
    stage.order("transaction.refund", Kind::ResetBefore, Some(1));
    assert_eq!(stage.connector.perform(&call, &act).await.outcome.word(), "unknown");
    let absent = |watermark| Look::Absent { watermark, key_proven: false };
    assert_eq!(stage.connector.look(&call, &act).await, absent(false));
    stage.advance(TimeDelta::minutes(5));
    assert_eq!(stage.perform(sell("o-2", 100), None).await.word(), "done");
    stage.order("transaction.search", Kind::LateIndex { seconds: 600 }, None);
    assert_eq!(stage.connector.look(&call, &act).await, absent(false));
    stage.world.faults.clear();
    assert_eq!(stage.connector.look(&call, &act).await, absent(true));
}

#[tokio::test]
async fn with_at_most_once_keys_a_refund_sent_twice_is_the_same_one() {
    let stage = Stage::with(AtMostOnceKeys::On).await;
    stage.card("m-1");
    let sale = stage.settled_sale("o-1", 5900).await;
    let made = given_back(stage.perform(refund("r-1", &sale, 900), None).await);
    assert_eq!(given_back(stage.perform(refund("r-1", &sale, 900), None).await), made);
    let other = stage.perform(refund("r-1", &sale, 800), None).await;
    assert_eq!(rejection(other), (RejectionKind::KeyMisuse, "915232".to_owned()));
    // A merchant without keys: nothing was done, and the next sending has none.
    let stage = Stage::with(AtMostOnceKeys::Learned).await;
    stage.card("m-1");
    let sale = stage.settled_sale("o-1", 5900).await;
    stage.staff(&json!({"act": "set_api_request_keys", "on": false}));
    assert_eq!(stage.perform(refund("r-1", &sale, 900), None).await.word(), "not_sent");
    assert_eq!(stage.perform(refund("r-1", &sale, 900), None).await.word(), "done");
}

#[tokio::test]
async fn a_sale_is_found_once_the_index_shows_it_and_counted_once_however_often_it_does() {
    let stage = Stage::with_card().await;
    stage.lose_answer("transaction.sale");
    assert_eq!(stage.perform(sell("o-1", 5900), None).await.word(), "unknown");
    for kind in [Kind::Empty, Kind::LateIndex { seconds: 60 }] {
        stage.order("transaction.search", kind, None);
        assert_eq!(stage.look(sell("o-1", 5900)).await, Look::Absent { watermark: false, key_proven: false });
        stage.world.faults.clear();
    }
    stage.order("transaction.search", Kind::Doubled, None);
    let Look::Found { outcome, extra } = stage.look(sell("o-1", 5900)).await else { panic!("not found") };
    assert_eq!((transaction(*outcome).order_id.as_str(), extra), ("o-1", Vec::new()));
}

#[tokio::test]
async fn a_sale_says_what_it_is_for() {
    let stage = Stage::with_card().await;
    let line = |name: &str, quantity: &str, total: i64| SaleLine {
        name: name.to_owned(),
        code: "team-monthly".to_owned(),
        quantity: quantity.to_owned(),
        unit: Some("seat".to_owned()),
        unit_amount: euros(1000),
        total: euros(total),
        tax: Some(euros(19)),
        discount: None,
    };
    let details = SaleDetails {
        invoice_number: "INV-000042".to_owned(),
        tax: Some(euros(900)),
        shipping: Some(euros(0)),
        discount: Some(euros(100)),
        lines: vec![line("Team & more", "5.5", 5500), line("Credit", "1", -500)],
    };
    let mut act = sell("o-1", 5900);
    if let Act::Sell { details: own, .. } = &mut act {
        *own = Some(Box::new(details));
    }
    let sale = transaction(stage.perform(act, None).await).id;
    let shown = stage.raw(Method::GET, &format!("transactions/{sale}"), None).await;
    for part in ["order-number>INV-000042<", "tax-amount>9.00<", "discount-amount>1.00<", "shipping-amount>0.00<"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let lines = stage.raw(Method::GET, &format!("transactions/{sale}/line_items"), None).await;
    assert_eq!(lines.matches("<line-item>").count(), 2, "{lines}");
    for part in ["kind>debit<", "kind>credit<", "quantity>5.5<", "total-amount>55.00<", "total-amount>5.00<"] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
}

#[tokio::test]
async fn another_card_becomes_the_default_also_when_the_answer_was_lost() {
    let stage = Stage::with_card().await;
    stage.card("m-2");
    stage.staff(&json!({"act": "vault_customer", "customer_id": "c-2", "token": "m-3", "card": "visa"}));
    let default = |token: &str| Act::SetDefaultMethod { customer: "c-1".to_owned(), token: token.to_owned() };
    assert!(is_absent(&stage.look(default("m-2")).await));
    stage.lose_answer("customer.update");
    assert_eq!(stage.perform(default("m-2"), None).await.word(), "unknown");
    assert_eq!(found(stage.look(default("m-2")).await).word(), "done");
    assert_eq!(stage.perform(default("m-2"), None).await.word(), "done");
    let read = stage.perform(Act::ReadCustomer { customer: "c-1".to_owned() }, None).await;
    let Outcome::Done { answer: Answer::Methods { methods } } = read else { panic!("{read:?}") };
    let defaults: Vec<_> = methods.iter().map(|method| (method.token.as_str(), method.default)).collect();
    assert_eq!(defaults, [("m-1", false), ("m-2", true)]);
    for (token, kind) in [("m-3", RejectionKind::Mismatch), ("m-9", RejectionKind::NotFound)] {
        assert_eq!(rejection(stage.perform(default(token), None).await).0, RejectionKind::NotFound);
        assert_eq!(rejection(found(stage.look(default(token)).await)).0, kind, "{token}");
    }
}

#[tokio::test]
async fn a_card_is_read_with_what_charges_it_and_verified_again() {
    let stage = Stage::with_plan().await;
    assert_eq!(stage.perform(start(monthly("s-1")), None).await.word(), "done");
    let read = |token: &str| Act::ReadMethod { token: token.to_owned() };
    let outcome = stage.perform(read("m-1"), None).await;
    let Outcome::Done { answer: Answer::MethodInUse(shown) } = outcome else { panic!("{outcome:?}") };
    let MethodInUse { method, customer, subscriptions } = *shown;
    assert_eq!((method.token.as_str(), customer.as_str(), subscriptions), ("m-1", "c-1", vec!["s-1".to_owned()]));
    assert!(method.has_live_subscription && method.default && !method.expired);
    assert_eq!(rejection(stage.perform(read("m-9"), None).await).0, RejectionKind::NotFound);

    let verify = Act::VerifyMethod { token: "m-1".to_owned() };
    let call = stage.call(verify.clone(), None);
    assert!(is_absent(&stage.connector.look(&call, &verify).await));
    stage.lose_answer("payment_method.update");
    assert_eq!(stage.connector.perform(&call, &verify).await.outcome.word(), "unknown");
    assert_eq!(found(stage.connector.look(&call, &verify).await).word(), "done");
    stage.advance(TimeDelta::hours(1));
    let call = stage.call(verify.clone(), None);
    assert!(is_absent(&stage.connector.look(&call, &verify).await));
    stage.order("payment_method.update", Kind::Decline { code: "2004".to_owned() }, Some(1));
    let refused = decline(stage.connector.perform(&call, &verify).await.outcome);
    assert_eq!((refused.kind, refused.code.as_str()), (DeclineKind::Verification, "2004"));
    assert_eq!(decline(found(stage.connector.look(&call, &verify).await)), refused);
}

#[tokio::test]
async fn a_customer_is_written_as_we_hold_the_person() {
    let stage = Stage::open().await;
    let act = Act::UpdateCustomer { customer: "c-1".to_owned(), person: "1".to_owned() };
    let known_as = |person: Option<Person>| Call {
        beside: Beside { person, ..Beside::default() },
        ..stage.call(act.clone(), None)
    };
    let moved = known_as(Some(Person {
        first_name: "Ada".to_owned(),
        last_name: "Lovelace <&>".to_owned(),
        email: "ada@example.net".to_owned(),
        ..Person::default()
    }));
    assert!(is_absent(&stage.connector.look(&moved, &act).await));
    stage.lose_answer("customer.update");
    assert_eq!(stage.connector.perform(&moved, &act).await.outcome.word(), "unknown");
    assert_eq!(found(stage.connector.look(&moved, &act).await).word(), "done");
    let shown = stage.raw(Method::GET, "customers/c-1", None).await;
    assert!(shown.contains("Lovelace &lt;&amp;&gt;") && !shown.contains("A &amp; B"), "{shown}");
    let gone = stage.connector.perform(&known_as(None), &act).await.outcome;
    assert_eq!(rejection(gone), (RejectionKind::NotFound, "person_gone".to_owned()));
}

#[tokio::test]
async fn a_subscription_is_made_once_and_charged_within_the_call() {
    let stage = Stage::with_plan().await;
    let made = recurring(stage.perform(start(monthly("s-1")), None).await);
    assert_eq!((&made.status, made.plan.as_str(), made.token.as_str()), (&RecurringStatus::Active, "monthly", "m-1"));
    assert_eq!((made.price, made.balance, made.failures), (euros(2000), Some(euros(0)), 0));
    assert_eq!((made.current_cycle, made.ends_after, made.transactions.len()), (Some(1), None, 1));
    assert!(made.paid_through.is_some() && made.next_charge_on > made.paid_through);
    assert_eq!(recurring(stage.perform(start(monthly("s-1")), None).await), made);
    assert_eq!(stage.read("s-1").await, made);
    stage.lose_answer("subscription.create");
    assert_eq!(stage.perform(start(monthly("s-2")), None).await.word(), "unknown");
    assert_eq!(recurring(found(stage.look(start(monthly("s-2"))).await)).transactions.len(), 1);
    let nothing = stage.perform(Act::ReadSubscription { subscription: "s-9".to_owned() }, None).await;
    assert_eq!(rejection(nothing).0, RejectionKind::NotFound);
    let plan = "yearly".to_owned();
    let refused = stage.perform(start(RecurringOrder { plan, ..monthly("s-3") }), None).await;
    assert_eq!(rejection(refused), (RejectionKind::Invalid, "91904".to_owned()));
}

#[tokio::test]
async fn a_subscription_whose_first_charge_is_declined_is_not_made_and_the_search_tells_so() {
    let stage = Stage::with_plan().await;
    stage.spoil("m-1");
    let act = start(monthly("s-1"));
    let call = stage.call(act.clone(), None);
    stage.lose_answer("subscription.create");
    assert_eq!(stage.connector.perform(&call, &act).await.outcome.word(), "unknown");
    stage.order("transaction.search", Kind::Empty, None);
    assert!(matches!(stage.connector.look(&call, &act).await, Look::Unclear { .. }));
    stage.world.faults.clear();
    let looked = decline(found(stage.connector.look(&call, &act).await));
    assert_eq!((looked.kind, looked.code.as_str()), (DeclineKind::Processor, "2001"));
    assert_eq!(decline(stage.perform(act, None).await).code, "2001");
    // One that never arrived is absent once the search has passed it.
    let act = start(RecurringOrder { price: euros(1900), ..monthly("s-2") });
    let call = stage.call(act.clone(), None);
    stage.order("subscription.create", Kind::ResetBefore, Some(1));
    assert_eq!(stage.connector.perform(&call, &act).await.outcome.word(), "unknown");
    assert!(matches!(stage.connector.look(&call, &act).await, Look::Unclear { .. }));
    stage.advance(TimeDelta::minutes(5));
    assert_eq!(stage.perform(sell("o-1", 100), None).await.word(), "declined");
    assert!(is_absent(&stage.connector.look(&call, &act).await));
}

#[tokio::test]
async fn a_first_term_can_begin_later_and_cost_more_or_less() {
    let stage = Stage::with_plan().await;
    stage.staff(&json!({"act": "create_add_on", "id": "more", "amount": "0.00"}));
    stage.staff(&json!({"act": "create_discount", "id": "less", "amount": "0.00"}));
    let first_charge_on = Some((stage.world.clock.now() + TimeDelta::days(3)).date_naive());
    let later = recurring(stage.perform(start(RecurringOrder { first_charge_on, ..monthly("s-1") }), None).await);
    assert_eq!((&later.status, later.next_charge_on), (&RecurringStatus::Pending, first_charge_on));
    assert!(later.transactions.is_empty());
    for (id, kind, modification, charged) in
        [("s-2", FirstTermKind::AddOn, "more", 2500), ("s-3", FirstTermKind::Discount, "less", 1500)]
    {
        let first_term = Some(FirstTerm { kind, modification: modification.to_owned(), amount: euros(500) });
        let act = start(RecurringOrder { first_term, ..monthly(id) });
        let made = recurring(stage.perform(act, None).await);
        assert_eq!((made.price.minor, made.transactions[0].amount.minor), (2000, charged));
    }
    stage.advance(TimeDelta::days(32));
    for (id, charged) in [("s-1", vec![2000]), ("s-2", vec![2000, 2500]), ("s-3", vec![2000, 1500])] {
        let amounts: Vec<_> = stage.read(id).await.transactions.iter().map(|one| one.amount.minor).collect();
        assert_eq!(amounts, charged, "{id}");
    }
}

#[tokio::test]
async fn a_subscription_is_changed_without_a_charge_and_each_change_can_be_looked_up() {
    let stage = Stage::with_plan().await;
    stage.card("m-2");
    stage.staff(&json!({"act": "create_plan", "id": "bigger", "price": "40.00"}));
    assert_eq!(stage.perform(start(monthly("s-1")), None).await.word(), "done");
    let changes = [
        RecurringChange::Method { token: "m-2".to_owned() },
        RecurringChange::Plan { plan: "bigger".to_owned(), price: euros(4200) },
        RecurringChange::EndAfter { cycles: 1 },
        RecurringChange::NeverEnds,
    ];
    for one in changes {
        assert!(is_absent(&stage.look(change("s-1", one.clone())).await), "{one:?}");
        stage.lose_answer("subscription.update");
        assert_eq!(stage.perform(change("s-1", one.clone()), None).await.word(), "unknown");
        let looked = recurring(found(stage.look(change("s-1", one.clone())).await));
        assert_eq!(recurring(stage.perform(change("s-1", one), None).await), looked);
    }
    let shown = stage.read("s-1").await;
    assert_eq!((shown.token.as_str(), shown.plan.as_str(), shown.price), ("m-2", "bigger", euros(4200)));
    assert_eq!((shown.transactions.len(), shown.balance, shown.ends_after), (1, Some(euros(0)), None));
    let nothing = change("s-9", RecurringChange::NeverEnds);
    assert_eq!(rejection(stage.perform(nothing.clone(), None).await).0, RejectionKind::NotFound);
    assert_eq!(rejection(found(stage.look(nothing).await)).0, RejectionKind::NotFound);
}

#[tokio::test]
async fn an_owed_charge_forbids_another_price_and_is_not_tried_by_another_card() {
    let stage = Stage::with_plan().await;
    stage.card("m-2");
    assert_eq!(stage.perform(start(monthly("s-1")), None).await.word(), "done");
    stage.spoil("m-1");
    stage.advance(TimeDelta::days(32));
    let owing = stage.read("s-1").await;
    assert_eq!((&owing.status, owing.balance), (&RecurringStatus::PastDue, Some(euros(2000))));
    assert!(owing.failures > 0 && owing.transactions[0].status == TransactionStatus::ProcessorDeclined);
    let dearer = RecurringChange::Plan { plan: "monthly".to_owned(), price: euros(2100) };
    let refused = stage.perform(change("s-1", dearer), None).await;
    assert_eq!(rejection(refused), (RejectionKind::State, "91920".to_owned()));
    let other = RecurringChange::Method { token: "m-2".to_owned() };
    let changed = recurring(stage.perform(change("s-1", other), None).await);
    assert_eq!((changed.token.as_str(), changed.balance), ("m-2", owing.balance));
    assert_eq!(changed.transactions.len(), owing.transactions.len());
}

#[tokio::test]
async fn a_subscription_that_is_over_counts_as_cancelled_and_cannot_be_changed() {
    let stage = Stage::with_plan().await;
    for id in ["s-1", "s-2"] {
        assert_eq!(stage.perform(start(monthly(id)), None).await.word(), "done");
    }
    assert!(is_absent(&stage.look(cancel("s-1")).await));
    stage.lose_answer("subscription.cancel");
    assert_eq!(stage.perform(cancel("s-1"), None).await.word(), "unknown");
    let once = change("s-2", RecurringChange::EndAfter { cycles: 1 });
    assert_eq!(stage.perform(once, None).await.word(), "done");
    stage.advance(TimeDelta::days(40));
    for (id, status, code) in [("s-1", RecurringStatus::Canceled, "81901"), ("s-2", RecurringStatus::Expired, "81910")]
    {
        for outcome in [found(stage.look(cancel(id)).await), stage.perform(cancel(id), None).await] {
            assert_eq!(recurring(outcome).status, status);
        }
        let refused = stage.perform(change(id, RecurringChange::NeverEnds), None).await;
        assert_eq!(rejection(refused), (RejectionKind::State, code.to_owned()));
    }
    assert_eq!(rejection(stage.perform(cancel("s-9"), None).await).0, RejectionKind::NotFound);
}

#[tokio::test]
async fn a_dispute_is_read_and_given_up_once() {
    let stage = Stage::with_card().await;
    let id = stage.disputed("o-1").await;
    let read = dispute(stage.perform(Act::ReadDispute { dispute: id.clone() }, None).await);
    assert_eq!((&read.status, read.kind.as_str(), read.reason.as_str()), (&DisputeStatus::Open, "chargeback", "fraud"));
    assert_eq!((read.disputed, read.won, read.order_id.as_deref()), (euros(5900), Some(euros(0)), Some("o-1")));
    assert!(read.transaction.is_some() && read.case_number.is_some() && read.reply_by > read.received_on);
    assert!(read.original.is_none() && read.program.is_none() && read.evidence.is_empty());
    let accept = Act::AcceptDispute { dispute: id.clone() };
    assert!(is_absent(&stage.look(accept.clone()).await));
    stage.lose_answer("dispute.accept");
    assert_eq!(stage.perform(accept.clone(), None).await.word(), "unknown");
    for outcome in [found(stage.look(accept.clone()).await), stage.perform(accept, None).await] {
        assert_eq!(dispute(outcome).status, DisputeStatus::Accepted);
    }
    let finalize = Act::FinalizeDispute { dispute: id };
    assert_eq!(rejection(stage.perform(finalize.clone(), None).await), (RejectionKind::State, "95705".to_owned()));
    assert_eq!(rejection(found(stage.look(finalize).await)), (RejectionKind::State, "accepted".to_owned()));
    let nothing = Act::ReadDispute { dispute: "nothere".to_owned() };
    assert_eq!(rejection(stage.perform(nothing, None).await).0, RejectionKind::NotFound);
}

#[tokio::test]
async fn evidence_is_uploaded_added_taken_off_and_handed_in() {
    let stage = Stage::with_card().await;
    let id = stage.disputed("o-1").await;
    let upload = Act::UploadDocument { dispute: id.clone(), input: Uuid::nil(), form: DocumentForm::Pdf };
    let outcome = stage.perform(upload.clone(), Some(&STANDARD.encode(PDF))).await;
    let Outcome::Done { answer: Answer::Document { document } } = outcome else { panic!("{outcome:?}") };
    for no_pdf in ["not base64", &STANDARD.encode("no document")] {
        assert_eq!(rejection(stage.perform(upload.clone(), Some(no_pdf)).await).0, RejectionKind::Invalid);
    }
    let add = |piece: EvidencePiece, besides: &[String]| Act::AddEvidence {
        dispute: id.clone(),
        piece,
        besides: besides.to_vec(),
    };
    let text = EvidencePiece::Text { input: Uuid::nil(), category: Some("CARRIER_NAME".to_owned()), sequence: Some(1) };
    let file = EvidencePiece::File { document, category: Some("PROOF_OF_DELIVERY".to_owned()) };
    let mut besides = Vec::new();
    for (piece, is_file) in [(file, true), (text.clone(), false)] {
        let act = add(piece, &besides);
        assert!(is_absent(&stage.look(act.clone()).await));
        stage.lose_answer("dispute.add_evidence");
        assert_eq!(stage.perform(act.clone(), Some("Parcel & Sons")).await.word(), "unknown");
        let shown = dispute(found(stage.look(act).await)).evidence;
        let newest = shown.iter().find(|one| !besides.contains(&one.id)).unwrap();
        assert_eq!((newest.is_file, newest.sent_on, shown.len()), (is_file, None, besides.len() + 1));
        besides.push(newest.id.clone());
    }
    let of_a_file = EvidencePiece::Text { input: Uuid::nil(), category: Some("GENERAL".to_owned()), sequence: None };
    let refused = stage.perform(add(of_a_file, &besides), Some("text")).await;
    assert_eq!(rejection(refused).0, RejectionKind::Invalid);
    let remove = Act::RemoveEvidence { dispute: id.clone(), evidence: besides[1].clone() };
    assert!(is_absent(&stage.look(remove.clone()).await));
    stage.lose_answer("dispute.remove_evidence");
    assert_eq!(stage.perform(remove.clone(), None).await.word(), "unknown");
    for outcome in [found(stage.look(remove.clone()).await), stage.perform(remove, None).await] {
        assert_eq!(dispute(outcome).evidence.len(), 1);
    }
    let finalize = Act::FinalizeDispute { dispute: id.clone() };
    stage.lose_answer("dispute.finalize");
    assert_eq!(stage.perform(finalize.clone(), None).await.word(), "unknown");
    for outcome in [found(stage.look(finalize.clone()).await), stage.perform(finalize, None).await] {
        let handed_in = dispute(outcome);
        assert_eq!(handed_in.status, DisputeStatus::Disputed);
        assert!(
            handed_in.evidence[0].sent_on.is_some_and(|day: NaiveDate| day == stage.world.clock.now().date_naive())
        );
    }
    let late = add(text, &besides[..1]);
    let refused = stage.perform(late.clone(), Some("too late")).await;
    assert_eq!(rejection(refused).0, RejectionKind::State);
    assert_eq!(rejection(found(stage.look(late).await)).0, RejectionKind::State);
}

#[tokio::test]
async fn a_dispute_without_evidence_is_not_handed_in_and_a_good_text_wins_it() {
    let stage = Stage::with_card().await;
    let id = stage.disputed("o-1").await;
    let finalize = Act::FinalizeDispute { dispute: id.clone() };
    let refused = stage.perform(finalize.clone(), None).await;
    assert_eq!(rejection(refused), (RejectionKind::Invalid, "95726".to_owned()));
    assert!(is_absent(&stage.look(finalize.clone()).await));
    let piece = EvidencePiece::Text { input: Uuid::nil(), category: None, sequence: None };
    let add = Act::AddEvidence { dispute: id, piece, besides: Vec::new() };
    assert_eq!(rejection(stage.perform(add.clone(), None).await).0, RejectionKind::NotFound);
    assert_eq!(dispute(stage.perform(add, Some("compelling_evidence")).await).evidence.len(), 1);
    let won = dispute(stage.perform(finalize, None).await);
    assert_eq!((won.status, won.won), (DisputeStatus::Won, Some(euros(5900))));
}
