//! The table as people read it: Markdown for `docs/access.md`, words for the API's description.

use super::matrix::{Cell, Class, ROWS, Reach};
use super::roles::Role;
use super::routes::ROUTES;
use std::fmt::Write as _;

impl Cell {
    /// As the table shows it.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Yes => "✓",
            Self::No => "–",
            Self::Masked => "m",
            Self::OneCustomer => "one customer",
            Self::Request => "q",
            Self::Second => "2",
            Self::Limit => "L",
            Self::Few => "✓ ≤ 20, else 2",
            Self::Approves => "approves",
            Self::ApprovesMany => "approves > 20",
            Self::OwnQueue => "own queue",
        }
    }
}

impl Class {
    const fn letter(self) -> &'static str {
        match self {
            Self::Flow => "F",
            Self::Money => "M",
            Self::Personal => "P",
            Self::Settings => "S",
            Self::Proof => "X",
        }
    }
}

impl Reach {
    const fn words(self) -> &'static str {
        match self {
            Self::Api => "yes",
            Self::Line => "command line",
            Self::Later => "not yet",
        }
    }
}

/// The table, as it stands in `docs/access.md`.
pub fn table() -> String {
    let mut text = "| verb (class) | reachable |".to_owned();
    for role in Role::ALL {
        put(&mut text, format_args!(" {role} |"));
    }
    put(&mut text, format_args!("\n|{}\n", " --- |".repeat(2 + Role::ALL.len())));
    for row in &ROWS {
        let classes: Vec<_> = row.classes.iter().map(|class| class.letter()).collect();
        put(&mut text, format_args!("| {} ({}) | {} |", row.what, classes.join(", "), row.reach.words()));
        for cell in row.cells {
            put(&mut text, format_args!(" {} |", cell.sign()));
        }
        text.push('\n');
    }
    text
}

/// Every route and its rows of the table.
pub fn routes_table() -> String {
    let mut text = "| route | is to |\n| --- | --- |\n".to_owned();
    for route in &ROUTES {
        let what: Vec<_> = route.acts.iter().map(|act| act.row().what).collect();
        let answers = if route.answers { "answer a request to " } else { "" };
        put(&mut text, format_args!("| `{} {}` | {answers}{} |\n", route.method, route.path, what.join("; or ")));
    }
    text
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a String takes every line");
}
