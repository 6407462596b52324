//! A small world for the flow: our tables, one subscription at Zoho with its invoices, a card at Braintree, one record in
//! Attio.

use crate::kernel::answer::{
    Answer, BilledInvoice, CollectionOwner, CustomerSurvey, Invoice, Request, Sold, SubscriptionSurvey,
    SubscriptionTerms, Transaction, TransactionStatus,
};
use crate::kernel::effect::{
    Attio, Braintree, Desk, Effect, Message, OnSubscription, PlanFace, PressedAct, TaskNote, TermsOrder, Zoho,
};
use crate::kernel::flow::Open;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::money::Money;
use crate::kernel::offer::{Offer, PlanOffer, Tax};
use crate::kernel::outcome::{DeclineKind, Outcome};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples::{self, decline, eur, instant};
use crate::plan_change::{Ask, Basis, Command, Consent, Of, PlanChange, Press, Preview, Terms, Wanted};
use chrono::{DateTime, Utc};

/// What the change to `max-monthly` costs on the day of every test: 28 of 31 days of 200.00, less those of 100.00.
pub(super) const DUE: i64 = 9_033;
/// And at most: a rounding for each line.
pub(super) const CEILING: i64 = 9_035;

pub(super) struct World {
    bench: Bench<PlanChange>,
    pub(super) survey: SubscriptionSurvey,
    pub(super) terms: SubscriptionTerms,
    pub(super) request: Request,
    pub(super) price: i64,
    pub(super) raised: Vec<BilledInvoice>,
    /// What a change raises, if anything.
    pub(super) raises: Option<Invoice>,
    /// What Zoho's invoice says now.
    pub(super) invoice: Option<Invoice>,
    pub(super) approves: TransactionStatus,
    /// Another saga holds what is claimed.
    pub(super) busy: bool,
    pub(super) late: Vec<Transaction>,
    pub(super) orders: Vec<TermsOrder>,
    pub(super) shown: Vec<PlanFace>,
    pub(super) tasks: Vec<TaskNote>,
    pub(super) told: Vec<Message>,
}

stands_on_its_bench!(World, PlanChange);

pub(super) fn of() -> Of {
    Of {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        subscription: "zs1".to_owned(),
    }
}

pub(super) fn terms() -> Terms {
    Terms {
        highest_tax_ppm: 270_000,
        currencies: vec!["EUR".to_owned()],
        consent_version: "1".to_owned(),
        preview_minutes: 15,
        patience_days: 7,
        declines_at_most: 3,
        hold_hours: 24,
    }
}

pub(super) fn wanted(plan: &str) -> Wanted {
    Wanted { plan: plan.to_owned(), quantity: 1, addons: Vec::new(), coupon: None }
}

fn sold(wanted: &Wanted, amount: i64) -> Sold {
    Sold {
        plan: wanted.plan.clone(),
        quantity: wanted.quantity,
        addons: Vec::new(),
        coupon: wanted.coupon.clone(),
        amount: Some(eur(amount)),
    }
}

/// The invoice of the change.
pub(super) fn bill(balance: i64, now: DateTime<Utc>) -> Invoice {
    Invoice { id: "78".to_owned(), number: "INV-78".to_owned(), ..samples::invoice(balance, now) }
}

pub(super) fn billed(id: &str, balance: i64) -> BilledInvoice {
    BilledInvoice {
        id: id.to_owned(),
        number: format!("INV-{id}"),
        status: if balance == 0 { "paid" } else { "overdue" }.to_owned(),
        total: eur(10_000),
        balance: eur(balance),
    }
}

impl World {
    /// A monthly subscription of 100.00 that runs from the first to the end of October, on the fourth.
    pub(super) fn new() -> Self {
        Self::of_key("k1")
    }

    pub(super) fn of_key(key: &str) -> Self {
        Self::with(PlanChange::id("60012", "zs1", key))
    }

    /// The stream that adopts.
    pub(super) fn adopting() -> Self {
        Self::with(PlanChange::adoption("60012", "zs1"))
    }

    fn with(id: SagaId) -> Self {
        let now = instant("2024-10-04T09:00:00Z");
        Self {
            bench: Bench::new(id, now),
            survey: SubscriptionSurvey {
                customer: None,
                subscription: Some("sub1".to_owned()),
                zoho_subscription: Some("zs1".to_owned()),
                attio_record: Some("as1".to_owned()),
                owner: Some(CollectionOwner::Orchestrator),
                owner_from: None,
                claimed_by: None,
            },
            terms: samples::terms("live"),
            request: Request { plan: Some("max-monthly".to_owned()), ..samples::request() },
            price: 20_000,
            raised: vec![billed("77", 0)],
            raises: Some(bill(DUE, now)),
            invoice: None,
            approves: TransactionStatus::Authorized,
            busy: false,
            late: Vec::new(),
            orders: Vec::new(),
            shown: Vec::new(),
            tasks: Vec::new(),
            told: Vec::new(),
        }
    }

    /// By the API.
    pub(super) fn ask(&mut self, plan: &str) {
        self.ask_for(wanted(plan), None);
    }

    pub(super) fn ask_for(&mut self, wanted: Wanted, at_end: Option<bool>) {
        let ask = Ask { key: "k1".to_owned(), wanted: Some(wanted), at_end, by: "token:shop".to_owned(), press: None };
        self.tell(Command::Requested { of: of(), ask: Box::new(ask), terms: Box::new(terms()) });
    }

    /// A CRM user presses.
    pub(super) fn press(&mut self, act: &str) {
        let act = PressedAct { act: act.to_owned(), pressed_at: self.now };
        self.request.act = Some(act.act.clone());
        self.request.pressed_at = Some(act.pressed_at);
        let press = Some(Press { record: "as1".to_owned(), act });
        let ask = Ask { key: "k1".to_owned(), wanted: None, at_end: None, by: "attio:member1".to_owned(), press };
        self.tell(Command::Requested { of: of(), ask: Box::new(ask), terms: Box::new(terms()) });
    }

    pub(super) fn preview(&self) -> &Preview {
        self.saga.business.preview.as_ref().expect("a preview")
    }

    pub(super) fn accept(&mut self) {
        let hash = self.preview().hash.clone();
        self.accept_hash(&hash, Basis::Customer);
    }

    pub(super) fn accept_hash(&mut self, hash: &str, basis: Basis) {
        let command = self.acceptance(hash, basis);
        self.tell(command);
    }

    pub(super) fn acceptance(&self, hash: &str, basis: Basis) -> Command {
        let consent = Consent { version: "1".to_owned(), at: self.now, evidence: None };
        Command::Accepted { hash: hash.to_owned(), consent, basis, by: "token:shop".to_owned() }
    }

    /// The invoice's stream has recorded it.
    pub(super) fn record(&mut self) {
        self.tell(Command::InvoiceRecorded {
            invoice: "78".to_owned(),
            number: "INV-78".to_owned(),
            payment: "zp1".to_owned(),
            next_billing_on: None,
        });
    }

    /// What the record shows now.
    pub(super) fn face(&self) -> &PlanFace {
        self.shown.last().expect("something is shown")
    }

    /// It has ended so, holds nothing, and nobody was charged.
    pub(super) fn changed_nothing(&self, state: &str) {
        assert_eq!(self.state(), state);
        assert_eq!((self.called("capture"), self.open_accounts()), (0, Vec::new()));
        assert!(self.orders.is_empty() && self.claims.is_empty(), "{:?} {:?}", self.orders, self.claims);
    }

    fn subscription(&mut self, call: &OnSubscription) -> Answer {
        match call {
            OnSubscription::ListInvoices { .. } => return Answer::BilledInvoices { invoices: self.raised.clone() },
            OnSubscription::ReadTerms { .. } => {}
            OnSubscription::Change(order) => self.change(order),
            other => panic!("no such call: {other:?}"),
        }
        Answer::Terms(Box::new(self.terms.clone()))
    }

    pub(super) fn change(&mut self, order: &TermsOrder) {
        self.orders.push(order.clone());
        let addons = order.addons.iter().map(|addon| addon.code.clone()).collect();
        let wanted =
            Wanted { plan: order.plan.clone(), quantity: order.quantity, addons, coupon: order.coupon.clone() };
        let sold = sold(&wanted, self.price);
        self.terms.changed_at = Some("t2".to_owned());
        self.terms.scheduled = order.at_end.then(|| sold.clone());
        if !order.at_end {
            self.terms.sold = sold;
            if let Some(invoice) = self.raises.take() {
                self.terms.newest_invoice = Some(invoice.id.clone());
                self.invoice = Some(invoice);
            }
        }
    }

    fn braintree(&mut self, call: &Braintree) -> Answer {
        match call {
            Braintree::ReadCustomer { .. } => Answer::Methods { methods: vec![samples::method("m1")] },
            Braintree::Authorise { order_id, amount, .. } => {
                self.sale(&format!("h-{order_id}"), order_id, *amount, self.approves.clone())
            }
            Braintree::Submit { transaction, amount } => {
                self.sale(transaction, "o", *amount, TransactionStatus::SubmittedForSettlement)
            }
            Braintree::Sell { order_id, amount, .. } => {
                self.sale(&format!("s-{order_id}"), order_id, *amount, TransactionStatus::SubmittedForSettlement)
            }
            Braintree::Void { .. } => Answer::Nothing,
            Braintree::FindTransactions { .. } => Answer::Transactions { transactions: self.late.clone() },
            other => panic!("no such call: {other:?}"),
        }
    }

    fn sale(&self, id: &str, order_id: &str, amount: Money, status: TransactionStatus) -> Answer {
        let sale = samples::transaction(id, order_id, amount, self.now);
        Answer::Transaction(Box::new(Transaction { status, ..sale }))
    }

    fn offer(&self, plan: &str) -> Offer {
        let usual = samples::offer(self.now);
        let (code, name) = (plan.to_owned(), plan.to_owned());
        let (price, tax) = (eur(self.price), Tax::Rate { ppm: 0 });
        Offer { plan: PlanOffer { code, name, price, tax, ..usual.plan }, ..usual }
    }

    fn desk(&mut self, call: &Desk) -> Outcome {
        let answer = match call {
            Desk::SurveySubscription { .. } => Answer::SubscriptionSurvey(Box::new(self.survey.clone())),
            Desk::SurveyCustomer { .. } => Answer::CustomerSurvey(Box::new(CustomerSurvey {
                customer: Some("cust1".to_owned()),
                braintree_customer: Some("c-cust1".to_owned()),
                attio_client: Some(samples::company()),
            })),
            Desk::Claim { .. } if self.busy => {
                return Outcome::Declined { decline: decline(DeclineKind::Busy, "claimed") };
            }
            Desk::Claim { claims } => {
                self.claims.extend(claims.iter().cloned());
                Answer::Nothing
            }
            Desk::CountCard { .. } => Answer::Nothing,
            Desk::Tell { message, claims } => {
                for claim in claims {
                    self.claims.remove(claim);
                }
                self.told.push((**message).clone());
                Answer::Nothing
            }
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }
}

impl Played for World {
    type Flow = PlanChange;

    fn answer(&mut self, open: &Open) -> Outcome {
        let answer = match &open.effect {
            Effect::Desk(call) => return self.desk(call),
            Effect::Zoho(Zoho::Subscription(call)) => self.subscription(call),
            Effect::Zoho(Zoho::ReadOffer { plan, .. }) => Answer::Offer(Box::new(self.offer(plan))),
            Effect::Zoho(Zoho::ReadInvoice { .. }) => {
                let read = self.invoice.clone().expect("an invoice");
                Answer::Invoice(Box::new(Invoice { read_at: self.now, ..read }))
            }
            Effect::Braintree(call) => self.braintree(call),
            Effect::Attio(Attio::ReadRequest { .. }) => Answer::Request(Box::new(self.request.clone())),
            Effect::Attio(Attio::ShowPlan(face)) => {
                self.shown.push((**face).clone());
                Answer::Nothing
            }
            Effect::Attio(Attio::AddTask(task)) => {
                self.tasks.push((**task).clone());
                Answer::Nothing
            }
            Effect::Mail(_) => Answer::Nothing,
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn must_hold(&self) {
        let ended = self.saga.flow.ended.is_some();
        assert!(!ended || self.claims.is_empty(), "what has ended holds {:?}", self.claims);
        assert!(!ended || self.balance(9100) == 0, "what has ended holds an authorisation");
    }

    fn must_agree(&self) {
        // Whoever waits for people holds nobody else up.
        let waits = matches!(self.state().as_str(), "Previewed" | "Scheduled" | "OverCeiling");
        assert!(!waits || self.claims.is_empty(), "{} holds {:?}", self.state(), self.claims);
    }
}
