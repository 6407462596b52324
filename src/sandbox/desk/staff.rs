//! What people do at Zoho Desk's own pages.

use super::errors::Refusal;
use super::fields::Fields;
use super::state::State;
use crate::{World, acts, faults::Vendor};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// An act of a person at the vendor's own pages (`POST /control/staff`, `{"vendor":"zoho_desk","act":…,…}`). It answers
/// with the ids that it made.
///
/// # Errors
/// A sentence saying which field was wrong and what was expected.
pub fn staff(world: &World, act: &Value) -> Result<Value, String> {
    let fields = act.as_object().ok_or("an act is an object with the field `act`")?;
    let mut state = world.desk.lock().expect("desk lock");
    Act { fields, state: &mut state, now: world.clock.now() }.play()
}

struct Act<'a> {
    fields: &'a Map<String, Value>,
    state: &'a mut State,
    now: DateTime<Utc>,
}

impl<'a> Act<'a> {
    fn play(self) -> Result<Value, String> {
        let said = |refusal: Refusal| refusal.said();
        match self.text("act")? {
            "create_contact" => {
                let id = self.state.add_contact(&Fields(self.values()?), self.now).map_err(said)?;
                Ok(json!({ "contact_id": id.to_string() }))
            }
            "create_ticket" => {
                let id = self.state.add_ticket(self.values()?, self.now).map_err(said)?;
                Ok(json!({ "ticket_id": id.to_string() }))
            }
            "edit_ticket" => {
                let id = self.id("id")?;
                self.state.change_ticket(id, self.values()?, self.now).map_err(said)?;
                Ok(json!({}))
            }
            "delete_ticket" => {
                let id = self.id("id")?;
                self.state
                    .tickets
                    .remove(&id)
                    .map(|_| json!({}))
                    .ok_or_else(|| "`id`: no ticket has this id".to_owned())
            }
            "delete_contact" => {
                let id = self.id("id")?;
                self.state
                    .contacts
                    .remove(&id)
                    .map(|_| json!({}))
                    .ok_or_else(|| "`id`: no contact has this id".to_owned())
            }
            "link_contact" => self.link_contact(),
            "add_custom_field" => {
                let name = self.text("field")?.to_owned();
                if !name.starts_with("cf_") || self.state.custom_fields.contains(&name) {
                    return Err("`field`: a new name that begins with cf_ is expected".to_owned());
                }
                self.state.custom_fields.push(name);
                Ok(json!({}))
            }
            "remove_custom_field" => {
                let name = self.text("field")?.to_owned();
                self.state.custom_fields.retain(|known| *known != name);
                Ok(json!({}))
            }
            "settings" => self.settings(),
            other => Err(acts::unplayed(Vendor::ZohoDesk, other)),
        }
    }

    fn text(&self, name: &str) -> Result<&'a str, String> {
        self.fields.get(name).and_then(Value::as_str).ok_or_else(|| format!("`{name}`: text is expected"))
    }

    fn id(&self, name: &str) -> Result<u64, String> {
        self.text(name)?.parse().map_err(|_| format!("`{name}`: an id is expected, as text"))
    }

    /// The values of an act, in the API's form.
    fn values(&self) -> Result<&'a Map<String, Value>, String> {
        let values = self.fields.get("values").and_then(Value::as_object);
        values.ok_or_else(|| "`values`: an object of fields is expected".to_owned())
    }

    /// What Desk's own synchronisation with CRM does: a contact here and one there are the same person.
    fn link_contact(self) -> Result<Value, String> {
        let (id, crm) = (self.id("id")?, self.text("crm_contact_id")?.to_owned());
        let contact = self.state.contacts.get_mut(&id).ok_or("`id`: no contact has this id")?;
        contact.linked = Some(crm);
        Ok(json!({}))
    }

    fn settings(self) -> Result<Value, String> {
        for (name, value) in self.fields.iter().filter(|(name, _)| !["vendor", "act"].contains(&name.as_str())) {
            let number = value.as_u64().and_then(|n| usize::try_from(n).ok());
            let number = number.ok_or_else(|| format!("`{name}`: a whole number from 0 is expected"))?;
            let settings = &mut self.state.settings;
            match name.as_str() {
                "search_lag_seconds" => {
                    settings.search_lag_seconds =
                        i64::try_from(number).map_err(|_| format!("`{name}`: is too large"))?;
                }
                "credits" => settings.credits = number,
                "calls_at_once" => settings.calls_at_once = number,
                _ => {
                    let known = "search_lag_seconds, credits, calls_at_once";
                    return Err(format!("`{name}` is no setting; known are {known}"));
                }
            }
        }
        Ok(json!({}))
    }
}
