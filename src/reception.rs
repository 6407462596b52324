//! Who answers for checkout links: shows the activation behind a link, and puts the customer's word into its inbox. It
//! decides nothing about money: the saga does. The page for another card has a desk of its own beside this one.

mod back;
mod cancel;
mod card;
mod native;

pub use cancel::Cancelling;
pub use card::CardDesk;

use crate::checkout::{
    Acceptance, Advice, Authentication, CardNonce, CardOnFile, Desk, Instrument, Line, Problem, Quote, Receipt,
};
use crate::checkout::{Renewal, Stage, Submission, Tax, Unit, View};
use crate::clock::Clock;
use crate::connectors::Connectors;
use crate::engine::Engine;
use crate::engine::beside::NONCE;
use crate::keys::Keys;
use crate::port::Person;
use crate::store::Store;
use crate::store::backlog::await_item;
use crate::store::items::ItemState;
use crate::store::secrets::Sealed;
use async_trait::async_trait;
use back::{Back, PATIENCE, digest, unavailable};
use native::NativeDesk;
use sagas::kernel::effect::CheckoutLink;
use sagas::kernel::money::Money;
use sagas::kernel::offer::TermUnit;
use sagas::subscription_activation as activation;
use sagas::subscription_activation::{Command, Consent, Page, PageStage, Paying, SubscriptionActivation, page};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The desk behind the checkout page.
pub struct Reception {
    back: Arc<Back>,
    /// The desk behind the same page where Zoho collects.
    natively: NativeDesk,
}

/// What stands behind a link.
struct Behind {
    link: CheckoutLink,
    page: Page,
    /// How many events the activation had then.
    sequence: u64,
}

impl Reception {
    /// A desk on these.
    pub fn new(
        store: Store,
        engine: Arc<Engine>,
        connectors: Arc<Connectors>,
        keys: Keys,
        clock: Arc<dyn Clock>,
        call_limit: Duration,
    ) -> Self {
        let back = Arc::new(Back { store, engine, connectors, keys, clock, call_limit });
        Self { natively: NativeDesk::new(Arc::clone(&back)), back }
    }

    /// The desk behind the page for another card, on the same.
    pub fn for_cards(&self) -> CardDesk {
        CardDesk::new(Arc::clone(&self.back))
    }

    /// The desk behind the page on which a customer cancels, on the same.
    pub fn for_cancelling(&self) -> Cancelling {
        Cancelling::new(Arc::clone(&self.back))
    }

    async fn behind(&self, token: &str) -> Result<Behind, Problem> {
        let (link, loaded) = self.back.behind::<SubscriptionActivation>(token).await?;
        let page = page(&loaded.saga.business, self.back.clock.now());
        // A link of a database that was restored to an earlier state was made here too, and means nothing any more.
        if page.link < link.number {
            Err(Problem::Forged)
        } else {
            Ok(Behind { link, page, sequence: loaded.sequence })
        }
    }

    async fn shown(&self, behind: &Behind) -> Result<View, Problem> {
        let page = &behind.page;
        let person = self.back.person(page.customer.as_deref()).await?;
        let stage = if behind.link.number < page.link { Stage::Revoked } else { stage(page) };
        Ok(View {
            stage,
            quote: page.quote.as_deref().map(quote),
            customer: person.as_ref().map(Person::display_name).unwrap_or_default(),
            cards_on_file: cards(page).iter().map(on_file).collect(),
            locale: person.and_then(|person| person.locale),
            card: None,
            elsewhere: None,
        })
    }

    /// Which card pays, the nonce to be sealed, and what tells a repeated submission from a further one.
    fn paying(&self, page: &Page, instrument: &Instrument) -> Result<(Paying, Option<Sealed>, String), Problem> {
        let seal = |nonce: &SecretString| self.back.keys.secrets().seal(NONCE, nonce);
        Ok(match instrument {
            Instrument::Nonce { nonce, authenticated } => {
                let sealed = seal(nonce);
                let with = Paying::New { input: sealed.id, authenticated: *authenticated };
                (with, Some(sealed), digest(nonce.expose_secret()))
            }
            Instrument::OnFile { id, authenticated } => {
                let token = on_this(page, id)?.token.clone();
                let sealed = authenticated.as_ref().map(seal);
                // The same card may be tried again, on another quote or after a decline.
                let key = authenticated
                    .as_ref()
                    .map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), |nonce| digest(nonce.expose_secret()));
                (Paying::Stored { token, authenticated: sealed.as_ref().map(|sealed| sealed.id) }, sealed, key)
            }
        })
    }

    /// The page once it says more than that it is being confirmed, or as it is when the patience ends. The saga is folded
    /// only where it has moved since the last look.
    async fn settled(&self, token: &str, deadline: Instant) -> Result<Behind, Problem> {
        let mut behind = self.behind(token).await?;
        while matches!(behind.page.stage, PageStage::Confirming)
            && self.back.moves_on(behind.link.saga, behind.sequence, deadline).await?
        {
            behind = self.behind(token).await?;
        }
        Ok(behind)
    }
}

#[async_trait]
impl Desk for Reception {
    async fn view(&self, token: &str) -> Result<View, Problem> {
        if self.natively.answers(token).await? {
            return self.natively.view(token).await;
        }
        let behind = self.behind(token).await?;
        self.shown(&behind).await
    }

    async fn opened(&self, token: &str) {
        if self.natively.answers(token).await.unwrap_or(false) {
            return self.natively.opened(token).await;
        }
        let Ok(link) = self.back.keys.read(token) else { return };
        let key = format!("opened:{}:{}", link.saga, link.number);
        let opened = Command::Opened { link: link.number };
        // For the record only: a page that is shown is not held up by it.
        if let Err(e) = self.back.offer::<SubscriptionActivation>(link.saga, "checkout.opened", &opened, key, &[]).await
        {
            tracing::debug!(saga = %link.saga, error = %e, "the opening of a checkout page was not noted");
        }
    }

    async fn submit(&self, token: &str, submission: Submission) -> Result<View, Problem> {
        let deadline = Instant::now() + PATIENCE;
        let behind = self.behind(token).await?;
        let (link, page) = (behind.link, &behind.page);
        let (with, input, key) = self.paying(page, &submission.instrument)?;
        let evidence = (submission.ip, submission.user_agent.as_deref());
        let evidence = self.back.evidence(page.customer.as_deref(), evidence).await?;
        let command = Command::Submitted {
            link: link.number,
            quote_hash: submission.quote_hash.clone(),
            consent: Consent { version: submission.consent_version.clone(), at: self.back.clock.now(), evidence },
            with,
        };
        let key = format!("submitted:{}:{key}", link.saga);
        let inputs: Vec<Sealed> = input.into_iter().collect();
        let kind = "checkout.submitted";
        let item = self.back.offer::<SubscriptionActivation>(link.saga, kind, &command, key, &inputs).await?;
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
                let stands = view.quote.as_ref().map(|quote| quote.hash.as_str());
                if view.stage.takes_card() && stands != Some(submission.quote_hash.as_str()) {
                    view.stage = Stage::Replaced;
                    return Ok(view);
                }
                if view.stage.takes_card() {
                    return Err(Problem::Refused(item.reason.unwrap_or_default()));
                }
                Ok(view)
            }
        }
    }

    async fn onward(&self, token: &str) -> Result<Option<SecretString>, Problem> {
        if self.natively.answers(token).await? { self.natively.onward(token).await } else { Ok(None) }
    }

    async fn accept(&self, token: &str, acceptance: Acceptance) -> Result<Option<SecretString>, Problem> {
        self.natively.accept(token, acceptance).await
    }

    async fn returned(&self, token: &str) -> Result<(), Problem> {
        if self.natively.answers(token).await? { self.natively.returned(token).await } else { Ok(()) }
    }

    async fn client_token(&self, token: &str) -> Result<SecretString, Problem> {
        let behind = self.behind(token).await?;
        let open = behind.link.number == behind.page.link && stage(&behind.page).takes_card();
        if !open {
            return Err(Problem::Refused("no card can be given on this page now".to_owned()));
        }
        let Some(quote) = &behind.page.quote else { return Err(Problem::Unavailable) };
        // A call to a vendor that a page waits for: such a token is made fresh for each page and cannot be kept.
        let currency = quote.ceiling.currency;
        self.back.connectors.braintree.client_token(currency, self.back.call_limit).await.map_err(|e| unavailable(&e))
    }

    async fn authentication(&self, token: &str, card_on_file: Option<&str>) -> Result<Authentication, Problem> {
        let behind = self.behind(token).await?;
        let page = &behind.page;
        let (PageStage::NeedsAuthentication { quote, .. }, true) = (&page.stage, behind.link.number == page.link)
        else {
            return Err(Problem::Refused("no bank wants anything on this page now".to_owned()));
        };
        let card = match card_on_file {
            Some(id) => {
                // The other call that a page waits for: such a nonce, too, is for one visit, and is not kept.
                let made =
                    self.back.connectors.braintree.card_nonce(&on_this(page, id)?.token, self.back.call_limit).await;
                let made = made.map_err(|e| unavailable(&e))?;
                Some(CardNonce { nonce: made.nonce, bin: made.bin })
            }
            None => None,
        };
        let amount = if quote.is_due_today() { quote.ceiling } else { quote.renewal };
        Ok(Authentication {
            amount,
            email: self.back.person(page.customer.as_deref()).await?.map(|person| person.email),
            card,
        })
    }
}

fn cards(page: &Page) -> &[activation::CardOnFile] {
    match &page.stage {
        PageStage::Quoted { cards, .. } | PageStage::NeedsAuthentication { cards, .. } => cards,
        _ => &[],
    }
}

/// The card on file that a page offers under that id.
fn on_this<'a>(page: &'a Page, id: &str) -> Result<&'a activation::CardOnFile, Problem> {
    let card = cards(page).iter().find(|card| digest(&card.token) == id);
    card.ok_or_else(|| Problem::Refused("this card is not on file any more".to_owned()))
}

fn on_file(card: &activation::CardOnFile) -> CardOnFile {
    CardOnFile { id: digest(&card.token), brand: card.brand.clone(), last_four: card.last_four.clone() }
}

fn stage(page: &Page) -> Stage {
    match &page.stage {
        PageStage::Preparing => Stage::Preparing,
        PageStage::Quoted { declined: None, .. } => Stage::Quoted,
        PageStage::Quoted { declined: Some(advice), .. } => match advice {
            activation::Advice::AnotherCard => Stage::Declined { advice: Advice::AnotherCard },
            activation::Advice::NeedsAuthentication => Stage::NeedsAuthentication,
            activation::Advice::NotConfirmed | activation::Advice::CardAgain => {
                Stage::Declined { advice: Advice::EnterAgain }
            }
        },
        PageStage::NeedsAuthentication { .. } => Stage::NeedsAuthentication,
        PageStage::LockedUntil { until } => Stage::LockedUntil { at: *until },
        PageStage::Confirming => Stage::Confirming,
        PageStage::Paid { amount, on, card, invoice_number, .. } => Stage::Paid(Receipt {
            amount: *amount,
            paid_on: *on,
            reference: invoice_number.clone().unwrap_or_default(),
            card: card.clone().map(|(brand, last_four)| CardOnFile { id: String::new(), brand, last_four }),
        }),
        PageStage::Started { .. } => Stage::Started,
        PageStage::Expired => Stage::Expired,
        PageStage::Cancelled => Stage::Cancelled,
        PageStage::Failed { .. } => Stage::Failed,
    }
}

fn quote(quote: &activation::Quote) -> Quote {
    let currency = quote.due_today.currency;
    let up_to = Money::new(quote.ceiling.minor - quote.due_today.minor, currency);
    let tax = match quote.tax_today {
        Some(tax) if quote.tax_known => Tax::Known(tax),
        Some(_) | None => Tax::UpTo(up_to),
    };
    Quote {
        lines: quote.lines.iter().map(line).collect(),
        tax,
        due_today: quote.due_today,
        ceiling: quote.ceiling,
        renewal: Some(Renewal {
            amount: quote.renewal,
            every: quote.term.0,
            unit: unit(quote.term.1),
            on: quote.renews_on,
        }),
        trial_end: quote.trial_ends_on.or(quote.starts_on),
        hash: quote.hash.clone(),
        expires_at: quote.expires_at,
        consent_version: quote.consent_version.clone(),
    }
}

fn line(line: &activation::QuoteLine) -> Line {
    let text = if line.quantity == 1 { line.text.clone() } else { format!("{} × {}", line.quantity, line.text) };
    Line { text, amount: line.net }
}

const fn unit(unit: TermUnit) -> Unit {
    match unit {
        TermUnit::Days => Unit::Day,
        TermUnit::Weeks => Unit::Week,
        TermUnit::Months => Unit::Month,
        TermUnit::Years => Unit::Year,
    }
}
