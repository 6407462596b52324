//! Sign-ups from outside: over the API and by a press in Attio; real Postgres, the simulated vendors over HTTP, the whole
//! service.

mod by_press;
mod conversion;
mod over_the_api;
mod play;
mod with_card;
