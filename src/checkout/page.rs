//! From a view to HTML. Every sentence and amount is made here; the templates only place them.

use super::texts::{self, Texts, say};
use super::{Advice, CardOnFile, Problem, Quote, Receipt, Renewal, Stage, Tax, Unit, View, policy};
use crate::brand::{Brand, Colour, Locale};
use crate::config::Scripts;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A file that the page loads from us.
#[derive(Debug)]
pub struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub content: &'static str,
}

/// The files of every page. The company's colours come beside them: [`Page::brand_css`].
pub const ASSETS: [Asset; 2] = [
    Asset {
        name: "checkout.css",
        content_type: "text/css; charset=utf-8",
        content: include_str!("assets/checkout.css"),
    },
    Asset {
        name: "checkout.js",
        content_type: "text/javascript; charset=utf-8",
        content: include_str!("assets/checkout.js"),
    },
];

/// The page of one company.
#[derive(Debug)]
pub struct Page {
    templates: Environment<'static>,
    brand: Brand,
    scripts: Vec<ShownScript>,
    authentication_script: ShownScript,
    policy: String,
    authentication_policy: String,
    leading_away_policy: String,
    brand_css: String,
    icon: String,
    version: String,
}

#[derive(Debug, Serialize)]
pub(super) struct ShownScript {
    url: String,
    integrity: Option<String>,
}

/// What the templates see.
#[derive(Serialize)]
struct Shown<'a> {
    lang: &'static str,
    t: &'a Texts,
    brand: ShownBrand<'a>,
    version: &'a str,
    title: String,
    stage: &'static str,
    /// What stands above everything: the state, where it is not simply "please pay".
    notice: Option<Notice>,
    order: Option<Order>,
    card: Option<About>,
    form: Option<Form<'a>>,
    onward: Option<Onward<'a>>,
    /// What the one button says of a page that asks for nothing else.
    button: Option<String>,
}

#[derive(Serialize)]
struct ShownBrand<'a> {
    name: &'a str,
    support_email: &'a str,
    logo_url: Option<&'a str>,
}

#[derive(Serialize, Default)]
pub(super) struct Notice {
    /// `good`, `busy`, `bad` or `plain`: a colour and a sign, never the only message.
    pub(super) tone: &'static str,
    pub(super) heading: String,
    pub(super) body: String,
    /// A second sentence: what to do.
    pub(super) cure: Option<String>,
    pub(super) facts: Vec<(String, String)>,
    /// A time that the browser may show in its own zone.
    pub(super) at: Option<String>,
}

#[derive(Serialize)]
struct Order {
    customer: String,
    lines: Vec<(String, String)>,
    tax: (String, String),
    due_today: String,
    before_tax: bool,
    sentences: Vec<String>,
}

/// What stands beside the form of a page for another card.
#[derive(Serialize)]
pub(super) struct About {
    pub(super) customer: String,
    pub(super) lines: Vec<(String, String)>,
    pub(super) sentences: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Form<'a> {
    pub(super) heading: String,
    pub(super) quote_hash: &'a str,
    pub(super) consent_version: &'a str,
    pub(super) consent: String,
    pub(super) cards: Vec<ShownCard<'a>>,
    pub(super) button: String,
    pub(super) secure: String,
    pub(super) no_script: String,
    /// 3-D Secure comes before the submission.
    pub(super) authenticate: bool,
    pub(super) scripts: Vec<&'a ShownScript>,
}

/// A form without a card: the customer agrees, and goes on to the page of who collects.
#[derive(Serialize)]
struct Onward<'a> {
    action: &'a str,
    heading: String,
    quote_hash: &'a str,
    consent_version: &'a str,
    consent: String,
    button: String,
    secure: String,
}

#[derive(Serialize)]
pub(super) struct ShownCard<'a> {
    id: &'a str,
    name: String,
}

impl Page {
    /// The page of this company with the vendor's scripts.
    ///
    /// # Errors
    /// A template does not parse.
    pub fn new(brand: Brand, scripts: &Scripts) -> Result<Self, String> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in [
            ("page.html", include_str!("templates/page.html")),
            ("order.html", include_str!("templates/order.html")),
            ("card.html", include_str!("templates/card.html")),
            ("form.html", include_str!("templates/form.html")),
            ("onward.html", include_str!("templates/onward.html")),
        ] {
            templates.add_template(name, source).map_err(|e| e.to_string())?;
        }
        let brand_css = brand_css(brand.colour);
        let icon = icon(brand.colour);
        let mut hash = Sha256::new();
        for asset in &ASSETS {
            hash.update(asset.content);
        }
        hash.update(&brand_css);
        let shown = |script: &crate::config::Script| ShownScript {
            url: script.url.to_string(),
            integrity: script.integrity.clone(),
        };
        Ok(Self {
            templates,
            policy: policy::content_security(scripts, &brand, false),
            authentication_policy: policy::content_security(scripts, &brand, true),
            leading_away_policy: policy::leading_away(scripts, &brand),
            scripts: scripts.files.iter().map(shown).collect(),
            authentication_script: shown(&scripts.authentication),
            brand,
            brand_css,
            icon,
            version: hex::encode(&hash.finalize()[..6]),
        })
    }

    /// The `Content-Security-Policy` of every answer but those of [`Self::authentication_policy`].
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// The `Content-Security-Policy` of a page on which a bank wants 3-D Secure: its frame may be shown.
    pub fn authentication_policy(&self) -> &str {
        &self.authentication_policy
    }

    /// The `Content-Security-Policy` of a page whose form leads to the page of who collects.
    pub fn leading_away_policy(&self) -> &str {
        &self.leading_away_policy
    }

    /// A style sheet with the company's colour.
    pub fn brand_css(&self) -> &str {
        &self.brand_css
    }

    /// The sign of the browser's tab, in the company's colour.
    pub fn icon(&self) -> &str {
        &self.icon
    }

    /// The language of a page: the customer's, else the browser's (`Accept-Language`), else the company's.
    pub fn locale(&self, customer: Option<&str>, browser: Option<&str>) -> Locale {
        customer.and_then(Locale::of_tag).or_else(|| browser.and_then(Locale::accepted)).unwrap_or(self.brand.locale)
    }

    /// The page of a view.
    ///
    /// # Errors
    /// A template asks for what there is not: our fault.
    pub fn view(&self, view: &View, locale: Locale) -> Result<String, minijinja::Error> {
        let words = Words { locale };
        let takes_card = view.stage.takes_card();
        if let Some(card) = &view.card {
            let offer = card.offer.as_ref();
            let about = offer.map(|offer| words.about_card(view, offer));
            let form = offer.filter(|_| takes_card).map(|offer| self.card_form(&words, view, offer));
            return self.render(&words, view.stage.word(), words.card_notice(&view.stage), None, about, form);
        }
        let notice = words.notice(view);
        if let (Some(action), Some(quote)) = (&view.elsewhere, view.quote.as_ref().filter(|_| takes_card)) {
            let onward = Some(self.onward(&words, action, quote));
            let order = Some(words.order(view, quote));
            let blank = self.blank(&words, view.stage.word(), notice, false);
            let shown = Shown { order, onward, ..blank };
            return self.templates.get_template("page.html")?.render(minijinja::value::Serde(&shown));
        }
        let asks = takes_card || matches!(view.stage, Stage::Confirming | Stage::LockedUntil { .. });
        self.render(
            &words,
            view.stage.word(),
            notice,
            view.quote.as_ref().filter(|_| asks).map(|quote| words.order(view, quote)),
            None,
            view.quote.as_ref().filter(|_| takes_card).map(|quote| self.form(&words, view, quote)),
        )
    }

    /// The page where there is no view.
    ///
    /// # Errors
    /// As [`Self::view`].
    pub fn problem(&self, problem: &Problem, locale: Locale) -> Result<String, minijinja::Error> {
        let words = Words { locale };
        let (stage, heading, body) = match problem {
            Problem::Forged => ("forged", "forged_heading", "forged_body"),
            Problem::Held => ("held", "held_heading", "held_body"),
            Problem::Unavailable => ("unavailable", "unavailable_heading", "unavailable_body"),
            Problem::Refused(_) => ("refused", "refused_heading", "submit_refused"),
        };
        self.render(&words, stage, Some(words.plain("plain", heading, body)), None, None, None)
    }

    fn render(
        &self,
        words: &Words,
        stage: &'static str,
        notice: Option<Notice>,
        order: Option<Order>,
        card: Option<About>,
        form: Option<Form<'_>>,
    ) -> Result<String, minijinja::Error> {
        let blank = self.blank(words, stage, notice, card.is_some());
        self.templates.get_template("page.html")?.render(minijinja::value::Serde(&Shown { order, card, form, ..blank }))
    }

    /// A page that says something, and has one button at most.
    pub(super) fn render_cancel(
        &self,
        words: &Words,
        stage: &'static str,
        notice: Notice,
        button: Option<String>,
    ) -> Result<String, minijinja::Error> {
        let blank = self.blank(words, stage, Some(notice), false);
        self.templates.get_template("page.html")?.render(minijinja::value::Serde(&Shown { button, ..blank }))
    }

    fn blank(&self, words: &Words, stage: &'static str, notice: Option<Notice>, of_card: bool) -> Shown<'_> {
        Shown {
            lang: words.locale.tag(),
            t: texts::all(words.locale),
            brand: ShownBrand {
                name: &self.brand.name,
                support_email: &self.brand.support_email,
                logo_url: self.brand.logo.as_ref().map(url::Url::as_str),
            },
            version: &self.version,
            title: notice.as_ref().map_or_else(
                || words.say(if of_card { "card_title" } else { "title" }),
                |notice| notice.heading.clone(),
            ),
            stage,
            notice,
            order: None,
            card: None,
            form: None,
            onward: None,
            button: None,
        }
    }

    fn onward<'a>(&'a self, words: &Words, action: &'a str, quote: &'a Quote) -> Onward<'a> {
        let company = &self.brand.name;
        let consent = match &quote.renewal {
            Some(renewal) => {
                let (amount, later) = (words.locale.money(quote.ceiling), words.locale.money(renewal.amount));
                let interval = words.interval(renewal);
                let gaps =
                    [("company", company.as_str()), ("amount", &amount), ("later", &later), ("interval", &interval)];
                words.fill("consent_elsewhere", &gaps)
            }
            None => words.consent(quote, company),
        };
        Onward {
            action,
            heading: words.say("pay_with"),
            quote_hash: &quote.hash,
            consent_version: &quote.consent_version,
            consent,
            button: words.say("onward"),
            secure: words.fill("secure_elsewhere", &[("company", company)]),
        }
    }

    fn form<'a>(&'a self, words: &Words, view: &'a View, quote: &'a Quote) -> Form<'a> {
        let amount = words.locale.money(quote.due_today);
        let button = match quote.tax {
            _ if quote.ceiling.minor == 0 => words.say("start"),
            Tax::Known(_) => words.fill("pay", &[("amount", &amount)]),
            Tax::UpTo(_) => words.fill("pay_plus_tax", &[("amount", &amount)]),
        };
        Form {
            heading: words.say("pay_with"),
            quote_hash: &quote.hash,
            consent_version: &quote.consent_version,
            consent: words.consent(quote, &self.brand.name),
            button,
            ..self.blank_form(words, view)
        }
    }

    /// What every form has.
    pub(super) fn blank_form<'a>(&'a self, words: &Words, view: &'a View) -> Form<'a> {
        let authenticate = matches!(view.stage, Stage::NeedsAuthentication);
        let card = |card: &'a CardOnFile| ShownCard { id: &card.id, name: words.card(card) };
        Form {
            heading: String::new(),
            quote_hash: "",
            consent_version: "",
            consent: String::new(),
            cards: view.cards_on_file.iter().map(card).collect(),
            button: String::new(),
            secure: words.fill("secure", &[("company", &self.brand.name)]),
            no_script: words.fill("no_script", &[("email", &self.brand.support_email)]),
            authenticate,
            scripts: self.scripts.iter().chain(authenticate.then_some(&self.authentication_script)).collect(),
        }
    }

    /// How the company is called.
    pub(super) fn company(&self) -> &str {
        &self.brand.name
    }
}

/// Sentences of one language.
pub(super) struct Words {
    pub(super) locale: Locale,
}

impl Words {
    pub(super) fn say(&self, key: &str) -> String {
        say(self.locale, key, &[])
    }

    pub(super) fn fill(&self, key: &str, gaps: &[(&str, &str)]) -> String {
        say(self.locale, key, gaps)
    }

    pub(super) fn card(&self, card: &CardOnFile) -> String {
        self.fill("card_on_file", &[("brand", &card.brand), ("last_four", &card.last_four)])
    }

    pub(super) fn plain(&self, tone: &'static str, heading: &str, body: &str) -> Notice {
        Notice { tone, heading: self.say(heading), body: self.say(body), ..Notice::default() }
    }

    fn notice(&self, view: &View) -> Option<Notice> {
        let notice = match &view.stage {
            Stage::Quoted => return None,
            Stage::Preparing => self.plain("busy", "preparing_heading", "preparing_body"),
            Stage::Replaced => self.plain("plain", "replaced_heading", "replaced_body"),
            Stage::Declined { advice: Advice::AnotherCard } => {
                self.plain("bad", "declined_heading", "declined_another")
            }
            Stage::Declined { advice: Advice::EnterAgain } => self.plain("bad", "declined_heading", "declined_again"),
            Stage::NeedsAuthentication => self.plain("plain", "authentication_heading", "authentication_body"),
            Stage::Confirming => self.plain("busy", "confirming_heading", "confirming_body"),
            Stage::LockedUntil { at } => Notice {
                body: self.fill("locked_body", &[("time", &at.format("%H:%M UTC").to_string())]),
                at: Some(at.to_rfc3339()),
                ..self.plain("bad", "locked_heading", "locked_body")
            },
            Stage::Paid(receipt) => {
                Notice { facts: self.receipt(receipt), ..self.plain("good", "paid_heading", "paid_body") }
            }
            Stage::Started => {
                let due = view.quote.as_ref().and_then(|quote| quote.trial_end).map(|end| self.locale.date(end));
                let body =
                    due.map_or_else(|| self.say("started_free"), |d| self.fill("started_trial", &[("date", &d)]));
                Notice { body, ..self.plain("good", "started_heading", "started_free") }
            }
            Stage::Active => self.plain("good", "started_heading", "active_body"),
            // Shown on the page for another card alone.
            Stage::Changed(_) => return self.card_notice(&view.stage),
            Stage::Expired => self.plain("plain", "expired_heading", "expired_body"),
            Stage::Revoked => self.plain("plain", "revoked_heading", "revoked_body"),
            Stage::Cancelled => self.plain("plain", "cancelled_heading", "cancelled_body"),
            Stage::Failed => {
                Notice { cure: Some(self.say("failed_cure")), ..self.plain("bad", "failed_heading", "failed_body") }
            }
        };
        Some(notice)
    }

    fn receipt(&self, receipt: &Receipt) -> Vec<(String, String)> {
        let card = receipt.card.as_ref().map(|card| ("paid_card", self.card(card)));
        [
            Some(("paid_amount", self.locale.money(receipt.amount))),
            Some(("paid_on", self.locale.date(receipt.paid_on))),
            card,
            Some(("paid_reference", receipt.reference.clone())),
        ]
        .into_iter()
        .flatten()
        .map(|(key, value)| (self.say(key), value))
        .collect()
    }

    fn order(&self, view: &View, quote: &Quote) -> Order {
        let (key, tax, before_tax) = match quote.tax {
            Tax::Known(amount) => ("tax", amount, false),
            Tax::UpTo(amount) => ("tax_up_to", amount, true),
        };
        Order {
            customer: self.fill("order_for", &[("customer", &view.customer)]),
            lines: quote.lines.iter().map(|line| (line.text.clone(), self.locale.money(line.amount))).collect(),
            tax: (self.say(key), self.locale.money(tax)),
            due_today: self.locale.money(quote.due_today),
            before_tax,
            sentences: self.sentences(quote, before_tax),
        }
    }

    /// What the customer agrees to: that the card is kept, and what it is charged.
    fn consent(&self, quote: &Quote, company: &str) -> String {
        let amount = self.locale.money(quote.ceiling);
        match &quote.renewal {
            Some(renewal) => {
                let later = self.locale.money(renewal.amount);
                let interval = self.interval(renewal);
                let gaps = [("company", company), ("amount", &amount), ("later", &later), ("interval", &interval)];
                self.fill("consent_recurring", &gaps)
            }
            None => self.fill("consent_once", &[("company", company), ("amount", &amount)]),
        }
    }

    fn sentences(&self, quote: &Quote, before_tax: bool) -> Vec<String> {
        let ceiling = (quote.ceiling != quote.due_today).then(|| {
            let key = if before_tax { "ceiling_tax" } else { "ceiling" };
            self.fill(key, &[("amount", &self.locale.money(quote.ceiling))])
        });
        let trial = quote.trial_end.map(|end| self.fill("trial", &[("date", &self.locale.date(end))]));
        let renewal = quote.renewal.as_ref().map(|renewal| self.renewal(renewal));
        let valid = Some(self.fill("valid_until", &[("date", &self.locale.date(quote.expires_at.date_naive()))]));
        [ceiling, trial, renewal, valid].into_iter().flatten().collect()
    }

    /// `every month`, `every 3 months`.
    fn interval(&self, renewal: &Renewal) -> String {
        let (one, many) = match renewal.unit {
            Unit::Day => ("every_day", "every_days"),
            Unit::Week => ("every_week", "every_weeks"),
            Unit::Month => ("every_month", "every_months"),
            Unit::Year => ("every_year", "every_years"),
        };
        if renewal.every == 1 { self.say(one) } else { self.fill(many, &[("n", &renewal.every.to_string())]) }
    }

    fn renewal(&self, renewal: &Renewal) -> String {
        let interval = self.interval(renewal);
        let (amount, date) = (self.locale.money(renewal.amount), self.locale.date(renewal.on));
        self.fill("renews", &[("amount", &amount), ("interval", &interval), ("date", &date)])
    }
}

/// The company's colour, and black or white on it, whichever is easier to read.
fn brand_css(colour: Colour) -> String {
    format!(":root {{\n  --brand: {colour};\n  --on-brand: {};\n}}\n", colour.readable_text())
}

/// A card in the company's colour.
fn icon(colour: Colour) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">\
         <rect y=\"2\" width=\"16\" height=\"12\" rx=\"2\" fill=\"{colour}\"/>\
         <rect y=\"5\" width=\"16\" height=\"2\" fill=\"#ffffff\" opacity=\"0.7\"/></svg>"
    )
}
