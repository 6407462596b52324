//! Who answers for checkout links where Zoho collects: shows the price behind a link, takes the customer's word, and leads to
//! Zoho's page, whose address is read at the click and kept nowhere. It decides nothing: the saga does.

use super::back::{Back, PATIENCE, unavailable};
use super::quote;
use crate::checkout::{Acceptance, Problem, Stage, View};
use crate::port::Person;
use crate::store::backlog::await_item;
use crate::store::items::ItemState;
use sagas::kernel::effect::{CheckoutLink, LinkPage};
use sagas::kernel::saga::Saga;
use sagas::zoho_native::{Command, Consent, Page, PageStage, ZohoNative, page};
use secrecy::SecretString;
use std::sync::Arc;
use tokio::time::Instant;
use uuid::Uuid;

/// The desk behind the checkout page where Zoho collects.
pub(super) struct NativeDesk {
    back: Arc<Back>,
}

/// What stands behind a link.
struct Behind {
    link: CheckoutLink,
    page: Page,
    /// How many events the start had then.
    sequence: u64,
}

impl NativeDesk {
    pub(super) const fn new(back: Arc<Back>) -> Self {
        Self { back }
    }

    /// Whether the link is of a start that Zoho collects for.
    pub(super) async fn answers(&self, token: &str) -> Result<bool, Problem> {
        Ok(self.back.flow(token).await?.is_some_and(|flow| flow == ZohoNative::NAME))
    }

    async fn behind(&self, token: &str) -> Result<Behind, Problem> {
        let (link, loaded) = self.back.behind::<ZohoNative>(token).await?;
        let page = page(&loaded.saga.business, self.back.clock.now());
        // A link of a database that was restored to an earlier state was made here too, and means nothing any more.
        if page.link < link.number {
            return Err(Problem::Forged);
        }
        Ok(Behind { link, page, sequence: loaded.sequence })
    }

    pub(super) async fn view(&self, token: &str) -> Result<View, Problem> {
        let Behind { link, page, .. } = self.behind(token).await?;
        let person = self.back.person(page.customer.as_deref()).await?;
        let stage = if link.number < page.link { Stage::Revoked } else { stage(&page.stage) };
        let action = format!("/{}/{token}/onward", LinkPage::Checkout.path());
        Ok(View {
            stage,
            quote: page.quote.as_deref().map(quote),
            customer: person.as_ref().map(Person::display_name).unwrap_or_default(),
            cards_on_file: Vec::new(),
            locale: person.and_then(|person| person.locale),
            card: None,
            elsewhere: Some(action),
        })
    }

    pub(super) async fn opened(&self, token: &str) {
        let Ok(link) = self.back.keys.read(token) else { return };
        // Mail programs open links: once a day is enough to find out that the quote is of another day.
        let today = self.back.clock.now().date_naive();
        let key = format!("opened:{}:{}:{today}", link.saga, link.number);
        let opened = Command::Opened { link: link.number };
        if let Err(e) = self.back.offer::<ZohoNative>(link.saga, "checkout.opened", &opened, key, &[]).await {
            tracing::debug!(saga = %link.saga, error = %e, "the opening of a checkout page was not noted");
        }
    }

    /// Zoho's page, where the customer has agreed and it is open.
    pub(super) async fn onward(&self, token: &str) -> Result<Option<SecretString>, Problem> {
        let behind = self.behind(token).await?;
        self.address(&behind).await
    }

    async fn address(&self, behind: &Behind) -> Result<Option<SecretString>, Problem> {
        let PageStage::AtZoho { page } = &behind.page.stage else { return Ok(None) };
        if behind.link.number < behind.page.link {
            return Ok(None);
        }
        // A call to a vendor that a page waits for: who has the address can buy, so it is kept nowhere.
        let read = self.back.connectors.zoho.page_address(page, self.back.call_limit).await;
        read.map(Some).map_err(|outcome| unavailable(&outcome.word()))
    }

    pub(super) async fn accept(&self, token: &str, acceptance: Acceptance) -> Result<Option<SecretString>, Problem> {
        let deadline = Instant::now() + PATIENCE;
        let behind = self.behind(token).await?;
        if let Some(address) = self.address(&behind).await? {
            return Ok(Some(address));
        }
        let seen = (acceptance.ip, acceptance.user_agent.as_deref());
        let evidence = self.back.evidence(behind.page.customer.as_deref(), seen).await?;
        let consent = Consent { version: acceptance.consent_version, at: self.back.clock.now(), evidence };
        let link = behind.link;
        let asked = Command::PageAsked { link: link.number, quote_hash: acceptance.quote_hash, consent };
        // Each press counts: an earlier page may be over.
        let key = format!("page-asked:{}:{}", link.saga, Uuid::now_v7().simple());
        let item = self.back.offer::<ZohoNative>(link.saga, "checkout.page_asked", &asked, key, &[]).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        let item = await_item(&self.back.store.pool, item, left).await.map_err(|e| unavailable(&e))?;
        if matches!(item.state, ItemState::Refused | ItemState::Dead) {
            return Ok(None);
        }
        let behind = self.settled(token, deadline).await?;
        self.address(&behind).await
    }

    /// The customer has come back: what they did at Zoho is read now.
    pub(super) async fn returned(&self, token: &str) -> Result<(), Problem> {
        let deadline = Instant::now() + PATIENCE;
        let behind = self.behind(token).await?;
        if !matches!(behind.page.stage, PageStage::AtZoho { .. }) {
            return Ok(());
        }
        let link = behind.link;
        let key = format!("returned:{}:{}", link.saga, Uuid::now_v7().simple());
        let back = Command::Returned { link: link.number };
        let item = self.back.offer::<ZohoNative>(link.saga, "checkout.returned", &back, key, &[]).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        await_item(&self.back.store.pool, item, left).await.map_err(|e| unavailable(&e))?;
        let since = self.behind(token).await?;
        self.back.moves_on(link.saga, since.sequence, deadline).await?;
        self.settled(token, deadline).await.map(drop)
    }

    /// The page once nothing of it is being made or confirmed, or as it is when the patience ends.
    async fn settled(&self, token: &str, deadline: Instant) -> Result<Behind, Problem> {
        let mut behind = self.behind(token).await?;
        while matches!(behind.page.stage, PageStage::Preparing | PageStage::Confirming)
            && self.back.moves_on(behind.link.saga, behind.sequence, deadline).await?
        {
            behind = self.behind(token).await?;
        }
        Ok(behind)
    }
}

const fn stage(stage: &PageStage) -> Stage {
    match stage {
        PageStage::Preparing => Stage::Preparing,
        PageStage::Quoted { .. } | PageStage::AtZoho { .. } => Stage::Quoted,
        PageStage::Confirming => Stage::Confirming,
        PageStage::Active => Stage::Active,
        PageStage::Expired => Stage::Expired,
        PageStage::Cancelled => Stage::Cancelled,
        PageStage::Failed => Stage::Failed,
    }
}
