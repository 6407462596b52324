//! What finance orders about who collects, as inbox items: one way in for the API and for the command line. Says beforehand
//! what our own tables say of each subscription. Decides nothing: whether it may be handed over is the flow's.

use crate::engine::items::Body;
use crate::store::approvals;
use crate::store::items::NewItem;
use crate::store::links::{LinkKind, find};
use crate::store::query::{self, SagaFilter, SagaLine};
use crate::store::schema::Stamp;
use crate::store::survey::survey_subscription;
use crate::store::{Pool, StoreError};
use chrono::NaiveDate;
use sagas::hand_over::{Command, HandOver, OpenInvoices};
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::effect::SubscriptionKey;
use sagas::kernel::hand_over::{self, Approval, Wish};
use sagas::kernel::ids::{Installation, SagaId, derive};
use sagas::kernel::saga::Saga;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// So many subscriptions at most are asked for at once.
pub const COHORT_AT_MOST: usize = 500;

/// Who collects a subscription's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Collector {
    /// This service charges the vaulted card
    Orchestrator,
    /// Braintree's own recurring billing
    BraintreeRecurring,
    /// Zoho's own gateway
    ZohoNative,
    /// Nobody is on record
    None,
}

impl Collector {
    /// The owner that the word stands for; none: nobody.
    pub const fn owner(self) -> Option<CollectionOwner> {
        match self {
            Self::Orchestrator => Some(CollectionOwner::Orchestrator),
            Self::BraintreeRecurring => Some(CollectionOwner::BraintreeRecurring),
            Self::ZohoNative => Some(CollectionOwner::ZohoNative),
            Self::None => None,
        }
    }
}

/// What becomes of invoices that are open between the old collector and the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum OpenInvoicesDecision {
    /// We collect them, as the new collector
    Collect,
    /// They are voided
    Void,
    /// They stay as they are, and nobody here charges them
    Leave,
}

impl OpenInvoicesDecision {
    /// As the flow takes it.
    pub const fn choice(self) -> OpenInvoices {
        match self {
            Self::Collect => OpenInvoices::Collect,
            Self::Void => OpenInvoices::Void,
            Self::Leave => OpenInvoices::Leave,
        }
    }
}

/// What finance asks for, of a whole cohort.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Zoho subscription ids.
    pub subscriptions: Vec<String>,
    /// Who collects them now.
    pub from: Collector,
    /// Who shall collect them.
    pub to: Collector,
    /// The new one collects no term that begins before that day (books zone).
    pub from_period: Option<NaiveDate>,
    /// Which text of the new way the customers agreed to.
    pub consent: Option<String>,
    /// What proves that nobody collects, where nobody is on record.
    pub proof: Option<String>,
    /// Braintree plan id, where Braintree shall collect.
    pub braintree_plan: Option<String>,
    /// What becomes of invoices that turn out to be open in between; absent: it is asked.
    pub open_invoices: Option<OpenInvoicesDecision>,
}

/// Who orders it, and why.
#[derive(Debug, Clone)]
pub struct By {
    /// A principal, `token:ada`.
    pub principal: String,
    /// In a sentence, for the record.
    pub reason: String,
    /// The same key twice is the same cohort.
    pub key: String,
    /// This installation asks for no second person.
    pub alone: bool,
}

/// Whether this installation asks for no second person.
///
/// # Errors
/// The database cannot be reached.
pub async fn alone(pool: &Pool) -> Result<bool, StoreError> {
    Ok(approvals::policy(pool).await?.is_empty())
}

/// One subscription of a cohort, as our own tables have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Planned {
    /// Zoho subscription id
    pub zoho_subscription: String,
    /// Our subscription id
    pub subscription: Option<String>,
    /// Our customer id, where a flow of the subscription knows it
    pub customer: Option<String>,
    /// Who collects on record: `orchestrator`, `braintree_recurring`, `zoho_native`, `none`
    pub collected_by: &'static str,
    /// Why it cannot be handed over; absent: nothing here stands against it
    pub obstacle: Option<String>,
    /// What it would wait for; absent: nothing
    pub waits_for: Option<String>,
}

/// Why nothing is ordered.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// It is not acceptable as it is worded.
    #[error("{0}")]
    Refused(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The cohort of that key: the same key gives the same id for ever.
pub fn cohort(key: &str) -> String {
    derive("cohort", &[key]).to_string()
}

/// What our own tables say of each. What the vendors say is read by the flow, before anything is switched.
///
/// # Errors
/// The wish is none, or the database cannot be reached.
pub async fn plan(pool: &Pool, ask: &Ask) -> Result<Vec<Planned>, HandOverError> {
    ask.check()?;
    let mut planned = Vec::new();
    for theirs in &ask.subscriptions {
        planned.push(planned_one(pool, ask, theirs).await?);
    }
    Ok(planned)
}

async fn planned_one(pool: &Pool, ask: &Ask, theirs: &str) -> Result<Planned, StoreError> {
    let by = SubscriptionKey::Zoho { subscription: theirs.to_owned() };
    let survey = survey_subscription(pool, &by, SagaId::derived(hand_over::FLOW, &["preview"])).await?;
    let word = |owner: Option<CollectionOwner>| owner.map_or("none", CollectionOwner::as_str);
    let obstacle = if find(pool, LinkKind::ZohoSubscription, theirs).await?.is_none() {
        Some("it is no subscription of ours: import it first".to_owned())
    } else if survey.owner != ask.from.owner() {
        Some(format!("`{}` is on record, and not `{}`", word(survey.owner), word(ask.from.owner())))
    } else {
        None
    };
    let waits_for = survey.claimed_by.map(|saga| format!("saga {saga} works on the subscription"));
    Ok(Planned {
        zoho_subscription: theirs.to_owned(),
        subscription: survey.subscription,
        customer: survey.customer,
        collected_by: word(survey.owner),
        obstacle,
        waits_for,
    })
}

impl Ask {
    /// Why it cannot be asked for so, whichever subscription it is.
    fn check(&self) -> Result<CollectionOwner, HandOverError> {
        let refused = |why: String| Err(HandOverError::Refused(why));
        if self.subscriptions.is_empty() || self.subscriptions.len() > COHORT_AT_MOST {
            return refused(format!("name 1 to {COHORT_AT_MOST} subscriptions"));
        }
        let Some(to) = self.to.owner() else {
            return refused("name who shall collect: what nobody is on record for is never charged".to_owned());
        };
        if self.open_invoices == Some(OpenInvoicesDecision::Collect) && to != CollectionOwner::Orchestrator {
            return refused(
                "only this service collects what is open; Braintree and Zoho begin with the next term".to_owned(),
            );
        }
        let (proof, plan) = (self.proof.as_deref(), self.braintree_plan.as_deref());
        hand_over::fault(self.from.owner(), to, proof, plan).map_or(Ok(to), |fault| refused(fault.to_owned()))
    }
}

/// The orders of a cohort, one for each subscription: the same key is the same order.
///
/// # Errors
/// The wish is none.
pub fn requested(ask: &Ask, stamp: &Stamp, by: &By) -> Result<Vec<NewItem>, HandOverError> {
    let approval = if by.alone { Approval::Alone } else { Approval::SecondPerson };
    let to = ask.check()?;
    let installation = Installation::new(&stamp.prefix).map_err(HandOverError::Refused)?;
    let ordered = ask.subscriptions.iter().map(|theirs| {
        let wish = Wish {
            key: by.key.clone(),
            organization: stamp.zoho_organisation.clone(),
            installation: installation.clone(),
            subscription: theirs.clone(),
            from: ask.from.owner(),
            to,
            from_period: ask.from_period,
            consent: ask.consent.clone(),
            proof: ask.proof.clone(),
            braintree_plan: ask.braintree_plan.clone(),
            recurring: None,
            open_invoices: ask.open_invoices.map(OpenInvoicesDecision::choice),
            cohort: Some(cohort(&by.key)),
            reason: by.reason.clone(),
            by: by.principal.clone(),
            approval: approval.clone(),
            reply_to: None,
        };
        let saga = wish.saga();
        let command = Command::Requested { wish: Box::new(wish) };
        item(saga, "operator.hand_over", &command, &by.principal, Some(format!("hand_over:{saga}")))
    });
    Ok(ordered.collect())
}

/// The hand-overs of a cohort, or the one of that saga id; none: there is no such.
///
/// # Errors
/// The database cannot be reached.
pub async fn of(pool: &Pool, id: &str) -> Result<Vec<SagaLine>, StoreError> {
    let filter =
        SagaFilter { kind: Some(HandOver::NAME.to_owned()), reference: Some(id.to_owned()), ..SagaFilter::default() };
    let at_most = u16::try_from(COHORT_AT_MOST).unwrap_or(u16::MAX);
    query::sagas(pool, &filter, None, at_most).await
}

/// A second person agrees.
pub fn approved(saga: SagaId, principal: &str, reason: &str) -> NewItem {
    let (by, reason) = (principal.to_owned(), reason.to_owned());
    item(saga, "operator.hand_over_approve", &Command::Approved { by, reason }, principal, None)
}

/// It is not agreed to, or stopped.
pub fn stopped(saga: SagaId, principal: &str, reason: &str) -> NewItem {
    let (by, reason) = (principal.to_owned(), reason.to_owned());
    item(saga, "operator.hand_over_stop", &Command::Stopped { by, reason }, principal, None)
}

/// Finance decides what becomes of open invoices.
pub fn decided(saga: SagaId, choice: OpenInvoicesDecision, principal: &str, reason: &str) -> NewItem {
    let (by, reason) = (principal.to_owned(), reason.to_owned());
    let command = Command::Decided { choice: choice.choice(), by, reason };
    item(saga, "operator.hand_over_decide", &command, principal, None)
}

/// Finance lets us collect instead.
pub fn redirected(saga: SagaId, principal: &str, reason: &str) -> NewItem {
    let (by, reason) = (principal.to_owned(), reason.to_owned());
    item(saga, "operator.hand_over_redirect", &Command::Redirected { by, reason }, principal, None)
}

fn item(saga: SagaId, kind: &str, command: &Command, principal: &str, key: Option<String>) -> NewItem {
    let command = serde_json::to_value(command).expect("a command of plain texts and days always serialises");
    NewItem {
        saga,
        saga_kind: HandOver::NAME.to_owned(),
        kind: kind.to_owned(),
        principal: principal.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: key,
    }
}
