//! The page on which a customer cancels what a notice speaks of: what is charged when, and one button. Every sentence and amount
//! is made here; the templates only place them.

use super::Problem;
use super::page::{Notice, Page, Words};
use crate::locale::Locale;
use async_trait::async_trait;
use chrono::NaiveDate;
use sagas::kernel::money::Money;

/// Who answers for a link to the page. `token` is the text in the link, unread.
#[async_trait]
pub trait CancelDesk: Send + Sync {
    /// What the customer sees now.
    async fn view(&self, token: &str) -> Result<CancelView, Problem>;

    /// The customer presses the button. Pressed again, it has no further effect.
    async fn cancel(&self, token: &str) -> Result<(), Problem>;
}

/// All that the page shows.
#[derive(Debug, Clone)]
pub struct CancelView {
    pub stage: CancelStage,
    /// What is paid for.
    pub title: String,
    /// The next charge, where one comes.
    pub next: Option<(NaiveDate, Money)>,
    /// BCP 47; absent: the browser's wish counts.
    pub locale: Option<String>,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelStage {
    /// It can be cancelled.
    Runs,
    /// The customer has cancelled it here.
    Cancelled,
    /// There is nothing to cancel any more.
    Over,
}

impl Page {
    /// The page of a view.
    ///
    /// # Errors
    /// A template asks for what there is not: our fault.
    pub fn cancel(&self, view: &CancelView, locale: Locale) -> Result<String, minijinja::Error> {
        let words = Words { locale };
        let title = [("title", view.title.as_str())];
        let (stage, notice) = match view.stage {
            CancelStage::Runs => {
                let next = view.next.map(|(on, amount)| {
                    [(words.say("end_on"), locale.date(on)), (words.say("end_amount"), locale.money(amount))]
                });
                let notice = Notice {
                    tone: "plain",
                    heading: words.fill("end_heading", &title),
                    body: words.say("end_body"),
                    facts: next.into_iter().flatten().collect(),
                    ..Notice::default()
                };
                ("runs", notice)
            }
            CancelStage::Cancelled => {
                let heading = words.fill("ended_heading", &title);
                ("cancelled", Notice { heading, ..words.plain("good", "ended_heading", "ended_body") })
            }
            CancelStage::Over => ("over", words.plain("plain", "end_over_heading", "end_over_body")),
        };
        let button = (view.stage == CancelStage::Runs).then(|| words.say("end_button"));
        self.render_cancel(&words, stage, notice, button)
    }
}
