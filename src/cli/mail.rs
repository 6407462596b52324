//! `mail`: looks at the templates without sending, and tries the mail server with one made-up mail.

use super::{Exit, print};
use crate::brand::Locale;
use crate::clock::RealClock;
use crate::config::{Environment, OutreachSettings};
use crate::mail::facts::Template;
use crate::mail::render::{Rendered, Templates};
use crate::mail::{Mail, Mailer, MessageId, To, samples};
use anyhow::Context;
use sagas::kernel::outcome::Outcome;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long a mail server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Render a mail with made-up facts; nothing is sent
    Preview(Box<PreviewArgs>),
    /// Send one made-up mail through the configured server
    Test(Box<TestArgs>),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing mail preview receipt                         the plain text, on stdout
  attio-billing mail preview receipt --locale de --html > receipt.html
  attio-billing mail preview --all --out previews            every mail in every language, to open in a browser")]
pub(super) struct PreviewArgs {
    /// Which mail
    #[arg(value_enum, required_unless_present = "all")]
    template: Option<Template>,
    /// Every mail; in every language, unless --locale names one
    #[arg(long, conflicts_with_all = ["template", "html", "text"], requires = "out")]
    all: bool,
    /// Language; unset: BRAND_LOCALE
    #[arg(long, value_enum)]
    locale: Option<Locale>,
    /// Prints the HTML part
    #[arg(long, conflicts_with_all = ["text", "out"])]
    html: bool,
    /// Prints subject and plain text; the default
    #[arg(long, conflicts_with = "out")]
    text: bool,
    /// Writes both parts into this folder, as `receipt.en.html` and `receipt.en.txt`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    own: Own,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing mail test --to me@example.com
  attio-billing mail test --to me@example.com --template receipt --locale de")]
pub(super) struct TestArgs {
    /// Who gets it
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// Which mail
    #[arg(long, value_enum, default_value = "receipt")]
    template: Template,
    /// Language; unset: BRAND_LOCALE
    #[arg(long, value_enum)]
    locale: Option<Locale>,
    #[command(flatten)]
    own: Own,
}

/// The settings that mails need.
#[derive(Debug, clap::Args)]
struct Own {
    /// Which environment this is; demo and test make up a brand and a sender where none is set
    #[arg(long, env = "ENVIRONMENT", value_enum, default_value = "demo")]
    environment: Environment,
    #[command(flatten)]
    outreach: OutreachSettings,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Preview(args) => preview(*args),
        Command::Test(args) => test(*args).await,
    }
}

fn preview(args: PreviewArgs) -> Result<(), Exit> {
    let brand = args.own.outreach.check_brand(args.own.environment).map_err(Exit::config)?;
    let templates = Templates::new(&brand);
    let render = |template: Template, locale: Locale| {
        let facts = samples::facts(template, locale);
        templates.render(&facts, Some(samples::NAME), locale).map_err(|e| Exit::failure(anyhow::Error::msg(e)))
    };
    let locale = args.locale.unwrap_or(brand.locale);
    match (args.template, args.out) {
        (Some(template), None) => {
            let rendered = render(template, locale)?;
            print(if args.html { rendered.html } else { plain(&rendered) }.trim_end());
        }
        (template, Some(folder)) => {
            std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
            let templates = template.map_or_else(|| Template::ALL.to_vec(), |one| vec![one]);
            let every = if args.all { Locale::ALL.to_vec() } else { vec![locale] };
            let locales = args.locale.map_or(every, |one| vec![one]);
            for (template, locale) in templates.into_iter().flat_map(|t| locales.iter().map(move |l| (t, *l))) {
                save(&folder, template, locale, &render(template, locale)?)?;
            }
        }
        (None, None) => return Err(Exit::usage("--all needs --out")),
    }
    Ok(())
}

fn plain(rendered: &Rendered) -> String {
    format!("Subject: {}\n\n{}", rendered.subject, rendered.text)
}

fn save(folder: &Path, template: Template, locale: Locale, rendered: &Rendered) -> Result<(), Exit> {
    for (ending, text) in [("html", &rendered.html), ("txt", &plain(rendered))] {
        let path = folder.join(format!("{}.{}.{ending}", template.as_str(), locale.tag()));
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        print(&path.display().to_string());
    }
    Ok(())
}

async fn test(args: TestArgs) -> Result<(), Exit> {
    let (brand, config) = args.own.outreach.check_alone(args.own.environment).map_err(Exit::config)?;
    let locale = args.locale.unwrap_or(brand.locale);
    let message_id = MessageId::new(&format!("{}@{}", Uuid::now_v7(), config.from.email.domain()))
        .map_err(|e| Exit::failure(anyhow::Error::msg(e)))?;
    let mailer = Mailer::new(&config, &brand, Arc::new(RealClock), PATIENCE)
        .map_err(|e| Exit::failure(anyhow::Error::msg(e)))?;
    let to = To { address: args.to, name: Some(samples::NAME.to_owned()) };
    let sent = mailer.send(&Mail { message_id, to, locale, facts: samples::facts(args.template, locale) }).await;
    let (what, why, hint) = match sent.outcome {
        Outcome::Done { .. } => {
            print(&format!("the mail server has taken it: {}", sent.reply));
            return Ok(());
        }
        Outcome::Rejected { rejection } => (
            "was refused",
            format!("{}: {}", rejection.code, rejection.message),
            "correct what the server names, then try again",
        ),
        Outcome::Declined { decline } => ("was refused", decline.text, "correct what the server names, then try again"),
        Outcome::NotSent { detail, .. } => ("was not sent", detail, "check MAIL_SMTP_URL, or try again later"),
        Outcome::Unknown { detail } => ("may have been sent", detail, "look into the mailbox before you try again"),
    };
    Err(Exit::failure(anyhow::anyhow!("the mail {what}: {why}")).hint(hint))
}
