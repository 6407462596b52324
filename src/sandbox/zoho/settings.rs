//! How the simulated organisation is set up, and what Zoho does where its documents do not say.

use super::State;
use super::errors::{DEFAULT_PER_DAY, DEFAULT_PER_MINUTE};
use super::money::Currency;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Switches of the simulated organisation, changed by the staff act `settings`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Calls that the organisation may make in a minute.
    pub(super) calls_per_minute: u32,
    /// Calls that the organisation may make in a day (UTC).
    pub(super) calls_per_day: u32,
    /// A used-up day is told under HTTP 200, as users of Zoho have seen; its code is in the body all the same.
    pub(super) quota_under_200: bool,
    /// Calls that may be in process at the same time.
    pub(super) calls_at_once: u32,
    /// The organisation's own currency, in which the catalog is priced.
    pub(super) base_currency: Currency,
    /// Unused credits pay invoices of subscriptions as they are raised, oldest first.
    pub(super) auto_apply_credits: bool,
    /// `GET /invoices/{id}` and webhooks show `sub_total`, `tax_total` and `taxes` of an invoice, which Zoho's documents
    /// list for created and changed invoices only.
    pub(super) invoice_taxes: bool,
    /// Two customers may not have the same display name.
    pub(super) unique_names: bool,
    /// Labels of custom fields of customers that forbid duplicates.
    pub(super) unique_fields: Vec<String>,
    /// `GET /customers` searches by `email`, `email_contains`, `display_name_contains` and `search_text`, as Zoho's
    /// sister products do; the documents of Billing know none of them, and without this they are ignored.
    pub(super) customer_search: bool,
    /// `GET /payments` lists payments; Zoho's documents know no such call.
    pub(super) payments_list: bool,
    /// `POST /payments/{id}/refunds` takes payments that no gateway of Zoho collected; its documents say it does not.
    pub(super) refund_any_payment: bool,
    /// A credit note may be refunded to a customer who paid offline.
    pub(super) refund_notes: bool,
    /// Days after a declined charge on which Zoho tries the card again.
    pub(super) dunning_days: Vec<i64>,
    /// What becomes of a subscription when the last try was declined too.
    pub(super) dunning_end: DunningEnd,
    /// Renewals, ends of trials and of last terms are told three days ahead too.
    pub(super) advance_notices: bool,
    /// Events that only other sources than Zoho Billing's documents name (`invoice_voided`, …) are raised too.
    pub(super) undocumented_events: bool,
    /// The form in which webhooks are sent.
    pub(super) webhook_shape: Shape,
    /// The token endpoint answers the older form, with milliseconds in `expires_in`.
    pub(super) expires_in_ms: bool,
}

/// What becomes of a subscription whose card was declined for the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DunningEnd {
    /// It runs on as `unpaid`: invoices are raised, none is collected.
    Unpaid,
    /// It ends as `cancelled_from_dunning`.
    Cancel,
}

/// The forms of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// `event_id`, `event_type`, `event_time` and `data`.
    Event,
    /// The bare resources and the organisation, as workflow rules send them.
    Workflow,
    /// As `Workflow`, in the form field `JSONString`.
    Form,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            calls_per_minute: DEFAULT_PER_MINUTE,
            calls_per_day: DEFAULT_PER_DAY,
            quota_under_200: false,
            calls_at_once: 10,
            base_currency: Currency::DEFAULT,
            auto_apply_credits: false,
            invoice_taxes: false,
            unique_names: false,
            unique_fields: Vec::new(),
            customer_search: false,
            payments_list: false,
            refund_any_payment: false,
            refund_notes: true,
            dunning_days: vec![3, 6, 9],
            dunning_end: DunningEnd::Unpaid,
            advance_notices: false,
            undocumented_events: true,
            webhook_shape: Shape::Event,
            expires_in_ms: false,
        }
    }
}

impl State {
    /// The organisation's own currency, in which the catalog is priced.
    pub(super) fn base_currency(&self) -> Currency {
        self.settings.base_currency
    }
}

impl Settings {
    /// Changes the settings named in `changes`.
    ///
    /// # Errors
    /// A sentence that names the unknown setting or the wrong value.
    pub(super) fn change(&mut self, changes: &serde_json::Map<String, Value>) -> Result<Value, String> {
        let mut all = serde_json::to_value(&*self).map_err(|error| error.to_string())?;
        for (name, value) in changes {
            all[name] = value.clone();
        }
        *self = serde_json::from_value(all.clone()).map_err(|error| format!("settings: {error}"))?;
        Ok(all)
    }
}
