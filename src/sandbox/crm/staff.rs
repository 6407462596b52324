//! What people do at Zoho CRM's own pages.

use super::call::Org;
use super::errors::Refusal;
use super::external::External;
use super::ids::Id;
use super::records::{Done, Manner};
use super::schema::{Type, Unique, custom_field};
use super::state::{Record, Who};
use super::values;
use super::watch::Operation;
use super::workflows::{Rule, When};
use crate::{World, acts, faults::Vendor};
use serde_json::{Map, Value, json};

/// An act of a person at the vendor's own pages (`POST /control/staff`, `{"vendor":"zoho_crm","act":…,…}`). It answers
/// with the ids that it made.
///
/// # Errors
/// A sentence saying which field was wrong and what was expected.
pub fn staff(world: &World, act: &Value) -> Result<Value, String> {
    let fields = act.as_object().ok_or("an act is an object with the field `act`")?;
    let mut state = world.crm.lock().expect("crm lock");
    let mut org = Org::new(world, &mut state, Who::Staff);
    let act = Act { fields, org: &mut org };
    let done = act.play();
    org.tell_watchers();
    done
}

/// An act and the organisation that it is played in.
struct Act<'a, 'b> {
    fields: &'a Map<String, Value>,
    org: &'a mut Org<'b>,
}

impl Act<'_, '_> {
    fn play(mut self) -> Result<Value, String> {
        match self.text("act")? {
            "create_record" => self.create_record(),
            "edit_record" => self.edit_record(),
            "delete_record" => self.delete_record(),
            "merge_records" => self.merge_records(),
            "convert_lead" => self.convert_lead(),
            "add_tag" => self.tag(true),
            "remove_tag" => self.tag(false),
            "mark_record" => self.mark_record(),
            "add_field" => self.add_field(),
            "remove_field" => self.remove_field(),
            "set_unique" => self.set_unique(),
            "add_workflow" => self.add_workflow(),
            "settings" => self.settings(),
            other => Err(acts::unplayed(Vendor::ZohoCrm, other)),
        }
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        self.fields.get(name).and_then(Value::as_str).ok_or_else(|| format!("`{name}`: text is expected"))
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or_else(|| format!("`{name}`: true or false is expected")),
        }
    }

    fn module(&self) -> Result<&'static str, String> {
        let name = self.text("module")?;
        let known = || self.org.state.modules.iter().map(|module| module.api_name).collect::<Vec<_>>().join(", ");
        let module = self.org.state.module(name).map(|module| module.api_name);
        module.ok_or_else(|| format!("`module`: `{name}` is unknown; known are {}", known()))
    }

    fn record(&self, name: &str) -> Result<Id, String> {
        let found = Id::read(self.text(name)?).filter(|id| self.org.state.records.contains_key(id));
        found.ok_or_else(|| format!("`{name}`: no record has this id"))
    }

    /// The values of an act, in the API's form.
    fn values(&self) -> Result<Value, String> {
        let values = self.fields.get("values").filter(|values| values.is_object()).cloned();
        values.ok_or_else(|| "`values`: an object of fields is expected".to_owned())
    }

    fn create_record(&mut self) -> Result<Value, String> {
        let (module, values) = (self.module()?, self.values()?);
        answered(self.org.insert(module, &values, "$.values", &by_hand()))
    }

    fn edit_record(&mut self) -> Result<Value, String> {
        let (id, values) = (self.record("id")?, self.values()?);
        answered(self.org.update(id, &values, "$.values", &by_hand()))
    }

    fn delete_record(&mut self) -> Result<Value, String> {
        let id = self.record("id")?;
        self.org.delete(id).map_err(|refusal| refusal.said())?;
        Ok(json!({}))
    }

    /// The second record goes up in the first: its values fill gaps, its tags are joined, what referred to it follows.
    fn merge_records(&mut self) -> Result<Value, String> {
        let (into, from) = (self.record("into")?, self.record("from")?);
        let lost = self.org.state.records[&from].clone();
        let kept = &self.org.state.records[&into];
        if into == from || kept.module != lost.module {
            return Err("`from`: another record of the same module is expected".to_owned());
        }
        let module = kept.module;
        let mut version = kept.now().clone();
        for (name, value) in &lost.now().values {
            version.values.entry(name.clone()).or_insert_with(|| value.clone());
        }
        version.tags.extend(lost.now().tags.iter().filter(|tag| !kept.now().tags.contains(tag)));
        self.org.save(into, version);
        self.refer(from, into);
        self.org.changed(Operation::Update, module, into, &[]);
        self.org.delete(from).map_err(|refusal| refusal.said())?;
        Ok(json!({ "id": into.to_string() }))
    }

    /// Whatever refers to `from` refers to `into` from now on.
    fn refer(&mut self, from: Id, into: Id) {
        let (old, new) = (Value::from(from), Value::from(into));
        let refers = |record: &&Record| record.now().values.values().any(|value| *value == old);
        let referring: Vec<Id> = self.org.state.records.values().filter(refers).map(|record| record.id).collect();
        for id in referring.into_iter().filter(|id| *id != into) {
            let mut version = self.org.state.records[&id].now().clone();
            version.values.values_mut().filter(|value| **value == old).for_each(|value| *value = new.clone());
            self.org.save(id, version);
        }
        for role in &mut self.org.state.roles {
            if role.contact == from {
                role.contact = into;
            }
        }
    }

    /// A lead becomes a contact, with an account where it names a company, and takes its tags along.
    fn convert_lead(&mut self) -> Result<Value, String> {
        let id = self.record("id")?;
        let lead = self.org.state.records[&id].clone();
        if lead.module != "Leads" || lead.converted {
            return Err("`id`: a lead that is not converted yet is expected".to_owned());
        }
        let held = lead.now().values.clone();
        let said = |refusal: Refusal| refusal.said();
        let account = match held.get("Company") {
            None => None,
            Some(name) => {
                let account = self.org.insert("Accounts", &json!({ "Account_Name": name }), "$", &by_hand());
                Some(account.map_err(said)?.id)
            }
        };
        let taken = ["First_Name", "Last_Name", "Email", "Phone", "Lead_Source"];
        let mut contact: Map<String, Value> =
            held.into_iter().filter(|(name, _)| taken.contains(&name.as_str())).collect();
        if let Some(account) = account {
            contact.insert("Account_Name".to_owned(), json!({ "id": account.to_string() }));
        }
        let names = lead.now().tags.iter().filter_map(|tag| self.org.state.tags.get(tag));
        contact.insert("Tag".to_owned(), names.map(|tag| json!({ "name": tag.name })).collect());
        let contact = self.org.insert("Contacts", &Value::Object(contact), "$", &by_hand()).map_err(said)?.id;
        if let Some(lead) = self.org.state.records.get_mut(&id) {
            lead.converted = true;
        }
        self.org.changed(Operation::Update, "Leads", id, &["Converted__s".to_owned()]);
        Ok(json!({ "contact_id": contact.to_string(), "account_id": account.map(|id| id.to_string()) }))
    }

    fn tag(&mut self, on: bool) -> Result<Value, String> {
        let id = self.record("id")?;
        let module = self.org.state.records[&id].module;
        let named = [json!({ "name": self.text("tag")? })];
        let tag = self.org.wanted_tags(module, &named, "$", "tags").map_err(|refusal| refusal.said())?[0];
        let mut version = self.org.state.records[&id].now().clone();
        let there = version.tags.contains(&tag);
        version.tags.retain(|held| *held != tag);
        version.tags.extend(on.then_some(tag));
        self.org.save(id, version);
        self.org.changed(Operation::Update, module, id, &["Tag".to_owned()]);
        let added: &[Id] = if on && !there { &[tag] } else { &[] };
        self.org.run_rules(id, false, &["Tag".to_owned()], added);
        Ok(json!({}))
    }

    /// Locks a record or lets it go, puts it into a blueprint or takes it out.
    fn mark_record(&mut self) -> Result<Value, String> {
        let id = self.record("id")?;
        let (locked, in_blueprint) = (self.flag("locked")?, self.flag("in_blueprint")?);
        if let Some(record) = self.org.state.records.get_mut(&id) {
            record.locked = locked.unwrap_or(record.locked);
            record.in_blueprint = in_blueprint.unwrap_or(record.in_blueprint);
        }
        Ok(json!({}))
    }

    fn unique(&self) -> Result<Unique, String> {
        match self.fields.get("unique").map_or(Ok("no"), |word| word.as_str().ok_or(())) {
            Ok("no") => Ok(Unique::No),
            Ok("yes") => Ok(Unique::Yes),
            Ok("external") => Ok(Unique::External),
            _ => Err("`unique`: no, yes or external is expected".to_owned()),
        }
    }

    fn add_field(&mut self) -> Result<Value, String> {
        let (module, unique) = (self.module()?, self.unique()?);
        let name = self.text("field")?.to_owned();
        let kind = match self.fields.get("type").and_then(Value::as_str).unwrap_or("text") {
            "text" => Type::Text,
            "textarea" => Type::Textarea,
            "email" => Type::Email,
            "phone" => Type::Phone,
            "currency" => Type::Currency,
            "integer" => Type::Integer,
            "boolean" => Type::Boolean,
            "date" => Type::Date,
            "datetime" => Type::DateTime,
            _ => {
                let known = "text, textarea, email, phone, currency, integer, boolean, date or datetime";
                return Err(format!("`type`: {known} is expected"));
            }
        };
        let id = self.org.state.next_id();
        let module = self.org.state.modules.iter_mut().find(|known| known.api_name == module);
        let module = module.ok_or("`module`: is unknown")?;
        if module.field(&name).is_some() {
            return Err(format!("`field`: the module has `{name}` already"));
        }
        module.fields.push(custom_field(id, &name, kind, unique));
        Ok(json!({ "field_id": id.to_string() }))
    }

    fn remove_field(&mut self) -> Result<Value, String> {
        let (module, name) = (self.module()?, self.text("field")?.to_owned());
        let module = self.org.state.modules.iter_mut().find(|known| known.api_name == module);
        let module = module.ok_or("`module`: is unknown")?;
        if module.field(&name).is_none_or(|field| !field.custom) {
            return Err(format!("`field`: `{name}` is no custom field of the module"));
        }
        module.fields.retain(|field| field.api_name != name);
        Ok(json!({}))
    }

    /// "Do not allow duplicate values", or an external id, or neither.
    fn set_unique(&mut self) -> Result<Value, String> {
        let (module, name, unique) = (self.module()?, self.text("field")?.to_owned(), self.unique()?);
        let module = self.org.state.modules.iter_mut().find(|known| known.api_name == module);
        let field = module.and_then(|module| module.field_mut(&name));
        field.ok_or_else(|| format!("`field`: the module has no `{name}`"))?.unique = unique;
        Ok(json!({}))
    }

    fn add_workflow(&mut self) -> Result<Value, String> {
        let (module, name) = (self.module()?, self.text("name")?.to_owned());
        let wanted = |key: &str| self.fields.get(key).and_then(Value::as_str).map(str::to_owned);
        let when = match (wanted("when_tagged"), wanted("when_changed"), self.flag("when_created")?) {
            (Some(tag), None, None | Some(false)) => When::Tagged(tag),
            (None, Some(field), None | Some(false)) => When::Changed(field),
            (None, None, Some(true)) => When::Created,
            _ => return Err("one of `when_tagged`, `when_changed` and `when_created` is expected".to_owned()),
        };
        let given = match self.fields.get("set") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(given)) => given.clone(),
            Some(_) => return Err("`set`: an object of fields is expected".to_owned()),
        };
        let mut set = Map::new();
        for (name, value) in given {
            let field = self.org.state.known_module(module).field(&name).filter(|field| !field.read_only);
            let field = field.ok_or_else(|| format!("`set`: the module has no field `{name}` that can be set"))?;
            let read = values::read(self.org.state, field, &value, "$.set", &External::default());
            set.insert(name, read.map_err(|refusal| refusal.said())?);
        }
        let webhook = wanted("webhook");
        if let Some(url) = webhook.as_ref().filter(|url| url::Url::parse(url).is_err()) {
            return Err(format!("`webhook`: `{url}` is no URL"));
        }
        self.org.state.rules.push(Rule { name, module, when, set, webhook });
        Ok(json!({}))
    }

    fn settings(&mut self) -> Result<Value, String> {
        for (name, value) in self.fields.iter().filter(|(name, _)| !["vendor", "act"].contains(&name.as_str())) {
            self.org.state.settings.set(name, value)?;
        }
        Ok(json!({}))
    }
}

/// What people write at the pages runs workflows like any other write.
fn by_hand() -> Manner {
    Manner { workflows: true, ..Manner::default() }
}

fn answered(outcome: Result<Done, Refusal>) -> Result<Value, String> {
    outcome.map(|done| json!({ "id": done.id.to_string() })).map_err(|refusal| refusal.said())
}
