//! A customer who is erased: its words overwritten by neutral ones, then deleted where Zoho lets it go. One with documents
//! stays, and names nobody. Documents are not touched: they are the books.

use super::billing::{Answered, Ask};
use super::set::{after_write, proven, settled};
use super::wire::ErasedCustomer;
use super::{Zoho, is_invalid, is_not_found};
use crate::port::Person;
use sagas::kernel::answer::{Answer, Trace};
use sagas::kernel::outcome::Look;
use serde::de::IgnoredAny;
use tokio::time::Instant;

const SEEK: &str = "zoho.seek_customer";
const ERASE: &str = "zoho.erase_customer";
/// Where the delete's answer was lost, and the customer is there without a name.
const STILL_THERE: &str = "it is still there, without a name";

impl Zoho {
    /// One call.
    pub(super) async fn seek_customer(&self, customer: &str, mark: &str, deadline: Instant) -> Answered<Answer> {
        let personal = self.names_somebody(SEEK, customer, mark, deadline).await?;
        let there = |personal| Trace { personal, ..Trace::neutral(customer) };
        Ok(done(personal.map_or_else(Trace::gone, there)))
    }

    /// Two calls to overwrite, of which one reads it back, and one to delete.
    pub(super) async fn erase_customer(&self, customer: &str, mark: &str, deadline: Instant) -> Answered<Answer> {
        let segments = ["customers", customer];
        let nobody = Person::erased(mark);
        let ask = Ask::put(ERASE, &segments, &ErasedCustomer::of(&nobody));
        let written = match self.written(ask, deadline).await {
            Ok(written) => written,
            Err(outcome) if is_not_found(&outcome) => return Ok(done(Trace::gone())),
            Err(outcome) => return Err(outcome),
        };
        let Some(personal) = after_write(&written, self.names_somebody(ERASE, customer, mark, deadline).await)? else {
            return Ok(done(Trace::gone()));
        };
        proven(written, !personal, || format!("Zoho accepted to change customer {customer}, but does not show it so"))?;
        match self.billing.call::<IgnoredAny>(Ask::delete(ERASE, &segments), deadline).await {
            Ok(_) => Ok(done(Trace::gone())),
            Err(outcome) if is_not_found(&outcome) => Ok(done(Trace::gone())),
            Err(outcome) if is_invalid(&outcome) => {
                let kept_because = Some(super::sentence(*outcome));
                Ok(done(Trace { kept_because, ..Trace::neutral(customer) }))
            }
            Err(outcome) => Err(outcome),
        }
    }

    /// Gone or neutral: done.
    pub(super) async fn look_erased(&self, customer: &str, mark: &str, deadline: Instant) -> Answered<Look> {
        let personal = self.names_somebody("zoho.find_customer_state", customer, mark, deadline).await?;
        let kept = || Trace { kept_because: Some(STILL_THERE.to_owned()), ..Trace::neutral(customer) };
        let trace = if personal.is_some() { kept() } else { Trace::gone() };
        Ok(settled(personal != Some(true), done(trace), None, None))
    }

    /// Whether the customer shows anything but the neutral words; none: there is no such customer.
    async fn names_somebody(
        &self,
        operation: &'static str,
        customer: &str,
        mark: &str,
        deadline: Instant,
    ) -> Answered<Option<bool>> {
        match self.customer(operation, customer, deadline).await {
            Ok(shown) => Ok(Some(!shown.customer.is_erased(&Person::erased(mark)))),
            Err(outcome) if is_not_found(&outcome) => Ok(None),
            Err(outcome) => Err(outcome),
        }
    }
}

fn done(trace: Trace) -> Answer {
    Answer::Trace(Box::new(trace))
}
