//! Who may do what: the roles, the table of what each may do, the routes and verbs that stand in it, and who acts. Pure:
//! it reads nothing, asks nobody, and knows of no token but its form.

mod actor;
mod address;
mod matrix;
mod page;
mod roles;
mod routes;
mod secret;

pub use actor::{Actor, Denied, Way, same_person};
pub use address::{AddressError, Addresses};
pub use matrix::{ALONE, Act, Cell, Class, ROWS, Reach, Row};
pub use page::{routes_table, table};
pub use roles::{Holder, Role};
pub use routes::{ROUTES, Route, route};
pub use secret::{Hash, PREFIX, hash, is_well_formed, new_secret};
