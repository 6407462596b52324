//! Plan changes, from outside: presses in Attio, orders and acceptances over the API, staff in Zoho; real Postgres, the
//! simulated vendors over HTTP, the whole service.

mod adopted;
mod at_term_end;
mod play;
mod upgrades;
