//! One response after the other on a connection: [`ResponseReader`].

use super::ProtocolError;
use super::chunked::ChunkedReader;
use super::head::{self, Framing, Head, LARGEST_HEAD};

/// A complete response: all that the generator wants to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Whether the connection may carry another request.
    pub(crate) keep_alive: bool,
}

/// What some bytes came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fed {
    /// All of them were used, and the response goes on.
    Incomplete,
    /// The response ended, and `leftover` bytes behind it belong to none that was asked for.
    Complete { response: Response, leftover: usize },
}

#[derive(Debug)]
enum Position {
    Head,
    Length { response: Response, remaining: u64 },
    Chunked { response: Response, reader: ChunkedReader },
    UntilClose { response: Response },
}

/// Reads responses from bytes in whatever pieces they come; ready for the next response after a complete one.
#[derive(Debug)]
pub(crate) struct ResponseReader {
    position: Position,
    /// A head that came in pieces, so far. Empty where heads come whole, so that nothing is copied.
    partial_head: Vec<u8>,
    expects_body: bool,
}

impl ResponseReader {
    pub(crate) fn new() -> Self {
        Self { position: Position::Head, partial_head: Vec::new(), expects_body: true }
    }

    /// Says whether the response to come may have a body, whatever its head says: RFC 9112 §6.3, rule 1.
    pub(crate) fn expect(&mut self, body: bool) {
        self.expects_body = body;
    }

    /// Forgets a response that will not be completed, and keeps the memory.
    pub(crate) fn reset(&mut self) {
        self.position = Position::Head;
        self.partial_head.clear();
    }

    /// Whether a response has begun and not ended.
    pub(crate) fn is_amid_response(&self) -> bool {
        !matches!(self.position, Position::Head) || !self.partial_head.is_empty()
    }

    /// Takes bytes as they came.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Result<Fed, ProtocolError> {
        let mut rest = input;
        loop {
            rest = match &mut self.position {
                Position::Head => match self.feed_head(rest)? {
                    Some(body) => body,
                    None => return Ok(Fed::Incomplete),
                },
                Position::Length { response, remaining } => {
                    let here = (*remaining).min(rest.len() as u64);
                    *remaining -= here;
                    let (response, is_complete) = (*response, *remaining == 0);
                    return Ok(self.end_if(is_complete, response, rest.len() - here as usize));
                }
                Position::Chunked { response, reader } => {
                    let response = *response;
                    let end = reader.feed(rest)?;
                    return Ok(self.end_if(end.is_some(), response, rest.len() - end.unwrap_or(rest.len())));
                }
                Position::UntilClose { .. } => return Ok(Fed::Incomplete),
            };
        }
    }

    /// The connection ended in good order: a response that only this delimits is complete now.
    pub(crate) fn end_of_stream(&mut self) -> Result<Response, ProtocolError> {
        let ended = match self.position {
            Position::UntilClose { response } => Ok(response),
            _ => Err(ProtocolError::Truncated),
        };
        self.reset();
        ended
    }

    fn end_if(&mut self, is_complete: bool, response: Response, leftover: usize) -> Fed {
        if !is_complete {
            return Fed::Incomplete;
        }
        self.position = Position::Head;
        Fed::Complete { response, leftover }
    }

    /// Reads a head and takes its position behind it: what follows it, or `None` where it goes on beyond `input`.
    fn feed_head<'a>(&mut self, input: &'a [u8]) -> Result<Option<&'a [u8]>, ProtocolError> {
        let kept = self.partial_head.len();
        let head = if kept == 0 {
            head::read(input)?
        } else {
            let room = LARGEST_HEAD.saturating_sub(kept).min(input.len());
            self.partial_head.extend_from_slice(&input[..room]);
            head::read(&self.partial_head)?
        };
        let Some(head) = head else {
            if kept == 0 {
                self.partial_head.extend_from_slice(&input[..input.len().min(LARGEST_HEAD)]);
            }
            let is_full = self.partial_head.len() >= LARGEST_HEAD;
            return if is_full { Err(ProtocolError::TooLarge) } else { Ok(None) };
        };
        self.partial_head.clear();
        // A head that was incomplete without this input cannot end before it.
        let body = &input[head.length.saturating_sub(kept)..];
        self.position = position_after(head, self.expects_body)?;
        Ok(Some(body))
    }
}

fn position_after(head: Head, expects_body: bool) -> Result<Position, ProtocolError> {
    let response = Response { status: head.status, keep_alive: head.keep_alive };
    match (head.status, head.framing) {
        (101, _) | (0..100 | 600.., _) => Err(ProtocolError::Status),
        // Interim responses announce the one that counts.
        (100..200, _) => Ok(Position::Head),
        _ if !expects_body => Ok(Position::Length { response, remaining: 0 }),
        (_, Framing::Length(remaining)) => Ok(Position::Length { response, remaining }),
        (_, Framing::Chunked) => Ok(Position::Chunked { response, reader: ChunkedReader::new() }),
        (_, Framing::UntilClose) => {
            Ok(Position::UntilClose { response: Response { keep_alive: false, ..response } })
        }
    }
}

#[cfg(test)]
mod tests;
