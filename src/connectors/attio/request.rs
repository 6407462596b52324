//! What a CRM user asks for on a subscription record, as codes and numbers. What cannot be read is named, never guessed;
//! whether the request makes sense is not judged here.

use super::api::{Answered, Session, rejected};
use super::model::title;
use super::projection::SUBSCRIPTIONS;
use super::records::{get, query};
use super::wire::Record;
use chrono::NaiveDate;
use sagas::kernel::answer::{Answer, Request};
use sagas::kernel::effect::AttioRecord;
use sagas::kernel::outcome::RejectionKind;
use serde_json::json;

const READ_REQUEST: &str = "attio.read_request";
const PLANS: &str = "service_plans";

/// Reads the record, and by one further call the plan and the add-ons that it names, if it names any.
pub(super) async fn read(session: &mut Session<'_>, id: &str) -> Answered<Answer> {
    let asked = AttioRecord { object: SUBSCRIPTIONS.to_owned(), id: id.to_owned() };
    let record = get(session, READ_REQUEST, &asked).await?;
    // A record that was merged into another one is gone, also where its id still leads to the survivor.
    if record.id() != id {
        let message = format!("{SUBSCRIPTIONS} {id} was merged into another record");
        return Err(rejected(RejectionKind::NotFound, "merged", message));
    }
    let plans = plans(session, &record).await?;
    Ok(Answer::Request(Box::new(request(&record, &plans))))
}

/// The service plans that the record refers to.
async fn plans(session: &mut Session<'_>, record: &Record) -> Answered<Vec<Record>> {
    let ids: Vec<&str> = record.targets("plan").chain(record.targets("addons")).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let order = json!({ "filter": { "record_id": { "$in": &ids } }, "limit": ids.len() });
    query(session, READ_REQUEST, PLANS, &order).await
}

fn request(record: &Record, plans: &[Record]) -> Request {
    let mut read = Reading { record, plans, problems: Vec::new() };
    let client =
        [("customer_company", "companies"), ("customer_person", "people")].into_iter().find_map(|(slug, to)| {
            let id = record.targets(slug).next()?.to_owned();
            Some(AttioRecord { object: to.to_owned(), id })
        });
    let plan = read.codes("plan", "plan").pop();
    let addons = read.codes("addons", "addon");
    let quantity = read.whole("quantity", 1);
    let trial_days = read.whole("trial_days", 0);
    let starts_on = read.day("starts_on");
    Request {
        client,
        plan,
        addons,
        quantity,
        coupon: record.text("coupon_code").map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()),
        starts_on,
        trial_days,
        // Objects of our own have no owner by themselves: without one it is whoever made the record.
        owner: record.member("owner").or(record.member("created_by")).map(str::to_owned),
        act: record.option("sync_action").map(str::to_owned),
        pressed_at: record.since("sync_action"),
        external_id: record.text("external_id"),
        zoho_subscription: record.text("zoho_subscription_id"),
        problems: read.problems,
    }
}

struct Reading<'a> {
    record: &'a Record,
    plans: &'a [Record],
    problems: Vec<String>,
}

impl Reading<'_> {
    fn problem(&mut self, slug: &'static str, expected: &str) {
        self.problems.push(format!("{}: {expected}", title(SUBSCRIPTIONS, slug)));
    }

    /// Codes of the service plans that a reference names, in Attio's order.
    fn codes(&mut self, slug: &'static str, kind: &str) -> Vec<String> {
        let (record, plans) = (self.record, self.plans);
        let mut codes = Vec::new();
        for id in record.targets(slug) {
            let plan = plans.iter().find(|plan| plan.id() == id);
            let is_kind = plan.is_some_and(|plan| plan.option("kind").is_none_or(|is| is == kind));
            match (plan, plan.and_then(|plan| plan.text("code"))) {
                (None, _) => self.problem(slug, "names a service plan that is gone; expected one that exists"),
                (Some(_), _) if !is_kind => {
                    self.problem(slug, &format!("expected a service plan of the kind `{kind}`; choose another one"));
                }
                (Some(_), None) => {
                    let code = title(PLANS, "code");
                    self.problem(
                        slug,
                        &format!("expected a service plan with a `{code}`, as in Zoho; this one has none"),
                    );
                }
                (Some(_), Some(code)) => codes.push(code),
            }
        }
        codes
    }

    fn whole(&mut self, slug: &'static str, at_least: u32) -> Option<u32> {
        let number = self.record.number(slug).and_then(|n| u32::try_from(n).ok()).filter(|n| *n >= at_least);
        if number.is_none() && self.record.is_set(slug) {
            self.problem(slug, &format!("expected a whole number of {at_least} or more"));
        }
        number
    }

    fn day(&mut self, slug: &'static str) -> Option<NaiveDate> {
        let day = self.record.day(slug);
        if day.is_none() && self.record.is_set(slug) {
            self.problem(slug, "expected a day, as in 2026-12-01");
        }
        day
    }
}
