//! Scenario files: a world and its faults as steps in TOML, to be played from the start or carried by a bug report. Each step is one
//! order of the control API; what an order answered can be named and used by later steps. A scenario of what was ordered
//! so far can be taken from a running sandbox: ids that it made are named there, since another run makes others.

use super::World;
use super::orders::{About, Done, Refused, carry_out};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Shorter texts are no ids: replaced wherever they stand, they would spoil what a person typed.
const ID_AT_LEAST: usize = 8;

/// A file of steps.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What it shows, for people.
    #[allow(dead_code, reason = "it is there to be read in the file")]
    title: Option<String>,
    #[serde(default)]
    step: Vec<Map<String, Value>>,
}

/// Plays a file from its first step to its last; what each answered.
///
/// # Errors
/// The file is none, or a step cannot be carried out: which, and why. The steps before it are done.
pub async fn play(world: &World, text: &str) -> Result<Vec<Value>, Refused> {
    let scenario: Scenario = toml::from_str(text).map_err(|error| Refused::new("scenario", error.to_string()))?;
    let orders =
        scenario.step.iter().enumerate().map(|(at, step)| read(at + 1, step)).collect::<Result<Vec<_>, _>>()?;
    let (mut saved, mut answers) = (BTreeMap::new(), Vec::new());
    for (at, (about, mut order, name)) in orders.into_iter().enumerate() {
        let number = at + 1;
        put_in(&mut order, &saved).map_err(|what| Refused::new(&format!("step {number}"), what))?;
        let answer = carry_out(world, about, order).await.map_err(|refused| {
            let field = refused.field.map(|field| format!(".{field}")).unwrap_or_default();
            Refused::new(&format!("step {number}: {}{field}", about.name()), refused.message)
        })?;
        if let Some(name) = name {
            saved.insert(name, answer.clone());
        }
        answers.push(answer);
    }
    Ok(answers)
}

/// A step: what it is about, the order, and the name of its answer.
fn read(number: usize, step: &Map<String, Value>) -> Result<(About, Value, Option<String>), Refused> {
    let wrong = |what: String| Refused::new(&format!("step {number}"), what);
    let name = match step.get("save") {
        None => None,
        Some(Value::String(name)) if is_name(name) => Some(name.clone()),
        Some(_) => return Err(wrong("`save`: expected a name of letters, digits and `_`".to_owned())),
    };
    let mut orders = step.iter().filter(|(key, _)| *key != "save");
    let (Some((key, order)), None) = (orders.next(), orders.next()) else {
        return Err(wrong(format!("expected one of {}, and perhaps `save`", names())));
    };
    let about = About::ALL.into_iter().find(|about| about.name() == key);
    let about = about.ok_or_else(|| wrong(format!("`{key}`: expected one of {}", names())))?;
    Ok((about, order.clone(), name))
}

fn names() -> String {
    About::ALL.map(About::name).join(", ")
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Puts what was saved where a text is `${name.field}`, or has that in it.
fn put_in(order: &mut Value, saved: &BTreeMap<String, Value>) -> Result<(), String> {
    match order {
        Value::String(text) => {
            while let Some((before, rest)) = text.split_once("${") {
                let (path, after) = rest.split_once('}').ok_or_else(|| format!("`{text}`: no `}}` after `${{`"))?;
                let found = find(saved, path)?;
                if before.is_empty() && after.is_empty() {
                    *order = found.clone();
                    return Ok(());
                }
                let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
                *text = format!("{before}{found}{after}");
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| put_in(item, saved)),
        Value::Object(fields) => fields.values_mut().try_for_each(|field| put_in(field, saved)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn find<'a>(saved: &'a BTreeMap<String, Value>, path: &str) -> Result<&'a Value, String> {
    let (name, fields) = path.split_once('.').unwrap_or((path, ""));
    let answer = saved.get(name).ok_or_else(|| format!("`${{{path}}}`: no earlier step saves `{name}`"))?;
    let pointer = if fields.is_empty() { String::new() } else { format!("/{}", fields.replace('.', "/")) };
    answer.pointer(&pointer).ok_or_else(|| format!("`${{{path}}}`: `{name}` is {answer}"))
}

/// All orders so far as a file.
pub fn of(world: &World) -> String {
    let done = world.journal.list();
    let mut known: Vec<(String, String)> = Vec::new();
    let mut steps = Vec::new();
    for (at, Done { about, order, answer }) in done.into_iter().enumerate() {
        let mut order = without_nulls(order);
        name_in(&mut order, &known);
        let name = format!("s{}", at + 1);
        // A fault's answer is all faults, and the clock's is the time: nothing in them is an id.
        if about == About::Staff {
            collect(&answer, &name, &mut known);
        }
        steps.push((about, order, name));
    }
    let written = |(about, order, name): (About, Value, String)| {
        let mut step = Map::new();
        step.insert(about.name().to_owned(), order);
        if about == About::Staff {
            step.insert("save".to_owned(), Value::String(name));
        }
        step
    };
    let file = BTreeMap::from([("step", steps.into_iter().map(written).collect::<Vec<_>>())]);
    toml::to_string(&file).expect("tables with text keys and no null")
}

/// TOML has no null, and in every order a null is what is absent.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// The ids in an answer, and how a later step names them.
fn collect(answer: &Value, path: &str, known: &mut Vec<(String, String)>) {
    match answer {
        Value::String(id) if id.len() >= ID_AT_LEAST && !known.iter().any(|(one, _)| one == id) => {
            known.push((id.clone(), format!("${{{path}}}")));
        }
        Value::Object(fields) => fields.iter().for_each(|(key, below)| collect(below, &format!("{path}.{key}"), known)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, below)| collect(below, &format!("{path}.{at}"), known));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn name_in(order: &mut Value, known: &[(String, String)]) {
    match order {
        Value::String(text) => {
            if let Some((_, name)) = known.iter().find(|(id, _)| id == text) {
                text.clone_from(name);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| name_in(item, known)),
        Value::Object(fields) => fields.values_mut().for_each(|field| name_in(field, known)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
