//! Subscriptions that are handed from one collector to another, from outside: orders over the API; real Postgres, the simulated
//! vendors over HTTP, the whole service.

mod over_the_api;
mod play;
