//! A dispute and its evidence as XML.

use super::dispute::{Dispute, Document, Evidence};
use super::money;
use super::show;
use super::transaction::Transaction;
use super::xml::{Fields, Xml};

/// The object of answers and webhooks.
pub(super) fn fields(of: &Transaction, dispute: &Dispute) -> Fields {
    let shown = |minor: i64| money::show(minor, &of.currency);
    let bought = Fields::new()
        .text("id", &of.id)
        .text("global_id", show::global_id("transaction", &of.id))
        .text("amount", shown(of.amount))
        .time("created_at", of.created_at)
        .maybe("order_id", of.order_id.as_deref())
        .maybe_count("installment_count", None)
        .nils(&["purchase_order_number"])
        .text("payment_instrument_subtype", of.card.brand);
    let history = dispute.history.iter().map(|(at, status)| {
        Xml::Node(
            Fields::new()
                .text("status", status.name())
                .time("timestamp", *at)
                .maybe_date("effective_date", Some(at.date_naive()))
                .nils(&["disbursement_date"]),
        )
    });
    Fields::new()
        .text("id", &dispute.id)
        .text("global_id", show::global_id("dispute", &dispute.id))
        .text("amount", shown(dispute.amount))
        .text("amount_disputed", shown(dispute.amount))
        .text("amount_won", shown(dispute.amount_won))
        .text("case_number", &dispute.case_number)
        .text("chargeback_protection_level", "not_protected")
        .text("protection_level", "No Protection")
        .text("currency_iso_code", &of.currency)
        .text("kind", &dispute.kind)
        .text("reason", &dispute.reason)
        .text("reason_code", &dispute.reason_code)
        .nils(&["reason_description", "processor_comments", "remaining_file_evidence_storage"])
        .maybe_date("received_date", Some(dispute.received_on))
        .maybe_date("date_opened", Some(dispute.received_on))
        .maybe_date("reply_by_date", Some(dispute.reply_by))
        .text("reference_number", &dispute.reference_number)
        .text("status", dispute.status.name())
        .text("pre_dispute_program", dispute.program)
        .maybe("original_dispute_id", dispute.original_id.as_deref())
        .text("merchant_account_id", &of.merchant_account)
        .time("created_at", dispute.created_at)
        .time("updated_at", dispute.updated_at)
        .array("evidence", "evidence", dispute.evidence.iter().map(evidence).collect())
        .array("status_history", "status-history", history.collect())
        .node("transaction", bought)
}

/// One piece of evidence.
pub(super) fn evidence(of: &Evidence) -> Xml {
    Xml::Node(
        Fields::new()
            .text("id", &of.id)
            .text("global_id", show::global_id("evidence", &of.id))
            .maybe("comment", of.comment.as_deref())
            .maybe(
                "url",
                of.document.as_ref().map(|d| format!("https://evidence.sandbox.example/{}", d.name)).as_deref(),
            )
            .maybe("document_upload_id", of.document.as_ref().map(|d| d.id.as_str()))
            .maybe("category", of.category.as_deref())
            .maybe("sequence_number", of.sequence_number.as_deref())
            .time("created_at", of.created_at)
            .maybe_date("sent_to_processor_at", of.sent_on),
    )
}

/// An uploaded file.
pub(super) fn document(of: &Document) -> Xml {
    Xml::Node(
        Fields::new()
            .text("id", &of.id)
            .text("global_id", show::global_id("documentupload", &of.id))
            .text("kind", &of.kind)
            .text("name", &of.name)
            .text("content_type", of.content_type)
            .count("size", of.size)
            .time("expires_at", of.expires_at),
    )
}
