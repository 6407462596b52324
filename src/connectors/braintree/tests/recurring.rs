//! The gateway's own recurring billing against a scripted peer.

use super::*;
use sagas::kernel::answer::{Recurring, RecurringStatus};
use sagas::kernel::effect::{FirstTerm, FirstTermKind, RecurringChange, RecurringOrder};

fn order() -> RecurringOrder {
    RecurringOrder {
        subscription: "s-0042".to_owned(),
        customer: "c-42".to_owned(),
        token: "m-7f3c".to_owned(),
        plan: "pro_eur_monthly".to_owned(),
        price: Money::new(4900, Currency::EUR),
        first_charge_on: None,
        first_term: None,
    }
}

fn create() -> Act {
    Act::CreateSubscription(Box::new(order()))
}

fn change(change: RecurringChange) -> Act {
    Act::UpdateSubscription { subscription: "s-0042".to_owned(), change }
}

fn cancel() -> Act {
    Act::CancelSubscription { subscription: "s-0042".to_owned() }
}

fn shown(outcome: Outcome) -> Recurring {
    let Outcome::Done { answer: Answer::Recurring(subscription) } = outcome else { panic!("not done: {outcome:?}") };
    *subscription
}

fn standing(status: &str) -> String {
    fixture!("subscription").replacen("Active", status, 1)
}

fn missing() -> Play {
    Play::reply(404, XML, "")
}

/// A recurring charge of the customer.
fn charge(status: &str, amount: &str, subscription: &str) -> String {
    let named = format!("<subscription-id>{subscription}</subscription-id><status-history");
    hit("chrg0001", status, "2026-11-21T10:00:01Z")
        .replace("<amount>49.00</amount>", &format!("<amount>{amount}</amount>"))
        .replacen("<status-history", &named, 1)
}

#[tokio::test]
async fn a_subscription_is_made_under_our_id_and_takes_nothing_over_from_its_plan() {
    let (outcome, seen) = asked(create(), "", [Play::reply(201, XML, fixture!("subscription"))]).await;
    let made = shown(outcome);
    assert_eq!((made.id.as_str(), made.status, made.price.minor), ("s-0042", RecurringStatus::Active, 4900));
    assert_eq!((made.current_cycle, made.ends_after, made.transactions.len()), (Some(1), None, 1));
    assert_eq!(made.next_charge_on.map(|day| day.to_string()).as_deref(), Some("2026-12-21"));
    assert_eq!(
        sent(&seen[0]),
        "<subscription><id>s-0042</id><payment_method_token>m-7f3c</payment_method_token>\
         <plan_id>pro_eur_monthly</plan_id><price>49.00</price><merchant_account_id>acme_eur</merchant_account_id>\
         <never_expires type=\"boolean\">true</never_expires><trial_period type=\"boolean\">false</trial_period>\
         <options><do_not_inherit_add_ons_or_discounts type=\"boolean\">true</do_not_inherit_add_ons_or_discounts>\
         <start_immediately type=\"boolean\">true</start_immediately></options></subscription>"
    );
}

#[tokio::test]
async fn a_later_first_day_and_another_first_term_are_said_and_exclude_an_immediate_start() {
    let term = FirstTerm {
        kind: FirstTermKind::Discount,
        modification: "first_term".to_owned(),
        amount: Money::new(900, Currency::EUR),
    };
    let day = "2026-12-01".parse().expect("a day");
    let order = RecurringOrder { first_charge_on: Some(day), first_term: Some(term), ..order() };
    let effect = Act::CreateSubscription(Box::new(order));
    let (_, seen) = asked(effect, "", [Play::reply(201, XML, &standing("Pending"))]).await;
    let body = sent(&seen[0]);
    assert!(body.contains("<first_billing_date type=\"date\">2026-12-01</first_billing_date>"), "{body}");
    assert!(
        body.contains(
            "<discounts><add type=\"array\"><item><inherited_from_id>first_term</inherited_from_id>\
             <amount>9.00</amount><quantity type=\"integer\">1</quantity>\
             <number_of_billing_cycles type=\"integer\">1</number_of_billing_cycles></item></add></discounts>"
        ),
        "{body}"
    );
    assert!(!body.contains("start_immediately"), "{body}");
}

#[tokio::test]
async fn a_declined_first_charge_declines_and_a_taken_id_is_read() {
    let no = Play::reply(422, XML, fixture!("sale_processor_declined"));
    assert_eq!(declined(asked(create(), "", [no]).await.0).code, "2001");
    let (outcome, seen) = asked(create(), "", [faults("81902"), ok(&standing("Past Due"))]).await;
    assert_eq!(shown(outcome).status, RecurringStatus::PastDue);
    assert!(seen[1].starts_with("GET /merchants/acme/subscriptions/s-0042 HTTP/1.1\r\n"), "{}", seen[1]);
    assert_eq!(asked(create(), "", [faults("81902"), missing()]).await.0.word(), "not_sent");
    assert_eq!(rejection(asked(create(), "", [faults("91904")]).await.0).0, RejectionKind::Invalid);
    assert_eq!(rejection(asked(create(), "", [faults("91903")]).await.0).0, RejectionKind::NotFound);
    let duplicate = Play::reply(422, XML, fixture!("sale_gateway_rejected_duplicate"));
    for play in [duplicate, Play::Reset, ok("<html></html>"), ok(""), ok(fixture!("customer"))] {
        assert_eq!(asked(create(), "", [play.clone()]).await.0.word(), "unknown", "{play:?}");
    }
}

#[tokio::test]
async fn a_subscription_is_looked_up_by_its_id_and_a_missing_one_by_the_charges_of_its_customer() {
    assert_eq!(shown(outcome_of(looked_for(create(), [ok(fixture!("subscription"))]).await.0)).id, "s-0042");
    let look = async |charges: &[String]| {
        let [ids, page] = hits(charges);
        looked_for(create(), [missing(), ids, page]).await
    };
    let (found, seen) = look(&[charge("processor_declined", "49.00", "s-0042")]).await;
    assert_eq!(outcome_of(found).word(), "declined");
    for criterion in
        ["<customer_id><is>c-42</is></customer_id>", "<source type=\"array\"><item>recurring</item></source>"]
    {
        assert!(seen[1].contains(criterion) && !seen[1].contains("<amount>"), "{}", seen[1]);
    }
    assert!(is_unclear(&look(&[charge("submitted_for_settlement", "49.00", "s-0042")]).await.0), "a charge stands");
    assert!(is_unclear(&look(&[charge("processor_declined", "12.00", "s-0042")]).await.0), "of another sum: no proof");
    assert!(is_unclear(&look(&[charge("processor_declined", "49.00", "s-other")]).await.0), "of another subscription");
    assert!(is_unclear(&looked_for(create(), [Play::Reset]).await.0));
}

#[tokio::test]
async fn a_missing_subscription_may_be_asked_for_again_once_the_index_has_passed_the_request() {
    let passed = hits(&[hit("later001", "authorized", "2026-11-21T10:02:30Z")]);
    let [ids, page] = passed.clone();
    let (look, _) = looked_for(create(), [missing(), no_hits(), ids, page, no_hits(), missing()]).await;
    assert_eq!(look, NOTHING_DONE);
    let [ids, page] = passed;
    let late = ok(fixture!("subscription"));
    let (look, _) = looked_for(create(), [missing(), no_hits(), ids, page, no_hits(), late]).await;
    assert_eq!(shown(outcome_of(look)).id, "s-0042");
    assert!(is_unclear(&looked_for(create(), [missing(), no_hits(), no_hits()]).await.0), "the index may be behind");
    let unsent = Call { sent_at: None, ..call(create()) };
    let peer = Peer::start([missing()]).await;
    assert_eq!(connector(&peer, AtMostOnceKeys::Off).look(&unsent, &create()).await, NOTHING_DONE);
}

#[tokio::test]
async fn no_change_prorates_and_each_is_read_back() {
    let plan = RecurringChange::Plan { plan: "max_eur_monthly".to_owned(), price: Money::new(9900, Currency::EUR) };
    let moved = fixture!("subscription").replace("pro_eur", "max_eur").replace("<price>49.00", "<price>99.00");
    let ends = fixture!("subscription")
        .replace("<never-expires type=\"boolean\">true", "<never-expires type=\"boolean\">false")
        .replace(
            "<number-of-billing-cycles nil=\"true\"/>",
            "<number-of-billing-cycles type=\"integer\">1</number-of-billing-cycles>",
        );
    for (change_to, answer, field) in [
        (
            RecurringChange::Method { token: "m-9a".to_owned() },
            fixture!("subscription").replace("m-7f3c", "m-9a"),
            "<payment_method_token>m-9a</payment_method_token>",
        ),
        (plan, moved, "<plan_id>max_eur_monthly</plan_id><price>99.00</price>"),
        (
            RecurringChange::EndAfter { cycles: 1 },
            ends.clone(),
            "<number_of_billing_cycles type=\"integer\">1</number_of_billing_cycles>",
        ),
    ] {
        let (outcome, seen) = asked(change(change_to.clone()), "", [ok(&answer)]).await;
        assert_eq!(shown(outcome).id, "s-0042");
        assert_eq!(
            sent(&seen[0]),
            format!(
                "<subscription>{field}<options><prorate_charges type=\"boolean\">false</prorate_charges></options>\
                 </subscription>"
            )
        );
        let unchanged = ok(fixture!("subscription"));
        assert_eq!(asked(change(change_to.clone()), "", [unchanged.clone()]).await.0.word(), "unknown");
        assert_eq!(looked_for(change(change_to.clone()), [unchanged]).await.0, NOTHING_DONE);
        assert_eq!(outcome_of(looked_for(change(change_to), [ok(&answer)]).await.0).word(), "done");
    }
    let goes_on = change(RecurringChange::NeverEnds);
    assert_eq!(asked(goes_on.clone(), "", [ok(fixture!("subscription"))]).await.0.word(), "done");
    assert_eq!(looked_for(goes_on.clone(), [ok(&ends)]).await.0, NOTHING_DONE);
    for code in ["81901", "81910", "91920"] {
        assert_eq!(
            rejection(asked(goes_on.clone(), "", [faults(code)]).await.0),
            (RejectionKind::State, code.to_owned())
        );
    }
}

#[tokio::test]
async fn a_cancellation_is_done_once_the_subscription_is_over() {
    let (outcome, seen) = asked(cancel(), "", [ok(&standing("Canceled"))]).await;
    assert_eq!(shown(outcome).status, RecurringStatus::Canceled);
    assert!(seen[0].starts_with("PUT /merchants/acme/subscriptions/s-0042/cancel HTTP/1.1\r\n"), "{}", seen[0]);
    for code in ["81905", "81910"] {
        let over = asked(cancel(), "", [faults(code), ok(&standing("Canceled"))]).await.0;
        assert_eq!(over.word(), "done");
    }
    assert_eq!(asked(cancel(), "", [ok(&standing("Active"))]).await.0.word(), "unknown");
    assert_eq!(outcome_of(looked_for(cancel(), [ok(&standing("Expired"))]).await.0).word(), "done");
    assert_eq!(looked_for(cancel(), [ok(&standing("Active"))]).await.0, NOTHING_DONE);
    assert_eq!(rejection(outcome_of(looked_for(cancel(), [missing()]).await.0)).0, RejectionKind::NotFound);
}

#[tokio::test]
async fn sums_without_a_known_currency_are_no_usable_answer() {
    let read = Act::ReadSubscription { subscription: "s-0042".to_owned() };
    let strange = fixture!("subscription").replace("acme_eur", "acme_xyz");
    assert_eq!(asked(read.clone(), "", [ok(&strange)]).await.0.word(), "done", "what was charged gives the currency");
    let bare = "<subscription><id>s-0042</id><status>Active</status><plan-id>p</plan-id><price>1.00</price>\
                <payment-method-token>t</payment-method-token></subscription>";
    assert_eq!(asked(read.clone(), "", [ok(bare)]).await.0.word(), "not_sent");
    let odd = fixture!("subscription").replace("<price>49.00", "<price>49.001");
    assert_eq!(rejection(asked(read.clone(), "", [ok(&odd)]).await.0).0, RejectionKind::UnparsableAmount);
    let new = shown(asked(read, "", [ok(&standing("Frozen"))]).await.0);
    assert_eq!(new.status, RecurringStatus::Other("Frozen".to_owned()));
}
