//! What the business does. Pure: no I/O, no clock, no random numbers; times and ids arrive in commands.
//!
//! The folder listing is the list of flows. A new flow is one file here and one line in [`for_each_saga`].

#![warn(clippy::float_arithmetic, clippy::indexing_slicing, clippy::print_stdout, clippy::print_stderr)]

pub mod act_refusal;
pub mod invoice_payment;
pub mod kernel;
pub mod rehearsal;
pub mod subscription_activation;

/// Expands a macro with the type of every saga: the one list.
#[macro_export]
macro_rules! for_each_saga {
    ($use:ident) => {
        $use! {
            $crate::rehearsal::Rehearsal,
            $crate::act_refusal::ActRefusal,
            $crate::invoice_payment::InvoicePayment,
            $crate::subscription_activation::SubscriptionActivation,
        }
    };
}
