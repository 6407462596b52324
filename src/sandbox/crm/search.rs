//! Searches: by e-mail, phone, word or criteria, over an index that lags behind what was written.

use super::call::{Answer, Call, Route, route};
use super::conditions::{Column, Condition, Test, is_operand};
use super::errors::Refusal;
use super::ids::Id;
use super::pages::{self, Page};
use super::schema::Type;
use super::state::{Record, State, Version};
use crate::faults::Sight;
use axum::routing::MethodFilter;
use chrono::TimeDelta;
use serde_json::{Value, json};

/// Conditions of one search.
const CONDITIONS: usize = 15;

pub(super) const ROUTES: &[Route] = &[route("record.search", MethodFilter::GET, "/{module}/search", search)];

fn search(call: &mut Call<'_>) -> Answer {
    let module = call.module()?;
    let names: Option<Vec<String>> =
        super::record_calls::fields(call)?.map(|names| names.into_iter().map(str::to_owned).collect());
    let page = Page::of(call)?;
    if ["criteria", "email", "phone", "word"].iter().all(|name| call.query(name).is_none()) {
        return Err(Refusal::missing_param("criteria"));
    }
    let look = indexed(call);
    let wanted = Wanted::of(call, module)?;
    let found = wanted.among(call.org.state, module, |record| record.seen(look));
    let found = look.twins(found, |id| call.org.state.twin(*id));
    let names: Option<Vec<&str>> = names.as_ref().map(|names| names.iter().map(String::as_str).collect());
    let state = &call.org.state;
    Ok(pages::answer(&page, call.org.now, &found, |id| {
        let record = &state.records[id];
        state.render(record, record.seen(look).unwrap_or_else(|| record.now()), names.as_deref())
    }))
}

/// The records that a count's or search's query describes; all of the module where it describes none.
pub(super) fn found(call: &Call<'_>) -> Result<Vec<Id>, Refusal> {
    let module = call.module()?;
    let look = call.look();
    let wanted = Wanted::of(call, module)?;
    Ok(wanted.among(call.org.state, module, |record| record.seen(look)))
}

/// What the search sees: the index is behind by the organisation's lag, or by what a fault orders.
fn indexed(call: &Call<'_>) -> Sight {
    let lag = TimeDelta::seconds(call.org.state.settings.search_lag_seconds);
    call.look().behind(lag, call.org.now)
}

/// What is searched; the parameters count in this order, the first one given alone.
enum Wanted {
    Criteria(Condition),
    Kind(fn(&Type) -> bool, String),
    Word(String),
    All,
}

impl Wanted {
    fn of(call: &Call<'_>, module: &str) -> Result<Self, Refusal> {
        if let Some(text) = call.query("criteria") {
            return Criteria { state: call.org.state, module, rest: text.trim(), count: 0 }.read().map(Self::Criteria);
        }
        if let Some(email) = call.query("email") {
            return Ok(Self::Kind(|kind| *kind == Type::Email, email.to_owned()));
        }
        if let Some(phone) = call.query("phone") {
            return Ok(Self::Kind(|kind| *kind == Type::Phone, phone.to_owned()));
        }
        match call.query("word") {
            Some(word) if word.chars().count() < 2 => Err(Refusal::invalid_param("word")),
            Some(word) => Ok(Self::Word(word.to_lowercase())),
            None => Ok(Self::All),
        }
    }

    fn among<'s>(&self, state: &'s State, module: &str, sees: impl Fn(&'s Record) -> Option<&'s Version>) -> Vec<Id> {
        let all = state.of_module(module).filter(|record| sees(record).is_some_and(|v| self.fits(state, record, v)));
        all.map(|record| record.id).collect()
    }

    fn fits(&self, state: &State, record: &Record, version: &Version) -> bool {
        let fields = || state.known_module(record.module).fields.iter();
        let text = |name: &str| version.values.get(name).and_then(Value::as_str).unwrap_or_default();
        match self {
            Self::Criteria(condition) => condition.holds(state, record, version),
            Self::Kind(of, wanted) => {
                fields().any(|field| of(&field.kind) && text(&field.api_name).eq_ignore_ascii_case(wanted))
            }
            Self::Word(word) => {
                let own = fields().filter(|field| !matches!(field.kind, Type::Lookup(_)));
                let mut words = own.flat_map(|field| text(&field.api_name).split_whitespace());
                words.any(|held| held.to_lowercase().starts_with(word.as_str()))
                    || fields().any(|field| text(&field.api_name).eq_ignore_ascii_case(word))
            }
            Self::All => true,
        }
    }
}

/// Reads `((Last_Name:equals:Doe)and(Email:starts_with:j))`; a backslash takes the next character as it is.
struct Criteria<'a> {
    state: &'a State,
    module: &'a str,
    rest: &'a str,
    count: usize,
}

impl Criteria<'_> {
    fn read(mut self) -> Result<Condition, Refusal> {
        // A single condition may come without its outer parentheses.
        let whole = if self.rest.starts_with('(') { self.group()? } else { self.leaf()? };
        if self.rest.is_empty() { Ok(whole) } else { Err(self.wrong("the end of the criteria is expected")) }
    }

    fn wrong(&self, reason: &str) -> Refusal {
        let near: String = self.rest.chars().take(20).collect();
        Refusal::query("invalid query formed", json!({ "reason": reason, "near": near }))
    }

    /// One or more parts in parentheses, joined by one kind of word.
    fn group(&mut self) -> Result<Condition, Refusal> {
        let mut parts = vec![self.part()?];
        let mut joined_by = None;
        loop {
            let (word, rest) = match (self.rest.strip_prefix("and"), self.rest.strip_prefix("or")) {
                (Some(rest), _) => ("and", rest),
                (None, Some(rest)) => ("or", rest),
                (None, None) => break,
            };
            if joined_by.is_some_and(|before| before != word) {
                return Err(self.wrong("`and` and `or` are mixed without parentheses"));
            }
            joined_by = Some(word);
            self.rest = rest.trim_start();
            parts.push(self.part()?);
        }
        Ok(if joined_by == Some("or") { Condition::Any(parts) } else { Condition::All(parts) })
    }

    fn part(&mut self) -> Result<Condition, Refusal> {
        let Some(rest) = self.rest.strip_prefix('(') else { return Err(self.wrong("`(` is expected")) };
        self.rest = rest.trim_start();
        let inside = if self.rest.starts_with('(') { self.group()? } else { self.leaf()? };
        let Some(rest) = self.rest.strip_prefix(')') else { return Err(self.wrong("`)` is expected")) };
        self.rest = rest.trim_start();
        Ok(inside)
    }

    /// `Field:operator:value`.
    fn leaf(&mut self) -> Result<Condition, Refusal> {
        self.count += 1;
        if self.count > CONDITIONS {
            return Err(self.wrong("there are more than fifteen conditions"));
        }
        let name = self.until(&[':'])?.concat();
        let operator = self.until(&[':'])?.concat();
        let operands = self.until(&[')'])?;
        let column = Column::of(self.state, self.module, name.trim());
        let column = column.ok_or_else(|| {
            Refusal::query("invalid query formed", json!({ "reason": "invalid field", "api_name": name.trim() }))
        })?;
        let test = match operator.trim() {
            "equals" => Test::Equal,
            "not_equal" => Test::NotEqual,
            "starts_with" => Test::StartsWith,
            "greater_than" => Test::Greater,
            "greater_equal" => Test::GreaterEqual,
            "less_than" => Test::Less,
            "less_equal" => Test::LessEqual,
            "between" => Test::Between,
            "in" => Test::In,
            other => {
                let details = json!({ "reason": "invalid operator", "operator": other, "api_name": column.name });
                return Err(Refusal::query("invalid query formed", details));
            }
        };
        // Only these two take several values; for the others a comma is part of the text.
        let operands = if matches!(test, Test::In | Test::Between) { operands } else { vec![operands.join(",")] };
        if operands.iter().any(|operand| operand.is_empty() || !is_operand(&column.kind, operand)) {
            let details = json!({ "reason": "invalid value", "api_name": column.name });
            return Err(Refusal::query("invalid query formed", details));
        }
        Ok(Condition::One { column, test, operands })
    }

    /// The text up to one of these characters, split at commas; a colon that ends a name is passed, a parenthesis not.
    fn until(&mut self, ends: &[char]) -> Result<Vec<String>, Refusal> {
        let mut parts = vec![String::new()];
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            let taken = match c {
                '\\' => chars.next().map(|(_, escaped)| escaped),
                ',' => {
                    parts.push(String::new());
                    None
                }
                end if ends.contains(&end) => {
                    self.rest = &self.rest[at + usize::from(end == ':')..];
                    return Ok(parts);
                }
                other => Some(other),
            };
            parts.last_mut().expect("there is a part from the beginning").extend(taken);
        }
        if ends.contains(&':') {
            return Err(self.wrong("`Field:operator:value` is expected"));
        }
        self.rest = "";
        Ok(parts)
    }
}
