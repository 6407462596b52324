//! Tickets in Zoho Desk, from outside: a running service, the simulated Desk, and its books.

mod s2_24;
