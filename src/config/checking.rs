//! What is found while a configuration is checked, and where secrets come from.

use secrecy::{ExposeSecret, SecretString};
use std::ops::{Deref, DerefMut};

/// The faults found so far, and whether secrets are read from files, too.
#[derive(Debug, Default)]
pub(super) struct Checking {
    pub(super) found: Vec<String>,
    pub(super) no_files: bool,
}

impl Deref for Checking {
    type Target = Vec<String>;

    fn deref(&self) -> &Vec<String> {
        &self.found
    }
}

impl DerefMut for Checking {
    fn deref_mut(&mut self) -> &mut Vec<String> {
        &mut self.found
    }
}

/// A secret from its variable or from the file that `NAME_FILE` names; two different values are a fault, and an empty
/// one is none: it would prove nothing.
pub(super) fn secret(name: &str, given: Option<SecretString>, faults: &mut Checking) -> Option<SecretString> {
    let given = given.filter(|secret| !secret.expose_secret().is_empty());
    let file = std::env::var_os(format!("{name}_FILE")).filter(|_| !faults.no_files);
    let Some(path) = file else { return given };
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let from_file = text.trim_end_matches(['\r', '\n']).to_owned();
            if given.as_ref().is_some_and(|g| g.expose_secret() != from_file) {
                faults.push(format!("{name} and {name}_FILE have different values: keep one"));
            }
            if from_file.is_empty() {
                faults.push(format!("{name}_FILE ({}) is empty", path.to_string_lossy()));
                return None;
            }
            Some(SecretString::from(from_file))
        }
        Err(e) => {
            faults.push(format!("{name}_FILE ({}) cannot be read: {e}", path.to_string_lossy()));
            None
        }
    }
}

pub(super) fn required<T>(name: &str, value: Option<T>, faults: &mut Vec<String>) -> Option<T> {
    let silent = faults.iter().any(|f| f.starts_with(&format!("{name}_FILE")));
    if value.is_none() && !silent {
        faults.push(format!("{name} is not set"));
    }
    value
}
