//! What the simulation has to reach, so that it cannot quietly stop to: every step of every flow, every undo, each with
//! all that can become of its call; outcomes found and proven absent; every way in which a flow ends.

use crate::mishaps::Kind;
use crate::people::{CANCEL, CANCEL_NOW};
use crate::run::Cells;
use sagas::act_refusal::ActRefusal;
use sagas::books_opening::BooksOpening;
use sagas::braintree_recurring::BraintreeRecurring;
use sagas::cancellation::Cancellation;
use sagas::catalog_sync::CatalogSync;
use sagas::crm_lifecycle::CrmLifecycle;
use sagas::desk_ticket::DeskTicket;
use sagas::disbursement::Disbursement;
use sagas::dispute::Dispute;
use sagas::erasure::Erasure;
use sagas::hand_over::HandOver;
use sagas::invoice_payment::InvoicePayment;
use sagas::kernel::effect::{Desk, Effect, Practice, PracticeScript};
use sagas::kernel::saga::Saga;
use sagas::kernel::step::{Class, StepSpec, Undo};
use sagas::migration::Migration;
use sagas::notice::Notices;
use sagas::payment_method_update::PaymentMethodUpdate;
use sagas::plan_change::PlanChange;
use sagas::profile_change::ProfileChange;
use sagas::refund::Refund;
use sagas::sign_up::SignUp;
use sagas::subscription_activation::SubscriptionActivation;
use sagas::zoho_native::ZohoNative;
use std::collections::BTreeSet;

/// How sagas ended: flow, the flow's own word.
pub(crate) type Ends = BTreeSet<(String, String)>;

/// Steps that call our own store alone.
const OURS: [&str; 38] = [
    "find_held",
    "tell_held",
    "tell_outcome",
    "cancel_subscription",
    "find_payments",
    "order_end",
    "tell_end",
    "ask_card",
    "propose",
    "weigh",
    "ask_stream",
    "tell_stream",
    "order_give_back",
    "read_settings",
    "survey_subscription",
    "survey_customer",
    "survey_uses",
    "retry_invoice",
    "answer_card",
    "survey",
    "claim",
    "take_over",
    "link",
    "look",
    "unlink",
    "count_card",
    "tell",
    "enrol",
    "link_customer",
    "undo link_customer",
    "link_zoho_customer",
    "undo link_zoho_customer",
    "adopt",
    "undo adopt",
    "hand_over",
    "survey_charges",
    "tell_invoice",
    "release_product",
];

/// Steps that only read, on the way to a write.
const READS: [&str; 2] = ["find_account", "read_tags"];

/// Steps that the simulated people cannot bring about: `read_trial` needs a trial, which is not for sale here; `undo_twin` needs a
/// subscription that Zoho makes twice of one request, which the look-up prevents; `void_note` needs a Zoho that comes to
/// another total than we, which needs taxes; `move_back` needs a card update that is called off between two calls of a
/// move, as does `undo vault` of one between the card and the switch; `ask_card` needs the settings of the page for another card, which no message brings to an invoice's stream here.
const BEYOND: [&str; 6] = ["read_trial", "undo_twin", "undo vault", "void_note", "move_back", "ask_card"];

/// Flows of which the simulation plays nothing, or a part. Their own walks and the harness play them.
const NOT_PLAYED: &[&str] = &[
    Erasure::NAME,
    Notices::NAME,
    DeskTicket::NAME,
    ProfileChange::NAME,
    Migration::NAME,
    HandOver::NAME,
    BooksOpening::NAME,
    Disbursement::NAME,
];

/// What has to happen besides: flow, what, and in which state of the flow.
const MET: [(&str, &str, &str); 7] = [
    (SubscriptionActivation::NAME, CANCEL, "Capturing"),
    (SubscriptionActivation::NAME, CANCEL, "Captured"),
    (SubscriptionActivation::NAME, CANCEL, "Recording"),
    (SubscriptionActivation::NAME, CANCEL_NOW, "Capturing"),
    (SubscriptionActivation::NAME, CANCEL_NOW, "Captured"),
    (SubscriptionActivation::NAME, CANCEL_NOW, "Recording"),
    (SubscriptionActivation::NAME, "met", "LateHoldReleased"),
];

/// Words in which sagas have to end.
const ENDS: [(&str, &str); 47] = [
    (Refund::NAME, "Settled"),
    (Refund::NAME, "Voided"),
    (Refund::NAME, "Refused"),
    (Refund::NAME, "Denied"),
    (BraintreeRecurring::NAME, "Ended"),
    (BraintreeRecurring::NAME, "NotOurs"),
    (BraintreeRecurring::NAME, "Watching"),
    (ZohoNative::NAME, "Active"),
    (ZohoNative::NAME, "Ended"),
    (ZohoNative::NAME, "Cancelled"),
    (ZohoNative::NAME, "HandedOver"),
    (Dispute::NAME, "Won"),
    (Dispute::NAME, "Lost"),
    (Dispute::NAME, "Accepted"),
    (Dispute::NAME, "AutoAccepted"),
    (Dispute::NAME, "Expired"),
    (PlanChange::NAME, "Changed"),
    (PlanChange::NAME, "Withdrawn"),
    (PlanChange::NAME, "Dropped"),
    (PlanChange::NAME, "Adopted"),
    (PlanChange::NAME, "Refused"),
    (PlanChange::NAME, "Lapsed"),
    (PlanChange::NAME, "Failed"),
    (PlanChange::NAME, "Cancelled"),
    (CrmLifecycle::NAME, "Kept"),
    (CatalogSync::NAME, "Asserted"),
    (SignUp::NAME, "Converted"),
    (SignUp::NAME, "Expired"),
    (SignUp::NAME, "Refused"),
    (PaymentMethodUpdate::NAME, "Changed"),
    (PaymentMethodUpdate::NAME, "Refused"),
    (PaymentMethodUpdate::NAME, "Expired"),
    (PaymentMethodUpdate::NAME, "Cancelled"),
    (ActRefusal::NAME, "Answered"),
    (SubscriptionActivation::NAME, "Active"),
    (SubscriptionActivation::NAME, "Cancelled"),
    (SubscriptionActivation::NAME, "Expired"),
    (SubscriptionActivation::NAME, "Failed"),
    (SubscriptionActivation::NAME, "Refused"),
    (InvoicePayment::NAME, "Settled"),
    (InvoicePayment::NAME, "Unpaid"),
    (InvoicePayment::NAME, "ClosedPaidElsewhere"),
    (InvoicePayment::NAME, "ClosedVoid"),
    (Cancellation::NAME, "Closed"),
    (Cancellation::NAME, "GoesOn"),
    (Cancellation::NAME, "Refused"),
    (Cancellation::NAME, "Mirrored"),
];

/// A cell that is to be reached: a flow, a step or its undo, what becomes of the call.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) flow: &'static str,
    pub(crate) step: String,
    pub(crate) kind: Kind,
}

/// Every cell.
pub(crate) fn wanted() -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut add = |flow: &'static str, steps: &[StepSpec]| {
        for step in steps.iter().filter(|_| !NOT_PLAYED.contains(&flow)) {
            let undo = matches!(step.undo, Undo::Effect).then(|| format!("undo {}", step.name));
            let labels = [Some(step.name.to_owned()), undo].into_iter().flatten();
            for step_label in labels.filter(|label| !BEYOND.contains(&label.as_str())) {
                let kinds = kinds(&step_label, step.class);
                cells.extend(kinds.into_iter().map(|kind| Cell { flow, step: step_label.clone(), kind }));
            }
        }
    };
    macro_rules! flows {
        ($($saga:ty,)*) => { $( add(<$saga as Saga>::NAME, <$saga as Saga>::STEPS); )* };
    }
    sagas::for_each_saga!(flows);
    cells
}

/// Cells and ends that were not reached.
pub(crate) fn missed(cells: &Cells, ends: &Ends) -> Vec<String> {
    let is_there = |c: &Cell| cells.contains_key(&(c.flow.to_owned(), c.step.clone(), format!("{:?}", c.kind)));
    let mut missed: Vec<_> = wanted().iter().filter(|c| !is_there(c)).map(|c| format!("{c:?}")).collect();
    let happened = |(flow, what, state): &&(&str, &str, &str)| {
        cells.contains_key(&((*flow).to_owned(), (*what).to_owned(), (*state).to_owned()))
    };
    missed.extend(MET.iter().filter(|met| !happened(met)).map(|met| format!("{met:?}")));
    let reached = |(flow, word): &(&str, &str)| ends.contains(&((*flow).to_owned(), (*word).to_owned()));
    missed.extend(ENDS.iter().filter(|end| !reached(end)).map(|(flow, word)| format!("{flow} ends {word}")));
    missed
}

/// What a call of this step can meet.
fn kinds(label: &str, class: Class) -> Vec<Kind> {
    let ours = || Effect::Desk(Desk::Claim { claims: Vec::new() });
    let writes = || Effect::Practice(Practice::Note { id: String::new(), script: PracticeScript::Works });
    let reads = || Effect::Practice(Practice::Look);
    match class {
        _ if OURS.contains(&label) => Kind::of(&ours()),
        _ if READS.contains(&label) => Kind::of(&reads()),
        Class::Read => Kind::of(&reads()),
        Class::Compensatable | Class::Pivot | Class::Retriable | Class::Projection => Kind::of(&writes()),
    }
}
