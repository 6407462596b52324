//! The opening of the books, as finance proposes it: a list as CSV with the vendors' totals in it, read whole, each fault named;
//! and what people say of it. Posts nothing, and asks no vendor.

use crate::engine::items::Body;
use crate::intake::imports::{Fault, line_of, what_is_wrong, whole};
use crate::store::items::NewItem;
use crate::store::schema::Stamp;
use chrono::{DateTime, Utc};
use iso_currency::Currency;
use sagas::books_opening::{BooksOpening, Command, Item, Kind, Proposal, Total};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::money::Money;
use sagas::kernel::saga::Saga;
use std::collections::BTreeSet;

/// So many lines at most make an opening position.
pub const LINES_AT_MOST: usize = 5_000;
/// In the column `id`: the line is the vendor's total of its kind and currency.
const TOTAL: &str = "total";
const HEADER: [&str; 4] = ["kind", "id", "currency", "amount"];

/// What finance says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Its lines, in the file's order.
    pub items: Vec<Item>,
    /// What they have to add up to.
    pub totals: Vec<Total>,
}

/// Who proposes it, and why.
#[derive(Debug, Clone)]
pub struct By {
    /// A principal, `token:ada`.
    pub principal: String,
    /// In a sentence, for the record.
    pub reason: String,
    /// This installation asks for no second person.
    pub alone: bool,
}

/// The header, below an explanation of each column and kind.
pub fn template() -> String {
    let mut text =
        "# The opening position: one line for each thing that is open at the instant at which the books open.\n\
                    # kind: what it is\n"
            .to_owned();
    for kind in Kind::ALL {
        text.extend(["#   ", kind.word(), ": ", meaning(kind), "\n"]);
    }
    text.push_str(
        "# id: as below `kind`; or `total`: the vendor's own total of that kind and currency, which its lines have to add up to\n\
         # currency: three letters, ISO 4217\n\
         # amount: e.g. 49.00\n",
    );
    text.push_str(&HEADER.join(","));
    text.push('\n');
    text
}

const fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::Receivable => "what an invoice owes, by Zoho invoice id (1200)",
        Kind::Credit => "credit notes not used and excess payments, by Zoho customer id (2110)",
        Kind::Unapplied => "captured and not recorded in Zoho, by Braintree transaction id (2100)",
        Kind::Submitted => "captured and not settled, by Braintree transaction id (1110)",
        Kind::Settled => "settled and not disbursed, by Braintree transaction id (1120)",
        Kind::InTransit => "disbursed and not at the bank, by a reference of your own (1020)",
        Kind::Disputed => "taken for an open dispute, by a reference of your own (1130)",
        Kind::RefundOwed => "an approved refund that is not sent, by a reference of your own (2120)",
    }
}

/// Reads a list.
///
/// # Errors
/// All that is wrong with it, line by line.
pub fn read(bytes: &[u8]) -> Result<Position, Vec<Fault>> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(bytes);
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(e) => return Err(vec![whole(1, format!("it is no CSV in UTF-8: {e}"))]),
    };
    let header_line = line_of(bytes, headers.position());
    if headers.iter().ne(HEADER) {
        return Err(vec![whole(header_line, format!("expected the header `{}`", HEADER.join(",")))]);
    }
    let (mut position, mut faults) = (Position { items: Vec::new(), totals: Vec::new() }, Vec::new());
    let mut seen = BTreeSet::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = line_of(bytes, record.position());
                if let Err(fault) = row(&mut position, &mut seen, line, &record) {
                    faults.push(fault);
                }
            }
            Err(e) => faults.push(whole(line_of(bytes, e.position()), what_is_wrong(&e))),
        }
    }
    if position.items.len() > LINES_AT_MOST {
        faults.push(whole(header_line, format!("{} lines: expected {LINES_AT_MOST} at most", position.items.len())));
    }
    if position.items.is_empty() && position.totals.is_empty() && faults.is_empty() {
        faults.push(whole(header_line, "there is no line below the header".to_owned()));
    }
    if faults.is_empty() { Ok(position) } else { Err(faults) }
}

fn row(
    position: &mut Position,
    seen: &mut BTreeSet<(Kind, String, &'static str)>,
    line: u64,
    record: &csv::StringRecord,
) -> Result<(), Fault> {
    let text = |n: usize| record.get(n).unwrap_or_default();
    let fault = |field: &str, what: String| Fault { line, field: field.to_owned(), what };
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == text(0)) else {
        let words = Kind::ALL.map(Kind::word).join(", ");
        return Err(fault("kind", format!("`{}`: expected one of {words}", text(0))));
    };
    let id = text(1);
    if id.is_empty() || id.len() > 100 || id.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(fault(
            "id",
            format!("`{id}`: expected an id of at most 100 characters, without spaces, or `total`"),
        ));
    }
    let currency: Currency = text(2)
        .parse()
        .map_err(|_| fault("currency", format!("`{}`: expected three letters of ISO 4217, e.g. EUR", text(2))))?;
    let amount = Money::parse(text(3), currency).map_err(|e| fault("amount", e.to_string()))?;
    if !seen.insert((kind, id.to_owned(), currency.code())) {
        return Err(fault("id", format!("`{id}` stands in an earlier line of its kind already: expected each once")));
    }
    if id == TOTAL {
        position.totals.push(Total { kind, amount });
    } else if amount.minor == 0 {
        return Err(fault("amount", "is zero: expected what is open".to_owned()));
    } else {
        position.items.push(Item { line, kind, id: id.to_owned(), amount });
    }
    Ok(())
}

/// The order that proposes it.
///
/// # Errors
/// The installation's prefix is none.
pub fn proposed(position: Position, open_at: DateTime<Utc>, stamp: &Stamp, by: &By) -> Result<NewItem, String> {
    let Position { items, totals } = position;
    let proposal = Proposal {
        organization: stamp.zoho_organisation.clone(),
        installation: Installation::new(&stamp.prefix)?,
        open_at,
        items,
        totals,
        reason: by.reason.clone(),
        by: by.principal.clone(),
        alone: by.alone,
    };
    let command = Command::Propose { proposal: Box::new(proposal) };
    Ok(item(stamp, "operator.propose_opening", &command, &by.principal))
}

/// A second person agrees.
pub fn approved(stamp: &Stamp, principal: &str, reason: &str) -> NewItem {
    let command = Command::Approve { reason: reason.to_owned(), by: principal.to_owned() };
    item(stamp, "operator.approve_opening", &command, principal)
}

/// It is not agreed to, or withdrawn.
pub fn withdrawn(stamp: &Stamp, principal: &str, reason: &str) -> NewItem {
    let command = Command::Withdraw { reason: reason.to_owned(), by: principal.to_owned() };
    item(stamp, "operator.withdraw_opening", &command, principal)
}

/// The one opening of this installation's books.
pub fn saga(stamp: &Stamp) -> SagaId {
    BooksOpening::id(&stamp.zoho_organisation)
}

fn item(stamp: &Stamp, kind: &str, command: &Command, principal: &str) -> NewItem {
    let command = serde_json::to_value(command).expect("a command of plain texts, numbers and days always serialises");
    NewItem {
        saga: saga(stamp),
        saga_kind: BooksOpening::NAME.to_owned(),
        kind: kind.to_owned(),
        principal: principal.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        read(text.as_bytes()).expect_err("it has faults").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_template_is_a_list_without_a_line() {
        let lines = template().lines().count();
        assert_eq!(faults(&template()), [format!("line {lines}: there is no line below the header")]);
        let filled = format!("{}receivable,77,EUR,49.00\nreceivable,total,EUR,49.00\n", template());
        let position = read(filled.as_bytes()).expect("a list");
        assert_eq!((position.items.len(), position.totals.len()), (1, 1));
        assert_eq!(position.items[0].line, u64::try_from(lines).expect("few") + 1);
        assert_eq!(position.items[0].amount.minor, 4_900);
    }

    #[test]
    fn each_fault_is_named_with_its_line_its_field_and_what_was_expected() {
        let list = "kind,id,currency,amount\n\
                    invoice,77,EUR,1.00\n\
                    receivable,7 7,EUR,1.00\n\
                    receivable,77,Euro,1.00\n\
                    receivable,77,EUR,1.005\n\
                    receivable,78,EUR,0.00\n\
                    # a remark\n\
                    credit,zc1,EUR,1.00\n\
                    credit,zc1,EUR,2.00\n\
                    credit,zc1,EUR\n";
        let named = faults(list);
        let starts = [
            "line 2, kind",
            "line 3, id",
            "line 4, currency",
            "line 5, amount",
            "line 6, amount",
            "line 9, id",
            "line 10",
        ];
        assert_eq!(named.len(), starts.len(), "{named:#?}");
        for (fault, start) in named.iter().zip(starts) {
            assert!(fault.starts_with(start), "{fault}: {start}");
        }
        assert!(faults("id,kind\n1,2\n")[0].contains("expected the header"));
    }
}
