//! One plain HTTP/1.1 GET on loopback, for readiness, counters and probes.

use std::net::Ipv4Addr;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

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
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, body))
    };
    // The connection's future drives the exchange; whichever fails first tells why.
    tokio::select! {
        answer = exchange => answer.map_err(failed),
        Err(source) = connection => Err(failed(source)),
    }
}
