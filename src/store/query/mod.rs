//! Reading for people and for the scheduler. Pages by cursor; never locks, never writes.

mod lists;
mod standing;
mod transactions;

pub(in crate::store) use lists::SagaColumns;
pub use lists::{SagaCursor, SagaFilter, SagaLine, due, forgotten, next_due, saga, sagas};
pub use standing::{Standing, Waiting, standing, waiting_for_vendors};
pub use transactions::{LogCursor, LogEntry, LogFilter, stream_transactions, transactions};
