//! One mailbox a saga: what came for it, and whether somebody is at work on it. One task at most drives a saga.

use crate::store::items::Item;
use sagas::kernel::ids::SagaId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

/// All mailboxes of this node that are in use.
#[derive(Debug, Default)]
pub(super) struct Mailboxes {
    open: Mutex<HashMap<SagaId, Mailbox>>,
}

#[derive(Debug, Default)]
struct Mailbox {
    items: VecDeque<Item>,
    /// The item being applied, so that a poll that still sees it does not queue it again.
    current: Option<uuid::Uuid>,
    poked: bool,
}

impl Mailboxes {
    fn lock(&self) -> MutexGuard<'_, HashMap<SagaId, Mailbox>> {
        self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Puts an item in, or merely pokes. True: nobody drives the saga yet, the caller must.
    pub(super) fn put(&self, saga: SagaId, item: Option<Item>) -> bool {
        let mut open = self.lock();
        let driven = open.contains_key(&saga);
        let mailbox = open.entry(saga).or_default();
        mailbox.poked = true;
        if let Some(item) = item
            && mailbox.current != Some(item.id)
            && !mailbox.items.iter().any(|i| i.id == item.id)
        {
            mailbox.items.push_back(item);
        }
        !driven
    }

    /// The next item of a saga.
    pub(super) fn next(&self, saga: SagaId) -> Option<Item> {
        let mut open = self.lock();
        let mailbox = open.get_mut(&saga)?;
        mailbox.poked = false;
        let item = mailbox.items.pop_front();
        mailbox.current = item.as_ref().map(|i| i.id);
        item
    }

    /// Closes the mailbox unless something came meanwhile. True: closed.
    pub(super) fn close(&self, saga: SagaId) -> bool {
        let mut open = self.lock();
        let busy = open.get(&saga).is_some_and(|m| m.poked || !m.items.is_empty());
        if !busy {
            open.remove(&saga);
        }
        !busy
    }

    /// Throws the mailbox away; what was in it is still in the database.
    pub(super) fn abandon(&self, saga: SagaId) {
        self.lock().remove(&saga);
    }

    /// Items that are in a mailbox or being applied: a poll need not bring them again.
    pub(super) fn items(&self) -> Vec<uuid::Uuid> {
        self.lock().values().flat_map(|m| m.items.iter().map(|i| i.id).chain(m.current)).collect()
    }

    /// Some saga that fits is being driven.
    pub(super) fn any(&self, fits: impl Fn(SagaId) -> bool) -> bool {
        self.lock().keys().any(|saga| fits(*saga))
    }

    /// The sagas that are being driven.
    pub(super) fn sagas(&self) -> Vec<SagaId> {
        self.lock().keys().copied().collect()
    }

    /// How many sagas are being driven.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }
}
