//! Evidence for disputes: texts, uploaded files, their removal, and what the sandbox's bank makes of them.

use super::call::Call;
use super::codes::{self, Code};
use super::dispute::{Dispute, Document, Evidence, Status};
use super::disputes::{self, refused};
use super::multipart;
use super::reply::{Errors, Reply};
use super::state::letters;
use super::{fields, settlement, show_dispute};
use crate::World;
use axum::extract::State as Shared;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use std::sync::Arc;

/// The texts that decide a dispute in the gateway's sandbox.
const WINS: &str = "compelling_evidence";
const LOSES: &str = "losing_evidence";
const LONGEST_TEXT: usize = 500;
/// Bytes of one file.
const LARGEST_FILE: usize = 4 * 1024 * 1024;
/// How long a file waits for its dispute.
const DOCUMENT_LIFE: TimeDelta = TimeDelta::days(30);
const DOCUMENT_KIND: &str = "evidence_document";
/// Categories of texts and of files, from the gateway's list for card disputes.
const TEXT_CATEGORIES: &[&str] = &[
    "CARRIER_NAME",
    "TRACKING_NUMBER",
    "TRACKING_URL",
    "DEVICE_ID",
    "DEVICE_NAME",
    "DOWNLOAD_DATE_TIME",
    "GEOGRAPHICAL_LOCATION",
    "PRIOR_DIGITAL_GOODS_TRANSACTION_ARN",
    "PRIOR_DIGITAL_GOODS_TRANSACTION_DATE_TIME",
    "PRIOR_DIGITAL_GOODS_TRANSACTION_EMAIL_ADDRESS",
    "PRIOR_DIGITAL_GOODS_TRANSACTION_ID",
    "PRIOR_NON_DISPUTED_TRANSACTION_ARN",
    "PRIOR_NON_DISPUTED_TRANSACTION_DATE_TIME",
    "PRIOR_NON_DISPUTED_TRANSACTION_EMAIL_ADDRESS",
    "PRIOR_NON_DISPUTED_TRANSACTION_ID",
    "PROOF_OF_FULFILLMENT_EMAIL_ADDRESS",
    "PURCHASER_EMAIL_ADDRESS",
    "PURCHASER_IP_ADDRESS",
    "PURCHASER_NAME",
    "RECURRING_TRANSACTION_ARN",
    "RECURRING_TRANSACTION_DATE_TIME",
    "RECURRING_TRANSACTION_ID",
    "REFUND_ID",
];
const FILE_CATEGORIES: &[&str] = &[
    "AVS_CHECK",
    "CREDIT_ISSUED",
    "GENERAL",
    "LEGIT_PAYMENTS_FOR_SAME_MERCHANDISE",
    "MERCHANT_WEBSITE_OR_APP_ACCESS",
    "PROFILE_SETUP_OR_APP_ACCESS",
    "PROOF_OF_AUTHORIZED_SIGNER",
    "PROOF_OF_DELIVERY",
    "PROOF_OF_DELIVERY_EMP_ADDRESS",
    "PROOF_OF_FULFILLMENT",
    "PROOF_OF_POSSESSION_OR_USAGE",
    "SIGNED_DELIVERY_FORM",
    "SIGNED_ORDER_FORM",
    "TICKET_PROOF",
];

/// `POST /disputes/{id}/evidence`: a text, or a file that was uploaded before.
pub(super) async fn add(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("evidence", &fields::EVIDENCE) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let document = match ask.text("document_upload_id") {
        Some(id) => match state.documents.get(&id).filter(|d| d.expires_at > now) {
            Some(document) => Some(document.clone()),
            None => return Reply::NotFound,
        },
        None => None,
    };
    let Some(dispute) = disputes::dispute_mut(&mut state, call.id()) else { return Reply::NotFound };
    let piece = Evidence {
        id: letters(16),
        comment: ask.text("comments"),
        document,
        category: ask.text("category"),
        sequence_number: ask.text("sequence_number"),
        created_at: now,
        sent_on: None,
    };
    if let Some((attribute, code)) = fault(dispute, &piece) {
        return refused(attribute, code);
    }
    let shown = show_dispute::evidence(&piece);
    dispute.evidence.push(piece);
    dispute.updated_at = now;
    Reply::Made("evidence", shown)
}

fn fault(dispute: &Dispute, piece: &Evidence) -> Option<(&'static str, Code)> {
    if dispute.status != Status::Open {
        return Some(("status", codes::EVIDENCE_NOT_OPEN));
    }
    if piece.comment.as_ref().is_some_and(|text| text.chars().count() > LONGEST_TEXT) {
        return Some(("comments", codes::EVIDENCE_TOO_LONG));
    }
    let category = piece.category.as_deref()?;
    let (own, other, code) = if piece.document.is_some() {
        (FILE_CATEGORIES, TEXT_CATEGORIES, codes::EVIDENCE_TEXT_ONLY)
    } else {
        (TEXT_CATEGORIES, FILE_CATEGORIES, codes::EVIDENCE_DOCUMENT_ONLY)
    };
    if own.contains(&category) {
        None
    } else if other.contains(&category) {
        Some(("category", code))
    } else {
        Some(("category", codes::EVIDENCE_CATEGORY))
    }
}

/// `DELETE /disputes/{id}/evidence/{id}`.
pub(super) async fn remove(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let Some(dispute) = disputes::dispute_mut(&mut state, call.id()) else { return Reply::NotFound };
    let Some(place) = dispute.evidence.iter().position(|piece| piece.id == call.id_below()) else {
        return Reply::NotFound;
    };
    if dispute.status != Status::Open {
        return refused("status", codes::EVIDENCE_STAYS);
    }
    dispute.evidence.remove(place);
    dispute.updated_at = now;
    Reply::Deleted
}

/// What the sandbox's bank decides at once: by the testing values among the texts, nothing otherwise.
pub(super) fn verdict(dispute: &Dispute) -> Option<Status> {
    let says = |word: &str| dispute.evidence.iter().any(|piece| piece.comment.as_deref() == Some(word));
    if says(LOSES) {
        Some(Status::Lost)
    } else if says(WINS) {
        Some(Status::Won)
    } else {
        None
    }
}

/// `POST /document_uploads`: a form with `document_upload[kind]` and `file`.
pub(super) async fn upload(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let Some(parts) = multipart::parts(&call.content_type, &call.raw) else { return Reply::Unreadable };
    let part = |name: &str| parts.iter().find(|part| part.name == name);
    let kind = part("document_upload[kind]").map(|p| String::from_utf8_lossy(p.content).into_owned());
    let file = part("file");
    match document(kind.unwrap_or_default(), file, now) {
        Ok(document) => {
            let shown = show_dispute::document(&document);
            settlement::open(&world, now).documents.insert(document.id.clone(), document);
            Reply::Made("document-upload", shown)
        }
        Err((attribute, code)) => Reply::Invalid(Errors::one(&["document_upload"], attribute, code), Value::Null),
    }
}

fn document(
    kind: String,
    file: Option<&multipart::Part<'_>>,
    now: DateTime<Utc>,
) -> Result<Document, (&'static str, Code)> {
    if kind != DOCUMENT_KIND {
        return Err(("kind", codes::DOCUMENT_KIND));
    }
    let file = file.ok_or(("file", codes::DOCUMENT_EMPTY))?;
    // By what is inside: a name proves nothing.
    let content_type = match file.content {
        [] => return Err(("file", codes::DOCUMENT_EMPTY)),
        [b'%', b'P', b'D', b'F', ..] => "application/pdf",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        _ => return Err(("file", codes::DOCUMENT_TYPE)),
    };
    if file.content.len() > LARGEST_FILE {
        return Err(("file", codes::DOCUMENT_TOO_LARGE));
    }
    Ok(Document {
        id: letters(16),
        kind,
        name: file.file_name.clone().unwrap_or_default(),
        content_type,
        size: file.content.len(),
        expires_at: now + DOCUMENT_LIFE,
    })
}
