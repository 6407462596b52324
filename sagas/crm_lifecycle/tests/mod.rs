//! A customer's records on their bench: a small CRM with contacts, deals and tags, people who edit them, and flows that tell.

mod s2_23_edges;
mod s2_23_path;

use super::{Command, CrmLifecycle, Rules};
use crate::kernel::answer::{Answer, CrmRecord};
use crate::kernel::effect::{Attio, Crm, CrmModule, DealOrder, Desk, Effect, OnSubscription, TaskNote, Zoho};
use crate::kernel::flow::Open;
use crate::kernel::lifecycle::{News, Sale, Told};
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples::{self, day, eur, instant, rejected};
use chrono::TimeDelta;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

struct World {
    bench: Bench<CrmLifecycle>,
    rules: Rules,
    /// By our ids: all tags on it.
    contacts: BTreeMap<String, BTreeSet<String>>,
    accounts: BTreeSet<String>,
    deals: BTreeMap<String, DealOrder>,
    /// What Zoho Billing calls the subscription of a trial.
    trial: &'static str,
    tasks: Vec<TaskNote>,
    /// Deals as they were written, in order.
    written: Vec<DealOrder>,
}

stands_on_its_bench!(World, CrmLifecycle);

fn sale(plan: &str, amount: i64) -> Sale {
    Sale { plan: plan.to_owned(), name: plan.to_uppercase(), amount: eur(amount) }
}

fn active(plan: &str, amount: i64) -> News {
    News::Active { sale: sale(plan, amount), on: day("2026-11-02") }
}

fn done(answer: Answer) -> Outcome {
    Outcome::Done { answer }
}

fn set(tags: &[&str]) -> BTreeSet<String> {
    tags.iter().map(|&tag| tag.to_owned()).collect()
}

impl World {
    fn new() -> Self {
        Self {
            bench: Bench::new(CrmLifecycle::id("cust1"), instant("2026-11-02T09:00:00Z")),
            rules: Rules::default(),
            contacts: BTreeMap::new(),
            accounts: BTreeSet::new(),
            deals: BTreeMap::new(),
            trial: "live",
            tasks: Vec::new(),
            written: Vec::new(),
        }
    }

    fn told(&self, subscription: &str, news: News) -> Told {
        Told {
            customer: "cust1".to_owned(),
            subscription: subscription.to_owned(),
            record: Some("record1".to_owned()),
            at: self.now,
            news,
        }
    }

    /// News of a subscription, a minute after the last.
    fn hear(&mut self, subscription: &str, news: News) {
        self.now += TimeDelta::minutes(1);
        let told = self.told(subscription, news);
        self.tell(Command::Told(told));
    }

    fn check(&mut self, key: &str) {
        self.tell(Command::Check { by: "token:ada".to_owned(), key: key.to_owned() });
    }

    fn tags(&self) -> &BTreeSet<String> {
        self.contacts.get("cust1").expect("a contact")
    }

    fn deal(&self, subscription: &str) -> &DealOrder {
        self.deals.get(subscription).expect("a deal")
    }

    fn stage(&self, subscription: &str) -> &str {
        self.deal(subscription).stage.as_deref().expect("a stage")
    }

    fn status(&self, subscription: &str) -> &str {
        &self.deal(subscription).status
    }

    fn crm(&mut self, call: &Crm) -> Outcome {
        let record = |id: Option<String>| CrmRecord { id, tags: Vec::new(), stage: None };
        let answer = |record| done(Answer::CrmRecord(Box::new(record)));
        match call {
            Crm::Find { module: CrmModule::Contacts, key } => {
                let tags = self.contacts.get(key);
                let id = tags.map(|_| format!("contact-{key}"));
                answer(CrmRecord { tags: tags.into_iter().flatten().cloned().collect(), ..record(id) })
            }
            Crm::Find { key, .. } => {
                let deal = self.deals.get(key);
                let id = deal.map(|_| format!("deal-{key}"));
                answer(CrmRecord { stage: deal.and_then(|deal| deal.stage.clone()), ..record(id) })
            }
            Crm::UpsertAccount { account, .. } => {
                self.accounts.insert(account.clone());
                answer(record(Some(format!("account-{account}"))))
            }
            Crm::UpsertContact { customer, account, .. } => {
                let account = account.as_ref().expect("an account");
                assert!(self.accounts.contains(account), "the account stands before its contact");
                self.contacts.entry(customer.clone()).or_default();
                answer(record(Some(format!("contact-{customer}"))))
            }
            Crm::UpsertDeal(order) => {
                assert!(self.contacts.contains_key(&order.customer), "the contact stands before its deal");
                let mut deal = (**order).clone();
                self.written.push(deal.clone());
                if deal.stage.is_none() {
                    deal.stage = self.deals.get(&order.subscription).and_then(|deal| deal.stage.clone());
                    assert!(deal.stage.is_some(), "a new deal has a stage");
                }
                self.deals.insert(order.subscription.clone(), deal);
                answer(record(Some(format!("deal-{}", order.subscription))))
            }
            Crm::SetTags { key, tags, .. } => {
                let Some(on) = self.contacts.get_mut(key) else {
                    return rejected(RejectionKind::NotFound, "no_record");
                };
                *on = tags.on(on.iter().map(String::as_str));
                answer(CrmRecord { tags: on.iter().cloned().collect(), ..record(Some(format!("contact-{key}"))) })
            }
            Crm::Seek { .. } | Crm::Erase { .. } | Crm::ReadProfile(_) | Crm::WriteProfile(_) => {
                panic!("no call of this flow")
            }
        }
    }
}

impl Played for World {
    type Flow = CrmLifecycle;

    fn answer(&mut self, open: &Open) -> Outcome {
        match &open.effect {
            Effect::Desk(Desk::ReadSettings { of }) => {
                assert_eq!(of, "crm_lifecycle");
                let settings = serde_json::to_value(&self.rules).expect("writes");
                done(Answer::Settings { settings })
            }
            Effect::Crm(call) => self.crm(call),
            Effect::Zoho(Zoho::Subscription(OnSubscription::ReadTerms { .. })) => {
                done(Answer::Terms(Box::new(samples::terms(self.trial))))
            }
            Effect::Attio(Attio::AddTask(task)) => {
                self.tasks.push((**task).clone());
                done(Answer::Nothing)
            }
            other => panic!("no such call: {other:?}"),
        }
    }

    fn must_hold(&self) {
        assert!(self.accounts_posted(), "it posts nothing");
    }
}

impl World {
    fn accounts_posted(&self) -> bool {
        self.bench.accounts.is_empty() && self.bench.claims.is_empty()
    }
}

#[test]
fn settings_that_say_nothing_leave_the_defaults() {
    let mut world = World::new();
    world.say("desk.read_settings", done(Answer::Settings { settings: Value::Null }));
    world.hear("sub1", active("pro-monthly", 4_900));
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-pro"]));
}
