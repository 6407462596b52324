//! The task that sends due webhooks, each vendor with its own patience, and lets the vendors live as time passes.
//!
//! Headers and bytes go out exactly as the vendor's module made them.

use super::{
    World, attio, braintree, crm,
    faults::Vendor,
    hooks::{Attempt, Job},
    zoho,
};
use chrono::TimeDelta;
use std::{sync::Arc, time::Duration};

/// How long a listener may take; Braintree documents 30 s, the others name no figure.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the task looks without being woken: real time passes too.
const LOOK: Duration = Duration::from_millis(250);

/// The gap before the attempt that follows the `made`-th one, or none when the vendor gives up.
fn gap(vendor: Vendor, made: usize) -> Option<TimeDelta> {
    match vendor {
        // Every hour for 24 hours (Braintree's webhook guide, production).
        Vendor::Braintree => (made <= 24).then(|| TimeDelta::hours(1)),
        // Up to ten retries over about three days, exponentially (Attio's webhook guide): 4 min · (2^10 - 1) ≈ 2.8 d.
        Vendor::Attio => (made <= 10).then(|| TimeDelta::minutes(4 << (made - 1))),
        // Sends no webhooks.
        Vendor::Mail => None,
        // Zoho publishes no schedule: a few tries within some hours, then the event is lost.
        Vendor::Zoho | Vendor::ZohoCrm | Vendor::ZohoDesk => {
            [5, 30, 120].get(made - 1).map(|minutes| TimeDelta::minutes(*minutes))
        }
    }
}

/// Runs until the sandbox closes.
pub(super) async fn run(world: Arc<World>) {
    let client = client();
    loop {
        tick(&world);
        for job in world.hooks.take_due(world.clock.now()) {
            tokio::spawn(deliver(world.clone(), client.clone(), job));
        }
        tokio::select! {
            () = world.hooks.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = world.closing.cancelled() => return,
        }
    }
}

/// Lets every vendor do what became due.
pub(super) fn tick(world: &World) {
    let now = world.clock.now();
    braintree::tick(world, now);
    zoho::tick(world, now);
    crm::tick(world, now);
    attio::tick(world, now);
}

async fn deliver(world: Arc<World>, client: reqwest::Client, job: Job) {
    let mut request = client.post(&job.target).body(job.hook.body.clone());
    for (name, value) in &job.hook.headers {
        request = request.header(name, value);
    }
    let status = request.send().await.ok().map(|answer| answer.status());
    let delivered = status.is_some_and(|s| s.is_success());
    let attempt = Attempt { at: world.clock.now(), status: status.map(|s| s.as_u16()) };
    let next = gap(job.hook.vendor, world.hooks.attempts(job.id) + 1);
    let gave_up = world.hooks.tried(job.id, attempt, delivered, next);
    if job.hook.vendor == Vendor::Attio && (delivered || gave_up) {
        attio::delivery_ended(&world, &job.hook.body, delivered);
    }
}

fn client() -> reqwest::Client {
    // Fails only when some other part of the program installed one first, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("the crypto provider is installed")
}
