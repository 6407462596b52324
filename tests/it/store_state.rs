//! What is kept beside the log, on a real Postgres: inbox, claims, cards, links, ledger, sealed inputs, settings.

use crate::store_support::{Bench, append, capture, eur, event, noon, posted, saga, stamp};
use attio_billing::access::{Actor, Holder, Role, Way};
use attio_billing::store::append::{Append, ItemMark};
use attio_billing::store::cards::{self, Cap, Charge, Counted};
use attio_billing::store::claims::{self, Reserved};
use attio_billing::store::erasing::{self, Erased};
use attio_billing::store::inbox::{self, Counts, Deliveries, NewDelivery, OfferError, Routed, Stored};
use attio_billing::store::items::{
    ItemState, NewItem, Swept, bury, hand_over, item_state, items_ready, offer_item, revive, sweep_waiting,
};
use attio_billing::store::ledger::{Balance, invoice_balances, on_invoice, trial_balance};
use attio_billing::store::links::{self, LinkError, LinkKind};
use attio_billing::store::schema::{SHARDS, SchemaError, Stamp, StampError, check_schema, migrate};
use attio_billing::store::secrets::{self, SecretError, Secrets};
use attio_billing::store::settings::Release;
use attio_billing::store::shards::Lease;
use attio_billing::store::survey::{survey_customer, survey_invoice, survey_subscription};
use attio_billing::store::together::Batch;
use attio_billing::store::{Store, evidence, people, practice, schema, settings};
use chrono::{TimeDelta, Utc};
use sagas::kernel::answer::{CollectionOwner, CustomerSurvey, Kept, SubscriptionSurvey};
use sagas::kernel::effect::{Claim, ClaimKind, SubscriptionKey};
use sagas::kernel::posting::Rule;
use sagas::kernel::saga::Mark;
use secrecy::{ExposeSecret, SecretString};

fn item(n: u32) -> NewItem {
    NewItem {
        saga: saga(n),
        saga_kind: "test".to_owned(),
        kind: "zoho.invoice_created".to_owned(),
        principal: "zoho".to_owned(),
        body: "{}".to_owned(),
        waiting_key: None,
        idempotency_key: None,
    }
}

fn came(key: &str, body: &[u8]) -> NewDelivery {
    let (key, headers) = (key.to_owned(), "{}".to_owned());
    NewDelivery { vendor: "zoho", key, headers, body: body.to_vec(), received_at: noon() }
}

async fn delivery(bench: &Bench, key: &str) -> uuid::Uuid {
    match Deliveries.write(&bench.pool, &[came(key, b"raw")]).await.unwrap()[..] {
        [Stored::New(id)] => id,
        ref other => panic!("{key} is not new: {other:?}"),
    }
}

#[tokio::test]
async fn deliveries_that_come_together_are_each_told_what_became_of_them() {
    let bench = Bench::new().await;
    let first = delivery(&bench, "a").await;
    let came = ["b", "a", "c", "b"].map(|key| came(key, b"raw"));
    let stored = Deliveries.write(&bench.pool, &came).await.unwrap();
    let [Stored::New(b), Stored::Duplicate, Stored::New(c), Stored::Duplicate] = stored[..] else {
        panic!("{stored:?}")
    };
    let unrouted = inbox::next_unrouted(&bench.pool, &["zoho".to_owned()], &[], 10).await.unwrap();
    let kept: Vec<_> = unrouted.iter().map(|delivery| (delivery.id, delivery.key.as_str())).collect();
    assert_eq!(kept, [(first, "a"), (b, "b"), (c, "c")]);
    assert_eq!(inbox::summary(&bench.pool).await.unwrap()["zoho"].duplicate, 2);
}

#[tokio::test]
async fn commands_that_come_together_are_taken_once_each() {
    let bench = Bench::new().await;
    let store = Store::open(bench.url().expose_secret(), &stamp(), "one", Lease::default()).await.unwrap();
    let keyed = |n: u32, key: u32| NewItem { idempotency_key: Some(format!("key {key}")), ..item(n) };
    let offers: Vec<NewItem> = (0..40).map(|n| keyed(n % 20, n % 20)).collect();
    let taken = futures::future::try_join_all(offers.iter().map(|offer| store.offer(offer))).await.unwrap();
    assert_eq!(taken[..20], taken[20..], "the same key gives the same item");
    let all: Vec<u16> = (0..SHARDS).collect();
    assert_eq!(items_ready(&bench.pool, &all, &[], 100).await.unwrap().len(), 20);
    assert!(matches!(store.offer(&keyed(30, 1)).await, Err(OfferError::KeyReused)));
}

#[tokio::test]
async fn a_delivery_is_stored_once_routed_once_and_processed_when_its_items_are() {
    let bench = Bench::new().await;
    let (_node, log) = bench.node("one").await;
    let id = delivery(&bench, "d1\0").await;
    let again = Deliveries.write(&bench.pool, &[came("d1\0", b"other")]).await.unwrap();
    assert_eq!(again, [Stored::Duplicate]);
    inbox::count_rejected(&bench.pool, "zoho").await.unwrap();
    let unrouted =
        inbox::next_unrouted(&bench.pool, &["zoho".to_owned(), "braintree".to_owned()], &[], 10).await.unwrap();
    assert_eq!((unrouted.len(), unrouted[0].id, unrouted[0].body.as_slice()), (1, id, &b"raw"[..]));
    assert!(!format!("{unrouted:?}").contains("raw") && !format!("{unrouted:?}").contains("114, 97, 119"));

    let routed = Routed::Items(vec![item(1), item(2)]);
    assert!(inbox::route(&bench.pool, SHARDS, id, &routed).await.unwrap());
    assert!(!inbox::route(&bench.pool, SHARDS, id, &routed).await.unwrap(), "routed twice");
    assert!(
        inbox::next_unrouted(&bench.pool, &["zoho".to_owned(), "braintree".to_owned()], &[], 10)
            .await
            .unwrap()
            .is_empty()
    );
    let all: Vec<u16> = (0..SHARDS).collect();
    let ready = items_ready(&bench.pool, &all, &[], 10).await.unwrap();
    assert!(ready.len() == 2 && ready.iter().all(|ready| ready.first), "{ready:?}");
    assert_eq!(items_ready(&bench.pool, &all, &[ready[0].item.id], 10).await.unwrap(), ready[1..]);
    let counts = || async { inbox::summary(&bench.pool).await.unwrap()["zoho"] };
    let base = Counts { received: 1, duplicate: 1, rejected: 1, ..Counts::default() };
    assert_eq!(counts().await, base);
    for (n, refused) in [(0, None), (1, Some("too late".to_owned()))] {
        let mark = ItemMark { item: ready[n].item.id, refused };
        let it = ready[n].item.saga;
        log.append(Append { items: vec![mark], ..append(it, 0, vec![event(it, 1)]) }).await.unwrap();
    }
    assert_eq!(counts().await, Counts { processed: 1, ..base });
    assert_eq!(item_state(&bench.pool, ready[1].item.id).await.unwrap().unwrap().state, ItemState::Refused);
    assert_eq!(inbox::erase_bodies(&bench.pool, noon() + TimeDelta::days(1)).await.unwrap(), 1);

    let (ignored, dead) = (delivery(&bench, "d2").await, delivery(&bench, "d3").await);
    inbox::route(&bench.pool, SHARDS, ignored, &Routed::Ignored("a test ping".to_owned())).await.unwrap();
    inbox::route(&bench.pool, SHARDS, dead, &Routed::Dead("no such kind".to_owned())).await.unwrap();
    assert_eq!(counts().await, Counts { received: 3, processed: 2, dead: 1, ..base });
    assert!(inbox::route_again(&bench.pool, dead).await.unwrap());
    assert_eq!(
        inbox::next_unrouted(&bench.pool, &["zoho".to_owned(), "braintree".to_owned()], &[], 10).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn an_item_waits_for_its_link_and_is_released_with_it() {
    let bench = Bench::new().await;
    let waiting = |n: u32, theirs: &str| NewItem { waiting_key: Some(LinkKind::ZohoCustomer.key(theirs)), ..item(n) };
    let first = offer_item(&bench.pool, SHARDS, &waiting(1, "z1"), &[]).await.unwrap();
    let never = offer_item(&bench.pool, SHARDS, &waiting(2, "z2"), &[]).await.unwrap();
    let state = async |id| item_state(&bench.pool, id).await.unwrap().unwrap().state;
    assert_eq!(state(first).await, ItemState::Waiting);
    let released = links::link(&bench.pool, "cus_1", &[(LinkKind::ZohoCustomer, "z1")]).await.unwrap();
    assert_eq!(released, 1);
    assert_eq!(state(first).await, ItemState::Ready);
    let late = offer_item(&bench.pool, SHARDS, &waiting(3, "z1"), &[]).await.unwrap();
    assert_eq!(state(late).await, ItemState::Ready, "its link exists");
    // As if the link had been made in the very moment in which the item was written.
    bench.execute("update item set state = 'waiting' where waiting_key = 'zoho_customer:z1'").await;
    let swept = sweep_waiting(&bench.pool, Utc::now() + TimeDelta::minutes(1)).await.unwrap();
    assert_eq!(swept, Swept { released: 2, dead: 1 });
    let dead = item_state(&bench.pool, never).await.unwrap().unwrap();
    assert_eq!(dead.reason.as_deref(), Some("nothing was linked to zoho_customer:z2 in time"));
    assert!(revive(&bench.pool, never).await.unwrap() && bury(&bench.pool, never, "given up").await.unwrap());
}

#[tokio::test]
async fn a_command_from_outside_is_one_item_however_often_it_is_sent() {
    let bench = Bench::new().await;
    let keyed = NewItem { idempotency_key: Some("k".to_owned()), ..item(1) };
    let secrets = Secrets::new(&[7; 32]);
    let nonce = || secrets.seal("nonce", &SecretString::from("tok".to_owned()));
    let id = offer_item(&bench.pool, SHARDS, &keyed, &[nonce()]).await.unwrap();
    assert_eq!(offer_item(&bench.pool, SHARDS, &keyed, &[nonce()]).await.unwrap(), id);
    assert_eq!(bench.count("select count(*) from secret_input").await, 1, "the input of the second try is not kept");
    let other = NewItem { saga: saga(2), ..keyed };
    assert_eq!(offer_item(&bench.pool, SHARDS, &other, &[]).await, Err(OfferError::KeyReused));
}

#[tokio::test]
async fn claims_are_exclusive_idempotent_and_all_or_none() {
    let bench = Bench::new().await;
    let claim = |key: &str| Claim { kind: ClaimKind::ZohoInvoice, key: key.to_owned() };
    let (a, b) = (claim("a"), claim("b"));
    let pool = &bench.pool;
    for _ in 0..2 {
        assert_eq!(claims::reserve(pool, saga(1), "claim", std::slice::from_ref(&a)).await.unwrap(), Reserved::Held);
    }
    let taken = claims::reserve(pool, saga(2), "claim", &[b.clone(), a.clone()]).await.unwrap();
    assert_eq!(taken, Reserved::Taken(vec![(a.clone(), saga(1))]));
    assert_eq!(claims::holder(pool, &b).await.unwrap(), None, "none was reserved beside the taken one");
    assert_eq!(claims::confirm(pool, saga(1), &[a.clone(), b.clone()]).await.unwrap(), std::slice::from_ref(&b));
    claims::reserve(pool, saga(3), "claim", std::slice::from_ref(&b)).await.unwrap();
    assert_eq!(claims::sweep(pool, Utc::now() + TimeDelta::minutes(1)).await.unwrap(), 1, "an orphan");
    assert_eq!(claims::holder(pool, &a).await.unwrap(), Some(saga(1)), "confirmed ones are never swept");

    // A reservation whose saga has the step open is no orphan.
    let (_node, log) = bench.node("one").await;
    let mut open = append(saga(4), 0, vec![event(saga(4), 1)]);
    open.row.step = Some("claim".to_owned());
    log.append(open).await.unwrap();
    claims::reserve(pool, saga(4), "claim", std::slice::from_ref(&b)).await.unwrap();
    assert_eq!(claims::sweep(pool, Utc::now() + TimeDelta::minutes(1)).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_want_the_same_claims_exactly_one_holds_them_all() {
    let bench = Bench::new().await;
    let wants = (0..12).map(|n| {
        let pool = bench.pool.clone();
        let mut set: Vec<Claim> =
            (0..5).map(|k| Claim { kind: ClaimKind::Practice, key: format!("{}", (k + n) % 5) }).collect();
        if n % 2 == 0 {
            set.reverse();
        }
        tokio::spawn(async move { claims::reserve(&pool, saga(n), "claim", &set).await.unwrap() })
    });
    let ended = futures::future::join_all(wants).await;
    let held = ended.into_iter().filter(|one| matches!(one, Ok(Reserved::Held))).count();
    assert_eq!(held, 1);
    assert_eq!(bench.count("select count(distinct saga) from claim").await, 1);
}

#[tokio::test]
async fn a_link_is_unique_both_ways() {
    let bench = Bench::new().await;
    let pool = &bench.pool;
    let set = [(LinkKind::ZohoCustomer, "z1"), (LinkKind::BraintreeCustomer, "b1")];
    links::link(pool, "cus_1", &set).await.unwrap();
    links::link(pool, "cus_1", &set).await.unwrap();
    let taken = links::link(pool, "cus_2", &[(LinkKind::AttioPerson, "p2"), (LinkKind::ZohoCustomer, "z1")]).await;
    assert!(matches!(&taken, Err(LinkError::Taken { ours, .. }) if ours == "cus_1"), "{taken:?}");
    assert_eq!(links::links_of(pool, "cus_2").await.unwrap(), [], "all or none");
    let another = links::link(pool, "cus_1", &[(LinkKind::ZohoCustomer, "z9")]).await;
    assert!(matches!(&another, Err(LinkError::HasAnother { theirs, .. }) if theirs == "z1"), "{another:?}");
    assert_eq!(links::find(pool, LinkKind::BraintreeCustomer, "b1").await.unwrap().as_deref(), Some("cus_1"));
    assert!(links::unlink(pool, "cus_1", LinkKind::ZohoCustomer, "z1").await.unwrap());
    links::link(pool, "cus_2", &[(LinkKind::ZohoCustomer, "z1")]).await.unwrap();
}

#[tokio::test]
async fn the_ledger_balances_and_says_what_an_invoice_holds() {
    let bench = Bench::new().await;
    let (_node, log) = bench.node("one").await;
    let it = saga(1);
    assert_eq!(on_invoice(&bench.pool, "77").await.unwrap().applied, None);
    let rules = [(Rule::InvoiceIssued, 4900), (Rule::Capture, 4900), (Rule::Apply, 3000)];
    for (n, (rule, minor)) in (0..).zip(rules) {
        let mut one = append(it, n, vec![event(it, n + 1)]);
        one.events[0].journals = vec![posted(it, n + 1, rule, minor, "77")];
        log.append(one).await.unwrap();
    }
    let money = on_invoice(&bench.pool, "77").await.unwrap();
    assert_eq!((money.applied, money.unapplied), (Some(eur(3000)), Some(eur(1900))));
    let balances = trial_balance(&bench.pool, None).await.unwrap();
    assert_eq!(balances.iter().map(Balance::net_minor).sum::<i64>(), 0);
    assert_eq!(balances, invoice_balances(&bench.pool, "77").await.unwrap());
    let receivables = balances.iter().find(|b| b.account == 1200).unwrap();
    assert_eq!((receivables.debit, receivables.credit), (eur(4900), eur(3000)));
    let early = chrono::NaiveDate::from_ymd_opt(2026, 11, 20);
    assert!(trial_balance(&bench.pool, early).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_secret_input_is_sealed_opened_for_its_use_only_and_erased() {
    let bench = Bench::new().await;
    let pool = &bench.pool;
    let secrets = Secrets::new(&[7; 32]);
    let sealed = secrets.seal("nonce", &SecretString::from("tok_visa".to_owned()));
    assert!(!format!("{sealed:?} {secrets:?}").contains("tok_visa"));
    let id = sealed.id;
    offer_item(pool, SHARDS, &item(1), &[sealed]).await.unwrap();
    let stored: Vec<u8> = sqlx::query_scalar("select sealed from secret_input").fetch_one(pool).await.unwrap();
    assert!(!stored.windows(8).any(|w| w == b"tok_visa"));
    assert_eq!(secrets.open(pool, id, "nonce").await.unwrap().expose_secret(), "tok_visa");
    assert!(matches!(secrets.open(pool, id, "other").await, Err(SecretError::Sealed(_))));
    assert!(matches!(Secrets::new(&[8; 32]).open(pool, id, "nonce").await, Err(SecretError::Sealed(_))));
    assert_eq!(secrets::sweep(pool).await.unwrap(), 0);
    bench.execute("update secret_input set created_at = now() - interval '3 hours 1 minute'").await;
    assert_eq!(secrets::sweep(pool).await.unwrap(), 1);
    assert!(matches!(secrets.open(pool, id, "nonce").await, Err(SecretError::Gone(_))));

    let used = secrets.seal("nonce", &SecretString::from("tok".to_owned()));
    let id = used.id;
    offer_item(pool, SHARDS, &item(1), &[used]).await.unwrap();
    secrets::erase(pool, id).await.unwrap();
    assert_eq!(bench.count("select count(*) from secret_input").await, 0);
}

#[tokio::test]
async fn a_cards_charges_are_counted_in_rolling_windows() {
    let bench = Bench::new().await;
    let (_node, log) = bench.node("one").await;
    let caps = [Cap { window: TimeDelta::days(1), most: 2 }, Cap { window: TimeDelta::days(30), most: 3 }];
    let count = |order: &'static str, hours| {
        let charge = Charge { card: "card", brand: "Visa", order_id: order, saga: saga(1) };
        let pool = bench.pool.clone();
        async move { cards::count(&pool, charge, &caps, noon() + TimeDelta::hours(hours)).await.unwrap() }
    };
    assert_eq!(count("o1", 0).await, Counted::Reserved);
    assert_eq!(count("o2", 1).await, Counted::Reserved);
    assert_eq!(count("o1", 2).await, Counted::Reserved, "counted once however often it is asked");
    assert_eq!(count("o3", 2).await, Counted::FullUntil(noon() + TimeDelta::hours(24)));
    assert_eq!(count("o3", 24).await, Counted::Reserved);
    assert_eq!(count("o4", 30).await, Counted::FullUntil(noon() + TimeDelta::days(30)));
    let mut marked = append(saga(1), 0, vec![event(saga(1), 1)]);
    marked.events[0].marks =
        vec![Mark::GiveBackCard { order_id: "o1".to_owned() }, Mark::SpendCard { order_id: "o2".to_owned() }];
    log.append(marked).await.unwrap();
    assert_eq!(count("o4", 30).await, Counted::Reserved, "what was given back counts no more");
    assert_eq!(cards::counted_since(&bench.pool, "card", noon()).await.unwrap(), 3);
}

#[tokio::test]
async fn a_survey_says_what_our_tables_know_of_an_invoice() {
    let bench = Bench::new().await;
    let pool = &bench.pool;
    let (_node, log) = bench.node("one").await;
    let nothing = survey_invoice(pool, "77", "z1", Some("s1"), saga(1)).await.unwrap();
    assert!(nothing.customer.is_none() && nothing.owner.is_none() && nothing.applied.is_none());
    links::link(pool, "cus_1", &[(LinkKind::ZohoCustomer, "z1"), (LinkKind::AttioPerson, "p1")]).await.unwrap();
    links::link(pool, "sub_1", &[(LinkKind::ZohoSubscription, "s1")]).await.unwrap();
    settings::set_collection_owner(pool, "sub_1", Some(CollectionOwner::Orchestrator), "ada").await.unwrap();
    settings::set_one_off_consent(pool, "cus_1", true, "ada").await.unwrap();
    settings::set_switch(pool, "braintree.sell", true, "ada", "the bank called").await.unwrap();
    let claim = Claim { kind: ClaimKind::ZohoSubscription, key: "s1".to_owned() };
    claims::reserve(pool, saga(2), "claim", &[claim]).await.unwrap();
    let mut one = append(saga(1), 0, vec![event(saga(1), 1)]);
    one.events[0].marks = vec![Mark::Hold { invoice: "77".to_owned(), reason: "dispute" }];
    one.events[0].journals = vec![capture(saga(1), 1, 100)];
    log.append(one).await.unwrap();

    let survey = survey_invoice(pool, "77", "z1", Some("s1"), saga(1)).await.unwrap();
    assert_eq!((survey.customer.as_deref(), survey.subscription.as_deref()), (Some("cus_1"), Some("sub_1")));
    assert_eq!(survey.attio_client.unwrap().object, "people");
    assert_eq!(survey.owner, Some(CollectionOwner::Orchestrator));
    assert!(survey.one_off_consent && survey.sale_switched_off);
    assert_eq!(
        (survey.claimed_elsewhere, survey.holds),
        (vec![ClaimKind::ZohoSubscription], vec!["dispute".to_owned()])
    );
    assert_eq!(survey.unapplied, Some(eur(100)));

    let mut lifted = append(saga(1), 1, vec![event(saga(1), 2)]);
    lifted.events[0].marks = vec![Mark::LiftHold { invoice: "77".to_owned(), reason: "dispute" }];
    log.append(lifted).await.unwrap();
    assert_eq!(survey_invoice(pool, "77", "z1", None, saga(2)).await.unwrap().holds, Vec::<String>::new());
    settings::set_collection_owner(pool, "sub_1", None, "ada").await.unwrap();
    assert_eq!(settings::collection_owner(pool, "sub_1").await.unwrap(), None);
    assert_eq!(settings::switched_off(pool).await.unwrap()["braintree.sell"], "the bank called");
}

#[tokio::test]
async fn a_survey_finds_a_subscription_by_either_id_and_says_who_holds_it() {
    let bench = Bench::new().await;
    let pool = &bench.pool;
    let by_record = SubscriptionKey::Attio { record: "r1".to_owned() };
    assert_eq!(survey_subscription(pool, &by_record, saga(1)).await.unwrap(), SubscriptionSurvey::default());
    assert_eq!(survey_customer(pool, "z1").await.unwrap(), CustomerSurvey::default());
    links::link(pool, "cus_1", &[(LinkKind::ZohoCustomer, "z1"), (LinkKind::BraintreeCustomer, "c-1")]).await.unwrap();
    links::link(pool, "sub_1", &[(LinkKind::ZohoSubscription, "s1"), (LinkKind::AttioSubscription, "r1")])
        .await
        .unwrap();
    settings::set_collection_owner(pool, "sub_1", Some(CollectionOwner::ZohoNative), "ada").await.unwrap();
    let claim = Claim { kind: ClaimKind::ZohoSubscription, key: "s1".to_owned() };
    claims::reserve(pool, saga(2), "claim", &[claim]).await.unwrap();

    let found = survey_subscription(pool, &by_record, saga(1)).await.unwrap();
    let wanted = SubscriptionSurvey {
        subscription: Some("sub_1".to_owned()),
        zoho_subscription: Some("s1".to_owned()),
        attio_record: Some("r1".to_owned()),
        owner: Some(CollectionOwner::ZohoNative),
        owner_from: None,
        claimed_by: Some(saga(2)),
        customer: None,
    };
    assert_eq!(found, wanted);
    let by_zoho = SubscriptionKey::Zoho { subscription: "s1".to_owned() };
    let own = survey_subscription(pool, &by_zoho, saga(2)).await.unwrap();
    assert_eq!(own, SubscriptionSurvey { claimed_by: None, ..wanted }, "its own claim is in nobody's way");
    let customer = survey_customer(pool, "z1").await.unwrap();
    assert_eq!((customer.customer.as_deref(), customer.braintree_customer.as_deref()), (Some("cus_1"), Some("c-1")));
}

#[tokio::test]
async fn the_practice_book_behaves_like_a_vendor() {
    let bench = Bench::new().await;
    let pool = &bench.pool;
    assert!(practice::reserve(pool, "r", noon()).await.unwrap());
    assert!(!practice::reserve(pool, "r", noon()).await.unwrap(), "a chosen id is there once");
    practice::take(pool, "r", eur(100), noon()).await.unwrap();
    practice::take(pool, "r", eur(100), noon()).await.unwrap();
    assert!(practice::note(pool, "r", noon()).await.unwrap());
    let taken = practice::find(pool, "r").await.unwrap().into_iter().filter(|e| e.amount == Some(eur(100))).count();
    assert_eq!(taken, 2, "taken twice is there twice");
    assert!(practice::unreserve(pool, "r").await.unwrap() && !practice::unreserve(pool, "r").await.unwrap());
}

#[tokio::test]
async fn personal_data_can_be_erased() {
    let bench = Bench::new().await;
    people::put(&bench.pool, "cus_1", &("Ada", "ada@example.org")).await.unwrap();
    let read = people::get::<(String, String)>(&bench.pool, "cus_1").await.unwrap();
    assert_eq!(read.unwrap().0, "Ada");
    let gone = |people| Erased::Done(Kept { people, ..Kept::default() });
    assert_eq!(erasing::erase(&bench.pool, "cus_1", None).await.unwrap(), gone(1));
    assert_eq!(erasing::erase(&bench.pool, "cus_1", None).await.unwrap(), gone(0));
    assert_eq!(people::get::<(String, String)>(&bench.pool, "cus_1").await.unwrap(), None);
    // What a vendor still shows does not bring them back.
    assert!(!people::put(&bench.pool, "cus_1", &("Ada", "ada@example.org")).await.unwrap());
    assert_eq!(people::get::<(String, String)>(&bench.pool, "cus_1").await.unwrap(), None);
}

#[tokio::test]
async fn the_evidence_of_a_consent_can_be_erased() {
    let bench = Bench::new().await;
    let (hers, his) = (
        evidence::keep(&bench.pool, "cus_1", r#"{"ip":"203.0.113.9"}"#).await.unwrap(),
        evidence::keep(&bench.pool, "cus_2", "{}").await.unwrap(),
    );
    assert!(evidence::find(&bench.pool, hers).await.unwrap().unwrap().contains("203.0.113.9"));
    let gone = |consents| Erased::Done(Kept { consents, ..Kept::default() });
    assert_eq!(erasing::erase(&bench.pool, "cus_1", None).await.unwrap(), gone(1));
    assert_eq!(erasing::erase(&bench.pool, "cus_1", None).await.unwrap(), gone(0));
    assert_eq!(evidence::find(&bench.pool, hers).await.unwrap(), None);
    assert!(evidence::find(&bench.pool, his).await.unwrap().is_some());
    let late = evidence::keep(&bench.pool, "cus_1", r#"{"ip":"203.0.113.9"}"#).await.unwrap();
    assert_eq!(evidence::find(&bench.pool, late).await.unwrap(), None, "who was erased leaves no evidence any more");
}

#[tokio::test]
async fn a_message_to_another_saga_hands_the_claims_over_once_and_with_it() {
    let bench = Bench::new().await;
    let (from, to) = (saga(1), saga(2));
    let claim = Claim { kind: ClaimKind::ZohoInvoice, key: "77".to_owned() };
    let claims = [claim.clone()];
    assert!(matches!(claims::reserve(&bench.pool, from, "claim", &claims).await.unwrap(), Reserved::Held));
    let message = NewItem {
        saga: to,
        saga_kind: "rehearsal".to_owned(),
        kind: "test.told".to_owned(),
        principal: format!("saga:{from}"),
        body: "{}".to_owned(),
        waiting_key: None,
        idempotency_key: Some("told/1".to_owned()),
    };
    assert!(hand_over(&bench.pool, SHARDS, &message, from, &claims).await.unwrap());
    assert!(!hand_over(&bench.pool, SHARDS, &message, from, &claims).await.unwrap(), "told twice is told once");
    assert_eq!(claims::holder(&bench.pool, &claim).await.unwrap(), Some(to));
    // What somebody else holds is not given away.
    assert!(!hand_over(&bench.pool, SHARDS, &message, from, &claims).await.unwrap());
    assert_eq!(claims::holder(&bench.pool, &claim).await.unwrap(), Some(to));
}

#[tokio::test]
async fn a_schema_that_does_not_fit_is_named() {
    let database = crate::postgres::database().await;
    let pool = database.pool().await;
    assert_eq!(check_schema(&pool).await, Err(SchemaError::TooOld { missing: 1 }));
    migrate(&pool).await.unwrap();
    migrate(&pool).await.unwrap();
    assert_eq!(check_schema(&pool).await, Ok(()));
    let run = async |statement: &'static str| sqlx::query(statement).execute(&pool).await.unwrap();
    run("insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'later', true, '', 0)")
    .await;
    assert_eq!(check_schema(&pool).await, Err(SchemaError::TooNew { unknown: 9999 }));
    assert_eq!(migrate(&pool).await, Err(SchemaError::TooNew { unknown: 9999 }));
    // The next release has only added to it: this one runs beside it.
    run("update _sqlx_migrations set description = 'expand later' where version = 9999").await;
    assert_eq!((check_schema(&pool).await, migrate(&pool).await), (Ok(()), Ok(())));
    run("delete from _sqlx_migrations where version = 9999").await;
    run("update _sqlx_migrations set checksum = 'x'").await;
    assert!(matches!(check_schema(&pool).await, Err(SchemaError::Differs { version: 1, .. })));
}

#[tokio::test]
async fn a_database_of_another_installation_is_refused() {
    let bench = Bench::new().await;
    schema::stamp(&bench.pool, &stamp()).await.unwrap();
    let other = Stamp { zoho_organisation: "60099".to_owned(), ..stamp() };
    let refused = schema::stamp(&bench.pool, &other).await.unwrap_err();
    assert!(matches!(&refused, StampError::Differs { field: "zoho_organisation", .. }), "{refused}");
    assert_eq!(bench.count("select count(*) from shard").await, 64);
}

#[tokio::test]
async fn what_was_switched_off_goes_on_by_a_second_person() {
    let bench = Bench::new().await;
    let pool = &bench.pool;
    let off = async || settings::is_switched_off(pool, "braintree.sell").await.unwrap();
    let ask = async |actor: &Actor| settings::release_switch(pool, "braintree.sell", actor, "over").await.unwrap();
    let person = |name: &str, role| Actor { name: name.to_owned(), role, holder: Holder::Person, way: Way::Token };
    let (ada, ben) = (person("ada", Role::Operator), person("ben", Role::FinanceApprover));
    assert_eq!(ask(&ada).await, Release::On, "it was never off");

    settings::set_switch(pool, "braintree.sell", true, "token:ada", "the bank called").await.unwrap();
    assert!(matches!(ask(&ada).await, Release::Asked { by } if by == "token:ada"));
    let asked = settings::releases_asked(pool).await.unwrap();
    assert_eq!((asked.len(), asked["braintree.sell"].by.as_str()), (1, "token:ada"), "whoever looks sees who asked");
    for herself in [&ada, &Actor::shell("ada")] {
        assert!(matches!(ask(herself).await, Release::Asked { .. }) && off().await, "once more is no second person");
    }
    for nobody in [Actor::shell("root"), person("cleo", Role::Finance)] {
        assert!(matches!(ask(&nobody).await, Release::Denied(_)) && off().await, "{nobody:?}");
    }
    assert_eq!(ask(&ben).await, Release::On);
    assert!(!off().await && settings::releases_asked(pool).await.unwrap().is_empty());

    // Off once more forgets who had asked, and so does a day.
    settings::set_switch(pool, "braintree.sell", true, "token:ada", "again").await.unwrap();
    assert!(matches!(ask(&ben).await, Release::Asked { .. }) && off().await);
    settings::set_switch(pool, "braintree.sell", true, "token:ada", "and again").await.unwrap();
    assert!(matches!(ask(&ada).await, Release::Asked { by } if by == "token:ada"));
    sqlx::query("update asked set asked_at = now() - interval '25 hours'").execute(pool).await.unwrap();
    assert!(matches!(ask(&ben).await, Release::Asked { by } if by == "token:ben"));
}
