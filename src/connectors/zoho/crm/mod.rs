//! Zoho CRM: brings contacts, accounts and deals up to date under our own ids, and writes our tags. Records that it does
//! not know by our id it never touches: nothing is merged by an e-mail address.

mod api;
mod erasing;
mod profiles;
mod records;
mod tags;

pub use records::{Record, Upserted};

use super::line::{Answered, Line, rejected};
use super::{ABSENT, sentence};
use crate::connectors::http::Reply;
use crate::port::{Call, Person, Report};
use api::{Api, Ask};
use reqwest::Url;
use sagas::kernel::answer::{Answer, CrmRecord};
use sagas::kernel::effect;
use sagas::kernel::effect::CrmModule;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use serde_json::json;
use tokio::time::Instant;

const DRIFT: &str = "zoho_crm.drift";

/// The connector of one organization's CRM.
pub(super) struct Crm {
    api: Api,
}

impl Crm {
    pub(super) fn new(api_url: &Url, line: Line) -> Result<Self, String> {
        Ok(Self { api: Api::new(api_url, line)? })
    }

    /// A read's answer as it came; `external` as in `X-EXTERNAL`, empty for CRM's own ids.
    pub(super) async fn reply(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
        external: &str,
        deadline: Instant,
    ) -> Answered<Reply> {
        self.api.reply(&Ask { operation: DRIFT, segments, query, external, body: None, deletes: false }, deadline).await
    }

    /// A query's answer as it came.
    pub(super) async fn query_reply(&self, select: &str, deadline: Instant) -> Answered<Reply> {
        let body = Some(json!({ "select_query": select }).to_string().into_bytes());
        let ask = Ask { operation: DRIFT, segments: &["coql"], query: &[], external: "", body, deletes: false };
        self.api.reply(&ask, deadline).await
    }

    /// Makes the call once.
    pub(super) async fn perform(&self, call: &Call, effect: &effect::Crm) -> Report {
        let deadline = Instant::now() + call.time_limit;
        let mut read = None;
        let answered = match effect {
            effect::Crm::Find { module, key } => self.find(*module, key, deadline).await,
            effect::Crm::UpsertAccount { .. } | effect::Crm::UpsertContact { .. } | effect::Crm::UpsertDeal(_) => {
                self.upsert_one(effect, call.beside.person.as_ref(), deadline).await
            }
            effect::Crm::SetTags { module, key, tags } => self.set_tags(*module, key, tags, deadline).await,
            effect::Crm::ReadProfile(comparison) => {
                self.read_profile(comparison, deadline).await.map(|(answer, person)| {
                    read = person;
                    answer
                })
            }
            effect::Crm::WriteProfile(correction) => {
                self.write_profile(correction, call.beside.person.as_ref(), deadline).await
            }
            effect::Crm::Seek { module, key, mark } => self.seek(*module, key, mark, deadline).await,
            effect::Crm::Erase { module, key, mark } => self.erase(*module, key, mark, deadline).await,
        };
        match answered {
            Ok(answer) => Report { person: read, ..Outcome::Done { answer }.into() },
            Err(outcome) => (*outcome).into(),
        }
    }

    /// Looks up by our id whether a write was done.
    pub(super) async fn look(&self, call: &Call, effect: &effect::Crm) -> Look {
        let deadline = Instant::now() + call.time_limit;
        let found = match effect {
            effect::Crm::Find { .. } | effect::Crm::Seek { .. } | effect::Crm::ReadProfile(_) => return ABSENT,
            effect::Crm::WriteProfile(correction) => {
                self.look_profile(correction, call.beside.person.as_ref(), deadline).await
            }
            effect::Crm::Erase { module, key, mark } => self.look_erased(*module, key, mark, deadline).await,
            effect::Crm::UpsertAccount { .. } | effect::Crm::UpsertContact { .. } | effect::Crm::UpsertDeal(_) => {
                self.look_record(effect, call.beside.person.as_ref(), deadline).await
            }
            effect::Crm::SetTags { module, key, tags } => self.look_tags(*module, key, tags, deadline).await,
        };
        found.unwrap_or_else(|outcome| Look::Unclear { detail: sentence(*outcome) })
    }

    async fn find(&self, module: CrmModule, key: &str, deadline: Instant) -> Answered<Answer> {
        let found = self.record("zoho_crm.find", module, key, &["Tag", "Stage"], deadline).await?;
        let record = match found {
            Some(found) => CrmRecord { id: Some(found.id.clone()), tags: found.tags()?, stage: found.stage() },
            None => CrmRecord { id: None, tags: Vec::new(), stage: None },
        };
        Ok(Answer::CrmRecord(Box::new(record)))
    }

    async fn upsert_one(&self, effect: &effect::Crm, person: Option<&Person>, deadline: Instant) -> Answered<Answer> {
        let (record, workflows) = Record::of(effect, person.ok_or_else(no_person)?)?;
        let mut all = self.upsert_batch(effect.operation(), std::slice::from_ref(&record), workflows, deadline).await?;
        match all.pop() {
            Some(Upserted::Done { id }) => Ok(done(id)),
            Some(Upserted::Not(outcome)) => Err(outcome),
            None => Err(no_result()),
        }
    }
}

/// The answer to an upsert: what is on the record was not asked.
fn done(id: String) -> Answer {
    Answer::CrmRecord(Box::new(CrmRecord { id: Some(id), tags: Vec::new(), stage: None }))
}

fn no_person() -> Box<Outcome> {
    rejected(RejectionKind::Invalid, "no_person", "nothing is known of the person: read the client again")
}

/// An answer that says nothing of a record leaves open whether it was written.
fn no_result() -> Box<Outcome> {
    let detail = "Zoho CRM answered fewer results than records were sent".to_owned();
    Box::new(Outcome::Unknown { detail })
}
