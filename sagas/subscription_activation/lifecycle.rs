//! What is told of the subscription's life: the link that is out, the trial that runs, the sale. It rides in the event's
//! append.

use super::events::Event;
use super::state::State;
use super::words::{Nothing, Then};
use crate::kernel::effect::Message;
use crate::kernel::lifecycle::{News, Sale, Told};
use crate::kernel::selling::Selling;

/// Who keeps deal and tags is told of it.
pub(super) fn tells(state: &State, event: &Event) -> Option<Message> {
    let intake = state.sale.intake.as_ref()?;
    let (news, at) = match event {
        // Where a setting wants a deal before there is a sale. Days before the books zone is asked are UTC's.
        Event::Selling(Selling::LinkIssued { expires_at, at, .. }) if intake.terms.deal_at_link => {
            (News::LinkSent { sale: sale(state)?, until: expires_at.date_naive() }, *at)
        }
        Event::ActivationUndone { then: Then::Fail | Then::Cancel | Then::Expire, at, .. }
            if intake.terms.deal_at_link && state.sale.links > 0 =>
        {
            (News::LinkExpired { on: at.date_naive() }, *at)
        }
        Event::SubscriptionActivated { on, at, .. } => (active(state, *on)?, *at),
        _ => return None,
    };
    let told = Told {
        customer: state.sale.customer()?.to_owned(),
        subscription: state.subscription()?,
        record: Some(intake.record.clone()),
        at,
        news,
    };
    Some(told.message())
}

fn sale(state: &State) -> Option<Sale> {
    let plan = &state.sale.facts.offer.as_ref()?.plan;
    Some(Sale { plan: plan.code.clone(), name: plan.name.clone(), amount: state.sale.quote.as_ref()?.renewal })
}

fn active(state: &State, on: chrono::NaiveDate) -> Option<News> {
    let trial = state.nothing == Some(Nothing::DueLater);
    let until = state.sale.quote.as_ref().and_then(|quote| quote.trial_ends_on).filter(|_| trial);
    Some(match (until, &state.made.subscription) {
        (Some(until), Some(made)) if made.status == "trial" => {
            News::Trial { sale: sale(state)?, zoho_subscription: made.id.clone(), until }
        }
        _ => News::Active { sale: sale(state)?, on },
    })
}
