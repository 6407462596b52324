//! The laws of a budget, whatever the interleaving of leases, calls, crashes and the clock.

use super::*;
use chrono::TimeDelta;
use proptest::prelude::*;

const PER_MINUTE: u32 = 40;
const PER_DAY: u32 = 300;
const NODES: usize = 3;
/// Those who are alive in the examples.
const BOTH: [Uuid; 2] = [Uuid::from_u128(1), Uuid::from_u128(2)];

fn limits() -> Limits {
    Limits { per_minute: Some(PER_MINUTE), per_day: Some(PER_DAY), at_once: 9 }
}

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    /// A node leases.
    Lease { node: usize, draws: [u32; 5], holds: [u32; 5], begins: Vec<(Priority, u32)>, from_held: u32 },
    /// A node makes so many of the calls that it leased, each arriving so many milliseconds later.
    Call { node: usize, calls: u32, late: i64 },
    /// A node forgets everything, and comes back under another id.
    Crash { node: usize },
    /// Time passes (ms).
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let wanted = || prop::array::uniform5(0_u32..12);
    let pieces = || prop::collection::vec((prop::sample::select(Priority::ALL.to_vec()), 0_u32..6), 0..4);
    prop_oneof![
        4 => (0..NODES, wanted(), prop::array::uniform5(0_u32..3), pieces(), 0_u32..4)
            .prop_map(|(node, draws, holds, begins, from_held)| Step::Lease { node, draws, holds, begins, from_held }),
        6 => (0..NODES, 1_u32..15, 0_i64..2_900).prop_map(|(node, calls, late)| Step::Call { node, calls, late }),
        1 => (0..NODES).prop_map(|node| Step::Crash { node }),
        4 => prop_oneof![0_i64..4_000, 0_i64..40_000, Just(3_600_000), Just(86_400_000)].prop_map(Step::Pass),
    ]
}

#[derive(Debug, Clone, Default)]
struct Node {
    id: u128,
    slice: i64,
    free: u32,
    held: u32,
    returned: Vec<(i64, u32)>,
}

struct World {
    ledger: Ledger,
    nodes: Vec<Node>,
    now: DateTime<Utc>,
    arrived: Vec<DateTime<Utc>>,
    next_id: u128,
}

impl World {
    fn lease(&mut self, at: usize, draws: [u32; 5], holds: [u32; 5], begins: Vec<(Priority, u32)>, from_held: u32) {
        let alive: Vec<_> = self.nodes.iter().map(|node| Uuid::from_u128(node.id)).collect();
        let node = &mut self.nodes[at];
        if node.slice != slice_of(self.now) {
            node.returned.push((node.slice, std::mem::take(&mut node.free)));
        }
        let ask = Ask {
            node: Uuid::from_u128(node.id),
            now: self.now,
            returned: std::mem::take(&mut node.returned),
            held: node.held,
            from_held,
            draws,
            holds,
            begins,
            pieces: [1; 5],
            under_way: 0,
        };
        let had = self.ledger.nodes.get(&ask.node).map_or(0, |share| share.held).min(ask.held);
        let grant = self.ledger.lease(limits(), &ask, &alive);
        assert_eq!(grant.from_held, from_held.min(had), "a held call can always be made at once: {ask:?}");
        node.slice = grant.slice;
        node.free += grant.from_held + grant.draws.iter().sum::<u32>();
        node.held = grant.held;
    }

    fn call(&mut self, at: usize, calls: u32, late: i64) {
        let node = &mut self.nodes[at];
        if node.slice == slice_of(self.now) {
            let made = calls.min(node.free);
            node.free -= made;
            self.arrived.extend((0..made).map(|_| self.now + TimeDelta::milliseconds(late)));
        }
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Lease { node, draws, holds, begins, from_held } => {
                self.lease(*node, *draws, *holds, begins.clone(), *from_held);
            }
            Step::Call { node, calls, late } => self.call(*node, *calls, *late),
            Step::Crash { node } => {
                self.next_id += 1;
                self.nodes[*node] = Node { id: self.next_id, ..Node::default() };
            }
            Step::Pass(ms) => self.now += TimeDelta::milliseconds(*ms),
        }
    }
}

fn world() -> World {
    let nodes = (1..=NODES as u128).map(|id| Node { id, ..Node::default() }).collect();
    let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    World { ledger: Ledger::default(), nodes, now, arrived: Vec::new(), next_id: NODES as u128 }
}

proptest! {
    #[test]
    fn no_minute_and_no_day_ever_sees_more_calls_than_its_limit(steps in prop::collection::vec(step(), 1..200)) {
        let mut world = world();
        for step in &steps {
            world.run(step);
        }
        world.arrived.sort_unstable();
        let all = &world.arrived;
        for (first, from) in all.iter().enumerate() {
            let minute = all[first..].iter().take_while(|at| **at - *from < TimeDelta::minutes(1)).count();
            prop_assert!(minute <= PER_MINUTE as usize, "{minute} calls in the minute from {from}");
        }
        let mut days = BTreeMap::<_, usize>::new();
        for at in all {
            // A call that left at the end of a slice is its day's, when ever it arrived.
            *days.entry((*at - TimeDelta::milliseconds(2_900)).date_naive()).or_default() += 1;
        }
        for (day, calls) in days {
            // Up to a slice's worth of calls can arrive on the wrong side of midnight.
            prop_assert!(calls <= PER_DAY as usize + PER_MINUTE as usize, "{calls} calls on {day}");
        }
    }

    #[test]
    fn calls_at_once_of_all_nodes_never_exceed_the_limit(
        steps in prop::collection::vec((0..6_u128, 0_u32..12), 1..60)
    ) {
        let mut ledger = Ledger::default();
        let now = DateTime::UNIX_EPOCH;
        let mut parts = BTreeMap::<u128, u32>::new();
        for (node, busy) in steps {
            let under_way = busy.min(parts.get(&node).copied().unwrap_or(0));
            let ask = Ask { under_way, ..plain(node, now) };
            let alive: Vec<_> = (0..6).map(Uuid::from_u128).collect();
            parts.insert(node, ledger.lease(limits(), &ask, &alive).at_once);
            prop_assert!(parts.values().sum::<u32>() <= limits().at_once, "{parts:?}");
        }
    }
}

fn plain(node: u128, now: DateTime<Utc>) -> Ask {
    Ask {
        node: Uuid::from_u128(node),
        now,
        returned: Vec::new(),
        held: 0,
        from_held: 0,
        draws: [0; 5],
        holds: [0; 5],
        begins: Vec::new(),
        pieces: [1; 5],
        under_way: 0,
    }
}

#[test]
fn a_full_minute_of_renewals_leaves_room_for_a_customer_and_for_records() {
    let (mut ledger, now) = (Ledger::default(), DateTime::UNIX_EPOCH + TimeDelta::days(3));
    let batch = Ask { draws: [0, 0, 0, 100, 0], ..plain(1, now) };
    assert_eq!(ledger.lease(limits(), &batch, &BOTH).draws, [0, 0, 0, 30, 0]);
    let customer = Ask { draws: [0, 100, 0, 0, 0], ..plain(2, now) };
    assert_eq!(ledger.lease(limits(), &customer, &BOTH).draws, [0, 8, 0, 0, 0]);
    let record = Ask { draws: [100, 0, 0, 0, 0], ..plain(2, now) };
    assert_eq!(ledger.lease(limits(), &record, &BOTH).draws, [2, 0, 0, 0, 0]);
    let next = now + TimeDelta::seconds(WINDOW_SLICES * SLICE_SECONDS);
    let again = Ask { now: next, ..batch };
    assert_eq!(ledger.lease(limits(), &again, &BOTH).draws, [0, 0, 0, 30, 0], "a minute later");
}

#[test]
fn a_full_minute_has_room_again_when_its_first_calls_are_a_minute_old_and_says_so() {
    let (mut ledger, start) = (Ledger::default(), DateTime::UNIX_EPOCH + TimeDelta::days(3));
    let at = |seconds| start + TimeDelta::seconds(seconds);
    let batch = |ledger: &mut Ledger, seconds, calls| {
        let ask = Ask { draws: [0, 0, 0, calls, 0], ..plain(1, at(seconds)) };
        let grant = ledger.lease(limits(), &ask, &BOTH);
        (grant.draws[3], grant.fits_from[3])
    };
    assert_eq!(batch(&mut ledger, 0, 10), (10, at(0)), "20 more fit");
    assert_eq!(batch(&mut ledger, 30, 100), (20, at(66)), "all that the first ten leave");
    assert_eq!(ledger.fits_from(Priority::Customer, 1, at(31)), at(31), "there is room for whoever goes before");
    assert_eq!(batch(&mut ledger, 65, 1), (0, at(66)));
    assert_eq!(batch(&mut ledger, 66, 100), (10, at(96)));
    let all = Ask { holds: [100, 0, 0, 0, 0], ..plain(1, at(200)) };
    assert_eq!(ledger.lease(limits(), &all, &BOTH).fits_from[3], at(198 + 66), "as much is held as there is");
}

#[test]
fn a_piece_is_granted_whole_or_not_at_all() {
    let (mut ledger, now) = (Ledger::default(), DateTime::UNIX_EPOCH + TimeDelta::days(3));
    let begins = vec![(Priority::Batch, 4); 9];
    let grant = ledger.lease(limits(), &Ask { begins, pieces: [4; 5], ..plain(1, now) }, &BOTH);
    assert_eq!((grant.draws, grant.held), ([0, 0, 0, 7, 0], 21), "seven times four of thirty");
    assert_eq!(grant.fits_from[3], now + TimeDelta::seconds(WINDOW_SLICES * SLICE_SECONDS), "two calls are no piece");
    assert_eq!(ledger.fits_from(Priority::Batch, 2, now), now);
}

#[test]
fn what_was_not_spent_is_given_back_and_what_a_dead_node_held_is_free() {
    let (mut ledger, now) = (Ledger::default(), DateTime::UNIX_EPOCH + TimeDelta::days(3));
    let ask = Ask { draws: [0, 0, 0, 30, 0], ..plain(1, now) };
    let grant = ledger.lease(limits(), &ask, &BOTH);
    let back = Ask { returned: vec![(grant.slice, 25)], now: now + TimeDelta::seconds(3), ..plain(1, now) };
    ledger.lease(limits(), &back, &BOTH);
    assert_eq!(ledger.used(now), (5, 5, 0));
    let holds = Ask { holds: [0, 7, 0, 0, 0], ..plain(1, now) };
    assert_eq!(ledger.lease(limits(), &holds, &BOTH).held, 7);
    assert_eq!(ledger.used(now), (5, 5, 7));
    ledger.lease(limits(), &plain(2, now), &BOTH[1..]);
    assert_eq!(ledger.used(now), (5, 5, 0), "node 1 is gone");
}

#[test]
fn a_closed_gate_gives_nothing_to_anybody_until_it_opens() {
    let (mut ledger, now) = (Ledger::default(), DateTime::UNIX_EPOCH);
    ledger.close(now + TimeDelta::seconds(90));
    ledger.close(now + TimeDelta::seconds(60));
    let ask = Ask { draws: [1; 5], holds: [1; 5], ..plain(1, now) };
    let grant = ledger.lease(limits(), &ask, &BOTH);
    assert_eq!((grant.draws, grant.held), ([0; 5], 0));
    assert_eq!(grant.closed_until, Some(now + TimeDelta::seconds(90)));
    let open = now + TimeDelta::seconds(90);
    assert_eq!(ledger.lease(limits(), &Ask { now: open, ..ask }, &BOTH).draws, [1; 5]);
}
