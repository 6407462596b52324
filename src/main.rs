//! Parses arguments and calls one command.
fn main() {}
