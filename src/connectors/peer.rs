//! The other end of the line in tests: a bare TCP peer that answers each request by the next line of its script, or
//! breaks off. It knows no vendor.

use reqwest::Url;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What to do with one request, once it was read whole.
#[derive(Debug, Clone)]
pub(crate) enum Play {
    /// Writes these bytes and closes.
    Bytes(Vec<u8>),
    /// Never answers; keeps the connection open.
    Silence,
    /// Breaks the connection without an answer.
    Reset,
    /// Writes this head, and then a body for as long as it is read.
    Endless(String),
}

impl Play {
    /// A whole answer.
    pub(crate) fn reply(status: u16, content_type: &str, body: &str) -> Self {
        let length = body.len();
        Self::with_head(status, &format!("content-type: {content_type}\r\ncontent-length: {length}"), body)
    }

    /// An answer whose body ends before its announced length.
    pub(crate) fn cut(status: u16, body: &str) -> Self {
        Self::with_head(status, "content-length: 4000", body)
    }

    /// A redirect.
    pub(crate) fn redirect(location: &str) -> Self {
        Self::with_head(302, &format!("location: {location}\r\ncontent-length: 0"), "")
    }

    fn with_head(status: u16, headers: &str, body: &str) -> Self {
        let head = format!("HTTP/1.1 {status} Test\r\nx-request-id: req-1\r\nconnection: close\r\n{headers}\r\n\r\n");
        Self::Bytes([head.as_bytes(), body.as_bytes()].concat())
    }
}

/// A running peer; it stops with the test's runtime.
pub(crate) struct Peer {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    poured: Arc<AtomicUsize>,
}

impl Peer {
    /// Plays the script: one line a request, then silence.
    pub(crate) async fn start(script: impl IntoIterator<Item = Play>) -> Self {
        let mut script: Vec<Play> = script.into_iter().collect();
        script.reverse();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let counter = Arc::new(AtomicUsize::new(0));
        let poured = Arc::clone(&counter);
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read_request(&mut stream).await else { continue };
                log.lock().expect("no panic holds it").push(request);
                match script.pop().unwrap_or(Play::Silence) {
                    Play::Bytes(bytes) => {
                        stream.write_all(&bytes).await.ok();
                        stream.shutdown().await.ok();
                    }
                    Play::Silence => open.push(stream),
                    Play::Reset => drop(stream),
                    Play::Endless(head) => {
                        stream.write_all(head.as_bytes()).await.ok();
                        while stream.write_all(&vec![b' '; 1 << 16]).await.is_ok() {
                            poured.fetch_add(1 << 16, Ordering::Relaxed);
                        }
                    }
                }
            }
        });
        Self { port, seen, poured: counter }
    }

    /// A port on which nobody listens.
    pub(crate) async fn closed_port() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        listener.local_addr().expect("bound").port()
    }

    /// An address of this peer.
    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).expect("a path")
    }

    /// How many bytes of endless bodies went out.
    pub(crate) fn poured(&self) -> usize {
        self.poured.load(Ordering::Relaxed)
    }

    /// All requests so far, head and body, in order.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no panic holds it").clone()
    }
}

/// One request with its body by `content-length`; `None` if the client went away or speaks something else.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if bytes.first().is_some_and(|first| !first.is_ascii_uppercase()) {
            return None;
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |text| text.trim().parse().expect("a length"));
            if bytes.len() >= end + 4 + length {
                return String::from_utf8(bytes).ok();
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
