//! Which saga hears of what, and as which command: the one place where a vendor's event meets a flow.

use super::router::Router;
use super::{disputes, endings, natives, notices, payouts, plans};
use crate::connectors::braintree::webhook::{Notification, Subject};
use crate::connectors::zoho;
use crate::engine::items::Body;
use crate::port::{Beside, Call, Perform};
use crate::store::StoreError;
use crate::store::items::NewItem;
use crate::store::saga_store;
use sagas::braintree_recurring::{self, BraintreeRecurring};
use sagas::invoice_payment::{Command, InvoicePayment, News};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Braintree, Effect};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::outcome::{Outcome, RejectionKind};
use sagas::kernel::saga::Saga;
use sagas::refund::{self, Refund};
use serde_json::Value;
use uuid::Uuid;

/// What a delivery leads to.
pub(super) enum Trigger {
    /// Items, one per saga concerned.
    Items(Vec<NewItem>),
    /// Nothing, for this reason.
    Ignored(String),
    /// A person must look at the delivery.
    Dead(String),
    /// Cannot be told now.
    Later,
}

/// The command by which an invoice's stream is found or made. The stream reads the invoice itself.
pub(super) fn detected(
    organization: &str,
    installation: &Installation,
    invoice: &str,
    subscription: Option<&str>,
    source: &str,
    news: News,
    card_link: &Value,
) -> (SagaId, Body) {
    let command = Command::Detected {
        organization: organization.to_owned(),
        installation: installation.clone(),
        invoice: invoice.to_owned(),
        subscription: subscription.map(str::to_owned),
        source: source.to_owned(),
        news,
        card_link: Some(card_link.clone()),
    };
    let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
    (SagaId::of_invoice(organization, invoice), Body::Saga { command })
}

/// Zoho says that something happened to invoices, or to a subscription.
pub(super) async fn of_zoho(router: &Router, notice: &zoho::webhook::Notice) -> Trigger {
    let kind = shown(&notice.kind);
    if !FAMILIES.iter().any(|family| notice.kind.starts_with(family)) {
        return Trigger::Ignored(format!("`{kind}` is no event that this release knows"));
    }
    // Ids become keys and parts of addresses: nothing but an id may get there.
    if !notice.invoices.iter().chain(&notice.subscription).all(|id| is_zoho_id(id)) {
        return Trigger::Dead(format!("{kind}: an id of an invoice or subscription is none: expected 1 to 32 digits"));
    }
    let heard = match of_subscription(router, &kind, notice).await {
        Ok(heard) => heard,
        Err(e) => {
            tracing::warn!(error = %e, "whose subscription it is could not be read");
            return Trigger::Later;
        }
    };
    if notice.invoices.is_empty() && heard.is_empty() {
        return Trigger::Ignored(format!(
            "{kind} concerns no invoice, and neither end nor plan of a subscription of ours"
        ));
    }
    let item = |invoice: &String| {
        let (saga, body) = detected(
            &router.organization,
            &router.installation,
            invoice,
            notice.subscription.as_deref(),
            &format!("zoho.{}", notice.kind),
            news(notice),
            &router.card_link,
        );
        item(saga, format!("zoho.{}", notice.kind), "zoho", &body)
    };
    Trigger::Items(notice.invoices.iter().map(item).chain(heard).collect())
}

/// What the streams beside its invoices' hear of a subscription of ours: that it ends, that its plan or its dates changed.
async fn of_subscription(
    router: &Router,
    kind: &str,
    notice: &zoho::webhook::Notice,
) -> Result<Vec<NewItem>, StoreError> {
    let (store, organization, installation) = (&router.store, &router.organization, &router.installation);
    let subscription = notice.subscription.as_deref();
    let native = natives::noticed(store, installation, notice).await?;
    let ending = endings::noticed(store, organization, installation, kind, subscription).await?;
    let plan = plans::noticed(store, organization, installation, kind, subscription).await?;
    let dates = notices::noticed(store, organization, kind, subscription).await?;
    Ok(native.into_iter().chain(ending).chain(plan).chain(dates).collect())
}

/// What Zoho's event says of an invoice. Whatever is not known to tell nothing else counts as a change.
fn news(notice: &zoho::webhook::Notice) -> News {
    match (notice.kind.as_str(), &notice.payment) {
        ("invoice_created" | "subscription_created" | "subscription_activation" | "subscription_renewed", _) => {
            News::Raised
        }
        ("payment_thankyou", Some(payment)) => News::Recorded { payment: payment.clone() },
        _ => News::Changed,
    }
}

/// Braintree says that something happened: the object is fetched, and if it is a sale of ours its stream looks again.
pub(super) async fn of_braintree(router: &Router, notification: &Notification) -> Trigger {
    let kind = shown(&notification.kind);
    let kind = kind.as_str();
    let transaction = match &notification.subject {
        Subject::Transaction { id, .. } => id,
        Subject::Check => return Trigger::Ignored("Braintree's test button".to_owned()),
        Subject::Dispute { id, .. } => return disputed(router, kind, id).await,
        Subject::Subscription { id, .. } => return recurring(router, kind, id, &notification.subject).await,
        Subject::Disbursement { id, payout } => return payouts::noticed(router, kind, id, payout),
        other => return unawaited(router, kind, other).await,
    };
    let order_id = match fetch(router, transaction).await {
        Fetched::Found { order_id } => order_id,
        Fetched::NotFound => {
            return Trigger::Ignored(format!("{kind}: not found at Braintree: transaction {transaction}"));
        }
        Fetched::Later => return Trigger::Later,
        Fetched::Refused(why) => return Trigger::Dead(why),
    };
    if let Some(saga) = refund_of(&order_id, router.installation.as_str()) {
        let command = refund::Command::LookAgain { source: format!("braintree.{kind}") };
        let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
        let mut told = item(saga, format!("braintree.{kind}"), "braintree", &Body::Saga { command });
        Refund::NAME.clone_into(&mut told.saga_kind);
        return Trigger::Items(vec![told]);
    }
    match invoice_of(&order_id, router.installation.as_str()) {
        Some(invoice) if is_zoho_id(invoice) => {
            let (saga, body) = detected(
                &router.organization,
                &router.installation,
                invoice,
                None,
                &format!("braintree.{kind}"),
                News::Changed,
                &router.card_link,
            );
            Trigger::Items(vec![item(saga, format!("braintree.{kind}"), "braintree", &body)])
        }
        Some(_) | None => Trigger::Ignored(format!("{kind}: order id `{}` is none of ours", shown(&order_id))),
    }
}

/// The dispute is fetched: its own stream hears of it, and whose payment it is.
async fn disputed(router: &Router, kind: &str, dispute: &str) -> Trigger {
    let effect = Effect::Braintree(Braintree::ReadDispute { dispute: dispute.to_owned() });
    let shown = match read(router, dispute, effect).await {
        Outcome::Done { answer: Answer::Dispute(shown) } => shown,
        Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => {
            return Trigger::Ignored(format!("{kind}: not found at Braintree: dispute {}", self::shown(dispute)));
        }
        outcome => return unread(outcome),
    };
    let of = disputes::of(&router.organization, &router.installation, &shown.id);
    let (pool, shards) = (&router.store.pool, router.store.node.shard_count());
    match disputes::noticed(pool, shards, of, &shown, &format!("braintree.{kind}")).await {
        Ok(noticed) => Trigger::Items(vec![noticed.item]),
        Err(e) => {
            tracing::warn!(error = %e, "whose payment is disputed could not be read");
            Trigger::Later
        }
    }
}

/// What Braintree says of a subscription that it charges by itself: its mirror looks. One that nobody here has begun is told
/// only where Braintree shows it.
async fn recurring(router: &Router, kind: &str, id: &str, subject: &Subject) -> Trigger {
    // It becomes a key and a part of an address.
    let is_id = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !is_id {
        return Trigger::Dead(format!("{kind}: `{}` is no id of a subscription", shown(id)));
    }
    let saga = BraintreeRecurring::id(id);
    let shard = saga.shard(router.store.node.shard_count());
    match saga_store::kind(&router.store.pool, shard, saga).await {
        Ok(Some(_)) => {}
        Ok(None) => match router.connectors.braintree.knows(subject, router.call_limit).await {
            Some(true) => {}
            Some(false) => return Trigger::Ignored(format!("{kind}: not found at Braintree")),
            None => return Trigger::Later,
        },
        Err(e) => {
            tracing::warn!(error = %e, "whether a subscription's charges are mirrored could not be read");
            return Trigger::Later;
        }
    }
    let source = format!("braintree.{kind}");
    let card_link = Some(router.card_link.clone());
    let command = braintree_recurring::Command::Heard { recurring: id.to_owned(), source: source.clone(), card_link };
    let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
    let mut told = item(saga, source, "braintree", &Body::Saga { command });
    BraintreeRecurring::NAME.clone_into(&mut told.saga_kind);
    Trigger::Items(vec![told])
}

/// No flow of this release awaits it: it is fetched all the same, so that the record says whether it exists.
async fn unawaited(router: &Router, kind: &str, subject: &Subject) -> Trigger {
    match router.connectors.braintree.knows(subject, router.call_limit).await {
        Some(true) => Trigger::Ignored(format!("{kind}: no flow of this release awaits it")),
        Some(false) => Trigger::Ignored(format!("{kind}: not found at Braintree")),
        None => Trigger::Later,
    }
}

enum Fetched {
    Found { order_id: String },
    NotFound,
    Later,
    Refused(String),
}

/// What a read at Braintree says.
async fn read(router: &Router, id: &str, effect: Effect) -> Outcome {
    let now = router.clock.now();
    let call = Call {
        saga: SagaId::derived("delivery", &[id]),
        step: "fetch".to_owned(),
        attempt: 1,
        effect,
        requested_at: now,
        sent_at: None,
        now,
        time_limit: router.call_limit,
        beside: Beside::default(),
    };
    router.connectors.perform(&call).await.outcome
}

async fn fetch(router: &Router, transaction: &str) -> Fetched {
    let effect = Effect::Braintree(Braintree::ReadTransaction { transaction: transaction.to_owned() });
    match read(router, transaction, effect).await {
        Outcome::Done { answer: Answer::Transaction(found) } => Fetched::Found { order_id: found.order_id },
        Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => Fetched::NotFound,
        Outcome::Rejected { rejection } => Fetched::Refused(format!("{} {}", rejection.code, rejection.message)),
        Outcome::Done { .. } | Outcome::Declined { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {
            Fetched::Later
        }
    }
}

/// The invoice in an order id of ours: `<prefix>.inv.<invoice>.<attempt>`.
fn invoice_of<'a>(order_id: &'a str, prefix: &str) -> Option<&'a str> {
    order_id.strip_prefix(prefix)?.strip_prefix(".inv.")?.split('.').next()
}

/// The give-back in an order id of ours: `<prefix>.rf.<saga>.<n>`.
fn refund_of(order_id: &str, prefix: &str) -> Option<SagaId> {
    let saga = order_id.strip_prefix(prefix)?.strip_prefix(".rf.")?.split('.').next()?;
    Uuid::try_parse(saga).ok().map(SagaId)
}

/// How the names of Zoho's events begin that concern what is collected; a workflow's bare object is named by us.
const FAMILIES: [&str; 6] = ["invoice_", "payment_", "subscription_", "creditnote_", "card_", "workflow."];

/// Zoho's ids are digits.
pub(super) fn is_zoho_id(id: &str) -> bool {
    (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

/// A vendor refuses a read for good, or did not answer now.
pub(super) fn unread(outcome: Outcome) -> Trigger {
    match outcome {
        Outcome::Rejected { rejection } => Trigger::Dead(format!("{} {}", rejection.code, rejection.message)),
        Outcome::Done { .. } | Outcome::Declined { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {
            Trigger::Later
        }
    }
}

/// A stranger's word, fit to be shown and kept.
pub(super) fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(64).collect()
}

fn item(saga: SagaId, kind: String, principal: &str, body: &Body) -> NewItem {
    NewItem {
        saga,
        saga_kind: InvoicePayment::NAME.to_owned(),
        kind,
        principal: principal.to_owned(),
        body: body.text(),
        waiting_key: None,
        idempotency_key: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_an_id_of_zoho() {
        assert!(is_zoho_id("982000000567114"));
        for bad in ["", "../1", "98\u{0}", "9 8", "९८", &"9".repeat(33)] {
            assert!(!is_zoho_id(bad), "{bad}");
        }
        assert_eq!(shown("a\u{0}b\nc"), "abc");
    }

    #[test]
    fn a_give_back_is_read_from_our_order_ids_only() {
        let saga = SagaId::derived("refund", &["x"]);
        let order_id = Installation::new("demo").unwrap().refund_order(saga, 2);
        assert_eq!(refund_of(&order_id, "demo"), Some(saga));
        for other in ["demo.rf.42.1", "other.rf.1.1", "demo.inv.42.1"] {
            assert_eq!(refund_of(other, "demo"), None, "{other}");
        }
    }

    #[test]
    fn an_invoice_is_read_from_our_order_ids_only() {
        assert_eq!(invoice_of("demo.inv.982000000567114.2.r1", "demo"), Some("982000000567114"));
        assert_eq!(invoice_of("demo.act.42.1", "demo"), None);
        assert_eq!(invoice_of("other.inv.42.1", "demo"), None);
    }
}
