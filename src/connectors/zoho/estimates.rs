//! Quotes that Zoho keeps: makes one, says how far it has come, finds it again by its reference. Nothing is owed by them.

use super::billing::{Answered, Ask, rejected, unreadable};
use super::customers::CLOCKS_APART;
use super::set::{after_write, proven, settled};
use super::wire::{EstimateAnswer, EstimateRow, EstimateRows, NewEstimate};
use super::{ABSENT, Zoho};
use sagas::kernel::answer::{Answer, Estimate};
use sagas::kernel::effect::{EstimateMark, EstimateOrder, OnEstimate};
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use tokio::time::Instant;

impl Zoho {
    pub(super) async fn on_estimate(&self, call: &OnEstimate, deadline: Instant) -> Answered<Answer> {
        let operation = call.operation();
        match call {
            OnEstimate::Create(order) => {
                let ask = Ask::create(operation, &["estimates"], &NewEstimate::of(order));
                let answer: EstimateAnswer = self.billing.call(ask, deadline).await?;
                // It was done, in whatever form it was answered: looked up instead of refused.
                let estimate = answer.estimate.read().map_err(|_| {
                    let detail = "Zoho made the estimate, but its answer could not be read".to_owned();
                    Box::new(Outcome::Unknown { detail })
                })?;
                as_ordered(estimate, order)
            }
            OnEstimate::Read { estimate } => {
                Ok(Answer::Estimate(Box::new(self.estimate(operation, estimate, deadline).await?)))
            }
            OnEstimate::Mark { estimate, mark } => {
                let segments = ["estimates", estimate, "status", mark.word()];
                let written = self.written(Ask::act(operation, &segments, &[]), deadline).await?;
                let shown = after_write(&written, self.estimate(operation, estimate, deadline).await)?;
                proven(written, is_marked(&shown, *mark), || {
                    let word = mark.word();
                    format!("Zoho accepted to mark estimate {estimate} as {word}, but shows it as `{}`", shown.status)
                })?;
                Ok(Answer::Estimate(Box::new(shown)))
            }
        }
    }

    pub(super) async fn look_estimate(&self, call: &OnEstimate, deadline: Instant) -> Answered<Look> {
        match call {
            OnEstimate::Read { .. } => Ok(ABSENT),
            OnEstimate::Create(order) => self.find_estimate(order, deadline).await,
            OnEstimate::Mark { estimate, mark } => {
                let shown = self.estimate("zoho.find_estimate", estimate, deadline).await?;
                let done = is_marked(&shown, *mark);
                Ok(settled(done, Answer::Estimate(Box::new(shown)), None, None))
            }
        }
    }

    async fn estimate(&self, operation: &'static str, id: &str, deadline: Instant) -> Answered<Estimate> {
        let segments = ["estimates", id];
        let answer: EstimateAnswer = self.billing.call(Ask::read(operation, &segments), deadline).await?;
        answer.estimate.read().map_err(unreadable)
    }

    /// The list, newest first, down to the intent: its rows carry our reference. One call more for the oldest hit.
    async fn find_estimate(&self, order: &EstimateOrder, deadline: Instant) -> Answered<Look> {
        const OPERATION: &str = "zoho.find_estimate";
        let since = order.since - CLOCKS_APART;
        let newest_first = [("sort_column", "created_time"), ("sort_order", "D")];
        let mut hits = Vec::new();
        let take = |page: EstimateRows| {
            let mut recent = page.estimates.into_iter().filter(|row| row.since(since)).peekable();
            let go_on = recent.peek().is_some();
            let ours = |row: &EstimateRow| {
                row.reference_number.as_deref().map(str::trim) == Some(order.reference.as_str())
                    && row.customer_id.as_deref().is_none_or(|id| id == order.customer)
            };
            hits.extend(recent.filter(ours));
            go_on
        };
        self.billing.pages(OPERATION, "estimates", &newest_first, deadline, take).await?;
        hits.sort_by(|a, b| a.age().cmp(&b.age()));
        // A row that moves between pages is shown twice.
        hits.dedup_by(|a, b| a.estimate_id == b.estimate_id);
        let mut ids = hits.into_iter().map(|row| row.estimate_id);
        let Some(oldest) = ids.next() else { return Ok(ABSENT) };
        let outcome = match as_ordered(self.estimate(OPERATION, &oldest, deadline).await?, order) {
            Ok(answer) => Box::new(Outcome::Done { answer }),
            Err(outcome) => outcome,
        };
        Ok(Look::Found { outcome, extra: ids.collect() })
    }
}

/// The estimate, unless it is another's. What it comes to is the flow's to compare.
fn as_ordered(estimate: Estimate, order: &EstimateOrder) -> Answered<Answer> {
    let id = &estimate.id;
    if estimate.customer != order.customer || estimate.reference.trim() != order.reference {
        let message = format!("estimate {id} is of another customer, or does not carry {}", order.reference);
        return Err(rejected(RejectionKind::Mismatch, "reference", &message));
    }
    Ok(Answer::Estimate(Box::new(estimate)))
}

/// It has come so far, or further: what is invoiced was accepted, what was answered was sent.
fn is_marked(shown: &Estimate, mark: EstimateMark) -> bool {
    match mark {
        EstimateMark::Sent => {
            matches!(shown.status.as_str(), "sent" | "accepted" | "declined" | "invoiced" | "expired")
        }
        EstimateMark::Accepted => matches!(shown.status.as_str(), "accepted" | "invoiced"),
        EstimateMark::Declined => shown.status == "declined",
    }
}
