//! A customer who is erased: deleted with its cards, where nothing of it is in use; else without a name. What uses it is read
//! anew before each delete.

use super::judge::{self, Said, Shown};
use super::methods::shows;
use super::uses::Kept;
use super::xml::Node;
use super::{Braintree, NOTHING_DONE, found, is_path_id, unclear, wire};
use crate::port::{Call, Person, Report};
use reqwest::Method;
use sagas::kernel::answer::{Answer, Trace};
use sagas::kernel::outcome::{Look, Outcome};

/// Where the delete's answer was lost, and the customer is there without a name.
const STILL_THERE: &str = "it is still there, without a name";

impl Braintree {
    /// Reads whether it is there, and names anybody.
    pub(super) async fn seek_customer(&self, call: &Call, customer: &str, mark: &str) -> Report {
        let trace = match self.find(call, &["customers", customer], "id").await {
            Shown::Object(node) => Trace { personal: !is_nobody(&node, mark), ..Trace::neutral(customer) },
            Shown::Missing => Trace::gone(),
            Shown::Unread(outcome) => return outcome.into(),
        };
        done(trace).into()
    }

    /// One call to read it, one for what is under way, and the delete; where it is in use, the names are overwritten instead.
    pub(super) async fn erase_customer(&self, call: &Call, customer: &str, mark: &str) -> Report {
        let kept = Kept::Customer(customer);
        let node = match self.find(call, &["customers", customer], "id").await {
            Shown::Object(node) => node,
            Shown::Missing => return done(Trace::gone()).into(),
            Shown::Unread(outcome) => return outcome.into(),
        };
        match self.user_of(call, &kept, &node).await {
            Ok(None) => {
                let report = self.delete_now(call, &kept).await;
                let is_gone = matches!(report.outcome, Outcome::Done { .. });
                if is_gone { Report { outcome: done(Trace::gone()), ..report } } else { report }
            }
            Ok(Some(user)) => self.neutralise(call, customer, mark, user).await,
            Err(detail) => judge::again(detail).into(),
        }
    }

    async fn neutralise(&self, call: &Call, customer: &str, mark: &str, user: String) -> Report {
        if !is_path_id(customer) {
            return judge::not_found("customer").into();
        }
        let body = wire::customer_erased(&Person::erased(mark));
        let (said, request_id) = self.write(call, Method::PUT, &["customers", customer], Some(body)).await;
        let outcome = match said {
            Said::Object(node) if node.name == "customer" => {
                done(Trace { kept_because: Some(user), ..Trace::neutral(customer) })
            }
            Said::Object(_) | Said::Empty | Said::Transaction(_) | Said::Verification(_) => {
                judge::unknown("the answer is not the customer".to_owned())
            }
            Said::Faults(faults) => self.refused(&faults),
            Said::Missing => done(Trace::gone()),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// Gone or without a name: done.
    pub(super) async fn look_erased(&self, call: &Call, customer: &str, mark: &str) -> Look {
        match self.find(call, &["customers", customer], "id").await {
            Shown::Object(node) if is_nobody(&node, mark) => {
                found(done(Trace { kept_because: Some(STILL_THERE.to_owned()), ..Trace::neutral(customer) }))
            }
            Shown::Object(_) => NOTHING_DONE,
            Shown::Missing => found(done(Trace::gone())),
            Shown::Unread(outcome) => unclear(outcome),
        }
    }
}

fn is_nobody(node: &Node, mark: &str) -> bool {
    shows(node, &Person::erased(mark)) && node.text_of("phone").unwrap_or_default().is_empty()
}

fn done(trace: Trace) -> Outcome {
    Outcome::Done { answer: Answer::Trace(Box::new(trace)) }
}
