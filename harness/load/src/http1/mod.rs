//! HTTP/1.1 as RFC 9112 has it, for `GET`: [`request`] renders what is sent, [`ResponseReader`] reads what comes back.

mod chunked;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
mod head;
mod response;

pub(crate) use response::{Fed, Response, ResponseReader};

/// Why bytes are no response. All of them end the connection: after one, framing cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtocolError {
    #[error("the response head is malformed")]
    Head,
    #[error("the response head or trailer is larger than {} bytes", head::LARGEST_HEAD)]
    TooLarge,
    #[error("the status is outside 100 to 599, or switches to a protocol nobody asked for")]
    Status,
    #[error("the content length is malformed or contradicts itself")]
    ContentLength,
    #[error("the chunked framing is malformed")]
    Chunk,
    #[error("the connection ended within the response")]
    Truncated,
}

/// The bytes of a `GET` of `path` from `host`.
pub(crate) fn request(host: &str, path: &str) -> Box<[u8]> {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: meshbench-load/{version}\r\nAccept: */*\r\n\r\n"
    )
    .into_bytes()
    .into_boxed_slice()
}
