//! Who may do what on the private API and the command line: every cell of the table, and the life of a token.

mod line;
mod matrix;
mod tokens;
