//! What is handed in against a dispute at Braintree.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a document is: the forms that Braintree takes as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentForm {
    Pdf,
    Png,
    Jpeg,
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "piece", rename_all = "snake_case")]
pub enum EvidencePiece {
    /// A text, sealed: it can name a person.
    Text {
        /// The sealed text.
        input: Uuid,
        /// Braintree's category, e.g. `CARRIER_NAME`.
        category: Option<String>,
        /// Which of several of that category.
        sequence: Option<u32>,
    },
    /// A document that was uploaded before.
    File {
        /// Id of the upload.
        document: String,
        /// Braintree's category.
        category: Option<String>,
    },
}

impl EvidencePiece {
    /// The sealed text, where it is one.
    pub const fn input(&self) -> Option<Uuid> {
        match self {
            Self::Text { input, .. } => Some(*input),
            Self::File { .. } => None,
        }
    }
}
