//! People who are erased: what the database erases and proves, on real Postgres; and the whole service over HTTP, with the
//! simulated vendors.

mod here;
mod play;
mod road;
