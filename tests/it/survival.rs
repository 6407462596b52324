//! The real binary, killed without warning while invoices are raised: no acknowledged webhook is lost, and each invoice is
//! charged exactly once. The simulated vendors live in the test process, so they see everything that was really sent.

use crate::postgres::database;
use crate::siege::{Front, Siege};
use attio_billing::store::embedded::{self, Embedded, Options};
use rand::RngExt;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_killed_at_random_moments_loses_no_webhook_and_charges_each_invoice_once() {
    let database = database().await;
    let siege = Siege::lay(database.url()).await;
    for _ in 0..3 {
        let serving = siege.serve().await;
        siege.load(300, 1_500).await;
        serving.kill().await;
        siege.keeps_what_it_acknowledged().await;
    }
    let serving = siege.serve().await;
    siege.load(100, 500).await;
    siege.recovers().await;
    siege.is_whole().await;
    serving.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_services_on_one_database_survive_the_death_of_any() {
    let database = database().await;
    let siege = Siege::lay(database.url()).await;
    let mut services = vec![siege.serve().await, siege.serve().await, siege.serve().await];
    for _ in 0..3 {
        siege.load(300, 1_500).await;
        // The one that dies may be the one that the webhooks go to; the new one is told of them again. Now and then two
        // die at once.
        let die = if rand::random() { 1 } else { 2 };
        for _ in 0..die {
            let which = rand::rng().random_range(0..services.len());
            services.swap_remove(which).kill().await;
        }
        siege.keeps_what_it_acknowledged().await;
        siege.load(100, 500).await;
        while services.len() < 3 {
            services.push(siege.serve().await);
        }
    }
    siege.recovers().await;
    siege.is_whole().await;
    for service in services {
        service.kill().await;
    }
}

async fn durable(place: &Path) -> Embedded {
    embedded::start(Options { folder: Some(place.to_path_buf()), ..Options::default() }).await.unwrap()
}

fn kill_postmaster(place: &Path) {
    let file = std::fs::read_to_string(place.join("postgres/cluster/data/postmaster.pid")).unwrap();
    let pid = Pid::from_raw(file.lines().next().unwrap().parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_killed_under_load_loses_no_acknowledged_webhook_and_no_event() {
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
    let mut server = durable(place.path()).await;
    let front = Front::open().await;
    let siege = Siege::lay(&front.lead_to(&server)).await;
    let serving = siege.serve().await;
    for _ in 0..3 {
        siege.load(300, 1_500).await;
        kill_postmaster(place.path());
        // Webhooks come meanwhile, and are not acknowledged.
        siege.load(100, 400).await;
        siege.until("it says that it is not ready", async || !serving.is_ready().await).await;
        drop(server);
        server = durable(place.path()).await;
        front.lead_to(&server);
        siege.until("it is ready again", async || serving.is_ready().await).await;
        siege.keeps_what_it_acknowledged().await;
    }
    siege.recovers().await;
    siege.is_whole().await;
    serving.kill().await;
    server.stop().await.unwrap();
}
