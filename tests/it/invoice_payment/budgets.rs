//! Vendors that count calls, and vendors that fail: what waits, whose turn it is, and when it ends.

use super::play::Play;
use attio_billing::app::Service;
use attio_billing::demo::Customer;
use attio_billing::engine::forecast::VendorForecast;
use attio_billing::store::append::Status;
use attio_billing::store::breakers;
use chrono::TimeDelta;
use sagas::invoice_payment::InvoicePayment;
use sagas::kernel::priority::Priority;
use sagas::kernel::saga::Saga;
use serde_json::json;
use sqlx::Row;
use std::sync::Arc;

/// Zoho holds us to these limits, and the service knows of them. A limit of 0 is none: the service does not count it, and
/// the sandbox keeps its own.
async fn counted(per_minute: u32, per_day: u32) -> Play {
    let play = Play::with(|options| options.zoho_calls = Some([per_minute, per_day])).await;
    let mut order = json!({"vendor": "zoho", "act": "settings"});
    for (name, limit) in [("calls_per_minute", per_minute), ("calls_per_day", per_day)] {
        if limit > 0 {
            order[name] = limit.into();
        }
    }
    play.act(order).await;
    play
}

/// Zoho's alone: Attio counts real seconds, and a moved clock puts many of ours into one of them.
async fn hold_limits(play: &Play) {
    let control = play.stage.description["control_url"].as_str().unwrap();
    let order = json!({"hold": true, "vendor": "zoho"});
    let answer = reqwest::Client::new().post(format!("{control}/limits")).json(&order).send().await;
    assert!(answer.unwrap().status().is_success());
}

/// Linked customers whose first invoice is paid, and a day without a call after that.
async fn customers(play: &Play, count: usize) -> Vec<Customer> {
    let mut all = Vec::new();
    for number in 0..count {
        let wish = attio_billing::demo::Wish::new(format!("Customer {number}"), 4_900);
        all.push(play.stage.new_customer(&wish).await.unwrap());
    }
    let first: Vec<_> = all.iter().map(|customer| customer.first_invoice.clone()).collect();
    until_paid(play, &first).await;
    play.advance("P1D").await;
    hold_limits(play).await;
    all
}

/// Moves the clock on until every one of these invoices is charged and recorded. By a third of the time that a minute's calls
/// take: turns that come at one instant find room that was used at one instant.
async fn until_paid(play: &Play, invoices: &[String]) {
    for _ in 0..200 {
        play.rest().await;
        let mut open = 0;
        for invoice in invoices {
            let saga = play.stage.saga(play.stage.saga_of(invoice)).await.unwrap();
            open += usize::from(saga.is_none_or(|saga| saga.state != "AwaitSettlement"));
        }
        if open == 0 {
            return;
        }
        play.stage.sandbox.advance("PT22S").await.unwrap();
    }
    panic!("they were not paid");
}

async fn renewals(play: &Play, customers: &[Customer]) -> Vec<String> {
    let mut invoices = Vec::new();
    for customer in customers {
        invoices.push(play.stage.renew(customer, 2_000).await.unwrap());
    }
    invoices
}

/// Calls that a kind of saga did not make for that cause, each in words.
async fn not_sent(play: &Play, kind: &str, cause: &str) -> Vec<String> {
    let rows = sqlx::query(
        "select e.payload from event e join saga s on s.shard = e.shard and s.id = e.saga
         where s.kind = $1 and e.name = 'step.not_sent' and e.payload like $2",
    );
    let cause = format!("%\"cause\":\"{cause}\"%");
    let rows = rows.bind(kind).bind(cause).fetch_all(play.stage.pool()).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// What a vendor refused a renewal because its limits were reached.
async fn refused(play: &Play) -> Vec<String> {
    not_sent(play, "invoice_payment", "quota").await
}

/// Renewals that had to wait for their turn.
async fn waited(play: &Play) -> Vec<String> {
    not_sent(play, "invoice_payment", "turn").await
}

const NONE: Vec<String> = Vec::new();

async fn of_zoho(play: &Play) -> VendorForecast {
    let all = play.stage.service().engine.forecast().await.unwrap();
    all.into_iter().find(|of| of.vendor == "zoho").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_share_a_minute_and_zoho_never_has_to_refuse() {
    let play = counted(40, 2_000).await;
    let customers = customers(&play, 24).await;
    let mut config = play.stage.config().clone();
    config.node = "second".to_owned();
    let second = Service::start(config, play.database_url(), Arc::clone(play.stage.clock())).await.unwrap();
    play.stage.until("both nodes to own shards", async || Ok(!second.store.node.owned().is_empty())).await.unwrap();

    let invoices = renewals(&play, &customers).await;
    until_paid(&play, &invoices).await;
    for invoice in &invoices {
        play.is_charged_once(invoice).await;
    }
    assert_eq!(refused(&play).await, NONE, "Zoho never had to say no");
    assert!(!waited(&play).await.is_empty(), "24 renewals are more than a minute's worth");
    second.stop().await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_is_not_sent_while_its_record_is_not_reserved_and_goes_out_the_next_day() {
    // 80 % of ten calls are for work by the calendar: enough for two renewals, and too few for a third to begin.
    let play = counted(0, 10).await;
    let customers = customers(&play, 2).await;
    let (mut invoices, mut late) = (Vec::new(), Vec::new());
    for customer in [&customers[0], &customers[1], &customers[0], &customers[1]] {
        invoices.push(play.renew(customer, 2_000).await);
    }
    for invoice in &invoices {
        if play.saga(invoice).await.status == Status::WaitingVendor {
            play.is_never_charged(invoice).await;
            late.push(invoice);
        }
    }
    assert!(late.len() >= 2, "{late:?}");
    let forecast = of_zoho(&play).await;
    assert_eq!(forecast.backlog.len(), 1, "{forecast:?}");
    assert!(forecast.backlog[0].ends_at >= forecast.day_ends_at, "{forecast:?}");

    for _ in 0..2 {
        play.advance("P1D").await;
    }
    for invoice in &invoices {
        play.is_charged_once(invoice).await;
    }
    assert_eq!(refused(&play).await, NONE);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewals_of_a_day_end_by_the_forecast_and_hardly_one_is_read_twice() {
    let play = counted(60, 1_000).await;
    let customers = customers(&play, 40).await;
    let before = of_zoho(&play).await.day.unwrap().0;
    let invoices = renewals(&play, &customers).await;
    play.rest().await;
    let forecast = of_zoho(&play).await;
    let waiting = forecast.backlog.iter().find(|of| of.priority == Priority::Batch).expect("a backlog");
    let now = play.stage.sandbox.now().await.unwrap();
    assert!(waiting.ends_at > now && waiting.ends_at < now + TimeDelta::minutes(5), "{forecast:?}");

    until_paid(&play, &invoices).await;
    let now = play.stage.sandbox.now().await.unwrap();
    assert!(now < waiting.ends_at + TimeDelta::minutes(2), "done at {now}, forecast {forecast:?}");
    let declared = InvoicePayment::COSTS.iter().find(|calls| calls.vendor == "zoho").unwrap().count;
    let renewed = u32::try_from(invoices.len()).unwrap();
    let calls = play.books().await["zoho"]["calls_today"].as_u64().unwrap() - u64::from(before);
    // What begins holds the calls that it needs to its end; only a busy machine makes a minute pass between read and sale.
    let calls = u32::try_from(calls).unwrap();
    assert!((declared * renewed..=declared * renewed * 9 / 8).contains(&calls), "{calls} calls");
    assert_eq!(refused(&play).await, NONE);
    for invoice in &invoices {
        play.is_charged_once(invoice).await;
    }
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_that_fails_gets_probes_alone_until_it_answers() {
    let play = Play::new().await;
    let customer = play.customer("Patient").await;
    let others = customers_of(&play, 5).await;
    play.fault(json!({"vendor": "zoho", "operation": "*", "kind": "status", "status": 503})).await;
    let mut invoices = renewals(&play, &others).await;
    play.rest().await;
    let open = breakers::all(play.stage.pool()).await.unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((open[0].vendor.as_str(), open[0].class.as_str()), ("zoho", "reads"));
    let failed = failed_reads(&play).await;

    // Behind an open breaker nothing is sent: it waits, and says until when.
    invoices.push(play.renew(&customer, 2_000).await);
    assert_eq!(play.saga(&invoices[5]).await.status, Status::WaitingVendor);
    assert_eq!(failed_reads(&play).await, failed);
    play.advance("PT40S").await;
    assert_eq!(failed_reads(&play).await, failed + 1, "one probe");
    assert_eq!(breakers::all(play.stage.pool()).await.unwrap()[0].probes, 1);

    play.clear_faults().await;
    for _ in 0..10 {
        play.advance("PT2M").await;
    }
    assert_eq!(breakers::all(play.stage.pool()).await.unwrap(), []);
    until_paid(&play, &invoices).await;
    for invoice in &invoices {
        play.is_charged_once(invoice).await;
    }
    play.is_sound().await;
}

async fn customers_of(play: &Play, count: usize) -> Vec<Customer> {
    let mut all = Vec::new();
    for number in 0..count {
        all.push(play.customer(&format!("Other {number}")).await);
    }
    all
}

async fn failed_reads(play: &Play) -> u64 {
    play.calls("zoho", "invoice.get").await + play.calls("zoho", "subscription.get").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_renewals_does_not_hold_up_a_customer_at_a_checkout() {
    let play = counted(60, 2_000).await;
    let customers = customers(&play, 40).await;
    let invoices = renewals(&play, &customers).await;
    play.rest().await;
    assert!(!waited(&play).await.is_empty(), "renewals wait for their turn");

    let sign_up = attio_billing::demo::SignUp::new("In A Hurry", play.stage.plan());
    let newcomer = play.stage.newcomer(&sign_up).await.unwrap();
    play.stage.press(&newcomer.record, "Start").await.unwrap();
    let url = play.stage.checkout_url(&newcomer.record).await.unwrap();
    assert!(url.starts_with("http"), "{url}");
    for cause in ["turn", "quota"] {
        assert_eq!(not_sent(&play, "subscription_activation", cause).await, NONE, "the customer's calls went first");
    }
    until_paid(&play, &invoices).await;
    assert_eq!(refused(&play).await, NONE);
}
