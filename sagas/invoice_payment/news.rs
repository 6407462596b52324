//! What messages say of an invoice, as far as the stream listens. Decides nothing: what is said is never believed.

use crate::kernel::opening::OpenedWith;
use serde::{Deserialize, Serialize};

/// What a message says of an invoice. Never believed: it only tells whether a fresh read could show anything new.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    /// Something may have changed.
    #[default]
    Changed,
    /// It was raised, which is nothing new once it was read as open.
    Raised,
    /// A payment was recorded, which is nothing new where the record is our own.
    Recorded {
        /// Zoho payment id.
        payment: String,
    },
    /// It was open when the books were opened: with that it stands in the opening position.
    Opened {
        /// As the flow that opens the books compared it.
        with: Box<OpenedWith>,
    },
}
