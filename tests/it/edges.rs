//! Every edge of the flows has a test: the list of edges, the tests by their names, and the table of both in
//! `docs/EDGES.md`, which `UPDATE_DOCS=1` writes anew.

use crate::sources::{Source, rust};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const LIST: &str = include_str!("../fixtures/edges.txt");

/// Folders whose tests belong to one section, where their file does not say another.
const SECTIONS: [(&str, &str); 7] = [
    ("tests/it/activation/", "2.1"),
    ("tests/it/cancellation/", "2.6"),
    ("tests/it/erasure/", "2.27"),
    ("tests/it/hand_over/", "2.19"),
    ("tests/it/plan_change/", "2.5"),
    ("tests/it/sign_up/", "2.20"),
    ("tests/it/zoho_native/", "2.18"),
];

/// What a line of the list says.
struct Edge {
    number: String,
    happens: String,
    named: Vec<String>,
    /// Why it has no test.
    without: Option<String>,
}

/// A section of the list with its edges.
struct Section {
    title: String,
    edges: Vec<Edge>,
}

fn list() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in LIST.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        if let Some(title) = line.strip_prefix("## ") {
            sections.push(Section { title: title.to_owned(), edges: Vec::new() });
            continue;
        }
        let mut cells = line.split(" | ").map(str::to_owned);
        let (Some(number), Some(happens)) = (cells.next(), cells.next()) else { continue };
        let proof = cells.next();
        let is_excuse = |proof: &&String| proof.starts_with("waits: ") || proof.starts_with("later: ");
        let without = proof.as_ref().filter(is_excuse).cloned();
        let named = proof.filter(|proof| !is_excuse(&proof));
        let named = named.map(|names| names.split(", ").map(str::to_owned).collect()).unwrap_or_default();
        sections.last_mut().expect("an edge stands below a title").edges.push(Edge { number, happens, named, without });
    }
    sections
}

/// The names of all tests, with the files in which they stand.
fn tests() -> Vec<(String, PathBuf)> {
    let mut tests = Vec::new();
    for Source { path, text } in rust() {
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let name =
                line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ").and_then(|l| l.split('(').next());
            if let (true, Some(name)) = (is_test, name) {
                is_test = false;
                tests.push((name.to_owned(), path.clone()));
            }
        }
    }
    tests
}

/// The edges that the name of a test says it shows: `e12_e13_…` of its file's section, `s2_9_e1_…` of another.
fn shown(name: &str, file: &Path) -> Vec<String> {
    let mut words = name.split('_').peekable();
    let mut section = section_of(file);
    if words.peek() == Some(&"s2") {
        words.next();
        section = words.next().map(|number| format!("2.{number}"));
    }
    let Some(section) = section else { return Vec::new() };
    let is_edge = |word: &&str| {
        word.strip_prefix('e').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    words.take_while(is_edge).map(|edge| format!("{section}-{edge}")).collect()
}

fn section_of(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    if let Some(rest) = stem.strip_prefix("s2_") {
        return rest.split('_').next().map(|number| format!("2.{number}"));
    }
    let path = file.to_str()?;
    SECTIONS.iter().find(|(folder, _)| path.starts_with(folder)).map(|(_, section)| (*section).to_owned())
}

#[test]
fn every_edge_has_a_test_and_every_test_of_an_edge_has_one() {
    let tests = tests();
    let mut by_edge: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, file) in &tests {
        for edge in shown(name, file) {
            by_edge.entry(edge).or_default().push(name.clone());
        }
    }
    let (mut faults, mut page) = (Vec::new(), HEAD.to_owned());
    for section in list() {
        let _ = write!(page, "\n## {}\n\n| edge | what happens | shown by |\n| --- | --- | --- |\n", section.title);
        for edge in section.edges {
            let mut names = by_edge.remove(&edge.number).unwrap_or_default();
            for name in &edge.named {
                if !tests.iter().any(|(known, _)| known == name) {
                    faults.push(format!("{}: there is no test `{name}`", edge.number));
                }
                names.push(name.clone());
            }
            names.dedup();
            match (&edge.without, names.is_empty()) {
                (None, true) => faults.push(format!("{} has no test: {}", edge.number, edge.happens)),
                (Some(_), false) => faults.push(format!("{} has a test: take its excuse off the list", edge.number)),
                (None, false) | (Some(_), true) => {}
            }
            let by = edge
                .without
                .unwrap_or_else(|| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join("<br>"));
            let _ = writeln!(page, "| {} | {} | {by} |", edge.number, edge.happens);
        }
    }
    faults.extend(by_edge.into_iter().map(|(edge, names)| format!("{edge} is not on the list: {}", names.join(", "))));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/EDGES.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("the page can be written");
    }
    let stands = fs::read_to_string(&path).unwrap_or_default();
    assert!(stands == page, "docs/EDGES.md is not what list and tests say: run this test with UPDATE_DOCS=1");
}

const HEAD: &str = "# Edges\n\nWhat can go otherwise in each flow, and the tests that show what happens then. Written by \
`tests/it/edges.rs` from `tests/fixtures/edges.txt` and the names of the tests; CI fails on an edge without one. An edge that \
*waits* needs something that is not built yet; one that comes *later* is foreseen and not promised.\n";
