//! Taking a subscription back.

use super::*;

fn undo() -> effect::Zoho {
    effect::Zoho::UndoSubscription { subscription: "90300000079200".to_owned() }
}

fn subscription(status: &str) -> Play {
    json(200, &SUBSCRIPTION.replace("\"live\"", &format!("\"{status}\"")))
}

fn invoices(rows: &[(&str, &str)]) -> Play {
    let row = |(id, status): &(&str, &str)| format!(r#"{{"invoice_id":"{id}","status":"{status}"}}"#);
    let rows: Vec<_> = rows.iter().map(row).collect();
    json(200, &format!(r#"{{"code":0,"invoices":[{}]}}"#, rows.join(",")))
}

/// An invoice that nobody has paid.
fn unpaid(id: &str, status: &str) -> Play {
    let body = format!(
        r#"{{"code":0,"invoice":{{"invoice_id":"{id}","number":"INV-1","customer_id":"903000000000099","status":"{status}","currency_code":"EUR","total":119.10,"balance":119.10,"invoice_date":"2026-11-21","due_date":"2026-12-01","payments":[]}}}}"#
    );
    json(200, &body)
}

fn ok() -> Play {
    json(200, r#"{"code":0,"message":"done"}"#)
}

fn refused() -> Play {
    json(400, r#"{"code":1040,"message":"It is not in a state that allows this."}"#)
}

const LIST: &str = "GET /invoices?subscription_id=90300000079200&filter_by=Status.All&sort_column=created_time&sort_order=A&page=1&per_page=200";

#[tokio::test]
async fn invoices_are_voided_then_the_subscription_is_cancelled_and_each_write_is_read_back() {
    let (zoho, peer) = zoho([
        subscription("live"),
        invoices(&[("1", "void"), ("2", "sent")]),
        unpaid("2", "sent"),
        ok(),
        unpaid("2", "void"),
        ok(),
        subscription("cancelled"),
    ])
    .await;
    assert_eq!(done(perform(&zoho, &undo()).await), Answer::Nothing);
    assert_eq!(
        lines(&peer),
        [
            "GET /subscriptions/90300000079200",
            LIST,
            "GET /invoices/2",
            "POST /invoices/2/void",
            "GET /invoices/2",
            "POST /subscriptions/90300000079200/cancel?cancel_at_end=false",
            "GET /subscriptions/90300000079200",
        ]
    );
}

#[tokio::test]
async fn what_is_undone_already_is_only_read() {
    let (zoho, peer) = zoho([subscription("cancelled"), invoices(&[("1", "void")])]).await;
    assert_eq!(done(perform(&zoho, &undo()).await), Answer::Nothing);
    assert_eq!(lines(&peer).len(), 2);
}

#[tokio::test]
async fn a_paid_invoice_stops_the_undoing_before_anything_is_written() {
    let settled_elsewhere = r#"{"code":0,"invoice":{"invoice_id":"90300000079426","number":"INV-000384",
        "customer_id":"903000000000099","status":"paid","currency_code":"EUR","total":119.10,"balance":0,
        "invoice_date":"2026-11-21","due_date":"2026-12-01"}}"#;
    for paid in [INVOICE, settled_elsewhere] {
        let (zoho, peer) = zoho([
            subscription("live"),
            invoices(&[("2", "sent"), ("90300000079426", "paid")]),
            unpaid("2", "sent"),
            json(200, paid),
        ])
        .await;
        let stopped = rejection(perform(&zoho, &undo()).await);
        assert_eq!((stopped.kind, stopped.code.as_str()), (RejectionKind::State, "paid_invoice"));
        assert!(stopped.message.contains("INV-000384 (90300000079426)"), "{}", stopped.message);
        assert!(lines(&peer).iter().all(|line| line.starts_with("GET ")), "{:?}", lines(&peer));
    }
}

#[tokio::test]
async fn an_invoice_that_credits_alone_have_settled_is_voided() {
    let by_credit = r#"{"code":0,"invoice":{"invoice_id":"2","number":"INV-1","customer_id":"903000000000099",
        "status":"paid","currency_code":"EUR","total":119.10,"balance":0,"credits_applied":119.10,
        "invoice_date":"2026-11-21","due_date":"2026-12-01","payments":[]}}"#;
    let (zoho, _peer) =
        zoho([subscription("cancelled"), invoices(&[("2", "paid")]), json(200, by_credit), ok(), unpaid("2", "void")])
            .await;
    assert_eq!(done(perform(&zoho, &undo()).await), Answer::Nothing);
}

#[tokio::test]
async fn a_refusal_of_what_is_so_already_is_no_failure() {
    let (zoho, _peer) = zoho([
        subscription("live"),
        invoices(&[("2", "sent")]),
        unpaid("2", "sent"),
        refused(),
        unpaid("2", "void"),
        refused(),
        subscription("cancelled"),
    ])
    .await;
    assert_eq!(done(perform(&zoho, &undo()).await), Answer::Nothing);
}

#[tokio::test]
async fn what_zoho_refuses_is_named_and_what_it_accepts_and_does_not_show_is_unknown() {
    let (refusing, _peer) = zoho([subscription("live"), invoices(&[]), refused(), subscription("live")]).await;
    let stuck = rejection(perform(&refusing, &undo()).await);
    assert_eq!((stuck.kind, stuck.code.as_str()), (RejectionKind::State, "1040"));
    let (stale, _peer) = zoho([subscription("live"), invoices(&[]), ok(), subscription("live")]).await;
    assert_eq!(perform(&stale, &undo()).await.word(), "unknown");
    let of_an_invoice =
        [subscription("live"), invoices(&[("2", "sent")]), unpaid("2", "sent"), ok(), unpaid("2", "sent")];
    let (stale, _peer) = zoho(of_an_invoice).await;
    assert_eq!(perform(&stale, &undo()).await.word(), "unknown");
}

#[tokio::test]
async fn a_lost_write_is_unknown() {
    let (zoho, _peer) = zoho([subscription("live"), invoices(&[]), Play::Reset]).await;
    assert_eq!(perform(&zoho, &undo()).await.word(), "unknown");
}

#[tokio::test]
async fn an_undoing_is_found_by_the_state_of_all_its_parts() {
    for (status, invoice, found) in [("cancelled", "void", true), ("cancelled", "sent", false), ("live", "void", false)]
    {
        let (zoho, _peer) = zoho([subscription(status), invoices(&[("2", invoice)])]).await;
        let look = zoho.look(&call(&undo()), &undo()).await;
        assert_eq!(matches!(look, Look::Found { .. }), found, "{status} {invoice}: {look:?}");
    }
}
