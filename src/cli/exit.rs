//! Exit codes, and how an error is shown.

use std::process::ExitCode;

/// The exit codes, for `--help`.
pub(super) const TABLE: &str = "Exit codes:
  0   done
  1   failed: what happened stands on stderr
  2   the command line is wrong
  3   there is no such saga
  4   refused in the present state
  5   a check found something: a broken chain, a difference, a drift
  78  the configuration has faults: all are listed";

/// A command's failure.
#[derive(Debug)]
pub struct Exit {
    code: u8,
    /// None: there is nothing to tell.
    error: Option<anyhow::Error>,
    hint: Option<String>,
}

impl Exit {
    /// Something failed.
    pub fn failure(error: anyhow::Error) -> Self {
        Self { code: 1, error: Some(error), hint: None }
    }

    /// What was asked for does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { code: 3, error: Some(anyhow::Error::msg(message.into())), hint: None }
    }

    /// Refused in the present state.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { code: 4, error: Some(anyhow::Error::msg(message.into())), hint: None }
    }

    /// A check found something.
    pub fn found(message: impl Into<String>) -> Self {
        Self { code: 5, error: Some(anyhow::Error::msg(message.into())), hint: None }
    }

    /// Two sides were compared, and differ: the code is that of `diff`.
    pub fn differs(message: impl Into<String>) -> Self {
        Self { code: 1, error: Some(anyhow::Error::msg(message.into())), hint: None }
    }

    /// Two sides could not be compared: the code is that of `diff`.
    pub fn unasked(message: impl Into<String>) -> Self {
        Self { code: 2, error: Some(anyhow::Error::msg(message.into())), hint: None }
    }

    /// An argument's value is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, error: Some(anyhow::Error::msg(message.into())), hint: None }
    }

    /// Whoever read our output has enough of it: no failure, and nobody to tell.
    pub fn unread() -> Self {
        Self { code: 0, error: None, hint: None }
    }

    /// The configuration has faults.
    pub fn config(faults: crate::config::Faults) -> Self {
        Self {
            code: 78,
            error: Some(faults.into()),
            hint: Some("`attio-billing serve --help` lists every setting".to_owned()),
        }
    }

    /// What happened, for whoever goes on with it.
    pub(super) fn into_error(self) -> anyhow::Error {
        self.error.unwrap_or_else(|| anyhow::Error::msg("there is nothing to tell"))
    }

    /// With the next command to type.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl<E: Into<anyhow::Error>> From<E> for Exit {
    fn from(error: E) -> Self {
        let error = error.into();
        let is_pipe = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
        if error.downcast_ref().is_some_and(is_pipe) { Self::unread() } else { Self::failure(error) }
    }
}

/// Shows the failure on stderr and gives its code.
pub fn report(exit: &Exit) -> ExitCode {
    if let Some(error) = &exit.error {
        // Alternate form: the chain of causes on one line.
        eprintln!("error: {error:#}");
    }
    if let Some(hint) = &exit.hint {
        eprintln!("\nhint: {hint}");
    }
    ExitCode::from(exit.code)
}
