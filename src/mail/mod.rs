//! Mails to customers: rendered from typed facts, sent once over SMTP, with an outcome in the words that a saga's step
//! understands. No tracking, no lists. Addresses and texts never come into a log, an error or the database.

pub mod facts;
pub mod letters;
pub mod outbox;
pub mod render;
pub mod samples;
mod smtp;

use crate::brand::{Brand, Locale};
use crate::clock::Clock;
use crate::config::MailConfig;
use facts::Facts;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use render::{Rendered, Templates, one_line};
use sagas::kernel::outcome::{Outcome, Rejection, RejectionKind};
use smtp::{Server, Session};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Whom a mail is for.
#[derive(Clone)]
pub struct To {
    /// Their e-mail address, international ones too.
    pub address: String,
    /// How they are called, where that is known.
    pub name: Option<String>,
}

/// A mail's own name, for ever: `left@right`, without the angle brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageId(String);

impl MessageId {
    /// Letters, digits and `.-_+=` on both sides of one `@`, 200 characters at most.
    ///
    /// # Errors
    /// What was expected.
    pub fn new(text: &str) -> Result<Self, String> {
        let plain =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || ".-_+=".contains(c));
        match text.split_once('@') {
            Some((left, right)) if text.len() <= 200 && plain(left) && plain(right) => Ok(Self(text.to_owned())),
            _ => {
                Err("a Message-ID is letters, digits and .-_+= on both sides of one @, 200 characters at most"
                    .to_owned())
            }
        }
    }

    /// As in the header, without the angle brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One mail.
#[derive(Clone)]
pub struct Mail {
    pub message_id: MessageId,
    pub to: To,
    pub locale: Locale,
    /// What it says; they name the template.
    pub facts: Facts,
}

impl fmt::Debug for Mail {
    /// No address, no name, no link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("message_id", &self.message_id)
            .field("template", &self.facts.template())
            .field("locale", &self.locale)
            .finish_non_exhaustive()
    }
}

/// A mail to the people who run this installation: plain text.
#[derive(Debug, Clone)]
pub struct Note {
    pub message_id: MessageId,
    /// Notes with the same thread are shown together.
    pub thread: MessageId,
    pub subject: String,
    pub text: String,
}

/// How sending ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// `Done`: the server took it. `NotSent`: it took nothing, the same may go again. `Rejected`: it took nothing and will
    /// not. `Unknown`: the text left, and no answer came.
    pub outcome: Outcome,
    /// The server's last words, without addresses; empty where it said nothing.
    pub reply: String,
}

impl Sent {
    /// A mail that is not sent because it cannot be.
    fn rejected(code: &str, message: impl Into<String>) -> Self {
        let rejection = Rejection { kind: RejectionKind::Invalid, code: code.to_owned(), message: message.into() };
        Self { outcome: Outcome::Rejected { rejection }, reply: String::new() }
    }
}

/// Renders and sends.
pub struct Mailer {
    templates: Templates,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    locale: Locale,
    server: Server,
    clock: Arc<dyn Clock>,
}

/// A mail whose recipient the server has accepted. Its text has not left yet.
pub struct Accepted {
    session: Session,
    text: Vec<u8>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").finish_non_exhaustive()
    }
}

impl Mailer {
    /// `patience` is how long the server may take for one answer.
    ///
    /// # Errors
    /// The server's URL is not usable.
    pub fn new(config: &MailConfig, brand: &Brand, clock: Arc<dyn Clock>, patience: Duration) -> Result<Self, String> {
        let mut from = config.from.clone();
        from.name.get_or_insert_with(|| one_line(&brand.name));
        let support = brand.support_email.parse().ok().filter(|address| *address != from.email);
        let reply_to = support.map(|address| Mailbox::new(from.name.clone(), address));
        let server = Server::new(config, from.email.domain(), patience)?;
        Ok(Self { templates: Templates::new(brand), from, reply_to, locale: brand.locale, server, clock })
    }

    /// The right side of every Message-ID of ours.
    pub fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// For readers whose language is not known.
    pub const fn locale(&self) -> Locale {
        self.locale
    }

    /// Sends, without an outbox: for those who repeat nothing.
    pub async fn send(&self, mail: &Mail) -> Sent {
        match self.open(mail).await {
            Ok(accepted) => accepted.send().await,
            Err(sent) => sent,
        }
    }

    /// Sends a note to those who run this installation.
    pub async fn tell(&self, to: &[Mailbox], note: &Note) -> Sent {
        let angled = |id: &MessageId| format!("<{}>", id.as_str());
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(one_line(&note.subject))
            .date(SystemTime::from(self.clock.now()))
            .message_id(Some(angled(&note.message_id)))
            .references(angled(&note.thread))
            .raw_header(raw("Auto-Submitted", "auto-generated"));
        for one in to {
            builder = builder.to(one.clone());
        }
        // What the library says of a failure may quote an address.
        let Ok(message) = builder.singlepart(SinglePart::plain(note.text.clone())) else {
            return Sent::rejected("message", "the mail cannot be written");
        };
        let text = message.formatted();
        match self.server.open(message.envelope(), text.is_ascii()).await {
            Ok(session) => session.send(&text).await,
            Err(sent) => sent,
        }
    }

    /// Goes as far as is possible without a consequence: the mail is written, the server reached, the recipient accepted.
    ///
    /// # Errors
    /// `NotSent` or `Rejected`: no text has left.
    pub async fn open(&self, mail: &Mail) -> Result<Accepted, Sent> {
        let message = self.compose(mail).map_err(|sent| *sent)?;
        let text = message.formatted();
        let session = self.server.open(message.envelope(), text.is_ascii()).await?;
        Ok(Accepted { session, text })
    }

    fn compose(&self, mail: &Mail) -> Result<Message, Box<Sent>> {
        let rejected = |code: &str, why: &str| Box::new(Sent::rejected(code, why));
        let name = mail.to.name.as_deref().map(one_line).filter(|name| !name.is_empty());
        let address = address(&mail.to.address)
            .ok_or_else(|| rejected("address", "the recipient's e-mail address is not one"))?;
        let rendered = self.templates.render(&mail.facts, name.as_deref(), mail.locale);
        let Rendered { subject, html, text } = rendered.map_err(|why| rejected("template", &why))?;
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(name, address))
            .subject(subject)
            .date(SystemTime::from(self.clock.now()))
            .message_id(Some(format!("<{}>", mail.message_id.as_str())))
            .raw_header(raw("Auto-Submitted", "auto-generated"))
            .raw_header(raw("Content-Language", mail.locale.tag()));
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        // What the library says of a failure may quote an address.
        builder
            .multipart(MultiPart::alternative_plain_html(text, html))
            .map_err(|_| rejected("message", "the mail cannot be written from these facts"))
    }
}

impl Accepted {
    /// Lets the text leave. Whoever wants to know of it after a crash writes that down before.
    pub async fn send(self) -> Sent {
        self.session.send(&self.text).await
    }
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// The address, its domain in the form that DNS knows, so that only an international local part needs a server that
/// takes it.
fn address(text: &str) -> Option<Address> {
    let (user, domain) = text.trim().rsplit_once('@')?;
    let domain = if domain.is_ascii() { domain.to_owned() } else { url::Host::parse(domain).ok()?.to_string() };
    let clean = |part: &str| !part.chars().any(|c| c.is_control() || c.is_whitespace());
    Address::new(user, domain).ok().filter(|_| clean(user))
}

#[cfg(test)]
mod tests;
