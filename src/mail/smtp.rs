//! The conversation with the mail server, split where it matters: before the text may leave, and after. Retries nothing.
//! What the server says is kept without anything that looks like an address.

use super::Sent;
use crate::config::MailConfig;
use crate::tls;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use sagas::kernel::answer::Answer;
use sagas::kernel::outcome::{NotSent, Outcome, Rejection, RejectionKind};
use secrecy::ExposeSecret;
use std::error::Error as _;
use std::time::Duration;
use url::Url;

/// Longer than this, a server's words are cut.
const REPLY_AT_MOST: usize = 200;

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// TLS from the first byte.
    Implicit,
    /// STARTTLS, or nothing is sent.
    Required,
    /// STARTTLS where the server offers it.
    Offered,
}

/// Where mails go out.
pub(super) struct Server {
    host: String,
    port: u16,
    protection: Protection,
    credentials: Option<Credentials>,
    hello: ClientId,
    patience: Duration,
}

/// A conversation in which the server has accepted sender and recipient.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    patience: Duration,
}

/// What went wrong before the text left.
enum Trouble {
    Late,
    Said(Error),
    Needs(&'static str),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Said(error)
    }
}

impl Server {
    /// `own_domain` is how we introduce ourselves.
    pub(super) fn new(config: &MailConfig, own_domain: &str, patience: Duration) -> Result<Self, String> {
        tls::choose();
        let url: Url = config.smtp_url.expose_secret().parse().map_err(|_| "MAIL_SMTP_URL is no URL".to_owned())?;
        let decoded = |part: &str| percent_decoded(part);
        let host = url.host_str().ok_or("MAIL_SMTP_URL names no host")?.trim_matches(['[', ']']).to_owned();
        let (protection, port) = match (url.scheme(), config.tls_required) {
            ("smtps", _) => (Protection::Implicit, 465),
            (_, true) => (Protection::Required, 587),
            (_, false) => (Protection::Offered, 587),
        };
        let credentials = (!url.username().is_empty())
            .then(|| Credentials::new(decoded(url.username()), decoded(url.password().unwrap_or_default())));
        let hello = ClientId::Domain(own_domain.to_owned());
        Ok(Self { host, port: url.port().unwrap_or(port), protection, credentials, hello, patience })
    }

    /// Connects and names sender and recipient.
    pub(super) async fn open(&self, envelope: &Envelope, ascii: bool) -> Result<Session, Sent> {
        let mut connection = self.connect().await.map_err(|trouble| self.before_text(trouble))?;
        match self.introduce(&mut connection, envelope, ascii).await {
            Ok(()) => Ok(Session { connection, patience: self.patience }),
            Err(trouble) => {
                let sent = self.before_text(trouble);
                // A farewell; nobody waits for its answer for long.
                let _ = tokio::time::timeout(Duration::from_secs(1), connection.abort()).await;
                Err(sent)
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let tls = || TlsParameters::new(self.host.clone());
        let implicit = if self.protection == Protection::Implicit { Some(tls()?) } else { None };
        let address = (self.host.as_str(), self.port);
        let connecting = AsyncSmtpConnection::connect_tokio1(address, Some(self.patience), &self.hello, implicit, None);
        let mut connection = self.soon(connecting).await?;
        match self.protection {
            Protection::Implicit => {}
            Protection::Offered if !connection.can_starttls() => {}
            Protection::Required | Protection::Offered => self.soon(connection.starttls(tls()?, &self.hello)).await?,
        }
        if let Some(credentials) = &self.credentials {
            self.soon(connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials)).await?;
        }
        Ok(connection)
    }

    async fn introduce(
        &self,
        connection: &mut AsyncSmtpConnection,
        envelope: &Envelope,
        ascii: bool,
    ) -> Result<(), Trouble> {
        let mut parameters = Vec::new();
        let mut addresses = envelope.from().into_iter().chain(envelope.to());
        if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Trouble::Needs("the mail server takes no international addresses (SMTPUTF8)"));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !ascii {
            if !connection.server_info().supports_feature(Extension::EightBitMime) {
                return Err(Trouble::Needs("the mail server takes no 8-bit text (8BITMIME)"));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.soon(connection.command(Mail::new(envelope.from().cloned(), parameters))).await?;
        for to in envelope.to() {
            self.soon(connection.command(Rcpt::new(to.clone(), Vec::new()))).await?;
        }
        Ok(())
    }

    async fn soon<T>(&self, asked: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
        Ok(tokio::time::timeout(self.patience, asked).await.map_err(|_| Trouble::Late)??)
    }

    /// Before the text leaves, everything but a permanent no may be tried again.
    fn before_text(&self, trouble: Trouble) -> Sent {
        match trouble {
            Trouble::Late => outage(format!("the mail server gave no answer within {} s", self.patience.as_secs())),
            Trouble::Needs(what) => Sent::rejected("extension", what),
            Trouble::Said(error) => refusal(&error).unwrap_or_else(|| outage(unreached(&error))),
        }
    }
}

impl Session {
    /// Sends the text. Whatever is no answer is `Unknown` once the server was ready for it.
    pub(super) async fn send(mut self, text: &[u8]) -> Sent {
        let patience = self.patience;
        match tokio::time::timeout(patience, self.connection.command(Data)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return refusal(&error).unwrap_or_else(|| outage(unreached(&error))),
            Err(_) => return outage(format!("the mail server gave no answer within {} s", patience.as_secs())),
        }
        let unknown = |detail: String| Sent { outcome: Outcome::Unknown { detail }, reply: String::new() };
        match tokio::time::timeout(patience, self.connection.message(text)).await {
            Ok(Ok(response)) => {
                let reply = words(&response);
                // A farewell; the mail is the server's already.
                let _ = tokio::time::timeout(Duration::from_secs(1), self.connection.quit()).await;
                Sent { outcome: Outcome::Done { answer: Answer::Nothing }, reply }
            }
            Ok(Err(error)) => refusal(&error).unwrap_or_else(|| {
                unknown("the connection ended after the text, before the mail server's answer".to_owned())
            }),
            Err(_) => unknown(format!("no answer to the text within {} s", patience.as_secs())),
        }
    }
}

/// What the server said no to: for now (4xx) or for good (5xx); none: it did not say no.
fn refusal(error: &Error) -> Option<Sent> {
    let code = error.status()?;
    let reply = scrubbed(&format!("{code} {}", error.source().map(ToString::to_string).unwrap_or_default()));
    let outcome = match code.severity {
        Severity::TransientNegativeCompletion => Outcome::NotSent {
            cause: NotSent::Again,
            detail: format!("the mail server asks to come again: {reply}"),
            retry_after_seconds: None,
        },
        Severity::PermanentNegativeCompletion | Severity::PositiveCompletion | Severity::PositiveIntermediate => {
            // RFC 4954: these concern our account at the server, not this mail.
            let code = code.to_string();
            let config = ["530", "534", "535", "538"].contains(&code.as_str());
            let kind = if config { RejectionKind::Config } else { RejectionKind::Invalid };
            Outcome::Rejected { rejection: Rejection { kind, code, message: reply.clone() } }
        }
    };
    Some(Sent { outcome, reply })
}

fn outage(detail: String) -> Sent {
    Sent {
        outcome: Outcome::NotSent { cause: NotSent::Outage, detail, retry_after_seconds: None },
        reply: String::new(),
    }
}

/// Why there was no answer. The library's words, which are the system's and TLS's, not the server's.
fn unreached(error: &Error) -> String {
    format!("the mail server cannot be used: {}", scrubbed(&error.to_string()))
}

fn words(response: &Response) -> String {
    let lines: Vec<_> = response.message().collect();
    scrubbed(&format!("{} {}", response.code(), lines.join(" ")))
}

/// On one line, short, and without any word that holds an `@`.
fn scrubbed(text: &str) -> String {
    let kept: Vec<_> = text.split_whitespace().map(|word| if word.contains('@') { "…" } else { word }).collect();
    kept.join(" ").chars().filter(|c| !c.is_control()).take(REPLY_AT_MOST).collect()
}

/// A part of a URL as it was meant.
fn percent_decoded(part: &str) -> String {
    // The form encoding differs in `+` alone.
    let pair = part.replace('+', "%2B");
    url::form_urlencoded::parse(format!("x={pair}").as_bytes()).next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}
