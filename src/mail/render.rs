//! Templates to text. Each content file is rendered twice, once within the HTML frame, with everything escaped, and once
//! within the plain one. A fact that a template names and nobody gave is an error, never a gap.

use super::facts::{Facts, Template};
use crate::brand::{Brand, Locale};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

/// Puts a locale's files into a list of (name, text). Adding a locale is adding its folder and its name below.
macro_rules! contents {
    ($($locale:literal),+) => {
        &[$(
            (concat!($locale, "/words"), include_str!(concat!("templates/", $locale, "/words.j2"))),
            (concat!($locale, "/checkout_link"), include_str!(concat!("templates/", $locale, "/checkout_link.j2"))),
            (concat!($locale, "/checkout_reminder"), include_str!(concat!("templates/", $locale, "/checkout_reminder.j2"))),
            (concat!($locale, "/refund"), include_str!(concat!("templates/", $locale, "/refund.j2"))),
            (concat!($locale, "/receipt"), include_str!(concat!("templates/", $locale, "/receipt.j2"))),
            (concat!($locale, "/started"), include_str!(concat!("templates/", $locale, "/started.j2"))),
            (concat!($locale, "/activation_failed"), include_str!(concat!("templates/", $locale, "/activation_failed.j2"))),
            (concat!($locale, "/payment_failed"), include_str!(concat!("templates/", $locale, "/payment_failed.j2"))),
            (concat!($locale, "/card_link"), include_str!(concat!("templates/", $locale, "/card_link.j2"))),
            (concat!($locale, "/card_changed"), include_str!(concat!("templates/", $locale, "/card_changed.j2"))),
            (concat!($locale, "/authentication_needed"), include_str!(concat!("templates/", $locale, "/authentication_needed.j2"))),
            (concat!($locale, "/last_notice"), include_str!(concat!("templates/", $locale, "/last_notice.j2"))),
            (concat!($locale, "/trial_ends"), include_str!(concat!("templates/", $locale, "/trial_ends.j2"))),
            (concat!($locale, "/renews"), include_str!(concat!("templates/", $locale, "/renews.j2"))),
            (concat!($locale, "/price_changes"), include_str!(concat!("templates/", $locale, "/price_changes.j2"))),
            (concat!($locale, "/card_expires"), include_str!(concat!("templates/", $locale, "/card_expires.j2"))),
        )+]
    };
}
const CONTENTS: &[(&str, &str)] = contents!("en", "de");

/// A mail's three texts.
#[derive(Clone)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// A whole HTML document.
    pub html: String,
    /// The same in plain text.
    pub text: String,
}

/// All templates, ready to render.
pub struct Templates {
    html: Environment<'static>,
    text: Environment<'static>,
    brand: Value,
}

impl Templates {
    /// Reads the templates that the program was built with.
    pub fn new(brand: &Brand) -> Self {
        let html = [("layout", include_str!("templates/layout.html")), ("parts", include_str!("templates/parts.html"))];
        let text = [("layout", include_str!("templates/layout.txt")), ("parts", include_str!("templates/parts.txt"))];
        Self {
            html: environment(AutoEscape::Html, html),
            text: environment(AutoEscape::None, text),
            brand: context! {
                name => brand.name.as_str(),
                support => brand.support_email.as_str(),
                colour => brand.colour.to_string(),
                text_colour => brand.colour.readable_text().to_string(),
                logo => brand.logo.as_ref().map(ToString::to_string),
            },
        }
    }

    /// Renders a mail. `name` is how the reader is greeted, where that is known.
    ///
    /// # Errors
    /// A template and its facts do not fit: a fault of the program. Names the template and line, never a fact.
    pub fn render(&self, facts: &Facts, name: Option<&str>, locale: Locale) -> Result<Rendered, String> {
        let values = context! {
            locale => locale.tag(),
            brand => self.brand.clone(),
            name => name.filter(|name| !name.trim().is_empty()),
            ..Value::from(Serde(on_one_line(facts)))
        };
        let template = facts.template();
        let text = part(&self.text, template, locale, &values)?;
        // The plain layout begins with the subject's line: so a subject is never escaped.
        let (subject, text) = text.trim_start().split_once('\n').unwrap_or((text.as_str(), ""));
        Ok(Rendered {
            subject: subject.split_whitespace().collect::<Vec<_>>().join(" "),
            html: part(&self.html, template, locale, &values)?,
            text: tidy(text),
        })
    }
}

fn part(from: &Environment<'_>, template: Template, locale: Locale, values: &Value) -> Result<String, String> {
    let name = format!("{}/{}", locale.tag(), template.as_str());
    let rendered = from.get_template(&name).and_then(|template| template.render(values));
    rendered.map_err(|e| format!("the mail template {name}, line {}: {}", e.line().unwrap_or_default(), e.kind()))
}

/// The facts, each text on one line: what a customer or a catalogue calls itself cannot pass for a line of ours.
fn on_one_line(facts: &Facts) -> serde_json::Value {
    fn tidied(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::String(text) => one_line(&text).into(),
            serde_json::Value::Object(fields) => fields.into_iter().map(|(name, v)| (name, tidied(v))).collect(),
            other => other,
        }
    }
    tidied(serde_json::json!(facts))
}

/// Text without line breaks and other control characters.
pub(super) fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn environment(escape: AutoEscape, frame: [(&'static str, &'static str); 2]) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(move |_| escape.clone());
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the standard delimiters"));
    for (name, text) in CONTENTS.iter().chain(&frame) {
        environment.add_template(name, text).expect("a test renders every template");
    }
    environment
}

/// Lines without blanks around them, and never more than one empty line between two.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for line in text.trim().lines().map(str::trim) {
        if !(line.is_empty() && tidy.ends_with("\n\n")) {
            tidy.push_str(line);
            tidy.push('\n');
        }
    }
    tidy
}
