//! What the gateway's books show, read from a scripted peer.

use super::*;
use crate::connectors::braintree::books::Span;
use futures::TryStreamExt as _;

const LIMIT: Duration = Duration::from_secs(5);

async fn gateway(script: impl IntoIterator<Item = Play>) -> (Braintree, Peer) {
    let peer = Peer::start(script).await;
    (connector(&peer, AtMostOnceKeys::Off), peer)
}

fn settled_in_november() -> Span {
    Span::Settled(at("2026-11-21T00:00:00Z"), at("2026-11-22T00:00:00Z"))
}

fn page(transactions: &[String]) -> Play {
    ok(&format!("<credit-card-transactions type=\"collection\">{}</credit-card-transactions>", transactions.concat()))
}

fn settled(id: &str) -> String {
    let details = "<disbursement-details><disbursement-date type=\"date\">2026-11-23</disbursement-date>\
                   <settlement-amount>48.10</settlement-amount>\
                   <settlement-currency-iso-code>USD</settlement-currency-iso-code>\
                   <settlement-currency-exchange-rate>0.98</settlement-currency-exchange-rate>\
                   <funds-held type=\"boolean\">false</funds-held></disbursement-details>\
                   <settlement-batch-id>2026-11-21_acme_eur_x1</settlement-batch-id><disputes";
    hit(id, "settled", "2026-11-21T10:00:00Z").replace("<settlement-batch-id nil=\"true\"/>", "").replacen(
        "<disputes",
        details,
        1,
    )
}

#[tokio::test]
async fn a_span_is_read_by_its_ids_and_can_be_gone_on_with() {
    let ids: Vec<String> = (0..51).map(|at| format!("tx{at:02}")).collect();
    let items: String = ids.iter().flat_map(|id| ["<item>", id.as_str(), "</item>"]).collect();
    let list = format!("<search-results><page-size>50</page-size><ids type=\"array\">{items}</ids></search-results>");
    let all: Vec<String> = ids.iter().map(|id| settled(id)).collect();
    let (braintree, peer) = gateway([ok(&list), page(&all[..50]), Play::Reset, page(&all[50..])]).await;
    let span = settled_in_november();
    let named = braintree.transaction_ids(span, LIMIT).await.expect("ids");
    assert_eq!(named, ids);
    let mut parts = std::pin::pin!(braintree.booked(span, named.clone(), LIMIT));
    let first = parts.try_next().await.expect("the first part").expect("a part");
    assert_eq!((first.len(), first[49].transaction.id.as_str()), (50, "tx49"));
    assert!(parts.try_next().await.is_err(), "the second part broke off");
    let rest: Vec<_> = braintree.booked(span, named[50..].to_vec(), LIMIT).try_concat().await.expect("the rest");
    assert_eq!(rest.len(), 1);
    let paid = rest[0].disbursed.as_ref().expect("paid out");
    assert_eq!((paid.amount, paid.rate.as_deref()), (Money::new(4810, Currency::USD), Some("0.98")));
    assert_eq!(rest[0].batch.as_deref(), Some("2026-11-21_acme_eur_x1"));
    let seen = peer.seen();
    let span = "<settled_at><min type=\"datetime\">2026-11-21T00:00:00Z</min>\
                <max type=\"datetime\">2026-11-22T00:00:00Z</max></settled_at>";
    assert!(seen.iter().all(|request| request.contains(span)), "the same criteria in both phases: {}", seen[1]);
}

#[tokio::test]
async fn a_slice_that_the_gateway_cannot_finish_is_halved_and_none_is_lost() {
    let ids: Vec<String> = ["a1", "b2", "c3"].map(str::to_owned).to_vec();
    let one = |id: &str| settled(id);
    let slow = || Play::reply(422, XML, "<api-error-response><errors/></api-error-response>");
    let script = [slow(), page(&[one("a1")]), slow(), page(&[one("b2")]), page(&[one("c3")])];
    let (braintree, peer) = gateway(script).await;
    let span = Span::Disbursed("2026-11-20".parse().expect("a day"), "2026-11-21".parse().expect("a day"));
    let read: Vec<_> = braintree.booked(span, ids, LIMIT).try_concat().await.expect("all");
    let shown: Vec<_> = read.iter().map(|one| one.transaction.id.as_str()).collect();
    assert_eq!(shown, ["a1", "b2", "c3"]);
    assert!(peer.seen()[0].contains("<min type=\"date\">2026-11-20</min>"), "{}", peer.seen()[0]);
    let (braintree, _peer) = gateway([slow()]).await;
    let alone = braintree.booked(span, vec!["a1".to_owned()], LIMIT).try_concat().await;
    assert_eq!(alone.expect_err("not finished"), "the gateway could not finish the search (HTTP 422)");
    let (braintree, _peer) = gateway([page(&[]), page(&[])]).await;
    let gone = braintree.booked(span, vec!["a1".to_owned()], LIMIT).try_concat().await.expect_err("not shown");
    assert_eq!(gone, "the search names transaction a1 and does not show it");
}

#[tokio::test]
async fn a_day_of_settlement_is_summed_in_the_currency_of_each_account() {
    for status in [200, 201] {
        let (braintree, peer) = gateway([Play::reply(status, XML, fixture!("settlement_batch_summary"))]).await;
        let lines = braintree.settlement("2026-11-21".parse().expect("a day"), LIMIT).await.expect("lines");
        let facts: Vec<_> =
            lines.iter().map(|l| (l.card_type.as_str(), l.is_credit, l.count, l.amount.minor)).collect();
        assert_eq!(facts, [("Visa", false, 3, 14700), ("MasterCard", true, 1, 2000)]);
        assert!(peer.seen()[0].contains("<settlement_date>2026-11-21</settlement_date>"));
    }
    let day = "2026-11-21".parse().expect("a day");
    let strange = fixture!("settlement_batch_summary").replace("acme_eur", "acme_sek");
    let (braintree, _peer) = gateway([ok(&strange)]).await;
    let why = braintree.settlement(day, LIMIT).await.expect_err("of which currency?");
    assert!(why.contains("acme_sek, which is not configured"), "{why}");
    let none = "<settlement-batch-summary><records type=\"array\"/></settlement-batch-summary>";
    let (braintree, _peer) = gateway([ok(none)]).await;
    assert_eq!(braintree.settlement(day, LIMIT).await, Ok(Vec::new()));
}

#[tokio::test]
async fn disputes_come_in_pages_and_all_that_are_named_are_shown() {
    let list = |total: u32, ids: &[&str]| {
        let shown: String = ids.iter().map(|id| part(fixture!("dispute")).replace("dp7c2k9m", id)).collect();
        ok(&format!(
            "<disputes type=\"collection\"><current-page-number type=\"integer\">1</current-page-number>\
             <page-size type=\"integer\">50</page-size><total-items type=\"integer\">{total}</total-items>{shown}</disputes>"
        ))
    };
    let (from, to) = ("2026-11-01".parse().expect("a day"), "2026-11-30".parse().expect("a day"));
    let (braintree, peer) = gateway([list(3, &["d1", "d2"]), list(3, &["d2", "d3"])]).await;
    let disputes = braintree.disputes(from, to, LIMIT).await.expect("all");
    assert_eq!(disputes.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["d1", "d2", "d3"]);
    let paths: Vec<_> =
        peer.seen().iter().map(|request| request.lines().next().unwrap_or_default().to_owned()).collect();
    assert_eq!(paths, [1, 2].map(|page| format!("POST /merchants/acme/disputes/advanced_search?page={page} HTTP/1.1")));
    let (braintree, _peer) = gateway([list(3, &["d1"]), list(3, &[])]).await;
    let why = braintree.disputes(from, to, LIMIT).await.expect_err("two are missing");
    assert_eq!(why, "the gateway names 3 disputes and shows 1");
    let (braintree, _peer) = gateway([list(0, &[])]).await;
    assert_eq!(braintree.disputes(from, to, LIMIT).await, Ok(Vec::new()));
}

#[tokio::test]
async fn plans_and_a_customers_subscriptions_are_listed() {
    let (braintree, _peer) = gateway([ok(fixture!("plans")), ok(fixture!("customer"))]).await;
    let plans = braintree.plans(LIMIT).await.expect("plans");
    assert_eq!((plans[0].id.as_str(), plans[0].price.minor, plans[0].months), ("pro_eur_monthly", 4900, 1));
    let ids = braintree.subscriptions_of("c-42", LIMIT).await.expect("subscriptions");
    assert!(ids.starts_with(&["s-0".to_owned(), "s-1".to_owned()]), "{ids:?}");
    let (braintree, _peer) = gateway([Play::reply(404, XML, "")]).await;
    assert!(braintree.subscriptions_of("c-42", LIMIT).await.is_err());
}
