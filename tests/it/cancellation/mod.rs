//! Subscriptions that end, from outside: presses in Attio, orders over the API, staff in Zoho; real Postgres, the simulated
//! vendors over HTTP, the whole service.

mod adopted;
mod by_press;
mod choices;
mod claims;
mod fence;
mod orders;
mod play;
