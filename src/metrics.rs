//! What the service counts and times, for Prometheus. Names begin with `attio_billing_`, times are in seconds; labels are
//! closed lists of words, never an id, so that the number of series is bounded. Reads nothing by itself.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};
use sagas::kernel::effect::Effect;
use sagas::kernel::outcome::{Look, Outcome};
use std::sync::Arc;
use std::time::Duration;

/// The media type of the text that Prometheus reads.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    vendor: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    vendor: &'static str,
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    vendor: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SagaLabels {
    flow: String,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ParkLabels {
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BudgetLabels {
    vendor: String,
    span: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BreakerLabels {
    vendor: String,
    class: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ForecastLabels {
    vendor: String,
    priority: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CheckLabels {
    check: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WorkLabels {
    what: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    reason: &'static str,
}

type Durations = Family<OperationLabels, Histogram, fn() -> Histogram>;

/// The counters of one service; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    calls: Family<CallLabels, Counter>,
    call_seconds: Durations,
    looks: Family<CallLabels, Counter>,
    deliveries: Family<DeliveryLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    sagas: Family<SagaLabels, Gauge>,
    parked: Family<ParkLabels, Gauge>,
    waiting: Family<WorkLabels, Gauge>,
    overdue_seconds: Gauge,
    forgotten: Gauge,
    shards_owned: Gauge,
    shards_unowned: Gauge,
    budget_left: Family<BudgetLabels, Gauge>,
    breakers_open: Family<BreakerLabels, Gauge>,
    backlog_calls: Family<ForecastLabels, Gauge>,
    backlog_seconds: Family<ForecastLabels, Gauge>,
    standing_faults: Family<CheckLabels, Gauge>,
    standing_age_seconds: Gauge,
    checkpoint_age_seconds: Gauge,
    published_age_seconds: Gauge,
    recovery_hold: Gauge,
    registry: Arc<Registry>,
}

/// What came of a delivery at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// Stored now.
    Stored,
    /// Stored before.
    Duplicate,
    /// Not proven to be the vendor's.
    Rejected,
    /// The database could not be reached: the vendor delivers it again.
    NotStored,
}

impl Delivered {
    /// One word for metrics and traces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Rejected => "rejected",
            Self::NotStored => "not_stored",
        }
    }
}

/// What is measured at the moment of a scrape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Sagas that have not ended, by flow and status.
    pub sagas: Vec<(String, &'static str, u64)>,
    /// Parked sagas, by code.
    pub parked: Vec<(String, u64)>,
    /// Deliveries that no router has looked at.
    pub deliveries: u64,
    /// Items that are to be applied.
    pub items: u64,
    /// Sagas whose time has come.
    pub due: u64,
    /// How long the saga that is due longest has been due.
    pub overdue_seconds: u64,
    /// Sagas that nothing will ever wake.
    pub forgotten: u64,
    /// Shards that this node drives.
    pub shards_owned: u64,
    /// Shards that nobody drives.
    pub shards_unowned: u64,
    /// Calls that a vendor still takes in this minute and on this day.
    pub budget_left: Vec<(String, &'static str, u64)>,
    /// Open circuit breakers: vendor and class.
    pub breakers: Vec<(String, String)>,
    /// By vendor and priority: calls that wait, and in how many seconds the last of them is made.
    pub vendor_backlog: Vec<(String, &'static str, u64, u64)>,
    /// Faults that standing checks found, by check.
    pub standing_faults: Vec<(&'static str, u64)>,
    /// How long ago the standing check ran that ran longest ago.
    pub standing_age_seconds: u64,
    /// Age of the last checkpoint of the log.
    pub checkpoint_age_seconds: u64,
    /// Since a checkpoint was last published.
    pub published_age_seconds: u64,
    /// A recovery hold stands.
    pub recovery_hold: bool,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("attio_billing");
        Self {
            calls: added(
                &mut registry,
                "vendor_calls",
                "Calls made, by how they ended (done, declined, rejected, not_sent, unknown)",
            ),
            call_seconds: {
                let family = Durations::new_with_constructor(durations);
                registry.register("vendor_call_seconds", "How long calls took", family.clone());
                family
            },
            looks: added(
                &mut registry,
                "vendor_looks",
                "Look-ups of calls whose outcome was not known, by what they showed (found, absent, unclear)",
            ),
            deliveries: added(
                &mut registry,
                "deliveries",
                "Webhook deliveries at the door (stored, duplicate, rejected, not_stored)",
            ),
            refusals: added(
                &mut registry,
                "refusals",
                "Requests to the private API that were not let in (missing, malformed, unknown, revoked, expired, waiting, \
                 address, role)",
            ),
            sagas: added(&mut registry, "sagas", "Sagas that have not ended"),
            parked: added(
                &mut registry,
                "parked_sagas",
                "Sagas that wait for a person, by park code: each has a page in docs/errors",
            ),
            waiting: added(&mut registry, "backlog", "Work that could be done now (deliveries, items, sagas)"),
            overdue_seconds: added(
                &mut registry,
                "overdue_seconds",
                "How long the saga that is due longest has been due",
            ),
            forgotten: added(
                &mut registry,
                "forgotten_sagas",
                "Sagas that nothing will ever wake: not ended, not due, not parked. More than none is a fault of ours",
            ),
            shards_owned: added(&mut registry, "shards_owned", "Shards that this node drives"),
            shards_unowned: added(
                &mut registry,
                "shards_unowned",
                "Shards that nobody drives: their sagas stand still",
            ),
            budget_left: added(&mut registry, "budget_left", "Calls that our part of a vendor's limit still allows"),
            breakers_open: added(&mut registry, "breakers_open", "Circuit breakers that are open"),
            backlog_calls: added(&mut registry, "vendor_backlog_calls", "Calls of sagas that wait for a vendor"),
            backlog_seconds: added(
                &mut registry,
                "vendor_backlog_seconds",
                "In how many seconds the last of these calls is made, where nothing else comes in between",
            ),
            standing_faults: added(
                &mut registry,
                "standing_faults",
                "Faults that the standing checks found and have not seen mended: more than none is a fault of ours",
            ),
            standing_age_seconds: added(
                &mut registry,
                "standing_age_seconds",
                "How long ago the standing check ran that ran longest ago",
            ),
            checkpoint_age_seconds: added(&mut registry, "checkpoint_age_seconds", "Age of the last checkpoint"),
            published_age_seconds: added(
                &mut registry,
                "published_age_seconds",
                "Since a sink last took a checkpoint; 0 where none ever did",
            ),
            recovery_hold: added(
                &mut registry,
                "recovery_hold",
                "1 while a recovery hold stands: no write at a vendor, no mail, no timer",
            ),
            registry: Arc::new(registry),
        }
    }
}

fn added<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// From 10 ms to 40 s: our client gives up at 30 s.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 2.0, 13))
}

impl Metrics {
    /// A call ended.
    pub fn called(&self, effect: &Effect, outcome: &Outcome, took: Duration) {
        let (vendor, operation) = (effect.vendor(), effect.operation());
        self.calls.get_or_create(&CallLabels { vendor, operation, outcome: outcome.word() }).inc();
        self.call_seconds.get_or_create(&OperationLabels { vendor, operation }).observe(took.as_secs_f64());
    }

    /// A call was looked up.
    pub fn looked(&self, effect: &Effect, look: &Look) {
        let labels = CallLabels { vendor: effect.vendor(), operation: effect.operation(), outcome: look.word() };
        self.looks.get_or_create(&labels).inc();
    }

    /// A delivery came.
    pub fn delivered(&self, vendor: &'static str, delivered: Delivered) {
        self.deliveries.get_or_create(&DeliveryLabels { vendor, result: delivered.word() }).inc();
    }

    /// A request to the private API was not let in: why, as a word of a closed list.
    pub fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&RefusalLabels { reason }).inc();
    }

    /// All of it as text, with what stands now.
    ///
    /// # Errors
    /// A metric cannot be written.
    pub fn text(&self, gauges: Gauges) -> Result<String, std::fmt::Error> {
        // What is not there any more must not stay at its last value.
        self.sagas.clear();
        for (flow, status, count) in gauges.sagas {
            self.sagas.get_or_create(&SagaLabels { flow, status }).set(signed(count));
        }
        self.parked.clear();
        for (code, count) in gauges.parked {
            self.parked.get_or_create(&ParkLabels { code }).set(signed(count));
        }
        for (what, count) in [("deliveries", gauges.deliveries), ("items", gauges.items), ("sagas", gauges.due)] {
            self.waiting.get_or_create(&WorkLabels { what }).set(signed(count));
        }
        self.overdue_seconds.set(signed(gauges.overdue_seconds));
        self.forgotten.set(signed(gauges.forgotten));
        self.shards_owned.set(signed(gauges.shards_owned));
        self.shards_unowned.set(signed(gauges.shards_unowned));
        self.show_budgets(gauges.budget_left, gauges.breakers, gauges.vendor_backlog);
        for (check, count) in gauges.standing_faults {
            self.standing_faults.get_or_create(&CheckLabels { check }).set(signed(count));
        }
        self.standing_age_seconds.set(signed(gauges.standing_age_seconds));
        self.checkpoint_age_seconds.set(signed(gauges.checkpoint_age_seconds));
        self.recovery_hold.set(i64::from(gauges.recovery_hold));
        self.published_age_seconds.set(signed(gauges.published_age_seconds));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Metrics {
    fn show_budgets(
        &self,
        left: Vec<(String, &'static str, u64)>,
        breakers: Vec<(String, String)>,
        backlog: Vec<(String, &'static str, u64, u64)>,
    ) {
        self.budget_left.clear();
        for (vendor, span, calls) in left {
            self.budget_left.get_or_create(&BudgetLabels { vendor, span }).set(signed(calls));
        }
        self.breakers_open.clear();
        for (vendor, class) in breakers {
            self.breakers_open.get_or_create(&BreakerLabels { vendor, class }).set(1);
        }
        self.backlog_calls.clear();
        self.backlog_seconds.clear();
        for (vendor, priority, calls, seconds) in backlog {
            let labels = ForecastLabels { vendor, priority };
            self.backlog_calls.get_or_create(&labels).set(signed(calls));
            self.backlog_seconds.get_or_create(&labels).set(signed(seconds));
        }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sagas::kernel::effect::Practice;
    use std::collections::BTreeSet;

    #[test]
    fn what_has_gone_is_not_shown_at_its_last_value() {
        let metrics = Metrics::default();
        let parked = Gauges { parked: vec![("OUTCOME_UNKNOWN".to_owned(), 2)], ..Gauges::default() };
        assert!(metrics.text(parked).unwrap().contains("attio_billing_parked_sagas{code=\"OUTCOME_UNKNOWN\"} 2"));
        assert!(!metrics.text(Gauges::default()).unwrap().contains("OUTCOME_UNKNOWN"));
    }

    #[test]
    fn a_call_is_counted_by_its_outcome_and_timed() {
        let metrics = Metrics::default();
        let outcome = Outcome::Unknown { detail: "cut off".to_owned() };
        metrics.called(&Effect::Practice(Practice::Look), &outcome, Duration::from_millis(15));
        let text = metrics.text(Gauges::default()).unwrap();
        let labels = "vendor=\"practice\",operation=\"practice.look\"";
        assert!(
            text.contains(&format!("attio_billing_vendor_calls_total{{{labels},outcome=\"unknown\"}} 1")),
            "{text}"
        );
        assert!(text.contains(&format!("attio_billing_vendor_call_seconds_count{{{labels}}} 1")), "{text}");
    }

    /// The names of all metrics in a text.
    fn named(text: &str) -> BTreeSet<String> {
        let names = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let names = names.filter_map(|word| word.strip_prefix("attio_billing_"));
        // Prometheus makes these of the one that is registered.
        names.map(|name| name.trim_end_matches("_total").trim_end_matches("_bucket").to_owned()).collect()
    }

    #[test]
    fn page_and_dashboard_name_every_metric_and_no_other() {
        let metrics = Metrics::default();
        let effect = Effect::Practice(Practice::Look);
        metrics.called(&effect, &Outcome::Unknown { detail: String::new() }, Duration::ZERO);
        metrics.looked(&effect, &Look::Unclear { detail: String::new() });
        metrics.delivered("zoho", Delivered::Stored);
        metrics.refused("unknown");
        let gauges = Gauges {
            sagas: vec![("rehearsal".to_owned(), "running", 1)],
            parked: vec![("REHEARSAL".to_owned(), 1)],
            budget_left: vec![("zoho".to_owned(), "day", 1)],
            breakers: vec![("zoho".to_owned(), "reads".to_owned())],
            vendor_backlog: vec![("zoho".to_owned(), "batch", 1, 1)],
            standing_faults: vec![("waits", 0)],
            ..Gauges::default()
        };
        let text = metrics.text(gauges).unwrap();
        let described: BTreeSet<_> = text.lines().filter(|line| line.starts_with("# HELP ")).flat_map(named).collect();
        for document in [include_str!("../docs/METRICS.md"), include_str!("../docs/grafana/attio-billing.json")] {
            assert_eq!(named(document), described);
        }
    }
}
