//! Settings of what customers see: the company's looks, and the server that takes its mail.

use super::{Checking, Environment, Faults, required, secret};
use crate::brand::{Brand, Colour, Locale};
use clap::Args;
use lettre::message::Mailbox;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// How customers see the company, and how mail reaches them.
#[derive(Debug, Clone, Args)]
pub struct OutreachSettings {
    /// The company's name in mails and on pages
    #[arg(long, env = "BRAND_NAME")]
    pub brand_name: Option<String>,
    /// E-mail address where customers get help
    #[arg(long, env = "BRAND_SUPPORT_EMAIL")]
    pub brand_support_email: Option<String>,
    /// Colour of buttons and accents, `#rrggbb`
    #[arg(long, env = "BRAND_COLOR", default_value = "#1d4ed8")]
    pub brand_color: String,
    /// The company's logo, an https URL; unset: its name is written instead
    #[arg(long, env = "BRAND_LOGO_URL")]
    pub brand_logo_url: Option<Url>,
    /// Language for customers whose own is not known
    #[arg(long, env = "BRAND_LOCALE", value_enum, default_value = "en")]
    pub brand_locale: Locale,
    /// Sender of mails, `name@example.com` or `Name <name@example.com>`
    #[arg(long, env = "MAIL_FROM")]
    pub mail_from: Option<String>,
    /// Who tells customers of trials, renewals and prices before they are charged
    #[arg(long, env = "NOTICES_SENDER", value_enum, default_value = "orchestrator")]
    pub notices_sender: NoticesSender,
    /// Mail server, `smtp://user:password@host:port` (STARTTLS) or `smtps://…` (TLS)
    #[arg(long, env = "MAIL_SMTP_URL", hide_env_values = true)]
    pub mail_smtp_url: Option<SecretString>,
}

/// Who tells customers what will be charged: one of them, so that nobody hears it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum NoticesSender {
    /// This service
    Orchestrator,
    /// Zoho Billing, by its own e-mail settings
    Zoho,
}

/// Who sends mails, and through which server.
#[derive(Debug, Clone)]
pub struct MailConfig {
    pub from: Mailbox,
    /// `smtp` or `smtps`, with a host; holds the password.
    pub smtp_url: SecretString,
    /// Nothing is sent in the clear. Else TLS is used where the server offers it.
    pub tls_required: bool,
}

impl OutreachSettings {
    /// Checks what mails need, for commands that need nothing else.
    ///
    /// # Errors
    /// Every fault, each with its cure.
    pub fn check_alone(self, environment: Environment) -> Result<(Brand, MailConfig), Faults> {
        let mut faults = Checking::default();
        match (self.brand(environment, &mut faults), self.mail(environment, &mut faults)) {
            (Some(brand), Some(mail)) if faults.is_empty() => Ok((brand, mail)),
            _ => Err(Faults(faults.found)),
        }
    }

    /// Checks the brand alone.
    ///
    /// # Errors
    /// Every fault, each with its cure.
    pub fn check_brand(&self, environment: Environment) -> Result<Brand, Faults> {
        let mut faults = Checking::default();
        self.brand(environment, &mut faults).filter(|_| faults.is_empty()).ok_or(Faults(faults.found))
    }

    pub(super) fn brand(&self, environment: Environment, faults: &mut Vec<String>) -> Option<Brand> {
        let mut named = |name, value: &Option<String>, of_shows| {
            let given = value.clone().filter(|text| !text.trim().is_empty());
            required(name, given.or_else(|| environment.is_show().then(|| String::from(of_shows))), faults)
        };
        let name = named("BRAND_NAME", &self.brand_name, "Acme Cloud");
        let support_email = named("BRAND_SUPPORT_EMAIL", &self.brand_support_email, "support@acme.example");
        if support_email.as_ref().is_some_and(|address| address.parse::<lettre::Address>().is_err()) {
            faults.push("BRAND_SUPPORT_EMAIL is no e-mail address, expected one like support@example.com".to_owned());
        }
        let colour = self.brand_color.parse::<Colour>().map_err(|e| faults.push(format!("BRAND_COLOR: {e}"))).ok();
        let logo = self.brand_logo_url.clone();
        logo.iter().filter(|url| url.scheme() != "https").for_each(|url| {
            faults.push(format!("BRAND_LOGO_URL ({url}) is not https: mail programs show no other images"));
        });
        Some(Brand { name: name?, support_email: support_email?, colour: colour?, logo, locale: self.brand_locale })
    }

    pub(super) fn mail(self, environment: Environment, faults: &mut Checking) -> Option<MailConfig> {
        let from = self.mail_from.filter(|text| !text.is_empty());
        let from = from.or_else(|| environment.is_show().then(|| "billing@acme.example".to_owned()));
        let from = required("MAIL_FROM", from, faults).and_then(|text| {
            let expected = "MAIL_FROM is no sender, expected `name@example.com` or `Name <name@example.com>`";
            text.parse::<Mailbox>().map_err(|_| faults.push(expected.to_owned())).ok()
        });
        let smtp_url = secret("MAIL_SMTP_URL", self.mail_smtp_url, faults);
        let smtp_url = required("MAIL_SMTP_URL", smtp_url, faults)?;
        let is_smtp = |url: Url| ["smtp", "smtps"].contains(&url.scheme()) && url.has_host();
        if !smtp_url.expose_secret().parse().is_ok_and(is_smtp) {
            let expected = "smtp://user:password@host:port or smtps://user:password@host:port";
            faults.push(format!("MAIL_SMTP_URL is no URL of a mail server, expected {expected}"));
        }
        let tls_required = environment == Environment::Production;
        Some(MailConfig { from: from?, smtp_url, tls_required })
    }
}
