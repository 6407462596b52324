//! Recorded histories: what releases wrote into the log must be readable by every later one. A history is written once,
//! by this test with `WRITE_HISTORIES` set, and never again; `tests/laws` replays all of them for ever.

use super::world::{GROSS, World, declined, eur, input, method, rejected, stored, unknown};
use crate::kernel::answer::{Authentication, CollectionOwner, TransactionStatus, ZohoCustomer};
use crate::kernel::outcome::{DeclineKind, Look, RejectionKind};
use crate::kernel::tests::bench::Played;
use crate::subscription_activation::Paying;
use chrono::TimeDelta;
use uuid::Uuid;

/// Its name, and how it goes.
type Scenario = (&'static str, fn() -> World);

fn paid() -> World {
    let mut w = World::submitted(|_| {});
    w.record();
    w
}

fn trial() -> World {
    World::submitted(|w| w.offer.plan.trial_days = 14)
}

fn refused() -> World {
    World::started(|w| w.offer.plan.active = false)
}

fn declined_then_paid() -> World {
    let mut w = World::submitted(|w| w.say("braintree.authorise", declined(DeclineKind::Processor, "2001")));
    w.submit(input(2));
    w.record();
    w
}

fn authenticated() -> World {
    let mut w = World::submitted(|w| w.say("braintree.authorise", declined(DeclineKind::Processor, "2099")));
    let told = Authentication { status: "authenticate_successful".to_owned(), liability_shifted: true };
    w.odd.push_back(Box::new(move |t| t.authentication = Some(told.clone())));
    w.submit(Paying::New { input: Uuid::from_u128(2), authenticated: true });
    w.record();
    w
}

fn authenticated_on_file() -> World {
    let mut w = World::started(|w| {
        w.linked();
        w.say("braintree.authorise", declined(DeclineKind::Gateway, "three_d_secure"));
    });
    w.submit(stored("m-old"));
    w.submit(Paying::Stored { token: "m-old".to_owned(), authenticated: Some(Uuid::from_u128(2)) });
    w.record();
    w
}

fn undone() -> World {
    World::submitted(|w| w.say("zoho.create_subscription", rejected(RejectionKind::Invalid, "102")))
}

fn over_the_ceiling() -> World {
    let mut w = World::submitted(|w| w.invoice_total = Some(12_500));
    w.submit(input(2));
    w.record();
    w
}

fn undone_and_pressed_again() -> World {
    World::submitted(|w| {
        w.retired.push(ZohoCustomer { active: false, ..w.zoho_customer.clone() });
        w.say("zoho.create_subscription", rejected(RejectionKind::Invalid, "102"));
    })
}

fn sold_anew() -> World {
    let mut w = World::submitted(|w| w.say("braintree.submit", rejected(RejectionKind::State, "95601")));
    w.record();
    w
}

fn no_invoice() -> World {
    let mut w = World::submitted(|w| w.invoice_total = None);
    w.pass(TimeDelta::minutes(30));
    w
}

fn hold_unknown() -> World {
    World::submitted(|w| w.say("braintree.authorise", unknown()))
}

fn given_up_and_found() -> World {
    let mut w = World::submitted(|w| w.say("braintree.authorise", unknown()));
    let order_id = w.saga.business.submission.as_ref().map(|s| s.order_id.clone()).expect("sent");
    let late = w.transaction(&order_id, "c-cust1", "m-late", eur(GROSS), TransactionStatus::Authorized);
    w.looks.extend(vec![Look::Absent { watermark: true, key_proven: false }; 3]);
    w.pass(TimeDelta::minutes(4));
    w.pass(TimeDelta::minutes(5));
    w.transactions.insert(late.id.clone(), late);
    w.pass(TimeDelta::days(8));
    w
}

fn told_late() -> World {
    let mut w = World::submitted(|w| {
        w.say("attio.show_subscription", rejected(RejectionKind::Config, "401"));
        w.say("mail.send", rejected(RejectionKind::Config, "535"));
    });
    w.record();
    w.pass(TimeDelta::days(1));
    w
}

/// Undone while another activation keeps a card at the customer that was made here.
pub(super) fn shared_and_undone() -> World {
    let mut w = World::submitted(|w| w.say("braintree.authorise", declined(DeclineKind::Processor, "2001")));
    w.methods.push(method("m-other"));
    w.cancel();
    w
}

fn waits_for_another() -> World {
    let mut w = World::started(|_| {});
    w.say("desk.claim", declined(DeclineKind::Busy, "zoho_customer"));
    w.submit(input(1));
    w.linked();
    w.pass(TimeDelta::minutes(2));
    w.record();
    w
}

fn by_braintree() -> World {
    let mut w = World::submitted(|w| w.collected_by = CollectionOwner::BraintreeRecurring);
    w.record();
    w
}

fn by_braintree_declined() -> World {
    let mut w = World::submitted(|w| {
        w.collected_by = CollectionOwner::BraintreeRecurring;
        w.say("braintree.create_subscription", declined(DeclineKind::Processor, "2001"));
    });
    w.invoice_total = Some(0);
    w.submit(input(2));
    w
}

fn expired() -> World {
    let mut w = World::started(|_| {});
    w.pass(TimeDelta::days(8));
    w
}

#[test]
fn every_scenario_has_its_recorded_history() {
    let scenarios: [Scenario; 19] = [
        ("paid", paid),
        ("trial", trial),
        ("plan_retired", refused),
        ("declined_then_paid", declined_then_paid),
        ("authenticated", authenticated),
        ("authenticated_on_file", authenticated_on_file),
        ("subscription_refused", undone),
        ("over_the_ceiling_then_paid", over_the_ceiling),
        ("customer_revived_and_undone", undone_and_pressed_again),
        ("submit_refused_then_sold", sold_anew),
        ("no_invoice", no_invoice),
        ("hold_unknown", hold_unknown),
        ("given_up_and_found_late", given_up_and_found),
        ("told_late", told_late),
        ("link_expired", expired),
        ("by_braintree", by_braintree),
        ("by_braintree_declined_then_later", by_braintree_declined),
        ("shared_customer_kept", shared_and_undone),
        ("waits_for_another_activation", waits_for_another),
    ];
    for (name, scenario) in scenarios {
        scenario().has_recorded_history(name);
    }
}
