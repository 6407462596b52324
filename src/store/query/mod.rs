//! Reading for people and for the scheduler. Pages by cursor; never locks, never writes.

mod census;
mod lists;
mod transactions;

pub use census::{Census, Waiting, awaited, census, waiting_for_vendors};
pub(in crate::store) use lists::SagaColumns;
pub use lists::{SagaCursor, SagaFilter, SagaLine, due, forgotten, next_due, saga, sagas, under_way, unreadable};
pub use transactions::{LogCursor, LogEntry, LogFilter, stream_transactions, transactions};
