//! A walk's world for deal and tags: news of three subscriptions in any order, and a CRM in which anything may be gone.

use crate::dice::Dice;
use crate::samples::{day, eur};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::crm_lifecycle::Command;
use sagas::kernel::answer::{Answer, CrmRecord};
use sagas::kernel::effect::Crm;
use sagas::kernel::lifecycle::{News, Sale, Told};
use serde_json::{Value, json};

pub(crate) fn start(at: DateTime<Utc>) -> Command {
    told("sub1", News::Active { sale: sale("pro-monthly"), on: day("2026-11-02") }, at)
}

fn told(subscription: &str, news: News, at: DateTime<Utc>) -> Command {
    let record = Some("record1".to_owned());
    Command::Told(Told { customer: "cust1".to_owned(), subscription: subscription.to_owned(), record, at, news })
}

fn sale(plan: &str) -> Sale {
    Sale { plan: plan.to_owned(), name: plan.to_uppercase(), amount: eur(4_900) }
}

pub(crate) fn command(dice: &mut Dice, now: DateTime<Utc>) -> Command {
    if dice.roll(6) == 0 {
        return Command::Check { by: "token:walk".to_owned(), key: dice.roll(20).to_string() };
    }
    let (sale, invoice) = (sale(dice.of(&["pro-monthly", "plus-yearly", "other"])), dice.of(&["77", "78"]).to_owned());
    let (on, zoho_subscription) = (now.date_naive(), "zs1".to_owned());
    let news = dice.of(&[
        News::LinkSent { sale: sale.clone(), until: on },
        News::LinkExpired { on },
        News::Trial { sale: sale.clone(), zoho_subscription, until: on },
        News::Active { sale: sale.clone(), on },
        News::PlanChanged { sale },
        News::PastDue { invoice: invoice.clone() },
        News::Recovered { invoice },
        News::EndScheduled { on: Some(on) },
        News::GoesOn,
        News::Ended { on },
    ]);
    let late = TimeDelta::hours(if dice.rarely() { 3 } else { 0 });
    told(dice.of(&["sub1", "sub2", "sub3"]), news, now - late)
}

pub(crate) fn settings(dice: &mut Dice) -> Answer {
    let lost = json!({"stages": {"churned": "Closed Lost"}});
    Answer::Settings { settings: dice.of(&[Value::Null, json!({}), lost, json!({"enabled": false})]) }
}

pub(crate) fn answer(call: &Crm, dice: &mut Dice) -> Answer {
    let stage = dice.of(&["Closed Won", "Closed Won", "Closed Lost"]).to_owned();
    let found = !matches!(call, Crm::Find { .. }) || dice.roll(3) > 0;
    Answer::CrmRecord(Box::new(CrmRecord {
        id: found.then(|| "5".to_owned()),
        tags: if dice.rarely() { vec!["lifecycle-active".to_owned()] } else { Vec::new() },
        stage: found.then_some(stage),
    }))
}
