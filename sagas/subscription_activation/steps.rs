//! What is wanted now: the first thing that is missing, for a quote and for a payment. Computed from the state.

use super::collector;
use super::customer;
use super::letters;
use super::state::{Errand, Stage, State};
use super::words::Paying;
use crate::kernel::effect::{
    AddonOrder, Attio, Braintree, Claim, ClaimKind, Desk, Effect, Mail, Message, PayWith, Presence, SubscriptionOrder,
    Zoho,
};
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use crate::kernel::saga::{End, Pending};
use crate::kernel::telling::Due;
use chrono::{DateTime, TimeDelta, Utc};

/// A capture is never sent on an older read of the invoice.
pub(super) const FRESH: TimeDelta = TimeDelta::seconds(60);

pub(super) fn pending(state: &State) -> Pending {
    if let Some(errand) = state.errands.first() {
        return errand_step(state, errand);
    }
    if let (Some(_), Some(until)) = (&state.undoing, state.sale.sleep_until) {
        return Pending::Sleep { why: "another activation works on the customer", until };
    }
    if let Some(undoing) = &state.undoing {
        if let Some(want) = customer::used(state) {
            return want;
        }
        return Pending::Unwind { reason: undoing.reason.clone() };
    }
    if rests(state)
        && let Some(want) = late_look(state).or_else(|| Some(told(state)?.giving_way_to(&beside(state))))
    {
        return want;
    }
    beside(state)
}

/// What is wanted beside telling people.
fn beside(state: &State) -> Pending {
    if let Some(until) = state.sale.sleep_until {
        return Pending::Sleep { why: "looked at again", until };
    }
    let pending = match &state.stage {
        Stage::New => Pending::Ended(End::GivenUp),
        Stage::Preparing => preparation(state).unwrap_or_else(|| soon(state)),
        Stage::Quoted => match &state.sale.quote {
            Some(quote) => Pending::Await { signal: "`Start` in Attio", until: quote.expires_at },
            None => soon(state),
        },
        Stage::LinkOut => match &state.sale.link {
            Some(link) => {
                let until = link.remind_at.map_or(link.expires_at, |at| at.min(link.expires_at));
                Pending::Await { signal: "the customer's payment", until }
            }
            None => soon(state),
        },
        Stage::Paying => payment(state).unwrap_or_else(|| soon(state)),
        Stage::HandingOver => hand_over(state).unwrap_or_else(|| soon(state)),
        Stage::AwaitingRecord { until } => Pending::Await { signal: "the invoice to be recorded", until: *until },
        Stage::Held { code, detail, .. } => Pending::Park { code: *code, detail: detail.clone() },
        Stage::Over { ending, .. } => Pending::Ended(super::end(state, *ending)),
    };
    until_alarm(state, pending)
}

/// What rests, rests until a hold that may still show up is looked for again, or people are told what was refused.
fn until_alarm(state: &State, pending: Pending) -> Pending {
    let looks = state.watches.iter().map(|w| w.next_look);
    let Some(next) = looks.chain(state.people.next_try()).min() else { return pending };
    match pending {
        Pending::Await { signal, until } => Pending::Await { signal, until: until.min(next) },
        Pending::Ended(_) => Pending::Sleep { why: "what is still to be looked for or told", until: next },
        other => other,
    }
}

/// Nothing is missing and nothing is awaited: the next decision finds what follows. Met in no history of this release.
fn soon(state: &State) -> Pending {
    let until = state.sale.pressed_at.unwrap_or(DateTime::UNIX_EPOCH);
    Pending::Sleep { why: "the next decision", until }
}

/// Nobody waits for the next call: there is time to tell people.
pub(super) const fn rests(state: &State) -> bool {
    match state.stage {
        Stage::Quoted | Stage::LinkOut | Stage::AwaitingRecord { .. } | Stage::Held { .. } | Stage::Over { .. } => true,
        Stage::New | Stage::Preparing | Stage::Paying | Stage::HandingOver => false,
    }
}

fn late_look(state: &State) -> Option<Pending> {
    let watch = state.watches.iter().find(|w| w.due)?;
    let find = Braintree::FindTransactions { order_id: watch.order_id.clone() };
    Some(Pending::perform("find_late_hold", state.counts.late_looks + 1, Effect::Braintree(find)))
}

/// What people are told: the record first, then the customer, then the record's owner.
fn told(state: &State) -> Option<Pending> {
    state.people.due().find_map(|due| match due {
        Due::Record { face, version, n } => {
            let show = Attio::ShowSubscription(Box::new(face.write(version, state.sale.unanswered)));
            Some(Pending::perform("show", n, Effect::Attio(show)))
        }
        Due::Letter { letter, n } => {
            let letter = letters::letter(state, letter)?;
            Some(Pending::perform("letter", n, Effect::Mail(Mail::Send(Box::new(letter)))))
        }
        Due::Task { task, n } => {
            let task = letters::task(state, task)?;
            Some(Pending::perform("task", n, Effect::Attio(Attio::AddTask(Box::new(task)))))
        }
    })
}

fn errand_step(state: &State, errand: &Errand) -> Pending {
    let n = state.counts.errands + 1;
    match errand {
        Errand::Void { transaction } => {
            let void = Braintree::Void { transaction: transaction.clone() };
            Pending::perform("release_hold", n, Effect::Braintree(void))
        }
        Errand::ForgetCard { token } => {
            Pending::perform("forget_card", n, Effect::Braintree(Braintree::DeleteMethod { token: token.clone() }))
        }
        Errand::UndoTwin { subscription } => {
            let undo = Zoho::UndoSubscription { subscription: subscription.clone() };
            Pending::perform("undo_twin", n, Effect::Zoho(undo))
        }
    }
}

/// What a quote still needs.
pub(super) fn preparation(state: &State) -> Option<Pending> {
    // What does not need the customer's cards is missing first.
    state.sale.preparation(state.saga()?).or_else(|| customer::cards(state))
}

/// Our reference of the Zoho subscription.
pub(super) fn reference(state: &State) -> Option<String> {
    let intake = state.sale.intake.as_ref()?;
    Some(intake.installation.subscription_reference(state.saga()?, state.counts.undone + 1))
}

/// What the payment still needs.
fn payment(state: &State) -> Option<Pending> {
    if state.is_sold() {
        return None;
    }
    if state.nothing.is_some() {
        return collector::begin(state, None);
    }
    customer::settled(state).or_else(|| card(state)).or_else(|| subscription(state)).or_else(|| collection(state))
}

/// The customer at Braintree, the card, and the hold.
fn card(state: &State) -> Option<Pending> {
    let submission = state.submission.as_ref()?;
    let ours = state.sale.customer()?.to_owned();
    let n = submission.number;
    let braintree = |step, call| Some(Pending::perform(step, n, Effect::Braintree(call)));
    let Some(customer) = state.braintree_customer().map(str::to_owned) else {
        let create = Braintree::CreateCustomer { customer: format!("c-{ours}"), person: ours };
        return braintree("create_braintree_customer", create);
    };
    if state.made.braintree_customer.is_some() && !state.made.braintree_linked {
        let link = Desk::LinkCustomer { customer: ours, zoho_customer: None, braintree_customer: Some(customer) };
        return Some(Pending::perform("link_customer", n, Effect::Desk(link)));
    }
    let quote = state.sale.quote.as_ref()?;
    let stored = matches!(submission.with, Paying::Stored { .. });
    if stored && submission.method.is_none() {
        return braintree("read_method", Braintree::ReadCustomer { customer });
    }
    let count = || {
        let method = submission.method.as_ref().filter(|m| !submission.counted && !m.card.is_empty())?;
        let count = Desk::CountCard {
            card: method.card.clone(),
            brand: method.brand.clone(),
            order_id: submission.order_id.clone(),
        };
        Some(Pending::perform("count_card", n, Effect::Desk(count)))
    };
    if !quote.is_due_today() || state.by_braintree() {
        return match submission.with {
            // A stored card needs no verification: it was verified when it was vaulted.
            Paying::Stored { .. } => None,
            Paying::New { .. } if submission.method.is_some() => None,
            Paying::New { input, .. } => {
                braintree("vault", Braintree::Vault { customer, token: submission.token.clone(), input })
            }
        };
    }
    if stored && let Some(want) = count() {
        return Some(want);
    }
    if state.hold.is_none() && !state.sell_anew {
        let token = submission.token.clone();
        let with = match submission.with {
            Paying::New { input, authenticated } => PayWith::New { token, input, authenticated },
            Paying::Stored { authenticated, .. } => PayWith::Stored { token, authenticated },
        };
        let order_id = submission.order_id.clone();
        return braintree(
            "authorise",
            Braintree::Authorise { order_id, customer, with, amount: quote.ceiling, presence: Presence::First },
        );
    }
    // The number of a new card is known only now.
    count().map(|want| want.fresh(fresh(state)))
}

fn fresh(state: &State) -> Option<DateTime<Utc>> {
    state.hold.as_ref().map(|h| h.use_until)
}

/// The customer and the subscription at Zoho.
fn subscription(state: &State) -> Option<Pending> {
    let n = state.submission.as_ref()?.number;
    let step = |step, effect| Some(Pending::perform(step, n, effect).fresh(fresh(state)));
    if let Some((name, effect)) = state.sale.zoho_customer_step(Some(state.submission.as_ref()?.consent.at)) {
        return step(name, effect);
    }
    let customer = state.sale.zoho_customer()?.to_owned();
    let adopted = state.made.adopted;
    if !adopted && let Some(want) = state.sale.claim(Claim { kind: ClaimKind::ZohoCustomer, key: customer.clone() }) {
        return Some(want.fresh(fresh(state)));
    }
    let Some(subscription) = &state.made.subscription else {
        let order = order(state, customer)?;
        return step("subscribe", Effect::Zoho(Zoho::CreateSubscription(Box::new(order))));
    };
    if !state.made.confirmed {
        let list = Zoho::ListSubscriptions { customer, reference: reference(state) };
        return Some(
            Pending::perform("confirm_subscription", state.counts.lists + 1, Effect::Zoho(list)).fresh(fresh(state)),
        );
    }
    if adopted {
        return None;
    }
    let id = subscription.id.clone();
    if let Some(want) = state.sale.claim(Claim { kind: ClaimKind::ZohoSubscription, key: id.clone() }) {
        return Some(want.fresh(fresh(state)));
    }
    let adopt = Desk::AdoptSubscription {
        subscription: state.subscription()?,
        zoho_subscription: id,
        attio_record: state.sale.intake.as_ref()?.record.clone(),
        owner: state.sale.intake.as_ref()?.terms.collected_by,
    };
    step("adopt", Effect::Desk(adopt))
}

fn order(state: &State, customer: String) -> Option<SubscriptionOrder> {
    let request = state.sale.facts.request.as_ref()?;
    let offer = state.sale.facts.offer.as_ref()?;
    let trial_days = super::pricer::trial_days(request, offer);
    Some(SubscriptionOrder {
        customer,
        reference: reference(state)?,
        plan: offer.plan.code.clone(),
        quantity: request.quantity.unwrap_or(1),
        addons: offer.addons.iter().map(|a| AddonOrder { code: a.code.clone(), quantity: 1 }).collect(),
        coupon: offer.coupon.as_ref().map(|c| c.code.clone()),
        starts_on: state.sale.quote.as_ref()?.starts_on,
        trial_days: (trial_days > 0).then_some(trial_days),
    })
}

/// The first invoice, and its capture.
fn collection(state: &State) -> Option<Pending> {
    let subscription = state.made.subscription.as_ref()?;
    let Some(first) = &state.invoice.first else {
        let read = Zoho::ReadFirstInvoice { subscription: subscription.id.clone() };
        let n = state.counts.invoice_reads + 1;
        return Some(Pending::perform("first_invoice", n, Effect::Zoho(read)).fresh(fresh(state)));
    };
    if let Some(want) = state.sale.claim(Claim { kind: ClaimKind::ZohoInvoice, key: first.id.clone() }) {
        return Some(want.fresh(fresh(state)));
    }
    if !state.invoice.bound {
        return None;
    }
    let Some(invoice) = &state.invoice.fresh else {
        let read = Zoho::ReadInvoice { invoice: first.id.clone() };
        let n = state.counts.invoice_reads + 1;
        return Some(Pending::perform("read_invoice", n, Effect::Zoho(read)).fresh(fresh(state)));
    };
    let until = invoice.read_at + FRESH;
    let until = fresh(state).map_or(until, |hold| hold.min(until));
    if state.by_braintree() {
        return collector::begin(state, Some(invoice.balance)).map(|want| want.fresh(Some(until)));
    }
    let call = capture(state, invoice.balance)?;
    Some(Pending::perform("capture", state.counts.captures + 1, Effect::Braintree(call)).fresh(Some(until)))
}

fn capture(state: &State, balance: Money) -> Option<Braintree> {
    if let Some(hold) = &state.hold {
        let minor = balance.minor.min(hold.amount.minor);
        let amount = Money::new(minor, balance.currency);
        return Some(Braintree::Submit { transaction: hold.transaction.clone(), amount });
    }
    let submission = state.submission.as_ref().filter(|_| state.sell_anew)?;
    Some(Braintree::Sell {
        order_id: submission.order_id.clone(),
        customer: state.braintree_customer()?.to_owned(),
        token: submission.token.clone(),
        amount: balance,
        recurring: false,
        details: None,
    })
}

/// The invoice's stream is told of the capture, and has its claim from then on. Another flow is named, not imported:
/// what it is told is its own command in words.
fn hand_over(state: &State) -> Option<Pending> {
    let intake = state.sale.intake.as_ref()?;
    let capture = state.capture.as_ref()?;
    let invoice = &state.invoice.first.as_ref()?.id;
    let command = serde_json::json!({
        "command": "adopt_capture",
        "organization": intake.organization,
        "installation": intake.installation,
        "invoice": invoice,
        "subscription": state.made.subscription.as_ref()?.id,
        "transaction": capture.transaction,
        "order_id": capture.order_id,
        "amount": capture.amount,
        "captured_at": capture.captured_at,
        "effective": capture.effective,
        "reply_to": state.saga()?,
    });
    let message = Message {
        to: SagaId::of_invoice(&intake.organization, invoice),
        flow: "invoice_payment".to_owned(),
        kind: "activation.captured".to_owned(),
        command,
        key: format!("captured/{}", capture.transaction),
    };
    let claims = vec![Claim { kind: ClaimKind::ZohoInvoice, key: invoice.clone() }];
    Some(Pending::perform("hand_over", 1, Effect::Desk(Desk::Tell { message: Box::new(message), claims })))
}

/// The effect that undoes a completed step.
pub(super) fn undo(state: &State, step: &str) -> Option<Effect> {
    if let Some(kept) = customer::kept(state, step) {
        return Some(kept);
    }
    let made = &state.made;
    let ours = || state.sale.customer().map(str::to_owned);
    Some(match step {
        "create_braintree_customer" => {
            Effect::Braintree(Braintree::DeleteCustomer { customer: made.braintree_customer.clone()? })
        }
        "link_customer" => Effect::Desk(Desk::UnlinkCustomer {
            customer: ours()?,
            zoho_customer: None,
            braintree_customer: made.braintree_customer.clone(),
        }),
        // Voided before or expired: the same again changes nothing, and the answer says that nothing is held.
        "authorise" => Effect::Braintree(Braintree::Void { transaction: state.last_hold.clone()? }),
        "vault" => Effect::Braintree(Braintree::DeleteMethod { token: state.submission.as_ref()?.token.clone() }),
        "revive_zoho_customer" | "zoho_customer" => {
            Effect::Zoho(Zoho::DeactivateCustomer { customer: state.sale.made.id.clone()? })
        }
        "link_zoho_customer" => Effect::Desk(Desk::UnlinkCustomer {
            customer: ours()?,
            zoho_customer: state.sale.made.id.clone(),
            braintree_customer: None,
        }),
        "subscribe" => Effect::Zoho(Zoho::UndoSubscription { subscription: made.subscription.as_ref()?.id.clone() }),
        "adopt" => Effect::Desk(Desk::DisownSubscription {
            subscription: state.subscription()?,
            zoho_subscription: made.subscription.as_ref()?.id.clone(),
            attio_record: state.sale.intake.as_ref()?.record.clone(),
        }),
        _ => return None,
    })
}
