//! What CRM users press on records of subscriptions and of people: the act that stands on a record, all records on which an act stands, and
//! the ids by which events name the attribute. Reads only; what an act leads to is not known here.

use super::Attio;
use super::api::{Answered, Ask};
use super::model::START_TRIAL;
use super::projection::SUBSCRIPTIONS;
use super::records::{get, is_not_found, query};
use super::wire::Record;
use chrono::{DateTime, Utc};
use sagas::kernel::effect::AttioRecord;
use sagas::kernel::outcome::Outcome;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::time::Duration;

const READ_ACT: &str = "attio.read_act";
const ATTRIBUTE: &str = "sync_action";
/// The object whose records sign up.
const PEOPLE: &str = "people";
/// Records per page: Attio's most.
const PAGE: usize = 500;

/// An act that stands on a record and was set there by a workspace member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Press {
    /// Record id of the object that was asked.
    pub record: String,
    /// The option's title; `none` is one.
    pub act: String,
    /// The value's `active_from` (UTC), to Attio's full precision: every press has another.
    pub pressed_at: DateTime<Utc>,
    /// The workspace member's id.
    pub member: String,
}

/// What stands on a record where an act can stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// An act of a workspace member.
    Press(Press),
    /// Nothing, or something that a program set.
    Nothing,
    /// There is no such record: deleted, merged, or of another object.
    Gone,
}

/// By which ids events name the attribute of the acts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ActIds {
    /// The object.
    #[serde(rename = "object_id")]
    pub object: String,
    /// Its attribute `sync_action`.
    #[serde(rename = "attribute_id")]
    pub attribute: String,
}

#[derive(Deserialize)]
struct AttributeRow {
    id: ActIds,
}

impl Attio {
    /// The act that stands on a record now.
    ///
    /// # Errors
    /// The outcome of a read that was refused or got no answer.
    pub async fn pressed(&self, record: &str, time_limit: Duration) -> Result<Standing, Box<Outcome>> {
        self.standing_on(SUBSCRIPTIONS, record, time_limit).await
    }

    /// The act that stands on a person's record now.
    ///
    /// # Errors
    /// The outcome of a read that was refused or got no answer.
    pub async fn trial_pressed(&self, record: &str, time_limit: Duration) -> Result<Standing, Box<Outcome>> {
        self.standing_on(PEOPLE, record, time_limit).await
    }

    async fn standing_on(&self, object: &str, record: &str, time_limit: Duration) -> Answered<Standing> {
        let asked = AttioRecord { object: object.to_owned(), id: record.to_owned() };
        match get(&mut self.api.session(time_limit), READ_ACT, &asked).await {
            Ok(found) if found.id() != record => Ok(Standing::Gone),
            Ok(found) => Ok(press(&found).map_or(Standing::Nothing, Standing::Press)),
            Err(outcome) if is_not_found(&outcome) => Ok(Standing::Gone),
            Err(outcome) => Err(outcome),
        }
    }

    /// Every record on which one of these acts stands, oldest record first.
    ///
    /// # Errors
    /// The outcome of a read that was refused or got no answer.
    pub async fn presses(&self, titles: &[&str], time_limit: Duration) -> Result<Vec<Press>, Box<Outcome>> {
        self.presses_on(SUBSCRIPTIONS, titles, time_limit).await
    }

    /// Every person's record on which a trial is asked for, oldest record first.
    ///
    /// # Errors
    /// The outcome of a read that was refused or got no answer.
    pub async fn trial_presses(&self, time_limit: Duration) -> Result<Vec<Press>, Box<Outcome>> {
        self.presses_on(PEOPLE, &[START_TRIAL], time_limit).await
    }

    async fn presses_on(&self, object: &str, titles: &[&str], time_limit: Duration) -> Answered<Vec<Press>> {
        let mut presses = Vec::new();
        for page in 0.. {
            let records = self.page_of_presses(object, titles, page * PAGE, time_limit).await?;
            presses.extend(records.iter().filter_map(press));
            if records.len() < PAGE {
                break;
            }
        }
        Ok(presses)
    }

    /// Choices know no list of alternatives in a filter: each title is a condition of its own.
    async fn page_of_presses(
        &self,
        object: &str,
        titles: &[&str],
        offset: usize,
        time_limit: Duration,
    ) -> Answered<Vec<Record>> {
        let acts: Vec<Json> = titles.iter().map(|title| json!({ ATTRIBUTE: { "$eq": title } })).collect();
        let order = json!({
            "filter": { "$or": acts },
            "sorts": [{ "attribute": "created_at", "direction": "asc" }],
            "limit": PAGE,
            "offset": offset,
        });
        query(&mut self.api.session(time_limit), READ_ACT, object, &order).await
    }

    /// Asked once: Attio never gives a slug to another attribute.
    ///
    /// # Errors
    /// The outcome of a read that was refused or got no answer.
    pub async fn act_ids(&self, time_limit: Duration) -> Result<&ActIds, Box<Outcome>> {
        self.act_ids.get_or_try_init(|| self.ids_on(SUBSCRIPTIONS, time_limit)).await
    }

    /// The same of people.
    ///
    /// # Errors
    /// The outcome of a read that was refused or got no answer.
    pub async fn trial_act_ids(&self, time_limit: Duration) -> Result<&ActIds, Box<Outcome>> {
        self.trial_act_ids.get_or_try_init(|| self.ids_on(PEOPLE, time_limit)).await
    }

    async fn ids_on(&self, object: &str, time_limit: Duration) -> Answered<ActIds> {
        let segments = ["objects", object, "attributes", ATTRIBUTE];
        let row: AttributeRow = self.api.session(time_limit).call(Ask::get(READ_ACT, &segments, &[])).await?;
        Ok(row.id)
    }
}

fn press(record: &Record) -> Option<Press> {
    Some(Press {
        record: record.id().to_owned(),
        act: record.option(ATTRIBUTE)?.to_owned(),
        pressed_at: record.since(ATTRIBUTE)?,
        member: record.set_by(ATTRIBUTE)?.to_owned(),
    })
}
