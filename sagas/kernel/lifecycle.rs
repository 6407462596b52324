//! What flows tell of a subscription's life, in one form, and to whom: the flow that keeps deal and tags in CRM. It rides in
//! the teller's own append ([`Facts::tells`](super::saga::Facts)), so that no step is needed and none is forgotten.

use super::effect::Message;
use super::ids::SagaId;
use super::money::Money;
use super::tags::Compliance;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The flow that is told. Named here once, so that no flow has to know another.
pub const FLOW: &str = "crm_lifecycle";

/// The one stream of a customer of ours.
pub fn stream(customer: &str) -> SagaId {
    SagaId::derived(FLOW, &[customer])
}

/// News of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Our customer id.
    pub customer: String,
    /// Our subscription id.
    pub subscription: String,
    /// Its record in Attio, where tasks about it go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// When it became true (UTC): of two, the later one counts, whichever comes first.
    pub at: DateTime<Utc>,
    /// What.
    pub news: News,
}

/// Where a customer lives now, by the laws that hold there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residence {
    /// Our customer id.
    pub customer: String,
    /// All of them; empty: none holds.
    pub laws: Vec<Compliance>,
    /// Since when that is known (UTC): of two, the later one counts.
    pub at: DateTime<Utc>,
}

impl Residence {
    /// The message. The same news at the same instant is the same message.
    pub fn message(&self) -> Message {
        // Texts and times always serialise.
        let mut command = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(fields) = &mut command {
            fields.insert("command".to_owned(), Value::from("moved"));
        }
        Message {
            to: stream(&self.customer),
            flow: FLOW.to_owned(),
            kind: "lifecycle.moved".to_owned(),
            command,
            key: format!("lifecycle:{}:moved:{}", self.customer, self.at.timestamp_micros()),
        }
    }
}

/// What is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// Plan code in Zoho.
    pub plan: String,
    /// The plan's name, for people.
    pub name: String,
    /// Price of one term, as the customer accepted it.
    pub amount: Money,
}

/// What became of a subscription. All days are of the books zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    /// The customer has a link with a price.
    LinkSent {
        /// What is offered.
        sale: Sale,
        /// The link's last day.
        until: NaiveDate,
    },
    /// Nobody paid in time.
    LinkExpired {
        /// That day.
        on: NaiveDate,
    },
    /// It runs and costs nothing yet.
    Trial {
        /// What it will cost.
        sale: Sale,
        /// Zoho subscription id: what became of it is read there.
        zoho_subscription: String,
        /// The trial's end.
        until: NaiveDate,
    },
    /// It is sold and runs.
    Active {
        /// What was sold.
        sale: Sale,
        /// Since.
        on: NaiveDate,
    },
    /// It is another plan, or another price, from now on.
    PlanChanged {
        /// What is sold now.
        sale: Sale,
    },
    /// A charge of an invoice failed.
    PastDue {
        /// Zoho invoice id.
        invoice: String,
    },
    /// Nothing is owed on that invoice any more.
    Recovered {
        /// Zoho invoice id.
        invoice: String,
    },
    /// It ends with its term.
    EndScheduled {
        /// Its last day, where Zoho says.
        on: Option<NaiveDate>,
    },
    /// It goes on after all.
    GoesOn,
    /// It has ended.
    Ended {
        /// Its last day.
        on: NaiveDate,
    },
}

impl News {
    /// The word in keys and kinds.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::LinkSent { .. } => "link_sent",
            Self::LinkExpired { .. } => "link_expired",
            Self::Trial { .. } => "trial",
            Self::Active { .. } => "active",
            Self::PlanChanged { .. } => "plan_changed",
            Self::PastDue { .. } => "past_due",
            Self::Recovered { .. } => "recovered",
            Self::EndScheduled { .. } => "end_scheduled",
            Self::GoesOn => "goes_on",
            Self::Ended { .. } => "ended",
        }
    }

    /// The invoice that it is about.
    pub fn invoice(&self) -> Option<&str> {
        match self {
            Self::PastDue { invoice } | Self::Recovered { invoice } => Some(invoice),
            _ => None,
        }
    }
}

impl Told {
    /// The message. The same news at the same instant is the same message.
    pub fn message(&self) -> Message {
        let word = self.news.word();
        let about = self.news.invoice().unwrap_or(&self.subscription);
        // Texts, numbers and days always serialise.
        let mut command = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(fields) = &mut command {
            fields.insert("command".to_owned(), Value::from("told"));
        }
        Message {
            to: stream(&self.customer),
            flow: FLOW.to_owned(),
            kind: format!("lifecycle.{word}"),
            command,
            key: format!("lifecycle:{}:{about}:{word}:{}", self.subscription, self.at.timestamp_micros()),
        }
    }
}
