//! Simulated Zoho CRM: contacts, accounts and deals under our ids, and tags. Nobody edits it by hand here: the walks and the
//! flow's own tests do.

use crate::world::World;
use sagas::crm_lifecycle::CrmLifecycle;
use sagas::kernel::answer::{Answer, CrmRecord, Subscription};
use sagas::kernel::effect::{Crm, CrmModule, DealOrder};
use sagas::kernel::outcome::{Look, Outcome, Rejection, RejectionKind};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
#[expect(clippy::struct_field_names, reason = "CRM calls them so")]
pub(crate) struct Deals {
    /// By our account id: all tags.
    accounts: BTreeMap<String, BTreeSet<String>>,
    /// By our customer id: all tags.
    pub(crate) contacts: BTreeMap<String, BTreeSet<String>>,
    /// By our subscription id.
    deals: BTreeMap<String, DealOrder>,
}

impl Deals {
    pub(crate) fn perform(&mut self, call: &Crm) -> Outcome {
        match call {
            Crm::Find { .. } => {}
            Crm::UpsertAccount { account, .. } => {
                self.accounts.entry(account.clone()).or_default();
            }
            Crm::UpsertContact { customer, account, .. } => {
                if account.as_ref().is_some_and(|account| !self.accounts.contains_key(account)) {
                    return refused(RejectionKind::Invalid, "no_account");
                }
                self.contacts.entry(customer.clone()).or_default();
            }
            Crm::UpsertDeal(order) => {
                let mut deal = (**order).clone();
                let before = self.deals.get(&order.subscription).and_then(|deal| deal.stage.clone());
                deal.stage = deal.stage.or(before);
                if deal.stage.is_none() || !self.contacts.contains_key(&order.customer) {
                    return refused(RejectionKind::Invalid, "no_stage_or_contact");
                }
                self.deals.insert(order.subscription.clone(), deal);
            }
            Crm::SetTags { module, key, tags } => {
                let on = match module {
                    CrmModule::Accounts => self.accounts.get_mut(key),
                    _ => self.contacts.get_mut(key),
                };
                let Some(on) = on else {
                    return refused(RejectionKind::NotFound, "no_record");
                };
                *on = tags.on(on.iter().map(String::as_str));
            }
            Crm::Seek { .. } | Crm::Erase { .. } | Crm::ReadProfile(_) | Crm::WriteProfile(_) => {
                panic!("nobody of this world asks to be erased, or moves")
            }
        }
        Outcome::Done { answer: self.shown(call) }
    }

    pub(crate) fn look(&self, call: &Crm) -> Look {
        let is_so = match call {
            Crm::Find { .. } | Crm::Seek { .. } | Crm::Erase { .. } | Crm::ReadProfile(_) | Crm::WriteProfile(_) => {
                false
            }
            Crm::UpsertAccount { account, .. } => self.accounts.contains_key(account),
            Crm::UpsertContact { customer, .. } => self.contacts.contains_key(customer),
            Crm::UpsertDeal(order) => self.deals.get(&order.subscription).is_some_and(|deal| {
                let stage = order.stage.clone().or_else(|| deal.stage.clone());
                DealOrder { stage, ..(**order).clone() } == *deal
            }),
            Crm::SetTags { module, key, tags } => {
                self.tags(*module, key).is_some_and(|on| tags.on(on.iter().map(String::as_str)) == *on)
            }
        };
        if is_so {
            let outcome = Box::new(Outcome::Done { answer: self.shown(call) });
            Look::Found { outcome, extra: Vec::new() }
        } else {
            Look::Absent { watermark: false, key_proven: false }
        }
    }

    fn tags(&self, module: CrmModule, key: &str) -> Option<&BTreeSet<String>> {
        match module {
            CrmModule::Accounts => self.accounts.get(key),
            CrmModule::Contacts => self.contacts.get(key),
            CrmModule::Deals => None,
        }
    }

    fn shown(&self, call: &Crm) -> Answer {
        let (module, key) = match call {
            Crm::Find { module, key } | Crm::SetTags { module, key, .. } => (*module, key),
            Crm::UpsertAccount { account, .. } => (CrmModule::Accounts, account),
            Crm::UpsertContact { customer, .. } => (CrmModule::Contacts, customer),
            Crm::UpsertDeal(order) => (CrmModule::Deals, &order.subscription),
            Crm::Seek { .. } | Crm::Erase { .. } | Crm::ReadProfile(_) | Crm::WriteProfile(_) => {
                panic!("nobody of this world asks to be erased, or moves")
            }
        };
        let tags = self.tags(module, key);
        let deal = self.deals.get(key).filter(|_| module == CrmModule::Deals);
        let is_there = tags.is_some() || deal.is_some();
        Answer::CrmRecord(Box::new(CrmRecord {
            id: is_there.then(|| format!("{}-{key}", module.name())),
            tags: tags.into_iter().flatten().cloned().collect(),
            stage: deal.and_then(|deal| deal.stage.clone()),
        }))
    }
}

impl World {
    /// Whose a subscription is, Zoho's book says.
    pub(crate) fn name_customer(&self, outcome: &mut Outcome) {
        let Outcome::Done { answer: Answer::SubscriptionSurvey(survey) } = outcome else { return };
        let of_it = |s: &&Subscription| Some(&s.id) == survey.zoho_subscription.as_ref();
        let theirs = self.zoho.subscriptions.iter().map(|(subscription, _)| subscription).find(of_it);
        let ours = theirs.and_then(|subscription| self.tables.customer_of(&subscription.customer));
        survey.customer = ours.map(|(ours, _)| ours.clone());
    }

    /// Where nothing was refused, every sale is a won deal, and its customer is tagged.
    pub(crate) fn deals_differ(&self) -> Option<String> {
        if self.mishaps.weather.refusals {
            return None;
        }
        self.sagas.iter().find_map(|(id, slot)| {
            let sold = slot.live.flow_name() == "subscription_activation" && slot.live.summary().state == "Active";
            let customer = slot.live.summary().customer.filter(|_| sold)?;
            let kept = self.sagas.get(&CrmLifecycle::id(&customer)).map(|kept| kept.live.summary().state);
            let tagged = self
                .deals
                .contacts
                .get(&customer)
                .is_some_and(|tags| tags.contains("lifecycle-active") || tags.contains("lifecycle-churned"));
            let won = self.deals.deals.values().filter(|deal| deal.customer == customer);
            let won = won.filter(|deal| deal.stage.as_deref() == Some("Closed Won")).count();
            let is_kept = kept.as_deref() == Some("Kept") && tagged && won > 0;
            (!is_kept).then(|| format!("{id} sold to {customer}, and CRM shows {won} won deals: {kept:?}"))
        })
    }
}

fn refused(kind: RejectionKind, code: &str) -> Outcome {
    Outcome::Rejected { rejection: Rejection { kind, code: code.to_owned(), message: "refused".to_owned() } }
}
