//! [`Upstream`]: persistent connections to where requests go next.

mod connect;
mod http1;
mod http2;

use std::io;
use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::{Request, Response};

use crate::body::ResponseBody;
use crate::config::Protocol;
pub(crate) use connect::Connector;
pub(crate) use http1::Http1Lease;
use http1::Http1Pool;
use http2::Http2Link;

/// The next hop of a listener's requests.
pub(crate) enum Upstream {
    /// One request at a time on each connection; idle ones are reused, latest first.
    Http1(Http1Pool),
    /// All requests on one connection.
    Http2(Http2Link),
}

/// Why a request got no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("cannot connect to {address}")]
    Connect { address: SocketAddr, source: io::Error },

    #[error("no mutual TLS with {address}: {reason}")]
    Tls { address: SocketAddr, reason: String },

    #[error("no connection to {address} within {limit:?}")]
    TimedOut { address: SocketAddr, limit: std::time::Duration },

    #[error("no response")]
    Http(#[source] hyper::Error),
}

impl Upstream {
    pub(crate) fn new(connector: Connector, protocol: Protocol) -> Self {
        match protocol {
            Protocol::Http1 => Self::Http1(Http1Pool::new(connector)),
            Protocol::Http2 => Self::Http2(Http2Link::new(connector)),
        }
    }

    /// Sends a request and waits for the head of its response.
    ///
    /// A request is sent again only if not one byte of it was written, so the upstream sees each at most once.
    pub(crate) async fn send(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, UpstreamError> {
        match self {
            Self::Http1(pool) => pool.send(request).await,
            Self::Http2(link) => link.send(request).await,
        }
    }
}
