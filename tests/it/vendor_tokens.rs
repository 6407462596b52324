//! The access token of a vendor's credential, shared by all nodes over a real Postgres.

use crate::connector_zoho::World;
use crate::store_support::{Bench, noon};
use attio_billing::connectors::zoho::{Asked, Order};
use attio_billing::port::{Refreshed, TokenStore as _, Turn, Wait};
use attio_billing::store::secrets::Secrets;
use attio_billing::store::vendor_tokens::VendorTokens;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;

const CREDENTIAL: &str = "zoho:0192";

fn token(secret: &str) -> Refreshed {
    Refreshed::Token { secret: secret.into(), expires_at: noon() + TimeDelta::hours(1) }
}

#[tokio::test]
async fn one_node_refreshes_and_all_others_take_its_token_sealed() {
    let bench = Bench::new().await;
    let node = || VendorTokens::new(bench.pool.clone(), Secrets::new(&[7; 32]));
    let (one, other) = (node(), node());
    let Turn::Refresh(lease) = one.begin(CREDENTIAL, None, noon()).await.unwrap() else { panic!("its turn") };
    let waits = other.begin(CREDENTIAL, None, noon()).await.unwrap();
    assert!(matches!(waits, Turn::Wait { wait: Wait::Elsewhere, .. }), "{waits:?}");
    assert_eq!(one.end(CREDENTIAL, lease, token("1000.a.b")).await.unwrap().unwrap().generation, 1);
    let Turn::Token(shared) = other.begin(CREDENTIAL, None, noon()).await.unwrap() else { panic!("a token") };
    assert_eq!((shared.secret.expose_secret(), shared.generation), ("1000.a.b", 1));
    let sealed: Vec<u8> = sqlx::query_scalar("select sealed from vendor_token").fetch_one(&bench.pool).await.unwrap();
    assert!(!sealed.windows(6).any(|bytes| bytes == b"1000.a"));

    let found_refused = other.begin(CREDENTIAL, Some(1), noon()).await.unwrap();
    let Turn::Refresh(lease) = found_refused else { panic!("its turn: {found_refused:?}") };
    other.end(CREDENTIAL, lease, token("1000.c.d")).await.unwrap();
    let Turn::Token(newer) = one.begin(CREDENTIAL, Some(1), noon()).await.unwrap() else { panic!("a token") };
    assert_eq!((newer.secret.expose_secret(), newer.generation), ("1000.c.d", 2));
}

#[tokio::test]
async fn the_allowance_is_one_for_all_nodes_and_a_token_of_another_key_is_of_no_use() {
    let bench = Bench::new().await;
    for _ in 0..5 {
        let restarted = VendorTokens::new(bench.pool.clone(), Secrets::new(&[7; 32]));
        let Turn::Refresh(lease) = restarted.begin(CREDENTIAL, None, noon()).await.unwrap() else { panic!("its turn") };
        restarted.end(CREDENTIAL, lease, Refreshed::None).await.unwrap();
    }
    let node = VendorTokens::new(bench.pool.clone(), Secrets::new(&[7; 32]));
    let full = node.begin(CREDENTIAL, None, noon()).await.unwrap();
    assert!(matches!(full, Turn::Wait { wait: Wait::Allowance, .. }), "{full:?}");
    let later = noon() + TimeDelta::minutes(11);
    let Turn::Refresh(lease) = node.begin(CREDENTIAL, None, later).await.unwrap() else { panic!("its turn") };
    node.end(CREDENTIAL, lease, token("1000.a.b")).await.unwrap();
    let stranger = VendorTokens::new(bench.pool.clone(), Secrets::new(&[8; 32]));
    assert!(matches!(stranger.begin(CREDENTIAL, None, later).await.unwrap(), Turn::Refresh(_)));
}

#[tokio::test]
async fn nodes_of_one_database_ask_zoho_for_one_token_and_a_restart_for_none() {
    let (bench, world) = tokio::join!(Bench::new(), World::start());
    let asked = || world.sandbox.world.exchanges.list().iter().filter(|one| one.operation == "token.refresh").count();
    let node = || world.node(Arc::new(VendorTokens::new(bench.pool.clone(), Secrets::new(&[7; 32]))));
    let list = Asked { page: 1, order: Order::OldestFirst, time_limit: Duration::from_secs(10) };
    let before = asked();
    let (one, other) = (node(), node());
    let (first, second) = tokio::join!(one.list_plans(list), other.list_plans(list));
    assert_eq!((first.unwrap().items.len(), second.unwrap().items.len(), asked()), (1, 1, before + 1));
    assert_eq!((node().list_plans(list).await.unwrap().items.len(), asked()), (1, before + 1), "a restart");
    world.advance(TimeDelta::hours(2));
    let (first, second) = tokio::join!(one.list_plans(list), other.list_plans(list));
    assert_eq!((first.unwrap().items.len(), second.unwrap().items.len(), asked()), (1, 1, before + 2));
}
