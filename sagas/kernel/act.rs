//! What a CRM user presses to have something sold: the same acts, whoever collects.

use serde::{Deserialize, Serialize};

/// What a CRM user pressed on a subscription record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Show the price; no link yet.
    Quote,
    /// Send the customer the link to the page on which to pay.
    Start,
    /// A new link; the old one stops working.
    ResendLink,
    /// Once more after a failure.
    Retry,
    /// Call it off, before anything is bought.
    CancelNow,
}

impl Act {
    /// The option's title in Attio.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Quote => "Quote",
            Self::Start => "Start",
            Self::ResendLink => "Resend link",
            Self::Retry => "Retry",
            Self::CancelNow => "Cancel now",
        }
    }

    /// The word in keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Start => "start",
            Self::ResendLink => "resend_link",
            Self::Retry => "retry",
            Self::CancelNow => "cancel_now",
        }
    }
}
