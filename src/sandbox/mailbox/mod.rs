//! A mail server that delivers to a page: what is sent through it over SMTP can be read under `/mailbox`. Reaches nobody:
//! no mail leaves the sandbox.

mod page;
mod smtp;

use super::World;
use super::clock::Clock;
use super::faults::Vendor;
use super::transport;
use axum::Router;
use chrono::{DateTime, Utc};
use mail_parser::{Message, MessageParser};
use serde::Serialize;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use tokio::net::TcpListener;

/// The operations that faults can be ordered for: a recipient named, a text received.
const OPERATIONS: [&str; 2] = ["mail.recipient", "mail.data"];

/// A mail as it arrived.
#[derive(Debug, Clone, Serialize)]
pub struct Stored {
    /// From 1, in the order of arrival.
    pub number: usize,
    /// Sandbox time.
    pub received_at: DateTime<Utc>,
    /// Who it was for: the envelope's recipients.
    pub to: Vec<String>,
    /// The header's `From`.
    pub from: String,
    pub message_id: Option<String>,
    pub subject: String,
    /// The header as it came.
    pub header: String,
    pub text: Option<String>,
    pub html: Option<String>,
}

/// All mails that came.
#[derive(Debug, Default)]
pub struct Mailbox {
    mails: Mutex<Vec<Stored>>,
    address: OnceLock<SocketAddr>,
}

impl Mailbox {
    /// All of them, oldest first.
    pub fn list(&self) -> Vec<Stored> {
        self.mails.lock().expect("mailbox lock").clone()
    }

    /// Throws all away.
    pub fn clear(&self) {
        self.mails.lock().expect("mailbox lock").clear();
    }

    /// Where SMTP is spoken; none until [`open`].
    pub fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    fn get(&self, number: usize) -> Option<Stored> {
        self.mails.lock().expect("mailbox lock").get(number.checked_sub(1)?).cloned()
    }

    fn store(&self, clock: &Clock, to: Vec<String>, raw: &[u8]) {
        let header_ends = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(raw.len());
        let message = MessageParser::default().parse(raw).unwrap_or_default();
        let mut mails = self.mails.lock().expect("mailbox lock");
        let number = mails.len() + 1;
        mails.push(Stored {
            number,
            received_at: clock.now(),
            to,
            from: sender(&message),
            message_id: message.message_id().map(str::to_owned),
            subject: message.subject().unwrap_or_default().to_owned(),
            header: String::from_utf8_lossy(&raw[..header_ends]).into_owned(),
            text: message.body_text(0).map(std::borrow::Cow::into_owned),
            html: message.body_html(0).map(std::borrow::Cow::into_owned),
        });
    }
}

fn sender(message: &Message<'_>) -> String {
    let first = message.from().and_then(|from| from.first());
    let address = first.and_then(|from| from.address()).unwrap_or_default();
    match first.and_then(|from| from.name()) {
        Some(name) => format!("{name} <{address}>"),
        None => address.to_owned(),
    }
}

/// Listens for SMTP there until the sandbox closes.
///
/// # Errors
/// The address cannot be had.
pub async fn open(world: &Arc<World>, address: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    world.mailbox.address.get_or_init(|| address);
    for operation in OPERATIONS {
        transport::name(Vendor::Mail, operation);
    }
    tokio::spawn(smtp::serve(listener, Arc::clone(world)));
    Ok(())
}

/// How to send through it, and where to read.
pub(super) fn description(base: &str, world: &World) -> Value {
    let own = &world.credentials.mail;
    let smtp_url = world.mailbox.address().and_then(|address| {
        let base = url::Url::parse(base).ok()?;
        Some(format!("smtp://{}:{}@{}:{}", own.user, own.password, base.host_str()?, address.port()))
    });
    json!({ "smtp_url": smtp_url, "mailbox_url": format!("{base}/mailbox") })
}

/// Every mail that arrived.
pub(super) fn books(world: &World) -> Value {
    let mails = world.mailbox.list();
    mails.iter().map(|mail| json!({ "message_id": mail.message_id, "to": mail.to, "subject": mail.subject })).collect()
}

/// The pages.
pub(super) fn router() -> Router<Arc<World>> {
    page::router()
}
