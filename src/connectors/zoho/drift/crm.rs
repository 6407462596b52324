//! Zoho CRM: the fields and tags of the modules that are written, and how it is searched.

use super::super::crm::Crm;
use super::{NOBODY, Seen, body, refusal, rows, seen, soon};
use crate::connectors::drift::{Field, Point, Survey, flag, number, plain, text};
use chrono::{DateTime, Utc};
use sagas::kernel::effect::CrmModule;
use serde_json::Value;

/// A tag's name may have so many characters.
const TAG_LENGTH: usize = 25;

const MODULES: [CrmModule; 3] = [CrmModule::Accounts, CrmModule::Contacts, CrmModule::Deals];

/// What is written, and of which types of CRM it may be.
const WRITTEN: &[(CrmModule, &str, &[&str])] = &[
    (CrmModule::Accounts, "Account_Name", &["text"]),
    (CrmModule::Contacts, "Last_Name", &["text"]),
    (CrmModule::Contacts, "First_Name", &["text"]),
    (CrmModule::Contacts, "Email", &["email"]),
    (CrmModule::Contacts, "Mailing_Street", &["text", "textarea"]),
    (CrmModule::Contacts, "Mailing_City", &["text"]),
    (CrmModule::Contacts, "Mailing_State", &["text", "picklist"]),
    (CrmModule::Contacts, "Mailing_Zip", &["text"]),
    (CrmModule::Contacts, "Mailing_Country", &["text", "picklist"]),
    (CrmModule::Contacts, "Account_Name", &["lookup"]),
    (CrmModule::Deals, "Deal_Name", &["text"]),
    (CrmModule::Deals, "Amount", &["currency", "double"]),
    (CrmModule::Deals, "Closing_Date", &["date"]),
    (CrmModule::Deals, "Billing_Status", &["text", "picklist"]),
    (CrmModule::Deals, "Contact_Name", &["lookup"]),
    (CrmModule::Deals, "Account_Name", &["lookup"]),
    (CrmModule::Deals, "Pipeline", &["picklist", "text"]),
    (CrmModule::Deals, "Stage", &["picklist"]),
];

const FIELD: &[Field] = &[text("api_name"), text("data_type")];
const TAG: &[Field] = &[text("id"), text("name")];
const INFO: &[Field] = &[number("per_page"), number("count"), number("page").optional(), flag("more_records")];

/// A text: numbers stand in answers of other products.
fn code(body: &Value) -> Option<String> {
    body.get("code").and_then(Value::as_str).map(|code| plain(Some(code)))
}

pub(super) async fn walk(crm: &Crm, survey: &mut Survey<'_>, now: DateTime<Utc>) {
    for module in MODULES {
        let name = module.name();
        let check = format!("fields of {name}");
        survey.asks(&check);
        let answered = crm.reply(&["settings", "fields"], &[("module", name)], "", soon()).await;
        let is_unanswered = answered.is_err();
        if let Some((reply, body)) = body(survey, &check, answered, code) {
            if let Some(reply) = &reply {
                survey.headers(reply, now);
            }
            let rows = rows(&body, "fields");
            survey.shape(&check, rows.as_slice(), FIELD);
            fields(survey, module, &rows);
        }
        if is_unanswered {
            return;
        }
        tags(crm, survey, module).await;
    }
    contacts(crm, survey).await;
    unknown_key(crm, survey).await;
    searches(crm, survey).await;
}

/// Every field that is written is there and of its type, and records are found by ours.
fn fields(survey: &mut Survey<'_>, module: CrmModule, rows: &[Value]) {
    let of = |name: &str| rows.iter().find(|row| row["api_name"] == name);
    let mut faults = Vec::new();
    for (_, name, types) in WRITTEN.iter().filter(|(of, ..)| *of == module) {
        match of(name).and_then(|row| row["data_type"].as_str()) {
            None => faults.push(format!("`{name}` is missing")),
            Some(kind) if types.contains(&kind) => {}
            Some(kind) => {
                let kind = plain(Some(kind));
                faults.push(format!("`{name}` is of type {kind}: expected {}", types.join(" or ")));
            }
        }
    }
    let found = if faults.is_empty() { "all that are written are there".to_owned() } else { faults.join("; ") };
    let cure = "let an administrator of CRM make or change the field; a record with an unknown field is refused whole";
    survey.holds(&format!("written fields of {}", module.name()), faults.is_empty(), found, cure);
    let ours = module.our_field();
    let external = of(ours).is_some_and(|row| row["external"].is_object());
    let found = match of(ours) {
        None => "is missing",
        Some(_) if external => "is an external id",
        Some(_) => "is no external id",
    };
    let cure = "let an administrator of CRM make it, of the type external id of the organisation";
    survey.holds(&format!("`{}.{ours}`", module.name()), external, found, cure);
}

async fn tags(crm: &Crm, survey: &mut Survey<'_>, module: CrmModule) {
    let check = format!("tags of {}", module.name());
    survey.asks(&check);
    let answered = crm.reply(&["settings", "tags"], &[("module", module.name())], "", soon()).await;
    let Some((_, body)) = body(survey, &check, answered, code) else { return };
    let rows = rows(&body, "tags");
    survey.shape(&check, rows.as_slice(), TAG);
    let longest = rows.iter().filter_map(|row| Some(row["name"].as_str()?.chars().count())).max();
    if let Some(longest) = longest {
        let found = format!("the longest has {longest} characters");
        survey.holds(&format!("length of {check}"), longest <= TAG_LENGTH, found, "CRM takes longer tags than ours");
    }
}

/// One page of a list.
async fn contacts(crm: &Crm, survey: &mut Survey<'_>) {
    const CHECK: &str = "pages of Contacts";
    survey.asks(CHECK);
    let query = [("fields", "id,Tag"), ("per_page", "1")];
    let answered = crm.reply(&["Contacts"], &query, "", soon()).await;
    let Some((reply, body)) = body(survey, CHECK, answered, code) else { return };
    if reply.is_none() {
        return survey.empty(CHECK);
    }
    survey.shape(CHECK, [body["info"].clone()].as_slice(), INFO);
    if body["info"]["more_records"] == true {
        let given = body["info"]["next_page_token"].is_string();
        survey.settle(Point::PageTokens, if given { "it does" } else { "it does not" });
    }
}

/// A record that is not there, by our id: the look-up before each write.
async fn unknown_key(crm: &Crm, survey: &mut Survey<'_>) {
    const CHECK: &str = "unknown external id";
    survey.asks(CHECK);
    let external = format!("Contacts.{}", CrmModule::Contacts.our_field());
    let answered = crm.reply(&["Contacts", "drift-check-nobody"], &[], &external, soon()).await;
    let (is_absent, found) = match seen(survey, CHECK, answered, code) {
        Some(Seen::Nothing) => (true, "204, no body".to_owned()),
        Some(Seen::Refused(reply, code)) => {
            let known = reply.status.as_u16() == 404 || (reply.status.as_u16() == 400 && code == "INVALID_DATA");
            (known, refusal(&reply, &code))
        }
        Some(Seen::Body(..)) => (false, "a record".to_owned()),
        None => return,
    };
    survey.settle(Point::UnknownExternalId, found.clone());
    survey.holds(CHECK, is_absent, found, "a record that is not there would not be taken as absent");
}

async fn searches(crm: &Crm, survey: &mut Survey<'_>) {
    survey.asks("search");
    let answered = crm.reply(&["Contacts", "search"], &[("email", NOBODY)], "", soon()).await;
    match seen(survey, "search", answered, code) {
        Some(Seen::Body(..) | Seen::Nothing) => survey.settle(Point::SearchScope, "it does not"),
        Some(Seen::Refused(reply, code)) => survey.settle(Point::SearchScope, refusal(&reply, &code)),
        None => {}
    }
    survey.asks("query");
    let answered = crm.query_reply("select id from Contacts where id is not null limit 201", soon()).await;
    match seen(survey, "query", answered, code) {
        Some(Seen::Body(..) | Seen::Nothing) => survey.settle(Point::CoqlRows, "more than 200"),
        Some(Seen::Refused(reply, code)) => survey.settle(Point::CoqlRows, refusal(&reply, &code)),
        None => {}
    }
}
