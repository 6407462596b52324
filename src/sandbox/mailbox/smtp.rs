//! The receiving side of SMTP (RFC 5321), as far as a client that submits mail uses it: EHLO, AUTH PLAIN, MAIL, RCPT,
//! DATA, RSET, NOOP, QUIT. Relays nothing, offers no TLS.

use super::super::{
    World,
    faults::{Kind, Vendor},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// The largest text that is taken, as EHLO says (RFC 1870).
const SIZE: usize = 10 * 1024 * 1024;
/// The longest line that is read; RFC 5321 asks for 1000 at least.
const LINE: u64 = 64 * 1024;
/// A client that says nothing for so long is hung up on.
const PATIENCE: Duration = Duration::from_mins(5);

/// Takes connections until the sandbox closes.
pub(super) async fn serve(listener: TcpListener, world: Arc<World>) {
    let closing = world.closing.clone();
    let _ = closing
        .run_until_cancelled(async {
            loop {
                // A connection that is gone before it is taken is the client's affair.
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(converse(stream, Arc::clone(&world)));
                }
            }
        })
        .await;
}

async fn converse(stream: TcpStream, world: Arc<World>) {
    let closing = world.closing.clone();
    let mut talk = Talk { stream: BufReader::new(stream), world, known: false, sender: false, to: Vec::new() };
    // Whatever ends a conversation, the client sees it; there is nobody else to tell.
    let _ = closing.run_until_cancelled(talk.run()).await;
}

/// One client.
struct Talk {
    stream: BufReader<TcpStream>,
    world: Arc<World>,
    /// It has shown the credentials.
    known: bool,
    /// MAIL was accepted.
    sender: bool,
    /// The recipients that were accepted.
    to: Vec<String>,
}

/// What a fault makes of a command.
struct Verdict {
    /// It is done none the less.
    done: bool,
    says: Says,
}

enum Says {
    /// What it would have said.
    Truth,
    This(String),
    /// Nothing; the connection is closed.
    HangUp,
    /// Nothing; the connection is held.
    Hold,
}

impl Talk {
    async fn run(&mut self) -> io::Result<()> {
        self.say("220 sandbox ESMTP").await?;
        while let Some(line) = self.line().await? {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    self.reset();
                    let offers =
                        format!("250-sandbox\r\n250-SIZE {SIZE}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN");
                    self.say(&offers).await?;
                }
                "HELO" => {
                    self.reset();
                    self.say("250 sandbox").await?;
                }
                "AUTH" => self.authenticate(rest).await?,
                "MAIL" => self.mail(rest).await?,
                "RCPT" => {
                    if !self.recipient(rest).await? {
                        return Ok(());
                    }
                }
                "DATA" => {
                    if !self.data().await? {
                        return Ok(());
                    }
                }
                "RSET" => {
                    self.reset();
                    self.say("250 2.0.0 forgotten").await?;
                }
                "NOOP" => self.say("250 2.0.0 nothing done").await?,
                "QUIT" => return self.say("221 2.0.0 goodbye").await,
                _ => self.say("502 5.5.1 not a command of this server").await?,
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.sender = false;
        self.to.clear();
    }

    async fn authenticate(&mut self, rest: &str) -> io::Result<()> {
        let (mechanism, first) = rest.split_once(' ').unwrap_or((rest, ""));
        if !mechanism.eq_ignore_ascii_case("PLAIN") {
            return self.say("504 5.5.4 only AUTH PLAIN").await;
        }
        let answer = if first.is_empty() {
            self.say("334 ").await?;
            let line = self.line().await?.unwrap_or_default();
            String::from_utf8_lossy(&line).trim_end().to_owned()
        } else {
            first.to_owned()
        };
        let own = &self.world.credentials.mail;
        let expected = format!("\0{}\0{}", own.user, own.password);
        self.known = STANDARD.decode(answer).is_ok_and(|shown| shown == expected.as_bytes());
        self.say(if self.known { "235 2.7.0 welcome" } else { "535 5.7.8 wrong user or password" }).await
    }

    async fn mail(&mut self, rest: &str) -> io::Result<()> {
        if !self.known {
            return self.say("530 5.7.0 authentication required").await;
        }
        if path(rest, "FROM:").is_none() {
            return self.say("501 5.5.4 expected MAIL FROM:<address>").await;
        }
        self.reset();
        self.sender = true;
        self.say("250 2.1.0 sender accepted").await
    }

    /// False: the connection is to be closed.
    async fn recipient(&mut self, rest: &str) -> io::Result<bool> {
        if !self.sender {
            return self.say("503 5.5.1 MAIL first").await.map(|()| true);
        }
        let Some(to) = path(rest, "TO:").filter(|to| to.contains('@')) else {
            return self.say("501 5.1.3 expected RCPT TO:<address>").await.map(|()| true);
        };
        let verdict = self.verdict("mail.recipient", &to, &format!("<{to}>")).await;
        if verdict.done {
            self.to.push(to);
        }
        self.answer(verdict.says, "250 2.1.5 recipient accepted").await
    }

    /// False: the connection is to be closed.
    async fn data(&mut self) -> io::Result<bool> {
        if self.to.is_empty() {
            return self.say("503 5.5.1 RCPT first").await.map(|()| true);
        }
        self.say("354 end with a dot on a line of its own").await?;
        let mut text = Vec::new();
        loop {
            let Some(line) = self.line().await? else { return Ok(false) };
            if line == b".\r\n" || line == b".\n" {
                break;
            }
            // RFC 5321, 4.5.2: a dot at the beginning of a line was doubled.
            if text.len() <= SIZE {
                text.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            }
        }
        let to = std::mem::take(&mut self.to);
        self.reset();
        if text.len() > SIZE {
            return self.say("552 5.3.4 too large").await.map(|()| true);
        }
        let seen = format!("{}\n{}", to.join(" "), String::from_utf8_lossy(&text));
        let about = to.iter().map(|to| format!("<{to}>")).collect::<Vec<_>>().join(" ");
        let verdict = self.verdict("mail.data", &seen, &about).await;
        if verdict.done {
            self.world.mailbox.store(&self.world.clock, to, &text);
        }
        self.answer(verdict.says, "250 2.0.0 stored in the mailbox").await
    }

    /// Counts the operation and plays the fault on order. `about` goes into a refusal, as servers quote the address.
    async fn verdict(&self, operation: &'static str, text: &str, about: &str) -> Verdict {
        let world = &self.world;
        world.calls.count(Vendor::Mail, operation);
        let late = world.faults.strike(Vendor::Mail, operation, text, |kind| matches!(kind, Kind::Latency { .. }));
        if let Some(Kind::Latency { ms }) = late {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        let refused =
            |reply: &str| Verdict { done: false, says: Says::This(format!("{reply} {about}: refused on order")) };
        match world.faults.strike(Vendor::Mail, operation, text, Kind::is_transport) {
            Some(Kind::Status { status }) => refused(&status.to_string()),
            Some(Kind::StatusAfter { status }) => Verdict { done: true, ..refused(&status.to_string()) },
            Some(Kind::Refuse { code }) => refused(&format!("550 {code}")),
            Some(Kind::RateLimit) => refused("451 4.7.1"),
            Some(Kind::DailyQuota) => refused("452 4.3.1"),
            Some(Kind::ResetBefore) => Verdict { done: false, says: Says::HangUp },
            Some(Kind::ResetAfter | Kind::CutAfter) => Verdict { done: true, says: Says::HangUp },
            Some(Kind::TimeoutBefore) => Verdict { done: false, says: Says::Hold },
            Some(Kind::TimeoutAfter) => Verdict { done: true, says: Says::Hold },
            // A client that sends twice does so itself; what is left is no fault of the transport.
            None | Some(_) => Verdict { done: true, says: Says::Truth },
        }
    }

    /// False: the connection is to be closed.
    async fn answer(&mut self, says: Says, truth: &str) -> io::Result<bool> {
        match says {
            Says::Truth => self.say(truth).await?,
            Says::This(reply) => self.say(&reply).await?,
            Says::HangUp => return Ok(false),
            Says::Hold => {
                // Until the client gives up: it says nothing more while it waits.
                self.line().await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await
    }

    /// The next line with its end; none when the client is gone.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LINE);
        let read = tokio::time::timeout(PATIENCE, limited.read_until(b'\n', &mut line));
        read.await.map_err(|_| io::ErrorKind::TimedOut)??;
        Ok(line.ends_with(b"\n").then_some(line))
    }
}

/// The address of `FROM:<address> PARAMETERS`; empty for a bounce's sender.
fn path(rest: &str, keyword: &str) -> Option<String> {
    let (head, tail) = rest.split_at_checked(keyword.len())?;
    let (address, _) = tail.trim_start().strip_prefix('<')?.split_once('>')?;
    head.eq_ignore_ascii_case(keyword).then(|| address.to_owned())
}
