//! Every verb in every state of a saga: obeyed or refused, and what follows.

mod shop;

use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Claim, ClaimKind};
use sagas::kernel::flow::{Open, Phase, StepEvent};
use sagas::kernel::ids::SagaId;
use sagas::kernel::machine::{self, Command, What, Work};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Look, NotSent, Outcome, Rejection, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::record::{Record, Recorded};
use sagas::kernel::saga::{At, End, Refusal};
use sagas::kernel::verb::{Asked, Evidence, OpenMoney, Order, Standing, Supplied, Verb};
use shop::{Happened, Shop, Told};
use std::fmt::Write as _;

#[derive(Clone)]
struct Play {
    saga: Recorded<Shop>,
    now: DateTime<Utc>,
    standing: Standing,
    /// What the vendor shows when it is asked for a verb; none: what fits.
    shown: Option<Look>,
}

const ABSENT: Look = Look::Absent { watermark: true, key_proven: false };

fn verb_order(verb: Verb) -> Order {
    Order { verb, principal: "ada".to_owned(), reason: "tested".to_owned(), approver: None, bulk: false }
}

impl Play {
    fn new() -> Self {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let mut play = Self { saga: Recorded::default(), now, standing: Standing::default(), shown: None };
        play.told(Told::Start);
        play
    }

    fn decide(&mut self, what: What<Told>) -> Result<Vec<Record<Happened>>, Refusal> {
        let command = Command { saga: SagaId::derived("shop", &["1"]), at: At::utc(self.now), what };
        let events = machine::decide(&self.saga, &command)?;
        for event in &events {
            self.saga.evolve(event);
        }
        Ok(events)
    }

    fn told(&mut self, command: Told) {
        let what = What::Deliver { item: None, kind: "t".to_owned(), principal: "t".to_owned(), command };
        self.decide(what).expect("heard");
    }

    fn answer(&mut self, outcome: Outcome) {
        let open = self.saga.flow.open.clone().expect("a step is open");
        if open.effect.exactly_once().needs_sending_mark() && !open.is_unknown() {
            self.send();
        }
        self.decide(What::Answer { attempt: open.attempt, outcome, request_id: None, latency_ms: 1 })
            .expect("answered");
    }

    fn send(&mut self) {
        let deadline = self.now + TimeDelta::seconds(60);
        self.decide(What::Sending { deadline, node: "n".to_owned(), epoch: 1 }).expect("sent");
    }

    fn done(&mut self, answer: Answer) {
        self.answer(Outcome::Done { answer });
    }

    fn refused(&mut self) {
        let (code, message) = ("1".to_owned(), "no".to_owned());
        self.answer(Outcome::Rejected { rejection: Rejection { kind: RejectionKind::Invalid, code, message } });
    }

    fn unanswered(&mut self) {
        self.answer(Outcome::Unknown { detail: "time-out".to_owned() });
    }

    fn not_sent(&mut self) {
        let detail = "down".to_owned();
        self.answer(Outcome::NotSent { cause: NotSent::Outage, detail, retry_after_seconds: Some(600) });
    }

    fn look(&mut self, look: Look) {
        let attempt = self.saga.flow.open.as_ref().expect("a step is open").attempt;
        self.decide(What::Looked { attempt, look }).expect("looked");
    }

    fn pass(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    fn with(mut self, act: impl FnOnce(&mut Self)) -> Self {
        act(&mut self);
        self
    }

    fn orders(&mut self, verb: Verb) -> Result<Vec<Record<Happened>>, Refusal> {
        self.order(verb_order(verb))
    }

    fn order(&mut self, order: Order) -> Result<Vec<Record<Happened>>, Refusal> {
        let needs = machine::needs(&self.saga, &order.verb, self.now);
        let shown = self.shown.clone();
        let look = needs.call.map(|asked| match asked {
            Asked::Look(_) => shown.unwrap_or(ABSENT),
            Asked::Reference(open, reference) => shown.unwrap_or_else(|| {
                let answer = match open.step.as_str() {
                    "sell" => shop::sold(&reference),
                    "record" => {
                        Answer::Recorded { payment: reference, amount: Money::new(4_900, iso_currency::Currency::EUR) }
                    }
                    _ => Answer::Nothing,
                };
                Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: Vec::new() }
            }),
        });
        let evidence = Evidence { look, standing: needs.standing.then(|| self.standing.clone()) };
        self.decide(What::Verb { item: None, kind: "operator".to_owned(), order, evidence })
    }

    fn work(&self) -> Work {
        machine::work(&self.saga, self.now)
    }
}

fn waiting() -> Play {
    Play::new().with(|p| p.done(Answer::Nothing))
}

fn selling() -> Play {
    waiting().with(|p| {
        p.pass(3_600);
        p.decide(What::Due).expect("due");
    })
}

fn unknown() -> Play {
    selling().with(Play::unanswered)
}

/// Proven not done, and kept back for a day.
fn proven() -> Play {
    unknown().with(|p| {
        p.pass(130);
        p.look(ABSENT);
        p.pass(40);
        p.look(ABSENT);
    })
}

fn recording() -> Play {
    selling().with(|p| p.done(shop::sold("t1")))
}

fn states() -> Vec<(&'static str, Play)> {
    vec![
        ("wanted", Play::new()),
        ("waits", waiting()),
        ("parked by flow", waiting().with(|p| p.told(Told::Park))),
        ("backing off", selling().with(Play::not_sent)),
        ("sending", selling().with(Play::send)),
        ("unknown", unknown()),
        (
            "unknown parked",
            unknown().with(|p| {
                p.pass(8 * 86_400);
                p.look(Look::Unclear { detail: "busy".to_owned() });
            }),
        ),
        ("proven absent", proven()),
        ("sale refused", selling().with(Play::refused)),
        ("paused", selling().with(|p| drop(p.orders(Verb::Pause).expect("paused")))),
        ("unwinding", waiting().with(|p| drop(p.orders(Verb::Compensate).expect("off")))),
        (
            "undo refused",
            waiting().with(|p| {
                p.orders(Verb::Compensate).expect("off");
                p.refused();
            }),
        ),
        ("record refused", recording().with(Play::refused)),
        (
            "note waits",
            recording().with(|p| {
                p.done(Answer::Recorded {
                    payment: "z1".to_owned(),
                    amount: Money::new(4_900, iso_currency::Currency::EUR),
                });
                p.not_sent();
            }),
        ),
        (
            "undone",
            waiting().with(|p| {
                p.orders(Verb::Compensate).expect("off");
                p.done(Answer::Nothing);
            }),
        ),
    ]
}

fn verbs(play: &Play) -> Vec<Verb> {
    let wanted = machine::wanted(&play.saga, play.now);
    let step = wanted.as_ref().map_or_else(|| "none".to_owned(), |open| open.step.clone());
    let reference = match step.as_str() {
        "sell" => "t1",
        "record" => "z1",
        _ => "c-1",
    };
    let reference = reference.to_owned();
    let moves = wanted.as_ref().is_none_or(|open| open.effect.moves_money());
    let result = if moves {
        Supplied::Reference { reference: reference.clone() }
    } else {
        Supplied::Answer { answer: Box::new(Answer::Nothing) }
    };
    vec![
        Verb::Resume,
        Verb::Retry,
        Verb::Pause,
        Verb::Skip { step, result },
        Verb::DeclareDone { reference },
        Verb::DeclareNotDone,
        Verb::Compensate,
        Verb::Abandon,
        Verb::MoveDue { to: play.now + TimeDelta::days(2) },
    ]
}

/// What each verb comes to in each state: `ok`, or the word of the refusal.
const MATRIX: &str = include_str!("matrix.txt");

#[test]
fn every_verb_in_every_state_is_obeyed_or_refused_as_the_table_says() {
    let mut table = String::new();
    for (name, play) in states() {
        writeln!(table, "{name}").expect("text");
        for verb in verbs(&play) {
            let before = play.saga.clone();
            let mut play = play.clone();
            let word = match play.orders(verb.clone()) {
                Ok(events) => {
                    let heard = events.iter().find_map(|event| match event {
                        Record::Step(StepEvent::Heard { refused, .. }) => refused.clone(),
                        _ => None,
                    });
                    assert!(!events.is_empty(), "{name} {verb}: nothing follows");
                    heard.map_or("ok".to_owned(), |_| "refused, and what was found is kept".to_owned())
                }
                Err(refusal) => {
                    assert!(refusal.message.starts_with(&format!("cannot {verb} saga ")), "{}", refusal.message);
                    assert!(refusal.message.contains("(state: "), "{}", refusal.message);
                    assert_eq!((&play.saga.flow, &play.saga.business), (&before.flow, &before.business));
                    refusal.code
                }
            };
            writeln!(table, "  {:<17}{word}", verb.word()).expect("text");
        }
    }
    assert_eq!(table.trim(), MATRIX.trim(), "{table}");
}

#[test]
fn an_order_without_a_reason_is_refused() {
    let order = Order { reason: "  ".to_owned(), ..verb_order(Verb::Pause) };
    assert_eq!(waiting().order(order).expect_err("refused").code, "no_reason");
}

#[test]
fn a_bulk_order_leaves_unknown_outcomes_out() {
    let order = Order { bulk: true, ..verb_order(Verb::Resume) };
    assert_eq!(unknown().order(order).expect_err("refused").code, "left_out");
}

#[test]
fn a_pause_keeps_calls_and_waits_back_and_goes_on_looking_up() {
    let mut play = selling();
    play.orders(Verb::Pause).expect("paused");
    assert_eq!(play.work(), Work::Idle);
    assert_eq!(play.saga.flow.parked.as_ref().map(|p| p.code), Some(ParkCode::Paused));
    play.orders(Verb::Resume).expect("resumed");
    assert!(matches!(play.work(), Work::Perform(_)));

    let mut play = waiting();
    play.orders(Verb::Pause).expect("paused");
    play.pass(7_200);
    assert_eq!(play.work(), Work::Idle, "a wait that ends meanwhile is kept");
    play.orders(Verb::Resume).expect("resumed");
    assert_eq!(play.work(), Work::Due);

    let mut play = unknown();
    play.orders(Verb::Pause).expect("paused");
    play.pass(120);
    assert!(matches!(play.work(), Work::Look(_)));
    let found = Outcome::Done { answer: shop::sold("t1") };
    play.look(Look::Found { outcome: Box::new(found), extra: Vec::new() });
    assert!(play.saga.flow.past_pivot, "what was found counts at once");
    assert_eq!(play.work(), Work::Idle, "and nothing is sent");
    play.orders(Verb::Resume).expect("resumed");
    let open = play.saga.flow.open.expect("goes on");
    assert!(open.step == "record" && matches!(open.phase, Phase::Requested { look_first: true, .. }));
}

#[test]
fn a_pause_makes_way_for_an_outcome_that_nobody_finds() {
    let mut play = unknown();
    play.orders(Verb::Pause).expect("paused");
    play.pass(8 * 86_400);
    play.look(Look::Unclear { detail: "busy".to_owned() });
    assert_eq!(play.saga.flow.parked.as_ref().map(|p| p.code), Some(ParkCode::OutcomeUnknown));
    assert_eq!(play.work(), Work::Idle);
}

#[test]
fn a_pause_keeps_the_back_off_and_the_day_of_a_proof() {
    let mut play = proven();
    let until = play.saga.flow.open.as_ref().and_then(Open::proven_absent_until).expect("a day");
    play.orders(Verb::Pause).expect("paused");
    play.orders(Verb::Resume).expect("resumed");
    assert_eq!(play.work(), Work::Wait(until));
}

#[test]
fn a_declared_transaction_must_be_ours_in_order_id_amount_and_customer() {
    let shown = |change: fn(&mut sagas::kernel::answer::Transaction)| {
        let Answer::Transaction(mut hit) = shop::sold("t1") else { unreachable!() };
        change(&mut hit);
        Look::Found { outcome: Box::new(Outcome::Done { answer: Answer::Transaction(hit) }), extra: Vec::new() }
    };
    let declare = |look: Look| {
        let mut play = unknown();
        play.shown = Some(look);
        play.orders(Verb::DeclareDone { reference: "t1".to_owned() }).map(|_| play)
    };
    for (look, part) in [
        (shown(|hit| hit.order_id = "demo1.inv.8.1".to_owned()), "order id demo1.inv.8.1"),
        (shown(|hit| hit.amount.minor = 4_800), "48.00 EUR"),
        (shown(|hit| hit.customer = Some("c-2".to_owned())), "customer c-2"),
        (shown(|hit| hit.id = "t2".to_owned()), "t2 instead of t1"),
        (ABSENT, "shows nothing"),
        (Look::Unclear { detail: "HTTP 500".to_owned() }, "HTTP 500"),
    ] {
        let refusal = declare(look).map(drop).expect_err(part);
        assert!(refusal.message.contains(part), "{}", refusal.message);
    }
    let play = declare(shown(|_| {})).unwrap_or_else(|refusal| panic!("{}", refusal.message));
    assert!(play.saga.flow.past_pivot);
    assert_eq!(play.saga.flow.open.expect("goes on").step, "record");
}

#[test]
fn not_done_needs_the_proof_says_what_it_lacks_and_spares_only_the_day() {
    let mut play = unknown();
    play.shown = Some(Look::Absent { watermark: false, key_proven: false });
    let lacks = |events: Vec<Record<Happened>>| {
        events.into_iter().find_map(|event| match event {
            Record::Step(StepEvent::Heard { refused, .. }) => refused,
            _ => None,
        })
    };
    let not_done = |play: &mut Play| lacks(play.orders(Verb::DeclareNotDone).expect("heard"));
    let why = not_done(&mut play).expect("refused");
    assert!(
        why.contains("another clean look") && why.contains("after the deadline") && why.contains("younger"),
        "{why}"
    );
    play.pass(150);
    let why = not_done(&mut play).expect("refused");
    assert!(!why.contains("another clean look") && why.contains("younger transaction"), "{why}");
    play.shown = None;
    assert_eq!(not_done(&mut play), None);
    assert!(matches!(play.work(), Work::Look(_)), "searched once more before it is sent, and at once");
    play.look(ABSENT);
    assert!(matches!(play.work(), Work::Perform(_)));

    let mut play = proven();
    assert!(matches!(play.work(), Work::Wait(_)));
    assert_eq!(not_done(&mut play), None);
    assert!(matches!(play.work(), Work::Look(_)));
}

#[test]
fn not_done_of_what_was_done_is_refused_and_the_saga_goes_on_from_what_was_found() {
    let mut play = unknown();
    let outcome = Box::new(Outcome::Done { answer: shop::sold("t1") });
    play.shown = Some(Look::Found { outcome, extra: Vec::new() });
    let events = play.orders(Verb::DeclareNotDone).expect("heard");
    let refused = |event: &Record<Happened>| matches!(event, Record::Step(StepEvent::Heard { refused: Some(_), .. }));
    assert!(events.iter().any(refused));
    assert!(play.saga.flow.past_pivot);
}

#[test]
fn a_refused_record_is_skipped_by_the_payment_that_zoho_holds() {
    let mut play = recording().with(Play::refused);
    let skip = |result| Verb::Skip { step: "record".to_owned(), result };
    let made_up = Supplied::Answer { answer: Box::new(Answer::Nothing) };
    assert_eq!(play.orders(skip(made_up)).expect_err("money").code, "reference_missing");
    let other = Verb::Skip { step: "note".to_owned(), result: Supplied::Reference { reference: "z1".to_owned() } };
    assert_eq!(play.orders(other).expect_err("another step").code, "another_step");
    play.orders(skip(Supplied::Reference { reference: "z1".to_owned() })).expect("skipped");
    assert_eq!(play.saga.flow.open.expect("goes on").step, "note");
}

#[test]
fn a_stuck_undo_that_was_done_by_hand_is_skipped_and_the_rest_is_undone() {
    let mut play = waiting();
    play.orders(Verb::Compensate).expect("off");
    play.refused();
    assert_eq!(play.saga.flow.parked.as_ref().map(|p| p.code), Some(ParkCode::CompensationStuck));
    let skip = Verb::Skip { step: "customer".to_owned(), result: Supplied::Reference { reference: "c-1".to_owned() } };
    play.orders(skip).expect("skipped");
    assert_eq!(play.saga.flow.ended, Some(End::Compensated));
}

#[test]
fn what_is_given_up_holds_no_money_and_lets_its_claims_go() {
    let fresh = || Play::new().with(Play::refused);
    let claim = |kind| Claim { kind, key: "1".to_owned() };
    let mut play = fresh();
    play.standing.open_money = vec![OpenMoney {
        account: 2100,
        transaction: Some("t1".to_owned()),
        amount: Money::new(4_900, iso_currency::Currency::EUR),
    }];
    let refusal = play.orders(Verb::Abandon).expect_err("money");
    assert!(refusal.message.contains("49.00 EUR of transaction t1"), "{}", refusal.message);

    let mut play = fresh();
    play.standing.claims = vec![claim(ClaimKind::ZohoInvoice)];
    assert_eq!(play.orders(Verb::Abandon).expect_err("fence").code, "money_open");

    let mut play = fresh();
    play.standing.claims = vec![claim(ClaimKind::AttioTrigger), claim(ClaimKind::ZohoCustomer)];
    play.orders(Verb::Abandon).expect("given up");
    assert_eq!(play.saga.flow.ended, Some(End::GivenUp));
    assert_eq!(play.saga.flow.abandoned, Some(vec![claim(ClaimKind::ZohoCustomer)]));
    play.told(Told::Park);
    assert_eq!(play.saga.flow.ended, Some(End::GivenUp), "what let its claims go stays ended");

    let mut play = fresh();
    play.orders(Verb::Abandon).expect("given up");
    play.told(Told::Park);
    assert_eq!(play.saga.flow.ended, None, "what held nothing is opened by news");
}

#[test]
fn a_wait_is_moved_to_when_the_flow_has_something_to_do_and_not_too_far() {
    let mut play = waiting();
    let soon = play.now + TimeDelta::minutes(5);
    assert_eq!(play.orders(Verb::MoveDue { to: soon }).expect_err("nothing to do").code, "too_early");
    let far = play.now + TimeDelta::days(31);
    assert_eq!(play.orders(Verb::MoveDue { to: far }).expect_err("too far").code, "too_far");
    let to = play.now + TimeDelta::days(3);
    play.orders(Verb::MoveDue { to }).expect("moved");
    assert_eq!(play.work(), Work::Wait(to));
    play.now = to;
    assert_eq!(play.work(), Work::Due);
    play.decide(What::Due).expect("due");
    assert_eq!(play.saga.flow.open.expect("goes on").step, "sell");
}

#[test]
fn the_next_try_is_moved_and_a_retry_brings_it_back() {
    let mut play = selling().with(Play::not_sent);
    let to = play.now + TimeDelta::hours(9);
    play.orders(Verb::MoveDue { to }).expect("moved");
    assert_eq!(play.work(), Work::Wait(to));
    let before = play.saga.flow.open.clone().expect("open");
    play.orders(Verb::Retry).expect("now");
    let after = play.saga.flow.open.clone().expect("open");
    assert!(matches!(play.work(), Work::Perform(_)));
    assert_eq!((before.effect, before.attempt), (after.effect, after.attempt), "the same request");
    assert_eq!(play.orders(Verb::Retry).expect_err("already").code, "already_due");
}

#[test]
fn a_call_that_can_have_left_is_looked_up_before_it_is_dropped() {
    // A call under a chosen id has no mark: it can have left before a crash.
    let mut play = Play::new();
    play.shown = Some(Look::Found { outcome: Box::new(Outcome::Done { answer: Answer::Nothing }), extra: Vec::new() });
    play.orders(Verb::Compensate).expect("heard");
    assert_eq!(play.saga.flow.completed, ["customer"], "it was made, and is kept");
    assert_eq!(play.saga.flow.unwinding, None);
    play.shown = None;
    play.orders(Verb::Compensate).expect("off");
    assert!(play.saga.flow.open.is_some_and(|open| open.undo && shop::is_of_money(&open.effect)));
}
