//! What is told of the subscription's life: the link that is out, the sale, a charge of Zoho's that failed. It rides in the
//! event's append. Of its end tells the subscription's own stream.

use super::events::Event;
use super::state::{Life, State};
use crate::kernel::effect::Message;
use crate::kernel::lifecycle::{News, Sale, Told};
use crate::kernel::selling::Selling;

/// Who keeps deal and tags is told of it.
pub(super) fn tells(state: &State, event: &Event) -> Option<Message> {
    let intake = state.sale.intake.as_ref()?;
    let deal = intake.terms.deal_at_link;
    let (news, at) = match event {
        // Where a setting wants a deal before there is a sale. Days before the books zone is asked are UTC's.
        Event::Selling(Selling::LinkIssued { expires_at, at, .. }) if deal => {
            (News::LinkSent { sale: sale(state)?, until: expires_at.date_naive() }, *at)
        }
        Event::StartClosed { at, .. } | Event::StartRefused { at, .. } if deal && state.sale.links > 0 => {
            (News::LinkExpired { on: at.date_naive() }, *at)
        }
        Event::SubscriptionLinked { on, zoho_subscription, at, .. } => {
            let until = state.sale.quote.as_ref().and_then(|quote| quote.trial_ends_on);
            let news = match until.filter(|_| state.life() == Some(Life::Waits)) {
                Some(until) => News::Trial { sale: sale(state)?, zoho_subscription: zoho_subscription.clone(), until },
                None => News::Active { sale: sale(state)?, on: *on },
            };
            (news, *at)
        }
        Event::PaymentFailed { invoice, at } => (News::PastDue { invoice: invoice.clone() }, *at),
        Event::PaymentRecovered { invoice, at } => (News::Recovered { invoice: invoice.clone() }, *at),
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
