//! Who acts, and the answer of the table.

use super::matrix::{Act, Cell};
use super::roles::{Holder, Role};
use super::routes::Route;

/// How somebody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// With a token.
    Token,
    /// On a command line, with the database's own credentials.
    Shell,
}

/// Who acts. Made from a token that was looked up, or from the operating system's user: never from what a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub name: String,
    /// What for.
    pub role: Role,
    /// Person or program.
    pub holder: Holder,
    /// How.
    pub way: Way,
}

/// The table says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{who} has the role {role}, which may not {what}: {may}")]
pub struct Denied {
    who: String,
    role: Role,
    what: String,
    may: String,
}

impl Denied {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        "use a token of such a role; an admin makes one with `attio-billing token create`; docs/access.md has the whole table"
    }
}

impl Actor {
    /// Whoever works on the database itself: as the operating system's user, with all that the database's credentials
    /// give. It is counted as an admin, and as no person: who sits there cannot be told.
    pub fn shell(user: &str) -> Self {
        Self { name: user.to_owned(), role: Role::Admin, holder: Holder::Program, way: Way::Shell }
    }

    /// Who, as it goes on record: `token:ada`, `shell:root`.
    pub fn principal(&self) -> String {
        match self.way {
            Way::Token => format!("token:{}", self.name),
            Way::Shell => format!("shell:{}", self.name),
        }
    }

    /// May it do this?
    ///
    /// # Errors
    /// No; with who may.
    pub fn may(&self, act: Act) -> Result<Cell, Denied> {
        let cell = act.row().cell(self.role);
        if cell.opens() { Ok(cell) } else { Err(self.denied(&[act], act.row().what.to_owned(), Cell::opens)) }
    }

    /// May it be the second person for this? A person of a role that approves it; where no role approves, another of
    /// those who may do it themselves.
    ///
    /// # Errors
    /// No; with who may.
    pub fn may_approve(&self, act: Act) -> Result<(), Denied> {
        let second = approvers(act);
        if !second(act.row().cell(self.role)) {
            return Err(self.denied(&[act], format!("be the second person to {}", act.row().what), second));
        }
        if self.holder == Holder::Program {
            return Err(Denied {
                who: self.principal(),
                role: self.role,
                what: format!("be the second person to {}", act.row().what),
                may: "it is not a person's token, and only a person agrees to what another has asked".to_owned(),
            });
        }
        Ok(())
    }

    /// May it enter by that route? What the body asks for is looked at by the handler.
    ///
    /// # Errors
    /// No; with who may.
    pub fn may_enter(&self, route: &Route) -> Result<(), Denied> {
        let enters = |act: &&Act| {
            let cell = act.row().cell(self.role);
            if route.answers { approvers(**act)(cell) || cell.opens() } else { cell.opens() }
        };
        if route.acts.iter().any(|act| enters(&act)) {
            return Ok(());
        }
        let what: Vec<_> = route.acts.iter().map(|act| act.row().what).collect();
        let what = what.join("; ");
        if route.answers {
            return Err(self.denied(route.acts, format!("answer a request to {what}"), |cell| {
                cell.opens() || matches!(cell, Cell::Approves | Cell::ApprovesMany)
            }));
        }
        Err(self.denied(route.acts, what, Cell::opens))
    }

    fn denied(&self, acts: &[Act], what: String, lets: impl Fn(Cell) -> bool) -> Denied {
        let may: Vec<_> = Role::ALL
            .into_iter()
            .filter(|role| acts.iter().any(|act| lets(act.row().cell(*role))))
            .map(Role::as_str)
            .collect();
        let may = if may.is_empty() { "no role may".to_owned() } else { format!("{} may", may.join(", ")) };
        Denied { who: self.principal(), role: self.role, what, may }
    }
}

/// Which cells make a second person for this.
fn approvers(act: Act) -> fn(Cell) -> bool {
    let named = |cell: &Cell| matches!(cell, Cell::Approves | Cell::ApprovesMany);
    if act.row().cells.iter().any(named) {
        |cell| matches!(cell, Cell::Approves | Cell::ApprovesMany)
    } else {
        |cell| cell == Cell::Second
    }
}

/// Whether two principals are one person: whoever has several tokens, or a shell beside one, has one name.
pub fn same_person(one: &str, other: &str) -> bool {
    let name = |principal: &str| principal.split_once(':').map_or(principal, |(_, name)| name).to_owned();
    name(one) == name(other)
}

#[cfg(test)]
mod tests {
    use super::super::matrix::ROWS;
    use super::*;

    fn actor(role: Role, holder: Holder) -> Actor {
        Actor { name: "ada".to_owned(), role, holder, way: Way::Token }
    }

    #[test]
    fn every_act_has_one_row_and_every_row_a_role() {
        for row in &ROWS {
            assert_eq!(ROWS.iter().filter(|other| other.act == row.act).count(), 1, "{}", row.what);
            assert!(row.cells.iter().any(|cell| *cell != Cell::No), "{}", row.what);
        }
    }

    #[test]
    fn where_two_persons_are_needed_there_is_somebody_to_be_the_second() {
        for row in ROWS.iter().filter(|row| row.cells.contains(&Cell::Second) || row.cells.contains(&Cell::Few)) {
            let some = Role::ALL.into_iter().any(|role| actor(role, Holder::Person).may_approve(row.act).is_ok());
            assert!(some, "{}", row.what);
            let program = Role::ALL.into_iter().any(|role| actor(role, Holder::Program).may_approve(row.act).is_ok());
            assert!(!program, "{}", row.what);
        }
    }

    #[test]
    fn a_refusal_says_which_role_one_has_and_which_may() {
        let told = actor(Role::Viewer, Holder::Person).may(Act::Steer).unwrap_err().to_string();
        assert!(told.starts_with("token:ada has the role viewer, which may not resume"), "{told}");
        assert!(told.ends_with(": operator, admin may"), "{told}");
    }

    #[test]
    fn a_person_is_one_whichever_way_she_comes() {
        assert!(same_person("token:ada", "shell:ada") && !same_person("token:ada", "token:grace"));
    }
}
