//! The flow against a small world that plays the vendors and the desk: one test per edge, named by its number.

mod histories;
mod ledger;
mod s2_0;
mod s2_10;
mod s2_12;
mod s2_2;
mod s2_23;
mod s2_25;
mod s2_26;
mod s2_3;
mod s2_3_letters;
mod s2_4;
mod s2_6;
mod s2_7;
mod s2_8;
mod taken_over;
mod world;
