//! What a peer says, frame by frame (RFC 9113 §6), and what follows from it for an [`Http2`].

use meshbench_core::recording::ErrorKind;

use super::ProtocolError;
use super::frame::{self, ErrorCode, Frame, LARGEST_31_BITS, LARGEST_PAYLOAD};
use super::hpack::{Fields, TABLE_BYTES};
use super::request::Request;
use super::session::{CONNECTION_WINDOW, Encoding, Http2, STREAM_WINDOW, Stream};
use crate::tally::Outcome;
use crate::worker::{End, Ended};

/// Larger header blocks are refused: no server means to send one, and it would have to be kept.
const LARGEST_BLOCK: usize = 64 * 1024;
/// What is before a message: whether it is compressed, and its length.
const GRPC_FRAME_BYTES: u64 = 5;
const GRPC_UNKNOWN: u16 = 2;

impl Http2 {
    /// Takes bytes as they came.
    pub(super) fn take(
        &mut self,
        mut input: &[u8],
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<(), ProtocolError> {
        while !input.is_empty() {
            if !self.partial.is_empty() {
                input = self.top_up(input, requests, ended)?;
            } else if let Some((frame, rest)) = Frame::split(input)? {
                self.frame(&frame, requests, ended)?;
                input = rest;
            } else {
                self.partial.extend_from_slice(input);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Adds what a frame lacks that came in pieces: what is behind it.
    fn top_up<'a>(
        &mut self,
        input: &'a [u8],
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<&'a [u8], ProtocolError> {
        let (piece, rest) = input.split_at(frame::missing(&self.partial).min(input.len()));
        self.partial.extend_from_slice(piece);
        let partial = std::mem::take(&mut self.partial);
        let split = Frame::split(&partial);
        let is_complete = matches!(split, Ok(Some(_)));
        let result = match split {
            Ok(Some((frame, _))) => self.frame(&frame, requests, ended),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        self.partial = partial;
        if is_complete {
            self.partial.clear();
        }
        result.map(|()| rest)
    }

    fn frame(
        &mut self,
        frame: &Frame<'_>,
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<(), ProtocolError> {
        if !self.has_settings && frame.kind != frame::SETTINGS {
            return Err(ProtocolError::NoPreface);
        }
        if self
            .continued
            .is_some_and(|(stream, _)| frame.kind != frame::CONTINUATION || frame.stream != stream)
        {
            return Err(ProtocolError::HeaderBlock);
        }
        match frame.kind {
            frame::DATA => self.data(frame, requests, ended),
            frame::HEADERS => self.headers(frame, requests, ended),
            frame::PRIORITY => check(frame.payload.len() == 5, ProtocolError::FrameSize),
            frame::RST_STREAM => self.reset(frame, requests, ended),
            frame::SETTINGS => self.settings(frame),
            frame::PUSH_PROMISE => Err(ProtocolError::Push),
            frame::PING => self.ping(frame),
            frame::GOAWAY => self.go_away(frame, requests, ended),
            frame::WINDOW_UPDATE => self.window_update(frame, requests, ended),
            frame::CONTINUATION => self.continuation(frame, requests, ended),
            // RFC 9113 §5.5: types that nobody knows mean nothing.
            _ => Ok(()),
        }
    }

    /// Where a stream is; `None` where it is over. One that this side never opened is an error.
    fn find(&self, id: u32) -> Result<Option<usize>, ProtocolError> {
        check(id % 2 == 1 && id < self.next_id, ProtocolError::Stream)?;
        Ok(self.position(id))
    }

    fn data(
        &mut self,
        frame: &Frame<'_>,
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<(), ProtocolError> {
        let position = self.find(frame.stream)?;
        let content = frame.unpadded()?;
        // Windows count padding too.
        let size = frame.payload.len() as u32;
        take_from(&mut self.receive_window, size)?;
        open_again(&mut self.output, 0, &mut self.receive_window, CONNECTION_WINDOW);
        let Some(position) = position else { return Ok(()) };
        let stream = &mut self.streams[position];
        take_from(&mut stream.receive_window, size)?;
        stream.received += content.len() as u64;
        let ends_stream = frame.has(frame::END_STREAM);
        if stream.status.is_none() || !stream.keeps_to_length(ends_stream) {
            self.malformed(position, requests, ended);
        } else if ends_stream {
            self.answered(position, requests, ended);
        } else {
            open_again(&mut self.output, stream.id, &mut stream.receive_window, STREAM_WINDOW);
        }
        Ok(())
    }

    fn headers(
        &mut self,
        frame: &Frame<'_>,
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<(), ProtocolError> {
        self.find(frame.stream)?;
        let mut fragment = frame.unpadded()?;
        if frame.has(frame::HAS_PRIORITY) {
            fragment = fragment.get(5..).ok_or(ProtocolError::FrameSize)?;
        }
        let ends_stream = frame.has(frame::END_STREAM);
        if frame.has(frame::END_HEADERS) {
            let fields = self.decoder.decode(fragment)?;
            self.fields(frame.stream, ends_stream, fields, requests, ended)
        } else {
            self.block.clear();
            self.block.extend_from_slice(fragment);
            self.continued = Some((frame.stream, ends_stream));
            Ok(())
        }
    }

    fn continuation(
        &mut self,
        frame: &Frame<'_>,
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<(), ProtocolError> {
        let (stream, ends_stream) = self.continued.ok_or(ProtocolError::HeaderBlock)?;
        // Empty ones could come for ever.
        let is_progress = frame.has(frame::END_HEADERS) || !frame.payload.is_empty();
        check(
            is_progress && self.block.len() + frame.payload.len() <= LARGEST_BLOCK,
            ProtocolError::HeaderBlock,
        )?;
        self.block.extend_from_slice(frame.payload);
        if !frame.has(frame::END_HEADERS) {
            return Ok(());
        }
        self.continued = None;
        let fields = self.decoder.decode(&self.block)?;
        self.fields(stream, ends_stream, fields, requests, ended)
    }

    /// A head, an interim one, or trailers.
    fn fields(
        &mut self,
        id: u32,
        ends_stream: bool,
        fields: Fields,
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<(), ProtocolError> {
        let Some(position) = self.position(id) else { return Ok(()) };
        let stream = &mut self.streams[position];
        let is_sound = match (stream.status, fields.status) {
            (None, Some(status)) if (100..200).contains(&status) => !ends_stream && status != 101,
            (None, Some(status)) => {
                stream.status = Some(status);
                let may_have_body = requests[stream.exchange.request as usize].response_has_body
                    && status != 204
                    && status != 304;
                // Where there is no body, the head may say how long it would be.
                stream.content_length = if may_have_body { fields.content_length } else { Some(0) };
                (200..600).contains(&status)
            }
            // Trailers end the stream, and have no status of their own.
            (Some(_), None) => ends_stream,
            (None, None) | (Some(_), Some(_)) => false,
        };
        stream.grpc_status = fields.grpc_status;
        let keeps_to_length = !ends_stream || stream.keeps_to_length(true);
        if !is_sound || fields.is_malformed || !keeps_to_length {
            self.malformed(position, requests, ended);
        } else if ends_stream {
            self.answered(position, requests, ended);
        }
        Ok(())
    }

    /// RFC 9113 §8.1.1: the stream is in error, and nothing else is.
    fn malformed(&mut self, position: usize, requests: &[Request], ended: &mut Ended) {
        self.abandon(position, ErrorCode::Protocol, ErrorKind::Protocol, requests, ended);
    }

    fn answered(&mut self, position: usize, requests: &[Request], ended: &mut Ended) {
        let is_grpc = self.is_grpc;
        if let Some(stream) = self.finish(position, requests) {
            let outcome = if is_grpc {
                grpc_outcome(&stream)
            } else {
                Outcome::of_status(stream.status.unwrap_or_default())
            };
            ended.push((stream.exchange, End::Answered(outcome)));
        }
    }

    fn reset(
        &mut self,
        frame: &Frame<'_>,
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<(), ProtocolError> {
        let (position, code) = (self.find(frame.stream)?, frame.number()?);
        if let Some(stream) = position.and_then(|position| self.remove(position, requests)) {
            let kind = if code == frame::REFUSED_STREAM { ErrorKind::Refused } else { ErrorKind::Reset };
            ended.push((stream.exchange, End::Failed(kind)));
        }
        Ok(())
    }

    fn settings(&mut self, frame: &Frame<'_>) -> Result<(), ProtocolError> {
        check(frame.stream == 0, ProtocolError::Stream)?;
        if frame.has(frame::ACK) {
            check(self.has_settings, ProtocolError::NoPreface)?;
            return check(frame.payload.is_empty(), ProtocolError::FrameSize);
        }
        let (settings, rest) = frame.payload.as_chunks::<6>();
        check(rest.is_empty(), ProtocolError::FrameSize)?;
        for [name_0, name_1, value @ ..] in settings {
            self.setting(u16::from_be_bytes([*name_0, *name_1]), u32::from_be_bytes(*value))?;
        }
        self.has_settings = true;
        frame::write_head(&mut self.output, 0, frame::SETTINGS, frame::ACK, 0);
        Ok(())
    }

    fn setting(&mut self, name: u16, value: u32) -> Result<(), ProtocolError> {
        match name {
            frame::HEADER_TABLE_SIZE if (value as usize) < TABLE_BYTES => {
                self.encoding = Encoding::Emptied;
            }
            frame::ENABLE_PUSH => check(value == 0, ProtocolError::Setting)?,
            frame::MAX_CONCURRENT_STREAMS => self.peers_most_streams = value as usize,
            frame::INITIAL_WINDOW_SIZE => self.resize_windows(value)?,
            frame::MAX_FRAME_SIZE => {
                check((LARGEST_PAYLOAD as u32..1 << 24).contains(&value), ProtocolError::Setting)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// RFC 9113 §6.9.2: what is open already changes by the difference, and may fall below zero.
    fn resize_windows(&mut self, size: u32) -> Result<(), ProtocolError> {
        check(size <= LARGEST_31_BITS, ProtocolError::FlowControl)?;
        let difference = i64::from(size) - i64::from(self.peers_stream_window);
        self.peers_stream_window = size;
        for stream in &mut self.streams {
            stream.send_window += difference;
            check(stream.send_window <= LARGEST_31_BITS.into(), ProtocolError::FlowControl)?;
        }
        Ok(())
    }

    fn ping(&mut self, frame: &Frame<'_>) -> Result<(), ProtocolError> {
        check(frame.stream == 0, ProtocolError::Stream)?;
        check(frame.payload.len() == 8, ProtocolError::FrameSize)?;
        if !frame.has(frame::ACK) {
            frame::write_head(&mut self.output, 8, frame::PING, frame::ACK, 0);
            self.output.extend_from_slice(frame.payload);
        }
        Ok(())
    }

    /// The peer takes no new streams, and will not touch those behind the last that it names.
    fn go_away(
        &mut self,
        frame: &Frame<'_>,
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<(), ProtocolError> {
        check(frame.stream == 0, ProtocolError::Stream)?;
        let last = frame.payload.first_chunk::<4>().filter(|_| frame.payload.len() >= 8);
        let last = u32::from_be_bytes(*last.ok_or(ProtocolError::FrameSize)?) & LARGEST_31_BITS;
        self.is_going_away = true;
        while let Some(position) = self.streams.len().checked_sub(1)
            && self.streams[position].id > last
        {
            if let Some(stream) = self.remove(position, requests) {
                ended.push((stream.exchange, End::Failed(ErrorKind::Refused)));
            }
        }
        Ok(())
    }

    fn window_update(
        &mut self,
        frame: &Frame<'_>,
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<(), ProtocolError> {
        let increment = frame.number()? & LARGEST_31_BITS;
        let is_sound = |window: i64| increment > 0 && window <= LARGEST_31_BITS.into();
        if frame.stream == 0 {
            self.send_window += i64::from(increment);
            return check(is_sound(self.send_window), ProtocolError::FlowControl);
        }
        let Some(position) = self.find(frame.stream)? else { return Ok(()) };
        let stream = &mut self.streams[position];
        stream.send_window += i64::from(increment);
        if !is_sound(stream.send_window) {
            self.abandon(position, ErrorCode::FlowControl, ErrorKind::Protocol, requests, ended);
        }
        Ok(())
    }
}

fn check(holds: bool, otherwise: ProtocolError) -> Result<(), ProtocolError> {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// What a peer has sent leaves less room for more.
fn take_from(window: &mut u32, size: u32) -> Result<(), ProtocolError> {
    *window = window.checked_sub(size).ok_or(ProtocolError::FlowControl)?;
    Ok(())
}

/// Opens a window to its full size again that has come down to half of it.
fn open_again(output: &mut Vec<u8>, stream: u32, window: &mut u32, full: u32) {
    if *window <= full / 2 {
        frame::write_number(output, frame::WINDOW_UPDATE, stream, full - *window);
        *window = full;
    }
}

/// A unary call succeeds with HTTP status 200, one message, and the gRPC status 0.
fn grpc_outcome(stream: &Stream) -> Outcome {
    match (stream.status, stream.grpc_status) {
        (Some(200), Some(0)) if stream.received < GRPC_FRAME_BYTES => Outcome::Failure(ErrorKind::Protocol),
        (Some(200), Some(0)) => Outcome::Success,
        (Some(200), status) => Outcome::Failure(ErrorKind::of_grpc_status(status.unwrap_or(GRPC_UNKNOWN))),
        (status, _) => match Outcome::of_status(status.unwrap_or_default()) {
            // Whatever else it is, it is no answer of gRPC's.
            Outcome::Success => Outcome::Failure(ErrorKind::Protocol),
            failure => failure,
        },
    }
}
