//! Starts that Zoho collects for, from outside: a press in Attio, our page, Zoho's page, Zoho's own charges and messages; real
//! Postgres, the simulated vendors over HTTP, the whole service.

mod afterwards;
mod card;
mod links;
mod play;
mod road;
