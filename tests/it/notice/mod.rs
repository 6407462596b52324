//! Letters about money, before it is taken and after it was not, against a running service and the simulated vendors.

mod play;
mod s2_25;
mod s2_3_letters;
