//! Who answers for links to the page on which a customer cancels: shows what a notice speaks of, and puts the customer's word
//! into the inbox of its stream. It decides nothing: the saga does.

use super::back::{Back, PATIENCE, unavailable};
use crate::checkout::{CancelDesk, CancelStage, CancelView, Problem};
use crate::store::backlog::await_item;
use crate::store::items::ItemState;
use async_trait::async_trait;
use sagas::kernel::effect::CheckoutLink;
use sagas::notice::{Command, Notices, Page, PageStage, page};
use std::sync::Arc;

/// The desk behind the page.
pub struct Cancelling {
    back: Arc<Back>,
}

impl Cancelling {
    pub(super) const fn new(back: Arc<Back>) -> Self {
        Self { back }
    }

    /// Every link that a letter had opens it: they all speak of the same subscription.
    async fn behind(&self, token: &str) -> Result<(CheckoutLink, Page), Problem> {
        let (link, loaded) = self.back.behind::<Notices>(token).await?;
        let page = page(&loaded.saga.business);
        // A link of a database that was restored to an earlier state was made here too, and means nothing any more.
        if page.links < link.number {
            return Err(Problem::Forged);
        }
        Ok((link, page))
    }
}

#[async_trait]
impl CancelDesk for Cancelling {
    async fn view(&self, token: &str) -> Result<CancelView, Problem> {
        let (_, page) = self.behind(token).await?;
        let person = self.back.person(page.customer.as_deref()).await?;
        Ok(CancelView {
            stage: match page.stage {
                PageStage::Runs => CancelStage::Runs,
                PageStage::Cancelled => CancelStage::Cancelled,
                PageStage::Over => CancelStage::Over,
            },
            title: page.title,
            next: page.next,
            locale: person.and_then(|person| person.locale),
        })
    }

    async fn cancel(&self, token: &str) -> Result<(), Problem> {
        let (link, page) = self.behind(token).await?;
        if page.stage != PageStage::Runs {
            return Ok(());
        }
        let key = format!("cancel-asked:{}", link.saga);
        let asked = Command::CancelAsked { link: link.number };
        let item = self.back.offer::<Notices>(link.saga, "cancel.asked", &asked, key, &[]).await?;
        let item = await_item(&self.back.store.pool, item, PATIENCE).await.map_err(|e| unavailable(&e))?;
        match item.state {
            // Not looked at yet: it will be.
            ItemState::Applied | ItemState::Ready | ItemState::Waiting => Ok(()),
            ItemState::Refused | ItemState::Dead => Err(Problem::Refused(item.reason.unwrap_or_default())),
        }
    }
}
