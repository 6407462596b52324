//! Our tags on a record: reads all that are on it, writes the full set with others' kept, and believes what CRM shows after.

use super::super::line::{Answered, rejected};
use super::super::set::{proven, settled};
use super::api::Ask;
use super::records::Results;
use super::{Crm, no_result};
use sagas::kernel::answer::{Answer, CrmRecord};
use sagas::kernel::effect::CrmModule;
use sagas::kernel::outcome::{Look, RejectionKind};
use sagas::kernel::tags::Tags;
use serde_json::json;
use std::collections::BTreeSet;
use tokio::time::Instant;

const OPERATION: &str = "zoho_crm.set_tags";

/// A record with what is on it and what shall be.
struct Tagged {
    id: String,
    present: BTreeSet<String>,
    wanted: BTreeSet<String>,
}

impl Tagged {
    fn answer(self) -> Answer {
        let tags = self.wanted.into_iter().collect();
        Answer::CrmRecord(Box::new(CrmRecord { id: Some(self.id), tags, stage: None }))
    }
}

impl Crm {
    /// One call to read and one to write; one more where the answer does not show the tags.
    pub(super) async fn set_tags(
        &self,
        module: CrmModule,
        key: &str,
        tags: &Tags,
        deadline: Instant,
    ) -> Answered<Answer> {
        let on = self.tagged(module, key, tags, deadline).await?;
        if on.present == on.wanted {
            return Ok(on.answer());
        }
        let named = |tags: &BTreeSet<String>| tags.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>();
        // A set of none cannot be written over another: then what is there goes.
        let (verb, query, body): (_, &[(&str, &str)], _) = if on.wanted.is_empty() {
            ("remove_tags", &[], json!({ "tags": named(&on.present) }))
        } else {
            ("add_tags", &[("over_write", "true")], json!({ "tags": named(&on.wanted) }))
        };
        let segments = [module.name(), on.id.as_str(), "actions", verb];
        let body = Some(body.to_string().into_bytes());
        let ask = Ask { operation: OPERATION, segments: &segments, query, external: "", body, deletes: false };
        let body = self.api.answer(&ask, deadline).await?;
        let results: Results = serde_json::from_slice(&body).map_err(|_| no_result())?;
        let result = results.data.into_iter().next().ok_or_else(no_result)?;
        if !result.is_good() {
            return Err(result.refusal());
        }
        let others = || format!("Zoho CRM accepted the tags of {} {key}, but shows others", module.name());
        if let Some(shown) = result.details.tags {
            let shown: BTreeSet<String> = shown.into_iter().map(|tag| tag.name).collect();
            if shown != on.wanted {
                return Err(rejected(RejectionKind::UnknownState, "not_as_asked", &others()));
            }
            return Ok(on.answer());
        }
        // The write was made; without a read that shows it, it is looked up.
        let shown = self.tagged(module, key, tags, deadline).await.map_err(|_| no_result())?.present;
        proven(Ok(()), shown == on.wanted, others)?;
        Ok(on.answer())
    }

    pub(super) async fn look_tags(
        &self,
        module: CrmModule,
        key: &str,
        tags: &Tags,
        deadline: Instant,
    ) -> Answered<Look> {
        let on = self.tagged(module, key, tags, deadline).await?;
        let is_so = on.present == on.wanted;
        Ok(settled(is_so, on.answer(), None, None))
    }

    async fn tagged(&self, module: CrmModule, key: &str, tags: &Tags, deadline: Instant) -> Answered<Tagged> {
        let found = self.record(OPERATION, module, key, &["Tag"], deadline).await?.ok_or_else(|| {
            let message = format!("Zoho CRM has no record of {} with our id {key}", module.name());
            rejected(RejectionKind::NotFound, "no_record", &message)
        })?;
        let present: BTreeSet<_> = found.tags()?.into_iter().collect();
        let wanted = tags.on(present.iter().map(String::as_str));
        Ok(Tagged { id: found.id, present, wanted })
    }
}
