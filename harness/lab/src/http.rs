//! One plain HTTP/1.1 GET on loopback, for readiness, counters and probes.

use std::net::Ipv4Addr;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Longer than any answer on loopback takes, a workload's timeout included.
const LIMIT: Duration = Duration::from_secs(10);

/// Why a GET had no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GetError {
    /// Nobody listens, or the connection broke before HTTP began.
    #[error("cannot connect to 127.0.0.1:{port}")]
    Connect {
        /// The port asked.
        port: u16,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// The peer did not answer in HTTP, or closed the connection.
    #[error("no HTTP answer to GET {path}")]
    Exchange {
        /// The path asked for.
        path: String,
        /// What hyper saw.
        source: hyper::Error,
    },
    /// The connection stands and nothing comes.
    #[error("no answer to GET {path} within {}", humantime::format_duration(LIMIT))]
    TimedOut {
        /// The path asked for.
        path: String,
    },
    /// The path or authority is not fit for a request line.
    #[error("cannot ask for {path}")]
    Request {
        /// The path asked for.
        path: String,
        /// What is wrong with it.
        source: hyper::http::Error,
    },
}

/// The status and body of `GET http://127.0.0.1:<port><path>`, over a connection of its own.
///
/// # Errors
/// [`GetError`] when there was no complete answer; any status is an answer.
pub(crate) async fn get(port: u16, path: &str) -> Result<(StatusCode, Bytes), GetError> {
    let timed_out = |_| GetError::TimedOut { path: path.to_owned() };
    tokio::time::timeout(LIMIT, exchange(port, path)).await.map_err(timed_out)?
}

async fn exchange(port: u16, path: &str) -> Result<(StatusCode, Bytes), GetError> {
    let failed = |source| GetError::Exchange { path: path.to_owned(), source };
    let request = Request::get(path)
        .header(hyper::header::HOST, format!("127.0.0.1:{port}"))
        .body(Empty::<Bytes>::new())
        .map_err(|source| GetError::Request { path: path.to_owned(), source })?;
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| GetError::Connect { port, source })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, body))
    };
    // The connection's future drives the exchange; whichever fails first tells why.
    tokio::select! {
        answer = answer => answer.map_err(failed),
        Err(source) = connection => Err(failed(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_answers_is_not_waited_for_for_ever() {
        let silent = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let error = get(silent.local_addr().unwrap().port(), "/metrics").await.unwrap_err();
        assert_eq!(error.to_string(), "no answer to GET /metrics within 10s");
    }
}
