//! Calls on our own store: claims, card counters, links, messages between sagas, and what our tables say about an
//! invoice.

use super::drive::not_sent;
use super::enrol;
use super::profiles;
use super::run::Settings;
use crate::config::AutoRefunds;
use crate::port::{Call, ErasureList, Report};
use crate::store::card_uses::{Uses, survey_card_uses};
use crate::store::cards::{self, Cap, Charge, Counted};
use crate::store::claims::{self, Reserved};
use crate::store::erasing::{self, Erased};
use crate::store::items::{NewItem, hand_over, take_over};
use crate::store::query::{self, SagaFilter, under_way};
use crate::store::survey::{survey_customer, survey_ending, survey_invoice, survey_subscription};
use crate::store::{Store, StoreError, payouts, saga_store, settings};
use sagas::kernel::answer::{Answer, ClaimHolder, EndingSurvey, ErasedHere, ErasureProof, InFlight};
use sagas::kernel::cards::network_caps;
use sagas::kernel::effect::{Claim, Desk, Message};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Decline, DeclineKind, NotSent, Outcome};
use serde_json::Value;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// Sagas that are looked up at once where all of a flow are told something.
const TOLD_AT_ONCE: u16 = 500;
/// Sagas that name another one's id are few.
const SAGAS_AT_MOST: u16 = 50;

/// Performs desk calls.
pub(super) struct DeskPerformer {
    pool: PgPool,
    shards: u16,
    /// Something was stored for another saga.
    came: Arc<Notify>,
    auto_refunds: AutoRefunds,
    /// What is set for flows, by their names.
    settings: BTreeMap<String, Value>,
    /// Who was erased.
    list: Option<Arc<dyn ErasureList>>,
}

impl DeskPerformer {
    pub(super) fn new(store: &Store, came: Arc<Notify>, settings: &Settings) -> Self {
        Self {
            pool: store.pool.clone(),
            shards: store.node.shard_count(),
            came,
            auto_refunds: settings.auto_refunds.clone(),
            settings: settings.flows.clone(),
            list: settings.erasures.clone(),
        }
    }

    pub(super) async fn perform(&self, call: &Call, desk: &Desk) -> Report {
        let pool = &self.pool;
        let answered = match desk {
            Desk::SurveyInvoice { invoice, customer, subscription } => {
                let survey = survey_invoice(pool, invoice, customer, subscription.as_deref(), call.saga).await;
                survey.map(|survey| Answer::Survey(Box::new(survey))).map_err(|e| store(&e))
            }
            Desk::SurveySubscription { by } => survey_subscription(pool, by, call.saga)
                .await
                .map(|survey| Answer::SubscriptionSurvey(Box::new(survey)))
                .map_err(|e| store(&e)),
            Desk::SurveyCustomer { zoho_customer } => survey_customer(pool, zoho_customer)
                .await
                .map(|survey| Answer::CustomerSurvey(Box::new(survey)))
                .map_err(|e| store(&e)),
            Desk::SurveyCardUses { customer, flow, owing, charging, subscriptions } => {
                let uses = Uses { customer, flow, owing, charging, subscriptions };
                let surveyed = survey_card_uses(pool, uses, call.saga).await;
                surveyed.map(|uses| Answer::CardUses(Box::new(uses))).map_err(|e| store(&e))
            }
            Desk::Claim { claims } => match claims::reserve(pool, call.saga, &call.step, claims).await {
                Ok(Reserved::Held) => Ok(Answer::Nothing),
                Ok(Reserved::Taken(by)) => Err(Outcome::Declined { decline: busy(&by) }),
                Err(e) => Err(store(&e)),
            },
            Desk::ClaimUnfenced { claims, fences } => {
                match claims::reserve_unfenced(pool, call.saga, &call.step, claims, fences).await {
                    Ok(Reserved::Held) => Ok(Answer::Nothing),
                    Ok(Reserved::Taken(by)) => Err(Outcome::Declined { decline: busy(&by) }),
                    Err(e) => Err(store(&e)),
                }
            }
            Desk::WeighGiveBack { amount } => Ok(Answer::Weighed { alone: self.auto_refunds.allow(*amount) }),
            Desk::SurveyEnding { subscription, zoho_subscription, invoices } => {
                let survey = survey_ending(pool, subscription, zoho_subscription, invoices, call.saga).await;
                match survey {
                    Ok(survey) => self.named(survey).await,
                    Err(e) => Err(e),
                }
                .map(|survey| Answer::EndingSurvey(Box::new(survey)))
                .map_err(|e| store(&e))
            }
            Desk::CountCard { card, brand, order_id } => {
                let charge = Charge { card, brand, order_id, saga: call.saga };
                let caps: Vec<Cap> =
                    network_caps(brand).iter().map(|c| Cap { window: c.window, most: c.charges }).collect();
                match cards::count(pool, charge, &caps, call.now).await {
                    Ok(Counted::Reserved) => Ok(Answer::Nothing),
                    Ok(Counted::FullUntil(until)) => Ok(Answer::CardCapUntil { until }),
                    Err(e) => Err(store(&e)),
                }
            }
            Desk::Enrol { client } => enrol::enrol(pool, client).await,
            Desk::LinkCustomer { customer, zoho_customer, braintree_customer } => {
                enrol::link_customer(pool, customer, zoho_customer.as_deref(), braintree_customer.as_deref()).await
            }
            Desk::Link { links } => enrol::link(pool, links).await,
            Desk::Unlink { links } => enrol::unlink(pool, links).await,
            Desk::SurveyClaim { claim } => match self.holder(claim).await {
                Ok(holder) => Ok(Answer::ClaimHeldBy { holder }),
                Err(e) => Err(store(&e)),
            },
            Desk::TakeOver { claims, flow, kind, command } => {
                match self.take_over(call, claims, flow, kind, command).await {
                    Ok(Reserved::Held) => Ok(Answer::Nothing),
                    Ok(Reserved::Taken(by)) => Err(Outcome::Declined { decline: busy(&by) }),
                    Err(e) => Err(store(&e)),
                }
            }
            Desk::UnlinkCustomer { customer, zoho_customer, braintree_customer } => {
                enrol::unlink_customer(pool, customer, zoho_customer.as_deref(), braintree_customer.as_deref()).await
            }
            Desk::AdoptSubscription { subscription, zoho_subscription, attio_record, owner } => {
                enrol::adopt(pool, subscription, zoho_subscription, attio_record, *owner).await
            }
            Desk::DisownSubscription { subscription, zoho_subscription, attio_record } => {
                enrol::disown(pool, subscription, zoho_subscription, attio_record).await
            }
            Desk::CountOldCharges { card, brand, order_ids } => {
                self.count_old(call, card, brand, order_ids).await.map_err(|e| store(&e))
            }
            Desk::SetOwner { subscription, from, owner, valid_from } => {
                enrol::set_owner(pool, subscription, *from, *owner, *valid_from).await
            }
            Desk::SurveyPayout { transactions, currency } => payouts::positions(pool, transactions, *currency)
                .await
                .map(|positions| Answer::Positions { positions })
                .map_err(|e| store(&e)),
            Desk::ReadSettings { of } => {
                Ok(Answer::Settings { settings: self.settings.get(of).cloned().unwrap_or_default() })
            }
            Desk::CompareProfile { customer } => profiles::compare(pool, customer).await,
            Desk::SurveyPerson { customer } => {
                let survey = erasing::survey(pool, customer, call.saga).await;
                survey.map(|survey| Answer::PersonSurvey(Box::new(survey))).map_err(|e| store(&e))
            }
            Desk::ErasePerson { customer, by } => self.erase(call, customer, by).await,
            Desk::VerifyErased { customer } => self.verify_erased(customer).await,
            Desk::Tell { message, claims } => self.tell(call, message, claims).await,
            Desk::TellAll { flow, kind, command, key } => self.tell_all(call, flow, kind, command, key).await,
        };
        answered.map_or_else(|outcome| outcome, |answer| Outcome::Done { answer }).into()
    }

    /// The list outside first, so that no crash between the two forgets it; listed twice is listed. Where a flow of the person
    /// is under way nothing is listed and nothing goes.
    async fn erase(&self, call: &Call, customer: &str, by: &str) -> Result<Answer, Outcome> {
        let under_way = erasing::survey(&self.pool, customer, call.saga).await.map_err(|e| store(&e))?.in_flight;
        if !under_way.is_empty() {
            return Err(Outcome::Declined { decline: in_flight(&under_way) });
        }
        let listed_as = match &self.list {
            Some(list) => {
                let listed = list.add(customer, by, call.now).await;
                listed.map_err(|why| not_sent(NotSent::Outage, why))?
            }
            None => None,
        };
        match erasing::erase(&self.pool, customer, Some(call.saga)).await.map_err(|e| store(&e))? {
            Erased::Done(erased) => Ok(Answer::ErasedHere(Box::new(ErasedHere { erased, listed_as }))),
            Erased::Busy(under_way) => Err(Outcome::Declined { decline: in_flight(&under_way) }),
        }
    }

    async fn verify_erased(&self, customer: &str) -> Result<Answer, Outcome> {
        let left = erasing::left(&self.pool, customer).await.map_err(|e| store(&e))?;
        let flows = erasing::verify_flows(&self.pool, customer, self.shards).await;
        let (events, broken) = flows.map_err(|e| store(&e))?;
        Ok(Answer::ErasureProof(Box::new(ErasureProof { left, events, broken })))
    }

    /// One transaction: who is told holds the claims from then on.
    async fn tell(&self, call: &Call, message: &Message, claims: &[Claim]) -> Result<Answer, Outcome> {
        let item = NewItem::told(call.saga, message);
        let told = hand_over(&self.pool, self.shards, &item, call.saga, claims).await.map_err(|e| store(&e))?;
        if told {
            self.came.notify_one();
        }
        Ok(Answer::Nothing)
    }

    /// What was charged was charged: no cap is asked.
    async fn count_old(
        &self,
        call: &Call,
        card: &str,
        brand: &str,
        order_ids: &[String],
    ) -> Result<Answer, StoreError> {
        for order_id in order_ids {
            let charge = Charge { card, brand, order_id, saga: call.saga };
            cards::count(&self.pool, charge, &[], call.now).await?;
        }
        Ok(Answer::Nothing)
    }

    /// The same survey, with the flow of who keeps the product.
    async fn named(&self, mut survey: EndingSurvey) -> Result<EndingSurvey, StoreError> {
        if let Some(product) = &mut survey.product {
            product.flow = saga_store::kind(&self.pool, product.saga.shard(self.shards), product.saga).await?;
        }
        Ok(survey)
    }

    /// Who holds a claim, and how that saga ended, if it has.
    async fn holder(&self, claim: &Claim) -> Result<Option<ClaimHolder>, StoreError> {
        let Some(saga) = claims::holder(&self.pool, claim).await? else { return Ok(None) };
        let filter = SagaFilter { reference: Some(saga.to_string()), ..SagaFilter::default() };
        let lines = query::sagas(&self.pool, &filter, None, SAGAS_AT_MOST).await?;
        let collected_by = settings::collection_owner(&self.pool, &saga.subscription()).await?;
        Ok(lines.into_iter().find(|line| line.id == saga).map(|line| ClaimHolder {
            saga,
            flow: line.kind,
            ended: line.ended.and_then(|word| serde_json::from_value(Value::String(word)).ok()),
            collected_by,
        }))
    }

    /// What sagas of that flow hold is this one's, and each is told so in the same transaction; then all are reserved, which
    /// says whether anybody else holds one.
    async fn take_over(
        &self,
        call: &Call,
        claims: &[Claim],
        flow: &str,
        kind: &str,
        command: &Value,
    ) -> Result<Reserved, StoreError> {
        for claim in claims {
            let holder = self.holder(claim).await?.filter(|holder| holder.flow == flow && holder.ended.is_none());
            let Some(holder) = holder else { continue };
            let message = Message {
                to: holder.saga,
                flow: flow.to_owned(),
                kind: kind.to_owned(),
                command: command.clone(),
                key: format!("{kind}:{}:{}:{}", call.saga, claim.key, holder.saga),
            };
            let item = NewItem::told(call.saga, &message);
            if take_over(&self.pool, self.shards, &item, call.saga, std::slice::from_ref(claim)).await? {
                self.came.notify_one();
            }
        }
        claims::reserve(&self.pool, call.saga, &call.step, claims).await
    }

    /// An item each, under the news' key and the saga's id: asked again, it is told to those who have not heard it.
    async fn tell_all(
        &self,
        call: &Call,
        flow: &str,
        kind: &str,
        command: &Value,
        key: &str,
    ) -> Result<Answer, Outcome> {
        let mut after = None;
        loop {
            let page = under_way(&self.pool, flow, after, TOLD_AT_ONCE).await.map_err(|e| store(&e))?;
            for saga in &page {
                let message = Message {
                    to: *saga,
                    flow: flow.to_owned(),
                    kind: kind.to_owned(),
                    command: command.clone(),
                    key: format!("{key}:{saga}"),
                };
                self.tell(call, &message, &[]).await?;
            }
            after = page.last().copied();
            if page.len() < usize::from(TOLD_AT_ONCE) {
                return Ok(Answer::Nothing);
            }
        }
    }
}

fn store(error: &StoreError) -> Outcome {
    not_sent(NotSent::Again, format!("our own store: {error}"))
}

fn busy(holders: &[(Claim, SagaId)]) -> Decline {
    let held = holders.iter().map(|(claim, saga)| format!("{} {} by saga {saga}", claims::word(claim.kind), claim.key));
    declined("claimed", held)
}

fn in_flight(flows: &[InFlight]) -> Decline {
    declined("in_flight", flows.iter().map(|flow| format!("{} {}, {}", flow.flow, flow.saga, flow.state)))
}

fn declined(code: &str, because: impl Iterator<Item = String>) -> Decline {
    Decline {
        kind: DeclineKind::Busy,
        code: code.to_owned(),
        text: because.collect::<Vec<_>>().join(", "),
        response_type: None,
        advice_code: None,
        advice_text: None,
        network_code: None,
        network_text: None,
        transaction: None,
        brand: None,
    }
}
