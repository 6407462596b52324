//! Points at which a test may stop the engine dead, as a killed process would stop. In the service nothing listens.

use sagas::kernel::ids::SagaId;

/// Where in a saga's life the engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Point {
    /// Events are decided, nothing is written.
    BeforeAppend,
    /// Events are written, nothing followed yet.
    AfterAppend,
    /// The `Sending` mark is written, no byte has left.
    AfterSendingMark,
    /// The vendor has answered, the answer is not written.
    AfterCall,
}

/// Listens at the points.
pub trait Hooks: Send + Sync {
    /// True: the engine ends here, as if the process were killed.
    fn crash(&self, point: Point, saga: SagaId) -> bool;
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn crash(&self, _point: Point, _saga: SagaId) -> bool {
        false
    }
}
