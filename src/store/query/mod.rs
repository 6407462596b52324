//! Reading for people and for the scheduler. Pages by cursor; never locks, never writes.

mod lists;
mod transactions;

pub use lists::{SagaCursor, SagaFilter, SagaLine, counts, due, forgotten, next_due, saga, sagas};
pub use transactions::{LogCursor, LogEntry, LogFilter, stream_transactions, transactions};
