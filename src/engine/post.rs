//! Letters to customers: the outbox's row makes each go out once, whoever repeats the step.

use crate::mail::letters::mail_of;
use crate::mail::outbox::{Sender, deliver};
use crate::mail::{Mailer, MessageId};
use crate::port::{Call, Report};
use crate::store::mail::{self, State};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::Letter;
use sagas::kernel::outcome::{Look, Outcome, Rejection, RejectionKind};
use sqlx::PgPool;
use std::sync::Arc;

/// Sends letters.
pub(super) struct PostPerformer {
    pool: PgPool,
    mailer: Option<Arc<Mailer>>,
}

impl PostPerformer {
    pub(super) fn new(pool: PgPool, mailer: Option<Arc<Mailer>>) -> Self {
        Self { pool, mailer }
    }

    pub(super) async fn send(&self, call: &Call, letter: &Letter) -> Report {
        let Some(mailer) = &self.mailer else {
            return rejected("no_mail_server", "no mail server is configured").into();
        };
        let mail = match mail_of(letter, &call.beside, mailer) {
            Ok(mail) => mail,
            Err(why) => return rejected("letter", &why).into(),
        };
        let from = Sender { saga: Some(call.saga.0), customer: Some(&letter.customer) };
        deliver(&self.pool, mailer, &mail, from, letter.about.is_of_money()).await.into()
    }

    /// What the outbox says. A text that may have arrived as often as it may go out counts as sent: nobody can know more.
    pub(super) async fn look(&self, letter: &Letter) -> Look {
        let Some(mailer) = &self.mailer else { return absent() };
        let Ok(id) = MessageId::new(&format!("{}@{}", letter.reference, mailer.domain())) else { return absent() };
        let at_most = if letter.about.is_of_money() { 2 } else { 1 };
        match mail::state(&self.pool, id.as_str()).await {
            Ok(Some(standing)) if standing.state == State::Sent || standing.attempts >= at_most => {
                let outcome = Box::new(Outcome::Done { answer: Answer::Nothing });
                Look::Found { outcome, extra: Vec::new() }
            }
            Ok(_) => absent(),
            Err(e) => Look::Unclear { detail: format!("our own store: {e}") },
        }
    }
}

fn absent() -> Look {
    Look::Absent { watermark: false, key_proven: false }
}

fn rejected(code: &str, message: &str) -> Outcome {
    let rejection = Rejection { kind: RejectionKind::Invalid, code: code.to_owned(), message: message.to_owned() };
    Outcome::Rejected { rejection }
}
