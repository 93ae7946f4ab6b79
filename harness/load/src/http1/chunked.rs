//! The chunked coding of RFC 9112 §7.1: [`ChunkedReader`] finds its end without keeping a byte of it.

use super::ProtocolError;
use super::head::LARGEST_HEAD;

/// Where in the coding the next byte belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Size { digits: u8 },
    Extension,
    SizeLineFeed,
    Data { remaining: u64 },
    DataCarriageReturn,
    DataLineFeed,
    TrailerLineStart,
    TrailerLine,
    TrailerLineFeed,
    LastLineFeed,
}

/// Reads one chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkedReader {
    position: Position,
    chunk_size: u64,
    /// Bytes of extensions and trailers so far: a server could otherwise keep a reader busy for ever.
    overhead: usize,
}

impl ChunkedReader {
    pub(super) fn new() -> Self {
        Self { position: Position::Size { digits: 0 }, chunk_size: 0, overhead: 0 }
    }

    /// Takes bytes of the body: how many of them belong to it if it ended here, `None` if all do and it goes on.
    pub(super) fn feed(&mut self, input: &[u8]) -> Result<Option<usize>, ProtocolError> {
        let mut taken = 0;
        while let Some(&byte) = input.get(taken) {
            if let Position::Data { remaining } = self.position {
                let here = remaining.min((input.len() - taken) as u64);
                taken += here as usize;
                let remaining = remaining - here;
                self.position =
                    if remaining == 0 { Position::DataCarriageReturn } else { Position::Data { remaining } };
                continue;
            }
            taken += 1;
            if self.position == Position::LastLineFeed {
                return if byte == b'\n' { Ok(Some(taken)) } else { Err(ProtocolError::Chunk) };
            }
            self.position = self.after(byte)?;
        }
        Ok(None)
    }

    /// The position after one byte that is neither data nor the last one.
    fn after(&mut self, byte: u8) -> Result<Position, ProtocolError> {
        match (self.position, byte) {
            (Position::Size { digits }, b'\r') if digits > 0 => Ok(Position::SizeLineFeed),
            (Position::Size { digits }, b';' | b' ' | b'\t') if digits > 0 => Ok(Position::Extension),
            (Position::Size { digits }, _) => self.size_digit(digits, byte),
            (Position::SizeLineFeed, b'\n') if self.chunk_size == 0 => Ok(Position::TrailerLineStart),
            (Position::SizeLineFeed, b'\n') => {
                let remaining = std::mem::take(&mut self.chunk_size);
                Ok(Position::Data { remaining })
            }
            (Position::DataCarriageReturn, b'\r') => Ok(Position::DataLineFeed),
            (Position::DataLineFeed, b'\n') => Ok(Position::Size { digits: 0 }),
            (Position::Extension, b'\r') => Ok(Position::SizeLineFeed),
            (Position::TrailerLineStart, b'\r') => Ok(Position::LastLineFeed),
            (Position::TrailerLine, b'\r') => Ok(Position::TrailerLineFeed),
            (Position::TrailerLineFeed, b'\n') => Ok(Position::TrailerLineStart),
            (Position::Extension, _) if byte != b'\n' => self.count_overhead(Position::Extension),
            (Position::TrailerLineStart | Position::TrailerLine, _) if byte != b'\n' => {
                self.count_overhead(Position::TrailerLine)
            }
            _ => Err(ProtocolError::Chunk),
        }
    }

    fn size_digit(&mut self, digits: u8, byte: u8) -> Result<Position, ProtocolError> {
        let digit = char::from(byte).to_digit(16).ok_or(ProtocolError::Chunk)?;
        if digits == 16 {
            return Err(ProtocolError::Chunk);
        }
        self.chunk_size = self.chunk_size << 4 | u64::from(digit);
        Ok(Position::Size { digits: digits + 1 })
    }

    fn count_overhead(&mut self, next: Position) -> Result<Position, ProtocolError> {
        self.overhead += 1;
        if self.overhead > LARGEST_HEAD { Err(ProtocolError::TooLarge) } else { Ok(next) }
    }
}
