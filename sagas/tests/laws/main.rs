//! The laws that every saga of the list keeps, whatever comes: random walks over outcomes, commands and time, and the
//! histories that earlier releases recorded.

use crate::dice::{Dice, outcome};
use crate::told::Told;
use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use sagas::cancellation::{self, Cancellation};
use sagas::disbursement::Disbursement;
use sagas::dispute::Dispute;
use sagas::erasure::Erasure;
use sagas::hand_over::HandOver;
use sagas::invoice_payment::InvoicePayment;
use sagas::kernel;
use sagas::kernel::books::{self, Sums};
use sagas::kernel::effect::{Claim, Desk, Effect};
use sagas::kernel::flow::StepEvent;
use sagas::kernel::ids::SagaId;
use sagas::kernel::machine::{self, Command, What, Work};
use sagas::kernel::order::Order;
use sagas::kernel::outcome::{Look, Outcome};
use sagas::kernel::park::ParkCode;
use sagas::kernel::posting::{Journal, journal};
use sagas::kernel::record::{Record, Recorded};
use sagas::kernel::saga::{At, BusinessEvent, Pending, Saga};
use sagas::kernel::step::Class;
use sagas::kernel::verb::Verb;
use sagas::payment_method_update::{self, PaymentMethodUpdate};
use sagas::plan_change::PlanChange;
use sagas::rehearsal::Rehearsal;
use sagas::subscription_activation::SubscriptionActivation;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

mod activation;
mod answers;
mod card_update;
mod deals;
mod dice;
mod disputed;
mod ending;
mod erasing;
mod handing_over;
mod histories;
mod imports;
mod native;
mod opening;
mod pages;
mod payouts;
mod plan;
mod profiles;
mod recurring;
#[path = "../../kernel/tests/samples.rs"]
mod samples;
mod tickets;
mod told;
mod trial;
mod verbs;

/// What one flow tells another, the other can read.
fn understood(effect: &Effect) {
    let (flow, command) = match effect {
        Effect::Desk(Desk::Tell { message, .. }) => (&message.flow, &message.command),
        Effect::Desk(Desk::TellAll { flow, command, .. }) => (flow, command),
        _ => return,
    };
    reads(flow, command);
    let Effect::Desk(Desk::Tell { message, .. }) = effect else { return };
    if flow == PaymentMethodUpdate::NAME
        && let Ok(payment_method_update::Command::Wanted { subscription, requested_at, .. }) =
            serde_json::from_value(command.clone())
    {
        assert_eq!(message.to, PaymentMethodUpdate::id(&subscription, requested_at), "another saga is told");
    }
    if flow == Cancellation::NAME
        && let Ok(cancellation::Command::Ordered { of, .. }) = serde_json::from_value(command.clone())
    {
        assert_eq!(message.to, Cancellation::id(&of.organization, &of.subscription), "another saga is told");
    }
}

/// That flow can read it.
fn reads(flow: &str, command: &Value) {
    let mut known = false;
    macro_rules! read {
        ($($saga:ty,)*) => { $(
            if flow == <$saga>::NAME {
                known = true;
                let read = serde_json::from_value::<<$saga as Saga>::Command>(command.clone());
                assert!(read.is_ok(), "{flow} is told what it cannot read: {read:?}");
            }
        )* };
    }
    sagas::for_each_saga!(read);
    assert!(known, "there is no flow `{flow}`");
}

/// A saga on a walk.
struct Walk<S: Told> {
    id: SagaId,
    saga: Recorded<S>,
    log: Vec<Record<S::Event>>,
    dice: Dice,
    now: DateTime<chrono::Utc>,
    order: Order,
    charge_open: bool,
    sums: Sums,
    by_transaction: BTreeMap<String, Sums>,
    claims: BTreeSet<Claim>,
    /// People order what they like.
    operators: bool,
    /// Events that a person's verb led to, by name.
    verbs: BTreeSet<String>,
}

impl<S: Told> Walk<S> {
    fn new(seed: u64) -> Self {
        let mut walk = Self {
            id: SagaId::derived("walk", &[S::NAME]),
            saga: Recorded::default(),
            log: Vec::new(),
            dice: Dice {
                seed,
                payments: Vec::new(),
                applied: 0,
                unapplied: 0,
                positions: Vec::new(),
                moved_to: String::new(),
            },
            now: activation::began(),
            order: Order::default(),
            charge_open: false,
            sums: Sums::default(),
            by_transaction: BTreeMap::new(),
            claims: BTreeSet::new(),
            operators: false,
            verbs: BTreeSet::new(),
        };
        walk.open_books();
        walk
    }

    /// What stood in the books when it began.
    fn open_books(&mut self) {
        for (group, posting) in S::before().iter().enumerate() {
            let Some(journal) = journal(self.id.event(u64::MAX), group, posting) else { continue };
            self.enter(&journal);
        }
    }

    fn enter(&mut self, journal: &Journal) {
        let lines = books::lines_of(journal);
        if let Err(broken) = books::journal(&lines) {
            panic!("{}: {broken}", journal.rule.as_str());
        }
        self.sums.post(journal.rule, &lines);
        if let Some(transaction) = &journal.dimensions.transaction {
            self.by_transaction.entry(transaction.clone()).or_default().post(journal.rule, &lines);
        }
    }

    fn deliver(&mut self, command: S::Command) {
        self.order(What::Deliver { item: None, kind: "walk".to_owned(), principal: "law".to_owned(), command });
    }

    fn order(&mut self, what: What<S::Command>) {
        let command = Command { saga: self.id, at: At::utc(self.now), what };
        // A refusal is an answer too; it must leave no trace.
        let Ok(events) = machine::decide(&self.saga, &command) else { return };
        for event in events {
            self.watch(&event);
            self.hold(&event);
            self.saga.evolve(&event);
            if let Record::Business(business) = &event {
                self.book(business);
            }
            let text = serde_json::to_string(&event).expect("an event can be written");
            let read: Record<S::Event> = serde_json::from_str(&text).expect("and read back");
            assert_eq!(read, event);
            self.log.push(event);
        }
        self.settled();
    }

    /// What the engine wants of the saga follows in order; a charge is one at a time, and never skipped.
    fn watch(&mut self, event: &Record<S::Event>) {
        let Record::Step(step) = event else { return };
        if let Err(broken) = self.order.follow(&self.saga.flow, step) {
            panic!("{broken}");
        }
        let is_pivot = |name: &str| Recorded::<S>::spec(name).is_some_and(|s| s.class == Class::Pivot);
        match step {
            StepEvent::Requested { effect, .. } => understood(effect),
            StepEvent::Sending { step, .. } if is_pivot(step) => {
                assert!(!self.charge_open, "a second charge while the first has no outcome");
                self.charge_open = true;
            }
            StepEvent::Answered { step, .. }
            | StepEvent::Resolved { step, .. }
            | StepEvent::NotSent { step, .. }
            | StepEvent::ProvedAbsent { step, .. } => self.charge_open &= !is_pivot(step),
            StepEvent::Skipped { step, .. } => {
                assert!(!is_pivot(step), "the pivot {step} is skipped");
                assert!(!self.charge_open, "{step} is skipped over an open charge");
            }
            StepEvent::Abandoned { .. } => assert!(!self.charge_open, "abandoned over an open charge"),
            StepEvent::Ordered { verb, .. } => {
                self.verbs.insert(verb.word().to_owned());
            }
            _ => {}
        }
    }

    /// The invariants of the books.
    fn book(&mut self, event: &S::Event) {
        let facts = S::facts(&self.saga.business, event);
        facts.tells.iter().for_each(|message| reads(&message.flow, &message.command));
        for (group, posting) in facts.postings.iter().enumerate() {
            let Some(journal) = journal(self.id.event(self.log.len() as u64), group, posting) else { continue };
            self.enter(&journal);
        }
        (self.dice.applied, self.dice.unapplied) = (self.sums.applied(), self.sums.unapplied());
        self.dice.positions = self.by_transaction.iter().map(|(of, sums)| books::position(of, sums)).collect();
        // A walk has one customer.
        let broken = books::of_customer(&self.sums).into_iter();
        let broken = broken.chain(self.by_transaction.values().flat_map(books::of_transaction));
        if let Some(broken) = broken.into_iter().next() {
            panic!("after {}: {broken}", event.name());
        }
    }

    /// After each decision: ended, parked, a step open, or waiting until a time. What has ended holds nothing, and
    /// what was undone has moved nothing.
    fn settled(&self) {
        let flow = &self.saga.flow;
        if let Some(broken) = flow.ended.and_then(|end| books::of_ended_saga(&self.sums, end).into_iter().next()) {
            panic!("{broken}");
        }
        if flow.ended.is_some() || flow.parked.is_some() || flow.open.is_some() || self.log.is_empty() {
            return;
        }
        let pending = S::pending(&self.saga.business);
        assert!(matches!(pending, Pending::Await { .. } | Pending::Sleep { .. }), "waits for nothing: {pending:?}");
    }

    fn step(&mut self) {
        match self.dice.roll(24) {
            0 => {
                let command = S::command(&self.saga.business, &mut self.dice, self.now);
                return self.deliver(command);
            }
            1 => return self.order(What::order(Verb::Resume, "law", "walk")),
            3 | 4 if self.operators => return self.verb(),
            2 if self.dice.rarely() => {
                return self.order(What::Park { code: ParkCode::HeldByDecision, detail: "by hand".to_owned() });
            }
            _ => {}
        }
        match machine::work(&self.saga, self.now) {
            Work::Perform(open) => {
                let stale = open.fresh_until.is_some_and(|until| until < self.now);
                if stale {
                    return self.order(What::Stale);
                }
                if open.effect.exactly_once().needs_sending_mark() {
                    let deadline = self.now + TimeDelta::seconds(60);
                    self.order(What::Sending { deadline, node: "n".to_owned(), epoch: 1 });
                    if self.dice.rarely() {
                        // The sender dies.
                        self.now = deadline;
                        return;
                    }
                }
                self.now += TimeDelta::seconds(1);
                let outcome = outcome(&open.effect, &mut self.dice, self.now);
                self.order(What::Answer { attempt: open.attempt, outcome, request_id: None, latency_ms: 1 });
            }
            Work::Look(open) => {
                self.now += TimeDelta::seconds(40);
                let look = self.look(&open.effect);
                self.order(What::Looked { attempt: open.attempt, look });
            }
            Work::Due => {
                let before = self.log.len();
                self.order(What::Due);
                assert!(self.log.len() > before, "{}: due and nothing follows: {:?}", S::NAME, self.saga.business);
            }
            // Somebody comes, or the time.
            Work::Wait(_) if self.dice.roll(3) == 0 => {
                let command = S::command(&self.saga.business, &mut self.dice, self.now);
                self.deliver(command);
            }
            Work::Wait(until) => self.now = until,
            Work::Idle => {
                self.now += TimeDelta::hours(1);
                let command = S::command(&self.saga.business, &mut self.dice, self.now);
                self.deliver(command);
            }
        }
    }

    fn look(&mut self, effect: &Effect) -> Look {
        match self.dice.roll(3) {
            0 => Look::Absent { watermark: self.dice.roll(2) == 0, key_proven: false },
            1 => Look::Unclear { detail: "cannot say".to_owned() },
            _ => match outcome(effect, &mut self.dice, self.now) {
                found @ (Outcome::Done { .. } | Outcome::Declined { .. } | Outcome::Rejected { .. }) => {
                    let extra = if self.dice.rarely() { vec!["t-extra".to_owned()] } else { Vec::new() };
                    Look::Found { outcome: Box::new(found), extra }
                }
                Outcome::NotSent { detail, .. } | Outcome::Unknown { detail } => Look::Unclear { detail },
            },
        }
    }

    /// The log alone tells where the saga stands.
    fn folds(&self) {
        let mut again = Recorded::<S>::default();
        self.log.iter().for_each(|event| again.evolve(event));
        assert_eq!(again.business, self.saga.business);
        assert_eq!(again.flow, self.saga.flow);
    }
}

fn walk<S: Told>(seed: u64, steps: usize, operators: bool) {
    let mut walk = Walk::<S>::new(seed);
    walk.operators = operators;
    walk.deliver(S::start());
    for _ in 0..steps {
        walk.step();
    }
    walk.folds();
}

/// A law that is only walked past proves nothing.
#[test]
fn the_walks_of_an_activation_lead_to_every_end() {
    let mut ends = BTreeSet::new();
    let mut met = BTreeSet::new();
    for seed in 0..200 {
        let mut walk = Walk::<SubscriptionActivation>::new(seed * 7_919);
        walk.deliver(SubscriptionActivation::start());
        for _ in 0..120 {
            walk.step();
        }
        ends.insert(SubscriptionActivation::summary(&walk.saga.business).state);
        met.extend(walk.log.iter().filter_map(|event| match event {
            Record::Business(event) => Some(event.name()),
            Record::Step(_) => None,
        }));
    }
    for end in ["Active", "Cancelled", "Expired", "Failed", "Refused"] {
        assert!(ends.contains(end), "no walk ends {end}: {ends:?}");
    }
    for event in ["ZohoCustomerRevived", "TellingDue"] {
        assert!(met.contains(event), "no walk meets {event}: {met:?}");
    }
}

#[test]
fn the_walks_of_a_card_update_lead_to_every_end() {
    let mut ends = BTreeSet::new();
    let mut met = BTreeSet::new();
    for seed in 0..300 {
        let mut walk = Walk::<PaymentMethodUpdate>::new(seed * 7_919);
        walk.deliver(PaymentMethodUpdate::start());
        for _ in 0..120 {
            walk.step();
        }
        ends.insert(PaymentMethodUpdate::summary(&walk.saga.business).state);
        met.extend(walk.log.iter().filter_map(|event| match event {
            Record::Business(event) => Some(event.name()),
            Record::Step(_) => None,
        }));
    }
    for end in ["Changed", "Cancelled", "Expired", "Refused"] {
        assert!(ends.contains(end), "no walk ends {end}: {ends:?}");
    }
    for event in [
        "MoveFailed",
        "SwitchDeferred",
        "InvoiceRetried",
        "OldCardRetired",
        "OldCardKept",
        "SubscriptionMovedBack",
        "TellingDue",
    ] {
        assert!(met.contains(event), "no walk meets {event}: {met:?}");
    }
}

#[test]
fn the_walks_of_a_dispute_lead_to_every_end() {
    let mut ends = BTreeSet::new();
    let mut met = BTreeSet::new();
    for seed in 0..400 {
        let mut walk = Walk::<Dispute>::new(seed * 7_919);
        walk.deliver(Dispute::start());
        for _ in 0..120 {
            walk.step();
        }
        ends.insert(Dispute::summary(&walk.saga.business).state);
        met.extend(walk.log.iter().filter_map(|event| match event {
            Record::Business(event) => Some(event.name()),
            Record::Step(_) => None,
        }));
    }
    for end in ["Won", "Lost", "AutoAccepted", "Expired", "Held"] {
        assert!(ends.contains(end), "no walk ends {end}: {ends:?}");
    }
    for event in [
        "OrphanDisputeAdopted",
        "OrphanDisputeReturned",
        "DisputeReturned",
        "AcceptanceOrdered",
        "DisputeClosed",
        "OrderRefused",
    ] {
        assert!(met.contains(event), "no walk meets {event}: {met:?}");
    }
}

#[test]
fn the_walks_of_a_hand_over_lead_to_every_end() {
    let mut ends = BTreeSet::new();
    let mut met = BTreeSet::new();
    for seed in 0..400 {
        let mut walk = Walk::<HandOver>::new(seed * 7_919);
        walk.deliver(HandOver::start());
        for _ in 0..160 {
            walk.step();
        }
        ends.insert(HandOver::summary(&walk.saga.business).state);
        met.extend(walk.log.iter().filter_map(|event| match event {
            Record::Business(event) => Some(event.name()),
            Record::Step(_) => None,
        }));
    }
    for end in ["NewOn", "Refused", "Denied", "Undone"] {
        assert!(ends.contains(end), "no walk ends {end}: {ends:?}");
    }
    for event in ["OldCollectorStillOn", "OpenInvoiceVoided", "DrainAwaited", "OwnerRecorded"] {
        assert!(met.contains(event), "no walk meets {event}: {met:?}");
    }
}

#[test]
fn the_walks_of_a_payout_lead_to_every_end() {
    let mut ends = BTreeSet::new();
    let mut rules = BTreeSet::new();
    for seed in 0..300 {
        let mut walk = Walk::<Disbursement>::new(seed * 7_919);
        walk.deliver(Disbursement::start());
        for _ in 0..120 {
            walk.step();
            ends.insert(Disbursement::summary(&walk.saga.business).state);
        }
        rules.extend(
            walk.log
                .iter()
                .filter_map(|event| match event {
                    Record::Business(sagas::disbursement::Event::ItemsBooked { entries, .. }) => Some(entries),
                    _ => None,
                })
                .flatten()
                .flat_map(|entry| entry.rules.iter().map(|rule| rule.as_str())),
        );
    }
    for end in ["Explained", "Differs", "Unannounced", "Held", "Returned", "Awaited"] {
        assert!(ends.contains(end), "no walk is {end}: {ends:?}");
    }
    for rule in [
        "DISBURSE",
        "DISBURSEMENT_RETURNED",
        "DISBURSE_REFUND",
        "DISBURSE_REFUND_RETURNED",
        "FUNDS_HELD",
        "FUNDS_RELEASED",
        "ORPHAN_IN",
    ] {
        assert!(rules.contains(rule), "no walk books {rule}: {rules:?}");
    }
}

/// The verbs that some walk of a saga gets through.
fn obeyed<S: Told>() -> BTreeSet<String> {
    let mut verbs = BTreeSet::new();
    for seed in 0..80 {
        let mut walk = Walk::<S>::new(seed * 7_919);
        walk.operators = true;
        walk.deliver(S::start());
        for _ in 0..120 {
            walk.step();
        }
        verbs.extend(walk.verbs);
    }
    verbs
}

/// A verb that no walk gets through proves nothing either.
#[test]
fn the_walks_of_operators_get_every_verb_through() {
    let mut verbs = obeyed::<Rehearsal>();
    verbs.extend(obeyed::<InvoicePayment>());
    verbs.extend(obeyed::<SubscriptionActivation>());
    let missing: Vec<_> = Verb::WORDS.into_iter().filter(|w| *w != "resume" && !verbs.contains(*w)).collect();
    assert!(missing.is_empty(), "no walk gets {missing:?} through");
}

macro_rules! laws {
    ($($saga:ty,)*) => {
        #[test]
        fn every_declaration_keeps_the_laws_of_steps() {
            $(machine::check_declaration::<$saga>().expect("a lawful declaration");)*
        }

        #[test]
        fn every_recorded_history_is_read_and_leads_where_it_led() {
            $(histories::replay_all::<$saga>();)*
        }

        #[test]
        fn every_flow_has_a_page_that_says_its_steps_and_draws_its_states() {
            $(pages::compare::<$saga>();)*
        }

        proptest! {
            #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
            #[test]
            fn whatever_comes_every_saga_keeps_its_invariants(seed: u64, steps in 1..120_usize) {
                $(walk::<$saga>(seed, steps, false);)*
            }

            #[test]
            fn whatever_operators_order_every_saga_keeps_its_invariants(seed: u64, steps in 1..160_usize) {
                $(walk::<$saga>(seed, steps, true);)*
            }
        }
    };
}

sagas::for_each_saga!(laws);

#[test]
fn the_walks_of_an_erasure_lead_to_every_end() {
    let mut ends = BTreeSet::new();
    let mut met = BTreeSet::new();
    for seed in 0..300 {
        let mut walk = Walk::<Erasure>::new(seed * 7_919);
        walk.deliver(Erasure::start());
        for _ in 0..160 {
            walk.step();
            ends.insert(Erasure::summary(&walk.saga.business).state);
        }
        met.extend(walk.log.iter().filter_map(|event| match event {
            Record::Business(event) => Some(event.name()),
            Record::Step(_) => None,
        }));
    }
    for end in ["Erased", "Refused", "Withdrawn", "RestKept", "Held"] {
        assert!(ends.contains(end), "no walk comes to {end}: {ends:?}");
    }
    let mut unmet = <Erasure as Saga>::Event::NAMES.concat();
    unmet.retain(|name| !met.contains(name));
    assert!(unmet.is_empty(), "no walk meets {unmet:?}");
}

#[test]
fn the_walks_of_a_plan_change_lead_to_every_end() {
    let mut ends = BTreeSet::new();
    let mut met = BTreeSet::new();
    for seed in 0..1_500 {
        let mut walk = Walk::<PlanChange>::new(seed * 7_919);
        walk.deliver(PlanChange::start());
        for _ in 0..120 {
            walk.step();
        }
        ends.insert(PlanChange::summary(&walk.saga.business).state);
        met.extend(walk.log.iter().filter_map(|event| match event {
            Record::Business(event) => Some(event.name()),
            Record::Step(_) => None,
        }));
    }
    for end in ["Changed", "Refused", "Failed", "Cancelled"] {
        assert!(ends.contains(end), "no walk ends {end}: {ends:?}");
    }
    for event in [
        "OverCeiling",
        "CaptureRefused",
        "InvoiceMissing",
        "AuthorisationInsufficient",
        "LeftToCollection",
        "NothingToCollect",
        "PreviewOutdated",
        "TellingDue",
    ] {
        assert!(met.contains(event), "no walk meets {event}: {met:?}");
    }
}
