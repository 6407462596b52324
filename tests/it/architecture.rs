//! Reads the source as text and checks the house rules that no compiler checks. Every finding says file and line.
//!
//! What a rule protects stands in `docs/ARCHITECTURE.md`. A rule that no longer fits is changed there and here, in one
//! commit that says why.

use crate::sources::{Source, files, is_word, root, rust};
use sagas::kernel::park::ParkCode;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What the modules of `src` may use: `crate::` modules and crates of I/O.
const MODULES: [Module; 29] = [
    Module { name: "access", may_use: &[], never: IO },
    Module { name: "clock", may_use: &[], never: IO },
    Module { name: "tls", may_use: &[], never: IO },
    Module { name: "port", may_use: &["clock"], never: IO },
    Module { name: "metrics", may_use: &[], never: IO },
    Module { name: "locale", may_use: &[], never: IO },
    Module { name: "brand", may_use: &["locale"], never: IO },
    Module { name: "config", may_use: &["brand", "clock"], never: IO },
    Module { name: "telemetry", may_use: &["config", "tls", "trace"], never: &["axum", "sqlx"] },
    Module { name: "trace", may_use: &[], never: IO },
    Module {
        name: "store",
        may_use: &["access", "clock", "config", "port", "tls", "trace"],
        never: &["axum", "reqwest"],
    },
    Module { name: "keys", may_use: &["store"], never: IO },
    Module {
        name: "mail",
        may_use: &["brand", "clock", "config", "port", "store", "tls"],
        never: &["axum", "reqwest"],
    },
    Module {
        name: "engine",
        may_use: &["access", "clock", "config", "keys", "mail", "metrics", "port", "store", "trace"],
        never: &["axum", "reqwest"],
    },
    Module { name: "connectors", may_use: &["clock", "config", "port", "tls", "trace"], never: &["axum", "sqlx"] },
    Module {
        name: "intake",
        may_use: &["checkout", "clock", "config", "port", "engine", "store", "connectors", "trace"],
        never: &["reqwest", "sqlx"],
    },
    Module { name: "checkout", may_use: &["brand", "config", "locale"], never: IO },
    Module {
        name: "http",
        may_use: &[
            "access",
            "checkout",
            "clock",
            "config",
            "engine",
            "metrics",
            "reconcile",
            "store",
            "intake",
            "trace",
        ],
        never: &["reqwest", "sqlx"],
    },
    Module {
        name: "reception",
        may_use: &["checkout", "clock", "connectors", "engine", "keys", "port", "store"],
        never: IO,
    },
    Module {
        name: "reconcile",
        may_use: &["clock", "config", "connectors", "engine", "port", "store"],
        never: &["axum", "reqwest"],
    },
    Module { name: "proof", may_use: &["config", "engine", "keys", "port", "store", "tls"], never: &["axum"] },
    Module { name: "watch", may_use: &["clock", "config", "mail", "store", "tls"], never: &["axum", "sqlx"] },
    Module { name: "sandbox", may_use: &[], never: &["sagas", "sqlx"] },
    Module { name: "app", may_use: EVERYTHING_BUT_CLI, never: &[] },
    Module { name: "demo", may_use: EVERYTHING_BUT_CLI, never: &[] },
    Module {
        name: "bench",
        may_use: &[
            "clock",
            "config",
            "connectors",
            "engine",
            "http",
            "intake",
            "keys",
            "metrics",
            "port",
            "store",
            "tls",
        ],
        never: &[],
    },
    Module { name: "cli", may_use: EVERYTHING, never: &[] },
    Module { name: "lib", may_use: &[], never: IO },
    Module { name: "main", may_use: EVERYTHING, never: &["sqlx", "reqwest", "axum"] },
];
const IO: &[&str] = &["axum", "reqwest", "sqlx"];
const EVERYTHING_BUT_CLI: &[&str] = &[
    "access",
    "app",
    "brand",
    "checkout",
    "clock",
    "config",
    "connectors",
    "demo",
    "engine",
    "http",
    "intake",
    "keys",
    "locale",
    "mail",
    "metrics",
    "port",
    "proof",
    "reception",
    "reconcile",
    "sandbox",
    "store",
    "telemetry",
    "trace",
    "watch",
];
const EVERYTHING: &[&str] = &[
    "access",
    "app",
    "bench",
    "brand",
    "checkout",
    "cli",
    "clock",
    "config",
    "connectors",
    "demo",
    "engine",
    "http",
    "intake",
    "keys",
    "locale",
    "mail",
    "metrics",
    "port",
    "proof",
    "reception",
    "reconcile",
    "sandbox",
    "store",
    "telemetry",
    "trace",
    "watch",
];
const VENDORS: [&str; 3] = ["attio", "braintree", "zoho"];

/// Longer than this, a file has more than one duty.
const LINES_AT_MOST: usize = 600;

/// A module of `src` and the directions that are open to it.
struct Module {
    name: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static str],
}

/// What broke a rule, and where.
#[derive(Default)]
struct Findings(String);

impl Findings {
    fn add(&mut self, source: &Source, line: usize, what: &str) {
        writeln!(self.0, "{}:{line}: {what}", source.path.display()).expect("a String takes every line");
    }

    #[track_caller]
    fn none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}

/// Whether a path below the crate's root is covered by one of the permissions; `*` stands for any one part.
fn allowed(path: &[String], may_use: &[&str]) -> bool {
    may_use.iter().any(|permission| {
        let wanted: Vec<_> = permission.split("::").collect();
        path.len() >= wanted.len() && path.iter().zip(wanted).all(|(part, wanted)| wanted == "*" || part == wanted)
    })
}

#[test]
fn every_module_uses_only_what_the_table_opens_to_it() {
    let mut findings = Findings::default();
    for source in files("src", ".rs") {
        let own = source.module().into_iter().next().unwrap_or_default();
        let Some(module) = MODULES.iter().find(|module| module.name == own) else {
            findings.add(&source, 1, &format!("module `{own}` is missing in the table of tests/it/architecture.rs"));
            continue;
        };
        for (line, path) in source.paths() {
            let Some((first, below)) = path.split_first() else { continue };
            let known = below.first().is_some_and(|top| MODULES.iter().any(|module| module.name == top));
            if first == "crate" && known && below.first() != Some(&own) && !allowed(below, module.may_use) {
                findings.add(&source, line, &format!("`{own}` may not use `{}`", path.join("::")));
            }
            if first == "sandbox" && !allowed(&path, module.may_use) {
                findings.add(&source, line, &format!("`{own}` may not use the crate `sandbox`"));
            }
            if module.never.contains(&first.as_str()) && !source.is_unit_tests() {
                findings.add(&source, line, &format!("`{own}` may not use the crate `{first}`"));
            }
        }
    }
    findings.none();
}

/// Cargo keeps the two readings of the vendors' documents apart: the sandbox cannot name what it does not depend on.
#[test]
fn the_sandbox_depends_on_nothing_of_ours() {
    let manifest = fs::read_to_string(root().join("src/sandbox/Cargo.toml")).unwrap();
    let theirs = |line: &&str| line.contains("{ path = ") || line.starts_with("sagas") || line.starts_with("sqlx");
    assert_eq!(manifest.lines().find(theirs), None);
}

#[test]
fn no_vendor_knows_another() {
    let mut findings = Findings::default();
    for (folder, vendor) in ["connectors", "sandbox"].into_iter().flat_map(|f| VENDORS.map(|vendor| (f, vendor))) {
        for source in files(&format!("src/{folder}/{vendor}"), ".rs") {
            for (line, path) in source.paths() {
                let other = path.get(2).filter(|_| path.get(1).is_some_and(|top| top == folder));
                if other.is_some_and(|other| other != vendor && VENDORS.contains(&other.as_str())) {
                    findings.add(&source, line, &format!("`{folder}::{vendor}` may not use `{}`", path.join("::")));
                }
            }
        }
    }
    findings.none();
}

#[test]
fn connectors_know_the_kernel_and_no_flow() {
    let mut findings = Findings::default();
    for source in files("src/connectors", ".rs") {
        for (line, path) in source.paths() {
            if path[0] == "sagas" && path.get(1).is_some_and(|module| module != "kernel") {
                findings.add(&source, line, &format!("a connector may not use the flow `{}`", path.join("::")));
            }
        }
    }
    findings.none();
}

#[test]
fn a_flow_knows_the_kernel_and_no_other_flow() {
    let mut findings = Findings::default();
    for source in files("sagas", ".rs") {
        let own = source.module().into_iter().next().unwrap_or_default();
        if own == "lib" || own == "tests" {
            continue;
        }
        for (line, path) in source.paths() {
            let other = path.get(1).filter(|top| path[0] == "crate" && **top != own && **top != "kernel");
            if other.is_some_and(|other| other.starts_with(char::is_lowercase)) {
                findings.add(&source, line, &format!("`{own}` may not use `{}`", path.join("::")));
            }
            if own != "kernel" && path[0] == "cqrs_es" {
                findings.add(&source, line, "only the kernel knows cqrs-es");
            }
        }
    }
    findings.none();
}

#[test]
fn sagas_do_no_io_and_know_no_clock_and_no_chance() {
    let forbidden = [
        "Utc::now",
        "Local::now",
        "SystemTime",
        "Instant::now",
        "new_v4",
        "now_v7",
        "rand::",
        "std::env",
        "std::fs",
        "std::net",
        "std::process",
        "std::thread",
        "std::time::",
        "tokio::",
        "println!",
        "eprintln!",
    ];
    let mut findings = Findings::default();
    for source in files("sagas", ".rs").iter().filter(|source| !source.path.to_string_lossy().contains("/tests/")) {
        for (line, code) in source.code() {
            // A path of its own, not the end of a longer name.
            let names = |word: &str| {
                code.match_indices(word).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
            };
            for word in forbidden.iter().filter(|word| names(word)) {
                findings.add(source, line, &format!("sagas are pure: no `{word}`"));
            }
        }
    }
    findings.none();
}

#[test]
fn the_wall_clock_is_read_in_one_file() {
    let mut findings = Findings::default();
    for source in files("src", ".rs") {
        if source.path == Path::new("src/clock.rs") || source.path.starts_with("src/sandbox") {
            continue;
        }
        for (line, code) in source.code() {
            for call in ["Utc::now(", "Local::now("].iter().filter(|call| code.contains(**call)) {
                findings.add(&source, line, &format!("`{call})`: take the time from `clock::Clock`"));
            }
        }
    }
    findings.none();
}

#[test]
fn sql_is_written_in_the_store_alone() {
    let mut findings = Findings::default();
    for source in files("src", ".rs").iter().filter(|source| !source.path.starts_with("src/store")) {
        for (line, code) in source.code() {
            for word in ["sqlx::query", "sqlx::raw_sql", "AssertSqlSafe"].iter().filter(|word| code.contains(**word)) {
                findings.add(source, line, &format!("`{word}`: statements belong into src/store"));
            }
        }
    }
    findings.none();
}

#[test]
fn files_are_short() {
    let mut findings = Findings::default();
    for source in rust() {
        let lines = source.text.lines().count();
        if lines > LINES_AT_MOST {
            findings.add(
                &source,
                lines,
                &format!("{lines} lines, more than {LINES_AT_MOST}: which duty can move out?"),
            );
        }
    }
    findings.none();
}

#[test]
fn every_file_of_the_service_says_what_it_is_for() {
    let mut findings = Findings::default();
    for source in rust() {
        if !source.text.starts_with("//!") && !source.is_unit_tests() {
            findings.add(&source, 1, "begins without `//!`: say the duty and what it refuses to do");
        }
    }
    findings.none();
}

#[test]
fn nothing_is_left_to_do_in_a_comment() {
    let words = ["TODO", "FIXME", "XXX", "HACK"];
    let mut findings = Findings::default();
    for source in rust().into_iter().chain(files("docs", ".md")).chain(files("migrations", ".sql")) {
        if source.is_test_of_architecture() {
            continue;
        }
        for (line, text) in (1..).zip(source.text.lines()) {
            for word in text.split(|c| !is_word(c)).filter(|word| words.contains(word)) {
                findings.add(&source, line, &format!("`{word}`: do it, or write an issue and take this out"));
            }
        }
    }
    findings.none();
}

#[test]
fn the_code_map_names_every_folder() {
    let map = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let sources = ["src", "sagas"].into_iter().flat_map(|folder| files(folder, ".rs"));
    let folders: BTreeSet<_> =
        sources.filter(|s| !s.is_unit_tests()).map(|s| s.path.parent().unwrap().to_owned()).collect();
    let missing: Vec<_> = folders.iter().filter(|folder| !map.contains(&format!("`{}/`", folder.display()))).collect();
    assert!(missing.is_empty(), "docs/ARCHITECTURE.md:1: the code map lacks {missing:?}, as `folder/`");
}

#[test]
fn every_park_code_has_a_page_and_every_page_a_code() {
    let pages: BTreeSet<_> = files("docs/errors", ".md").into_iter().map(|s| s.parts().pop().unwrap()).collect();
    let codes: BTreeSet<_> = ParkCode::ALL.iter().map(ToString::to_string).chain(["README".to_owned()]).collect();
    assert_eq!(pages, codes, "docs/errors: left are the pages, right the park codes and the README");
    let mut findings = Findings::default();
    for page in files("docs/errors", ".md") {
        let name = page.parts().pop().unwrap();
        if name == "README" {
            continue;
        }
        for part in [
            format!("# {name}\n"),
            "\n## The customer's money\n".into(),
            "\n## What to do\n".into(),
            "\n## What resume does\n".into(),
        ] {
            if !page.text.contains(&part) {
                findings.add(&page, 1, &format!("lacks {part:?}"));
            }
        }
    }
    findings.none();
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let top = ["README.md", "CHANGELOG.md"]
        .map(|name| Source { path: PathBuf::from(name), text: fs::read_to_string(root().join(name)).unwrap() });
    let mut findings = Findings::default();
    for source in top.into_iter().chain(files("docs", ".md")) {
        for (line, text) in (1..).zip(source.text.lines()) {
            for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let file = link.split('#').next().unwrap_or_default();
                let here = source.path.parent().unwrap_or(Path::new(""));
                if !file.is_empty() && !link.contains("://") && !root().join(here).join(file).exists() {
                    findings.add(&source, line, &format!("the link `{link}` leads nowhere"));
                }
            }
        }
    }
    findings.none();
}

#[test]
fn the_readme_names_every_setting() {
    let config: String =
        files("src", ".rs").into_iter().filter(|s| s.module()[0] == "config").map(|s| s.text).collect();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let settings: BTreeSet<_> = config.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name));
    let named: BTreeSet<_> = rows.filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_')).collect();
    assert_eq!(named, settings, "README.md: left is its table, right are the settings of `config`");
}
