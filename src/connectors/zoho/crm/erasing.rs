//! Records of somebody who is erased: a contact, the account and the deals that bear the name. They are overwritten by neutral
//! values under our own id; a contact is deleted then. A record that is not there is not made.

use super::super::line::Answered;
use super::super::{ABSENT, is_invalid, sentence};
use super::api::Ask;
use super::records::Results;
use super::{Crm, Record, Upserted, no_result};
use crate::port::Person;
use sagas::kernel::answer::{Answer, Trace};
use sagas::kernel::effect::CrmModule;
use sagas::kernel::outcome::{Look, Outcome};
use tokio::time::Instant;

const SEEK: &str = "zoho_crm.seek";
const ERASE: &str = "zoho_crm.erase";
/// Where the delete's answer was lost, and the contact is there without a name.
const STILL_THERE: &str = "it is still there, without a name";

impl Crm {
    /// One call: whether the record is there, and says anything but the neutral values.
    pub(super) async fn seek(&self, module: CrmModule, key: &str, mark: &str, deadline: Instant) -> Answered<Answer> {
        let there = |(id, neutral): (String, bool)| Trace { personal: !neutral, ..Trace::neutral(&id) };
        let shown = self.shown(SEEK, module, key, mark, deadline).await?;
        Ok(done(shown.map_or_else(Trace::gone, there)))
    }

    /// One call to read, one to overwrite; for a contact one more, to delete it.
    pub(super) async fn erase(&self, module: CrmModule, key: &str, mark: &str, deadline: Instant) -> Answered<Answer> {
        let Some((id, neutral)) = self.shown(ERASE, module, key, mark, deadline).await? else {
            return Ok(done(Trace::gone()));
        };
        if !neutral {
            let record = Record::erased(module, key, &Person::erased(mark));
            match self.upsert_batch(ERASE, std::slice::from_ref(&record), false, deadline).await?.pop() {
                Some(Upserted::Done { .. }) => {}
                Some(Upserted::Not(outcome)) => return Err(outcome),
                None => return Err(no_result()),
            }
        }
        if module != CrmModule::Contacts {
            return Ok(done(Trace::neutral(&id)));
        }
        let kept = |outcome: Outcome| Trace { kept_because: Some(sentence(outcome)), ..Trace::neutral(&id) };
        let segments = [module.name(), id.as_str()];
        let ask = Ask::delete(ERASE, &segments);
        let body = match self.api.answer(&ask, deadline).await {
            Ok(body) => body,
            Err(outcome) if is_invalid(&outcome) => return Ok(done(kept(*outcome))),
            Err(outcome) => return Err(outcome),
        };
        let results: Results = serde_json::from_slice(&body).map_err(|_| no_result())?;
        let result = results.data.into_iter().next().ok_or_else(no_result)?;
        Ok(done(if result.is_good() || result.is_unknown() { Trace::gone() } else { kept(*result.refusal()) }))
    }

    /// Gone or neutral: done.
    pub(super) async fn look_erased(
        &self,
        module: CrmModule,
        key: &str,
        mark: &str,
        deadline: Instant,
    ) -> Answered<Look> {
        let trace = match self.shown(SEEK, module, key, mark, deadline).await? {
            None => Trace::gone(),
            Some((_, false)) => return Ok(ABSENT),
            Some((id, true)) => {
                let kept_because = (module == CrmModule::Contacts).then(|| STILL_THERE.to_owned());
                Trace { kept_because, ..Trace::neutral(&id) }
            }
        };
        Ok(Look::Found { outcome: Box::new(Outcome::Done { answer: done(trace) }), extra: Vec::new() })
    }

    /// CRM's id of the record, and whether it shows the neutral values alone.
    async fn shown(
        &self,
        operation: &'static str,
        module: CrmModule,
        key: &str,
        mark: &str,
        deadline: Instant,
    ) -> Answered<Option<(String, bool)>> {
        let record = Record::erased(module, key, &Person::erased(mark));
        let found = self.record(operation, module, key, &record.names(), deadline).await?;
        Ok(found.map(|found| {
            let neutral = record.is_shown(&found);
            (found.id, neutral)
        }))
    }
}

fn done(trace: Trace) -> Answer {
    Answer::Trace(Box::new(trace))
}
