//! Activation from outside: a press in Attio, a page, a payment; real Postgres, the simulated vendors over HTTP, the whole
//! service. At the end of each scene the vendors' books are compared with ours.

mod at_the_page;
mod authentication;
mod before_the_capture;
mod known_customers;
mod links;
mod play;
mod presses;
mod road;
mod s2_17;
mod s2_23;
mod undone;
