//! What can become of a call: generated from a clean run, played side by side in one world.

use super::crashes;
use super::faults::{Act, Hides, Passing, Plan, Strike, Tells};
use super::matrix::{Cell, Matrix, Row, only_shows};
use super::world::{World, history};
use super::{Fixture, every_case, is_played};
use attio_billing::engine::hooks::Injection;
use attio_billing::store::append::Status;
use attio_billing::store::ledger;
use attio_billing::store::log::StoredEvent;
use attio_billing::store::query::{self, SagaLine};
use sagas::kernel::flow::StepEvent;
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{NotSent, Outcome, Rejection, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::record::Record;
use sagas::kernel::step::{ExactlyOnce, Resend};
use serde_json::Value;
use std::collections::HashMap;

/// Looks that a late index leaves in vain: none of them, nor all of them, proves anything of a searchable call. Any other
/// call is taken as absent by the first, and made again after the second.
const LATE: Hides = Hides::Looks(2);

/// A call that a road makes.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) act: Act,
    undo: bool,
    exactly_once: ExactlyOnce,
}

impl Wanted {
    const fn is_searchable(&self) -> bool {
        matches!(self.exactly_once, ExactlyOnce::Searchable { .. })
    }

    const fn reads(&self) -> bool {
        matches!(self.exactly_once, ExactlyOnce::Repeatable)
    }

    const fn is_sent_once_only(&self) -> bool {
        matches!(self.exactly_once, ExactlyOnce::Searchable { resend: Resend::Never, .. })
    }

    pub(super) fn row(&self) -> Row {
        Row { step: self.act.step.clone(), undo: self.undo }
    }

    pub(super) const fn fits(&self, cell: Cell, told: usize) -> bool {
        cell.fits(self.exactly_once, told)
    }

    /// The cell as something that happens to this call.
    pub(super) fn strike(&self, cell: Cell, fixture: &dyn Fixture) -> Strike {
        let unanswered = || Outcome::Unknown { detail: "no answer, as the test wants".to_owned() };
        let not_sent = |cause| {
            let detail = "not sent, as the test wants".to_owned();
            Injection::Instead(Outcome::NotSent { cause, detail, retry_after_seconds: None })
        };
        let plain = |injection| (injection, Hides::Nothing, Tells::Nothing);
        let (injection, hides, tells) = match cell {
            Cell::Declined => plain(Injection::Instead(fixture.decline())),
            Cell::Refused => plain(Injection::Instead(refused(RejectionKind::Invalid))),
            Cell::RefusedForConfig => plain(Injection::Instead(refused(RejectionKind::Config))),
            Cell::Unreached => plain(not_sent(NotSent::Outage)),
            Cell::OverQuota => plain(not_sent(NotSent::Quota)),
            Cell::Found => plain(Injection::Heard(unanswered())),
            Cell::Absent | Cell::DiesAndBytesAreLost => plain(Injection::Instead(unanswered())),
            // The engine never makes a searchable call twice: where somebody did, the look-up must find both.
            Cell::FoundTwice => plain(Injection::Twice(self.is_searchable().then(unanswered))),
            Cell::FoundLate => (Injection::Heard(unanswered()), LATE, Tells::Nothing),
            Cell::FoundAfterProof => (Injection::Heard(unanswered()), Hides::UntilProof, Tells::Nothing),
            Cell::ToldTwiceWhilePutOff => (not_sent(NotSent::Again), Hides::Nothing, Tells::Again),
            Cell::ToldTwiceInDoubt => (Injection::Heard(unanswered()), Hides::Nothing, Tells::Again),
            Cell::OvertakenWhilePutOff => (not_sent(NotSent::Again), Hides::Nothing, Tells::Backwards),
            Cell::OvertakenInDoubt => (Injection::Heard(unanswered()), Hides::Nothing, Tells::Backwards),
            Cell::DiesBeforeSending
            | Cell::DiesAfterTheMark
            | Cell::DiesAfterTheBytes
            | Cell::DiesBeforeCommit
            | Cell::DiesAfterCommit => panic!("{cell:?} happens to the node, not to the call"),
        };
        Strike { act: self.act.clone(), injection, hides, tells }
    }
}

fn refused(kind: RejectionKind) -> Outcome {
    let message = "refused, as the test wants".to_owned();
    Outcome::Rejected { rejection: Rejection { kind, code: "harness".to_owned(), message } }
}

/// A way of an instance, the strikes that lead along it, and where it ends.
#[derive(Debug, Clone)]
pub(super) struct Road {
    pub(super) name: &'static str,
    pub(super) plan: Plan,
    pub(super) calls: Vec<Wanted>,
    pub(super) passings: Vec<Passing>,
    pub(super) end: End,
}

/// Where a saga ended, or the code under which it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    state: String,
    ended: Option<String>,
    parked: Option<String>,
}

impl End {
    pub(super) fn of(line: &SagaLine) -> Self {
        let parked = line.parked.as_ref().map(|(code, ..)| code.clone());
        Self { state: line.state.clone(), ended: line.ended.clone(), parked }
    }
}

/// A road on which one thing more happens.
struct Case {
    road: usize,
    call: Wanted,
    cell: Cell,
    saga: SagaId,
}

impl Case {
    fn name(&self, roads: &[Road]) -> String {
        let undo = if self.call.undo { "the undo of " } else { "" };
        let Act { step, operation, time } = &self.call.act;
        format!("road `{}`, {undo}`{step}` ({operation}, time {time}): {:?}", roads[self.road].name, self.cell)
    }
}

/// Plays all of a flow; answers how many cases there were.
pub(super) async fn play(fixture: &dyn Fixture) -> usize {
    let mut world = World::new(fixture).await;
    let mut matrix = Matrix::default();
    let mut roads = straight(&mut world).await;
    check(&world).await;
    let first: Vec<(usize, Wanted)> = every_call(&roads, 0);
    let mut cases = begin(&mut world, &roads, first, &mut matrix).await;
    settle(&mut world, &roads, &cases, &mut matrix).await;

    // Undos are met on the roads that a fault leads to: each of them is a road of its own.
    let straight = roads.len();
    for case in &cases {
        let known = |act: &Act| roads.iter().flat_map(|r| &r.calls).any(|c| c.act == *act);
        let (line, events) = history(world.pool(), case.saga).await;
        let calls: Vec<_> = calls(&events).into_iter().filter(|c| c.undo && !known(&c.act)).collect();
        if !calls.is_empty() {
            let from = &roads[case.road];
            let mut plan = from.plan.clone();
            plan.strikes.push(case.call.strike(case.cell, fixture));
            let passings = world.faults.passings(case.saga);
            roads.push(Road { name: from.name, plan, calls, passings, end: End::of(&line) });
        }
    }
    let undos = every_call(&roads, straight);
    let more = begin(&mut world, &roads, undos, &mut matrix).await;
    settle(&mut world, &roads, &more, &mut matrix).await;
    cases.extend(more);

    resume_all(&mut world, &roads, &cases).await;
    let deaths = crashes::in_calls(&mut world, &roads[straight..], &mut matrix).await;
    let lost = lost_starts(&mut world, &roads[..straight]).await;
    check(&world).await;
    world.end().await;
    matrix.check(fixture, &Cell::FAULTS, every_case(fixture));
    println!("{deaths} deaths of nodes in undos, {lost} starts of which the message was lost");
    cases.len() + deaths + lost
}

/// The roads on which nothing happens.
pub(super) async fn straight(world: &mut World<'_>) -> Vec<Road> {
    let mut roads = Vec::new();
    for name in world.fixture.roads() {
        let saga = world.start(name, &format!("clean {name}"), Plan::default()).await;
        world.finish(&[saga]).await;
        let (line, events) = history(world.pool(), saga).await;
        let (calls, passings) = (calls(&events), world.faults.passings(saga));
        assert!(!calls.is_empty(), "a clean run of `{name}` makes no call");
        roads.push(Road { name, plan: Plan::default(), calls, passings, end: End::of(&line) });
    }
    roads
}

/// The message that starts an instance is lost: what polls finds it, and it goes the same way.
async fn lost_starts(world: &mut World<'_>, roads: &[Road]) -> usize {
    let mut prepared = Vec::new();
    for road in roads {
        let item = world.prepare(road.name, &format!("lost {}", road.name), Plan::default()).await;
        prepared.push((road, item.saga));
    }
    if !world.poll().await {
        return 0;
    }
    let sagas: Vec<_> = prepared.iter().map(|(_, saga)| *saga).collect();
    world.finish(&sagas).await;
    for (road, saga) in prepared {
        let (line, _) = history(world.pool(), saga).await;
        assert_eq!(End::of(&line), road.end, "road `{}`, started by a poll: {line:#?}", road.name);
    }
    sagas.len()
}

/// The calls of a history, in order.
fn calls(events: &[StoredEvent]) -> Vec<Wanted> {
    let mut times = HashMap::new();
    let mut calls = Vec::new();
    for event in events.iter().filter(|e| e.name == "step.requested") {
        let record: Record<Value> = serde_json::from_str(&event.payload).unwrap();
        let Record::Step(StepEvent::Requested { step, undo, effect, .. }) = record else { continue };
        let time = times.entry((step.clone(), effect.operation())).or_insert(0_usize);
        let act = Act { step, operation: effect.operation(), time: *time };
        *time += 1;
        calls.push(Wanted { act, undo, exactly_once: effect.exactly_once() });
    }
    calls
}

fn every_call(roads: &[Road], from: usize) -> Vec<(usize, Wanted)> {
    let numbered = roads.iter().enumerate().skip(from);
    numbered.flat_map(|(n, road)| road.calls.iter().map(move |call| (n, call.clone()))).collect()
}

async fn begin(world: &mut World<'_>, roads: &[Road], calls: Vec<(usize, Wanted)>, matrix: &mut Matrix) -> Vec<Case> {
    let (fixture, mut cases) = (world.fixture, Vec::new());
    for (number, (road, call)) in calls.into_iter().enumerate() {
        for (kind, cell) in Cell::FAULTS.into_iter().enumerate().filter(|(_, cell)| call.fits(*cell, fixture.told())) {
            let first = matrix.due(call.row(), cell);
            // Every cell comes in every run, at other calls; and what leads to undos, so that they come too.
            let leads_on = cell == Cell::Refused && !call.reads();
            if !first && !leads_on && !is_played(fixture, number + kind) {
                continue;
            }
            let mut plan = roads[road].plan.clone();
            plan.strikes.push(call.strike(cell, fixture));
            let saga = world.start(roads[road].name, &format!("case {road} {} {cell:?}", cases.len()), plan).await;
            if cell == Cell::FoundTwice && call.is_searchable() {
                world.twice.insert(saga);
            }
            cases.push(Case { road, call: call.clone(), cell, saga });
        }
    }
    cases
}

/// Lets all cases come to their end or park, and looks at each.
async fn settle(world: &mut World<'_>, roads: &[Road], cases: &[Case], matrix: &mut Matrix) {
    let sagas: Vec<_> = cases.iter().map(|case| case.saga).collect();
    world.finish(&sagas).await;
    for case in cases {
        let name = case.name(roads);
        let (line, events) = history(world.pool(), case.saga).await;
        let missed = world.faults.missed(case.saga);
        let happened = || events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>();
        assert_eq!(missed, None, "{name}: never came to pass: {} {:?} {:?}", line.state, line.parked, happened());
        matrix.reached(case.call.row(), case.cell);
        check_end(case, &name, &line, &roads[case.road].end);
        check_sendings(case, &name, &events);
    }
    check(world).await;
}

fn check_end(case: &Case, name: &str, line: &SagaLine, clean: &End) {
    let end = End::of(line);
    match case.cell {
        Cell::FoundTwice if case.call.is_searchable() => {}
        // Goes on by itself, to the same end.
        Cell::Unreached
        | Cell::OverQuota
        | Cell::Found
        | Cell::Absent
        | Cell::FoundLate
        | Cell::FoundAfterProof
        | Cell::FoundTwice
        | Cell::ToldTwiceWhilePutOff
        | Cell::ToldTwiceInDoubt
        | Cell::OvertakenWhilePutOff
        | Cell::OvertakenInDoubt
        | Cell::DiesBeforeSending
        | Cell::DiesAfterTheMark
        | Cell::DiesAfterTheBytes
        | Cell::DiesAndBytesAreLost
        | Cell::DiesBeforeCommit
        | Cell::DiesAfterCommit => assert_eq!(end, *clean, "{name}: {line:#?}"),
        Cell::Declined | Cell::Refused | Cell::RefusedForConfig if case.call.undo => {
            assert_eq!(end.parked.as_deref(), Some(ParkCode::CompensationStuck.as_str()), "{name}: {line:#?}");
        }
        // Put off and tried again: nobody's money waits for it.
        Cell::RefusedForConfig if only_shows(&line.kind, &case.call.act.step) => {
            assert_eq!(end, *clean, "{name}: {line:#?}");
        }
        Cell::RefusedForConfig => {
            assert_eq!(end.parked.as_deref(), Some(ParkCode::VendorConfig.as_str()), "{name}: {line:#?}");
        }
        // The flow's own branch, or a person.
        Cell::Declined | Cell::Refused => {}
    }
}

/// A call that may have been sent is not sent again before somebody looked, nor when that look finds it.
fn check_sendings(case: &Case, name: &str, events: &[StoredEvent]) {
    let proved = || events.iter().any(|e| e.name == "step.proved_absent" && is_of(e, &case.call.act.step));
    if case.cell == Cell::FoundAfterProof {
        assert!(proved(), "{name}: nothing was proven");
    }
    let found = matches!(
        case.cell,
        Cell::Found
            | Cell::FoundLate
            | Cell::FoundAfterProof
            | Cell::FoundTwice
            | Cell::ToldTwiceInDoubt
            | Cell::OvertakenInDoubt
    );
    // What is given up when it is proven absent is asked for anew, under another reference.
    let given_up = case.cell == Cell::FoundAfterProof && case.call.is_sent_once_only();
    if case.call.is_searchable() && found && !given_up {
        let sent = events.iter().filter(|e| e.name == "step.sending" && is_of(e, &case.call.act.step)).count();
        assert_eq!(sent, 1, "{name}: sent again");
    }
}

fn is_of(event: &StoredEvent, wanted: &str) -> bool {
    let record: Record<Value> = serde_json::from_str(&event.payload).unwrap();
    matches!(
        record,
        Record::Step(StepEvent::Sending { step, .. } | StepEvent::ProvedAbsent { step, .. }) if step == wanted
    )
}

/// What waits for a person goes on when the cause is cleared, and ends where the clean road ends.
async fn resume_all(world: &mut World<'_>, roads: &[Road], cases: &[Case]) {
    let mut resumed = Vec::new();
    for case in cases {
        let (line, _) = history(world.pool(), case.saga).await;
        // A road that ends with a person's question goes no further.
        if line.parked.is_none() || End::of(&line) == roads[case.road].end {
            continue;
        }
        world.resume(case.saga).await;
        resumed.push(case);
    }
    let sagas: Vec<_> = resumed.iter().map(|case| case.saga).collect();
    world.finish(&sagas).await;
    for case in resumed {
        let (line, _) = history(world.pool(), case.saga).await;
        assert_eq!(End::of(&line).ended, roads[case.road].end.ended, "resumed: {}: {line:#?}", case.name(roads));
    }
    check(world).await;
}

/// Nothing is half done, the log is whole, the ledger balances, what ended holds no claim, and the books agree.
pub(super) async fn check(world: &World<'_>) {
    let pool = world.pool();
    crate::proof::invariants::hold(pool).await;
    let balances = ledger::trial_balance(pool, None).await.unwrap();
    assert_eq!(balances.iter().map(|b| b.debit.minor - b.credit.minor).sum::<i64>(), 0, "{balances:?}");
    // The family of a plan stays claimed for as long as the subscription that was made lives.
    let held: Vec<String> = sqlx::query_scalar(
        "select s.title || ' ' || s.state || ': ' || c.kind || ' ' || c.key from claim c join saga s on s.id = c.saga
         where s.ended is not null and not (s.ended = 'completed' and c.kind = 'account_plan_family')",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert!(held.is_empty(), "claims of ended sagas: {held:?}");
    let open: i64 = sqlx::query_scalar("select count(*) from item where state in ('ready', 'waiting', 'dead')")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!(open, 0, "items that nobody applied");
    let sagas = all(pool).await;
    let (twice, once): (Vec<_>, Vec<_>) = sagas.into_iter().partition(|line| world.twice.contains(&line.id));
    assert!(once.iter().all(|line| line.status == Status::Ended || line.parked.is_some() || line.due_at.is_some()));
    world.fixture.check_books(&once, &twice).await;
}

async fn all(pool: &sqlx::PgPool) -> Vec<SagaLine> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = query::sagas(pool, &query::SagaFilter::default(), after, 500).await.unwrap();
        let Some(last) = page.last() else { return all };
        after = Some(query::SagaCursor { started_at: last.started_at, id: last.id.0 });
        all.extend(page);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_survives_every_fault_at_every_call() {
    let fixture = super::rehearsal::Fixture::new().await;
    println!("{} cases played on rehearsals", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_payment_survives_every_fault_at_every_call() {
    let fixture = super::invoice_payment::Fixture::new().await;
    println!("{} cases played on invoice payments", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_activation_survives_every_fault_at_every_call() {
    let fixture = super::subscription_activation::Fixture::new().await;
    println!("{} cases played on activations", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_of_an_act_survives_every_fault_at_every_call() {
    let fixture = super::act_refusal::Fixture::new().await;
    println!("{} cases played on refused acts", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_sync_survives_every_fault_at_every_call() {
    let fixture = super::catalog_sync::Fixture::new().await;
    println!("{} cases played on catalog syncs", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_survives_every_fault_at_every_call() {
    let fixture = super::disbursement::Fixture::new().await;
    println!("{} cases played on payouts", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_method_update_survives_every_fault_at_every_call() {
    let fixture = super::payment_method_update::Fixture::new().await;
    println!("{} cases played on card updates", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_survives_every_fault_at_every_call() {
    let fixture = super::cancellation::Fixture::new().await;
    println!("{} cases played on cancellations", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn deal_and_tags_survive_every_fault_at_every_call() {
    let fixture = super::crm_lifecycle::Fixture::new().await;
    println!("{} cases played on deals and tags", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_survives_every_fault_at_every_call() {
    let fixture = super::refund::Fixture::new().await;
    println!("{} cases played on refunds", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_survives_every_fault_at_every_call() {
    let fixture = super::dispute::Fixture::new().await;
    println!("{} cases played on disputes", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_survives_every_fault_at_every_call() {
    let fixture = super::erasure::Fixture::new().await;
    println!("{} cases played on erasures", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_survives_every_fault_at_every_call() {
    let fixture = super::sign_up::Fixture::new().await;
    println!("{} cases played on sign-ups", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_survives_every_fault_at_every_call() {
    let fixture = super::notice::Fixture::new().await;
    println!("{} cases played on notices", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_change_survives_every_fault_at_every_call() {
    let fixture = super::plan_change::Fixture::new().await;
    println!("{} cases played on plan changes", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_ticket_survives_every_fault_at_every_call() {
    let fixture = super::desk_ticket::Fixture::new().await;
    println!("{} cases played on tickets", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_survives_every_fault_at_every_call() {
    let fixture = super::migration::Fixture::new().await;
    println!("{} cases played on migrations", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_zoho_collects_survives_every_fault_at_every_call() {
    let fixture = super::zoho_native::Fixture::new().await;
    println!("{} cases played on starts that Zoho collects", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_over_survives_every_fault_at_every_call() {
    let fixture = super::hand_over::Fixture::new().await;
    println!("{} cases played on hand-overs", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_of_braintrees_charges_survives_every_fault_at_every_call() {
    let fixture = super::braintree_recurring::Fixture::new().await;
    println!("{} cases played on mirrors", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_of_the_books_survives_every_fault_at_every_call() {
    let fixture = super::books_opening::Fixture::new().await;
    println!("{} cases played on openings of the books", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_change_survives_every_fault_at_every_call() {
    let fixture = super::profile_change::Fixture::new().await;
    println!("{} cases played on profile changes", play(&fixture).await);
}
