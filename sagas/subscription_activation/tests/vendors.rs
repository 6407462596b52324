//! What the vendors and our own store answer in the small world.

use super::world::{World, eur, method, subscription};
use crate::kernel::answer::{
    Answer, CardSeen, Invoice, InvoicePayment, Recurring, RecurringStatus, Subscription, Transaction,
    TransactionStatus, ZohoCustomer,
};
use crate::kernel::effect::{
    Attio, Braintree, Desk, Effect, FirstTermKind, Mail, PayWith, RecurringOrder, SubscriptionOrder, Zoho,
};
use crate::kernel::money::Money;
use crate::kernel::outcome::Outcome;
use crate::kernel::tests::samples;
use chrono::TimeDelta;

impl World {
    pub(super) fn vendor(&mut self, effect: &Effect) -> Outcome {
        let answer = match effect {
            Effect::Desk(call) => self.desk(call),
            Effect::Attio(call) => self.attio(call),
            Effect::Mail(Mail::Send(letter)) => {
                self.letters.push((**letter).clone());
                Answer::Nothing
            }
            Effect::Braintree(call) => self.braintree(call),
            Effect::Zoho(call) => self.zoho(call),
            Effect::Crm(_) | Effect::Helpdesk(_) | Effect::Practice(_) => panic!("no call of this flow"),
        };
        Outcome::Done { answer }
    }

    fn desk(&mut self, call: &Desk) -> Answer {
        match call {
            Desk::Enrol { .. } => return Answer::Enrolled(Box::new(self.enrolment.clone())),
            Desk::Claim { claims } | Desk::TakeOver { claims, .. } => self.claims.extend(claims.iter().cloned()),
            Desk::CountCard { .. } if self.card_cap => {
                return Answer::CardCapUntil { until: self.now + TimeDelta::days(2) };
            }
            Desk::CountCard { .. } => {}
            Desk::LinkCustomer { zoho_customer, braintree_customer, .. } => {
                let links = &mut self.enrolment;
                links.zoho_customer = links.zoho_customer.take().or(zoho_customer.clone());
                links.braintree_customer = links.braintree_customer.take().or(braintree_customer.clone());
            }
            Desk::UnlinkCustomer { zoho_customer, braintree_customer, .. } => {
                self.enrolment.zoho_customer.take_if(|id| Some(&*id) == zoho_customer.as_ref());
                self.enrolment.braintree_customer.take_if(|id| Some(&*id) == braintree_customer.as_ref());
            }
            Desk::AdoptSubscription { .. } => self.owner = true,
            Desk::DisownSubscription { .. } => self.owner = false,
            Desk::Tell { message, claims } => {
                self.messages.push((**message).clone());
                for claim in claims {
                    assert!(self.claims.remove(claim), "{claim:?} is not ours to give");
                }
            }
            Desk::SurveyInvoice { .. }
            | Desk::SurveySubscription { .. }
            | Desk::SurveyEnding { .. }
            | Desk::WeighGiveBack { .. }
            | Desk::ClaimUnfenced { .. }
            | Desk::Link { .. }
            | Desk::Unlink { .. }
            | Desk::SurveyClaim { .. }
            | Desk::SurveyCustomer { .. }
            | Desk::SurveyCardUses { .. }
            | Desk::ReadSettings { .. }
            | Desk::SurveyPayout { .. }
            | Desk::CompareProfile { .. }
            | Desk::SurveyPerson { .. }
            | Desk::CountOldCharges { .. }
            | Desk::ErasePerson { .. }
            | Desk::VerifyErased { .. }
            | Desk::SetOwner { .. }
            | Desk::TellAll { .. } => {
                panic!("no call of this flow")
            }
        }
        Answer::Nothing
    }

    fn attio(&mut self, call: &Attio) -> Answer {
        match call {
            Attio::ReadRequest { .. } => Answer::Request(Box::new(self.request.clone())),
            Attio::ReadPerson { .. } => {
                Answer::PersonRead { missing: self.missing.clone(), country: Some("DE".to_owned()) }
            }
            Attio::ShowSubscription(face) => {
                assert!(self.shown.last().is_none_or(|f| f.sync_version < face.sync_version));
                self.shown.push((**face).clone());
                Answer::Projected { transaction_record: None, subscription_record: None }
            }
            Attio::AddTask(task) => {
                self.tasks.push((**task).clone());
                Answer::Nothing
            }
            Attio::FindClient { .. }
            | Attio::Project(_)
            | Attio::ShowEnding(_)
            | Attio::RefuseAct(_)
            | Attio::AskAction(_)
            | Attio::ShowCardPage(_)
            | Attio::AddNote(_)
            | Attio::MakePerson { .. }
            | Attio::ReadClient { .. }
            | Attio::FindPerson { .. }
            | Attio::ShowClient(_)
            | Attio::SetCompliance { .. }
            | Attio::ShowProfile(_)
            | Attio::WriteProfile(_)
            | Attio::NoteDisplaced(_)
            | Attio::AddRecordTask { .. }
            | Attio::SeekPerson { .. }
            | Attio::ErasePerson { .. }
            | Attio::ReadCatalog
            | Attio::ShowOffering(_)
            | Attio::AnswerCatalogAct(_)
            | Attio::ShowPlan(_)
            | Attio::AddCatalogTask(_)
            | Attio::ShowTicket(_)
            | Attio::ShowOwner(_) => panic!("no call of this flow"),
        }
    }

    fn braintree(&mut self, call: &Braintree) -> Answer {
        match call {
            Braintree::ReadCustomer { .. } => Answer::Methods { methods: self.methods.clone() },
            Braintree::FindTransactions { order_id } => {
                let hits = self.transactions.values().filter(|t| !self.unseen && t.order_id == *order_id);
                Answer::Transactions { transactions: hits.cloned().collect() }
            }
            Braintree::CreateCustomer { .. } => Answer::Nothing,
            Braintree::DeleteCustomer { .. } => {
                self.methods.clear();
                Answer::Nothing
            }
            Braintree::Authorise { order_id, customer, with, amount, .. } => {
                let token = with.token();
                if matches!(with, PayWith::New { .. }) {
                    self.methods.push(method(token));
                }
                self.approve(order_id, customer, token, *amount, TransactionStatus::Authorized)
            }
            Braintree::Sell { order_id, customer, token, amount, recurring, details: _ } => {
                assert!(!recurring, "the customer is present");
                self.approve(order_id, customer, token, *amount, TransactionStatus::SubmittedForSettlement)
            }
            Braintree::Vault { token, .. } => {
                self.methods.push(method(token));
                Answer::Vaulted(Box::new(method(token)))
            }
            Braintree::DeleteMethod { token } => {
                self.methods.retain(|m| m.token != *token);
                Answer::Nothing
            }
            Braintree::Submit { transaction, amount } => {
                let t = self.transactions.get_mut(transaction).expect("a transaction");
                t.status = TransactionStatus::SubmittedForSettlement;
                (t.held, t.amount) = (Some(t.amount), *amount);
                Answer::Transaction(Box::new(t.clone()))
            }
            Braintree::Void { transaction } => {
                if let Some(t) = self.transactions.get_mut(transaction) {
                    t.status = TransactionStatus::Voided;
                }
                Answer::Nothing
            }
            Braintree::CreateSubscription(order) => self.subscribe_at_braintree(order),
            Braintree::ReadTransaction { .. }
            | Braintree::Refund { .. }
            | Braintree::ReadMethod { .. }
            | Braintree::FindCustomers { .. }
            | Braintree::SetDefaultMethod { .. }
            | Braintree::VerifyMethod { .. }
            | Braintree::ReadProfile(_)
            | Braintree::WriteProfile(_)
            | Braintree::SeekCustomer { .. }
            | Braintree::EraseCustomer { .. }
            | Braintree::UpdateCustomer { .. }
            | Braintree::ReadSubscription { .. }
            | Braintree::UpdateSubscription { .. }
            | Braintree::CancelSubscription { .. }
            | Braintree::ReadDispute { .. }
            | Braintree::ReadPayoutList { .. }
            | Braintree::ReadPayout { .. }
            | Braintree::AcceptDispute { .. }
            | Braintree::UploadDocument { .. }
            | Braintree::AddEvidence { .. }
            | Braintree::RemoveEvidence { .. }
            | Braintree::FinalizeDispute { .. } => panic!("no call of this flow"),
        }
    }

    /// Braintree's own billing: the first charge is a part of it, unless a later day is named.
    fn subscribe_at_braintree(&mut self, order: &RecurringOrder) -> Answer {
        assert!(self.methods.iter().any(|m| m.token == order.token), "the card is not in the vault");
        assert!(self.recurring.iter().all(|known| known.subscription != order.subscription), "the id is taken");
        let first = order.first_term.as_ref().map_or(0, |term| match term.kind {
            FirstTermKind::AddOn => term.amount.minor,
            FirstTermKind::Discount => -term.amount.minor,
        });
        let mut charges = Vec::new();
        if order.first_charge_on.is_none() {
            let amount = Money::new(order.price.minor + first, order.price.currency);
            let mut t =
                self.transaction("", &order.customer, &order.token, amount, TransactionStatus::SubmittedForSettlement);
            if let Some(change) = self.odd.pop_front() {
                change(&mut t);
            }
            self.transactions.insert(t.id.clone(), t.clone());
            charges.push(t);
        }
        self.recurring.push(order.clone());
        Answer::Recurring(Box::new(Recurring {
            id: order.subscription.clone(),
            status: if charges.is_empty() { RecurringStatus::Pending } else { RecurringStatus::Active },
            plan: order.plan.clone(),
            token: order.token.clone(),
            price: order.price,
            balance: Some(eur(0)),
            current_cycle: Some(u32::from(!charges.is_empty())),
            ends_after: None,
            next_charge_on: order.first_charge_on.or_else(|| "2026-12-02".parse().ok()),
            paid_through: None,
            failures: 0,
            transactions: charges,
        }))
    }

    fn approve(
        &mut self,
        order_id: &str,
        customer: &str,
        token: &str,
        amount: Money,
        status: TransactionStatus,
    ) -> Answer {
        let mut t = self.transaction(order_id, customer, token, amount, status);
        if let Some(change) = self.odd.pop_front() {
            change(&mut t);
        }
        assert!(!self.transactions.values().any(|known| known.order_id == t.order_id), "an order id repeats");
        self.transactions.insert(t.id.clone(), t.clone());
        Answer::Transaction(Box::new(t))
    }

    pub(super) fn transaction(
        &self,
        order_id: &str,
        customer: &str,
        token: &str,
        amount: Money,
        status: TransactionStatus,
    ) -> Transaction {
        Transaction {
            status,
            customer: Some(customer.to_owned()),
            token: Some(token.to_owned()),
            card: Some(CardSeen {
                brand: "Visa".to_owned(),
                last_four: "1111".to_owned(),
                number: Some(format!("card-{token}")),
            }),
            ..samples::transaction(&format!("tx{}", self.transactions.len() + 1), order_id, amount, self.now)
        }
    }

    fn zoho(&mut self, call: &Zoho) -> Answer {
        match call {
            Zoho::ReadOffer { .. } => {
                self.offer.read_at = self.now;
                Answer::Offer(Box::new(self.offer.clone()))
            }
            Zoho::ReadCustomer { .. } | Zoho::CreateCustomer { .. } => {
                Answer::ZohoCustomer(Box::new(self.zoho_customer.clone()))
            }
            Zoho::FindRetiredCustomers { .. } => Answer::ZohoCustomers { customers: self.retired.clone() },
            Zoho::ReviveCustomer { customer } => {
                assert!(self.retired.iter().any(|c| c.id == *customer), "{customer} is not retired");
                self.retired.retain(|c| c.id != *customer);
                Answer::Nothing
            }
            Zoho::DeactivateCustomer { customer } => {
                self.retired.push(ZohoCustomer { id: customer.clone(), active: false, ..self.zoho_customer.clone() });
                Answer::Nothing
            }
            Zoho::ListSubscriptions { reference, .. } => {
                let ours = |s: &&Subscription| reference.as_ref().is_none_or(|r| s.reference == *r);
                Answer::Subscriptions { subscriptions: self.subscriptions.iter().filter(ours).cloned().collect() }
            }
            Zoho::CreateSubscription(order) => Answer::Subscription(Box::new(self.subscribe(order))),
            Zoho::UndoSubscription { subscription } => {
                let known = self.subscriptions.iter_mut().find(|s| s.id == *subscription).expect("a subscription");
                "cancelled".clone_into(&mut known.status);
                if self.invoice.as_ref().is_some_and(|i| i.subscription.as_ref() == Some(subscription)) {
                    self.invoice = None;
                }
                Answer::Nothing
            }
            Zoho::ReadFirstInvoice { .. } => {
                let invoice = self.read_invoice().map(Box::new);
                Answer::FirstInvoice { invoice }
            }
            Zoho::ReadInvoice { .. } => Answer::Invoice(Box::new(self.read_invoice().expect("an invoice"))),
            Zoho::ReadSubscription { .. }
            | Zoho::FindSubscriptionOfInvoice { .. }
            | Zoho::RecordPayment { .. }
            | Zoho::ReadCatalog
            | Zoho::FindCustomers { .. }
            | Zoho::UpdateCustomer { .. }
            | Zoho::ReadProfile(_)
            | Zoho::WriteProfile(_)
            | Zoho::SeekCustomer { .. }
            | Zoho::EraseCustomer { .. }
            | Zoho::Subscription(_)
            | Zoho::Credit(_)
            | Zoho::Payment(_)
            | Zoho::Invoice(_)
            | Zoho::Estimate(_)
            | Zoho::Page(_) => panic!("no call of this flow"),
        }
    }

    fn read_invoice(&mut self) -> Option<Invoice> {
        let now = self.now;
        self.invoice.as_mut().map(|invoice| {
            invoice.read_at = now;
            invoice.clone()
        })
    }

    pub(super) fn subscribe(&mut self, order: &SubscriptionOrder) -> Subscription {
        let id = format!("zs{}", self.subscriptions.len() + 1);
        let status = match self.subscription_status {
            "live" if order.starts_on.is_some() => "future",
            "live" if order.trial_days.is_some() => "trial",
            status => status,
        };
        let made = subscription(&id, &order.reference, status);
        self.subscriptions.push(made.clone());
        if let Some(total) = self.invoice_total.filter(|_| status == "live") {
            self.invoice = Some(self.bill(&id, total));
        }
        made
    }

    pub(super) fn bill(&self, subscription: &str, total: i64) -> Invoice {
        let n = self.subscriptions.len();
        Invoice {
            id: format!("77{n}"),
            number: format!("INV-77{n}"),
            subscription: Some(subscription.to_owned()),
            ..samples::invoice(total, self.now)
        }
    }

    /// Somebody pays the invoice elsewhere.
    pub(super) fn pay_elsewhere(&mut self) {
        let invoice = self.invoice.as_mut().expect("an invoice");
        invoice.payments.push(InvoicePayment {
            id: "zp9".to_owned(),
            reference: "portal".to_owned(),
            mode: "creditcard".to_owned(),
            amount: invoice.balance,
        });
        invoice.balance = eur(0);
        "paid".clone_into(&mut invoice.status);
    }
}
