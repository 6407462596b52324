//! The fixture of the notices: a customer whose trial ends in two days, which is told late and at once; after one term the
//! subscription expires. Nobody presses the page's button: that is another flow's play.

use super::Ground;
use super::staged::Staged;
use attio_billing::demo::SignUp;
use attio_billing::mail::Mailer;
use attio_billing::store::customers::{CustomerLinks, link_customer};
use attio_billing::store::items::NewItem;
use attio_billing::store::query::SagaLine;
use chrono::TimeDelta;
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use sagas::notice::{Command, Notices, Of, Sender, Terms};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const KIND: &str = Notices::NAME;

pub(crate) struct Fixture {
    staged: Staged,
    mailer: Arc<Mailer>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let staged = Staged::new().await;
        let (config, clock) = (staged.stage.config(), staged.stage.clock().clone());
        let mailer = Mailer::new(&config.mail, &config.brand, clock, Duration::from_secs(10)).unwrap();
        Self { mailer: Arc::new(mailer), staged }
    }

    async fn staff(&self, act: Value) -> Value {
        self.staged.stage.sandbox.staff(&act).await.unwrap()
    }

    /// The Zoho subscription of a new customer.
    async fn subscription(&self, name: &str) -> String {
        let stage = &self.staged.stage;
        let newcomer = stage.newcomer(&SignUp::new(name, stage.plan())).await.unwrap();
        let ours = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let customer = format!("c-{ours}");
        let email = format!("{ours}@example.org");
        self.staff(json!({"vendor": "braintree", "act": "vault_customer", "customer_id": customer,
            "customer": {"id": customer, "email": email}, "token": format!("m-{ours}"), "card": "visa"}))
            .await;
        let zoho = self
            .staff(json!({"vendor": "zoho", "act": "create_customer", "display_name": name, "email": email,
                "currency_code": "EUR"}))
            .await;
        let zoho_customer = zoho["customer_id"].as_str().unwrap().to_owned();
        let subscribed = self
            .staff(json!({"vendor": "zoho", "act": "create_subscription", "customer_id": zoho_customer,
                "plan_code": stage.plan(), "price": 4_900, "trial_days": 2, "billing_cycles": 1, "auto_collect": false,
                "reference_id": format!("{}.sub.{ours}.1", stage.prefix())}))
            .await;
        let subscription = subscribed["subscription_id"].as_str().unwrap().to_owned();
        let links = CustomerLinks {
            customer: ours.clone(),
            zoho_customer: Some(zoho_customer),
            braintree_customer: Some(customer),
            attio_company: Some(newcomer.company.clone()),
            subscription: Some(format!("sub-{ours}")),
            zoho_subscription: Some(subscription.clone()),
            attio_subscription: Some(newcomer.record),
            owner: Some(CollectionOwner::Orchestrator),
            ..CustomerLinks::default()
        };
        link_customer(stage.pool(), &links, "test").await.unwrap();
        subscription
    }
}

#[async_trait::async_trait]
impl super::Fixture for Fixture {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn ground(&self) -> &Ground {
        &self.staged.ground
    }

    fn mailer(&self) -> Option<Arc<Mailer>> {
        Some(self.mailer.clone())
    }

    async fn advance(&self, by: TimeDelta) {
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
    }

    fn roads(&self) -> &'static [&'static str] {
        &["trial"]
    }

    fn one_in(&self) -> usize {
        4
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const REFUSED: &str = "is owed where a letter is refused: scenes and tests of the flow play it";
        &[
            ("list_invoices", "needs a charge that came while nobody looked: tests of the flow play it"),
            ("ask_card", "needs a card that expires: tests of the flow play it"),
            ("tell_ending", "needs a customer at the page: a scene plays it"),
            ("show", REFUSED),
            ("task", REFUSED),
        ]
    }

    async fn start_of(&self, _: &'static str, name: &str) -> NewItem {
        let of = Of {
            organization: self.staged.stage.config().vendors.zoho.organization_id.clone(),
            installation: self.staged.installation(),
            subscription: self.subscription(name).await,
        };
        let saga = Notices::id(&of.organization, &of.subscription);
        let terms = Terms { sender: Sender::Orchestrator, card_link: Value::Null };
        let command = Command::Watch { of, terms: Box::new(terms) };
        super::item(saga, KIND, "test.watch", &command)
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], twice: &[SagaLine]) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        for line in sagas.iter().filter(|line| line.kind == KIND && !twice.iter().any(|other| other.id == line.id)) {
            let ours = format!(".notice.{}.", line.id.0.simple());
            let mails = books["mail"].as_array().unwrap().iter();
            let told = mails.filter(|mail| mail["message_id"].as_str().is_some_and(|id| id.contains(&ours))).count();
            assert!(told <= 1, "told {told} times: {line:#?}");
        }
    }
}
