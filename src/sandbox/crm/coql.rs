//! `POST /crm/v8/coql`: queries, which read the database and not the lagging index.

use super::call::{Answer, Call, Reply, Route, route};
use super::conditions::{Column, Condition, Test, decimal, is_operand};
use super::coql_parse::{Query, Tree, parse};
use super::errors::{At, Refusal};
use super::ids::Id;
use super::schema::Type;
use super::state::{State, Version};
use axum::http::StatusCode;
use axum::routing::MethodFilter;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;

/// Rows of one answer, at most and by default.
const ROWS: u64 = 2000;
const DEFAULT_ROWS: u64 = 200;
/// Columns and conditions of one query.
const COLUMNS: usize = 50;
const CONDITIONS: usize = 25;

pub(super) const ROUTES: &[Route] = &[route("query", MethodFilter::POST, "/coql", query)];

fn query(call: &mut Call<'_>) -> Answer {
    let at = At { within: "$", key: "select_query" };
    let body = call.object()?;
    let text = body.get("select_query").ok_or_else(|| Refusal::missing(&at))?;
    let query = parse(text.as_str().ok_or_else(|| Refusal::mistyped(&at, "text"))?)?;
    let plan = Plan::of(call.org.state, &query)?;
    let look = call.look();
    let state = &*call.org.state;
    let holds = |record: &super::state::Record| {
        record.seen(look).is_some_and(|version| plan.condition.holds(state, record, version))
    };
    let found: Vec<Id> = state.of_module(plan.module).filter(|record| holds(record)).map(|record| record.id).collect();
    let mut found = look.twins(found, |id| call.org.state.twin(*id));
    let state = &*call.org.state;
    let version = |id: &Id| -> &Version {
        let record = &state.records[id];
        record.seen(look).unwrap_or_else(|| record.now())
    };
    found.sort_by(|a, b| plan.compare(state, (*a, version(a)), (*b, version(b))));
    let rows = found.iter().skip(plan.offset).take(plan.limit).map(|id| plan.row(state, *id, version(id)));
    let rows: Vec<Value> = rows.collect();
    if rows.is_empty() {
        return Ok(Reply::nothing());
    }
    let more = found.len() > plan.offset + rows.len();
    Ok(Reply::ok(json!({ "info": { "count": rows.len(), "more_records": more }, "data": rows })))
}

/// A query whose names all exist.
struct Plan {
    module: &'static str,
    columns: Vec<(String, Column)>,
    condition: Condition,
    order: Vec<(Column, bool)>,
    limit: usize,
    offset: usize,
}

impl Plan {
    fn of(state: &State, query: &Query) -> Result<Self, Refusal> {
        let module = state.module(&query.module).ok_or_else(|| {
            let details = json!({ "module": query.module, "reason": "invalid module" });
            Refusal::query("The module name given seems to be invalid", details)
        })?;
        if query.columns.len() > COLUMNS {
            return Err(too_many(COLUMNS, "columns"));
        }
        let limit = query.limit.unwrap_or(DEFAULT_ROWS);
        if limit > ROWS || limit == 0 {
            return Err(too_many(2000, "limit"));
        }
        let mut columns: Vec<(String, Column)> = Vec::new();
        for (name, alias) in &query.columns {
            let shown = alias.as_ref().unwrap_or(name);
            let column = column(state, module.api_name, name)?;
            if columns.iter().any(|(other, _)| other == shown) {
                let code = if alias.is_some() { "DUPLICATE_ALIAS" } else { "DUPLICATE_DATA" };
                let details = json!({ "column_name": shown });
                return Err(Refusal::new(StatusCode::BAD_REQUEST, code, "duplicate data", details));
            }
            columns.push((shown.clone(), column));
        }
        let mut left = CONDITIONS;
        let order = query.order.iter().map(|(name, ascending)| {
            // An alias may be sorted by as well.
            let named = columns.iter().find(|(shown, _)| shown == name).map(|(_, column)| column.clone());
            Ok((named.map_or_else(|| column(state, module.api_name, name), Ok)?, *ascending))
        });
        let order = order.collect::<Result<_, Refusal>>()?;
        Ok(Self {
            module: module.api_name,
            condition: condition(state, module.api_name, &query.condition, &mut left)?,
            order,
            columns,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            offset: usize::try_from(query.offset).unwrap_or(usize::MAX),
        })
    }

    /// One row: the columns under their alias, and the id always.
    fn row(&self, state: &State, id: Id, version: &Version) -> Value {
        let record = &state.records[&id];
        let mut row = Map::new();
        row.insert("id".to_owned(), id.into());
        for (name, column) in &self.columns {
            row.insert(name.clone(), column.shown(state, record, version));
        }
        Value::Object(row)
    }

    fn compare(&self, state: &State, a: (Id, &Version), b: (Id, &Version)) -> Ordering {
        let held = |column: &Column, (id, version): (Id, &Version)| column.held(state, &state.records[&id], version);
        let by = self.order.iter().map(|(column, ascending)| {
            let order = order_of(&held(column, a), &held(column, b));
            if *ascending { order } else { order.reverse() }
        });
        by.fold(Ordering::Equal, Ordering::then).then(a.0.cmp(&b.0))
    }
}

/// Numbers by value, all else by text; what is empty comes first.
fn order_of(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => decimal(&a.to_string()).cmp(&decimal(&b.to_string())),
        (Value::String(a), Value::String(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
        (a, b) => b.is_null().cmp(&a.is_null()),
    }
}

fn column(state: &State, module: &str, name: &str) -> Result<Column, Refusal> {
    // Tags are no column of a table.
    let column = Column::of(state, module, name).filter(|_| name != "Tag");
    let details = || json!({ "column_name": name, "module": module, "reason": "invalid column" });
    column.ok_or_else(|| Refusal::query("column given seems to be invalid", details()))
}

fn condition(state: &State, module: &str, tree: &Tree, left: &mut usize) -> Result<Condition, Refusal> {
    let mut all = |parts: &[Tree]| -> Result<Vec<Condition>, Refusal> {
        parts.iter().map(|part| condition(state, module, part, left)).collect()
    };
    let (name, operator, operands) = match tree {
        Tree::And(parts) => return all(parts).map(Condition::All),
        Tree::Or(parts) => return all(parts).map(Condition::Any),
        Tree::One(name, operator, operands) => (name, operator, operands),
    };
    *left = left.checked_sub(1).ok_or_else(|| too_many(CONDITIONS, "where"))?;
    let column = column(state, module, name)?;
    let test = match operator.as_str() {
        "=" => Test::Equal,
        "!=" => Test::NotEqual,
        "<" => Test::Less,
        "<=" => Test::LessEqual,
        ">" => Test::Greater,
        ">=" => Test::GreaterEqual,
        "in" => Test::In,
        "not in" => Test::NotIn,
        "between" => Test::Between,
        "not between" => Test::NotBetween,
        "like" => Test::Like,
        "not like" => Test::NotLike,
        "is null" => Test::Empty,
        _ => Test::NotEmpty,
    };
    let textual = !matches!(column.kind, Type::Currency | Type::Integer | Type::Boolean | Type::Date | Type::DateTime);
    if matches!(test, Test::Like | Test::NotLike) && !textual {
        let details = json!({ "column_name": name, "operator": operator, "data_type": column.kind.word() });
        return Err(Refusal::query("data type not supported", details));
    }
    if operands.iter().any(|operand| !is_operand(&column.kind, operand)) {
        let details = json!({ "column_name": name, "expected_data_type": column.kind.word(), "module": module });
        return Err(Refusal::query("value given seems to be invalid for the column", details));
    }
    Ok(Condition::One { column, test, operands: operands.clone() })
}

fn too_many(limit: usize, what: &str) -> Refusal {
    let details = json!({ "limit": limit, "clause": what });
    Refusal::new(StatusCode::BAD_REQUEST, "LIMIT_EXCEEDED", "Record count exceeded", details)
}
