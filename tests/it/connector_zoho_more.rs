//! The Zoho connector against the simulated Zoho, beyond what an activation needs: terms, credit notes, payments, invoices,
//! estimates, hosted pages.

use crate::connector_zoho::{ABSENT, OURS, REFERENCE, World, call, create_customer, create_subscription, usd};
use crate::zoho_caller::text;
use chrono::{NaiveDate, TimeDelta, Utc};
use sagas::kernel::answer::{
    Answer, AppliedTo, CreditNote, Estimate, HostedPage, Invoice, SubscriptionTerms, ZohoCustomer, ZohoPayment,
};
use sagas::kernel::effect::{
    self, AddonOrder, CheckoutLink, CreditNoteOrder, EstimateLine, EstimateMark, EstimateOrder, OnCredit, OnEstimate,
    OnInvoice, OnPage, OnPayment, OnSubscription, PageOrder, PageStart, PageTerms, TermsOrder,
};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use sandbox::faults::{Fault, Kind, Vendor};
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

/// What of an answer is looked at, or the test fails.
macro_rules! taken {
    ($kind:ident, $answer:expr) => {
        match $answer {
            Answer::$kind(held) => *held,
            other => panic!("{other:?}"),
        }
    };
}

fn today() -> NaiveDate {
    Utc::now().date_naive()
}

fn on_terms(of: OnSubscription) -> effect::Zoho {
    effect::Zoho::Subscription(of)
}

fn change(subscription: &str, quantity: u32, at_end: bool) -> OnSubscription {
    OnSubscription::Change(Box::new(TermsOrder {
        subscription: subscription.to_owned(),
        plan: "plus".to_owned(),
        quantity,
        addons: vec![AddonOrder { code: "seat".to_owned(), quantity: 1 }],
        coupon: None,
        at_end,
        seen: None,
    }))
}

fn cancel(subscription: &str, at_end: bool) -> OnSubscription {
    OnSubscription::Cancel { subscription: subscription.to_owned(), at_end, seen: None }
}

fn reactivate(subscription: &str) -> OnSubscription {
    OnSubscription::Reactivate { subscription: subscription.to_owned(), seen: None }
}

fn collect(subscription: &str, by_zoho: bool) -> OnSubscription {
    OnSubscription::Collect { subscription: subscription.to_owned(), by_zoho, seen: None }
}

fn coupon(subscription: &str, coupon: Option<&str>) -> OnSubscription {
    let coupon = coupon.map(str::to_owned);
    OnSubscription::Coupon { subscription: subscription.to_owned(), coupon, seen: None }
}

impl World {
    /// A customer and a subscription of it.
    pub(crate) async fn subscribed(&self) -> (String, String) {
        let customer = self.customer().await.id;
        let subscription = self.subscription(&customer).await.id;
        (customer, subscription)
    }

    async fn terms(&self, of: OnSubscription) -> SubscriptionTerms {
        taken!(Terms, self.done(&on_terms(of)).await)
    }

    async fn note(&self, of: OnCredit) -> CreditNote {
        taken!(CreditNote, self.done(&effect::Zoho::Credit(of)).await)
    }

    async fn invoice(&self, id: &str) -> Invoice {
        taken!(Invoice, self.done(&effect::Zoho::ReadInvoice { invoice: id.to_owned() }).await)
    }

    /// The effect is done, its answer is lost, and a look finds it; what the look found.
    async fn lost_and_found(&self, operation: &str, effect: &effect::Zoho) -> Answer {
        assert_eq!(self.look(effect).await, ABSENT, "{effect:?}");
        self.lose(operation);
        assert_eq!(self.perform(effect).await.word(), "unknown", "{effect:?}");
        self.found(effect).await
    }

    pub(crate) async fn refused(&self, effect: &effect::Zoho) -> (RejectionKind, String) {
        match self.perform(effect).await {
            Outcome::Rejected { rejection } => (rejection.kind, rejection.code),
            other => panic!("{effect:?}: {other:?}"),
        }
    }

    fn order(&self, vendor: Vendor, operation: &str, kind: Kind) {
        let operation = operation.to_owned();
        self.sandbox.world.faults.order(Fault { vendor, operation, kind, skip: 0, times: None, contains: None });
    }
}

#[tokio::test]
async fn a_change_takes_effect_at_once_or_waits_for_the_end_of_the_term() {
    let world = World::start().await;
    let (_, subscription) = world.subscribed().await;
    let read = OnSubscription::ReadTerms { subscription: subscription.clone() };
    let before = world.terms(read.clone()).await;
    let sold = (before.sold.plan.as_str(), before.sold.quantity, before.sold.addons[0].quantity);
    assert_eq!((sold, before.scheduled), (("plus", 2, 3), None));
    assert!(before.term_ends_on.is_some() && before.changed_at.is_some() && before.newest_invoice.is_some());

    let now =
        taken!(Terms, world.lost_and_found("subscription.update", &on_terms(change(&subscription, 3, false))).await);
    assert_eq!((now.sold.quantity, now.sold.addons[0].quantity, now.scheduled), (3, 1, None));
    let later = world.terms(change(&subscription, 1, true)).await;
    let waiting = later.scheduled.as_ref().map(|sold| sold.quantity);
    assert_eq!((later.sold.quantity, waiting), (3, Some(1)));
    assert_eq!(world.terms(read).await, later);
    world.advance(TimeDelta::days(40));
    let read = OnSubscription::ReadTerms { subscription };
    let then = world.terms(read).await;
    assert_eq!((then.sold.quantity, then.scheduled), (1, None));
}

#[tokio::test]
async fn a_cancellation_is_taken_back_while_the_term_runs_and_not_after_it_ended() {
    let world = World::start().await;
    let (_, subscription) = world.subscribed().await;
    let at_end = on_terms(cancel(&subscription, true));
    let terms = taken!(Terms, world.lost_and_found("subscription.cancel", &at_end).await);
    assert_eq!(terms.status, "non_renewing");
    assert_eq!(world.terms(cancel(&subscription, true)).await.status, "non_renewing", "once more changes nothing");
    let back = on_terms(reactivate(&subscription));
    let terms = taken!(Terms, world.lost_and_found("subscription.reactivate", &back).await);
    assert_eq!(terms.status, "live");
    assert_eq!(world.terms(cancel(&subscription, false)).await.status, "cancelled");
    assert_eq!(world.refused(&back).await.0, RejectionKind::State);
    assert_eq!(world.refused(&on_terms(change(&subscription, 5, false))).await.0, RejectionKind::State);
}

#[tokio::test]
async fn zoho_collects_only_where_it_has_a_card_and_a_coupon_comes_and_goes() {
    let world = World::start().await;
    let (_, subscription) = world.subscribed().await;
    let by_zoho = on_terms(collect(&subscription, true));
    assert_eq!(world.refused(&by_zoho).await.0, RejectionKind::State);
    world.sandbox.staff(&json!({ "act": "turn_on_auto_collect", "subscription_id": subscription }));
    assert!(!world.terms(collect(&subscription, false)).await.auto_collect);
    let terms = taken!(Terms, world.lost_and_found("subscription.autocollect", &by_zoho).await);
    assert!(terms.auto_collect);

    let act = json!({ "act": "add_coupon", "coupon_code": "TEN", "percentage": "10", "type": "forever",
        "of_plan": "plus" });
    world.sandbox.staff(&act);
    let put = on_terms(coupon(&subscription, Some("TEN")));
    let terms = taken!(Terms, world.lost_and_found("subscription.addcoupon", &put).await);
    assert_eq!(terms.sold.coupon.as_deref(), Some("TEN"));
    let off = on_terms(coupon(&subscription, None));
    let terms = taken!(Terms, world.lost_and_found("subscription.removecoupon", &off).await);
    assert_eq!(terms.sold.coupon, None);
    assert_eq!(world.terms(coupon(&subscription, None)).await.sold.coupon, None, "once more changes nothing");
    let unknown = on_terms(coupon(&subscription, Some("NEVER")));
    assert_eq!(world.refused(&unknown).await.0, RejectionKind::NotFound);
}

#[tokio::test]
async fn a_change_is_not_repeated_where_somebody_has_changed_the_subscription_since() {
    let world = World::start().await;
    let (_, subscription) = world.subscribed().await;
    let seen = world.terms(OnSubscription::ReadTerms { subscription: subscription.clone() }).await.changed_at;
    let cancel = on_terms(OnSubscription::Cancel { subscription: subscription.clone(), at_end: true, seen });
    assert_eq!(world.look(&cancel).await, ABSENT);
    world.advance(TimeDelta::minutes(2));
    let act =
        json!({ "act": "change_subscription", "subscription_id": subscription, "plan_code": "plus", "quantity": 9 });
    world.sandbox.staff(&act);
    let Look::Found { outcome, .. } = world.look(&cancel).await else { panic!("changed") };
    let Outcome::Rejected { rejection } = *outcome else { panic!("{outcome:?}") };
    assert_eq!((rejection.kind, rejection.code.as_str()), (RejectionKind::Changed, "changed_meanwhile"));
}

#[tokio::test]
async fn a_stale_look_sees_nothing_yet_and_a_later_one_what_was_done() {
    let world = World::start().await;
    let (_, subscription) = world.subscribed().await;
    world.order(Vendor::Zoho, "subscription.get", Kind::Stale { seconds: 30 });
    world.order(Vendor::Zoho, "subscription.cancel", Kind::TimeoutAfter);
    let cancel = on_terms(cancel(&subscription, true));
    let mut short = call(&cancel);
    short.time_limit = Duration::from_millis(400);
    assert_eq!(world.zoho.perform(&short, &cancel).await.outcome.word(), "unknown");
    assert_eq!(world.look(&cancel).await, ABSENT);
    let invoice = world.first_invoice(&subscription).await.id;
    world.order(Vendor::Zoho, "invoice.get", Kind::Stale { seconds: 30 });
    let void = effect::Zoho::Invoice(OnInvoice::Void { invoice });
    world.lose("invoice.void");
    assert_eq!(world.perform(&void).await.word(), "unknown");
    assert_eq!(world.look(&void).await, ABSENT);
    world.advance(TimeDelta::seconds(31));
    assert_eq!(taken!(Terms, world.found(&cancel).await).status, "non_renewing");
    assert_eq!(taken!(Invoice, world.found(&void).await).status, "void");
}

#[tokio::test]
async fn what_zoho_accepted_and_does_not_show_yet_is_unknown_and_found_later() {
    let world = World::start().await;
    let (_, subscription) = world.subscribed().await;
    let invoice = world.first_invoice(&subscription).await.id;
    for read in ["subscription.get", "invoice.get"] {
        world.order(Vendor::Zoho, read, Kind::Stale { seconds: 30 });
    }
    let void = effect::Zoho::Invoice(OnInvoice::Void { invoice });
    let cancel = on_terms(cancel(&subscription, true));
    for act in [&void, &cancel] {
        let outcome = world.perform(act).await;
        assert!(matches!(&outcome, Outcome::Unknown { detail } if detail.contains("accepted")), "{outcome:?}");
        assert_eq!(world.look(act).await, ABSENT, "{act:?}");
    }
    world.advance(TimeDelta::seconds(31));
    assert_eq!(taken!(Invoice, world.found(&void).await).status, "void");
    assert_eq!(taken!(Terms, world.found(&cancel).await).status, "non_renewing");
}

fn credit(world: &World, customer: &str, reference: &str) -> effect::Zoho {
    effect::Zoho::Credit(OnCredit::Create(Box::new(CreditNoteOrder {
        customer: customer.to_owned(),
        reference: reference.to_owned(),
        code: "plus".to_owned(),
        price: usd(2000),
        tax: Some(world.tax.clone()),
        total: usd(2380),
        date: today(),
        since: Utc::now(),
    })))
}

fn pay_out(note: &str, minor: i64, reference: &str) -> effect::Zoho {
    let reference = reference.to_owned();
    effect::Zoho::Credit(OnCredit::Refund { note: note.to_owned(), amount: usd(minor), reference, since: Utc::now() })
}

#[tokio::test]
async fn a_credit_note_is_made_and_paid_out_once_however_often_answers_are_lost() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    let made = taken!(CreditNote, world.lost_and_found("creditnote.create", &credit(&world, &customer, "rf1")).await);
    assert_eq!((made.reference.as_str(), made.total, made.status.as_str()), ("rf1", usd(2380), "open"));
    assert_eq!(world.note(OnCredit::Read { note: made.id.clone() }).await, made);

    let paid = world.lost_and_found("creditnote.refund", &pay_out(&made.id, 2380, "rf1")).await;
    assert!(matches!(&paid, Answer::CreditRefunded { note, amount, .. } if *note == made.id && *amount == usd(2380)));
    let after = world.note(OnCredit::Read { note: made.id.clone() }).await;
    assert_eq!((after.status.as_str(), after.balance), ("closed", usd(0)));
    assert_ne!(world.perform(&pay_out(&made.id, 2380, "rf1")).await.word(), "done", "no more than it holds");
    let void = effect::Zoho::Credit(OnCredit::Void { note: made.id });
    assert_eq!(world.refused(&void).await.0, RejectionKind::State);
}

#[tokio::test]
async fn an_unused_credit_note_is_voided() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    let note = taken!(CreditNote, world.done(&credit(&world, &customer, "rf1")).await).id;
    let void = OnCredit::Void { note: note.clone() };
    let wanted = effect::Zoho::Credit(void.clone());
    assert_eq!(world.lost_and_found("creditnote.void", &wanted).await, Answer::Nothing);
    assert_eq!(world.note(void).await.status, "void", "once more changes nothing");
    let Look::Found { outcome, .. } = world.look(&pay_out(&note, 2380, "rf1")).await else { panic!("spent") };
    assert_eq!(outcome.word(), "rejected", "it can no longer be paid out");
}

#[tokio::test]
async fn a_credit_settles_an_invoice_once_and_cannot_be_paid_out_as_well() {
    let world = World::start().await;
    let (customer, subscription) = world.subscribed().await;
    let invoice = world.first_invoice(&subscription).await;
    let note = taken!(CreditNote, world.done(&credit(&world, &customer, "rf1")).await).id;
    let (id, amount) = (invoice.id.clone(), usd(2380));
    let apply = effect::Zoho::Invoice(OnInvoice::ApplyCredit { invoice: id, note: note.clone(), amount });
    let after = taken!(Invoice, world.lost_and_found("invoice.credits", &apply).await);
    assert_eq!((after.credits, after.balance), (usd(2380), usd(13_507 - 2380)));
    assert_eq!(taken!(Invoice, world.done(&apply).await).balance, after.balance, "once more changes nothing");
    let Look::Found { outcome, .. } = world.look(&pay_out(&note, 2380, "rf1")).await else { panic!("spent") };
    let Outcome::Rejected { rejection } = *outcome else { panic!("{outcome:?}") };
    assert_eq!(rejection.code, "credit_spent");
}

#[tokio::test]
async fn an_invoice_is_written_off_owed_again_and_voided() {
    let world = World::start().await;
    let (_, subscription) = world.subscribed().await;
    let invoice = world.first_invoice(&subscription).await.id;
    let off = OnInvoice::WriteOff { invoice: invoice.clone(), reason: "insolvent".to_owned() };
    let off = effect::Zoho::Invoice(off);
    let after = taken!(Invoice, world.lost_and_found("invoice.writeoff", &off).await);
    assert_eq!((after.written_off, after.balance), (usd(13_507), usd(0)));
    assert_eq!(taken!(Invoice, world.done(&off).await).balance, usd(0), "once more changes nothing");
    let back = effect::Zoho::Invoice(OnInvoice::CancelWriteOff { invoice: invoice.clone() });
    let after = taken!(Invoice, world.lost_and_found("invoice.cancelwriteoff", &back).await);
    assert_eq!((after.written_off, after.balance), (usd(0), usd(13_507)));
    let void = effect::Zoho::Invoice(OnInvoice::Void { invoice: invoice.clone() });
    let after = taken!(Invoice, world.lost_and_found("invoice.void", &void).await);
    assert_eq!(after.status, "void");
    assert_eq!(taken!(Invoice, world.done(&void).await).status, "void", "once more changes nothing");
    assert_eq!(world.refused(&off).await.0, RejectionKind::State);
    let document = world.zoho.invoice_document(&invoice, LIMIT).await.unwrap();
    assert!(document.starts_with(b"%PDF"));
}

fn record(customer: &str, invoice: &str, minor: i64) -> effect::Zoho {
    effect::Zoho::RecordPayment {
        customer: customer.to_owned(),
        invoice: invoice.to_owned(),
        amount: usd(minor),
        reference: "8xk2f9qa".to_owned(),
        date: today(),
        since: Utc::now(),
    }
}

#[tokio::test]
async fn a_recorded_payment_is_found_lowered_and_deleted() {
    let world = World::start().await;
    let (customer, subscription) = world.subscribed().await;
    let invoice = world.first_invoice(&subscription).await.id;
    let record = record(&customer, &invoice, 13_507);
    let recorded = world.lost_and_found("payment.create", &record).await;
    let Answer::Recorded { payment, amount } = recorded else { panic!("{recorded:?}") };
    assert_eq!(amount, usd(13_507));
    let read = effect::Zoho::Payment(OnPayment::Read { payment: payment.clone() });
    let is: ZohoPayment = taken!(ZohoPayment, world.done(&read).await);
    assert_eq!((is.reference.as_str(), is.invoices[0].minor), ("8xk2f9qa", 13_507));

    let invoices = vec![AppliedTo { invoice: invoice.clone(), minor: 10_000 }];
    let lower = ZohoPayment { amount: usd(10_000), invoices, ..is };
    let amend = effect::Zoho::Payment(OnPayment::Amend(Box::new(lower.clone())));
    assert_eq!(taken!(ZohoPayment, world.lost_and_found("payment.update", &amend).await), lower);
    assert_eq!(taken!(ZohoPayment, world.done(&amend).await), lower, "once more changes nothing");
    assert_eq!(world.invoice(&invoice).await.balance, usd(3507));

    let delete = effect::Zoho::Payment(OnPayment::Delete { payment });
    assert_eq!(world.lost_and_found("payment.delete", &delete).await, Answer::Nothing);
    assert_eq!(world.done(&delete).await, Answer::Nothing, "once more changes nothing");
    assert_eq!(world.refused(&read).await.0, RejectionKind::NotFound);
    assert_eq!(world.invoice(&invoice).await.balance, usd(13_507));
}

fn estimate(world: &World, customer: &str) -> effect::Zoho {
    let item = text(&world.sandbox.staff(&json!({ "act": "add_item", "name": "Rollout", "rate": 10_000 })), "item_id");
    effect::Zoho::Estimate(OnEstimate::Create(Box::new(EstimateOrder {
        customer: customer.to_owned(),
        reference: "demo1.q.7".to_owned(),
        lines: vec![EstimateLine { item, rate: usd(10_050), quantity: 2, tax: Some(world.tax.clone()) }],
        date: today(),
        expires_on: today() + TimeDelta::days(30),
        since: Utc::now(),
    })))
}

#[tokio::test]
async fn an_estimate_is_made_sent_and_accepted_but_no_draft_is() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    let create = estimate(&world, &customer);
    let made: Estimate = taken!(Estimate, world.lost_and_found("estimate.create", &create).await);
    assert_eq!((made.status.as_str(), made.total, made.tax), ("draft", usd(23_919), Some(usd(3819))));
    let read = effect::Zoho::Estimate(OnEstimate::Read { estimate: made.id.clone() });
    assert_eq!(taken!(Estimate, world.done(&read).await), made);
    let mark = |mark| effect::Zoho::Estimate(OnEstimate::Mark { estimate: made.id.clone(), mark });
    assert_eq!(world.refused(&mark(EstimateMark::Accepted)).await.0, RejectionKind::State);
    let operations = [("estimate.markassent", EstimateMark::Sent), ("estimate.markasaccepted", EstimateMark::Accepted)];
    for (operation, to) in operations {
        let shown = taken!(Estimate, world.lost_and_found(operation, &mark(to)).await);
        assert_eq!(shown.status, to.word());
        assert_eq!(taken!(Estimate, world.done(&mark(to)).await).status, to.word(), "once more changes nothing");
    }
}

#[tokio::test]
async fn a_hosted_page_leads_to_zoho_and_tells_what_was_bought_on_it() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    let sold = PageTerms { plan: "plus".to_owned(), quantity: 1, addons: Vec::new(), coupon: None };
    let back_to = CheckoutLink { saga: SagaId::of_invoice("1", "1"), number: 1 };
    let reference = REFERENCE.to_owned();
    let create = effect::Zoho::Page(OnPage::Create(Box::new(PageOrder::NewSubscription {
        customer: customer.clone(),
        reference,
        sold,
        start: PageStart { starts_on: None, trial_days: None },
        back_to,
    })));
    assert_eq!(world.refused(&create).await.1, "no_return_address");
    let mut with_link = call(&create);
    with_link.beside.link = Some("https://pay.example.org/c/1".into());
    let outcome = world.zoho.perform(&with_link, &create).await.outcome;
    let Outcome::Done { answer } = outcome else { panic!("{outcome:?}") };
    let page: HostedPage = taken!(HostedPage, answer);
    assert!(page.expires_at.is_some_and(|at| at > Utc::now()) && page.subscription.is_none());
    assert_eq!(world.look(&create).await, ABSENT);
    let address = world.zoho.page_address(&page.id, LIMIT).await.unwrap();
    assert!(address.expose_secret().starts_with(&world.sandbox.base), "{}", address.expose_secret());

    world.sandbox.staff(&json!({ "act": "use_hosted_page", "hostedpage_id": page.id }));
    let read = effect::Zoho::Page(OnPage::Read { page: page.id });
    let page: HostedPage = taken!(HostedPage, world.done(&read).await);
    let subscription = page.subscription.expect("a subscription");
    assert_eq!((page.status.as_str(), page.invoice.is_some()), ("success", true));
    assert!(world.terms(OnSubscription::ReadTerms { subscription }).await.auto_collect);
}

#[tokio::test]
async fn a_customer_is_brought_up_to_date_unless_somebody_else_was_there() {
    let world = World::start().await;
    let made = world.customer().await;
    let update = |seen: Option<String>| effect::Zoho::UpdateCustomer {
        customer: made.id.clone(),
        person: OURS.to_owned(),
        seen,
    };
    let moved = |effect: &effect::Zoho, city: &str| {
        let mut moved = call(effect);
        moved.beside.person.as_mut().unwrap().city = Some(city.to_owned());
        moved
    };
    let effect = update(made.changed_at.clone());
    assert_eq!(taken!(ZohoCustomer, world.found(&effect).await), made, "it is so already");
    assert_eq!(world.zoho.look(&moved(&effect, "Leeds"), &effect).await, ABSENT);
    world.lose("customer.update");
    assert_eq!(world.zoho.perform(&moved(&effect, "Leeds"), &effect).await.outcome.word(), "unknown");
    let Look::Found { outcome, .. } = world.zoho.look(&moved(&effect, "Leeds"), &effect).await else { panic!("found") };
    assert_eq!(outcome.word(), "done");
    let outcome = world.zoho.perform(&moved(&effect, "Leeds"), &effect).await.outcome;
    let Outcome::Done { answer } = outcome else { panic!("{outcome:?}") };
    let shown: ZohoCustomer = taken!(ZohoCustomer, answer);
    assert_eq!(shown.our_customer.as_deref(), Some(OURS), "our id stays");
    world.advance(TimeDelta::minutes(2));
    let done = world.zoho.perform(&moved(&effect, "Hull"), &effect).await.outcome;
    assert_eq!(done.word(), "done");
    let Look::Found { outcome, .. } = world.look(&update(shown.changed_at)).await else { panic!("changed") };
    let Outcome::Rejected { rejection } = *outcome else { panic!("{outcome:?}") };
    assert_eq!(rejection.kind, RejectionKind::Changed);
}

#[tokio::test]
async fn a_list_that_is_late_or_empty_shows_nothing_and_one_that_repeats_rows_shows_one() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    world.subscription(&customer).await;
    let offer = estimate(&world, &customer);
    world.done(&offer).await;
    let note = credit(&world, &customer, "rf1");
    let id = taken!(CreditNote, world.done(&note).await).id;
    let paid = pay_out(&id, 1000, "rf1");
    world.done(&paid).await;
    let made = [
        ("customer.list", create_customer()),
        ("subscription.list", create_subscription(&customer)),
        ("estimate.list", offer),
        ("transaction.list", note),
    ];
    for (operation, effect) in &made {
        world.order(Vendor::Zoho, operation, Kind::Empty);
        assert_eq!(world.look(effect).await, ABSENT, "{operation}");
        world.sandbox.world.faults.clear();
        world.order(Vendor::Zoho, operation, Kind::LateIndex { seconds: 30 });
        assert_eq!(world.look(effect).await, ABSENT, "{operation}");
        world.sandbox.world.faults.clear();
        world.order(Vendor::Zoho, operation, Kind::Doubled);
        world.found(effect).await;
        world.sandbox.world.faults.clear();
    }
    world.order(Vendor::Zoho, "transaction.list", Kind::Empty);
    let look = world.look(&paid).await;
    assert!(matches!(look, Look::Unclear { .. }), "something was taken off the note: {look:?}");
    world.sandbox.world.faults.clear();
    world.order(Vendor::Zoho, "transaction.list", Kind::Doubled);
    world.found(&paid).await;
}

#[tokio::test]
async fn an_answer_that_is_late_cut_or_replaced_leaves_a_write_unknown_and_found() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    let kinds =
        [Kind::TimeoutAfter, Kind::CutAfter, Kind::StatusAfter { status: 500 }, Kind::StatusAfter { status: 502 }];
    for (number, kind) in kinds.into_iter().enumerate() {
        let create = credit(&world, &customer, &format!("rf{number}"));
        world.order(Vendor::Zoho, "creditnote.create", kind);
        let mut short = call(&create);
        short.time_limit = Duration::from_millis(500);
        assert_eq!(world.zoho.perform(&short, &create).await.outcome.word(), "unknown", "{number}");
        world.sandbox.world.faults.clear();
        world.found(&create).await;
    }
}

#[tokio::test]
async fn what_was_made_twice_is_found_with_the_second_one_as_extra() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    let subscription = world.subscription(&customer).await.id;
    let invoice = world.first_invoice(&subscription).await.id;
    let another = effect::Zoho::CreateCustomer {
        customer: "cus_another".to_owned(),
        currency: iso_currency::Currency::USD,
        since: Utc::now(),
    };
    let another = taken!(ZohoCustomer, world.done(&another).await).id;
    let all = [
        ("creditnote.create", credit(&world, &customer, "rf1")),
        ("estimate.create", estimate(&world, &customer)),
        ("payment.create", record(&customer, &invoice, 1000)),
        ("subscription.create", create_subscription(&another)),
    ];
    for (operation, effect) in all {
        world.order(Vendor::Zoho, operation, Kind::Twice);
        world.done(&effect).await;
        let Look::Found { outcome, extra } = world.look(&effect).await else { panic!("found") };
        assert_eq!((outcome.word(), extra.len()), ("done", 1), "{operation}");
    }
}
