//! A decision in the making, for flows that decide in several small events.

use super::saga::{At, Saga};

/// Events so far, and the state after them: each event is applied before the next one is decided.
pub(crate) struct Turn<'a, S: Saga> {
    pub(crate) state: S::State,
    pub(crate) at: &'a At,
    pub(crate) out: Vec<S::Event>,
}

impl<'a, S: Saga> Turn<'a, S> {
    pub(crate) fn new(state: &S::State, at: &'a At) -> Self {
        Self { state: state.clone(), at, out: Vec::new() }
    }

    pub(crate) fn push(&mut self, event: S::Event) {
        S::evolve(&mut self.state, &event);
        self.out.push(event);
    }
}
