//! Who works on this command line: the holder of the token in `ATTIO_BILLING_TOKEN`, else the operating system's user. A
//! name is never taken from an argument.

use super::Exit;
use crate::access::{Act, Actor, Denied};
use crate::store::approvals::{self, Second};
use crate::store::tokens::{Turned, authenticate};
use sqlx::PgPool;

/// The variable with the token.
const VARIABLE: &str = "ATTIO_BILLING_TOKEN";

/// Who acts, whatever it is that is done.
pub(super) async fn acting(pool: &PgPool) -> Result<Actor, Exit> {
    let Some(token) = std::env::var_os(VARIABLE).filter(|token| !token.is_empty()) else {
        return Ok(Actor::shell(&user()));
    };
    // A command line has no address: a token with a list of them is for the API.
    authenticate(pool, token.to_str().unwrap_or_default(), None).await.map_err(|why| match why {
        Turned::Store(e) => e.into(),
        known => Exit::refused(format!("{VARIABLE}: {known}"))
            .hint(format!("unset {VARIABLE} to act as the operating system's user, or ask an admin for a token")),
    })
}

/// Who acts, and may do this.
pub(super) async fn may(pool: &PgPool, act: Act) -> Result<Actor, Exit> {
    let actor = acting(pool).await?;
    actor.may(act).map_err(|e| denied(&e))?;
    Ok(actor)
}

/// Who acts, and may be the second person for this.
pub(super) async fn may_approve(pool: &PgPool, act: Act) -> Result<Actor, Exit> {
    let actor = acting(pool).await?;
    actor.may_approve(act).map_err(|e| denied(&e))?;
    Ok(actor)
}

/// Whoever acts may ask for this, or be the second person for it.
pub(super) async fn may_ask_or_agree(pool: &PgPool, act: Act) -> Result<(), Exit> {
    let actor = acting(pool).await?;
    match actor.may(act) {
        Err(_) if actor.may_approve(act).is_ok() && !approvals::policy(pool).await?.is_empty() => Ok(()),
        known => known.map(drop).map_err(|e| denied(&e)),
    }
}

/// Who wants it, where two people must: both, once the second one gives the same command within a day; none as long as it
/// waits for that one, who has been told of. Where approvals are off, whoever may ask for it does it alone.
pub(super) async fn may_with_second(pool: &PgPool, act: Act, what: &str) -> Result<Option<String>, Exit> {
    if approvals::policy(pool).await?.is_empty() {
        return Ok(Some(may(pool, act).await?.principal()));
    }
    let actor = acting(pool).await?;
    let mut tx = pool.begin().await?;
    let second = approvals::second(&mut tx, what, act, &actor).await?;
    tx.commit().await?;
    match second {
        Second::Agreed { first } => Ok(Some(format!("{first}, {}", actor.principal()))),
        Second::Asked { by } => {
            eprintln!(
                "nothing is done yet: {by} asked for it\n\nhint: another person gives the same command within a day"
            );
            Ok(None)
        }
        Second::Denied(why) => Err(denied(&why)),
    }
}

/// The table says no.
pub(super) fn denied(denied: &Denied) -> Exit {
    Exit::refused(denied.to_string())
        .hint(format!("set {VARIABLE} to a token of such a role; `token create` makes one"))
}

/// The operating system's user, by the process's real user id: `USER` could say anything.
fn user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("uid-{uid}"))
}
