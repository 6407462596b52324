//! Edges up to the submission: refusals, the quote, the link.

use super::world::{World, day, declined, eur, input, outage, rejected, subscription, unknown};
use crate::kernel::effect::{ClaimKind, LetterFacts};
use crate::kernel::offer::{CouponOffer, Discount, Tax};
use crate::kernel::outcome::{DeclineKind, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::subscription_activation::{Act, Command, Consent, PageStage};
use chrono::TimeDelta;

/// Refused, with this word in the sentence on the record.
fn refused(w: &World, word: &str) {
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Refused", Some(End::GivenUp)), "{word}");
    let face = w.last_shown();
    assert!(face.answers_act && face.last_error.contains(word), "{word}: {}", face.last_error);
    assert_eq!(face.subscription_status, "Draft");
    assert!(w.letters.is_empty() && w.claims.is_empty());
}

#[test]
fn e1_what_cannot_be_sold_is_refused_with_the_cure() {
    type Change = fn(&mut World);
    let coupon = |w: &mut World, active, fits_plan| {
        w.offer.coupon = Some(CouponOffer {
            code: "SALE".to_owned(),
            active,
            fits_plan,
            on_addons: false,
            invoices: None,
            discount: Discount::Share { ppm: 100_000 },
        });
    };
    let cases: [(&str, Change); 8] = [
        ("`Plan`", |w| w.offer.plan.active = false),
        ("`Plan`", |w| w.request.plan = None),
        ("customer", |w| w.request.client = None),
        ("`Quantity`", |w| w.request.quantity = Some(0)),
        ("merchant account", |w| {
            w.offer.plan.price.currency = iso_currency::Currency::USD;
            w.offer.plan.setup_fee.currency = iso_currency::Currency::USD;
        }),
        ("E-mail", |w| w.missing = vec!["E-mail".to_owned()]),
        ("Starts on", |w| w.request.problems = vec!["`Starts on` is no date".to_owned()]),
        ("subscription already", |w| w.request.external_id = Some("sub:x".to_owned())),
    ];
    for (word, change) in cases {
        refused(&World::started(change), word);
    }
    refused(&World::started(|w| coupon(w, false, true)), "SALE");
    refused(&World::started(|w| coupon(w, true, false)), "SALE");
    let unknown = World::started(|w| w.say("zoho.read_offer", rejected(RejectionKind::NotFound, "404")));
    refused(&unknown, "`Plan`");
}

#[test]
fn e1_a_zoho_customer_in_another_currency_or_inactive_is_refused() {
    refused(
        &World::started(|w| {
            w.linked();
            "USD".clone_into(&mut w.zoho_customer.currency);
        }),
        "USD",
    );
    refused(
        &World::started(|w| {
            w.linked();
            w.zoho_customer.active = false;
        }),
        "inactive",
    );
    refused(
        &World::started(|w| {
            w.linked();
            w.zoho_customer.our_customer = Some("cust9".to_owned());
        }),
        "another customer",
    );
}

#[test]
fn e2_a_live_subscription_of_the_product_or_an_old_collector_is_refused() {
    let same = World::started(|w| {
        w.linked();
        w.subscriptions.push(subscription("zs9", "other", "live"));
    });
    refused(&same, "`Change plan`");
    let theirs = World::started(|w| {
        w.linked();
        let mut old = subscription("zs9", "other", "live");
        (old.auto_collect, old.product) = (true, Some("prod9".to_owned()));
        w.subscriptions.push(old);
    });
    refused(&theirs, "collection over");
    let cancelled = World::started(|w| {
        w.linked();
        w.subscriptions.push(subscription("zs9", "other", "cancelled"));
    });
    assert_eq!(cancelled.state(), "LinkSent");
}

#[test]
fn e2_a_press_on_a_subscription_that_is_there_writes_nothing_but_why_it_is_refused() {
    let there = World::started(|w| w.request.external_id = Some("sub:1".to_owned()));
    assert!(there.last_shown().refusal_only && there.last_shown().last_error.contains("`Change plan`"));
    let new = World::started(|w| w.request.plan = None);
    assert!(!new.last_shown().refusal_only);
}

#[test]
fn e2_another_activation_of_the_customer_and_product_is_refused_as_busy() {
    let busy = declined(DeclineKind::Busy, "account_plan_family");
    let mut w = World::new();
    w.say("desk.claim", outage());
    w.press(Act::Start);
    w.say("desk.claim", busy);
    w.pass(TimeDelta::minutes(1));
    refused(&w, "finish or cancel");
}

/// `Start` was pressed, and another saga keeps the customer's product.
fn product_kept() -> World {
    let mut w = World::new();
    w.request.act = Some(Act::Start.title().to_owned());
    w.request.pressed_at = Some(w.now);
    let press = World::press_of(Act::Start, w.now);
    w.deliver(press);
    w.run_until("claim");
    assert!(w.step(), "the press is claimed");
    w.say("desk.claim", declined(DeclineKind::Busy, "claimed"));
    w
}

#[test]
fn e2_a_trial_of_the_product_gives_way_to_who_sells_it() {
    let mut w = product_kept();
    w.run();
    assert_eq!((w.state().as_str(), w.count("ProductKept")), ("LinkSent", 1));
    assert!(w.calls.contains(&"take_over".to_owned()));
    w.has_recorded_history("trial_gives_way");
}

#[test]
fn e2_what_is_sold_or_being_sold_gives_way_to_nobody() {
    let mut w = product_kept();
    w.say("desk.take_over", declined(DeclineKind::Busy, "claimed"));
    w.run();
    refused(&w, "finish or cancel");
}

#[test]
fn e3_the_same_press_again_changes_nothing_and_another_shows_the_state() {
    let mut w = World::started(|_| {});
    let (shown, events) = (w.shown.len(), w.events().count());
    let same = World::press_of(Act::Start, w.now);
    w.tell(same);
    assert_eq!((w.shown.len(), w.events().count()), (shown, events));
    w.now += TimeDelta::minutes(1);
    w.press(Act::Start);
    assert_eq!((w.shown.len(), w.letters.len()), (shown + 1, 1));
    assert!(w.last_shown().answers_act);
    assert_eq!(w.last_shown().as_of, w.now, "a state of before the press would not answer it");
}

#[test]
fn e3_a_press_that_the_record_does_not_show_any_more_is_only_noted() {
    let mut w = World::new();
    w.request.act = Some("none".to_owned());
    let press = World::press_of(Act::Start, w.now);
    w.tell(press);
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Outdated", Some(End::Mirrored)));
    let mut gone = World::new();
    gone.say("attio.read_request", rejected(RejectionKind::NotFound, "404"));
    gone.press(Act::Start);
    assert_eq!(gone.saga.flow.ended, Some(End::Mirrored));
}

#[test]
fn e4_a_tax_that_nobody_can_bound_waits_for_a_person() {
    let mut w = World::new();
    w.offer.plan.tax = Tax::Unknown;
    let Command::Pressed { organization, installation, record, act, pressed_at, mut terms, ordered } =
        World::press_of(Act::Start, w.now)
    else {
        panic!("a press")
    };
    terms.highest_tax_ppm = 0;
    w.request.act = Some(act.title().to_owned());
    w.request.pressed_at = Some(pressed_at);
    w.tell(Command::Pressed { organization, installation, record, act, pressed_at, terms, ordered });
    assert_eq!((w.parked(), w.tasks.len()), (Some(ParkCode::NoQuote), 1));
    assert_eq!(w.tasks[0].assignee.as_deref(), Some("member1"));
    w.offer.plan.tax = Tax::Rate { ppm: 0 };
    w.resume();
    assert_eq!((w.state().as_str(), w.quote().due_today), ("LinkSent", eur(10_000)));
}

#[test]
fn e5_a_quote_of_another_day_is_made_anew_on_the_same_link() {
    let mut w = World::started(|_| {});
    let old = w.quote();
    w.pass(TimeDelta::days(2));
    w.offer.plan.price = eur(12_000);
    w.tell(Command::Opened { link: 1 });
    let PageStage::Quoted { quote, .. } = w.stage() else { panic!("{:?}", w.stage()) };
    assert_eq!((quote.due_today, quote.renews_on), (eur(14_280), day("2026-12-04")));
    assert_eq!(quote.expires_at, old.expires_at);
    assert_eq!((w.page().link, w.letters.len()), (1, 1));
}

#[test]
fn e5_a_submission_on_an_old_quote_charges_nothing_and_shows_a_new_one() {
    let mut w = World::started(|_| {});
    w.now += TimeDelta::hours(30);
    w.submit(input(1));
    assert_eq!((w.state().as_str(), w.erased.len(), w.count("QuoteMade")), ("LinkSent", 1, 2));
    w.submit(input(2));
    assert_eq!(w.state(), "Recording");
}

#[test]
fn e5_a_quote_of_what_costs_something_else_now_is_made_anew_before_anybody_pays() {
    let mut w = World::started(|_| {});
    let old = w.quote();
    w.offer.plan.price = eur(12_000);
    let repriced = |plan: &str, at| Command::Repriced { offerings: vec![format!("plan:{plan}")], at };
    w.pass(TimeDelta::hours(1));
    let now = w.now;
    w.tell(repriced("other", now));
    w.tell(repriced("pro-monthly", now - TimeDelta::hours(2)));
    assert_eq!(w.quote(), old, "another plan, and a price that the quote knows");
    w.tell(repriced("pro-monthly", now));
    let new = w.quote();
    assert_eq!((new.due_today, new.expires_at), (eur(14_280), old.expires_at));
    assert_eq!((w.page().link, w.letters.len()), (1, 1));
    w.submit(input(1));
    assert_eq!(w.state(), "Recording");
    w.tell(repriced("pro-monthly", now + TimeDelta::days(1)));
    assert_eq!(w.count("QuoteMade"), 2, "what was accepted is kept to");
}

#[test]
fn e6_an_old_hash_a_missing_consent_and_an_old_link_are_refused() {
    let mut w = World::started(|_| {});
    let quote = w.quote();
    let submit = |link, hash: &str, version: &str| Command::Submitted {
        link,
        quote_hash: hash.to_owned(),
        consent: Consent { version: version.to_owned(), at: quote.expires_at, evidence: None },
        with: input(1),
    };
    assert_eq!(w.refusal(&submit(1, "old", "2026-11")), "stale_quote");
    assert_eq!(w.refusal(&submit(1, &quote.hash, "2025-01")), "no_consent");
    assert_eq!(w.refusal(&submit(2, &quote.hash, "2026-11")), "old_link");
    w.now += TimeDelta::minutes(1);
    w.press(Act::ResendLink);
    assert_eq!((w.page().link, w.letters.len()), (2, 2));
    assert_eq!(w.refusal(&submit(1, &quote.hash, "2026-11")), "old_link");
    assert_eq!(w.refusal(&Command::Opened { link: 1 }), "old_link");
    let quoted = matches!(w.stage(), PageStage::Quoted { .. });
    assert!(quoted, "the current quote stays");
}

#[test]
fn e7_the_customer_is_reminded_once_and_the_link_expires() {
    let mut w = World::started(|_| {});
    w.pass(TimeDelta::days(4));
    assert_eq!(w.letters.len(), 2);
    assert!(matches!(w.letters[1].about, LetterFacts::CheckoutReminder(_)));
    let submission = w.submission(input(1));
    w.pass(TimeDelta::days(4));
    assert_eq!((w.state().as_str(), w.stage()), ("Expired", PageStage::Expired));
    assert_eq!(w.last_shown().checkout.status, "Expired");
    assert_eq!((w.letters.len(), w.claims.len()), (2, 0));
    assert_eq!(w.refusal(&submission), "over");
}

#[test]
fn a_letter_that_cannot_be_sent_stops_nothing_and_is_shown() {
    let mut w = World::started(|w| w.say("mail.send", rejected(RejectionKind::Invalid, "550")));
    assert_eq!(w.state(), "LinkSent");
    assert!(w.last_shown().action_needed.contains("link"), "{}", w.last_shown().action_needed);
    assert_eq!(w.tasks.len(), 1);
    w.submit(input(1));
    assert_eq!(w.state(), "Recording");
}

#[test]
fn a_face_that_attio_refuses_stops_nothing() {
    let mut w = World::started(|w| w.say("attio.show_subscription", rejected(RejectionKind::Invalid, "400")));
    assert_eq!((w.state().as_str(), w.letters.len()), ("LinkSent", 1));
    w.submit(input(1));
    w.record();
    assert_eq!(w.state(), "Active");
}

#[test]
fn a_refused_credential_of_attio_keeps_nobody_from_paying_and_the_state_is_shown_once_it_is_right() {
    let refused = || rejected(RejectionKind::Config, "401");
    let mut w = World::started(|w| (0..40).for_each(|_| w.say("attio.show_subscription", refused())));
    assert_eq!((w.state().as_str(), w.parked(), w.letters.len()), ("LinkSent", None, 1), "the link goes out");
    w.submit(input(1));
    w.record();
    assert_eq!((w.state().as_str(), w.saga.flow.ended, w.parked()), ("Active", None, None));
    w.pass(TimeDelta::days(1));
    assert!(w.called("show") < 20, "tried ever more seldom: {}", w.called("show"));
    w.says.clear();
    w.pass(TimeDelta::hours(6));
    assert_eq!((w.last_shown().subscription_status.as_str(), w.saga.flow.ended), ("Active", Some(End::Completed)));
}

#[test]
fn a_letter_that_a_refused_credential_stops_is_sent_later_and_the_owner_is_told_meanwhile() {
    let mut w = World::started(|w| {
        w.say("mail.send", rejected(RejectionKind::Config, "535"));
        w.say("attio.add_task", rejected(RejectionKind::Config, "401"));
    });
    assert_eq!((w.state().as_str(), w.parked(), w.letters.len(), w.tasks.len()), ("LinkSent", None, 0, 0));
    assert!(w.last_shown().action_needed.contains("link"), "{}", w.last_shown().action_needed);
    w.pass(TimeDelta::minutes(1));
    assert_eq!((w.letters.len(), w.tasks.len(), w.count("TellingPutOff")), (1, 1, 2));
    assert!(w.last_shown().action_needed.is_empty(), "{}", w.last_shown().action_needed);
}

#[test]
fn a_record_that_was_deleted_calls_the_activation_off() {
    let mut w = World::started(|_| {});
    w.say("attio.show_subscription", rejected(RejectionKind::NotFound, "404"));
    w.tell(Command::Opened { link: 1 });
    assert_eq!((w.state().as_str(), w.claims.len()), ("Cancelled", 0));
}

#[test]
fn an_outage_of_attio_does_not_keep_the_customer_from_paying() {
    let mut w = World::started(|w| {
        for _ in 0..50 {
            w.say("attio.show_subscription", outage());
        }
    });
    assert!(w.shown.is_empty());
    w.submit(input(1));
    assert_eq!(w.state(), "Recording");
}

#[test]
fn a_face_of_which_nobody_knows_whether_it_was_written_keeps_nobody_from_paying_either() {
    let mut w = World::started(|w| w.say("attio.show_subscription", unknown()));
    assert!(w.shown.is_empty());
    w.submit(input(1));
    assert_eq!((w.state().as_str(), w.shown.len()), ("Recording", 1));
}

#[test]
fn the_claims_are_taken_in_the_order_of_the_locks() {
    let mut w = World::started(|_| {});
    let kinds = |w: &World| w.claims.iter().map(|c| c.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&w), [ClaimKind::AttioTrigger, ClaimKind::AccountPlanFamily]);
    w.submit_until("capture");
    assert_eq!(
        kinds(&w),
        [ClaimKind::AttioTrigger, ClaimKind::AccountPlanFamily, ClaimKind::ZohoSubscription, ClaimKind::ZohoInvoice]
    );
}
