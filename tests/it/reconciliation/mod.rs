//! Comparisons of the books, over HTTP, against simulated vendors whose books people bring out of step.

mod books;
mod decisions;
mod found;
mod line;
mod play;
mod runs;
