//! Payouts from outside: Braintree pays out, keeps, takes a fee, and tells of it or not; the bank sends back. The books are
//! compared with the gateway's, and finance sees what is not explained.

mod s2_8;
