//! HTTP/2 as RFC 9113 has it, and gRPC on it: [`Http2`] sends many requests at once on one connection.
//!
//! Bytes in, ended requests out: [`session`] keeps the streams, [`frames`] reads what the peer says, [`frame`] and [`hpack`] are
//! the two formats, [`request`] renders what is sent.

mod frame;
mod frames;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
mod hpack;
mod huffman;
mod request;
mod session;

pub(crate) use session::Http2;

#[cfg(test)]
mod tests;

use frame::ErrorCode;

/// What a peer must not do. All of these end the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtocolError {
    #[error("the connection does not begin with SETTINGS")]
    NoPreface,
    #[error("a frame has a size that its type cannot have, or that was not agreed to")]
    FrameSize,
    #[error("a frame is on a stream where its type cannot be, or on one that was never opened")]
    Stream,
    #[error("a header block is not continued, or continued without end")]
    HeaderBlock,
    #[error("padding is longer than the frame that holds it")]
    Padding,
    #[error("a setting has a value that it cannot have")]
    Setting,
    #[error("a push was announced that was not allowed")]
    Push,
    #[error("a window of flow control was overrun, overflowed or opened by nothing")]
    FlowControl,
    #[error("a header block cannot be decoded")]
    Compression,
}

impl ProtocolError {
    /// What the peer is told.
    fn code(self) -> ErrorCode {
        match self {
            Self::FrameSize => ErrorCode::FrameSize,
            Self::FlowControl => ErrorCode::FlowControl,
            Self::Compression => ErrorCode::Compression,
            Self::NoPreface
            | Self::Stream
            | Self::HeaderBlock
            | Self::Padding
            | Self::Setting
            | Self::Push => ErrorCode::Protocol,
        }
    }
}
