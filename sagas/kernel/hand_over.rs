//! The one door by which people and flows have the collector of a subscription changed, and by which the flow that asked
//! hears what came of it. What becomes of a wish is the business of the flow `hand_over`.

use super::answer::CollectionOwner;
use super::effect::Message;
use super::ids::{Installation, SagaId};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The flow that hands over.
pub const FLOW: &str = "hand_over";

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
    /// Braintree subscription id, where Braintree collects now by one that somebody else named; absent: by one of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurring: Option<String>,
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
    /// The flow that hears what came of it; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<ReplyTo>,
}

/// The flow that asked for a hand-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    /// Its name.
    pub flow: String,
    /// Its saga.
    pub saga: SagaId,
}

/// How a hand-over ended, for who asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ended", rename_all = "snake_case")]
pub enum Ended {
    /// Somebody else collects.
    HandedOver {
        /// Who.
        owner: CollectionOwner,
        /// From the term on that begins that day (books zone); absent: all that is open.
        valid_from: Option<NaiveDate>,
    },
    /// Who collected before collects still.
    Unchanged {
        /// Why.
        why: String,
    },
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

    /// What who asked for it is told at its end, in that flow's words; none: nobody asked to be.
    pub fn answer(&self, ended: &Ended) -> Option<Message> {
        let (ReplyTo { flow, saga }, hand_over) = (self.reply_to.as_ref()?, self.saga());
        Some(Message {
            to: *saga,
            flow: flow.clone(),
            kind: "hand_over.ended".to_owned(),
            command: json!({"command": "hand_over_ended", "hand_over": hand_over, "ended": ended}),
            key: format!("{hand_over}:ended"),
        })
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
            recurring: None,
            open_invoices: None,
            cohort: None,
            reason: "one clock".to_owned(),
            by: "token:ada".to_owned(),
            approval: Approval::SecondPerson,
            reply_to: None,
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
    fn who_asked_is_told_the_end_once_and_nobody_else_is() {
        let ended = Ended::Unchanged { why: "no card".to_owned() };
        assert_eq!(wish().answer(&ended), None);
        let to = SagaId::derived("migration", &["old-1"]);
        let asked = Wish { reply_to: Some(ReplyTo { flow: "migration".to_owned(), saga: to }), ..wish() };
        let told = asked.answer(&ended).expect("it is told");
        assert_eq!((told.to, told.flow.as_str()), (to, "migration"));
        assert_eq!(asked.answer(&ended), Some(told));
    }
}
