//! What a plan change does, edge by edge.

mod histories;
mod s2_5;
mod s2_5_money;
mod s2_5_zoho;
mod world;
