//! What a sale still needs, as steps. All of them are every sale's; in which order a flow takes them, and under which claim,
//! it says itself.

use super::sale::{Intake, Sale};
use crate::kernel::answer::Enrolment;
use crate::kernel::effect::{Attio, Claim, ClaimKind, Desk, Effect, Zoho};
use crate::kernel::ids::SagaId;
use crate::kernel::saga::Pending;
use crate::kernel::step::{Class, StepSpec, Undo};
use chrono::{DateTime, Utc};
use serde_json::json;

/// Our own customer of the client.
pub(crate) const ENROL: StepSpec = StepSpec::new(
    "enrol",
    Class::Compensatable,
    Undo::None("our customer for a client stays, whatever becomes of this"),
);

/// The press, the product, the customer, what is sold.
pub(crate) const CLAIM: StepSpec = StepSpec::new(
    "claim",
    Class::Compensatable,
    Undo::None("the event that ends the sale lets it go in its own append"),
);

/// The customer's product, from their trial of it.
pub(crate) const TAKE_OVER: StepSpec = StepSpec::new(
    "take_over",
    Class::Compensatable,
    Undo::None("the event that ends the sale lets it go, and the trial takes it back"),
);

/// The claim on one press of an act.
fn press<T>(intake: &Intake<T>) -> Claim {
    let pressed = intake.pressed_at.to_rfc3339();
    Claim { kind: ClaimKind::AttioTrigger, key: format!("{}/{}/{pressed}", intake.record, intake.act.as_str()) }
}

impl<T> Sale<T> {
    /// A step of the round.
    fn step(&self, step: &'static str, effect: Effect) -> Pending {
        Pending::perform(step, self.rounds, effect)
    }

    /// The claim under which the customer at the vendors is made, used and undone.
    pub(crate) fn customer_claim(&self) -> Option<Claim> {
        Some(Claim { kind: ClaimKind::ZohoCustomer, key: self.customer()?.to_owned() })
    }

    fn product_claim(&self) -> Option<Claim> {
        let product = &self.facts.offer.as_ref()?.plan.product;
        Some(Claim { kind: ClaimKind::AccountPlanFamily, key: format!("{}/{product}", self.customer()?) })
    }

    /// The claim, unless it is held.
    pub(crate) fn claim(&self, claim: Claim) -> Option<Pending> {
        if self.claims.contains(&claim) {
            return None;
        }
        let claims = vec![claim];
        Some(Pending::perform("claim", self.claimed + 1, Effect::Desk(Desk::Claim { claims })))
    }

    /// The customer's product, which a trial of it gives up to who sells it. The other flow is named, not imported: what it
    /// is told is its own command in words.
    fn product(&self, saga: SagaId) -> Option<Pending> {
        let claim = self.product_claim()?;
        let want = self.claim(claim.clone())?;
        if !self.facts.product_kept {
            return Some(want);
        }
        let take_over = Desk::TakeOver {
            claims: vec![claim],
            flow: "sign_up".to_owned(),
            kind: "activation.product_taken".to_owned(),
            command: json!({ "command": "product_taken", "by": saga }),
        };
        Some(Pending::perform("take_over", self.claimed + 1, Effect::Desk(take_over)))
    }

    /// What a quote still needs, up to the customer's state at the vendors.
    pub(crate) fn preparation(&self, saga: SagaId) -> Option<Pending> {
        let intake = self.intake.as_ref()?;
        let Some(request) = &self.facts.request else {
            return Some(
                self.step("read_request", Effect::Attio(Attio::ReadRequest { record: intake.record.clone() })),
            );
        };
        let client = request.client.clone()?;
        if let Some(want) = self.enrolled() {
            return Some(want);
        }
        if self.facts.person.is_none() {
            let customer = self.customer()?.to_owned();
            return Some(self.step("read_person", Effect::Attio(Attio::ReadPerson { client, customer })));
        }
        if let Some(want) = self.claim(press(intake)) {
            return Some(want);
        }
        if self.facts.offer.is_none() {
            return self.read_offer();
        }
        // A price alone keeps nobody else from selling to the customer.
        if self.goes_on()
            && let Some(want) = self.product(saga)
        {
            return Some(want);
        }
        self.known()
    }

    /// What Zoho sells, and for how much.
    pub(crate) fn read_offer(&self) -> Option<Pending> {
        let request = self.facts.request.as_ref()?;
        let (addons, coupon) = (request.addons.clone(), request.coupon.clone());
        let offer = Zoho::ReadOffer { plan: request.plan.clone()?, addons, coupon };
        Some(self.step("read_offer", Effect::Zoho(offer)))
    }

    /// Our customer and its links, where they may have changed since they were read.
    pub(crate) fn enrolled(&self) -> Option<Pending> {
        if self.facts.enrolled {
            return None;
        }
        let client = self.facts.request.as_ref()?.client.clone()?;
        Some(self.step("enrol", Effect::Desk(Desk::Enrol { client })))
    }

    /// What Zoho knows of the customer that is linked.
    pub(crate) fn known(&self) -> Option<Pending> {
        let Enrolment { zoho_customer, .. } = self.facts.enrolment.as_ref()?;
        let customer = zoho_customer.clone().filter(|_| self.made.id.is_none())?;
        if self.facts.zoho_customer.is_none() {
            return Some(self.step("read_customer", Effect::Zoho(Zoho::ReadCustomer { customer })));
        }
        if self.facts.subscriptions.is_none() {
            return Some(self.list_subscriptions(customer));
        }
        None
    }

    /// What that customer has at Zoho.
    pub(crate) fn list_subscriptions(&self, customer: String) -> Pending {
        let list = Zoho::ListSubscriptions { customer, reference: None };
        self.step("list_subscriptions", Effect::Zoho(list))
    }

    /// The customer at Zoho, found or made, and linked with ours. One that an earlier undo retired is ours still: a second one
    /// would stand beside it for ever. `since` is when the customer agreed (UTC): none of ours is older.
    pub(crate) fn zoho_customer_step(&self, since: Option<DateTime<Utc>>) -> Option<(&'static str, Effect)> {
        let customer = self.customer()?.to_owned();
        if let Some(made) = self.zoho_customer().map(str::to_owned) {
            if self.made.id.is_none() || self.made.linked {
                return None;
            }
            let link = Desk::LinkCustomer { customer, zoho_customer: Some(made), braintree_customer: None };
            return Some(("link_zoho_customer", Effect::Desk(link)));
        }
        let Some(retired) = &self.facts.retired else {
            return Some(("find_zoho_customer", Effect::Zoho(Zoho::FindRetiredCustomers { customer })));
        };
        let currency = self.quote.as_ref()?.ceiling.currency;
        if let Some(found) = retired.iter().find(|c| c.currency == currency.code()) {
            let revive = Zoho::ReviveCustomer { customer: found.id.clone() };
            return Some(("revive_zoho_customer", Effect::Zoho(revive)));
        }
        Some(("zoho_customer", Effect::Zoho(Zoho::CreateCustomer { customer, currency, since: since? })))
    }
}
