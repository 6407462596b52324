//! Lists: pages of rows with Zoho's `page_context`, newest first unless asked otherwise.

use super::call::Call;
use super::errors::Refusal;
use super::ids::Id;
use super::lookups::Lookup;
use super::reply::{Answer, Object, Reply};

const MAX_PER_PAGE: usize = 200;

/// A list's names: its key in the answer, its report and the filter that was asked for.
pub(super) struct Listing<'a> {
    pub(super) key: &'static str,
    pub(super) report: &'static str,
    pub(super) filter: &'a str,
}

impl Listing<'_> {
    /// The page that the call asks for. Ids grow with the time of creation: they are the order.
    pub(super) fn answer(&self, call: &Call<'_>, ids: impl Iterator<Item = Id>, row: impl Fn(Id) -> Object) -> Answer {
        let number = |name: &str, default: usize| match call.query(name) {
            None | Some("") => Ok(default),
            Some(text) => text.parse().ok().filter(|n| *n > 0).ok_or_else(|| Refusal::invalid(name)),
        };
        let page = number("page", 1)?;
        let per_page = number("per_page", MAX_PER_PAGE)?.min(MAX_PER_PAGE);
        let order = match call.query("sort_order") {
            None | Some("D") => "D",
            Some("A") => "A",
            Some(_) => return Err(Refusal::invalid("sort_order")),
        };
        if call.query("sort_column").is_some_and(|column| column != "created_time") {
            return Err(Refusal::invalid("sort_column"));
        }
        let mut ids: Vec<Id> = ids.collect();
        ids.sort_unstable();
        if order == "D" {
            ids.reverse();
        }
        let skipped = (page - 1).saturating_mul(per_page);
        let copies = if call.lookup == Lookup::Doubled { 2 } else { 1 };
        let ids_here = ids.iter().skip(skipped).take(per_page);
        let rows: Vec<Object> = ids_here.flat_map(|id| std::iter::repeat_n(row(*id), copies)).collect();
        let context = Object::new()
            .with("page", page)
            .with("per_page", per_page)
            .with("has_more_page", ids.len() > skipped.saturating_add(per_page))
            .with("report_name", self.report)
            .with("applied_filter", self.filter)
            .with("sort_column", "created_time")
            .with("sort_order", order);
        Ok(Reply::ok("success").with(self.key, rows).with("page_context", context))
    }
}

/// The part of `filter_by` behind `prefix` (`Status.`), or `All`.
pub(super) fn filter_by<'a>(call: &'a Call<'_>, prefix: &str) -> Result<&'a str, Refusal> {
    match call.query("filter_by") {
        None | Some("") => Ok("All"),
        Some(text) => text.strip_prefix(prefix).ok_or_else(|| Refusal::invalid("filter_by")),
    }
}
