//! Pages on Zoho's own host, for subscriptions that Zoho collects for: makes one, reads what came of it, and tells its
//! address to whom the customer is sent by. Keeps no address.

use super::Zoho;
use super::billing::{Answered, Ask, rejected};
use super::wire::{NewPage, NewTerms, PageAnswer, PageMade};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{OnPage, PageOrder};
use sagas::kernel::outcome::{Outcome, RejectionKind};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;
use tokio::time::Instant;

impl Zoho {
    /// One call. `back_to`: the page of ours to which the customer returns.
    pub(super) async fn on_page(
        &self,
        call: &OnPage,
        back_to: Option<&SecretString>,
        deadline: Instant,
    ) -> Answered<Answer> {
        let page = match call {
            OnPage::Read { page } => self.page_now(call.operation(), page, deadline).await?,
            OnPage::Create(order) => {
                let back_to = back_to.ok_or_else(|| {
                    let message = "the address to which the customer returns is not known";
                    rejected(RejectionKind::Invalid, "no_return_address", message)
                })?;
                let (kind, body) = body_of(order, back_to.expose_secret());
                let segments = ["hostedpages", kind];
                let ask = Ask::create(call.operation(), &segments, &body);
                self.billing.call::<PageMade>(ask, deadline).await?.hostedpage
            }
        };
        Ok(Answer::HostedPage(Box::new(page.read())))
    }

    async fn page_now(&self, operation: &'static str, page: &str, deadline: Instant) -> Answered<PageAnswer> {
        let segments = ["hostedpages", page];
        self.billing.call(Ask::read(operation, &segments), deadline).await
    }

    /// Where a hosted page is: who has the address can pay or change the card, so it is read at the click and kept nowhere.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn page_address(&self, page: &str, time_limit: Duration) -> Result<SecretString, Box<Outcome>> {
        let page = self.page_now("zoho.read_page_address", page, Instant::now() + time_limit).await?;
        page.address().ok_or_else(|| {
            rejected(RejectionKind::UnknownState, "no_address", "Zoho shows the hosted page without its address")
        })
    }
}

/// The kind of page, and what it is made from.
fn body_of<'a>(order: &'a PageOrder, back_to: &'a str) -> (&'static str, NewPage<'a>) {
    let page = NewPage { redirect_url: back_to, ..NewPage::default() };
    match order {
        PageOrder::NewSubscription { customer, reference, sold, start, back_to: _ } => (
            "newsubscription",
            NewPage {
                customer_id: Some(customer),
                reference_id: Some(reference),
                sold: Some(NewTerms::started(sold, start)),
                starts_at: start.starts_on,
                ..page
            },
        ),
        PageOrder::UpdateSubscription { subscription, sold, back_to: _ } => {
            ("updatesubscription", NewPage { subscription_id: Some(subscription), sold: Some(sold.into()), ..page })
        }
        PageOrder::UpdateCard { subscription, back_to: _ } => {
            ("updatecard", NewPage { subscription_id: Some(subscription), ..page })
        }
        PageOrder::AddPaymentMethod { customer, back_to: _ } => {
            ("addpaymentmethod", NewPage { customer_id: Some(customer), ..page })
        }
    }
}
