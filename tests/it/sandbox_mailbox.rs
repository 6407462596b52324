//! The sandbox's mail server as any client meets it, and its pages.

use crate::mail::{Post, mail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A client that types SMTP by hand.
struct Typist(BufReader<TcpStream>);

impl Typist {
    async fn connect(post: &Post) -> Self {
        let address = post.sandbox.world.mailbox.address().unwrap();
        let mut typist = Self(BufReader::new(TcpStream::connect(address).await.unwrap()));
        assert!(typist.answer().await.starts_with("220 "));
        typist
    }

    /// The last line of the answer.
    async fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if line.get(3..4) != Some("-") {
                return line.trim_end().to_owned();
            }
        }
    }

    async fn say(&mut self, line: &str) -> String {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn log_in(&mut self, post: &Post) {
        let own = &post.sandbox.world.credentials.mail;
        let shown = STANDARD.encode(format!("\0{}\0{}", own.user, own.password));
        assert!(self.say("EHLO typist.example").await.starts_with("250 "));
        assert!(self.say(&format!("AUTH PLAIN {shown}")).await.starts_with("235 "));
    }
}

#[tokio::test]
async fn a_session_keeps_the_order_of_rfc_5321() {
    let post = Post::start().await;
    let mut typist = Typist::connect(&post).await;
    assert!(typist.say("MAIL FROM:<a@b.example>").await.starts_with("530 "));
    typist.log_in(&post).await;
    for (line, code) in [
        ("RCPT TO:<c@d.example>", "503"),
        ("MAIL a@b.example", "501"),
        ("MAIL FROM:<a@b.example> BODY=8BITMIME", "250"),
        ("DATA", "503"),
        ("RCPT TO:<nobody>", "501"),
        ("RCPT TO:<c@d.example>", "250"),
        ("RSET", "250"),
        ("DATA", "503"),
        ("VRFY c", "502"),
        ("NOOP", "250"),
        ("mail from:<>", "250"),
        ("rcpt to:<c@d.example>", "250"),
        ("DATA", "354"),
        ("Subject: dots\r\n\r\n..\r\n..two\r\nend\r\n.", "250"),
        ("QUIT", "221"),
    ] {
        let answer = typist.say(line).await;
        assert!(answer.starts_with(code), "{line}: {answer}");
    }
    let mails = post.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].text.as_deref().map(|t| t.replace("\r\n", "\n")), Some(".\n.two\nend\n".to_owned()));
}

#[tokio::test]
async fn a_wrong_password_opens_nothing_and_a_text_that_is_too_large_is_refused() {
    let post = Post::start().await;
    let mut typist = Typist::connect(&post).await;
    typist.say("EHLO typist.example").await;
    assert!(typist.say("AUTH PLAIN").await.starts_with("334"));
    assert!(typist.say(&STANDARD.encode("\0sandbox\0wrong")).await.starts_with("535 "));
    assert!(typist.say("AUTH CRAM-MD5").await.starts_with("504 "));
    typist.log_in(&post).await;
    typist.say("MAIL FROM:<a@b.example>").await;
    typist.say("RCPT TO:<c@d.example>").await;
    typist.say("DATA").await;
    let line = format!("{}\r\n", "x".repeat(60_000));
    for _ in 0..180 {
        typist.0.get_mut().write_all(line.as_bytes()).await.unwrap();
    }
    assert!(typist.say(".").await.starts_with("552 "));
    assert!(post.mails().is_empty());
}

#[tokio::test]
async fn the_pages_show_what_came_newest_first_and_run_nothing_of_it() {
    let post = Post::start().await;
    let get = async |path: &str| post.sandbox.client.get(post.sandbox.url(path)).send().await.unwrap();
    assert!(get("/mailbox").await.text().await.unwrap().contains("No mail has come yet"));
    for number in 1..=2 {
        post.mailer.send(&mail(number)).await;
    }
    let list = get("/mailbox").await;
    assert!(list.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let list = list.text().await.unwrap();
    assert!(list.find("/mailbox/2\"").unwrap() < list.find("/mailbox/1\"").unwrap(), "{list}");
    assert!(list.contains("Zahlungsbeleg für Plus: 58,31 €") && list.contains("zoe@example.com"), "{list}");

    let page = get("/mailbox/1").await.text().await.unwrap();
    for expected in ["src=\"/mailbox/1/html\"", "Guten Tag Zoë Ångström", "Message-ID: &lt;mail-1@acme.example&gt;"]
    {
        assert!(page.contains(expected), "{expected} is missing from {page}");
    }
    let html = get("/mailbox/1/html").await;
    let policy = html.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.starts_with("sandbox ") && !policy.contains("allow-scripts") && policy.contains("default-src 'none'")
    );
    assert!(html.text().await.unwrap().contains("<base target=\"_blank\">"));
    for path in ["/mailbox/0", "/mailbox/3", "/mailbox/3/html"] {
        assert_eq!(get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }

    let found: Value = get("/mailbox.json?to=zoe@example.com").await.json().await.unwrap();
    assert_eq!(found.as_array().unwrap().len(), 2);
    let found: Value = get("/mailbox.json?to=nobody@example.com").await.json().await.unwrap();
    assert_eq!(found, json!([]));
}

#[tokio::test]
async fn what_a_hostile_mail_says_is_shown_as_text() {
    let post = Post::start().await;
    let mut typist = Typist::connect(&post).await;
    typist.log_in(&post).await;
    typist.say("MAIL FROM:<a@b.example>").await;
    typist.say("RCPT TO:<c@d.example>").await;
    typist.say("DATA").await;
    let hostile = "<script>alert(1)</script>";
    typist.say(&format!("Subject: {hostile}\r\nFrom: {hostile} <a@b.example>\r\n\r\n{hostile}\r\n.")).await;
    for path in ["/mailbox", "/mailbox/1"] {
        let page = post.sandbox.client.get(post.sandbox.url(path)).send().await.unwrap().text().await.unwrap();
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{path}: {page}");
    }
}

#[tokio::test]
async fn the_books_name_every_mail_and_a_reset_forgets_them() {
    let post = Post::start().await;
    post.mailer.send(&mail(7)).await;
    let (_, books) = post.sandbox.control(Method::GET, "/books", Value::Null).await;
    let expected = json!([{"message_id": "mail-7@acme.example", "to": ["zoe@example.com"], "subject": "Zahlungsbeleg für Plus: 58,31 €"}]);
    assert_eq!(books["mail"], expected);
    assert_eq!(books["calls"]["mail"], json!({"mail.data": 1, "mail.recipient": 1}));
    let (_, operations) = post.sandbox.control(Method::GET, "/operations", Value::Null).await;
    assert_eq!(operations["mail"], json!(["mail.data", "mail.recipient"]));
    post.sandbox.order("/reset", json!({})).await;
    let (_, books) = post.sandbox.control(Method::GET, "/books", Value::Null).await;
    assert_eq!(books["mail"], json!([]));
}
