//! The one door by which people and flows have the collector of a subscription changed, and by which the flow that mirrors
//! what the new one collects hears of it. What becomes of a wish is the business of the flow `hand_over`.

use super::answer::CollectionOwner;
use super::effect::Message;
use super::ids::{Installation, SagaId};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The flow that hands over.
pub const FLOW: &str = "hand_over";

/// Flows that mirror what somebody else collects, by the collector: who takes over is told to that flow, under the stream
/// that belongs to the subscription, with the command `taken_over`. A collector without one is mirrored by the invoices' own streams.
pub const MIRRORS: &[(CollectionOwner, &str)] = &[];

/// A hand-over as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Tells several hand-overs of one subscription apart: the same key is the same hand-over.
    pub key: String,
    /// Zoho organization id.
    pub organization: String,
    /// Prefix of our references.
    pub installation: Installation,
    /// Zoho subscription id.
    pub subscription: String,
    /// Who collects now; absent: nobody on record.
    pub from: Option<CollectionOwner>,
    /// Who shall collect.
    pub to: CollectionOwner,
    /// The new one collects no term that begins before that day (books zone); absent: from the next term on.
    pub from_period: Option<NaiveDate>,
    /// Which text of the new way the customer agreed to, where that is needed: its name or version.
    pub consent: Option<String>,
    /// What proves that nobody collects it any more, where nobody is on record: who says so, and where it is kept.
    pub proof: Option<String>,
    /// Braintree plan id, where Braintree shall collect: it gives currency and interval.
    pub braintree_plan: Option<String>,
    /// What becomes of invoices that turn out to be open in between, where finance decided beforehand; absent: it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_invoices: Option<OpenInvoices>,
    /// The cohort with which it was asked for and is answered.
    pub cohort: Option<String>,
    /// Why.
    pub reason: String,
    /// Who asks: a principal.
    pub by: String,
    /// Who has to agree.
    pub approval: Approval,
}

/// What becomes of invoices that are open when the old collector has stopped and the new one has not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenInvoices {
    /// We collect them, as the new collector; every test before a charge is made.
    Collect,
    /// They are voided.
    Void,
    /// They stay as they are, and nobody here charges them.
    Leave,
}

/// Who has to agree before anything is switched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "needs", rename_all = "snake_case")]
pub enum Approval {
    /// Another person.
    SecondPerson,
    /// Nobody: this installation asks for no second person.
    Alone,
    /// Nobody any more: a second person agreed to that of which it is a part.
    Given {
        /// Who: a principal.
        by: String,
    },
}

impl Wish {
    /// The hand-over's saga: the same subscription and key give the same id for ever.
    pub fn saga(&self) -> SagaId {
        saga(&self.organization, &self.subscription, &self.key)
    }

    /// What a flow says, with `Desk::Tell`, to have it done.
    pub fn message(&self) -> Message {
        let to = self.saga();
        Message {
            to,
            flow: FLOW.to_owned(),
            kind: "hand_over.requested".to_owned(),
            command: json!({"command": "requested", "wish": self}),
            key: format!("{to}:requested"),
        }
    }

    /// Why it cannot be begun as it is worded; none: it can.
    pub fn fault(&self) -> Option<&'static str> {
        let (proof, plan) = (self.proof.as_deref(), self.braintree_plan.as_deref());
        let collect = self.open_invoices == Some(OpenInvoices::Collect) && self.to != CollectionOwner::Orchestrator;
        let fault = fault(self.from, self.to, proof, plan);
        let fault = fault.or_else(|| collect.then_some("only we collect what is open"));
        fault.or_else(|| self.reason.trim().is_empty().then_some("say why, for the record"))
    }
}

/// Why nothing can be handed over from one to the other so; none: it can.
pub fn fault(
    from: Option<CollectionOwner>,
    to: CollectionOwner,
    proof: Option<&str>,
    braintree_plan: Option<&str>,
) -> Option<&'static str> {
    let says = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
    if from == Some(to) {
        return Some("who collects now and who shall collect are the same");
    }
    if from.is_none() && !says(proof) {
        return Some("nobody is named who collects now: say what proves that nobody does");
    }
    if to == CollectionOwner::BraintreeRecurring && !says(braintree_plan) {
        return Some("Braintree collects by a plan of its own: name it");
    }
    None
}

/// The saga of the hand-over of that key.
pub fn saga(organization: &str, subscription: &str, key: &str) -> SagaId {
    SagaId::derived(FLOW, &[organization, subscription, key])
}

/// Somebody collects a subscription from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOver {
    /// Zoho organization id.
    pub organization: String,
    /// Prefix of our references.
    pub installation: Installation,
    /// Our subscription id.
    pub subscription: String,
    /// Zoho subscription id.
    pub zoho_subscription: String,
    /// Braintree subscription id, where Braintree collects.
    pub braintree_subscription: Option<String>,
    /// Who collects.
    pub owner: CollectionOwner,
    /// From the term on that begins that day (books zone); absent: all that is open.
    pub valid_from: Option<NaiveDate>,
}

impl TakenOver {
    /// What the flow is told that mirrors what the new owner collects, of this list; none: there is no such flow.
    pub fn message(&self, mirrors: &[(CollectionOwner, &str)], by: SagaId) -> Option<Message> {
        let (_, flow) = mirrors.iter().find(|(owner, _)| *owner == self.owner)?;
        Some(Message {
            to: SagaId::derived(flow, &[&self.organization, &self.zoho_subscription]),
            flow: (*flow).to_owned(),
            kind: "hand_over.taken_over".to_owned(),
            command: json!({"command": "taken_over", "taken": self}),
            key: format!("{by}:taken_over"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> Wish {
        Wish {
            key: "k".to_owned(),
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            subscription: "zs1".to_owned(),
            from: Some(CollectionOwner::ZohoNative),
            to: CollectionOwner::Orchestrator,
            from_period: None,
            consent: None,
            proof: None,
            braintree_plan: None,
            open_invoices: None,
            cohort: None,
            reason: "one clock".to_owned(),
            by: "token:ada".to_owned(),
            approval: Approval::SecondPerson,
        }
    }

    #[test]
    fn a_wish_that_lacks_something_says_what() {
        assert_eq!(wish().fault(), None);
        let same = Wish { from: Some(CollectionOwner::Orchestrator), ..wish() };
        let unproved = Wish { from: None, proof: Some(" ".to_owned()), ..wish() };
        let planless = Wish { to: CollectionOwner::BraintreeRecurring, ..wish() };
        let unsaid = Wish { reason: " ".to_owned(), ..wish() };
        for faulty in [&same, &unproved, &planless, &unsaid] {
            assert!(faulty.fault().is_some(), "{faulty:?}");
        }
        assert_eq!(Wish { proof: Some("signed".to_owned()), ..unproved }.fault(), None);
    }

    #[test]
    fn a_mirror_is_told_of_its_own_collector_alone_and_once() {
        let taken = TakenOver {
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            subscription: "sub1".to_owned(),
            zoho_subscription: "zs1".to_owned(),
            braintree_subscription: Some("s-sub1".to_owned()),
            owner: CollectionOwner::BraintreeRecurring,
            valid_from: None,
        };
        let mirrors = [(CollectionOwner::BraintreeRecurring, "mirror")];
        let by = wish().saga();
        let told = taken.message(&mirrors, by).expect("it is mirrored");
        assert_eq!((told.flow.as_str(), told.to), ("mirror", SagaId::derived("mirror", &["60012", "zs1"])));
        assert_eq!(taken.message(&mirrors, by), Some(told));
        let ours = TakenOver { owner: CollectionOwner::Orchestrator, ..taken };
        assert_eq!(ours.message(&mirrors, by), None);
    }
}
