//! What the organisation is made of: modules, fields, layouts, the pipeline of deals, users, the organisation itself.

use super::call::{Answer, Call, Reply, Route, route};
use super::errors::Refusal;
use super::ids::Id;
use super::schema::{Field, Module, PIPELINE, STAGES, Type, Unique};
use super::state::{State, Who};
use axum::routing::MethodFilter;
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    route("module.list", MethodFilter::GET, "/settings/modules", modules),
    route("module.get", MethodFilter::GET, "/settings/modules/{module}", module),
    route("field.list", MethodFilter::GET, "/settings/fields", fields),
    route("field.get", MethodFilter::GET, "/settings/fields/{id}", field),
    route("layout.list", MethodFilter::GET, "/settings/layouts", layouts),
    route("layout.get", MethodFilter::GET, "/settings/layouts/{id}", layout),
    route("pipeline.list", MethodFilter::GET, "/settings/pipeline", pipelines),
    route("related_list.list", MethodFilter::GET, "/settings/related_lists", related_lists),
    route("user.list", MethodFilter::GET, "/users", users),
    route("user.get", MethodFilter::GET, "/users/{id}", user),
    route("org.get", MethodFilter::GET, "/org", org),
];

/// The module that the query names.
fn queried<'c>(call: &'c Call<'_>) -> Result<&'c Module, Refusal> {
    let name = call.query("module").ok_or_else(|| Refusal::missing_param("module"))?;
    call.org.state.module(name).ok_or_else(Refusal::unknown_module)
}

/// The one of a resource's list whose `id` is in the path.
fn in_path(call: &Call<'_>, list: Vec<Value>) -> Result<Value, Refusal> {
    let id = call.param("id");
    list.into_iter().find(|one| one["id"] == id).ok_or_else(|| Refusal::unknown_id(json!({ "id": id })))
}

fn shown_module(module: &Module, at: usize) -> Value {
    json!({
        "id": module.id.to_string(),
        "api_name": module.api_name,
        "module_name": module.api_name,
        "singular_label": module.singular,
        "plural_label": module.api_name,
        "api_supported": true,
        "creatable": true,
        "editable": true,
        "deletable": true,
        "viewable": true,
        "visible": true,
        "show_as_tab": module.api_name != "Notes",
        "triggers_supported": true,
        "convertable": module.api_name == "Leads",
        "generated_type": "default",
        "sequence_number": at + 1,
        "status": "visible",
        "profiles": [],
        "parent_module": {},
        "modified_time": null,
        "modified_by": null,
    })
}

#[expect(clippy::unnecessary_wraps, reason = "handlers of a table of routes are of one kind")]
fn modules(call: &mut Call<'_>) -> Answer {
    let all = call.org.state.modules.iter().enumerate().map(|(at, module)| shown_module(module, at));
    Ok(Reply::ok(json!({ "modules": all.collect::<Vec<_>>() })))
}

fn module(call: &mut Call<'_>) -> Answer {
    let name = call.module()?;
    let mut all = call.org.state.modules.iter().enumerate();
    let shown = all.find(|(_, module)| module.api_name == name).map(|(at, module)| shown_module(module, at));
    Ok(Reply::ok(json!({ "modules": [shown] })))
}

/// A pick list's values, in their order.
fn pick_list(values: &[String], field: &Field) -> Vec<Value> {
    let one = |(at, value): (usize, &String)| {
        let mut shown = json!({
            "id": value_id(field.id, at),
            "display_value": value,
            "actual_value": value,
            "reference_value": value,
            "sequence_number": at + 1,
            "type": "used",
        });
        if let Some((_, probability, forecast)) =
            STAGES.iter().find(|(name, _, _)| field.api_name == "Stage" && name == value)
        {
            shown["probability"] = (*probability).into();
            shown["forecast_type"] = (*forecast).into();
        }
        shown
    };
    values.iter().enumerate().map(one).collect()
}

/// The id of the `at`-th value of a field: values have no life of their own here.
fn value_id(field: Id, at: usize) -> String {
    format!("{}{:02}", &field.to_string()[..17], at)
}

fn shown_field(state: &State, field: &Field, at: usize) -> Value {
    let (unique, external) = match field.unique {
        Unique::No => (json!({}), Value::Null),
        Unique::Yes => (json!({ "casesensitive": "false" }), Value::Null),
        Unique::External => {
            (json!({ "casesensitive": "true" }), json!({ "type": "org", "show": true, "allow_multiple_config": false }))
        }
    };
    let lookup = match field.kind {
        Type::Lookup(target) => {
            let module = target.and_then(|target| state.module(target));
            let module = module.map(|module| json!({ "api_name": module.api_name, "id": module.id.to_string() }));
            json!({ "display_label": field.api_name.replace('_', " "), "api_name": field.api_name,
                "module": module.unwrap_or_else(|| json!({ "api_name": "se_module", "id": null })) })
        }
        _ => json!({}),
    };
    let values = if let Type::Picklist(values) = &field.kind { pick_list(values, field) } else { Vec::new() };
    json!({
        "id": field.id.to_string(),
        "api_name": field.api_name,
        "field_label": field.api_name.replace('_', " "),
        "display_label": field.api_name.replace('_', " "),
        "data_type": field.kind.word(),
        "json_type": if field.api_name == "Tag" { "jsonarray" } else { field.kind.json() },
        "length": field.length,
        "system_mandatory": field.mandatory,
        "custom_field": field.custom,
        "read_only": field.read_only,
        "field_read_only": field.read_only,
        "visible": true,
        "searchable": true,
        "filterable": true,
        "sortable": true,
        "webhook": true,
        "type": "used",
        "sequence_number": at + 1,
        "created_source": "default",
        "unique": unique,
        "external": external,
        "lookup": lookup,
        "pick_list_values": values,
        "default_value": null,
    })
}

fn shown_fields(state: &State, module: &Module) -> Vec<Value> {
    module.fields.iter().enumerate().map(|(at, field)| shown_field(state, field, at)).collect()
}

fn fields(call: &mut Call<'_>) -> Answer {
    let module = queried(call)?;
    Ok(Reply::ok(json!({ "fields": shown_fields(call.org.state, module) })))
}

fn field(call: &mut Call<'_>) -> Answer {
    let module = queried(call)?;
    let found = in_path(call, shown_fields(call.org.state, module))?;
    Ok(Reply::ok(json!({ "fields": [found] })))
}

fn shown_layouts(state: &State, module: &Module) -> Vec<Value> {
    let section = json!({
        "display_label": format!("{} Information", module.singular),
        "name": format!("{} Information", module.singular),
        "api_name": format!("{}_Information", module.singular),
        "sequence_number": 1,
        "column_count": 2,
        "isSubformSection": false,
        "type": "used",
        "fields": shown_fields(state, module),
    });
    vec![json!({
        "id": module.layout.to_string(),
        "name": "Standard",
        "api_name": "Standard",
        "display_label": "Standard",
        "visible": true,
        "status": "active",
        "generated_type": "default",
        "source": "crm",
        "show_business_card": true,
        "profiles": [],
        "sections": [section],
    })]
}

fn layouts(call: &mut Call<'_>) -> Answer {
    let module = queried(call)?;
    Ok(Reply::ok(json!({ "layouts": shown_layouts(call.org.state, module) })))
}

fn layout(call: &mut Call<'_>) -> Answer {
    let module = queried(call)?;
    let found = in_path(call, shown_layouts(call.org.state, module))?;
    Ok(Reply::ok(json!({ "layouts": [found] })))
}

fn pipelines(call: &mut Call<'_>) -> Answer {
    let layout = call.query("layout_id").ok_or_else(|| Refusal::missing_param("layout_id"))?;
    let deals = call.org.state.known_module("Deals");
    if deals.layout.to_string() != layout {
        return Err(Refusal::unknown_id(json!({ "param_name": "layout_id" })));
    }
    let stage = deals.field("Stage").map_or(deals.id, |field| field.id);
    let map = |(at, (name, _, forecast)): (usize, &(&str, u8, &str))| {
        json!({
            "id": value_id(stage, at),
            "display_value": name,
            "actual_value": name,
            "sequence_number": at + 1,
            "forecast_type": forecast,
            "forecast_category": { "name": if *forecast == "Open" { "Pipeline" } else { "Closed" }, "id": value_id(deals.id, at) },
        })
    };
    let pipeline = json!({
        "id": value_id(deals.layout, 0),
        "display_value": PIPELINE,
        "actual_value": PIPELINE,
        "default": true,
        "child_available": false,
        "parent": null,
        "maps": STAGES.iter().enumerate().map(map).collect::<Vec<_>>(),
    });
    Ok(Reply::ok(json!({ "pipeline": [pipeline] })))
}

fn related_lists(call: &mut Call<'_>) -> Answer {
    let module = queried(call)?;
    let lists = super::related::lists(module.api_name);
    if lists.is_empty() {
        return Ok(Reply::nothing());
    }
    let shown = lists.iter().enumerate().map(|(at, name)| {
        let target = call.org.state.module(name);
        let target = target.map(|target| json!({ "api_name": target.api_name, "id": target.id.to_string() }));
        json!({
            "id": value_id(module.id, at),
            "api_name": name,
            "name": name,
            "display_label": name.replace('_', " "),
            "module": target,
            "sequence_number": (at + 1).to_string(),
            "href": format!("{}/{{ENTITYID}}/{name}", module.api_name),
            "type": "default",
            "visible": true,
        })
    });
    Ok(Reply::ok(json!({ "related_lists": shown.collect::<Vec<_>>() })))
}

fn shown_user(who: Who) -> Value {
    json!({
        "id": who.id().to_string(),
        "full_name": who.name(),
        "first_name": who.name().split_whitespace().next(),
        "last_name": who.name().split_whitespace().next_back(),
        "email": who.email(),
        "status": "active",
        "confirm": true,
        "type__s": "Regular User",
        "language": "en_US",
        "locale": "en_US",
        "time_zone": "Etc/UTC",
        "zuid": who.id().to_string(),
        "role": { "name": "CEO", "id": Id::nth(11).to_string() },
        "profile": { "name": "Administrator", "id": Id::nth(12).to_string() },
    })
}

fn users(call: &mut Call<'_>) -> Answer {
    let users: Vec<Value> = match call.query("type") {
        Some("CurrentUser") => vec![shown_user(Who::Integration)],
        None | Some("AllUsers" | "ActiveUsers" | "ActiveConfirmedUsers" | "AdminUsers") => {
            Who::ALL.map(shown_user).to_vec()
        }
        Some("DeactiveUsers" | "NotConfirmedUsers" | "DeletedUsers") => return Ok(Reply::nothing()),
        Some(_) => return Err(Refusal::invalid_param("type")),
    };
    let info = json!({ "per_page": 200, "count": users.len(), "page": 1, "more_records": false });
    Ok(Reply::ok(json!({ "users": users, "info": info })))
}

fn user(call: &mut Call<'_>) -> Answer {
    let found = in_path(call, Who::ALL.map(shown_user).to_vec())?;
    Ok(Reply::ok(json!({ "users": [found] })))
}

#[expect(clippy::unnecessary_wraps, reason = "handlers of a table of routes are of one kind")]
fn org(call: &mut Call<'_>) -> Answer {
    let own = &call.org.world.credentials.zoho;
    let org = json!({
        "id": Id::nth(10).to_string(),
        "zgid": own.organization_id,
        "company_name": "Sandbox",
        "primary_email": Who::Staff.email(),
        "currency": "US Dollar",
        "iso_code": "USD",
        "currency_symbol": "$",
        "currency_locale": "en_US",
        "country_code": "US",
        "time_zone": "Etc/UTC",
        "type": "production",
        "license_details": { "paid": true, "paid_type": "standard", "users_license_purchased": 2, "trial_expiry": null },
    });
    Ok(Reply::ok(json!({ "org": [org] })))
}
