//! A sale in the making, in every flow that sells: from a press in Attio to a link that is out. Who asks for what, what a
//! quote rests on, the quote itself, the link to it, and the customer at Zoho. What is sold behind the link, and who collects
//! it, is the flow's.
//!
//! The flow keeps a `Sale` in its state, has `Selling` among its events, and decides on a `Turn` that knows what every sale
//! knows.

mod decide;
mod events;
mod sale;
mod steps;

pub(crate) use decide::Sells;
pub use events::Selling;
pub(crate) use sale::{Intake, MadeCustomer, Sale};
pub(crate) use steps::{CLAIM, ENROL, TAKE_OVER};
