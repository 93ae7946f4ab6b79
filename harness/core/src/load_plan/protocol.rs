//! What a plan's requests are spoken in: [`Protocol`].

use serde::{Deserialize, Serialize};

/// The protocol of every connection of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP/1.1: one request at a time on a connection.
    #[default]
    Http1,
    /// HTTP/2: many requests at once; over TLS agreed to by ALPN, in the clear by prior knowledge (RFC 9113 §3.3).
    Http2,
    /// Unary calls of gRPC over HTTP/2: each request is a `POST` of one message.
    Grpc,
}

impl Protocol {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
