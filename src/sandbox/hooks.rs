//! Webhooks from the simulated vendors to whoever listens: queued here, on order dropped, doubled, held or reordered.
//!
//! It decides what is due and keeps the log; the sending itself is `deliver`'s.

use super::faults::Vendor;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use uuid::Uuid;

/// Attio sends at most so many requests per second to one URL (Attio's webhook guide).
const ATTIO_PER_SECOND: usize = 25;

/// One webhook as the vendor would send it, signature headers included.
#[derive(Clone)]
pub struct Hook {
    pub vendor: Vendor,
    /// The vendor's own event name, for the control API.
    pub kind: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl fmt::Debug for Hook {
    /// Neither signatures nor bodies belong into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("vendor", &self.vendor).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Due now or at its next attempt.
    Waiting,
    /// Kept back until enough others have come to be reordered with it.
    Collected,
    InFlight,
    Delivered,
    /// The vendor's last attempt failed.
    GivenUp,
    /// Lost on order.
    Dropped,
    /// Nobody had told where to deliver; it can be resent.
    NoTarget,
}

/// One try to deliver.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Attempt {
    /// Sandbox time, UTC.
    pub at: DateTime<Utc>,
    /// The listener's answer; none if it could not be reached in time.
    pub status: Option<u16>,
}

/// A line of the delivery log.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Delivery {
    pub id: Uuid,
    pub vendor: Vendor,
    /// The vendor's own event name.
    pub kind: String,
    pub target: Option<String>,
    pub standing: Standing,
    pub attempts: Vec<Attempt>,
    /// When the next attempt is due (sandbox time, UTC); none: at once, or never again.
    pub due: Option<DateTime<Utc>>,
    #[serde(skip)]
    hook: Hook,
    /// Not before this one was tried: how an order among deliveries is enforced.
    #[serde(skip)]
    after: Option<Uuid>,
}

/// What is sent now.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: Uuid,
    pub(super) target: String,
    pub(super) hook: Hook,
}

/// Misbehaviour on order, as `POST /control/webhooks` takes it.
#[derive(Debug, Clone, Copy)]
pub enum Mischief {
    Drop,
    Duplicate,
    Reorder,
}

/// For how many more webhooks, and of which vendor (none: any).
#[derive(Debug, Default, Clone, Copy)]
struct Order {
    vendor: Option<Vendor>,
    left: u32,
}

impl Order {
    fn strikes(&mut self, vendor: Vendor) -> bool {
        let strikes = self.left > 0 && self.vendor.is_none_or(|v| v == vendor);
        self.left -= u32::from(strikes);
        strikes
    }
}

#[derive(Debug, Default)]
struct Queue {
    targets: BTreeMap<Vendor, String>,
    deliveries: Vec<Delivery>,
    drop: Order,
    duplicate: Order,
    reorder: Order,
    held: bool,
    /// When requests to Attio's listeners left within the last second.
    attio_sent: VecDeque<(Instant, String)>,
}

/// The queue of outgoing webhooks and the log of what became of them.
#[derive(Debug, Default)]
pub struct Hooks {
    queue: Mutex<Queue>,
    changed: Notify,
}

impl Hooks {
    /// Queues one webhook for the vendor's target; the ids of its deliveries (two if it is doubled on order).
    pub fn send(&self, hook: Hook) -> Vec<Uuid> {
        self.enqueue(hook, None)
    }

    /// Queues one webhook for a URL that the vendor was told by its API; a target set for the vendor goes first, so
    /// that a sandbox in a container can reach a listener under another name.
    pub fn send_to(&self, hook: Hook, url: String) {
        self.enqueue(hook, Some(url));
    }

    fn enqueue(&self, hook: Hook, url: Option<String>) -> Vec<Uuid> {
        let mut queue = self.lock();
        let target = queue.targets.get(&hook.vendor).cloned().or(url);
        let vendor = hook.vendor;
        let dropped = queue.drop.strikes(vendor);
        let copies = 1 + usize::from(!dropped && queue.duplicate.strikes(vendor));
        let collected = !dropped && queue.reorder.strikes(vendor);
        let standing = match (dropped, &target, collected) {
            (true, _, _) => Standing::Dropped,
            (_, None, _) => Standing::NoTarget,
            (_, _, true) => Standing::Collected,
            (_, _, false) => Standing::Waiting,
        };
        let ids: Vec<Uuid> = std::iter::repeat_with(Uuid::now_v7).take(copies).collect();
        for (id, hook) in ids.iter().zip(std::iter::repeat_n(hook, copies)) {
            queue.deliveries.push(Delivery {
                id: *id,
                vendor,
                kind: hook.kind.clone(),
                target: target.clone(),
                standing,
                attempts: Vec::new(),
                due: None,
                hook,
                after: None,
            });
        }
        if collected && queue.reorder.left == 0 {
            queue.release_reversed();
        }
        drop(queue);
        self.wake();
        ids
    }

    /// Where a delivery stands, and when it was last tried (sandbox time, UTC).
    pub fn standing(&self, id: Uuid) -> Option<(Standing, Option<DateTime<Utc>>)> {
        let queue = self.lock();
        let delivery = queue.deliveries.iter().find(|delivery| delivery.id == id)?;
        Some((delivery.standing, delivery.attempts.last().map(|attempt| attempt.at)))
    }

    /// The URL that a vendor's webhooks go to (some signatures cover its query), where one is set.
    pub fn target(&self, vendor: Vendor) -> Option<String> {
        self.lock().targets.get(&vendor).cloned()
    }

    /// Sets where a vendor's webhooks go, or with `None` that they go nowhere (Attio, Zoho CRM: to the URL
    /// given to its API).
    pub fn aim(&self, vendor: Vendor, url: Option<String>) {
        let mut queue = self.lock();
        match url {
            Some(url) => queue.targets.insert(vendor, url),
            None => queue.targets.remove(&vendor),
        };
    }

    /// Orders mischief for the next `times` webhooks. An order for reordering releases what an earlier one collected.
    pub fn order(&self, mischief: Mischief, vendor: Option<Vendor>, times: u32) {
        let mut queue = self.lock();
        let order = Order { vendor, left: times };
        match mischief {
            Mischief::Drop => queue.drop = order,
            Mischief::Duplicate => queue.duplicate = order,
            Mischief::Reorder => {
                queue.release_reversed();
                queue.reorder = order;
            }
        }
        drop(queue);
        self.wake();
    }

    /// Keeps everything back, or lets it go.
    pub fn hold(&self, held: bool) {
        self.lock().held = held;
        self.wake();
    }

    /// Delivers a logged webhook once more, the same bytes, as a vendor's console can; false if there is none with
    /// this id, or nowhere to send it.
    pub fn resend(&self, id: Uuid) -> bool {
        let mut queue = self.lock();
        let Some(hook) = queue.deliveries.iter().find(|d| d.id == id).map(|d| (d.hook.clone(), d.target.clone()))
        else {
            return false;
        };
        let target = queue.targets.get(&hook.0.vendor).cloned().or(hook.1);
        let Some(delivery) = queue.deliveries.iter_mut().find(|d| d.id == id) else { return false };
        if target.is_none() || delivery.standing == Standing::InFlight {
            return false;
        }
        delivery.target = target;
        delivery.standing = Standing::Waiting;
        delivery.due = None;
        drop(queue);
        self.wake();
        true
    }

    /// The log, oldest first.
    pub fn log(&self) -> Vec<Delivery> {
        self.lock().deliveries.clone()
    }

    /// Whether deliveries are kept back, and each vendor's target.
    pub fn settings(&self) -> (bool, BTreeMap<Vendor, String>) {
        let queue = self.lock();
        (queue.held, queue.targets.clone())
    }

    /// Forgets the log and all orders; the targets stay.
    pub fn clear(&self) {
        let mut queue = self.lock();
        *queue = Queue { targets: std::mem::take(&mut queue.targets), ..Queue::default() };
    }

    /// Lets the delivery task look again.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Completes when something changed.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes what is due, in the order in which it was queued.
    pub(super) fn take_due(&self, now: DateTime<Utc>) -> Vec<Job> {
        let mut queue = self.lock();
        if queue.held {
            return Vec::new();
        }
        let ready: Vec<usize> = (0..queue.deliveries.len()).filter(|at| queue.is_due(*at, now)).collect();
        let mut jobs = Vec::with_capacity(ready.len());
        for at in ready {
            let delivery = &queue.deliveries[at];
            let Some(target) = delivery.target.clone() else { continue };
            if delivery.vendor == Vendor::Attio && !queue.attio_may_send(&target) {
                continue;
            }
            let delivery = &mut queue.deliveries[at];
            delivery.standing = Standing::InFlight;
            jobs.push(Job { id: delivery.id, target, hook: delivery.hook.clone() });
        }
        jobs
    }

    /// Notes an attempt. `next` is the gap until the following one; with none the vendor gives up. True if it gave up.
    pub(super) fn tried(&self, id: Uuid, attempt: Attempt, delivered: bool, next: Option<TimeDelta>) -> bool {
        let mut queue = self.lock();
        // Gone if the sandbox was reset meanwhile.
        let Some(delivery) = queue.deliveries.iter_mut().find(|d| d.id == id) else { return false };
        delivery.due = next.filter(|_| !delivered).map(|gap| attempt.at + gap);
        delivery.standing = match (delivered, next) {
            (true, _) => Standing::Delivered,
            (false, Some(_)) => Standing::Waiting,
            (false, None) => Standing::GivenUp,
        };
        delivery.attempts.push(attempt);
        let gave_up = delivery.standing == Standing::GivenUp;
        drop(queue);
        self.wake();
        gave_up
    }

    /// How many attempts were made for a delivery.
    pub(super) fn attempts(&self, id: Uuid) -> usize {
        self.lock().deliveries.iter().find(|d| d.id == id).map_or(0, |d| d.attempts.len())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().expect("hooks lock")
    }
}

impl Queue {
    fn is_due(&self, at: usize, now: DateTime<Utc>) -> bool {
        let delivery = &self.deliveries[at];
        delivery.standing == Standing::Waiting
            && delivery.due.is_none_or(|due| due <= now)
            && delivery.after.is_none_or(|id| {
                self.deliveries.iter().find(|d| d.id == id).is_none_or(|first| !first.attempts.is_empty())
            })
    }

    /// Lets the collected ones go, last come first, each only after the one before it was tried.
    fn release_reversed(&mut self) {
        let mut before = None;
        for delivery in self.deliveries.iter_mut().rev().filter(|d| d.standing == Standing::Collected) {
            delivery.standing = Standing::Waiting;
            delivery.after = before.replace(delivery.id);
        }
    }

    fn attio_may_send(&mut self, target: &str) -> bool {
        self.attio_sent.retain(|(sent, _)| sent.elapsed() < Duration::from_secs(1));
        let room = self.attio_sent.iter().filter(|(_, to)| to == target).count() < ATTIO_PER_SECOND;
        if room {
            self.attio_sent.push_back((Instant::now(), target.to_owned()));
        }
        room
    }
}
