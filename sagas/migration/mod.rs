//! Migration: from a line of the old system's list to a subscription that is linked here, with who is proved to collect it, and
//! in step with what the old way charges. One saga per line, for ever.
//!
//! It promises: the same line looked up twice is the same result; nothing is linked that is not matched once and only once, by
//! ids, then by the e-mail address; nobody is recorded as collecting who is not proved to; a product is sold to a customer
//! once; what is paid for already is not collected; and what we would charge is known beside what was charged, before anybody
//! hands the collection over. Afterwards the old way is watched until it is known to be off. It writes nothing at a vendor and
//! moves no money: handing over is another flow's, which it asks.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `read_subscription`, or `find_customers`, `list_subscriptions` | the subscription in Zoho, by ids, else by e-mail | – |
//! | `read_customer`, `survey_subscription`, `survey_customer` | whose it is, there and here | – |
//! | `find_payers`, `read_cards`, `read_card_uses` | the card, and what Braintree charges it for by itself | – |
//! | `find_client`, `find_person` | the client in Attio | – |
//! | `claim`, `link` | the customer's product; ids here and there | taken back by a person's word |
//! | `count_old_charges` | what the old system charged in vain, in the card's windows | – |
//! | `record_owner` | the collector that is proved | – |
//! | `survey_collector`, `clear_owner`, `unlink` | the way back, while the collector is the old one | – |
//! | `list_invoices`, `read_invoice` | what we would charge beside what was charged; after the hand-over, what is charged | – |
//! | `survey_charges`, `read_charge` | whose a charge is, and that ours is settled | – |
//! | `claim_back` | no charge begins while nobody is put on record again | let go by events |

mod cut_over;
mod judge;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use state::State;
pub use words::{CardFound, Command, Conflict, CutOver, Event, FailedCharges, Found, MatchedBy, OldSubscription, Way};

use crate::kernel::effect::Effect;
use crate::kernel::ids::SagaId;
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, Facts, Input, Mark, Pending, Refusal, Saga, Summary, held_subscription};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use state::Stage;
use turn::Turn;

/// Why collection of a subscription is on hold: it is paid for in the old system.
const PAID: &str = "paid_until";

/// Why collection of a subscription is on hold: somebody else charged it after the hand-over.
const OLD_WAY: &str = "old_way_charges";

/// Under which kind of reference the list is found in which a line stands.
pub const JOB: &str = "import_job";

/// The flow.
pub struct Migration;

impl Migration {
    /// The saga of a line, by what the old system calls the subscription.
    pub fn id(old: &str) -> SagaId {
        SagaId::derived(Self::NAME, &[old])
    }
}

const UNTIL_UNLINKED: Undo = Undo::None("taken back by `unlink`, at a person's word");

impl Saga for Migration {
    const NAME: &'static str = "migration";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str =
        "Links a subscription of the old system, without a charge, and shadows what is charged for it";
    const PRIORITY: Priority = Priority::Background;
    const COSTS: &'static [Calls] = &[
        Calls { vendor: "zoho", count: 5 },
        Calls { vendor: "braintree", count: 3 },
        Calls { vendor: "attio", count: 2 },
    ];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("read_subscription"),
        StepSpec::read("find_customers"),
        StepSpec::read("list_subscriptions"),
        StepSpec::read("read_customer"),
        StepSpec::read("survey_subscription"),
        StepSpec::read("survey_customer"),
        StepSpec::read("find_payers"),
        StepSpec::read("read_cards"),
        StepSpec::read("read_card_uses"),
        StepSpec::read("find_client"),
        StepSpec::read("find_person"),
        StepSpec::new(
            "claim",
            Class::Retriable,
            Undo::None("the event that unlinks or ends the subscription lets it go in its own append"),
        ),
        StepSpec::new("link", Class::Retriable, UNTIL_UNLINKED),
        StepSpec::new("count_old_charges", Class::Retriable, Undo::None("what was charged was charged")),
        StepSpec::new("record_owner", Class::Retriable, UNTIL_UNLINKED),
        StepSpec::read("survey_collector"),
        StepSpec::new("clear_owner", Class::Retriable, Undo::None("is itself the way back")),
        StepSpec::new("unlink", Class::Retriable, Undo::None("is itself the way back")),
        StepSpec::read("list_invoices"),
        StepSpec::read("read_invoice"),
        StepSpec::read("read_charge"),
        StepSpec::new("claim_back", Class::Retriable, Undo::None("the event that ends the return lets it go")),
        StepSpec::read("survey_charges"),
    ];

    type State = State;
    type Command = Command;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
        let mut turn = Turn::new(state, at);
        match input {
            Input::Command(command) => turn.told(command)?,
            Input::Answered(answered) => turn.answered(&answered),
            Input::Due => turn.due(),
            Input::Resumed => turn.resumed(),
            // Nothing is ever stale or undone.
            Input::Superseded { .. } | Input::Unwound { .. } => {}
        }
        Ok(turn.out)
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn pending(state: &State) -> Pending {
        steps::pending(state)
    }

    fn undo(_: &State, _: &str) -> Option<Effect> {
        None
    }

    fn facts(_: &State, event: &Event) -> Facts {
        let mut facts = Facts::default();
        let mut refer = |kind, value: &str| facts.references.push((kind, value.to_owned()));
        let held = |subscription: &str| held_subscription(subscription);
        match event {
            Event::CheckAsked { job, old, .. } => {
                refer(JOB, job);
                refer("old_subscription", &old.id);
            }
            Event::LineMatched { found, .. } => {
                refer("zoho_subscription", &found.zoho_subscription);
                refer("zoho_customer", &found.zoho_customer);
            }
            Event::ProductClaimed { claims } | Event::ReturnClaimed { claims } => {
                facts.marks.extend(claims.iter().cloned().map(Mark::Confirm));
            }
            Event::OldChargesCounted { order_ids } => {
                facts.marks.extend(order_ids.iter().cloned().map(|order_id| Mark::SpendCard { order_id }));
            }
            Event::SubscriptionLinked { found, held_until, released, .. } => {
                refer("subscription", &found.subscription);
                refer("customer", &found.customer);
                facts.marks.extend(released.iter().cloned().map(Mark::Release));
                if held_until.is_some() {
                    facts.marks.push(Mark::Hold { invoice: held(&found.zoho_subscription), reason: PAID });
                }
            }
            Event::PaidTermOver { zoho_subscription } => {
                facts.marks.push(Mark::LiftHold { invoice: held(zoho_subscription), reason: PAID });
            }
            Event::SubscriptionUnlinked { zoho_subscription, was_held, released, .. } => {
                facts.marks.extend(released.iter().cloned().map(Mark::Release));
                if *was_held {
                    facts.marks.push(Mark::LiftHold { invoice: held(zoho_subscription), reason: PAID });
                }
            }
            Event::LinkRefused { released, .. }
            | Event::ReturnRefused { released, .. }
            | Event::ReturnedToOldWay { released, .. } => {
                facts.marks.extend(released.iter().cloned().map(Mark::Release));
            }
            Event::HandOverOrdered { wish, .. } => refer("hand_over", &wish.saga().to_string()),
            Event::OurChargeSeen { invoice, transaction, amount, .. } => {
                refer("zoho_invoice", invoice);
                refer("braintree_transaction", transaction);
                facts.amount = Some(*amount);
            }
            Event::OldWayCharged { zoho_subscription, invoice, amount, .. } => {
                refer("zoho_invoice", invoice);
                facts.amount = Some(*amount);
                facts.marks.push(Mark::Hold { invoice: held(zoho_subscription), reason: OLD_WAY });
            }
            Event::OldWayStopped { zoho_subscription, .. } => {
                facts.marks.push(Mark::LiftHold { invoice: held(zoho_subscription), reason: OLD_WAY });
            }
            Event::ProductReleased { claim } => facts.marks.push(Mark::Release(claim.clone())),
            Event::WouldCharge { invoice, amount, .. } => {
                refer("zoho_invoice", invoice);
                facts.amount = Some(*amount);
            }
            Event::ShadowAgrees { took: amount, .. } | Event::ShadowDiffers { took: amount, .. } => {
                facts.amount = Some(*amount);
            }
            _ => {}
        }
        facts.tells.extend(cut_over::tells(event));
        facts
    }

    fn summary(state: &State) -> Summary {
        let linked = state.found.as_ref().filter(|_| !matches!(state.stage, Stage::Matched | Stage::Conflict));
        Summary {
            state: word(state).to_owned(),
            title: state.old.as_ref().map(|old| old.id.clone()).unwrap_or_default(),
            customer: linked.map(|found| found.customer.clone()),
            amount: state.found.as_ref().and_then(|found| found.amount),
        }
    }
}

/// The flow's own word for where it stands.
fn word(state: &State) -> &'static str {
    match state.stage {
        Stage::New => "New",
        Stage::Checking { then_link: false } => "Checking",
        Stage::Checking { then_link: true } | Stage::Claiming | Stage::Linking | Stage::Counting | Stage::Owning => {
            "Linking"
        }
        Stage::Matched if state.needs_card() => "MatchedNoCard",
        Stage::Matched => "Matched",
        Stage::Conflict => "Conflict",
        Stage::Linked if state.cut.as_ref().is_some_and(|cut| cut.is_under_way()) => "HandingOver",
        Stage::Linked if state.watch.is_some() => match &state.watch {
            Some(watch) if watch.done => "CutOver",
            Some(watch) if watch.foreign.is_some() => "OldWayCharges",
            _ => "Watched",
        },
        Stage::Linked => match &state.shadow {
            Some(shadow) if !shadow.differs.is_empty() => "ShadowDiffers",
            Some(_) if state.approved.is_some() => "Approved",
            Some(_) => "Shadow",
            None => "Linked",
        },
        Stage::Reclaiming | Stage::Resurveying | Stage::Returning => "Returning",
        Stage::Unowning | Stage::Disowning | Stage::Unlinking => "Unlinking",
        Stage::Unlinked => "Unlinked",
        Stage::Ended => "Ended",
    }
}
