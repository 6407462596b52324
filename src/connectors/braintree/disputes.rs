//! Disputes: read, given up, or answered with evidence that is handed in. After every act the dispute itself is read and
//! says what became of it. It judges no evidence, and reads none of its text.

use super::judge::{self, Said, Shown};
use super::wire::{Unusable, plain};
use super::xml::{Body, Node};
use super::{Braintree, NOTHING_DONE, found, input_gone, is_path_id, unclear};
use crate::port::{Call, Report};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use sagas::kernel::answer::{Answer, Dispute, DisputeStatus, Evidence};
use sagas::kernel::effect::{DocumentForm, EvidencePiece};
use sagas::kernel::money::{self, Money};
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use secrecy::{ExposeSecret as _, SecretString};

/// Between the parts of an upload; a file that holds it is not sent.
const BOUNDARY: &str = "--b1f0a4d27c9e4f35a6d8-attio-billing";

const MULTIPART: &str = "multipart/form-data; boundary=b1f0a4d27c9e4f35a6d8-attio-billing";

/// An act on a dispute.
pub(super) enum Act<'a> {
    Accept,
    Finalize,
    Add { piece: &'a EvidencePiece, besides: &'a [String] },
    Remove { evidence: &'a str },
}

/// What the dispute says about an act.
enum Stand {
    /// It was done.
    Done,
    /// It can still be done.
    Before,
    /// It was not done, and cannot be any more.
    TooLate,
}

impl Act<'_> {
    fn path<'b>(&'b self, dispute: &'b str) -> Vec<&'b str> {
        match self {
            Self::Accept => vec!["disputes", dispute, "accept"],
            Self::Finalize => vec!["disputes", dispute, "finalize"],
            Self::Add { .. } => vec!["disputes", dispute, "evidence"],
            Self::Remove { evidence } => vec!["disputes", dispute, "evidence", evidence],
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::Accept | Self::Finalize => Method::PUT,
            Self::Add { .. } => Method::POST,
            Self::Remove { .. } => Method::DELETE,
        }
    }

    fn stand(&self, shown: &Dispute) -> Stand {
        let done = match self {
            Self::Accept => shown.status == DisputeStatus::Accepted,
            Self::Finalize => matches!(
                shown.status,
                DisputeStatus::Disputed | DisputeStatus::UnderReview | DisputeStatus::Won | DisputeStatus::Lost
            ),
            Self::Add { piece, besides } => {
                let is_file = matches!(piece, EvidencePiece::File { .. });
                shown.evidence.iter().any(|one| one.is_file == is_file && !besides.contains(&one.id))
            }
            Self::Remove { evidence } => !shown.evidence.iter().any(|one| one.id == *evidence),
        };
        match shown.status {
            _ if done => Stand::Done,
            DisputeStatus::Open => Stand::Before,
            _ => Stand::TooLate,
        }
    }
}

impl Braintree {
    /// Does the act, then reads the dispute.
    pub(super) async fn act_on_dispute(&self, call: &Call, dispute: &str, act: &Act<'_>) -> Report {
        let body = match act {
            Act::Add { piece, .. } => match evidence_request(piece, call.beside.input.as_ref()) {
                Some(body) => Some(body),
                None => return input_gone().into(),
            },
            Act::Accept | Act::Finalize | Act::Remove { .. } => None,
        };
        let path = act.path(dispute);
        if !path[1..].iter().all(|part| is_path_id(part)) {
            return judge::not_found("dispute").into();
        }
        let (said, request_id) = self.write(call, act.method(), &path, body).await;
        let outcome = match said {
            Said::Object(_) | Said::Empty => self.after(call, dispute, act, None).await,
            // What is to be removed may be gone already.
            Said::Missing if matches!(act, Act::Remove { .. }) => self.after(call, dispute, act, None).await,
            Said::Missing => judge::not_found("dispute"),
            Said::Faults(faults) => {
                let refused = self.refused(&faults);
                match &refused {
                    Outcome::Rejected { rejection } if rejection.kind == RejectionKind::State => {
                        self.after(call, dispute, act, Some(refused)).await
                    }
                    _ => refused,
                }
            }
            Said::Transaction(_) | Said::Verification(_) => judge::unknown("the answer is no dispute".to_owned()),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// What the dispute says after the act; `refused`: the gateway said no to it for the dispute's state.
    async fn after(&self, call: &Call, id: &str, act: &Act<'_>, refused: Option<Outcome>) -> Outcome {
        let node = match self.find(call, &["disputes", id], "id").await {
            Shown::Object(node) => node,
            Shown::Missing => return judge::not_found("dispute"),
            Shown::Unread(_) => {
                return judge::unknown("it was asked for, and the dispute could not be read after it".to_owned());
            }
        };
        match (dispute(&node), refused) {
            (Ok(shown), refused) => match (act.stand(&shown), refused) {
                (Stand::Done, _) => done(shown),
                (_, Some(refused)) => refused,
                (Stand::Before | Stand::TooLate, None) => {
                    judge::unknown("it was asked for, and the dispute does not show it".to_owned())
                }
            },
            (Err(error), _) => judge::unusable(&error),
        }
    }

    /// Looks whether the act was done.
    pub(super) async fn look_dispute(&self, call: &Call, id: &str, act: &Act<'_>) -> Look {
        let node = match self.find(call, &["disputes", id], "id").await {
            Shown::Object(node) => node,
            Shown::Missing => return found(judge::not_found("dispute")),
            Shown::Unread(outcome) => return unclear(outcome),
        };
        match dispute(&node) {
            Ok(shown) => match act.stand(&shown) {
                Stand::Done => found(done(shown)),
                Stand::Before => NOTHING_DONE,
                Stand::TooLate => {
                    let word = plain(node.text_of("status").unwrap_or_default());
                    let message = format!("dispute {} is {word}", shown.id);
                    found(judge::rejected(RejectionKind::State, &word, &message))
                }
            },
            Err(error) => Look::Unclear { detail: error.to_string() },
        }
    }

    /// Uploads a document.
    pub(super) async fn upload(&self, call: &Call, form: DocumentForm) -> Report {
        let Some(sealed) = &call.beside.input else { return input_gone().into() };
        let file = match STANDARD.decode(sealed.expose_secret().trim()) {
            Ok(file) if !file.is_empty() && !file.windows(BOUNDARY.len()).any(|part| part == BOUNDARY.as_bytes()) => {
                file
            }
            Ok(_) | Err(_) => {
                let message = "the document is empty or is not sealed in base64: upload it again";
                return judge::rejected(RejectionKind::Invalid, "document", message).into();
            }
        };
        let request = self
            .request(call.effect.operation(), Method::POST, &["document_uploads"])
            .body(MULTIPART, multipart(form, &file));
        let (said, request_id) = match self.http.send(request, call.time_limit).await {
            Ok(reply) => (judge::write(&reply), super::request_id(&reply)),
            Err(failure) => (Said::Outcome(failure.of_write()), None),
        };
        let outcome = match said {
            Said::Object(node) => match node.text_of("id").filter(|_| node.name == "document-upload") {
                Some(id) => Outcome::Done { answer: Answer::Document { document: id.to_owned() } },
                None => judge::unknown("the answer is no upload".to_owned()),
            },
            Said::Empty | Said::Transaction(_) | Said::Verification(_) => {
                judge::unknown("the answer is no upload".to_owned())
            }
            Said::Faults(faults) => self.refused(&faults),
            Said::Missing => judge::no_address(),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }
}

/// `None`: the text is gone.
fn evidence_request(piece: &EvidencePiece, input: Option<&SecretString>) -> Option<String> {
    let text = match piece {
        EvidencePiece::Text { .. } => Some(input?),
        EvidencePiece::File { .. } => None,
    };
    Some(Body::document("evidence", |body| match piece {
        EvidencePiece::Text { category, sequence, input: _ } => {
            body.text("comments", text.map(secrecy::ExposeSecret::expose_secret).unwrap_or_default());
            if let Some(category) = category {
                body.text("category", category);
            }
            if let Some(sequence) = sequence {
                body.number("sequence_number", *sequence);
            }
        }
        EvidencePiece::File { document, category } => {
            body.text("document_upload_id", document);
            if let Some(category) = category {
                body.text("category", category);
            }
        }
    }))
}

/// The two parts of an upload, as the vendor's SDKs name them. The file gets a name of ours: its own could name a person.
fn multipart(form: DocumentForm, file: &[u8]) -> Vec<u8> {
    let (name, media) = match form {
        DocumentForm::Pdf => ("evidence.pdf", "application/pdf"),
        DocumentForm::Png => ("evidence.png", "image/png"),
        DocumentForm::Jpeg => ("evidence.jpg", "image/jpeg"),
    };
    let head = format!(
        "{BOUNDARY}\r\nContent-Disposition: form-data; name=\"document_upload[kind]\"\r\n\r\nevidence_document\r\n\
         {BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {media}\r\n\r\n"
    );
    [head.as_bytes(), file, b"\r\n", BOUNDARY.as_bytes(), b"--\r\n"].concat()
}

/// Reads a dispute.
pub(super) fn dispute(node: &Node) -> Result<Dispute, Unusable> {
    let id = node.required("id")?.to_owned();
    let currency = money::currency(node.required("currency-iso-code")?);
    let currency = currency.map_err(|error| Unusable::Amount { transaction: id.clone(), error })?;
    let parse =
        |text: &str| Money::parse(text, currency).map_err(|error| Unusable::Amount { transaction: id.clone(), error });
    let text = |name| node.text_of(name).map(plain);
    let transaction = node.child("transaction");
    Ok(Dispute {
        status: status(node.required("status")?),
        kind: text("kind").unwrap_or_default(),
        reason: text("reason").unwrap_or_default(),
        reason_code: text("reason-code"),
        case_number: text("case-number"),
        disputed: parse(node.text_of("amount-disputed").or(node.text_of("amount")).unwrap_or_default())?,
        won: node.text_of("amount-won").map(parse).transpose()?,
        transaction: transaction.and_then(|sale| sale.text_of("id")).map(str::to_owned),
        order_id: transaction.and_then(|sale| sale.text_of("order-id")).map(str::to_owned),
        original: node.text_of("original-dispute-id").map(str::to_owned),
        program: text("pre-dispute-program").filter(|program| program != "none"),
        received_on: node.day("received-date"),
        reply_by: node.day("reply-by-date"),
        evidence: node.items("evidence").map(evidence).collect::<Result<_, _>>()?,
        id,
    })
}

fn evidence(node: &Node) -> Result<Evidence, Unusable> {
    Ok(Evidence {
        id: node.required("id")?.to_owned(),
        is_file: node.text_of("url").is_some(),
        category: node.text_of("category").or(node.text_of("tag")).map(plain),
        sent_on: node.day("sent-to-processor-at"),
    })
}

/// The statuses of the gateway's reference; another word is kept.
pub(super) fn status(word: &str) -> DisputeStatus {
    match word {
        "open" => DisputeStatus::Open,
        "under_review" => DisputeStatus::UnderReview,
        "disputed" => DisputeStatus::Disputed,
        "won" => DisputeStatus::Won,
        "lost" => DisputeStatus::Lost,
        "accepted" => DisputeStatus::Accepted,
        "auto_accepted" => DisputeStatus::AutoAccepted,
        "expired" => DisputeStatus::Expired,
        other => DisputeStatus::Other(plain(other)),
    }
}

fn done(dispute: Dispute) -> Outcome {
    Outcome::Done { answer: Answer::Dispute(Box::new(dispute)) }
}
