//! The Zoho connector against the simulated Zoho, over real HTTP: what one says, the other understands.

use crate::crm_caller::DEPARTMENT;
use crate::zoho_caller::{Zoho as Sandbox, text};
use attio_billing::clock::{Clock as _, MovableClock, RealClock};
use attio_billing::connectors::http::Http;
use attio_billing::connectors::zoho::{Config, DeskConfig, Zoho};
use attio_billing::port::{Beside, Call, InMemory, Person, TokenStore};
use chrono::TimeDelta;
use iso_currency::Currency;
use sagas::kernel::answer::{Answer, Invoice, Subscription, ZohoCustomer};
use sagas::kernel::effect::{self, AddonOrder, Effect, SubscriptionOrder};
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::Money;
use sagas::kernel::offer::{Discount, Tax};
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use sandbox::faults::{Fault, Kind, Vendor};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const OURS: &str = "cus_0192f6a1c3d84e7fb1d0c7a8e9f01234";
pub(crate) const REFERENCE: &str = "demo1.sub.0192f6a1c3d84e7fb1d0c7a8e9f01234.1";
pub(crate) const ABSENT: Look = Look::Absent { watermark: false, key_proven: false };

/// A sandbox with a plan of 50.00 and a setup fee of 10.00 a month, an add-on of 5.00 and a coupon of 10 %, all with a
/// tax of 19 %; and a connector to it.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) zoho: Zoho,
    /// Zoho's id of the tax.
    pub(crate) tax: String,
    config: Config,
    clock: Arc<MovableClock>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let sandbox = Sandbox::start().await;
        let refresh_token = sandbox.world.credentials.zoho.refresh_token.clone();
        Self::with(sandbox, refresh_token)
    }

    /// Over that sandbox, with what this refresh token allows.
    pub(crate) fn with(sandbox: Sandbox, refresh_token: String) -> Self {
        let tax = text(&sandbox.staff(&json!({ "act": "add_tax", "name": "VAT", "percentage": "19" })), "tax_id");
        let plan = json!({ "act": "add_plan", "plan_code": "plus", "name": "Plus", "price": 5000, "setup_fee": 1000,
            "tax_id": tax });
        sandbox.staff(&plan);
        sandbox.staff(&json!({ "act": "add_addon", "addon_code": "seat", "price": 500, "of_plan": "plus",
            "tax_id": tax }));
        sandbox.staff(&json!({ "act": "add_coupon", "coupon_code": "WELCOME", "percentage": "10", "of_plan": "plus" }));
        let own = &sandbox.world.credentials.zoho;
        let config = Config {
            accounts_url: sandbox.base.parse().unwrap(),
            api_url: sandbox.base.parse().unwrap(),
            organization_id: own.organization_id.clone(),
            client_id: own.client_id.clone(),
            client_secret: own.client_secret.clone().into(),
            refresh_token: refresh_token.into(),
            currency: Currency::USD,
            tax_rates: BTreeMap::from([(tax.clone(), 190_000)]),
            desk: Some(DeskConfig {
                url: sandbox.base.parse().unwrap(),
                organization_id: own.desk_organization_id.clone(),
                department_id: DEPARTMENT.to_owned(),
            }),
        };
        let clock = Arc::new(MovableClock::default());
        let zoho = connector(&config, &clock, Arc::new(InMemory::default()));
        Self { sandbox, zoho, tax, config, clock }
    }

    /// Another connector of the same credential, whose token is kept there.
    pub(crate) fn node(&self, tokens: Arc<dyn TokenStore>) -> Zoho {
        connector(&self.config, &self.clock, tokens)
    }

    /// Time passes on both sides.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.sandbox.advance(by);
        self.clock.set_offset(self.clock.now() - RealClock.now() + by);
    }

    pub(crate) async fn perform(&self, effect: &effect::Zoho) -> Outcome {
        self.zoho.perform(&call(effect), effect).await.outcome
    }

    pub(crate) async fn done(&self, effect: &effect::Zoho) -> Answer {
        match self.perform(effect).await {
            Outcome::Done { answer } => answer,
            other => panic!("{effect:?}: {other:?}"),
        }
    }

    pub(crate) async fn look(&self, effect: &effect::Zoho) -> Look {
        self.zoho.look(&call(effect), effect).await
    }

    /// What a look found, and no extras.
    pub(crate) async fn found(&self, effect: &effect::Zoho) -> Answer {
        match self.look(effect).await {
            Look::Found { outcome, extra } if extra.is_empty() => match *outcome {
                Outcome::Done { answer } => answer,
                other => panic!("{effect:?}: {other:?}"),
            },
            other => panic!("{effect:?}: {other:?}"),
        }
    }

    pub(crate) async fn customer(&self) -> ZohoCustomer {
        match self.done(&create_customer()).await {
            Answer::ZohoCustomer(customer) => *customer,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn subscription(&self, customer: &str) -> Subscription {
        match self.done(&create_subscription(customer)).await {
            Answer::Subscription(subscription) => *subscription,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn first_invoice(&self, subscription: &str) -> Invoice {
        let effect = effect::Zoho::ReadFirstInvoice { subscription: subscription.to_owned() };
        match self.done(&effect).await {
            Answer::FirstInvoice { invoice: Some(invoice) } => *invoice,
            other => panic!("{other:?}"),
        }
    }

    /// The next call of that operation is done, and its answer is lost.
    pub(crate) fn lose(&self, operation: &str) {
        self.sandbox.world.faults.order(Fault {
            vendor: Vendor::Zoho,
            operation: operation.to_owned(),
            kind: Kind::ResetAfter,
            skip: 0,
            times: Some(1),
            contains: None,
        });
    }
}

fn connector(config: &Config, clock: &Arc<MovableClock>, tokens: Arc<dyn TokenStore>) -> Zoho {
    Zoho::new(config, Http::new().unwrap(), clock.clone(), tokens).unwrap()
}

pub(crate) fn call(effect: &effect::Zoho) -> Call {
    let person = Person {
        first_name: "Ada".to_owned(),
        last_name: "Lovelace".to_owned(),
        email: "ada@example.org".to_owned(),
        city: Some("London".to_owned()),
        country: Some("GB".to_owned()),
        ..Person::default()
    };
    let now = RealClock.now();
    Call {
        saga: SagaId::of_invoice("1", "1"),
        step: "step".to_owned(),
        attempt: 1,
        effect: Effect::Zoho(effect.clone()),
        requested_at: now,
        sent_at: None,
        now,
        time_limit: Duration::from_secs(10),
        beside: Beside { person: Some(person), ..Beside::default() },
    }
}

pub(crate) fn create_customer() -> effect::Zoho {
    effect::Zoho::CreateCustomer { customer: OURS.to_owned(), currency: Currency::USD, since: RealClock.now() }
}

pub(crate) fn create_subscription(customer: &str) -> effect::Zoho {
    effect::Zoho::CreateSubscription(Box::new(SubscriptionOrder {
        customer: customer.to_owned(),
        reference: REFERENCE.to_owned(),
        plan: "plus".to_owned(),
        quantity: 2,
        addons: vec![AddonOrder { code: "seat".to_owned(), quantity: 3 }],
        coupon: Some("WELCOME".to_owned()),
        starts_on: None,
        trial_days: None,
    }))
}

fn undo(subscription: &str) -> effect::Zoho {
    effect::Zoho::UndoSubscription { subscription: subscription.to_owned() }
}

pub(crate) const fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

#[tokio::test]
async fn an_offer_says_what_the_catalog_holds() {
    let world = World::start().await;
    let offer = |plan: &str| effect::Zoho::ReadOffer {
        plan: plan.to_owned(),
        addons: vec!["seat".to_owned()],
        coupon: Some("WELCOME".to_owned()),
    };
    let answer = world.done(&offer("plus")).await;
    let Answer::Offer(read) = answer else { panic!("{answer:?}") };
    assert_eq!(
        (read.plan.price, read.plan.setup_fee, read.plan.tax),
        (usd(5000), usd(1000), Tax::Rate { ppm: 190_000 })
    );
    let seat = &read.addons[0];
    assert!(seat.active && seat.fits_plan && seat.recurring);
    assert_eq!((seat.brackets.len(), seat.brackets[0].price), (1, usd(500)));
    let coupon = read.coupon.expect("a coupon");
    assert!(coupon.active && coupon.fits_plan && coupon.on_addons);
    assert_eq!((coupon.invoices, coupon.discount), (Some(1), Discount::Share { ppm: 100_000 }));
    let Outcome::Rejected { rejection } = world.perform(&offer("nothing")).await else { panic!("no rejection") };
    assert_eq!((rejection.kind, rejection.code.as_str()), (RejectionKind::NotFound, "unknown_plan"));
}

#[tokio::test]
async fn what_is_made_is_read_listed_and_found_again() {
    let world = World::start().await;
    assert_eq!(world.look(&create_customer()).await, ABSENT);
    let customer = world.customer().await;
    assert_eq!(customer.our_customer.as_deref(), Some(OURS));
    let same = Answer::ZohoCustomer(Box::new(customer.clone()));
    assert_eq!(world.found(&create_customer()).await, same);
    assert_eq!(world.done(&effect::Zoho::ReadCustomer { customer: customer.id.clone() }).await, same);

    assert_eq!(world.look(&create_subscription(&customer.id)).await, ABSENT);
    let subscription = world.subscription(&customer.id).await;
    assert_eq!((subscription.status.as_str(), subscription.plan.as_deref()), ("live", Some("plus")));
    assert!(!subscription.auto_collect && subscription.product.is_some() && subscription.next_billing_on.is_some());
    let same = Answer::Subscription(Box::new(subscription.clone()));
    assert_eq!(world.found(&create_subscription(&customer.id)).await, same);
    let list = effect::Zoho::ListSubscriptions { customer: customer.id.clone(), reference: None };
    assert_eq!(world.done(&list).await, Answer::Subscriptions { subscriptions: vec![subscription.clone()] });
    let other = effect::Zoho::ListSubscriptions { customer: customer.id, reference: Some("demo1.sub".to_owned()) };
    assert_eq!(world.done(&other).await, Answer::Subscriptions { subscriptions: Vec::new() });

    let invoice = world.first_invoice(&subscription.id).await;
    // 2 × 50.00 and 3 × 5.00 less 10 %, and 10.00 for the setup, with 19 %.
    assert_eq!((invoice.total, invoice.balance), (usd(13_507), usd(13_507)));
    assert_eq!(invoice.subscription, Some(subscription.id));
}

#[tokio::test]
async fn a_making_whose_answer_was_lost_is_found_and_not_repeated() {
    let world = World::start().await;
    world.lose("customer.create");
    let create = create_customer();
    assert_eq!(world.perform(&create).await.word(), "unknown");
    let answer = world.found(&create).await;
    let Answer::ZohoCustomer(customer) = answer else { panic!("{answer:?}") };
    world.lose("subscription.create");
    let create = create_subscription(&customer.id);
    assert_eq!(world.perform(&create).await.word(), "unknown");
    let answer = world.found(&create).await;
    assert!(matches!(answer, Answer::Subscription(of) if of.customer == customer.id));
}

#[tokio::test]
async fn a_subscription_is_taken_back_with_its_invoice_and_its_customer_retired() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    let subscription = world.subscription(&customer).await.id;
    let retire = effect::Zoho::DeactivateCustomer { customer: customer.clone() };
    let Outcome::Rejected { rejection } = world.perform(&retire).await else { panic!("in use") };
    assert_eq!(rejection.kind, RejectionKind::State);
    assert_eq!(world.look(&retire).await, ABSENT);

    world.lose("subscription.cancel");
    assert_eq!(world.look(&undo(&subscription)).await, ABSENT);
    assert_eq!(world.perform(&undo(&subscription)).await.word(), "unknown");
    assert_eq!(world.found(&undo(&subscription)).await, Answer::Nothing);
    assert_eq!(world.done(&undo(&subscription)).await, Answer::Nothing, "once more changes nothing");
    assert_eq!(world.first_invoice(&subscription).await.status, "void");

    assert_eq!(world.done(&retire).await, Answer::Nothing);
    assert_eq!(world.done(&retire).await, Answer::Nothing, "once more changes nothing");
    assert_eq!(world.found(&retire).await, Answer::Nothing);

    let find = effect::Zoho::FindRetiredCustomers { customer: OURS.to_owned() };
    let Answer::ZohoCustomers { customers } = world.done(&find).await else { panic!("customers") };
    assert_eq!(customers.iter().map(|c| (c.id.as_str(), c.active)).collect::<Vec<_>>(), [(customer.as_str(), false)]);
    let revive = effect::Zoho::ReviveCustomer { customer: customer.clone() };
    assert_eq!(world.look(&revive).await, ABSENT);
    world.lose("customer.markasactive");
    assert_eq!(world.perform(&revive).await.word(), "unknown");
    assert_eq!(world.found(&revive).await, Answer::Nothing);
    assert_eq!(world.done(&find).await, Answer::ZohoCustomers { customers: Vec::new() });
}

#[tokio::test]
async fn a_subscription_that_was_paid_is_not_taken_back() {
    let world = World::start().await;
    let customer = world.customer().await.id;
    let subscription = world.subscription(&customer).await.id;
    let invoice = world.first_invoice(&subscription).await;
    world.sandbox.pay(&customer, &invoice.id, "1.00", "8xk2f9qa").await;
    let Outcome::Rejected { rejection } = world.perform(&undo(&subscription)).await else { panic!("it was paid") };
    assert_eq!((rejection.kind, rejection.code.as_str()), (RejectionKind::State, "paid_invoice"));
    let read = effect::Zoho::ReadSubscription { subscription };
    let answer = world.done(&read).await;
    assert!(matches!(answer, Answer::Subscription(of) if of.status == "live"), "nothing was touched");
}
