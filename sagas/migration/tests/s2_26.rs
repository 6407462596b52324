//! 2.26: a line of the old system's list, from the dry run to its shadow.

use super::world::{OLD, OURS, World, busy, by_email, line};
use crate::kernel::answer::{CollectionOwner, CustomerSurvey, Method, SubscriptionSurvey, ZohoCustomer};
use crate::kernel::effect::AttioRecord;
use crate::kernel::money::Money;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{End, held_subscription};
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{self, day, eur, rejected};
use crate::migration::{Command, Event, FailedCharges, MatchedBy, OldSubscription};
use chrono::TimeDelta;

fn recurring(w: &mut World, ids: &[&str]) {
    w.methods = Some(vec![Method { has_live_subscription: true, ..samples::method("tok1") }]);
    w.recurring = ids.iter().map(|id| (*id).to_owned()).collect();
}

#[test]
fn p1_a_dry_run_matches_a_line_by_ids_and_touches_nothing() {
    let w = World::checked(|_| {});
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Matched", Some(End::Mirrored)));
    assert!(w.links.is_empty() && w.claims.is_empty() && w.owner.is_none(), "a dry run");
    let found = w.found();
    assert_eq!((found.by, found.owner), (MatchedBy::Ids, None));
    assert_eq!((found.customer.as_str(), found.product.as_str()), (OURS, "prod1"));
    assert_eq!(found.card.as_ref().map(|card| card.token.as_str()), Some("tok1"));
    assert_eq!(w.called("find_customers") + w.called("find_payers") + w.called("find_person"), 0);
    assert!(w.references.contains(&("import_job", "list1".to_owned())));
    assert!(w.references.contains(&("old_subscription", OLD.to_owned())));
    w.has_recorded_history("by_ids");
}

#[test]
fn p1_without_ids_a_line_is_matched_by_its_address_everywhere() {
    let person = AttioRecord { object: "people".to_owned(), id: "person1".to_owned() };
    let w = World::checked(|w| {
        w.old = by_email();
        w.client.record = None;
        w.client.zoho_customer = None;
        w.person = Some(person.clone());
    });
    assert_eq!(w.state(), "Matched");
    let found = w.found();
    assert_eq!((found.by, found.zoho_subscription.as_str()), (MatchedBy::Email, "zs1"));
    assert_eq!((found.braintree_customer.as_deref(), &found.client), (Some("bt1"), &Some(person)));
    w.has_recorded_history("by_email");
}

#[test]
fn p1_the_same_list_twice_is_the_same_result() {
    let mut w = World::checked(|_| {});
    let first = w.found().clone();
    w.check();
    assert_eq!((w.state().as_str(), w.count("LineMatched")), ("Matched", 2));
    assert_eq!(*w.found(), first);
    let mut w = World::linked(|_| {});
    let (events, calls) = (w.events().count(), w.calls.len());
    w.check();
    assert_eq!((w.events().count(), w.calls.len()), (events, calls), "what is linked is left as it is");
}

#[test]
fn e1_none_or_several_matches_and_an_unknown_plan_are_conflicts_and_are_not_linked() {
    type Change = fn(&mut World);
    let cases: [(&str, Change); 15] = [
        ("no_key", |w| w.old = OldSubscription { has_email: false, ..by_email() }),
        ("no_customer", |w| {
            w.old = by_email();
            w.customers.clear();
        }),
        ("several_customers", |w| {
            w.old = by_email();
            w.customers.push(ZohoCustomer { id: "zc2".to_owned(), ..samples::zoho_customer() });
        }),
        ("no_subscription", |w| w.subscriptions.clear()),
        ("no_subscription", |w| {
            w.old = OldSubscription { plan: Some("gold".to_owned()), ..by_email() };
        }),
        ("several_subscriptions", |w| {
            w.old = by_email();
            w.subscriptions.push(samples::subscription("zs2", "", "live"));
        }),
        ("unknown_plan", |w| w.old.plan = Some("gold".to_owned())),
        ("unknown_plan", |w| w.subscriptions[0].product = None),
        ("not_running", |w| w.subscriptions[0].status = "cancelled".to_owned()),
        ("other_customer", |w| w.old.zoho_customer = Some("zc9".to_owned())),
        ("customer_inactive", |w| w.customers[0].active = false),
        ("linked_otherwise", |w| {
            w.ours = SubscriptionSurvey { subscription: Some("sub9".to_owned()), ..SubscriptionSurvey::default() };
        }),
        ("no_payer", |w| w.methods = None),
        ("several_payers", |w| {
            w.old = by_email();
            w.payers.push("bt2".to_owned());
        }),
        ("several_clients", |w| {
            w.client.record = None;
            w.client.ambiguous = true;
        }),
    ];
    for (code, change) in cases {
        let mut w = World::checked(change);
        assert_eq!((w.state().as_str(), w.conflicts()), ("Conflict", vec![code]), "{code}");
        w.link();
        assert_eq!((w.heard_refused(), w.links.len(), w.claims.len()), (1, 0, 0), "{code}: never linked");
    }
}

#[test]
fn e1_a_conflict_that_was_cleared_at_the_vendor_is_a_match_when_it_is_checked_again() {
    let mut w = World::checked(|w| w.customers[0].active = false);
    assert_eq!(w.conflicts(), ["customer_inactive"]);
    w.has_recorded_history("conflict");
    w.customers[0].active = true;
    w.check();
    assert_eq!(w.state(), "Matched");
}

#[test]
fn e1_ids_that_disagree_with_what_is_linked_or_shown_are_conflicts() {
    let w = World::checked(|w| w.client.zoho_customer = Some("zc9".to_owned()));
    assert_eq!(w.conflicts(), ["client_of_another"]);
    let w = World::checked(|w| w.customers[0].our_customer = Some("somebody".to_owned()));
    assert_eq!(w.conflicts(), ["reference_of_another"]);
    let w = World::checked(|w| {
        w.our_customer = CustomerSurvey {
            customer: Some("known1".to_owned()),
            braintree_customer: Some("bt7".to_owned()),
            attio_client: None,
        };
    });
    assert_eq!(w.conflicts(), ["other_payer"]);
}

#[test]
fn p2_a_matched_line_is_linked_with_its_product_and_nobody_collects_who_is_not_proved_to() {
    let w = World::linked(|_| {});
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Linked", Some(End::Completed)));
    let mut theirs: Vec<&str> = w.links.iter().map(|link| link.theirs.as_str()).collect();
    theirs.sort_unstable();
    assert_eq!(theirs, ["bt1", "company1", "rec1", "zc1", "zs1"]);
    let first_of_subscription = w.links.iter().position(|link| link.theirs == "zs1");
    assert!(first_of_subscription > w.links.iter().position(|link| link.theirs == "zc1"), "the customer comes first");
    assert!(w.claims.contains(&World::product()));
    assert_eq!(w.owner, None);
    assert_eq!(w.called("read_subscription"), 2, "who collects is proved by a fresh read");
    w.has_recorded_history("linked");
}

#[test]
fn p2_the_collector_that_is_proved_is_recorded() {
    let w = World::linked(|w| w.subscriptions[0].auto_collect = true);
    assert_eq!((w.state().as_str(), w.owner), ("Linked", Some(CollectionOwner::ZohoNative)));
    let w = World::linked(|w| {
        recurring(w, &["bs1"]);
        w.old.braintree_subscription = Some("bs1".to_owned());
    });
    assert_eq!((w.state().as_str(), w.owner), ("Linked", Some(CollectionOwner::BraintreeRecurring)));
    w.has_recorded_history("recurring");
}

#[test]
fn p2_a_collector_that_changed_since_the_dry_run_is_seen_before_it_is_recorded() {
    let mut w = World::checked(|w| w.subscriptions[0].auto_collect = true);
    w.subscriptions[0].auto_collect = false;
    w.link();
    assert_eq!((w.state().as_str(), w.owner), ("Linked", None));
}

#[test]
fn p2_a_customer_who_is_known_here_keeps_their_id() {
    let w = World::checked(|w| {
        w.customers[0].our_customer = Some("known1".to_owned());
        w.our_customer = CustomerSurvey {
            customer: Some("known1".to_owned()),
            braintree_customer: Some("bt1".to_owned()),
            attio_client: Some(samples::company()),
        };
    });
    assert_eq!((w.state().as_str(), w.found().customer.as_str()), ("Matched", "known1"));
}

#[test]
fn p2_a_product_that_the_customer_has_already_is_waited_for_and_then_a_conflict() {
    let mut w = World::checked(|_| {});
    w.say("desk.claim", busy());
    w.link();
    assert_eq!(w.state(), "Linking");
    w.pass(TimeDelta::minutes(2));
    assert_eq!(w.state(), "Linked", "a neighbour that was being linked has let the customer go");
    let mut w = World::checked(|_| {});
    (0..7).for_each(|_| w.say("desk.claim", busy()));
    w.link();
    w.pass(TimeDelta::hours(8));
    assert_eq!((w.state().as_str(), w.conflicts()), ("Conflict", vec!["product_taken"]));
    assert!(w.links.is_empty() && w.claims.is_empty());
}

#[test]
fn p2_ids_that_are_linked_otherwise_meanwhile_leave_nothing_held() {
    let mut w = World::checked(|_| {});
    w.say("desk.link", rejected(RejectionKind::State, "linked_otherwise"));
    w.link();
    assert_eq!((w.state().as_str(), w.conflicts()), ("Conflict", vec!["linked_otherwise"]));
    assert!(w.claims.is_empty() && w.owner.is_none());
}

#[test]
fn p2_a_line_without_a_usable_card_is_linked_says_so_and_is_charged_by_nobody_of_ours() {
    for change in [
        (|w| w.methods = Some(Vec::new())) as fn(&mut World),
        |w| w.methods = Some(vec![Method { expired: true, ..samples::method("tok1") }]),
        |w| w.old.token = Some("gone".to_owned()),
    ] {
        let mut w = World::checked(change);
        assert_eq!((w.state().as_str(), w.found().card.as_ref()), ("MatchedNoCard", None));
        w.link();
        assert_eq!((w.state().as_str(), w.owner), ("Linked", None));
    }
}

#[test]
fn e5_what_is_paid_for_is_held_until_its_last_day_is_over() {
    let mut w = World::linked(|w| w.old.paid_until = Some(day("2026-11-20")));
    assert_eq!((w.state().as_str(), w.holds.contains("paid_until")), ("Linked", true));
    w.pass(TimeDelta::days(18));
    assert!(w.holds.contains("paid_until"), "still the 20th");
    w.pass(TimeDelta::hours(16));
    assert_eq!((w.holds.len(), w.saga.flow.ended), (0, Some(End::Completed)));
    assert_eq!(held_subscription("zs1"), "sub:zs1");
    w.has_recorded_history("paid");
}

#[test]
fn e5_a_collector_that_would_charge_what_is_paid_for_is_a_conflict() {
    let w = World::checked(|w| {
        w.subscriptions[0].auto_collect = true;
        w.old.paid_until = Some(day("2026-12-01"));
    });
    assert_eq!(w.conflicts(), ["billed_too_early"]);
    let w = World::checked(|w| {
        w.subscriptions[0].auto_collect = true;
        w.old.paid_until = Some(day("2026-11-30"));
    });
    assert_eq!(w.state(), "Matched", "the first charge comes with the next bill date");
}

#[test]
fn e8_failed_charges_of_the_old_system_count_in_the_windows_of_the_card() {
    let w = World::linked(|w| w.old.failed = FailedCharges::Times { times: 3 });
    assert_eq!((w.counted.len(), w.spent.len()), (3, 3));
    let mut distinct = w.counted.clone();
    distinct.dedup();
    assert_eq!(distinct.len(), 3);
    assert!(w.counted.iter().all(|id| id.starts_with("demo1.old.")), "{:?}", w.counted);
    w.has_recorded_history("dunned");
    let w = World::linked(|w| w.old.failed = FailedCharges::Unknown);
    assert_eq!(w.counted.len(), 14, "one less than Visa's fifteen");
    let w = World::linked(|w| {
        w.old.failed = FailedCharges::Unknown;
        w.methods = Some(vec![Method { brand: "MasterCard".to_owned(), ..samples::method("tok1") }]);
    });
    assert_eq!(w.counted.len(), 34, "one less than Mastercard's thirty-five");
}

#[test]
fn e8_linking_again_counts_no_charge_twice() {
    let mut w = World::linked(|w| w.old.failed = FailedCharges::Times { times: 2 });
    let first = w.counted.clone();
    w.unlink();
    w.check();
    w.link();
    assert_eq!(w.state(), "Linked");
    assert_eq!(w.counted[2..], first[..], "the same order ids: the counter takes each once");
}

#[test]
fn p2_before_the_cut_over_a_link_is_taken_back_and_the_line_can_be_linked_again() {
    let mut w = World::linked(|w| {
        w.subscriptions[0].auto_collect = true;
        w.old.paid_until = Some(day("2026-11-20"));
    });
    w.unlink();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Unlinked", Some(End::Compensated)));
    assert_eq!((w.owner, w.claims.len(), w.holds.len()), (None, 0, 0));
    let left: Vec<&str> = w.links.iter().map(|link| link.theirs.as_str()).collect();
    assert_eq!(left, ["zc1", "bt1", "company1"], "who the customer is stays known");
    w.has_recorded_history("unlinked");
    w.check();
    w.link();
    assert_eq!((w.state().as_str(), w.owner), ("Linked", Some(CollectionOwner::ZohoNative)));
}

#[test]
fn p2_who_collects_by_now_is_not_taken_off_by_going_back() {
    let mut w = World::linked(|w| w.subscriptions[0].auto_collect = true);
    w.ours.claimed_by = Some(w.id);
    w.unlink();
    assert_eq!((w.state().as_str(), w.count("UnlinkRefused")), ("Linked", 1));
    w.ours.claimed_by = None;
    w.owner = Some(CollectionOwner::BraintreeRecurring);
    w.unlink();
    assert_eq!((w.state().as_str(), w.owner), ("Linked", Some(CollectionOwner::BraintreeRecurring)));
    assert!(!w.links.is_empty());
}

#[test]
fn e10_a_braintree_subscription_that_no_line_names_is_two_collectors_and_is_never_deleted() {
    let w = World::checked(|w| recurring(w, &["bs1"]));
    assert_eq!(w.conflicts(), ["two_collectors"]);
    let both = World::checked(|w| {
        recurring(w, &["bs1"]);
        w.old.braintree_subscription = Some("bs1".to_owned());
        w.subscriptions[0].auto_collect = true;
    });
    assert_eq!(both.conflicts(), ["two_collectors"]);
    let other_line = World::checked(|w| {
        recurring(w, &["bs1", "bs2"]);
        w.old.braintree_subscription = Some("bs1".to_owned());
        w.old.others = vec!["bs2".to_owned()];
    });
    assert_eq!(other_line.found().owner, Some(CollectionOwner::BraintreeRecurring));
    let gone = World::checked(|w| w.old.braintree_subscription = Some("bs1".to_owned()));
    assert_eq!(gone.conflicts(), ["not_recurring"]);
}

#[test]
fn p4_a_shadow_lists_what_we_would_charge_and_agrees_with_what_was_charged() {
    let mut w = World::linked(|w| {
        w.subscriptions[0].auto_collect = true;
        w.raise("1", 10_000);
    });
    w.shadow(true);
    assert_eq!((w.state().as_str(), w.count("ShadowFrom")), ("Shadow", 1));
    w.raise("2", 10_000);
    w.pass(TimeDelta::days(1));
    assert_eq!((w.count("WouldCharge"), w.count("ShadowAgrees")), (1, 0), "what was raised before counts for nothing");
    w.old_way_takes("2", 10_000);
    w.pass(TimeDelta::days(1));
    assert_eq!((w.count("WouldCharge"), w.count("ShadowAgrees"), w.state().as_str()), (1, 1, "Shadow"));
    let reads = w.called("read_invoice");
    w.pass(TimeDelta::days(3));
    assert_eq!(w.called("read_invoice"), reads, "what agrees is not read again");
    w.has_recorded_history("shadow");
    w.shadow(false);
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Linked", Some(End::Completed)));
}

#[test]
fn p4_a_charge_that_was_made_before_the_first_look_is_compared_too() {
    let mut w = World::linked(|_| {});
    w.shadow(true);
    w.raise("2", 10_000);
    w.old_way_takes("2", 10_000);
    w.pass(TimeDelta::days(1));
    let charges = w.events().filter_map(|event| match event {
        Event::WouldCharge { invoice, amount, .. } => Some((invoice.as_str(), *amount)),
        _ => None,
    });
    assert_eq!(charges.collect::<Vec<_>>(), [("2", eur(10_000))]);
    assert_eq!(w.count("ShadowAgrees"), 1);
}

#[test]
fn e6_a_shadow_that_differs_stands_until_somebody_explains_it() {
    let differs = |change: fn(&mut World), days: i64| {
        let mut w = World::linked(|_| {});
        w.shadow(true);
        w.raise("2", 10_000);
        w.pass(TimeDelta::days(1));
        change(&mut w);
        w.pass(TimeDelta::days(days));
        assert_eq!((w.state().as_str(), w.count("ShadowDiffers")), ("ShadowDiffers", 1));
        w
    };
    differs(|w| w.old_way_takes("2", 9_000), 1);
    differs(|_| {}, 4);
    differs(|w| w.invoices.clear(), 1);
    differs(|w| w.invoices[0].status = "void".to_owned(), 1);
}

#[test]
fn e6_an_explained_difference_stands_no_more() {
    let mut w = World::linked(|_| {});
    w.shadow(true);
    w.raise("2", 10_000);
    w.old_way_takes("2", 9_000);
    w.pass(TimeDelta::days(1));
    assert_eq!(w.state(), "ShadowDiffers");
    w.has_recorded_history("differs");
    let explain = |invoice: &str| Command::Explain {
        invoice: invoice.to_owned(),
        reason: "a discount that Zoho does not know".to_owned(),
        by: "token:ada".to_owned(),
    };
    w.tell(explain("9"));
    assert_eq!((w.heard_refused(), w.state().as_str()), (1, "ShadowDiffers"));
    w.tell(explain("2"));
    assert_eq!(w.state(), "Shadow");
}

#[test]
fn a_shadow_reckons_without_credits_and_awaits_no_invoice_that_owes_nothing() {
    let mut w = World::linked(|_| {});
    w.shadow(true);
    w.raise("2", 10_000);
    w.invoices[0].credits = eur(2_500);
    w.old_way_takes("2", 7_500);
    w.raise("3", 0);
    w.invoices[1].balance = Money::zero(eur(0).currency);
    w.raise("4", 5_000);
    w.invoices[2].status = "draft".to_owned();
    w.pass(TimeDelta::days(1));
    assert_eq!((w.count("WouldCharge"), w.count("ShadowAgrees"), w.state().as_str()), (1, 2, "Shadow"));
}

#[test]
fn a_subscription_that_ends_lets_its_product_go() {
    let mut w = World::linked(|_| {});
    w.tell(Command::SubscriptionEnded { product: World::product().key });
    assert_eq!((w.state().as_str(), w.claims.len()), ("Ended", 0));
    w.tell(Command::SubscriptionEnded { product: World::product().key });
    assert_eq!(w.count("ProductReleased"), 1);
    w.has_recorded_history("ended");
}

#[test]
fn what_a_vendor_refuses_for_another_reason_waits_for_a_person() {
    let mut w = World::new();
    w.old = line();
    w.say("zoho.read_subscription", rejected(RejectionKind::State, "57"));
    w.check();
    assert_eq!(w.parked(), Some(ParkCode::VendorRejected));
    w.resume();
    assert_eq!(w.state(), "Matched");
}
