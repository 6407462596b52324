//! Another card, from outside: `Send card link` in Attio, the page, the switch, open invoices; real Postgres, the simulated
//! vendors over HTTP, the whole service. At the end of each scene the vendors' books are compared with ours.

mod at_the_page;
mod links;
mod open_invoices;
mod play;
mod recurring;
mod road;
