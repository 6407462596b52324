//! What Zoho's documents leave open, or an administrator decides: switches of the simulated organisation.

use axum::http::StatusCode;
use serde_json::Value;

/// Credits of 24 hours: those of the Standard edition.
pub(super) const CREDITS: u64 = 50_000;

/// The organisation's switches.
#[derive(Debug)]
pub(super) struct Settings {
    /// How long writes take to appear in searches, in seconds of sandbox time. Zoho gives no figure.
    pub(super) search_lag_seconds: i64,
    /// Credits of a rolling 24 hours.
    pub(super) credits: u64,
    /// Calls in process at the same time (the Standard edition's), and among them heavy ones: queries and large writes.
    pub(super) calls_at_once: usize,
    pub(super) heavy_calls_at_once: usize,
    /// Whether values outside a pick list are refused. A stage outside its pipeline always is.
    pub(super) strict_picklists: bool,
    /// The HTTP status of a write of which every record failed: 400, older versions 202.
    pub(super) all_failed: StatusCode,
    /// Whether a look-up by an unknown external id is answered 400, or 204 without a body.
    pub(super) unknown_external_is_an_error: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            search_lag_seconds: 3,
            credits: CREDITS,
            calls_at_once: 10,
            heavy_calls_at_once: 10,
            strict_picklists: true,
            all_failed: StatusCode::BAD_REQUEST,
            unknown_external_is_an_error: true,
        }
    }
}

impl Settings {
    /// Sets one switch.
    ///
    /// # Errors
    /// A sentence saying what was expected.
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let number = || value.as_u64().ok_or_else(|| format!("`{name}`: a whole number from 0 is expected"));
        let flag = || value.as_bool().ok_or_else(|| format!("`{name}`: true or false is expected"));
        let count = || number().and_then(|n| usize::try_from(n).map_err(|_| format!("`{name}`: is too large")));
        match name {
            "search_lag_seconds" => {
                self.search_lag_seconds = i64::try_from(number()?).map_err(|_| format!("`{name}`: is too large"))?;
            }
            "credits" => self.credits = number()?,
            "calls_at_once" => self.calls_at_once = count()?,
            "heavy_calls_at_once" => self.heavy_calls_at_once = count()?,
            "strict_picklists" => self.strict_picklists = flag()?,
            "all_failed_status" => {
                self.all_failed = match number()? {
                    202 => StatusCode::ACCEPTED,
                    400 => StatusCode::BAD_REQUEST,
                    _ => return Err(format!("`{name}`: 202 or 400 is expected")),
                };
            }
            "unknown_external_is_an_error" => self.unknown_external_is_an_error = flag()?,
            other => {
                return Err(format!(
                    "`{other}` is no setting; known are search_lag_seconds, credits, calls_at_once, \
                     heavy_calls_at_once, strict_picklists, all_failed_status, unknown_external_is_an_error"
                ));
            }
        }
        Ok(())
    }
}
