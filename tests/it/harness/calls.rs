//! What a flow asks of its vendors when nothing goes wrong: the requests that arrive at the sandbox in each ordinary play, in
//! order and by step, held in snapshots (`tests/it/snapshots/calls__*.snap`) and counted in `docs/CALLS.md`. A call that is new
//! is seen in review, and so is one that is gone. After a change of a flow's calls: `INSTA_UPDATE=always cargo test --test it
//! harness::calls`, then `UPDATE_DOCS=1` with `the_page_says`. Knows no flow; requests for tokens are not counted, as vendors do
//! not count them.

use super::faults::Plan;
use super::world::World;
use super::{Fixture, PLAYED};
use attio_billing::port::{Call, Perform, Report};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::Look;
use sandbox::remote::Remote;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::{env, fs};

/// Where tokens are exchanged.
const TOKENS: &str = "/oauth/";
/// Columns of the page: as the sandbox calls the vendors, and as people do.
const VENDORS: [(&str, &str); 5] = [
    ("attio", "Attio"),
    ("braintree", "Braintree"),
    ("zoho", "Zoho Billing"),
    ("zoho_crm", "Zoho CRM"),
    ("zoho_desk", "Zoho Desk"),
];

/// One request, as it is held.
#[derive(Debug, Clone)]
struct Request {
    step: String,
    vendor: String,
    line: String,
}

/// Passes calls on, one at a time while it records, and keeps what each asks of its vendor.
pub(crate) struct Recorder {
    vendors: Arc<dyn Perform>,
    sandbox: Remote,
    records: AtomicBool,
    /// The number of the last request that is known.
    seen: tokio::sync::Mutex<u64>,
    made: Mutex<HashMap<SagaId, Vec<Request>>>,
}

impl Recorder {
    pub(super) fn new(vendors: Arc<dyn Perform>, sandbox: &Remote) -> Arc<Self> {
        Arc::new(Self {
            vendors,
            sandbox: sandbox.clone(),
            records: AtomicBool::new(false),
            seen: tokio::sync::Mutex::default(),
            made: Mutex::default(),
        })
    }

    fn of(&self, saga: SagaId) -> Vec<Request> {
        self.made.lock().unwrap().remove(&saga).unwrap_or_default()
    }

    async fn recorded<T>(&self, call: &Call, word: &str, made: impl Future<Output = T>) -> T {
        if !self.records.load(Ordering::Relaxed) {
            return made.await;
        }
        let mut seen = self.seen.lock().await;
        *seen = self.arrived(*seen).await.last().map_or(*seen, |(number, _)| *number);
        let answer = made.await;
        for (number, exchange) in self.arrived(*seen).await {
            *seen = number;
            if let Some(request) = request(format!("{word}{}", call.step), &exchange) {
                self.made.lock().unwrap().entry(call.saga).or_default().push(request);
            }
        }
        answer
    }

    async fn arrived(&self, after: u64) -> Vec<(u64, Value)> {
        let exchanges = self.sandbox.exchanges_after(after).await.unwrap();
        exchanges.into_iter().map(|exchange| (exchange["number"].as_u64().unwrap(), exchange)).collect()
    }
}

#[async_trait::async_trait]
impl Perform for Recorder {
    async fn perform(&self, call: &Call) -> Report {
        self.recorded(call, "", self.vendors.perform(call)).await
    }

    async fn look(&self, call: &Call) -> Look {
        self.recorded(call, "look: ", self.vendors.look(call)).await
    }

    async fn confirm(&self, call: &Call, id: &str) -> Look {
        self.recorded(call, "confirm: ", self.vendors.confirm(call, id)).await
    }
}

/// None: it asks for a token.
fn request(step: String, exchange: &Value) -> Option<Request> {
    let text = |field: &str| exchange[field].as_str().unwrap().to_owned();
    let vendor = text("vendor");
    let target = text("target");
    let line = format!("{} {}", text("method"), plain(&target));
    (!target.contains(TOKENS)).then_some(Request { step, vendor, line })
}

/// A path without what differs from run to run, and the names of what is asked.
fn plain(target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut before = "";
    let segments: Vec<_> = path
        .split('/')
        .map(|segment| {
            // What objects are called is configured, and the same in each run.
            let is_object = std::mem::replace(&mut before, segment) == "objects" && !segment.contains('-');
            if is_object || is_word(segment) { segment } else { "{id}" }
        })
        .collect();
    let names: Vec<_> = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default()).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", names.join("&")) };
    segments.join("/") + &query
}

/// A part of a path that a vendor's documents name. What is no such word differs from run to run.
fn is_word(segment: &str) -> bool {
    const WORDS: &str = "accounts actions add_tags addons advanced_search autocollect billing cancel clone companies contacts \
        coql coupons creditnotes crm customers deals desk disputes documents estimates events evidence graphql hostedpages \
        invoices items markasactive markasinactive merchants newsubscription notes objects organizations payment_methods \
        payments people plans products query reactivate records refund refunds search settlement_batch_summary statuses \
        submit_for_settlement subscriptions advanced_search_ids departments lookup scheduledchanges workspace_members org card cards tags tasks tickets transactions transition updatecard upsert v1 v2 v8 void \
        attributes options comments converttoopen credits discount options status sent accepted declined writeoff \
        cancelwriteoff contactsearch customfields ids client_api client_token any credit_card payment_method_nonces \
        document_uploads accept finalize remove_tags api charge products settings fields card coupon self members";
    let base = segment.split('.').next().unwrap_or_default();
    segment.is_empty() || WORDS.split_whitespace().any(|word| word.eq_ignore_ascii_case(base))
}

/// Plays every ordinary road of a flow, and holds what it asks.
async fn hold(fixture: &dyn Fixture) {
    let ground = fixture.ground();
    let mut world = World::new(fixture).await;
    for road in fixture.roads() {
        let name = format!("calls {road}");
        let item = world.prepare(road, &name, Plan::default()).await;
        if let Some(recorder) = &ground.calls {
            recorder.records.store(true, Ordering::Relaxed);
        }
        world.tell(&item).await;
        world.finish(&[item.saga]).await;
        let made = ground.calls.as_ref().map(|recorder| recorder.of(item.saga)).unwrap_or_default();
        if let Some(recorder) = &ground.calls {
            recorder.records.store(false, Ordering::Relaxed);
        }
        let snapshot = format!("calls__{}__{}", fixture.kind(), road.replace(|c: char| !c.is_alphanumeric(), "_"));
        insta::with_settings!({
            snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true,
            description => format!("`{}` goes by itself: {road}", fixture.kind()),
        }, { insta::assert_snapshot!(snapshot, written(&made)) });
    }
    world.end().await;
}

fn written(made: &[Request]) -> String {
    let mut text = String::new();
    for Request { step, vendor, line } in made {
        let _ = writeln!(text, "{step:<24} {vendor:<9} {line}");
    }
    let _ = writeln!(text);
    for (vendor, count) in totals(made.iter().map(|request| request.vendor.as_str())) {
        let _ = writeln!(text, "{vendor}: {count}");
    }
    text
}

fn totals<'a>(vendors: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut totals = BTreeMap::new();
    for vendor in vendors {
        *totals.entry(vendor).or_default() += 1;
    }
    totals
}

macro_rules! held {
    ($($test:ident: $flow:ident,)+) => {
        const HELD: [&str; [$(stringify!($flow)),+].len()] = [$(super::$flow::KIND),+];

        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            hold(&super::$flow::Fixture::new().await).await;
        })+
    };
}

held! {
    the_refusal_of_an_act_asks_no_more: act_refusal,
    an_opening_of_the_books_asks_no_more: books_opening,
    a_mirror_of_braintrees_charges_asks_no_more: braintree_recurring,
    a_cancellation_asks_no_more: cancellation,
    a_catalog_sync_asks_no_more: catalog_sync,
    deal_and_tags_ask_no_more: crm_lifecycle,
    a_ticket_asks_no_more: desk_ticket,
    a_payout_asks_no_more: disbursement,
    a_dispute_asks_no_more: dispute,
    an_erasure_asks_no_more: erasure,
    a_hand_over_asks_no_more: hand_over,
    an_invoice_payment_asks_no_more: invoice_payment,
    a_migration_asks_no_more: migration,
    a_notice_asks_no_more: notice,
    a_card_update_asks_no_more: payment_method_update,
    a_plan_change_asks_no_more: plan_change,
    a_profile_change_asks_no_more: profile_change,
    a_refund_asks_no_more: refund,
    a_rehearsal_asks_no_more: rehearsal,
    a_sign_up_asks_no_more: sign_up,
    an_activation_asks_no_more: subscription_activation,
    a_start_that_zoho_collects_asks_no_more: zoho_native,
}

#[test]
fn the_calls_of_every_flow_are_held() {
    assert_eq!(HELD, PLAYED, "add the new flow to `held!`");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots")
}

/// Flow, road, and what the snapshot says.
fn snapshots() -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let named = name.strip_prefix("calls__").and_then(|name| name.strip_suffix(".snap"));
        let Some((flow, road)) = named.and_then(|name| name.split_once("__")) else { continue };
        let text = fs::read_to_string(&path).unwrap();
        let text = text.splitn(3, "---\n").nth(2).expect("what is held stands below the head").to_owned();
        all.push((flow.to_owned(), road.replace('_', " "), text));
    }
    all.sort();
    all
}

#[test]
fn the_page_says_what_each_flow_asks_of_its_vendors() {
    let mut page = String::from(HEAD);
    let titles: Vec<_> = VENDORS.iter().map(|(_, title)| *title).collect();
    let _ = writeln!(page, "| flow | play | {} | all |", titles.join(" | "));
    let _ = writeln!(page, "| --- | --- |{}", " ---: |".repeat(VENDORS.len() + 1));
    let all = snapshots();
    for (flow, road, text) in &all {
        let counted = |vendor: &str| {
            let count =
                text.lines().find_map(|line| line.strip_prefix(vendor)?.strip_prefix(": ")?.parse::<usize>().ok());
            count.unwrap_or_default()
        };
        let counts: Vec<usize> = VENDORS.iter().map(|(vendor, _)| counted(vendor)).collect();
        let shown: Vec<_> = counts.iter().map(|n| if *n == 0 { "–".to_owned() } else { n.to_string() }).collect();
        let sum: usize = counts.iter().sum();
        let lines = text.lines().take_while(|line| !line.is_empty()).count();
        assert_eq!(sum, lines, "{flow}, {road}: a vendor has no column");
        let _ = writeln!(page, "| [`{flow}`](sagas/{flow}.md) | {road} | {} | {sum} |", shown.join(" | "));
    }
    let flows: std::collections::BTreeSet<_> = all.iter().map(|(flow, ..)| flow.as_str()).collect();
    assert_eq!(flows.into_iter().collect::<Vec<_>>(), PLAYED, "a flow without snapshots, or snapshots without a flow");

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CALLS.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let stands = fs::read_to_string(&path).unwrap_or_default();
    assert!(stands == page, "docs/CALLS.md is not what the snapshots say: run this test with UPDATE_DOCS=1");
}

#[test]
fn what_differs_from_run_to_run_is_left_out_of_a_request() {
    let zoho = "/billing/v1/subscriptions?customer_id=90300001&reference_contains=ab12.sub";
    assert_eq!(plain(zoho), "/billing/v1/subscriptions?customer_id&reference_contains");
    let attio = "/v2/objects/companies/records/0f1e2d3c-0000-4000-8000-000000000000";
    assert_eq!(plain(attio), "/v2/objects/companies/records/{id}");
    assert_eq!(plain("/merchants/demo/transactions/kqzvpwab/void"), "/merchants/{id}/transactions/{id}/void");
}

const HEAD: &str = "# Calls\n\nHow many requests each flow makes at each vendor when nothing goes wrong, counted where they arrive: at the \
sandbox, tokens aside. Written by `tests/it/harness/calls.rs` (`UPDATE_DOCS=1`) from the snapshots `tests/it/snapshots/calls__*.snap`, \
which show the requests themselves, in order and by step: a call that is new is seen in review. Each flow is counted for itself; what it \
makes others do is counted with them. Whose limits that spends: [BUDGETS.md](BUDGETS.md).\n\n";
