//! Faults at every call: generated from a clean run, played side by side in one world.

use super::faults::{Act, Plan};
use super::world::{World, history};
use super::{Fixture, is_played};
use attio_billing::engine::hooks::Injection;
use attio_billing::store::append::Status;
use attio_billing::store::log::StoredEvent;
use attio_billing::store::query::{self, SagaLine};
use attio_billing::store::{ledger, verify};
use sagas::kernel::flow::StepEvent;
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{NotSent, Outcome, Rejection, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::record::Record;
use sagas::kernel::step::ExactlyOnce;
use serde_json::Value;
use std::collections::HashMap;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Declined,
    Refused,
    RefusedForConfig,
    Unreached,
    OverQuota,
    Twice,
    DoneUnanswered,
    LostUnanswered,
}

impl Fault {
    const ALL: [Self; 8] = [
        Self::Declined,
        Self::Refused,
        Self::RefusedForConfig,
        Self::Unreached,
        Self::OverQuota,
        Self::Twice,
        Self::DoneUnanswered,
        Self::LostUnanswered,
    ];

    fn injection(self, call: &Wanted, fixture: &dyn Fixture) -> Injection {
        let unanswered = || Outcome::Unknown { detail: "no answer, as the test wants".to_owned() };
        let not_sent = |cause| {
            let detail = "not sent, as the test wants".to_owned();
            Injection::Instead(Outcome::NotSent { cause, detail, retry_after_seconds: None })
        };
        match self {
            Self::Declined => Injection::Instead(fixture.decline()),
            Self::Refused => Injection::Instead(refused(RejectionKind::Invalid)),
            Self::RefusedForConfig => Injection::Instead(refused(RejectionKind::Config)),
            Self::Unreached => not_sent(NotSent::Outage),
            Self::OverQuota => not_sent(NotSent::Quota),
            // The engine never makes a searchable call twice: where somebody did, the look-up must find both.
            Self::Twice => Injection::Twice(call.is_searchable().then(unanswered)),
            Self::DoneUnanswered => Injection::Heard(unanswered()),
            Self::LostUnanswered => Injection::Instead(unanswered()),
        }
    }
}

fn refused(kind: RejectionKind) -> Outcome {
    let message = "refused, as the test wants".to_owned();
    Outcome::Rejected { rejection: Rejection { kind, code: "harness".to_owned(), message } }
}

/// A call that a road makes.
#[derive(Debug, Clone)]
struct Wanted {
    act: Act,
    undo: bool,
    exactly_once: ExactlyOnce,
}

impl Wanted {
    const fn is_searchable(&self) -> bool {
        matches!(self.exactly_once, ExactlyOnce::Searchable { .. })
    }

    fn tells_people(&self) -> bool {
        matches!(
            self.act.operation,
            "attio.add_task" | "attio.project" | "attio.refuse_act" | "attio.show_subscription" | "mail.send"
        )
    }
}

/// A way of an instance, the faults that lead along it, and where it ends.
#[derive(Debug, Clone)]
struct Road {
    name: &'static str,
    plan: Plan,
    calls: Vec<Wanted>,
    end: End,
}

/// Where a saga ended, or the code under which it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    state: String,
    ended: Option<String>,
    parked: Option<String>,
}

impl End {
    fn of(line: &SagaLine) -> Self {
        let parked = line.parked.as_ref().map(|(code, ..)| code.clone());
        Self { state: line.state.clone(), ended: line.ended.clone(), parked }
    }
}

/// A road with one more fault.
struct Case {
    road: usize,
    call: Wanted,
    fault: Fault,
    saga: SagaId,
}

impl Case {
    fn name(&self, roads: &[Road]) -> String {
        let undo = if self.call.undo { "the undo of " } else { "" };
        let Act { step, time, .. } = &self.call.act;
        format!("road `{}`, {undo}`{step}` (time {time}): {:?}", roads[self.road].name, self.fault)
    }
}

/// Plays all faults of a flow; answers how many cases there were.
pub(super) async fn play(fixture: &dyn Fixture) -> usize {
    let mut world = World::new(fixture).await;
    let mut roads = Vec::new();
    for name in fixture.roads() {
        roads.push(road(&mut world, name, Plan::default()).await);
    }
    check(&world).await;
    let first: Vec<(usize, Wanted)> = every_call(&roads, 0);
    let mut cases = begin(&mut world, &roads, first).await;
    settle(&mut world, &roads, &cases).await;

    // Undos are met on the roads that a fault leads to: each of them is a road of its own.
    let straight = roads.len();
    for case in &cases {
        let known = |act: &Act| roads.iter().flat_map(|r| &r.calls).any(|c| c.act == *act);
        let (line, events) = history(world.pool(), case.saga).await;
        let calls: Vec<_> = calls(&events).into_iter().filter(|c| c.undo && !known(&c.act)).collect();
        if !calls.is_empty() {
            let from = &roads[case.road];
            let plan = plan(from, &case.call, case.fault, fixture);
            roads.push(Road { name: from.name, plan, calls, end: End::of(&line) });
        }
    }
    let undos = every_call(&roads, straight);
    let more = begin(&mut world, &roads, undos).await;
    settle(&mut world, &roads, &more).await;
    cases.extend(more);

    resume_all(&mut world, &roads, &cases).await;
    world.end().await;
    cases.len()
}

/// Plays one clean instance and writes down what it does.
async fn road(world: &mut World<'_>, name: &'static str, plan: Plan) -> Road {
    let saga = world.start(name, &format!("clean {name}"), plan.clone()).await;
    world.finish(&[saga]).await;
    let (line, events) = history(world.pool(), saga).await;
    let calls = calls(&events);
    assert!(!calls.is_empty(), "a clean run of `{name}` makes no call");
    Road { name, plan, calls, end: End::of(&line) }
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

fn plan(road: &Road, call: &Wanted, fault: Fault, fixture: &dyn Fixture) -> Plan {
    let mut plan = road.plan.clone();
    plan.faults.push((call.act.clone(), fault.injection(call, fixture)));
    plan
}

async fn begin(world: &mut World<'_>, roads: &[Road], calls: Vec<(usize, Wanted)>) -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, (road, call)) in calls.into_iter().enumerate() {
        for (kind, fault) in Fault::ALL.into_iter().enumerate() {
            // Every kind of fault comes in every run, at other calls.
            if !is_played(world.fixture, number + kind) {
                continue;
            }
            let plan = plan(&roads[road], &call, fault, world.fixture);
            let saga = world.start(roads[road].name, &format!("case {road} {} {fault:?}", cases.len()), plan).await;
            if fault == Fault::Twice && call.is_searchable() {
                world.twice.insert(saga);
            }
            cases.push(Case { road, call: call.clone(), fault, saga });
        }
    }
    cases
}

/// Lets all cases come to their end or park, and looks at each.
async fn settle(world: &mut World<'_>, roads: &[Road], cases: &[Case]) {
    let sagas: Vec<_> = cases.iter().map(|case| case.saga).collect();
    world.finish(&sagas).await;
    for case in cases {
        let name = case.name(roads);
        assert!(world.faults.all_struck(case.saga), "{name}: never came to pass");
        let (line, events) = history(world.pool(), case.saga).await;
        let (end, clean) = (End::of(&line), &roads[case.road].end);
        match case.fault {
            // Goes on by itself, to the same end.
            Fault::Unreached | Fault::OverQuota | Fault::DoneUnanswered | Fault::LostUnanswered => {
                assert_eq!(end, *clean, "{name}: {line:#?}");
            }
            Fault::Twice if case.call.is_searchable() => {}
            Fault::Twice => assert_eq!(end, *clean, "{name}: {line:#?}"),
            Fault::Declined | Fault::Refused | Fault::RefusedForConfig if case.call.undo => {
                assert_eq!(end.parked.as_deref(), Some(ParkCode::CompensationStuck.as_str()), "{name}: {line:#?}");
            }
            // Put off and tried again: nobody's money waits for it.
            Fault::RefusedForConfig if case.call.tells_people() => assert_eq!(end, *clean, "{name}: {line:#?}"),
            Fault::RefusedForConfig => {
                assert_eq!(end.parked.as_deref(), Some(ParkCode::VendorConfig.as_str()), "{name}: {line:#?}");
            }
            // The flow's own branch, or a person.
            Fault::Declined | Fault::Refused => {}
        }
        // A call that may have been sent is not sent again before somebody looked.
        if case.call.is_searchable() && matches!(case.fault, Fault::DoneUnanswered | Fault::Twice) {
            let resent = events.iter().filter(|e| e.name == "step.sending" && is_of(e, &case.call.act.step)).count();
            assert_eq!(resent, 1, "{name}: sent again");
        }
    }
    check(world).await;
}

fn is_of(event: &StoredEvent, wanted: &str) -> bool {
    let record: Record<Value> = serde_json::from_str(&event.payload).unwrap();
    matches!(record, Record::Step(StepEvent::Sending { step, .. }) if step == wanted)
}

/// What waits for a person goes on when the cause is cleared, and ends where the clean road ends.
async fn resume_all(world: &mut World<'_>, roads: &[Road], cases: &[Case]) {
    let mut resumed = Vec::new();
    for case in cases {
        let (line, _) = history(world.pool(), case.saga).await;
        if line.parked.is_none() {
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
    assert_eq!(query::forgotten(pool, 9).await.unwrap(), [], "nothing will ever wake these");
    let report = verify::verify(pool, |_| {}).await.unwrap();
    assert_eq!(report.first_break, None);
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
    println!("{} cases of faults played on rehearsals", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_payment_survives_every_fault_at_every_call() {
    let fixture = super::invoice_payment::Fixture::new().await;
    println!("{} cases of faults played on invoice payments", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_activation_survives_every_fault_at_every_call() {
    let fixture = super::subscription_activation::Fixture::new().await;
    println!("{} cases of faults played on activations", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_of_an_act_survives_every_fault_at_every_call() {
    let fixture = super::act_refusal::Fixture::new().await;
    println!("{} cases of faults played on refused acts", play(&fixture).await);
}
