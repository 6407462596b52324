//! A connection that is lost at the commit: the append is answered by what is in the database, not by a guess.

use crate::store_support::{Bench, append, event, saga};
use attio_billing::store::log::{Limits, Log};
use attio_billing::store::shards::{Lease, Node};
use attio_billing::store::verify::verify;
use secrecy::ExposeSecret;
use sqlx::postgres::PgPoolOptions;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PASS: u8 = 0;
/// The commit reaches the server, its answer does not reach us.
const LOSE_ANSWER: u8 = 1;
/// The commit does not reach the server.
const LOSE_COMMIT: u8 = 2;

/// Forwards to the server, and cuts one connection at its next commit when told to.
async fn proxy(server: String, cut: Arc<AtomicU8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            tokio::spawn(forward(client, server, cut.clone()));
        }
    });
    port
}

async fn forward(mut client: TcpStream, mut server: TcpStream, cut: Arc<AtomicU8>) -> std::io::Result<()> {
    let (mut asked, mut said) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            n = client.read(&mut asked) => {
                let n = n?;
                let commits = asked[..n].windows(6).any(|word| word == b"COMMIT");
                let how = if commits { cut.swap(PASS, Ordering::SeqCst) } else { PASS };
                if n == 0 || how == LOSE_COMMIT {
                    return Ok(());
                }
                server.write_all(&asked[..n]).await?;
                if how == LOSE_ANSWER {
                    // The server has answered it: it is done.
                    return server.read(&mut said).await.map(drop);
                }
            }
            n = server.read(&mut said) => {
                let n = n?;
                if n == 0 {
                    return Ok(());
                }
                client.write_all(&said[..n]).await?;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lost_at_the_commit_neither_loses_nor_doubles_an_append() {
    let bench = Bench::new().await;
    let cut = Arc::new(AtomicU8::new(PASS));
    let mut url = url::Url::parse(bench.url().expose_secret()).unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let port = proxy(server, cut.clone()).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(port)).unwrap();
    // The proxy looks for the commit in the bytes.
    url.query_pairs_mut().append_pair("sslmode", "disable");
    let through = PgPoolOptions::new().max_connections(3).connect(url.as_str()).await.unwrap();
    let node = Arc::new(Node::join(bench.pool.clone(), "one", Lease::default()).await.unwrap());
    node.beat().await.unwrap();
    let log = Log::start(through, node, Limits::default());
    for (n, how) in (0..).zip([PASS, LOSE_ANSWER, LOSE_COMMIT, PASS, LOSE_ANSWER]) {
        cut.store(how, Ordering::SeqCst);
        let written = log.append(append(saga(1), n, vec![event(saga(1), n + 1)])).await.unwrap();
        assert_eq!(written.sequence, n + 1);
        assert_eq!(cut.load(Ordering::SeqCst), PASS, "the connection was not cut");
    }
    let report = verify(&bench.pool, |_| {}).await.unwrap();
    assert_eq!((report.events, report.first_break), (5, None));
}
