//! Frames as bytes (RFC 9113 §4 and §6): [`Frame`] is read, the functions write.

use super::ProtocolError;

pub(super) const HEAD_BYTES: usize = 9;
/// Every peer takes frames up to this size, and none that obeys sends larger ones as long as nothing else is agreed.
pub(super) const LARGEST_PAYLOAD: usize = 16_384;
/// A stream's identifier has 31 bits, and so has a window.
pub(super) const LARGEST_31_BITS: u32 = 0x7fff_ffff;
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const ACK: u8 = 0x1;
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const HAS_PRIORITY: u8 = 0x20;

pub(super) const HEADER_TABLE_SIZE: u16 = 1;
pub(super) const ENABLE_PUSH: u16 = 2;
pub(super) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(super) const MAX_FRAME_SIZE: u16 = 5;

/// Why a stream or a connection is given up (RFC 9113 §7): those that this engine says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorCode {
    Protocol = 0x1,
    FlowControl = 0x3,
    FrameSize = 0x6,
    Cancel = 0x8,
    Compression = 0x9,
}

/// The code by which a peer says that it has not touched a request.
pub(super) const REFUSED_STREAM: u32 = 0x7;

/// One frame as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame that `input` begins with, and what is behind it; `None` where it is not complete yet.
    pub(super) fn split(input: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, ProtocolError> {
        let Some((head, rest)) = input.split_first_chunk::<HEAD_BYTES>() else { return Ok(None) };
        let [size_0, size_1, size_2, kind, flags, stream @ ..] = *head;
        let size = u32::from_be_bytes([0, size_0, size_1, size_2]) as usize;
        if size > LARGEST_PAYLOAD {
            return Err(ProtocolError::FrameSize);
        }
        let stream = u32::from_be_bytes(stream) & LARGEST_31_BITS;
        let split = rest.split_at_checked(size);
        Ok(split.map(|(payload, rest)| (Self { kind, flags, stream, payload }, rest)))
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload without its padding.
    pub(super) fn unpadded(&self) -> Result<&'a [u8], ProtocolError> {
        if !self.has(PADDED) {
            return Ok(self.payload);
        }
        let (padding, rest) = self.payload.split_first().ok_or(ProtocolError::FrameSize)?;
        let length = rest.len().checked_sub(usize::from(*padding)).ok_or(ProtocolError::Padding)?;
        Ok(&rest[..length])
    }

    /// The payload of a frame that holds one number.
    pub(super) fn number(&self) -> Result<u32, ProtocolError> {
        let bytes = <[u8; 4]>::try_from(self.payload).map_err(|_| ProtocolError::FrameSize)?;
        Ok(u32::from_be_bytes(bytes))
    }
}

/// How many bytes a frame lacks of which `partial` is the beginning: those of its head first.
pub(super) fn missing(partial: &[u8]) -> usize {
    match *partial {
        [size_0, size_1, size_2, _, _, _, _, _, _, ..] => {
            let size = u32::from_be_bytes([0, size_0, size_1, size_2]) as usize;
            (HEAD_BYTES + size).saturating_sub(partial.len())
        }
        _ => HEAD_BYTES - partial.len(),
    }
}

/// Writes the head of a frame.
pub(super) fn write_head(output: &mut Vec<u8>, size: usize, kind: u8, flags: u8, stream: u32) {
    let [_, size @ ..] = (size as u32).to_be_bytes();
    output.extend_from_slice(&size);
    output.extend_from_slice(&[kind, flags]);
    output.extend_from_slice(&stream.to_be_bytes());
}

/// Writes a header block, in as many frames as it takes.
pub(super) fn write_block(output: &mut Vec<u8>, block: &[u8], ends_stream: bool, stream: u32) {
    let mut kind = HEADERS;
    let mut flags = if ends_stream { END_STREAM } else { 0 };
    let mut pieces = block.chunks(LARGEST_PAYLOAD).peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            flags |= END_HEADERS;
        }
        write_head(output, piece.len(), kind, flags, stream);
        output.extend_from_slice(piece);
        (kind, flags) = (CONTINUATION, 0);
    }
}

/// Writes a frame that holds one number.
pub(super) fn write_number(output: &mut Vec<u8>, kind: u8, stream: u32, number: u32) {
    write_head(output, 4, kind, 0, stream);
    output.extend_from_slice(&number.to_be_bytes());
}

/// Writes SETTINGS.
pub(super) fn write_settings(output: &mut Vec<u8>, settings: &[(u16, u32)]) {
    write_head(output, 6 * settings.len(), SETTINGS, 0, 0);
    for (name, value) in settings {
        output.extend_from_slice(&name.to_be_bytes());
        output.extend_from_slice(&value.to_be_bytes());
    }
}

/// Writes GOAWAY: no stream of the peer was ever accepted.
pub(super) fn write_goaway(output: &mut Vec<u8>, code: ErrorCode) {
    write_head(output, 8, GOAWAY, 0, 0);
    output.extend_from_slice(&0_u32.to_be_bytes());
    output.extend_from_slice(&(code as u32).to_be_bytes());
}
