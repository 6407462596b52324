//! An operator's order on its way to the machine: is it meant for the saga as it stands, has a second person agreed where
//! two are needed, and what vendor and books show now. Decides nothing about money: the machine does.

use super::drive::Driver;
use crate::store::items::Item;
use crate::store::standing;
use sagas::kernel::machine::What;
use sagas::kernel::verb::{Asked, Evidence, Order};
use serde_json::Value;

impl Driver {
    /// The machine's command for an order, with what must be known for it.
    ///
    /// # Errors
    /// Why it is refused before the machine sees it, for the record.
    pub(super) async fn ordered(
        &self,
        item: &Item,
        order: Order,
        if_sequence: Option<u64>,
    ) -> Result<What<Value>, String> {
        let (verb, saga, now) = (order.verb.word(), self.saga, self.live.sequence());
        if let Some(then) = if_sequence.filter(|then| *then != now) {
            return Err(format!(
                "cannot {verb} saga {saga}: it has moved on since it was looked at (event {then} then, {now} now); look at \
                 it again, then order anew"
            ));
        }
        if order.approver.is_none() && self.engine.settings.two_persons.contains(verb) {
            return Err(format!(
                "cannot {verb} saga {saga}: this needs a second person; ask with `saga {verb}`, and have another person \
                 approve the request"
            ));
        }
        let evidence = self.evidence(&order).await.map_err(|why| format!("cannot {verb} saga {saga}: {why}"))?;
        Ok(What::Verb { item: Some(item.id.to_string()), kind: item.kind.clone(), order, evidence })
    }

    async fn evidence(&self, order: &Order) -> Result<Evidence, String> {
        let needs = self.live.needs(&order.verb, self.engine.clock.now());
        let look = match &needs.call {
            Some(Asked::Look(open)) => Some(self.read(open, None).await),
            Some(Asked::Reference(open, id)) => Some(self.read(open, Some(id)).await),
            None => None,
        };
        let store = &self.engine.store;
        let standing = if needs.standing {
            let read = standing::of(&store.pool, store.node.shard_of(self.saga), self.saga).await;
            Some(read.map_err(|e| format!("our own books cannot be read now ({e}); try again"))?)
        } else {
            None
        };
        Ok(Evidence { look, standing })
    }
}
