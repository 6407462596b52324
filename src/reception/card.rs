//! Who answers for links to the page for another card: shows the card update behind a link, and puts the customer's word
//! into its inbox. It decides nothing: the saga does.

use super::back::{Back, PATIENCE, digest, unavailable};
use crate::checkout::{Advice, Authentication, CardChange, CardOffer, CardOnFile, CardPage, Desk, Instrument, Problem};
use crate::checkout::{Stage, Submission, View};
use crate::engine::beside::NONCE;
use crate::port::Person;
use crate::store::backlog::await_item;
use crate::store::items::ItemState;
use async_trait::async_trait;
use sagas::kernel::effect::CheckoutLink;
use sagas::payment_method_update as update;
use sagas::payment_method_update::{Command, Consent, Page, PageStage, PaymentMethodUpdate, page};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use tokio::time::Instant;
use uuid::Uuid;

/// The desk behind the page for another card.
pub struct CardDesk {
    back: Arc<Back>,
}

/// What stands behind a link.
struct Behind {
    link: CheckoutLink,
    page: Page,
    /// How many events the card update had then.
    sequence: u64,
}

impl Behind {
    /// An older link opens nothing any more.
    const fn is_newest(&self) -> bool {
        self.link.number == self.page.link
    }
}

impl CardDesk {
    pub(super) const fn new(back: Arc<Back>) -> Self {
        Self { back }
    }

    async fn behind(&self, token: &str) -> Result<Behind, Problem> {
        let (link, loaded) = self.back.behind::<PaymentMethodUpdate>(token).await?;
        let page = page(&loaded.saga.business, self.back.clock.now());
        // A link of a database that was restored to an earlier state was made here too, and means nothing any more.
        if page.link < link.number {
            return Err(Problem::Forged);
        }
        Ok(Behind { link, page, sequence: loaded.sequence })
    }

    async fn shown(&self, behind: &Behind) -> Result<View, Problem> {
        let page = &behind.page;
        let person = self.back.person(page.customer.as_deref()).await?;
        let stage = if behind.is_newest() { stage(page) } else { Stage::Revoked };
        let offer = page.offer.as_ref().filter(|_| behind.is_newest()).map(offer);
        Ok(View {
            stage,
            quote: None,
            customer: person.as_ref().map(Person::display_name).unwrap_or_default(),
            cards_on_file: Vec::new(),
            locale: person.and_then(|person| person.locale),
            card: Some(CardPage { offer }),
            elsewhere: None,
        })
    }

    /// The page once it says more than that it is being confirmed or looked up, or as it is when the patience ends.
    async fn settled(&self, token: &str, deadline: Instant) -> Result<Behind, Problem> {
        let mut behind = self.behind(token).await?;
        while matches!(behind.page.stage, PageStage::Confirming | PageStage::Preparing)
            && self.back.moves_on(behind.link.saga, behind.sequence, deadline).await?
        {
            behind = self.behind(token).await?;
        }
        Ok(behind)
    }

    /// Zoho's page, where the card is given there and one is open.
    async fn address(&self, behind: &Behind) -> Result<Option<SecretString>, Problem> {
        let PageStage::AtZoho { page: Some(page) } = &behind.page.stage else { return Ok(None) };
        if !behind.is_newest() {
            return Ok(None);
        }
        // A call to a vendor that a page waits for: who has the address can change the card, so it is kept nowhere.
        let read = self.back.connectors.zoho.page_address(page, self.back.call_limit).await;
        read.map(Some).map_err(|outcome| unavailable(&outcome.word()))
    }

    /// The saga hears it and does what follows, or as far as it is when the patience ends.
    async fn told(&self, link: CheckoutLink, kind: &str, command: &Command, deadline: Instant) -> Result<(), Problem> {
        // Each click counts: an earlier page may be over.
        let key = format!("{kind}:{}:{}", link.saga, Uuid::now_v7().simple());
        let item = self.back.offer::<PaymentMethodUpdate>(link.saga, kind, command, key, &[]).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        await_item(&self.back.store.pool, item, left).await.map_err(|e| unavailable(&e)).map(drop)
    }

    /// The page as it is open to be filled in.
    async fn open(&self, token: &str) -> Result<Behind, Problem> {
        let behind = self.behind(token).await?;
        if behind.is_newest() && stage(&behind.page).takes_card() {
            return Ok(behind);
        }
        Err(Problem::Refused("no card can be given on this page now".to_owned()))
    }
}

#[async_trait]
impl Desk for CardDesk {
    async fn view(&self, token: &str) -> Result<View, Problem> {
        let behind = self.behind(token).await?;
        self.shown(&behind).await
    }

    async fn opened(&self, token: &str) {
        let Ok(link) = self.back.keys.read(token) else { return };
        let key = format!("card-opened:{}:{}", link.saga, link.number);
        let opened = Command::Opened { link: link.number };
        // What is owed is read anew; a page that is shown is not held up by it.
        if let Err(e) = self.back.offer::<PaymentMethodUpdate>(link.saga, "card.opened", &opened, key, &[]).await {
            tracing::debug!(saga = %link.saga, error = %e, "the opening of a card page was not noted");
        }
    }

    /// Where Zoho's own gateway collects, our link leads to its page: to the one that is open, else to a new one.
    async fn onward(&self, token: &str) -> Result<Option<SecretString>, Problem> {
        let deadline = Instant::now() + PATIENCE;
        let mut behind = self.behind(token).await?;
        if !behind.is_newest() || behind.page.stage != (PageStage::AtZoho { page: None }) {
            return self.address(&behind).await;
        }
        let link = behind.link;
        self.told(link, "card.page_asked", &Command::PageAsked { link: link.number }, deadline).await?;
        behind = self.behind(token).await?;
        while behind.page.stage == (PageStage::AtZoho { page: None })
            && self.back.moves_on(link.saga, behind.sequence, deadline).await?
        {
            behind = self.behind(token).await?;
        }
        self.address(&behind).await
    }

    /// The customer has come back: what they did at Zoho is read now.
    async fn returned(&self, token: &str) -> Result<(), Problem> {
        let deadline = Instant::now() + PATIENCE;
        let behind = self.behind(token).await?;
        if !matches!(behind.page.stage, PageStage::AtZoho { .. }) {
            return Ok(());
        }
        let link = behind.link;
        self.told(link, "card.returned", &Command::Returned { link: link.number }, deadline).await?;
        let since = self.behind(token).await?;
        if matches!(since.page.stage, PageStage::AtZoho { .. }) {
            self.back.moves_on(link.saga, since.sequence, deadline).await?;
        }
        Ok(())
    }

    async fn submit(&self, token: &str, submission: Submission) -> Result<View, Problem> {
        let deadline = Instant::now() + PATIENCE;
        let Instrument::Nonce { nonce, authenticated } = &submission.instrument else {
            return Err(Problem::Refused("another card is entered on this page, not chosen".to_owned()));
        };
        let behind = self.behind(token).await?;
        let link = behind.link;
        let sealed = self.back.keys.secrets().seal(NONCE, nonce);
        let evidence = (submission.ip, submission.user_agent.as_deref());
        let evidence = self.back.evidence(behind.page.customer.as_deref(), evidence).await?;
        let command = Command::Submitted {
            link: link.number,
            offer_hash: submission.quote_hash.clone(),
            consent: Consent { version: submission.consent_version.clone(), at: self.back.clock.now(), evidence },
            input: sealed.id,
            authenticated: *authenticated,
        };
        let key = format!("card-submitted:{}:{}", link.saga, digest(nonce.expose_secret()));
        let inputs = [sealed];
        let item = self.back.offer::<PaymentMethodUpdate>(link.saga, "card.submitted", &command, key, &inputs).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        let item = await_item(&self.back.store.pool, item, left).await.map_err(|e| unavailable(&e))?;
        let behind = self.settled(token, deadline).await?;
        let mut view = self.shown(&behind).await?;
        match item.state {
            ItemState::Applied => Ok(view),
            // Not looked at yet: it will be.
            ItemState::Ready | ItemState::Waiting => Ok(View { stage: Stage::Confirming, ..view }),
            ItemState::Refused | ItemState::Dead => {
                self.back.erase(&inputs).await?;
                if !view.stage.takes_card() {
                    return Ok(view);
                }
                if view.hash() == Some(submission.quote_hash.as_str()) {
                    return Err(Problem::Refused(item.reason.unwrap_or_default()));
                }
                view.stage = Stage::Replaced;
                Ok(view)
            }
        }
    }

    async fn client_token(&self, token: &str) -> Result<SecretString, Problem> {
        let behind = self.open(token).await?;
        let Some(offer) = &behind.page.offer else { return Err(Problem::Unavailable) };
        // A call to a vendor that a page waits for: such a token is made fresh for each page and cannot be kept.
        let (currency, limit) = (offer.next.currency, self.back.call_limit);
        self.back.connectors.braintree.client_token(currency, limit).await.map_err(|e| unavailable(&e))
    }

    async fn authentication(&self, token: &str, card_on_file: Option<&str>) -> Result<Authentication, Problem> {
        let behind = self.open(token).await?;
        let page = &behind.page;
        let (PageStage::NeedsAuthentication, Some(offer), None) = (&page.stage, &page.offer, card_on_file) else {
            return Err(Problem::Refused("no bank wants anything on this page now".to_owned()));
        };
        let email = self.back.person(page.customer.as_deref()).await?.map(|person| person.email);
        Ok(Authentication { amount: offer.next, email, card: None })
    }
}

fn named((brand, last_four): &(String, String)) -> CardOnFile {
    CardOnFile { id: String::new(), brand: brand.clone(), last_four: last_four.clone() }
}

fn offer(offer: &update::Offer) -> CardOffer {
    CardOffer {
        on_file: offer.card.as_ref().map(named),
        owed: offer.owed,
        hash: offer.hash.clone(),
        consent_version: offer.consent_version.clone(),
        expires_at: offer.expires_at,
    }
}

fn stage(page: &Page) -> Stage {
    match &page.stage {
        // Whoever sees it, and not Zoho's page, is to look again in a moment.
        PageStage::Preparing | PageStage::AtZoho { .. } => Stage::Preparing,
        PageStage::ChangedAtZoho => Stage::Active,
        PageStage::Asked { declined: None } => Stage::Quoted,
        PageStage::Asked { declined: Some(update::Advice::CardAgain) } => {
            Stage::Declined { advice: Advice::EnterAgain }
        }
        PageStage::Asked { declined: Some(update::Advice::AnotherCard | update::Advice::NeedsAuthentication) } => {
            Stage::Declined { advice: Advice::AnotherCard }
        }
        PageStage::NeedsAuthentication => Stage::NeedsAuthentication,
        PageStage::LockedUntil { until } => Stage::LockedUntil { at: *until },
        PageStage::Confirming => Stage::Confirming,
        PageStage::Changed { card: Some(card), before, owed } => {
            Stage::Changed(CardChange { card: named(card), before: before.as_ref().map(named), owed: *owed })
        }
        PageStage::Expired => Stage::Expired,
        PageStage::Cancelled => Stage::Cancelled,
        PageStage::Changed { card: None, .. } | PageStage::Failed => Stage::Failed,
    }
}
