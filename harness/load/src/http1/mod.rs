//! HTTP/1.1 as RFC 9112 has it: [`Http1`] sends a request and reads its response, one after the other.

mod chunked;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
mod head;
mod request;
mod response;
mod session;

pub(crate) use session::Http1;

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
