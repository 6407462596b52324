//! What an invoice's stream remembers. How it changes is in `evolve.rs`.

use super::books::Booked;
use super::dispute::Disputed;
use super::dunning::Dunning;
use super::give_back::{Counter, GiveBack};
use super::letters::Letters;
use super::projection::Face;
use super::propose::Proposals;
use super::retry::Retry;
use super::words::{Attempt, Closing, Trouble, Wait};
use crate::kernel::answer::{Client, Invoice, Method, Subscription, Survey};
use crate::kernel::effect::{AttioRecord, Message};
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use crate::kernel::retry::PutOff;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Where an invoice's stream stands. Who must act is told in Attio, by a letter and, for what needs us, by
/// the park; once no attempt is left a ticket is asked for, which another flow opens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) intake: Option<Intake>,
    pub(super) stage: Stage,
    pub(super) rest: Rest,
    /// A signal came while a step was under way: all is looked at again before the stream rests.
    pub(super) again: bool,
    pub(super) facts: Facts,
    /// Counts the rounds of reads: tells repeated steps apart.
    pub(super) round: u32,
    /// Charges ever planned, network sub-attempts included: tells repeated charges apart.
    pub(super) charges: u32,
    /// The last attempt number used; never goes back.
    pub(super) attempts: u32,
    pub(super) attempt: Option<Attempt>,
    /// Planned and dropped on stale facts: asked for again unchanged, it keeps its order id.
    pub(super) superseded: Option<Attempt>,
    /// `order_id` of the last planned charge.
    pub(super) last_order: String,
    pub(super) captures: Vec<Capture>,
    /// An activation waits to hear that its capture is recorded.
    pub(super) adopted: Option<Adopted>,
    /// Approved transactions of which only the id is known.
    pub(super) unread: Vec<String>,
    pub(super) recording: Option<Recording>,
    /// Records ever begun: tells repeated records apart.
    pub(super) records: u32,
    pub(super) looking: Option<String>,
    /// Looks at settlement ever begun.
    pub(super) looks: u32,
    pub(super) booked: Booked,
    pub(super) dunning: Dunning,
    pub(super) orders: Orders,
    pub(super) deferral: Deferral,
    pub(super) party: Party,
    pub(super) face: Option<Face>,
    /// Grows with every face.
    pub(super) face_version: u64,
    /// The last face that was shown or passed over.
    pub(super) shown_version: u64,
    /// Attio refused the newest one.
    pub(super) put_off: PutOff,
    /// A card update waits to hear how the invoice comes to rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry: Option<Retry>,
    #[serde(default, skip_serializing_if = "Letters::is_empty")]
    pub(super) letters: Letters,
    /// Who wants money back.
    #[serde(default, skip_serializing_if = "Counter::is_empty")]
    pub(super) give_backs: Counter,
    /// What a rule wants given back.
    #[serde(default, skip_serializing_if = "Proposals::is_empty")]
    pub(super) proposals: Proposals,
}

/// The signal of a person's resume.
pub(super) const RESUMED: &str = "resumed";

/// What came with the first message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intake {
    pub(super) organization: String,
    pub(super) installation: Installation,
    pub(super) invoice: String,
    pub(super) subscription: Option<String>,
}

/// Who is shown the state in Attio; known from the last round that got so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Party {
    /// Ours to show: the customer is linked and we collect.
    pub(super) known: bool,
    /// Our own tables were asked at least once.
    pub(super) surveyed: bool,
    /// Our customer id.
    pub(super) customer: Option<String>,
    pub(super) client: Option<AttioRecord>,
    /// The subscription's record in Attio.
    pub(super) subscription_record: Option<String>,
    /// Our subscription id and Zoho's.
    pub(super) subscription: Option<(String, String)>,
}

/// The chain of steps that is under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// None: see `rest`.
    #[default]
    Resting,
    Checking,
    Claiming,
    CountingCard,
    Charging,
    Recording,
}

/// What the stream rests in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rest", rename_all = "snake_case")]
pub(super) enum Rest {
    /// Nothing was detected.
    #[default]
    Nothing,
    Waiting {
        wait: Wait,
        until: DateTime<Utc>,
    },
    Held {
        code: ParkCode,
        detail: String,
    },
    Closed {
        closing: Closing,
    },
}

/// What was read in this round.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) since: Option<DateTime<Utc>>,
    /// Only our own tables were asked again: what the vendors said is of an earlier round.
    #[serde(default)]
    pub(super) partial: bool,
    pub(super) invoice: Option<Invoice>,
    /// The subscription that the customer's list names for an invoice that names none.
    pub(super) found: Option<String>,
    pub(super) looked_for_subscription: bool,
    pub(super) survey: Option<Survey>,
    pub(super) subscription: Option<Subscription>,
    pub(super) client: Option<Client>,
    /// The customer's default card; none also before it was read.
    pub(super) method: Option<Method>,
    pub(super) method_read: bool,
}

impl Facts {
    /// Nothing was read yet.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self { since: self.since, ..Self::default() }
    }
}

/// What was captured, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Capture {
    pub(super) transaction: String,
    pub(super) order_id: String,
    pub(super) amount: Money,
    pub(super) applied: Money,
    pub(super) captured_at: DateTime<Utc>,
    pub(super) effective: NaiveDate,
    pub(super) reversed: bool,
    pub(super) settled: bool,
    /// The payment in Zoho, once recorded.
    pub(super) payment: Option<String>,
    /// Zoho refused the record.
    pub(super) refused: Option<Refused>,
    pub(super) trouble: Option<Trouble>,
    /// When its settlement is looked up (UTC); absent: final.
    pub(super) next_look: Option<DateTime<Utc>>,
    /// What of it is being given back, or was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) give_backs: Vec<GiveBack>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) disputes: Vec<Disputed>,
}

/// A capture that another saga made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Adopted {
    pub(super) transaction: String,
    pub(super) reply_to: SagaId,
}

/// A record that Zoho refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    pub(super) amount: Money,
    pub(super) why: String,
}

impl Capture {
    /// Neither reversed nor given back.
    pub(super) const fn is_live(&self) -> bool {
        !self.reversed
    }

    /// Held and applied to nothing, in minor units.
    pub(super) fn unapplied(&self) -> i64 {
        if self.reversed { 0 } else { self.amount.minor - self.applied.minor - self.given_back() }
    }

    /// Some of it is still held, applied or not: not all of it was given back.
    pub(super) fn is_held(&self) -> bool {
        self.is_live() && (self.applied.is_positive() || self.unapplied() > 0)
    }
}

/// A record in Zoho that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recording {
    pub(super) transaction: String,
    pub(super) amount: Money,
    pub(super) again: bool,
}

/// What people ordered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Orders {
    /// One attempt outside the schedule.
    pub(super) once: bool,
    /// That attempt does not even wait for the due date.
    pub(super) early: bool,
    /// The customer is there.
    pub(super) customer_present: bool,
    /// No attempt before (UTC).
    pub(super) paused_until: Option<DateTime<Utc>>,
    /// No attempt until somebody orders one.
    pub(super) stopped: bool,
    /// What was captured is recorded once more.
    pub(super) record_again: bool,
    /// It is collected though the subscription has ended.
    pub(super) collect_ended: bool,
}

/// Waits that are tried again with growing distance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deferral {
    pub(super) wait: Option<Wait>,
    pub(super) since: Option<DateTime<Utc>>,
    pub(super) times: u32,
}

impl State {
    pub(super) fn capture(&self, transaction: &str) -> Option<&Capture> {
        self.captures.iter().find(|c| c.transaction == transaction)
    }

    pub(super) fn capture_mut(&mut self, transaction: &str) -> Option<&mut Capture> {
        self.captures.iter_mut().find(|c| c.transaction == transaction)
    }

    /// Captured, live, and applied to nothing, in minor units.
    pub(super) fn unapplied(&self) -> i64 {
        self.captures.iter().map(Capture::unapplied).sum()
    }

    /// The subscription of the invoice, once it is known.
    pub(super) fn subscription_id(&self) -> Option<&str> {
        let invoice = self.facts.invoice.as_ref()?;
        let hint = self.intake.as_ref().and_then(|i| i.subscription.as_deref());
        invoice.subscription.as_deref().or(hint).or(self.facts.found.as_deref())
    }

    /// The earliest look at a settlement that is due some time (UTC).
    pub(super) fn next_look(&self) -> Option<(&str, DateTime<Utc>)> {
        self.captures
            .iter()
            .filter_map(|c| c.next_look.map(|at| (c.transaction.as_str(), at)))
            .min_by_key(|(_, at)| *at)
    }

    /// What is to be told to the saga that captured what this stream records.
    pub(super) fn owed_word(&self) -> Option<Message> {
        let Adopted { transaction, reply_to } = self.adopted.as_ref()?;
        let capture = self.capture(transaction)?;
        // Another flow is named, not imported: what it is told is its own command in words.
        let (word, command) = if let Some(payment) = &capture.payment {
            let command = serde_json::json!({
                "command": "invoice_recorded", "invoice": self.intake.as_ref()?.invoice, "number": self.title(),
                "payment": payment, "next_billing_on": null,
            });
            ("recorded", command)
        } else if capture.reversed {
            ("reversed", serde_json::json!({"command": "capture_reversed", "transaction": transaction}))
        } else {
            return None;
        };
        let key = format!("{reply_to}:{word}:{transaction}");
        let (flow, kind) = (captor(&capture.order_id).to_owned(), format!("invoice.{word}"));
        Some(Message { to: *reply_to, flow, kind, command, key })
    }

    /// A face that Attio does not show yet.
    pub(super) fn owed_face(&self) -> Option<&Face> {
        (self.face_version > self.shown_version).then_some(self.face.as_ref()).flatten()
    }

    /// Before its time a settlement is looked up, or a refused face is shown again.
    pub(super) fn alarm(&self) -> Option<DateTime<Utc>> {
        let look = self.next_look().map(|(_, at)| at);
        look.into_iter().chain(self.put_off.until).min()
    }

    /// The invoice's number, or its id where the number is not known yet.
    pub(super) fn title(&self) -> &str {
        let id = self.intake.as_ref().map_or("", |i| i.invoice.as_str());
        self.facts.invoice.as_ref().map_or(id, |i| i.number.as_str())
    }
}

/// The flow that made a capture, as its order id says: named, not imported.
pub(super) fn captor(order_id: &str) -> &'static str {
    match order_id.split('.').nth(1) {
        Some("chg") => "plan_change",
        Some("rec") => "braintree_recurring",
        _ => "subscription_activation",
    }
}
