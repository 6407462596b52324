//! Comparisons of the books: ask for one, follow it, stop it, read its report; findings, and what people decide about them.

use super::requests::request_id;
use super::transactions::instant;
use super::view;
use crate::access::{Act, Actor, Cell};
use crate::http::auth::refuse;
use crate::http::{App, Problem};
use crate::reconcile::{self, Asked, Refused};
use crate::store::reconciliation::{self, Decided, Decision, Finding, FindingFilter, Run, Undecided};
use axum::body::Body;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use sagas::kernel::money::Money;
use sagas::kernel::reconciliation::life::Standing;
use sagas::kernel::reconciliation::{Code, Leg};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A comparison to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunBody {
    /// `R1`, `R2`, `R3`, `R4`, `R7`, `R9`, `R13`, `ageing`, `flows`; absent: all
    #[serde(default)]
    legs: Vec<String>,
    /// From this date or instant on; absent: 45 days back
    #[serde(default)]
    from: Option<String>,
    /// To the end of this date, or before this instant; absent: now
    #[serde(default)]
    to: Option<String>,
    /// Only what belongs to this customer of ours: `R1`, `R2`, `R3`, `R9`
    #[serde(default)]
    customer: Option<String>,
    /// Only what belongs to these invoices (Zoho ids) and transactions (Braintree ids)
    #[serde(default)]
    references: Vec<String>,
}

/// A comparison.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunView {
    pub id: Uuid,
    /// `nightly`, `hourly`, `on_demand`, `continuous`
    kind: String,
    legs: Vec<String>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    asked_by: String,
    asked_at: DateTime<Utc>,
    /// `running`, `stopped`, `done`, `failed`
    pub state: String,
    /// Steps that are done
    pub step: u32,
    /// Steps that are known of; reading finds more
    pub steps: u32,
    /// What it does now, or why it failed
    pub doing: String,
    /// It waits until then, for a vendor
    resume_at: Option<DateTime<Utc>>,
    /// Everything was read; absent: it has not ended
    pub complete: Option<bool>,
    /// SHA-256 of the report
    hash: Option<String>,
    /// Calls by vendor, foreseen, made and left for today
    calls: Value,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        let work: Value = serde_json::from_str(&run.work).unwrap_or_default();
        let part = |name: &str| work.get(name).cloned().unwrap_or(Value::Null);
        Self {
            id: run.id,
            kind: run.kind,
            legs: run.legs.split(',').map(str::to_owned).collect(),
            from: run.from,
            to: run.to,
            asked_by: run.asked_by,
            asked_at: run.asked_at,
            state: run.state.as_str().to_owned(),
            step: run.step,
            steps: run.steps,
            doing: run.doing,
            resume_at: run.resume_at,
            complete: run.complete,
            hash: run.hash.map(hex::encode),
            calls: serde_json::json!({"planned": part("planned"), "used": part("used"), "left": part("left")}),
        }
    }
}

/// A finding.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingView {
    pub id: Uuid,
    /// Words first, then the code: `Charged, not recorded in Zoho · D05`
    pub title: String,
    code: String,
    /// For programs: `CAPTURED_NOT_RECORDED`
    word: String,
    key: String,
    leg: String,
    /// 1 money lost or a customer charged wrongly, 2 books wrong, 3 display wrong
    pub severity: u8,
    /// `finance` or `operator`
    pub owner: String,
    /// `open`, `ignored`, `settled`, `resolved`
    pub state: String,
    pub customer: Option<String>,
    subscription: Option<String>,
    pub invoice: Option<String>,
    pub transaction: Option<String>,
    /// What the left side of the leg says
    pub left: String,
    /// What the right side says
    pub right: String,
    pub detail: String,
    /// Minor units
    amount_minor: Option<i64>,
    currency: Option<String>,
    dated: DateTime<Utc>,
    pub first_seen: DateTime<Utc>,
    last_seen: DateTime<Utc>,
    occurrences: u64,
    /// How often something was done about it by itself
    tries: u32,
    /// What is done by itself
    by_itself: String,
    /// What it costs to wait
    waiting: String,
    /// What to do
    pub todo: String,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        let row = Code::parse(&finding.code).map(Code::row);
        let text = |of: Option<&'static str>| of.unwrap_or_default().to_owned();
        Self {
            id: finding.id,
            title: row.map_or_else(|| finding.code.clone(), |row| row.code.to_string()),
            word: text(row.map(|row| row.word)),
            by_itself: text(row.map(|row| row.by_itself)),
            waiting: text(row.map(|row| row.waiting)),
            todo: text(row.map(|row| row.todo)),
            code: finding.code,
            key: finding.key,
            leg: finding.leg,
            severity: finding.severity,
            owner: finding.owner,
            state: finding.state.as_str().to_owned(),
            customer: finding.customer,
            subscription: finding.subscription,
            invoice: finding.invoice,
            transaction: finding.transaction,
            left: finding.left,
            right: finding.right,
            detail: finding.detail,
            amount_minor: finding.amount.map(|amount| amount.minor),
            currency: finding.amount.map(|amount| amount.currency.code().to_owned()),
            dated: finding.dated,
            first_seen: finding.first_seen,
            last_seen: finding.last_seen,
            occurrences: finding.occurrences,
            tries: finding.tries,
        }
    }
}

impl FindingView {
    /// Money at risk, for people.
    pub fn at_risk(&self) -> String {
        let currency = self.currency.as_deref().and_then(|code| sagas::kernel::money::currency(code).ok());
        self.amount_minor.zip(currency).map_or_else(String::new, |(minor, of)| Money::new(minor, of).to_string())
    }
}

/// Something that became of a finding.
#[derive(Debug, Serialize, ToSchema)]
struct ActView {
    at: DateTime<Utc>,
    /// `opened`, `reopened`, `changed`, `tried`, `ignore`, `settle`, `reopen`, `resolved`
    act: String,
    by: String,
    reason: String,
}

/// A finding with all that became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShownFinding {
    #[serde(flatten)]
    finding: FindingView,
    acts: Vec<ActView>,
}

/// Which findings to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FindingQuery {
    /// `open`, `ignored`, `settled`, `resolved`, `all`; absent: open
    state: Option<String>,
    /// `D05`
    code: Option<String>,
    /// Of this severity or worse: 1, 2, 3
    severity: Option<u8>,
    /// `finance` or `operator`
    owner: Option<String>,
    /// Our customer id
    customer: Option<String>,
    /// An invoice, a transaction, a subscription, or the finding's key
    reference: Option<String>,
    /// At most so many, up to 1000
    limit: Option<u16>,
}

/// What a person decides about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Decide {
    /// Set aside while both sides say what they say now
    Ignore,
    /// Seen to by hand: open again if the next run sees it
    Settle,
    /// Open again
    Reopen,
}

/// A decision with its reason.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionBody {
    decision: Decide,
    /// For the record
    reason: String,
}

/// What came of a decision.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecidedView {
    /// `done`, or `waits for a second person`
    outcome: String,
    finding: FindingView,
}

/// Comparisons, the youngest first
#[utoipa::path(get, path = "/reconciliation/runs", responses((status = 200, body = [RunView])))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Vec<RunView>>, Problem> {
    let runs = reconciliation::list(&app.store.pool, 100).await?;
    Ok(Json(runs.into_iter().map(RunView::from).collect()))
}

/// Compares the books now; the service does it, and the answer says how to follow it
#[utoipa::path(post, path = "/reconciliation/runs", request_body = RunBody,
    responses((status = 202, body = RunView), (status = 422, body = Problem)))]
pub(super) async fn start(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    body: Result<Json<RunBody>, JsonRejection>,
) -> Result<(StatusCode, Json<RunView>), Problem> {
    let hint = "send `{}` for everything, or `{\"legs\": [\"R1\", \"R2\"], \"from\": \"2026-11-01\"}`";
    let Json(body) = body.map_err(|e| Problem::field("body", e.body_text()).hint(hint))?;
    let leg = |word: &String| {
        let known: Vec<_> = Leg::ALL.into_iter().map(Leg::as_str).collect();
        let unknown = || Problem::field("legs", format!("`{word}` is no leg: expected some of {}", known.join(", ")));
        Leg::parse(word).ok_or_else(unknown)
    };
    let bound = |name: &str, text: Option<String>, upper| {
        text.map(|text| instant(&text, upper)).transpose().map_err(|e| Problem::field(name, e))
    };
    let asked = Asked {
        legs: body.legs.iter().map(leg).collect::<Result<_, _>>()?,
        from: bound("from", body.from, false)?,
        to: bound("to", body.to, true)?,
        customer: view::word("customer", body.customer)?,
        references: body.references,
    };
    let made = reconcile::on_demand(&app.store.pool, &asked, &actor.principal(), app.clock.now()).await;
    let id = made.map_err(|refused| match refused {
        Refused::Window(why) => Problem::field("from", why),
        Refused::Scope(why) => Problem::field("references", why),
        Refused::Store(e) => e.into(),
    })?;
    Ok((StatusCode::ACCEPTED, Json(find(&app, id).await?.into())))
}

/// One comparison: how far it is
#[utoipa::path(get, path = "/reconciliation/runs/{id}", params(("id" = Uuid, Path)),
    responses((status = 200, body = RunView), (status = 404, body = Problem)))]
pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<RunView>, Problem> {
    Ok(Json(find(&app, request_id(&id)?).await?.into()))
}

/// Its report, byte for byte as it was written
#[utoipa::path(get, path = "/reconciliation/runs/{id}/report", params(("id" = Uuid, Path)),
    responses((status = 200, body = Value), (status = 404, body = Problem)))]
pub(super) async fn report(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    if actor.may(Act::ReadMoney).map_err(|denied| refuse(&app, &denied))? == Cell::OneCustomer {
        return Err(one_customer(&app, &actor, "a report is of all customers: list a customer's findings instead"));
    }
    let run = find(&app, request_id(&id)?).await?;
    let Some(report) = run.report else {
        let detail = format!("run {} is {}: it has no report yet", run.id, run.state.as_str());
        return Err(Problem::not_found(detail).hint("GET /api/v1/reconciliation/runs/{id} says how far it is"));
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from(report)).into_response())
}

/// Stops a comparison where it is; what it read stays
#[utoipa::path(post, path = "/reconciliation/runs/{id}/stop", params(("id" = Uuid, Path)),
    responses((status = 200, body = RunView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn stop(State(app): State<App>, Path(id): Path<String>) -> Result<Json<RunView>, Problem> {
    turned(&app, &id, true).await
}

/// Lets a stopped comparison go on
#[utoipa::path(post, path = "/reconciliation/runs/{id}/resume", params(("id" = Uuid, Path)),
    responses((status = 200, body = RunView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn resume(State(app): State<App>, Path(id): Path<String>) -> Result<Json<RunView>, Problem> {
    turned(&app, &id, false).await
}

async fn turned(app: &App, id: &str, stop: bool) -> Result<Json<RunView>, Problem> {
    let run = find(app, request_id(id)?).await?;
    if !reconciliation::stop_or_resume(&app.store.pool, run.id, stop, app.clock.now()).await? {
        let what = if stop { "only what is running can be stopped" } else { "only what was stopped can go on" };
        let detail = format!("run {} is {}: {what}", run.id, run.state.as_str());
        return Err(Problem::new(StatusCode::CONFLICT, "refused", detail));
    }
    Ok(Json(find(app, run.id).await?.into()))
}

async fn find(app: &App, id: Uuid) -> Result<Run, Problem> {
    let run = reconciliation::find(&app.store.pool, id).await?;
    run.ok_or_else(|| Problem::not_found(format!("there is no run {id}")))
}

/// Findings: severity first, then money at risk
///
/// The role `support` names a `customer`.
#[utoipa::path(get, path = "/reconciliation/findings", params(FindingQuery),
    responses((status = 200, body = [FindingView]), (status = 422, body = Problem)))]
pub(super) async fn findings(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    query: Result<Query<FindingQuery>, QueryRejection>,
) -> Result<Json<Vec<FindingView>>, Problem> {
    let Query(query) = query.map_err(|e| Problem::field("query", e.body_text()))?;
    let cell = actor.may(Act::ReadMoney).map_err(|denied| refuse(&app, &denied))?;
    if cell == Cell::OneCustomer && query.customer.is_none() {
        return Err(one_customer(&app, &actor, "name one: `?customer=<our id>`"));
    }
    let limit = query.limit.unwrap_or(200).clamp(1, 1000);
    let found = reconciliation::findings(&app.store.pool, &filter(query)?, limit).await?;
    Ok(Json(found.into_iter().map(FindingView::from).collect()))
}

/// The same as CSV, for a spreadsheet
#[utoipa::path(get, path = "/reconciliation/findings.csv", params(FindingQuery),
    responses((status = 200, content_type = "text/csv", body = String), (status = 422, body = Problem)))]
pub(super) async fn csv(
    State(app): State<App>,
    query: Result<Query<FindingQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|e| Problem::field("query", e.body_text()))?;
    let found = reconciliation::findings(&app.store.pool, &filter(query)?, 10_000).await?;
    Ok((
        [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"findings.csv\""),
        ],
        Body::from(table(found)),
    )
        .into_response())
}

/// Findings as CSV. A text that a spreadsheet could take for a formula is quoted as text.
pub fn table(findings: Vec<Finding>) -> String {
    let head = "title,code,severity,state,owner,leg,key,amount_minor,currency,customer,subscription,invoice,transaction,\
                left,right,detail,dated,first_seen,last_seen,occurrences,id";
    let mut out = format!("{}\n", head.replace(' ', ""));
    for view in findings.into_iter().map(FindingView::from) {
        let number = |of: Option<i64>| of.map(|of| of.to_string()).unwrap_or_default();
        let cells = [
            view.title,
            view.code,
            view.severity.to_string(),
            view.state,
            view.owner,
            view.leg,
            view.key,
            number(view.amount_minor),
            view.currency.unwrap_or_default(),
            view.customer.unwrap_or_default(),
            view.subscription.unwrap_or_default(),
            view.invoice.unwrap_or_default(),
            view.transaction.unwrap_or_default(),
            view.left,
            view.right,
            view.detail,
            view.dated.to_rfc3339(),
            view.first_seen.to_rfc3339(),
            view.last_seen.to_rfc3339(),
            view.occurrences.to_string(),
            view.id.to_string(),
        ];
        out.push_str(&cells.map(|cell| quoted(&cell)).join(","));
        out.push('\n');
    }
    out
}

fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '@', '-']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// One finding with all that became of it
#[utoipa::path(get, path = "/reconciliation/findings/{id}", params(("id" = Uuid, Path)),
    responses((status = 200, body = ShownFinding), (status = 404, body = Problem)))]
pub(super) async fn finding(State(app): State<App>, Path(id): Path<String>) -> Result<Json<ShownFinding>, Problem> {
    let found = one(&app, &id).await?;
    let acts = reconciliation::acts_of(&app.store.pool, found.id).await?;
    let acts = acts.into_iter().map(|(at, act, by, reason)| ActView { at, act, by, reason });
    Ok(Json(ShownFinding { finding: found.into(), acts: acts.collect() }))
}

/// Decides about a finding; of severity 1, or of much money, with a second person who says the same
#[utoipa::path(post, path = "/reconciliation/findings/{id}/decide", params(("id" = Uuid, Path)), request_body = DecisionBody,
    responses((status = 200, body = DecidedView), (status = 202, body = DecidedView), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn decide(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<DecisionBody>, JsonRejection>,
) -> Result<(StatusCode, Json<DecidedView>), Problem> {
    decided(&app, &actor, &id, body).await
}

/// A second person says the same decision within a day
#[utoipa::path(post, path = "/reconciliation/findings/{id}/approve", params(("id" = Uuid, Path)), request_body = DecisionBody,
    responses((status = 200, body = DecidedView), (status = 202, body = DecidedView), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn approve(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<DecisionBody>, JsonRejection>,
) -> Result<(StatusCode, Json<DecidedView>), Problem> {
    decided(&app, &actor, &id, body).await
}

async fn decided(
    app: &App,
    actor: &Actor,
    id: &str,
    body: Result<Json<DecisionBody>, JsonRejection>,
) -> Result<(StatusCode, Json<DecidedView>), Problem> {
    let hint = "send `{\"decision\": \"ignore\", \"reason\": \"why\"}`";
    let Json(body) = body.map_err(|e| Problem::field("body", e.body_text()).hint(hint))?;
    if body.reason.trim().is_empty() {
        return Err(Problem::field("reason", "is empty: say why; it goes on record"));
    }
    let decision = match body.decision {
        Decide::Ignore => Decision::Ignore,
        Decide::Settle => Decision::Settle,
        Decide::Reopen => Decision::Reopen,
    };
    let found = one(app, id).await?;
    let decided = reconciliation::decide(&app.store.pool, &found, decision, &body.reason, actor, app.clock.now()).await;
    let (status, outcome) = match decided {
        Ok(Decided::Done) => (StatusCode::OK, "done"),
        Ok(Decided::Asked { .. }) => (StatusCode::ACCEPTED, "waits for a second person"),
        Err(Undecided::Store(e)) => return Err(e.into()),
        Err(Undecided::Denied(denied)) => return Err(refuse(app, &denied)),
        Err(why @ Undecided::NotTheirs { .. }) => {
            app.metrics.refused("role");
            return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", why.to_string()));
        }
        Err(why @ Undecided::Stands(_)) => {
            return Err(Problem::new(StatusCode::CONFLICT, "refused", why.to_string()));
        }
    };
    let finding = one(app, id).await?.into();
    Ok((status, Json(DecidedView { outcome: outcome.to_owned(), finding })))
}

async fn one(app: &App, id: &str) -> Result<Finding, Problem> {
    let id = request_id(id)?;
    let found = reconciliation::find_finding(&app.store.pool, id).await?;
    found.ok_or_else(|| Problem::not_found(format!("there is no finding {id}")))
}

fn one_customer(app: &App, actor: &Actor, hint: &str) -> Problem {
    app.metrics.refused("role");
    let detail = format!("the role {} reads money of one customer at a time", actor.role);
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).hint(hint)
}

fn filter(query: FindingQuery) -> Result<FindingFilter, Problem> {
    let state = match query.state.as_deref() {
        None => Some(Standing::Open),
        Some("all") => None,
        Some(word) => Some(Standing::parse(word).ok_or_else(|| {
            Problem::field("state", format!("`{word}` is none: expected open, ignored, settled, resolved or all"))
        })?),
    };
    let code = query.code.map(|text| {
        let known = Code::parse(&text).map(Code::as_str);
        known.ok_or_else(|| Problem::field("code", format!("`{text}` is no code: expected e.g. D05")))
    });
    Ok(FindingFilter {
        state,
        code: code.transpose()?,
        severity: query.severity,
        owner: view::word("owner", query.owner)?,
        customer: view::word("customer", query.customer)?,
        reference: view::word("reference", query.reference)?,
    })
}
