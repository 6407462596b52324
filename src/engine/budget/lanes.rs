//! Calls under way at a vendor: at most so many at once, and whoever goes first gets the next free place.

use sagas::kernel::priority::Priority;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::oneshot;

/// The places at one vendor.
#[derive(Debug)]
pub(crate) struct Lanes(Mutex<State>);

#[derive(Debug)]
struct State {
    places: u32,
    taken: u32,
    came: u64,
    waiting: BTreeMap<(Priority, u64), oneshot::Sender<Place>>,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Option<Arc<Lanes>>);

impl Drop for Place {
    fn drop(&mut self) {
        let Some(lanes) = self.0.take() else { return };
        let mut state = lanes.state();
        state.taken -= 1;
        state.let_in(&lanes);
    }
}

impl Lanes {
    pub(crate) fn new(places: u32) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { places, taken: 0, came: 0, waiting: BTreeMap::new() })))
    }

    /// Waits for a place.
    pub(crate) async fn enter(self: &Arc<Self>, priority: Priority) -> Place {
        let entered = {
            let mut state = self.state();
            let (sender, receiver) = oneshot::channel();
            state.came += 1;
            let came = state.came;
            state.waiting.insert((priority, came), sender);
            state.let_in(self);
            receiver
        };
        // A sender is dropped only after it has spoken: the lanes live as long as whoever waits.
        entered.await.unwrap_or(Place(None))
    }

    /// How many there are from now on; who is in stays.
    pub(crate) fn resize(self: &Arc<Self>, places: u32) {
        let mut state = self.state();
        state.places = places;
        state.let_in(self);
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> u32 {
        self.state().taken
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl State {
    fn let_in(&mut self, lanes: &Arc<Lanes>) {
        while let Some(first) = self.waiting.first_entry() {
            // The last place of several is for recording and resolving.
            let kept = u32::from(first.key().0 != Priority::Recording && self.places > 2);
            if self.taken + kept >= self.places {
                return;
            }
            match first.remove().send(Place(Some(Arc::clone(lanes)))) {
                Ok(()) => self.taken += 1,
                // Who has given up waiting takes no place, and has none to give back.
                Err(mut place) => place.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn the_next_free_place_goes_to_whoever_goes_first_and_the_last_one_to_records() {
        let lanes = Lanes::new(3);
        let first = lanes.enter(Priority::Batch).await;
        let second = lanes.enter(Priority::Batch).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        for priority in [Priority::Batch, Priority::Customer, Priority::Background] {
            let (lanes, order) = (Arc::clone(&lanes), Arc::clone(&order));
            tasks.spawn(async move {
                let _place = lanes.enter(priority).await;
                order.lock().expect("the order").push(priority);
            });
        }
        while lanes.state().waiting.len() < 3 {
            tokio::task::yield_now().await;
        }
        let record = tokio::time::timeout(Duration::from_secs(5), lanes.enter(Priority::Recording)).await;
        drop((record.expect("a place is kept for records"), first));
        while tasks.join_next().await.is_some() {}
        drop(second);
        assert_eq!(*order.lock().expect("the order"), [Priority::Customer, Priority::Batch, Priority::Background]);
        assert_eq!(lanes.taken(), 0);
    }
}
