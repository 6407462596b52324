//! What people are asked to see to where customers are helped, once no attempt to collect is left. It rides in the event's
//! append; this flow waits for nothing of it.

use super::dunning::Next;
use super::rest::Closing;
use super::state::State;
use super::words::Event;
use crate::kernel::effect::Message;
use crate::kernel::saga::Saga;
use crate::kernel::ticket::{About, Ask, Cause};

/// Asked for once for each end of the schedule.
pub(super) fn asked(state: &State, event: &Event) -> Option<Message> {
    let is_exhausted = match event {
        Event::ChargeDeclined { ruling, .. } => ruling.next == Next::Exhausted,
        Event::InvoiceClosed { closing, .. } => *closing == Closing::Exhausted,
        _ => false,
    };
    let about = About { record: state.party.subscription_record.clone(), client: state.party.client.clone() };
    if !is_exhausted || (about.record.is_none() && about.client.is_none()) {
        return None;
    }
    let declines = state.dunning.declines;
    let cause = Cause::Exhausted {
        invoice: state.intake.as_ref()?.invoice.clone(),
        number: state.title().to_owned(),
        owed: state.facts.invoice.as_ref()?.balance,
        declines,
        last_four: state.facts.method.as_ref().map(|method| method.last_four.clone()),
    };
    let by = super::InvoicePayment::NAME.to_owned();
    Some(Ask { about, cause, press: None, key: format!("exhausted:{declines}"), by }.message())
}
