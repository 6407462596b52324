//! The lines of an old system's list, as `import list` prints them: a table, CSV, JSON.

use super::{Exit, print};
use crate::store::log::StoredEvent;
use crate::store::query::SagaLine;
use sagas::kernel::ids::SagaId;
use serde_json::{Value, json};

pub(super) const HEADER: [&str; 9] = [
    "subscription",
    "state",
    "matched by",
    "Zoho subscription",
    "plan",
    "collector",
    "card",
    "next bill",
    "what to do",
];

/// A line, as people see it.
pub(super) struct Row {
    id: SagaId,
    old: String,
    state: String,
    /// The newest of what it was matched with.
    found: Value,
    /// What stands in the way, and the cure.
    todo: Vec<(String, String)>,
}

impl Row {
    pub(super) fn of(line: &SagaLine, events: &[StoredEvent]) -> Self {
        let newest = |names: &[&str]| {
            let event = events.iter().rev().find(|event| names.contains(&event.name.as_str()))?;
            serde_json::from_str::<Value>(&event.payload).ok()?.get("business").cloned()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut todo: Vec<(String, String)> = Vec::new();
        match line.state.as_str() {
            "Conflict" => {
                let last = newest(&["ConflictsFound", "LinkRefused"]).unwrap_or_default();
                let one = last.get("conflict").cloned();
                let all = last.get("conflicts").and_then(Value::as_array).cloned().unwrap_or_default();
                todo.extend(all.iter().chain(&one).map(|conflict| (text(&conflict["what"]), text(&conflict["cure"]))));
            }
            "OldWayCharges" => {
                let last = newest(&["OldWayCharged"]).unwrap_or_default();
                let what = format!("somebody else charged invoice {} after the hand-over", text(&last["invoice"]));
                todo.push((what, "see to it that the old way is off, then resume it".to_owned()));
            }
            "ShadowDiffers" => {
                let last = newest(&["ShadowDiffers"]).unwrap_or_default();
                let what = format!("{}, invoice {}", text(&last["why"]), text(&last["invoice"]));
                todo.push((what, "find out why, then `import explain`".to_owned()));
            }
            _ => {}
        }
        if let Some((code, detail, _)) = &line.parked {
            todo.push((format!("{code}: {detail}"), format!("`attio-billing saga show {}`", line.id)));
        }
        let found = newest(&["LineMatched"]).and_then(|event| event.get("found").cloned());
        let found = found.filter(|_| line.state != "Conflict").unwrap_or_default();
        Self { id: line.id, old: line.title.clone(), state: line.state.clone(), found, todo }
    }

    pub(super) fn cells(&self) -> Vec<String> {
        let text = |field: &str| self.found[field].as_str().unwrap_or_default().to_owned();
        let matched = !self.found.is_null();
        let collector = if matched && self.found["owner"].is_null() { "none".to_owned() } else { text("owner") };
        let card = match &self.found["card"] {
            Value::Null if matched => "none".to_owned(),
            card => {
                let part = |field: &str| card[field].as_str().unwrap_or_default().to_owned();
                format!("{} {}", part("brand"), part("last_four")).trim().to_owned()
            }
        };
        let todo: Vec<_> = self.todo.iter().map(|(what, cure)| format!("{what}: {cure}")).collect();
        vec![
            self.old.clone(),
            self.state.clone(),
            text("by"),
            text("zoho_subscription"),
            text("plan"),
            collector,
            card,
            text("next_billing_on"),
            todo.join("\n"),
        ]
    }

    pub(super) fn json(&self) -> Value {
        let todo: Vec<_> = self.todo.iter().map(|(what, cure)| json!({"what": what, "cure": cure})).collect();
        json!({"subscription": self.old, "state": self.state, "saga": self.id, "found": self.found, "todo": todo})
    }
}

/// A cell that a spreadsheet would take for a formula is kept as text.
pub(super) fn csv(rows: &[Row]) -> Result<(), Exit> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for row in rows {
        let safe = row
            .cells()
            .into_iter()
            .map(|cell| if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell });
        writer.write_record(safe)?;
    }
    let bytes = writer.into_inner().map_err(|e| anyhow::anyhow!("{e}"))?;
    print(String::from_utf8_lossy(&bytes).trim_end());
    Ok(())
}
