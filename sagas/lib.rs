//! What the business does. Pure: no I/O, no clock, no random numbers; times and ids arrive in commands.
//!
//! The folder listing is the list of flows. A new flow is one file here and one line in [`for_each_saga`].

#![warn(clippy::float_arithmetic, clippy::indexing_slicing, clippy::print_stdout, clippy::print_stderr)]

pub mod act_refusal;
pub mod books_opening;
pub mod braintree_recurring;
pub mod cancellation;
pub mod catalog_sync;
pub mod crm_lifecycle;
pub mod desk_ticket;
pub mod disbursement;
pub mod dispute;
pub mod erasure;
pub mod hand_over;
pub mod invoice_payment;
pub mod kernel;
pub mod migration;
pub mod notice;
pub mod payment_method_update;
pub mod plan_change;
pub mod profile_change;
pub mod refund;
pub mod rehearsal;
pub mod sign_up;
pub mod subscription_activation;
pub mod zoho_native;

use kernel::forms::Forms;
use kernel::saga::{BusinessEvent, Saga};
use std::sync::LazyLock;

/// Expands a macro with the type of every saga: the one list.
#[macro_export]
macro_rules! for_each_saga {
    ($use:ident) => {
        $use! {
            $crate::rehearsal::Rehearsal,
            $crate::act_refusal::ActRefusal,
            $crate::invoice_payment::InvoicePayment,
            $crate::refund::Refund,
            $crate::subscription_activation::SubscriptionActivation,
            $crate::catalog_sync::CatalogSync,
            $crate::payment_method_update::PaymentMethodUpdate,
            $crate::cancellation::Cancellation,
            $crate::dispute::Dispute,
            $crate::crm_lifecycle::CrmLifecycle,
            $crate::erasure::Erasure,
            $crate::sign_up::SignUp,
            $crate::notice::Notices,
            $crate::plan_change::PlanChange,
            $crate::desk_ticket::DeskTicket,
            $crate::migration::Migration,
            $crate::zoho_native::ZohoNative,
            $crate::hand_over::HandOver,
            $crate::braintree_recurring::BraintreeRecurring,
            $crate::books_opening::BooksOpening,
            $crate::profile_change::ProfileChange,
            $crate::disbursement::Disbursement,
        }
    };
}

/// The forms of all flows' events: how what earlier releases wrote is read. The name of an event that changed is that of
/// one flow alone.
pub fn forms() -> &'static Forms {
    static FORMS: LazyLock<Forms> = LazyLock::new(|| {
        macro_rules! changes {
            ($($saga:ty,)*) => { [$(<<$saga as Saga>::Event as BusinessEvent>::CHANGES,)*].concat() };
        }
        Forms::new(for_each_saga!(changes))
    });
    &FORMS
}
