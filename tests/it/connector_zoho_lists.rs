//! The Zoho connector against the simulated Zoho: whole lists, limits, and how an installation is let in.

use crate::cli::{program, told};
use crate::connector_zoho::{OURS, REFERENCE, World, call, create_customer, usd};
use crate::zoho_caller::{Zoho as Sandbox, text};
use attio_billing::connectors::zoho::{Asked, Order};
use chrono::{TimeDelta, Utc};
use sagas::kernel::effect;
use sagas::kernel::outcome::{NotSent, Outcome, RejectionKind};
use serde_json::json;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

const LIMIT: Duration = Duration::from_secs(10);

/// Why and for how long nothing was sent.
fn waits(outcome: &Outcome) -> (NotSent, Option<u32>) {
    match outcome {
        Outcome::NotSent { cause, retry_after_seconds, .. } => (*cause, *retry_after_seconds),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_long_list_is_read_to_its_end_though_the_access_token_ends_in_the_middle() {
    let world = World::start().await;
    for _ in 0..203 {
        world.sandbox.customer("USD");
    }
    let asked = |page| Asked { page, order: Order::OldestFirst, time_limit: LIMIT };
    let first = world.zoho.list_customers(asked(1)).await.unwrap();
    assert_eq!((first.items.len(), first.next), (200, Some(2)));
    world.advance(TimeDelta::hours(2));
    world.sandbox.customer("USD");
    let second = world.zoho.list_customers(asked(2)).await.unwrap();
    assert_eq!((second.items.len(), second.next), (4, None));
    assert!(second.items.iter().all(|row| !first.items.contains(row)));
    world.sandbox.staff(&json!({ "act": "expire_tokens" }));
    let newest = Asked { order: Order::NewestFirst, ..asked(1) };
    assert_eq!(world.zoho.list_customers(newest).await.unwrap().items[0].id, second.items[3].id);
}

#[tokio::test]
async fn every_list_shows_what_there_is() {
    let world = World::start().await;
    let (customer, subscription) = world.subscribed().await;
    let asked = Asked { page: 1, order: Order::OldestFirst, time_limit: LIMIT };
    assert_eq!(world.zoho.list_products(asked).await.unwrap().items.len(), 1);
    assert_eq!(world.zoho.list_plans(asked).await.unwrap().items.len(), 1);
    assert_eq!(world.zoho.list_addons(asked).await.unwrap().items[0].code, "seat");
    assert_eq!(world.zoho.list_coupons(asked).await.unwrap().items[0].code, "WELCOME");
    let subscriptions = world.zoho.list_all_subscriptions(asked).await.unwrap().items;
    assert_eq!(
        (subscriptions[0].id.as_str(), subscriptions[0].reference.as_deref()),
        (&*subscription, Some(REFERENCE))
    );
    let invoices = world.zoho.list_invoices(asked).await.unwrap().items;
    assert_eq!((invoices[0].customer.as_deref(), invoices[0].total), (Some(customer.as_str()), Some(usd(13_507))));
    let open = world.zoho.list_open_invoices(None, 1, LIMIT).await.unwrap().items;
    assert_eq!(open[0].invoice, invoices[0].id);
    let events = world.zoho.list_events(Utc::now() - TimeDelta::hours(1), 1, LIMIT).await.unwrap().items;
    assert!(events.iter().any(|event| event.kind == "subscription_created"), "{events:?}");
    world.zoho.read_event(&events[0].event, LIMIT).await.unwrap();
}

#[tokio::test]
async fn the_limits_of_a_minute_of_a_day_and_of_calls_at_once_are_told_apart() {
    let world = World::start().await;
    let (_, subscription) = world.subscribed().await;
    let read = effect::Zoho::ReadSubscription { subscription };
    let limited = async |settings: serde_json::Value| {
        world.sandbox.staff(&settings);
        waits(&world.perform(&read).await)
    };
    let (cause, minute) = limited(json!({ "act": "settings", "calls_per_minute": 1 })).await;
    assert!(cause == NotSent::Quota && minute.is_some_and(|seconds| (60..=600).contains(&seconds)), "{minute:?}");
    let (cause, at_once) = limited(json!({ "act": "settings", "calls_per_minute": 100, "calls_at_once": 0 })).await;
    assert!(cause == NotSent::Quota && at_once.is_some_and(|seconds| seconds < 60), "{at_once:?}");
    for under_200 in [false, true] {
        let (cause, day) = limited(json!({ "act": "settings", "calls_at_once": 10, "calls_per_day": 1,
            "quota_under_200": under_200 }))
        .await;
        assert!(cause == NotSent::Quota && day.is_some_and(|seconds| seconds >= 3600), "{day:?}");
    }
}

#[tokio::test]
async fn a_grant_code_logs_in_once_and_what_it_brings_opens_zoho() {
    let sandbox = Sandbox::start().await;
    let own = sandbox.world.credentials.zoho.clone();
    let scopes = program(&["zoho", "login", "--data-centre", "eu", "--scopes"]).output().await.unwrap();
    let scopes = told(scopes).1;
    let act = json!({ "act": "make_grant_code", "scope": scopes.trim(), "minutes": 10 });
    let code = text(&sandbox.staff(&act), "code");
    let login = async || {
        let mut command = program(&["zoho", "login", "--data-centre", "eu", "--accounts-url", &sandbox.base]);
        command.env("ZOHO_CLIENT_ID", &own.client_id).env("ZOHO_CLIENT_SECRET", &own.client_secret);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{code}\n").as_bytes()).await.unwrap();
        told(child.wait_with_output().await.unwrap())
    };
    let (exit, out, errors) = login().await;
    // The sandbox names another API host than that of the data centre.
    assert_eq!(exit, 5, "{errors}");
    let value = |name: &str| {
        let line = out.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("no {name}")).to_owned()
    };
    assert_eq!((value("ZOHO_ACCOUNTS_URL"), value("ZOHO_API_URL")), (sandbox.base.clone(), sandbox.base.clone()));
    let refresh_token = value("ZOHO_REFRESH_TOKEN");
    assert!(!errors.contains(&refresh_token));
    let (exit, out, errors) = login().await;
    assert_eq!((exit, out.as_str()), (1, ""));
    assert!(errors.contains("it was used already"), "{errors}");

    let world = World::with(sandbox, refresh_token.clone());
    world.customer().await;
    let key = effect::Crm::Find { module: effect::CrmModule::Contacts, key: OURS.to_owned() };
    assert_eq!(world.zoho.perform_crm(&call(&create_customer()), &key).await.outcome.word(), "done");
    let revoke = format!("{}/oauth/v2/token/revoke", world.sandbox.base);
    let revoked = world.sandbox.client.post(revoke).form(&[("token", refresh_token)]).send().await.unwrap();
    assert!(revoked.status().is_success());
    assert_eq!(world.refused(&create_customer()).await.0, RejectionKind::Config);
}
