//! From a press to a subscription that Zoho collects.

use super::world::{GROSS, World, day, eur, instant, rejected, request};
use crate::kernel::answer::Enrolment;
use crate::kernel::effect::{ClaimKind, Effect, LetterFacts, OnPage, PageOrder, Zoho};
use crate::kernel::outcome::{DeclineKind, NotSent, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::kernel::tests::samples;
use crate::zoho_native::{Act, Command, Consent, PageStage};
use chrono::TimeDelta;

#[test]
fn p1_to_p3_a_press_becomes_a_subscription_that_zoho_collects() {
    let mut w = World::started();
    assert_eq!(w.calls, ["read_request", "enrol", "read_person", "claim", "read_offer", "claim", "show", "letter"]);
    assert_eq!((w.state().as_str(), w.pages.len()), ("PageSent", 0), "no page of Zoho's before the click");
    assert!(matches!(w.letters[0].about, LetterFacts::CheckoutLink(_)));
    assert_eq!(w.letters[0].link, w.last_shown().checkout.link);
    assert!(w.last_shown().answers_act);
    assert!(matches!(w.stage(), PageStage::Quoted { .. }));
    w.calls.clear();
    w.ask();
    assert_eq!(
        w.calls,
        ["claim", "enrol", "read_offer", "find_zoho_customer", "zoho_customer", "link_zoho_customer", "create_page",]
    );
    assert_eq!((w.state().as_str(), w.stage()), ("AtZoho", PageStage::AtZoho { page: "2-1".to_owned() }));
    let PageOrder::NewSubscription { customer, reference, sold, start, back_to } = &w.pages[0].0 else { panic!() };
    assert_eq!((customer.as_str(), sold.plan.as_str(), start.is_today()), ("zc1", "pro-monthly", true));
    assert_eq!(*reference, format!("demo1.sub.{}.1", World::id().0.simple()));
    assert_eq!((back_to.saga, back_to.number), (World::id(), 1));
    w.buy();
    w.calls.clear();
    w.come_back();
    assert_eq!(
        w.calls,
        ["read_page", "find_purchase", "claim", "adopt", "survey", "read_terms", "tell_invoice", "show", "task"]
    );
    assert_eq!((w.state().as_str(), w.stage()), ("Active", PageStage::Active));
    assert_eq!(w.owner, Some(crate::kernel::answer::CollectionOwner::ZohoNative));
    let face = w.last_shown();
    assert_eq!(
        (face.subscription_status.as_str(), face.payment_status.as_str(), face.checkout.status.as_str()),
        ("Active", "Paid", "Completed")
    );
    assert_eq!(
        (face.collection_owner.as_deref(), face.zoho_subscription.as_deref()),
        (Some("zoho_native"), Some("zs1"))
    );
    assert_eq!(face.next_billing_on, Some(day("2026-12-02")));
    let told = &w.messages[0];
    assert_eq!((told.flow.as_str(), told.command["invoice"].as_str()), ("invoice_payment", Some("771")));
    assert_eq!(w.tells.iter().map(|m| m.kind.as_str()).collect::<Vec<_>>(), ["lifecycle.active"]);
    assert_eq!((w.letters.len(), w.wakes_at()), (1, Some(instant("2026-12-02T06:00:00Z"))));
}

#[test]
fn p1_a_further_click_leads_to_the_page_that_is_open() {
    let mut w = World::opened();
    w.pass(TimeDelta::minutes(20));
    w.ask();
    w.ask();
    assert_eq!((w.pages.len(), w.stage()), (1, PageStage::AtZoho { page: "2-1".to_owned() }));
}

#[test]
fn p1_opening_the_link_makes_no_page() {
    let mut w = World::started();
    w.tell(Command::Opened { link: 1 });
    w.tell(Command::Opened { link: 1 });
    assert_eq!((w.pages.len(), w.last_shown().checkout.status.as_str()), (0, "Opened"));
}

#[test]
fn p1_nothing_opens_without_the_consent_to_the_quote_that_stands() {
    let w = World::started();
    let asking = |link, quote_hash: &str, version: &str| Command::PageAsked {
        link,
        quote_hash: quote_hash.to_owned(),
        consent: Consent { version: version.to_owned(), at: w.now, evidence: None },
    };
    let hash = w.saga.business.sale.quote.as_ref().expect("a quote").hash.clone();
    assert_eq!(w.refusal(&asking(0, &hash, "2026-11")), "old_link");
    assert_eq!(w.refusal(&asking(1, "another", "2026-11")), "stale_quote");
    assert_eq!(w.refusal(&asking(1, &hash, "2020-01")), "no_consent");
    assert_eq!(w.refusal(&asking(1, &hash, "2026-11")), "");
}

#[test]
fn p1_a_price_that_changed_since_is_shown_before_any_page_opens() {
    let mut w = World::started();
    w.offer.plan.price = eur(12_000);
    w.ask();
    assert_eq!((w.state().as_str(), w.pages.len()), ("PageSent", 0));
    assert!(!w.claims.iter().any(|claim| claim.kind == ClaimKind::ZohoCustomer));
    assert_eq!(w.saga.business.sale.quote.as_ref().map(|quote| quote.due_today), Some(eur(14_280)));
    w.ask();
    assert_eq!((w.state().as_str(), w.pages.len()), ("AtZoho", 1));
}

#[test]
fn p1_trial_and_later_start_go_with_the_page_as_they_were_quoted() {
    let mut w = World::pressed(Act::Start, |w| w.offer.plan.trial_days = 14);
    w.ask();
    let PageOrder::NewSubscription { start, .. } = &w.pages[0].0 else { panic!() };
    assert_eq!((start.trial_days, start.starts_on), (Some(14), None));
    w.terms.status = "trial".to_owned();
    w.terms.newest_invoice = None;
    w.buy();
    w.come_back();
    assert_eq!((w.state().as_str(), w.last_shown().payment_status.as_str(), w.messages.len()), ("Active", "None", 0));
    assert_eq!(w.tells[0].kind, "lifecycle.trial");
    let mut later = World::pressed(Act::Start, |w| w.request.starts_on = Some(day("2026-12-01")));
    later.ask();
    let PageOrder::NewSubscription { start, .. } = &later.pages[0].0 else { panic!() };
    assert_eq!((start.trial_days, start.starts_on), (None, Some(day("2026-12-01"))));
}

#[test]
fn p1_a_customer_who_is_known_at_zoho_is_read_under_the_claim() {
    let mut w = World::pressed(Act::Start, |w| w.enrolment.zoho_customer = Some("zc1".to_owned()));
    w.calls.clear();
    w.ask();
    assert_eq!(w.calls[..6], ["claim", "enrol", "read_offer", "read_customer", "list_subscriptions", "create_page"]);
    let mut other = World::pressed(Act::Start, |w| {
        w.enrolment = Enrolment { zoho_customer: Some("zc1".to_owned()), ..samples::enrolment() };
        w.zoho_customer.our_customer = Some("another".to_owned());
    });
    other.run();
    assert_eq!((other.state().as_str(), other.claims.len()), ("Refused", 0));
}

#[test]
fn p1_a_customer_whom_an_earlier_undo_retired_is_revived() {
    let mut w = World::started();
    w.retired.push(samples::zoho_customer());
    w.ask();
    assert_eq!((w.called("revive_zoho_customer"), w.called("zoho_customer"), w.pages.len()), (1, 0, 1));
    let mut gone = World::started();
    gone.retired.push(samples::zoho_customer());
    gone.say("zoho.revive_customer", rejected(RejectionKind::NotFound, "3004"));
    gone.ask();
    assert_eq!((gone.called("zoho_customer"), gone.state().as_str()), (1, "AtZoho"));
}

#[test]
fn p1_a_quote_waits_for_a_start_and_keeps_nobody_away() {
    let mut w = World::pressed(Act::Quote, |_| {});
    assert_eq!((w.state().as_str(), w.letters.len()), ("Quoted", 0));
    assert!(!w.claims.iter().any(|claim| claim.kind == ClaimKind::AccountPlanFamily));
    w.now += TimeDelta::hours(1);
    w.press(Act::Start);
    assert_eq!(w.state(), "PageSent");
    let mut unused = World::pressed(Act::Quote, |_| {});
    unused.pass(TimeDelta::days(8));
    assert_eq!((unused.state().as_str(), unused.saga.flow.ended), ("Expired", Some(End::GivenUp)));
}

#[test]
fn p1_a_link_is_reminded_of_resent_and_expires() {
    let mut w = World::started();
    w.pass(TimeDelta::days(3));
    assert_eq!(w.letters.len(), 2);
    w.press(Act::ResendLink);
    assert_eq!((w.page().link, w.letters.len(), w.state().as_str()), (2, 3, "PageSent"));
    assert_eq!(w.refusal(&Command::Opened { link: 1 }), "old_link");
    w.pass(TimeDelta::days(8));
    assert_eq!((w.state().as_str(), w.stage()), ("Expired", PageStage::Expired));
}

#[test]
fn p1_what_cannot_be_sold_is_refused_with_the_cure() {
    let refused = |change: fn(&mut World)| {
        let w = World::pressed(Act::Start, change);
        assert_eq!((w.state().as_str(), w.claims.len(), w.pages.len()), ("Refused", 0, 0));
        w.last_shown().last_error.clone()
    };
    assert!(refused(|w| w.request.plan = None).contains("`Plan`"));
    assert!(refused(|w| w.offer.plan.active = false).contains("not sold any more"));
    assert!(refused(|w| w.missing = vec!["an e-mail address".to_owned()]).contains("e-mail"));
    let w = World::pressed(Act::Start, |w| {
        w.enrolment.zoho_customer = Some("zc1".to_owned());
        w.subscriptions.push(samples::subscription("zs0", "older", "live"));
    });
    assert!(w.last_shown().last_error.contains("zs0"), "{}", w.last_shown().last_error);
    assert!(refused(|w| w.say("zoho.read_offer", rejected(RejectionKind::NotFound, "2009"))).contains("does not sell"));
}

#[test]
fn p1_another_sale_of_the_product_keeps_this_one_away_and_a_trial_gives_way() {
    let taken = || Outcome::Declined { decline: samples::decline(DeclineKind::Processor, "account_plan_family") };
    let mut w = World::new();
    w.request.act = Some("Start".to_owned());
    w.request.pressed_at = Some(w.now);
    w.deliver(World::press_of(Act::Start, w.now));
    w.run_until("read_offer");
    w.say("desk.claim", taken());
    w.run();
    assert_eq!((w.state().as_str(), w.called("take_over")), ("PageSent", 1));
}

#[test]
fn p2_what_was_bought_is_found_though_nobody_came_back() {
    let mut w = World::opened();
    w.buy();
    w.pass(TimeDelta::minutes(4));
    assert_eq!((w.state().as_str(), w.called("read_page")), ("Active", 1));
}

#[test]
fn p2_what_was_bought_is_found_while_attio_is_away() {
    let mut w = World::started();
    for _ in 0..500 {
        w.say("attio.show_subscription", samples::not_sent(NotSent::Outage));
    }
    w.ask();
    w.buy();
    w.pass(TimeDelta::minutes(40));
    assert_eq!(w.called("read_page"), 1, "{}", w.state());
    assert_eq!(w.state(), "Active");
}

#[test]
fn p2_what_was_bought_in_a_pages_last_moment_is_found() {
    let mut w = World::opened();
    w.pass(TimeDelta::minutes(59));
    w.buy();
    w.pass(TimeDelta::minutes(4));
    assert_eq!((w.state().as_str(), w.called("read_page")), ("Active", 4));
}

#[test]
fn p2_no_further_page_opens_while_zoho_does_not_show_what_became_of_the_last_one() {
    let mut w = World::opened();
    w.buy();
    w.say("zoho.read_hosted_page", rejected(RejectionKind::Config, "57"));
    w.pass(TimeDelta::minutes(4));
    assert_eq!(w.parked(), Some(ParkCode::VendorConfig));
    w.now += TimeDelta::hours(2);
    assert_eq!(w.stage(), PageStage::Confirming);
    w.ask();
    w.cancel();
    assert_eq!(
        (w.pages.len(), w.state().as_str()),
        (1, "Closing"),
        "what was bought is neither bought again nor given up"
    );
    w.resume();
    assert_eq!((w.pages.len(), w.state().as_str()), (1, "Active"));
}

#[test]
fn p2_zohos_message_of_it_is_enough() {
    let mut w = World::opened();
    let bought = w.buy();
    w.notice("subscription_created", &bought);
    assert_eq!((w.state().as_str(), w.called("read_page"), w.called("find_purchase")), ("Active", 0, 1));
}

#[test]
fn p2_a_fence_of_another_saga_is_waited_for() {
    let mut w = World::opened();
    w.buy();
    let link = w.page().link;
    w.deliver(Command::Returned { link });
    w.run_until("find_purchase");
    w.step();
    w.say("desk.claim", Outcome::Declined { decline: samples::decline(DeclineKind::Processor, "zoho_subscription") });
    w.run();
    assert_eq!(w.state(), "Linking");
    w.pass(TimeDelta::minutes(1));
    assert_eq!(w.state(), "Active");
}

#[test]
fn e1_a_page_that_is_over_is_followed_by_a_new_one_at_the_next_click() {
    for status in ["cancelled", "force_cancelled", "failed"] {
        let mut w = World::opened();
        w.pages[0].1.status = status.to_owned();
        w.come_back();
        assert!(matches!(w.stage(), PageStage::Quoted { .. }), "{status}");
        w.ask();
        assert_eq!((w.pages.len(), w.stage()), (2, PageStage::AtZoho { page: "2-2".to_owned() }), "{status}");
        w.buy();
        w.come_back();
        assert_eq!(w.state(), "Active", "{status}");
    }
    // No status tells that its hour is over.
    let mut w = World::opened();
    w.pass(TimeDelta::minutes(61));
    assert!(matches!(w.stage(), PageStage::Quoted { .. }));
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.state().as_str(), w.called("read_page")), ("PageSent", 4));
    assert!(!w.claims.iter().any(|claim| claim.kind == ClaimKind::ZohoCustomer));
    w.ask();
    assert_eq!((w.pages.len(), w.state().as_str()), (2, "AtZoho"));
}

#[test]
fn e3_what_was_bought_on_an_earlier_page_unheard_is_found_before_another_page_is_made() {
    let mut w = World::opened();
    w.pages[0].1.status = "cancelled".to_owned();
    w.come_back();
    w.buy_on(0);
    w.ask();
    assert_eq!((w.pages.len(), w.state().as_str()), (1, "Active"), "nobody is sent to pay a second time");
}

#[test]
fn e1_a_page_that_was_made_without_an_answer_is_made_anew() {
    let mut w = World::started();
    w.say("zoho.create_hosted_page", super::world::unknown());
    w.deliver(w.asking());
    w.run();
    for _ in 0..4 {
        w.looks.push_back(crate::kernel::outcome::Look::Absent { watermark: false, key_proven: false });
    }
    w.pass(TimeDelta::minutes(5));
    let made = w.effects.iter().filter(|e| matches!(e, Effect::Zoho(Zoho::Page(OnPage::Create(_))))).count();
    assert_eq!((w.state().as_str(), w.stage(), made), ("AtZoho", PageStage::AtZoho { page: "2-1".to_owned() }, 1));
}

#[test]
fn e1_a_page_that_zoho_refuses_ends_the_start() {
    let mut w = World::started();
    w.say("zoho.create_hosted_page", rejected(RejectionKind::Invalid, "4"));
    w.ask();
    assert_eq!((w.state().as_str(), w.stage(), w.claims.len()), ("Refused", PageStage::Failed, 0));
}

#[test]
fn e2_a_success_without_a_subscription_is_looked_for_and_then_a_persons() {
    let mut w = World::opened();
    w.pages[0].1.status = "success".to_owned();
    w.come_back();
    assert_eq!((w.state().as_str(), w.stage()), ("Linking", PageStage::Confirming));
    w.pass(TimeDelta::minutes(22));
    assert_eq!((w.parked(), w.called("find_purchase")), (Some(ParkCode::PageWithoutSubscription), 5));
    assert_eq!(w.stage(), PageStage::Confirming, "never said to have failed");
    w.buy();
    w.resume();
    assert_eq!((w.state().as_str(), w.parked()), ("Active", None));
    let mut denied = World::opened();
    denied.pages[0].1.status = "success".to_owned();
    denied.come_back();
    denied.pass(TimeDelta::minutes(22));
    denied.resume();
    denied.pass(TimeDelta::minutes(22));
    assert_eq!(denied.parked(), Some(ParkCode::PageWithoutSubscription));
    denied.cancel();
    assert_eq!((denied.state().as_str(), denied.claims.len()), ("Cancelled", 0));
}

#[test]
fn e2_a_subscription_that_shows_late_is_linked() {
    let mut w = World::opened();
    w.pages[0].1.status = "success".to_owned();
    w.come_back();
    w.buy();
    w.pass(TimeDelta::seconds(10));
    assert_eq!((w.state().as_str(), w.called("find_purchase")), ("Active", 2));
}

#[test]
fn e3_of_two_purchases_the_older_is_kept_and_a_person_gives_the_newer_back() {
    let mut w = World::opened();
    w.buy();
    w.buy_on(0);
    w.come_back();
    assert_eq!(
        (w.parked(), w.saga.business.sold.as_ref().map(|s| s.subscription.id.as_str())),
        (Some(ParkCode::TwinSubscription), Some("zs1"))
    );
    assert_eq!(w.owner, Some(crate::kernel::answer::CollectionOwner::ZohoNative), "the older one is linked first");
    w.resume();
    assert_eq!(w.parked(), Some(ParkCode::TwinSubscription), "it still runs");
    w.subscriptions[1].status = "cancelled".to_owned();
    w.resume();
    assert_eq!((w.state().as_str(), w.parked()), ("Active", None));
}

#[test]
fn e3_a_second_purchase_that_comes_to_light_later_is_a_persons_too() {
    let mut w = World::bought();
    let newer = w.buy_on(0);
    w.notice("subscription_created", &newer);
    assert_eq!(w.parked(), Some(ParkCode::TwinSubscription));
    w.subscriptions[1].status = "cancelled".to_owned();
    w.resume();
    assert_eq!(w.state(), "Active");
}

#[test]
fn e1_called_off_while_a_page_is_open_waits_until_nothing_can_be_bought_on_it() {
    let mut w = World::opened();
    w.cancel();
    assert_eq!((w.state().as_str(), w.stage()), ("Closing", PageStage::Cancelled));
    assert_eq!(w.refusal(&w.asking()), "over");
    w.pass(TimeDelta::minutes(63));
    assert_eq!((w.state().as_str(), w.claims.len()), ("Cancelled", 0));
    // What was bought until then is sold.
    let mut bought = World::opened();
    bought.cancel();
    bought.buy();
    bought.pass(TimeDelta::minutes(63));
    assert_eq!((bought.state().as_str(), bought.stage()), ("Active", PageStage::Active));
    assert_eq!(bought.refusal(&Command::CancelOrdered { reason: "again".to_owned() }), "sold");
}

#[test]
fn e1_called_off_while_the_customer_is_made_at_zoho_it_is_linked_first() {
    let mut w = World::started();
    w.deliver(w.asking());
    w.run_until("zoho_customer");
    w.cancel();
    assert_eq!((w.state().as_str(), w.enrolment.zoho_customer.as_deref()), ("Cancelled", Some("zc1")));
    assert_eq!((w.claims.len(), w.pages.len()), (0, 0));
    let mut page = World::started();
    page.deliver(page.asking());
    page.run_until("create_page");
    page.cancel();
    assert_eq!((page.state().as_str(), page.claims.len(), page.stage()), ("Cancelled", 0, PageStage::Cancelled));
}

#[test]
fn e1_called_off_before_a_click_lets_all_go() {
    let mut w = World::started();
    w.now += TimeDelta::minutes(1);
    w.press(Act::CancelNow);
    assert_eq!((w.state().as_str(), w.claims.len(), w.saga.flow.ended), ("Cancelled", 0, Some(End::GivenUp)));
    assert!(w.last_shown().answers_act);
}

#[test]
fn e1_what_is_bought_after_all_was_closed_is_sold_all_the_same() {
    let mut w = World::opened();
    w.cancel();
    w.pass(TimeDelta::minutes(63));
    let late = w.buy_on(0);
    w.notice("subscription_created", &late);
    assert_eq!((w.state().as_str(), w.owner.is_some()), ("Active", true));
}

#[test]
fn e1_a_link_that_ends_while_a_page_is_open_ends_with_the_page() {
    let mut w = World::started();
    w.pass(TimeDelta::days(7) - TimeDelta::minutes(10));
    w.tell(Command::Opened { link: 1 });
    w.ask();
    assert_eq!(w.state(), "AtZoho");
    w.pass(TimeDelta::minutes(63));
    assert_eq!((w.state().as_str(), w.claims.len()), ("Expired", 0));
}

#[test]
fn p1_a_press_while_the_customer_is_at_zoho_is_answered_with_where_it_stands() {
    let mut w = World::opened();
    w.now += TimeDelta::minutes(1);
    w.press(Act::ResendLink);
    assert!(w.last_shown().last_error.contains("the customer is at Zoho's page"));
    assert_eq!((w.state().as_str(), w.page().link), ("AtZoho", 1));
}

#[test]
fn p1_a_record_that_asks_for_something_else_by_now_is_left_alone() {
    let mut w = World::new();
    w.request = request();
    let now = w.now;
    w.tell(World::press_of(Act::Start, now));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Outdated", Some(End::Mirrored)));
    let quote = World::started().saga.business.sale.quote.as_ref().map(|quote| quote.due_today);
    assert_eq!(quote, Some(eur(GROSS)));
}
