//! [`Connector`]: opens connections, in mutual TLS towards peers and plain towards the application.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::UpstreamError;
use crate::body::RequestBody;
use crate::counters::ConnectionCounters;
use crate::error::chain;
use crate::tls::handshake_failure;

/// A local peer that has not answered by then is stuck; waiting longer would only pile up requests.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Opens connections to one address.
pub(crate) struct Connector {
    address: SocketAddr,
    tls: Option<TlsConnector>,
    counters: Arc<ConnectionCounters>,
}

impl Connector {
    /// Connections to an application.
    pub(crate) fn plain(address: SocketAddr, counters: Arc<ConnectionCounters>) -> Self {
        Self { address, tls: None, counters }
    }

    /// Connections to a peer's sidecar.
    pub(crate) fn mutual_tls(
        address: SocketAddr,
        client: Arc<ClientConfig>,
        counters: Arc<ConnectionCounters>,
    ) -> Self {
        Self { address, tls: Some(client.into()), counters }
    }

    pub(super) async fn http1(&self) -> Result<http1::SendRequest<RequestBody>, UpstreamError> {
        match self.open().await? {
            Opened::Plain(stream) => http1_over(stream).await,
            Opened::Tls(stream) => http1_over(stream).await,
        }
    }

    pub(super) async fn http2(&self) -> Result<http2::SendRequest<RequestBody>, UpstreamError> {
        match self.open().await? {
            Opened::Plain(stream) => http2_over(stream).await,
            Opened::Tls(stream) => http2_over(stream).await,
        }
    }

    async fn open(&self) -> Result<Opened, UpstreamError> {
        let address = self.address;
        tokio::time::timeout(CONNECT_LIMIT, self.open_unlimited())
            .await
            .unwrap_or(Err(UpstreamError::TimedOut { address, limit: CONNECT_LIMIT }))
    }

    async fn open_unlimited(&self) -> Result<Opened, UpstreamError> {
        let address = self.address;
        let refused = |source| UpstreamError::Connect { address, source };
        let stream = TcpStream::connect(address).await.map_err(refused)?;
        stream.set_nodelay(true).map_err(refused)?;
        self.counters.opened.increment();
        let Some(tls) = &self.tls else {
            return Ok(Opened::Plain(stream));
        };
        // Peers are known by identity, not by host name, so none is sent.
        match tls.connect(ServerName::IpAddress(address.ip().into()), stream).await {
            Ok(stream) => {
                self.counters.tls_accepted.increment();
                Ok(Opened::Tls(Box::new(stream)))
            }
            Err(error) => {
                self.counters.tls_refused.increment();
                Err(UpstreamError::Tls { address, reason: handshake_failure(&error) })
            }
        }
    }
}

enum Opened {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

async fn http1_over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<http1::SendRequest<RequestBody>, UpstreamError> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(UpstreamError::Http)?;
    drive(connection);
    Ok(sender)
}

async fn http2_over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<http2::SendRequest<RequestBody>, UpstreamError> {
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(UpstreamError::Http)?;
    drive(connection);
    Ok(sender)
}

/// The connection does its work in a task of its own, until either side closes it.
fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("upstream connection ended: {}", chain(&error));
        }
    });
}
