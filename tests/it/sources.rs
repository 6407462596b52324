//! The project's own files read as text, with the paths that their code names: what the tests of the house rules and of the
//! lists in `docs/` look at. Judges nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the project: its path from the root, and its lines.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder whose names end so; none when there is no such folder.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path: path.strip_prefix(root()).unwrap().to_path_buf(), text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Every Rust file of the project.
pub(crate) fn rust() -> Vec<Source> {
    ["src", "sagas", "tests"].into_iter().flat_map(|folder| files(folder, ".rs")).collect()
}

impl Source {
    /// The parts of the path, the file's ending taken off: `src/store/log.rs` is `["src", "store", "log"]`.
    pub(crate) fn parts(&self) -> Vec<String> {
        let path = self.path.with_extension("");
        path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
    }

    /// The sandbox is a crate of its own: its paths are read as if it were a module.
    fn is_of_the_sandbox(&self) -> bool {
        self.path.starts_with("src/sandbox")
    }

    /// The module path below the crate's root; `mod.rs` is its folder.
    pub(crate) fn module(&self) -> Vec<String> {
        let mut parts = self.parts().split_off(1);
        if parts.last().is_some_and(|last| last == "mod" || (last == "lib" && self.is_of_the_sandbox())) {
            parts.pop();
        }
        parts
    }

    /// The code without comments, line by line, counted from 1. A `//` within a string ends the line too: no import
    /// stands behind one.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines().map(|line| line.split("//").next().unwrap_or_default()))
    }

    /// Every path that begins at the crate's root, as (line, path), with `super` resolved and `{…}` taken apart.
    pub(crate) fn paths(&self) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        // Long lists are written over several lines: paths are read from the text, lines are counted on the way.
        let code: String = self.code().flat_map(|(_, line)| [line, "\n"]).collect();
        let mut read_to = 0;
        for (at, _) in code.match_indices("::").filter(|(at, _)| code[..*at].ends_with(is_word)) {
            if at < read_to {
                continue; // The middle of a path that was read from its beginning.
            }
            let head = code[..at].rsplit(|c: char| !is_word(c)).next().unwrap_or_default();
            let before = &code[..at - head.len()];
            read_to = before.len() + length(&code[before.len()..]);
            let line = 1 + before.matches('\n').count();
            for mut path in expand(&code[at - head.len()..]) {
                if head == "super" {
                    let mut base = self.module();
                    while path.first().is_some_and(|part| part == "super") {
                        path.remove(0);
                        base.pop();
                    }
                    // An inline module (tests) is one level deeper than its file: then one `super` less is meant.
                    base.append(&mut path);
                    path = base;
                    path.insert(0, "crate".to_owned());
                } else if head == "crate" && self.is_of_the_sandbox() {
                    path.insert(1, "sandbox".to_owned());
                }
                found.push((line, path));
            }
        }
        found
    }

    pub(crate) fn is_test_of_architecture(&self) -> bool {
        self.path.ends_with("architecture.rs")
    }

    /// Unit tests that were moved out of the file they test.
    pub(crate) fn is_unit_tests(&self) -> bool {
        !self.path.starts_with("tests") && self.parts().iter().any(|part| part == "tests" || part.ends_with("_tests"))
    }
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How far the path at the beginning of a text reaches, its group included.
fn length(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return at,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            c if depth == 0 && !is_word(c) && c != ':' => return at,
            _ => {}
        }
    }
    text.len()
}

/// The paths at the beginning of a text: `a::{b::c, d}::…` gives `a::b::c` and `a::d`.
fn expand(text: &str) -> Vec<Vec<String>> {
    let mut prefix = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if end > 0 {
            prefix.push(rest[..end].to_owned());
        }
        let Some(more) = rest[end..].strip_prefix("::") else {
            rest = &rest[end..];
            break;
        };
        rest = more;
    }
    let Some(group) = rest.strip_prefix('{') else { return vec![prefix] };
    members(group).into_iter().flat_map(expand).map(|tail| prefix.iter().cloned().chain(tail).collect()).collect()
}

/// What stands between commas up to the brace that closes the group.
fn members(group: &str) -> Vec<&str> {
    let (mut found, mut depth, mut from) = (Vec::new(), 0_usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                found.push(group[from..at].trim());
                from = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found.retain(|member| !member.is_empty());
    found
}

#[test]
fn grouped_and_relative_imports_are_read_as_full_paths() {
    let text =
        "use crate::{a::b, c::{d, e}};\nuse super::super::f::G;\n// use crate::comment;\nfn x(y: crate::z::Y) {}\n";
    let source = Source { path: PathBuf::from("src/store/embedded/server.rs"), text: text.to_owned() };
    let paths: Vec<_> = source.paths().into_iter().map(|(line, path)| format!("{line} {}", path.join("::"))).collect();
    let expected = ["1 crate::a::b", "1 crate::c::d", "1 crate::c::e", "2 crate::store::f::G", "4 crate::z::Y"];
    assert_eq!(paths, expected);
}
