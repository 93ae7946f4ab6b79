//! Accepting connections and serving HTTP on them until told to stop.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use hyper::body::{Body, Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Protocol;
use crate::counters::ConnectionCounters;
use crate::error::{SidecarError, chain};
use crate::tls::handshake_failure;

/// A client that has not finished its handshake by then is none of our peers.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Out of file descriptors, say: time for some to be closed.
const PAUSE_AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(50);
/// Far above any sensible concurrency, so that it is the application's limit that counts.
const CONCURRENT_STREAMS: u32 = 10_000;

/// An open listener that nobody serves yet.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    pub(crate) address: SocketAddr,
}

/// What connections share while they are served.
#[derive(Debug, Clone, Default)]
pub(crate) struct Serving {
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Listener {
    /// Opens a port; `name` is for the error.
    pub(crate) async fn bind(name: impl Into<String>, ip: IpAddr, port: u16) -> Result<Self, SidecarError> {
        let wanted = SocketAddr::new(ip, port);
        let refused = |source| SidecarError::Listen { listener: name.into(), address: wanted, source };
        let bound = async {
            let socket = TcpListener::bind(wanted).await?;
            let address = socket.local_addr()?;
            io::Result::Ok(Self { socket, address })
        };
        bound.await.map_err(refused)
    }

    /// Serves each connection in a task of its own, until told to stop.
    pub(crate) fn serve<Served>(
        self,
        serving: &Serving,
        mut serve_connection: impl FnMut(TcpStream, CancellationToken) -> Served + Send + 'static,
    ) where
        Served: Future<Output = ()> + Send + 'static,
    {
        let Serving { stop, tasks } = serving.clone();
        serving.tasks.spawn(async move {
            while let Some(stream) = self.accept(&stop).await {
                tasks.spawn(serve_connection(stream, stop.clone()));
            }
        });
    }

    async fn accept(&self, stop: &CancellationToken) -> Option<TcpStream> {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return None,
                accepted = self.socket.accept() => accepted,
            };
            match accepted.and_then(|(stream, _)| stream.set_nodelay(true).map(|()| stream)) {
                Ok(stream) => return Some(stream),
                Err(error) => {
                    tracing::warn!("cannot accept on {}: {error}", self.address);
                    tokio::time::sleep(PAUSE_AFTER_FAILED_ACCEPT).await;
                }
            }
        }
    }
}

/// Completes the TLS handshake, or refuses and returns nothing.
pub(crate) async fn accept_tls(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    counters: &ConnectionCounters,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let accepted = tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await;
    match accepted.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into())) {
        Ok(stream) => {
            counters.tls_accepted.increment();
            Some(stream)
        }
        Err(error) => {
            counters.tls_refused.increment();
            tracing::debug!("refused a connection: {}", handshake_failure(&error));
            None
        }
    }
}

/// Serves one connection; on `stop` it ends after the requests under way.
pub(crate) async fn serve_http<Handler, Answer, Content>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    protocol: Protocol,
    handler: Handler,
    stop: CancellationToken,
) where
    Handler: Fn(Request<Incoming>) -> Answer + Send + 'static,
    Answer: Future<Output = Result<Response<Content>, Infallible>> + Send + 'static,
    Content: Body<Data = Bytes> + Send + 'static,
    Content::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TokioIo::new(stream);
    let service = service_fn(handler);
    let ended = match protocol {
        Protocol::Http1 => {
            // A proxy passes the application's date on.
            let connection = http1::Builder::new().auto_date_header(false).serve_connection(stream, service);
            until_stopped(connection, &stop).await
        }
        Protocol::Http2 => {
            let connection = http2::Builder::new(TokioExecutor::new())
                .auto_date_header(false)
                .max_concurrent_streams(CONCURRENT_STREAMS)
                .serve_connection(stream, service);
            until_stopped(connection, &stop).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("downstream connection ended: {}", chain(&error));
    }
}

async fn until_stopped<Connection: GracefulConnection>(
    connection: Connection,
    stop: &CancellationToken,
) -> Result<(), Connection::Error> {
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}
