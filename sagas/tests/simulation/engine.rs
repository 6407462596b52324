//! A model of the engine: nodes that own sagas, mailboxes, appends, calls in flight with their marks, deaths in between.
//! What is in memory is lost with the node; what was appended is there.

use crate::laws;
use crate::live::{self, Live};
use crate::mishaps::Kind;
use crate::people::{CANCEL, CANCEL_NOW};
use crate::world::{Event, World};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::effect::{Braintree, Desk, Effect, Zoho};
use sagas::kernel::flow::{Open, Phase, StepEvent};
use sagas::kernel::ids::SagaId;
use sagas::kernel::machine::{What, Work};
use sagas::kernel::outcome::{INPUT_GONE, Look, NotSent, Outcome, RejectionKind};
use sagas::kernel::saga::Saga;
use sagas::kernel::step::ExactlyOnce;
use sagas::kernel::verb::Verb;
use sagas::plan_change::PlanChange;
use sagas::subscription_activation::SubscriptionActivation;
use serde_json::Value;

/// Our client gives a call up after so long; a request that lingers is done by then and a bit.
const PATIENCE: TimeDelta = TimeDelta::seconds(30);
/// Before it absence is never judged.
const JUDGE_AFTER: TimeDelta = TimeDelta::seconds(60);
/// A dead node's sagas go to others after so long.
const LEASE: TimeDelta = TimeDelta::seconds(15);
/// A sealed card is good for so long.
const INPUT_AGE: TimeDelta = TimeDelta::hours(3);

/// A process.
#[derive(Debug, Default)]
pub(crate) struct Node {
    dead: bool,
    /// It stands still, and does not know.
    still_until: Option<DateTime<Utc>>,
    /// Counts its starts.
    life: u32,
}

/// A message for a saga, stored.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) kind: &'static str,
    /// None: an operator resumes.
    pub(crate) command: Option<Value>,
    pub(crate) flow: String,
}

/// A saga and who works on it.
pub(crate) struct Slot {
    pub(crate) live: Box<dyn Live>,
    node: usize,
    epoch: i64,
    mailbox: Vec<Item>,
    flight: Option<u64>,
    wake: Option<DateTime<Utc>>,
}

/// A call or a look on its way.
pub(crate) struct Flight {
    saga: SagaId,
    node: usize,
    life: u32,
    epoch: i64,
    open: Open,
    looks: bool,
    sent_at: Option<DateTime<Utc>>,
    nonce: Option<String>,
    fate: Option<Kind>,
    outcome: Option<Outcome>,
    look: Option<Look>,
}

impl World {
    pub(crate) fn millis(&mut self, low: i64, high: i64) -> TimeDelta {
        TimeDelta::milliseconds(self.dice.between(low, high))
    }

    /// Stores a message.
    pub(crate) fn comes(&mut self, saga: SagaId, item: Item) {
        let nodes = self.nodes.len() as u64;
        let (node, flow) = (usize::try_from(self.dice.below(nodes)).expect("small"), item.flow.clone());
        let slot = self.sagas.entry(saga).or_insert_with(|| Slot {
            live: live::new(&flow, saga),
            node,
            epoch: 1,
            mailbox: Vec::new(),
            flight: None,
            wake: None,
        });
        slot.mailbox.push(item);
        self.soon(saga);
    }

    pub(crate) fn soon(&mut self, saga: SagaId) {
        let wait = self.millis(1, 20);
        self.wake(saga, self.clock.now() + wait);
    }

    fn wake(&mut self, saga: SagaId, at: DateTime<Utc>) {
        let now = self.clock.now();
        let Some(slot) = self.sagas.get_mut(&saga) else { return };
        if slot.wake.is_none_or(|wake| wake > at || wake < now) {
            slot.wake = Some(at);
            self.clock.at(at, Event::Drive(saga));
        }
    }

    /// The owner of a saga takes it up, if it is there and idle.
    pub(crate) fn drive(&mut self, saga: SagaId) {
        let now = self.clock.now();
        let Some(slot) = self.sagas.get_mut(&saga) else { return };
        if slot.wake != Some(now) {
            return;
        }
        slot.wake = None;
        let node = &self.nodes[slot.node];
        if slot.flight.is_some() || node.dead {
            return;
        }
        if let Some(until) = node.still_until.filter(|until| *until > now) {
            return self.wake(saga, until);
        }
        if !slot.mailbox.is_empty() {
            // Mostly in order; a message that overtakes another is a mishap.
            let last = slot.mailbox.len() - 1;
            let at =
                if last > 0 && self.mishaps.strikes(100, now, || "a message overtakes".to_owned()) { last } else { 0 };
            return self.apply(saga, at);
        }
        match slot.live.work(now) {
            Work::Perform(open) => self.perform(saga, *open),
            Work::Look(open) => self.start(saga, *open, true, None),
            Work::Due => {
                let before = self.length(saga);
                if self.tell(saga, What::Due) && self.length(saga) == before {
                    self.breaks(format!("{saga} is due and nothing follows"));
                }
            }
            Work::Wait(until) => self.wake(saga, until),
            Work::Idle => {}
        }
    }

    fn length(&self, saga: SagaId) -> usize {
        self.sagas.get(&saga).map_or(0, |slot| slot.live.length())
    }

    fn apply(&mut self, saga: SagaId, at: usize) {
        let Some(slot) = self.sagas.get_mut(&saga) else { return };
        let item = slot.mailbox[at].clone();
        let what = match item.command {
            Some(command) => {
                let (kind, principal) = (item.kind.to_owned(), "simulation".to_owned());
                What::Deliver { item: None, kind, principal, command }
            }
            None => What::order(Verb::Resume, "simulation", "seen to"),
        };
        let now = self.clock.now();
        let (flow, state) = (slot.live.flow_name(), slot.live.summary().state);
        let capturing = slot.live.flow().open.as_ref().is_some_and(|o| o.step == "capture");
        let refused = slot.live.decide(what, now).err();
        if let Some(refusal) = refused {
            let (kind, principal, reason) = (item.kind.to_owned(), "simulation".to_owned(), refusal.message);
            let what = What::Refused { item: None, kind, principal, reason };
            if let Err(refusal) = slot.live.decide(what, now) {
                return self.breaks(format!("a refusal cannot go on record: {}", refusal.message));
            }
        }
        if [CANCEL, CANCEL_NOW].contains(&item.kind) {
            let state = if capturing { "Capturing".to_owned() } else { state };
            *self.cells.entry((flow.to_owned(), item.kind.to_owned(), state)).or_default() += 1;
        }
        if self.append(saga, Some(at)) {
            self.soon(saga);
        }
    }

    /// Decides and writes. False: the node died; what follows is somebody else's.
    fn tell(&mut self, saga: SagaId, what: What<Value>) -> bool {
        let now = self.clock.now();
        let Some(slot) = self.sagas.get_mut(&saga) else { return false };
        if let Err(refusal) = slot.live.decide(what, now) {
            self.breaks(format!("{saga} refuses the engine: {}", refusal.message));
            return false;
        }
        let there = self.append(saga, None);
        if there {
            self.soon(saga);
        }
        there
    }

    /// Writes what was decided, with all that rides along.
    fn append(&mut self, saga: SagaId, item: Option<usize>) -> bool {
        let (now, rate) = (self.clock.now(), self.mishaps.weather.nodes);
        let Some(node) = self.sagas.get(&saga).map(|slot| slot.node) else { return false };
        if self.mishaps.strikes(rate / 2, now, || format!("node {node} dies before an append")) {
            self.dies(node);
            return false;
        }
        let Some(slot) = self.sagas.get_mut(&saga) else { return false };
        if let Some(at) = item {
            slot.mailbox.remove(at);
        }
        let first = slot.live.length();
        let flow = slot.live.flow_name();
        let (mut aims, mut posted, mut told) = (false, false, Vec::new());
        for (n, seen) in slot.live.commit().into_iter().enumerate() {
            self.trace.note(&seen.json);
            self.trace.say(now, || format!("{flow} {} {}", &saga.to_string()[..8], seen.json));
            if let Err(law) = self.laws.event(&seen, saga) {
                self.breaks(format!("{flow} {saga}: {law}"));
            }
            aims |= seen.name == "PaymentCaptured"
                || matches!(&seen.step, Some(StepEvent::Requested { step, .. }) if step == "capture");
            if seen.name == "LateHoldReleased" {
                *self.cells.entry((flow.to_owned(), "met".to_owned(), seen.name.to_owned())).or_default() += 1;
            }
            if let Some(StepEvent::Resolved { step, .. } | StepEvent::ProvedAbsent { step, .. }) = &seen.step {
                let word = seen.name.trim_start_matches("step.").to_owned();
                *self.cells.entry((flow.to_owned(), step.clone(), word)).or_default() += 1;
            }
            let id = saga.event((first + n) as u64);
            if let Err(law) = self.tables.append(saga, id, seen.name, &seen.facts) {
                self.breaks(format!("{flow} {saga}: {law}"));
            }
            posted |= !seen.facts.postings.is_empty();
            told.extend(seen.facts.tells);
        }
        if let Some(law) = posted.then(|| self.tables.check().err()).flatten() {
            self.breaks(format!("{flow} {saga}: {law}"));
        }
        for message in told {
            self.is_theirs_too(saga, &message);
            if self.tables.tell_once(&message.key) {
                self.pass_on(&message);
            }
        }
        self.check_saga(saga);
        if aims {
            self.aim_cancellation(saga);
        }
        if self.mishaps.strikes(rate / 2, now, || format!("node {node} dies after an append")) {
            self.dies(node);
            return false;
        }
        if self.mishaps.strikes(rate / 8, now, || format!("node {node} stands still")) {
            self.nodes[node].still_until = Some(now + self.millis(1_000, 90_000));
            let life = self.nodes[node].life;
            self.clock.after(LEASE, Event::TakeOver { node, life });
        }
        true
    }

    fn perform(&mut self, saga: SagaId, open: Open) {
        let now = self.clock.now();
        if open.fresh_until.is_some_and(|until| until < now) {
            self.tell(saga, What::Stale);
            return;
        }
        let mut nonce = None;
        if let Some(input) = open.effect.needs().input {
            let sealed = self.tables.inputs.get(&input).filter(|s| !s.erased && now - s.at < INPUT_AGE);
            let Some(sealed) = sealed else {
                let outcome = crate::braintree::rejected(RejectionKind::NotFound, INPUT_GONE);
                self.tell(saga, What::Answer { attempt: open.attempt, outcome, request_id: None, latency_ms: 0 });
                return;
            };
            nonce = Some(sealed.card.clone());
        }
        if open.effect.exactly_once().needs_sending_mark() {
            let epoch = self.sagas.get(&saga).map_or(0, |slot| slot.epoch);
            let what = What::Sending { deadline: now + JUDGE_AFTER, node: "n".to_owned(), epoch };
            if !self.tell(saga, what) {
                return;
            }
        }
        self.start(saga, open, false, nonce);
    }

    fn start(&mut self, saga: SagaId, open: Open, looks: bool, nonce: Option<String>) {
        let now = self.clock.now();
        let Some(slot) = self.sagas.get_mut(&saga) else { return };
        let node = slot.node;
        let sent_at = match open.phase {
            Phase::Sending { sent_at, .. } | Phase::Unknown { sent_at, .. } => Some(sent_at),
            Phase::Requested { .. } => (!looks).then_some(now),
        };
        self.calls += 1;
        slot.flight = Some(self.calls);
        let (life, epoch) = (self.nodes[node].life, slot.epoch);
        let flight =
            Flight { saga, node, life, epoch, open, looks, sent_at, nonce, fate: None, outcome: None, look: None };
        self.flights.insert(self.calls, flight);
        let (call, wait) = (self.calls, self.millis(1, 20));
        self.clock.after(wait, Event::Leaves(call));
    }

    /// The node that made the call is alive and owns the saga.
    fn holds(&self, flight: &Flight) -> bool {
        let node = &self.nodes[flight.node];
        let owned = self.sagas.get(&flight.saga).is_some_and(|slot| slot.epoch == flight.epoch);
        !node.dead && node.life == flight.life && owned
    }

    /// The bytes leave; what becomes of them is drawn now.
    pub(crate) fn leaves(&mut self, call: u64) {
        let now = self.clock.now();
        let Some(mut flight) = self.flights.remove(&call) else { return };
        if !self.holds(&flight) {
            return;
        }
        let until = self.nodes[flight.node].still_until.filter(|until| *until > now);
        if let Some(until) = until {
            // It comes to itself later, and may not send then: its lease could be over.
            flight.outcome = Some(not_sent(NotSent::Node, "the lease could end during the call"));
            flight.look = Some(Look::Unclear { detail: "the lease could end during the look".to_owned() });
            self.flights.insert(call, flight);
            return self.clock.at(until, Event::Answers(call));
        }
        flight.fate = self.draw_fate(&flight);
        let (reaches, answers) = self.times(&mut flight);
        let (node, fate) = (flight.node, flight.fate);
        self.flights.insert(call, flight);
        if let Some(wait) = reaches {
            self.clock.after(wait, Event::Reaches(call));
        }
        if let Some(wait) = answers {
            self.clock.after(wait, Event::Answers(call));
        }
        if matches!(fate, Some(Kind::CrashBefore | Kind::CrashDuring)) {
            self.dies(node);
        }
    }

    /// What becomes of the call, and the cell that this reaches.
    fn draw_fate(&mut self, flight: &Flight) -> Option<Kind> {
        let now = self.clock.now();
        let (effect, vendor) = (&flight.open.effect, flight.open.effect.vendor());
        let down = self.outages.iter().any(|(v, from, to)| *v == vendor && *from <= now && now < *to);
        let flow = self.sagas.get(&flight.saga).map_or("", |slot| slot.live.flow_name());
        let fate = match (flight.looks, down) {
            (_, true) => Some(Kind::NotSent),
            (true, false) => {
                let rate = self.mishaps.weather.calls;
                self.mishaps.strikes(rate, now, || "a look fails".to_owned()).then_some(Kind::NotSent)
            }
            (false, false) => self.mishaps.fate(flow, &laws::label(&flight.open), effect, now),
        };
        if !flight.looks {
            let step = laws::label(&flight.open);
            let word = fate.map_or("smooth".to_owned(), |kind| format!("{kind:?}"));
            *self.cells.entry((flow.to_owned(), step, word)).or_default() += 1;
        }
        fate
    }

    /// When the call reaches the vendor, and when its answer comes or our patience ends; none: never.
    fn times(&mut self, flight: &mut Flight) -> (Option<TimeDelta>, Option<TimeDelta>) {
        let short = self.millis(20, 900);
        let lingers = match flight.open.effect.exactly_once() {
            ExactlyOnce::Searchable { .. } => TimeDelta::seconds(20),
            // Where absence is judged sooner, a request that lingers has to be sooner, too.
            _ => TimeDelta::seconds(2),
        };
        match flight.fate {
            None | Some(Kind::Garbled | Kind::CrashUnwritten | Kind::CrashWritten) => (Some(short), Some(short * 2)),
            Some(Kind::NotSent) => {
                let cause = if self.dice.chance(300) { NotSent::Quota } else { NotSent::Outage };
                flight.outcome = Some(not_sent(cause, "the vendor cannot be reached"));
                flight.look = Some(Look::Unclear { detail: "the vendor cannot be reached".to_owned() });
                (None, Some(short))
            }
            Some(Kind::Refused) => {
                flight.outcome = Some(self.refusal(flight));
                (None, Some(short))
            }
            Some(Kind::LostAnswer) => (Some(short), Some(PATIENCE)),
            Some(Kind::LostCall) => (None, Some(PATIENCE)),
            Some(Kind::Late) => (Some(PATIENCE + lingers), Some(PATIENCE)),
            Some(Kind::CrashDuring) => (Some(short), None),
            Some(Kind::CrashBefore) => (None, None),
        }
    }

    fn refusal(&mut self, flight: &Flight) -> Outcome {
        if let Some(who) = self.who(flight.saga) {
            self.touched.insert(who);
        }
        let reads = flight.open.effect.exactly_once() == ExactlyOnce::Repeatable;
        let config = reads || self.dice.chance(400);
        let kind =
            if config { RejectionKind::Config } else { self.dice.of(&[RejectionKind::Invalid, RejectionKind::State]) };
        crate::braintree::rejected(kind, "99999")
    }

    /// The vendor does it, whoever waits for the answer.
    pub(crate) fn reaches(&mut self, call: u64) {
        let now = self.clock.now();
        let Some(mut flight) = self.flights.remove(&call) else { return };
        if flight.looks {
            let (open, sent) = (&flight.open, flight.sent_at);
            flight.look = Some(match &open.effect {
                Effect::Braintree(call) => self.braintree.look(call, open.requested_at, sent, now),
                Effect::Zoho(call) if *call != Zoho::ReadCatalog => self.zoho.look(call, now),
                Effect::Desk(_) => Look::Absent { watermark: true, key_proven: true },
                Effect::Crm(call) => self.deals.look(call),
                effect => self.shelf.look(effect).unwrap_or_else(|| self.crm.look(effect)),
            });
        } else {
            let outcome = self.execute(&flight, now);
            let (word, step) = (outcome.word(), laws::label(&flight.open));
            self.trace.say(now, || format!("  vendor: {step} {} is {word}", flight.open.effect.operation()));
            // Later than our patience: nobody hears of it.
            flight.outcome.get_or_insert(outcome);
        }
        if self.holds(&flight) {
            self.flights.insert(call, flight);
        }
    }

    fn execute(&mut self, flight: &Flight, now: DateTime<Utc>) -> Outcome {
        if let Some(outcome) = self.shelf.perform(&flight.open.effect, self.zoho.price, now) {
            return outcome;
        }
        if let Some(outcome) = self.newcomer(flight.saga, &flight.open.step, &flight.open.effect, now) {
            return outcome;
        }
        match &flight.open.effect {
            Effect::Desk(Desk::SurveyEnding { subscription, zoho_subscription, invoices }) => {
                let answer = self.survey_ending(flight.saga, subscription, zoho_subscription, invoices);
                Outcome::Done { answer }
            }
            Effect::Desk(desk) => {
                self.lay_card_uses(flight.saga, desk);
                let mut outcome = self.tables.desk(flight.saga, &flight.open.step, desk, now);
                self.name_customer(&mut outcome);
                if let Desk::Tell { message, .. } = desk
                    && self.tables.tell_once(&message.key)
                {
                    self.is_theirs_too(flight.saga, message);
                    self.pass_on(message);
                }
                if let Desk::TellAll { flow, command, key, .. } = desk
                    && self.tables.tell_once(key)
                {
                    self.tell_all(flow, command);
                }
                outcome
            }
            Effect::Braintree(call) => {
                let known = self.braintree.sales.len();
                self.check_sale(flight.saga, call, now);
                if let Braintree::Authorise { .. } = call {
                    let sought = [SubscriptionActivation::NAME, PlanChange::NAME]
                        .iter()
                        .any(|flow| self.mishaps.seeks(flow, &["find_late_hold", "release_hold"]));
                    let rate = if sought { 500 } else { self.mishaps.weather.calls / 4 };
                    let left_out = self.mishaps.strikes(rate, now, || "the index leaves a hold out".to_owned());
                    self.braintree.leaves_out = left_out.then(|| TimeDelta::hours(self.dice.between(1, 72)));
                }
                self.braintree.term = self.term();
                let begun = match call {
                    Braintree::CreateSubscription(order) => self.braintree.series(&order.subscription).map(|_| ()),
                    _ => Some(()),
                };
                let outcome = self.braintree.perform(call, flight.nonce.as_deref(), now);
                let made = self.braintree.sales.get(known).filter(|s| s.is_captured()).map(|s| s.id.clone());
                if let (Some(transaction), _) | (None, Some(transaction)) = (made, laws::submits(call)) {
                    self.settles(transaction, self.who(flight.saga));
                }
                if let (Braintree::CreateSubscription(order), None) = (call, begun) {
                    self.clocks(&order.subscription);
                }
                outcome
            }
            Effect::Zoho(call) => {
                let outcome = self.zoho_does(flight.saga, call, now);
                self.check_record(flight.saga, call);
                outcome
            }
            Effect::Crm(call) => self.deals.perform(call),
            effect => self.crm.perform(effect),
        }
    }

    /// An answer comes, or our patience ends.
    pub(crate) fn answers(&mut self, call: u64) {
        let Some(flight) = self.flights.remove(&call) else { return };
        if !self.holds(&flight) {
            return;
        }
        let (saga, fate) = (flight.saga, flight.fate);
        let attempt = flight.open.attempt;
        let gone = matches!(fate, Some(Kind::LostAnswer | Kind::LostCall | Kind::Late | Kind::Garbled));
        let what = if flight.looks {
            let unclear = || Look::Unclear { detail: "no answer".to_owned() };
            What::Looked { attempt, look: flight.look.clone().unwrap_or_else(unclear) }
        } else {
            let unknown = || Outcome::Unknown { detail: "no usable answer came".to_owned() };
            let outcome = flight.outcome.clone().filter(|_| !gone).unwrap_or_else(unknown);
            What::Answer { attempt, outcome, request_id: None, latency_ms: 1 }
        };
        let node = flight.node;
        if fate == Some(Kind::Late) {
            // Still under way: the request lingers.
            self.flights.insert(call, flight);
        }
        if fate == Some(Kind::CrashUnwritten) {
            return self.dies(node);
        }
        if let Some(slot) = self.sagas.get_mut(&saga) {
            slot.flight = None;
        }
        if self.tell(saga, what) && fate == Some(Kind::CrashWritten) {
            self.dies(node);
        }
    }

    /// All that the node had in memory is gone. Its calls may still arrive.
    fn dies(&mut self, node: usize) {
        let now = self.clock.now();
        self.trace.say(now, || format!("  node {node} dies"));
        let process = &mut self.nodes[node];
        if process.dead {
            return;
        }
        process.dead = true;
        process.life += 1;
        let life = process.life;
        self.clock.after(LEASE, Event::TakeOver { node, life });
        let wait = self.millis(500, 120_000);
        self.clock.after(wait, Event::Starts(node));
        let theirs: Vec<_> = self.sagas.iter().filter(|(_, s)| s.node == node).map(|(id, _)| *id).collect();
        for saga in theirs {
            self.loses_memory(saga);
        }
    }

    fn loses_memory(&mut self, saga: SagaId) {
        let Some(slot) = self.sagas.get_mut(&saga) else { return };
        slot.flight = None;
        if let Err(why) = slot.live.restart() {
            self.breaks(why);
        }
    }

    /// The lease is over: others take the sagas of a node that is dead, or stands still.
    pub(crate) fn take_over(&mut self, node: usize, life: u32) {
        let now = self.clock.now();
        let process = &self.nodes[node];
        let away = process.dead || process.still_until.is_some_and(|until| until > now);
        let others: Vec<_> = (0..self.nodes.len()).filter(|n| *n != node && !self.nodes[*n].dead).collect();
        if !away || process.life != life || others.is_empty() {
            return;
        }
        let theirs: Vec<_> = self.sagas.iter().filter(|(_, s)| s.node == node).map(|(id, _)| *id).collect();
        for saga in theirs {
            let to = self.dice.of(&others);
            if let Some(slot) = self.sagas.get_mut(&saga) {
                slot.node = to;
                slot.epoch += 1;
            }
            self.loses_memory(saga);
            self.soon(saga);
        }
    }

    pub(crate) fn starts(&mut self, node: usize) {
        self.nodes[node].dead = false;
        let theirs: Vec<_> = self.sagas.iter().filter(|(_, s)| s.node == node).map(|(id, _)| *id).collect();
        for saga in theirs {
            self.soon(saga);
        }
    }
}

fn not_sent(cause: NotSent, detail: &str) -> Outcome {
    Outcome::NotSent { cause, detail: detail.to_owned(), retry_after_seconds: None }
}
