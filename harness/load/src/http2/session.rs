//! HTTP/2 on one connection: [`Http2`], its streams and what is written on them.

use std::collections::VecDeque;
use std::io;

use meshbench_core::load_plan::{LoadPlanSettings, Protocol, Target};
use meshbench_core::recording::ErrorKind;

use super::frame::{self, ErrorCode, LARGEST_31_BITS, LARGEST_PAYLOAD};
use super::hpack::Decoder;
use super::request::{self, Request};
use crate::clock::MonotonicNs;
use crate::transport::Transport;
use crate::worker::{End, Ended, Exchange, Health, Session};

/// So wide that the generator never holds a server up. An opened window is opened again at its half.
pub(super) const STREAM_WINDOW: u32 = 1 << 24;
pub(super) const CONNECTION_WINDOW: u32 = 1 << 30;
/// What both windows are before anything is said about them.
const INITIAL_WINDOW: u32 = 65_535;
/// Bodies are not copied into the output beyond this.
const ENOUGH_OUTPUT: usize = 4 * LARGEST_PAYLOAD;
/// As many streams are made room for beforehand; more allocate as they come.
const ROOM_FOR_STREAMS: usize = 256;

/// One request on its way, and the response to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) exchange: Exchange,
    /// How much of the request's body was written.
    body_written: usize,
    /// How much of a body may still be written.
    pub(super) send_window: i64,
    /// How much of a body may still come.
    pub(super) receive_window: u32,
    /// The final status, once it came.
    pub(super) status: Option<u16>,
    pub(super) grpc_status: Option<u16>,
    /// How long the response's body is by its head.
    pub(super) content_length: Option<u64>,
    /// Bytes of it that came.
    pub(super) received: u64,
}

impl Stream {
    /// Whether the body, as far as it came, keeps to what the head says of its length (RFC 9113 §8.1.1).
    pub(super) fn keeps_to_length(&self, is_whole: bool) -> bool {
        self.content_length.is_none_or(|length| match is_whole {
            true => self.received == length,
            false => self.received <= length,
        })
    }
}

/// Which header blocks the peer's table allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Its table is empty.
    Fresh,
    /// The shared fields are in it.
    Filled,
    /// It keeps a smaller table than it must: the next block says that it stays empty.
    Emptied,
    /// It stays empty.
    Plain,
}

/// One side of a connection: many requests at once.
#[derive(Debug)]
pub(crate) struct Http2 {
    pub(super) is_grpc: bool,
    most_streams: usize,
    /// By ascending identifier.
    pub(super) streams: VecDeque<Stream>,
    pub(super) next_id: u32,
    /// Streams whose body is not written to its end.
    unsent: usize,
    pub(super) output: Vec<u8>,
    written: usize,
    pub(super) encoding: Encoding,
    /// A frame that came in pieces, so far.
    pub(super) partial: Vec<u8>,
    /// A header block that goes on, so far.
    pub(super) block: Vec<u8>,
    /// The stream of that block, and whether it ends it.
    pub(super) continued: Option<(u32, bool)>,
    pub(super) decoder: Decoder,
    pub(super) has_settings: bool,
    pub(super) peers_most_streams: usize,
    pub(super) peers_stream_window: u32,
    pub(super) send_window: i64,
    pub(super) receive_window: u32,
    /// No new stream may be opened any more. The connection is replaced only once its streams are done, and lacks until then.
    pub(super) is_going_away: bool,
}

impl Http2 {
    pub(super) fn position(&self, id: u32) -> Option<usize> {
        self.streams.binary_search_by_key(&id, |stream| stream.id).ok()
    }

    /// Takes a stream out that is over.
    pub(super) fn remove(&mut self, position: usize, requests: &[Request]) -> Option<Stream> {
        let stream = self.streams.remove(position)?;
        if stream.body_written < requests[stream.exchange.request as usize].body.len() {
            self.unsent -= 1;
        }
        Some(stream)
    }

    /// Gives a stream up, and tells the peer.
    pub(super) fn abandon(
        &mut self,
        position: usize,
        code: ErrorCode,
        kind: ErrorKind,
        requests: &[Request],
        ended: &mut Ended,
    ) {
        if let Some(stream) = self.remove(position, requests) {
            frame::write_number(&mut self.output, frame::RST_STREAM, stream.id, code as u32);
            ended.push((stream.exchange, End::Failed(kind)));
        }
    }

    /// A response is complete; whatever is left of the request is not wanted any more.
    pub(super) fn finish(&mut self, position: usize, requests: &[Request]) -> Option<Stream> {
        let unsent = self.unsent;
        let stream = self.remove(position, requests)?;
        if self.unsent < unsent {
            let code = ErrorCode::Cancel as u32;
            frame::write_number(&mut self.output, frame::RST_STREAM, stream.id, code);
        }
        Some(stream)
    }

    fn write_head(&mut self, id: u32, request: &Request) {
        let block = match self.encoding {
            Encoding::Fresh => {
                self.encoding = Encoding::Filled;
                &request.first
            }
            Encoding::Filled => &request.later,
            Encoding::Emptied => {
                self.encoding = Encoding::Plain;
                &request.emptying
            }
            Encoding::Plain => &request.plain,
        };
        frame::write_block(&mut self.output, block, request.body.is_empty(), id);
    }

    /// Writes as much of a stream's body as windows allow, and is not too much at once.
    fn write_body(&mut self, position: usize, requests: &[Request]) {
        let Some(stream) = self.streams.get_mut(position) else { return };
        let body = &requests[stream.exchange.request as usize].body;
        while stream.body_written < body.len() && self.output.len() < ENOUGH_OUTPUT {
            let window = stream.send_window.min(self.send_window).clamp(0, LARGEST_PAYLOAD as i64) as usize;
            let size = window.min(body.len() - stream.body_written);
            if size == 0 {
                return;
            }
            let piece = &body[stream.body_written..stream.body_written + size];
            stream.body_written += size;
            stream.send_window -= size as i64;
            self.send_window -= size as i64;
            let is_last = stream.body_written == body.len();
            let flags = if is_last { frame::END_STREAM } else { 0 };
            frame::write_head(&mut self.output, size, frame::DATA, flags, stream.id);
            self.output.extend_from_slice(piece);
            self.unsent -= usize::from(is_last);
        }
    }

    pub(super) fn write_bodies(&mut self, requests: &[Request]) {
        for position in 0..self.streams.len() {
            if self.unsent == 0 || self.output.len() >= ENOUGH_OUTPUT {
                return;
            }
            self.write_body(position, requests);
        }
    }
}

impl Session for Http2 {
    type Request = Request;

    const ANSWERS_BY_TURN: bool = false;
    const ALPN: &'static [u8] = b"h2";
    const ALPN_MUST_AGREE: bool = true;

    fn render(target: &Target, settings: &LoadPlanSettings) -> Vec<Request> {
        request::render(target, settings)
    }

    fn new(settings: &LoadPlanSettings) -> Self {
        let most_streams = settings.streams as usize;
        Self {
            is_grpc: settings.protocol == Protocol::Grpc,
            most_streams,
            streams: VecDeque::with_capacity(most_streams.min(ROOM_FOR_STREAMS)),
            next_id: 1,
            unsent: 0,
            output: Vec::with_capacity(LARGEST_PAYLOAD),
            written: 0,
            encoding: Encoding::Fresh,
            partial: Vec::with_capacity(frame::HEAD_BYTES + LARGEST_PAYLOAD),
            block: Vec::new(),
            continued: None,
            decoder: Decoder::new(),
            has_settings: false,
            peers_most_streams: usize::MAX,
            peers_stream_window: INITIAL_WINDOW,
            send_window: INITIAL_WINDOW.into(),
            receive_window: CONNECTION_WINDOW,
            is_going_away: false,
        }
    }

    fn begin(&mut self) {
        self.streams.clear();
        (self.next_id, self.unsent, self.written) = (1, 0, 0);
        self.encoding = Encoding::Fresh;
        self.partial.clear();
        self.continued = None;
        self.decoder.reset();
        (self.has_settings, self.is_going_away) = (false, false);
        (self.peers_most_streams, self.peers_stream_window) = (usize::MAX, INITIAL_WINDOW);
        (self.send_window, self.receive_window) = (INITIAL_WINDOW.into(), CONNECTION_WINDOW);

        self.output.clear();
        self.output.extend_from_slice(frame::PREFACE);
        let settings = [(frame::ENABLE_PUSH, 0), (frame::INITIAL_WINDOW_SIZE, STREAM_WINDOW)];
        frame::write_settings(&mut self.output, &settings);
        let more = CONNECTION_WINDOW - INITIAL_WINDOW;
        frame::write_number(&mut self.output, frame::WINDOW_UPDATE, 0, more);
    }

    /// The peer's settings say how many streams it takes: none is opened before.
    fn is_ready(&self) -> bool {
        self.has_settings
    }

    fn has_room(&self) -> bool {
        self.has_settings
            && !self.is_going_away
            && self.streams.len() < self.most_streams.min(self.peers_most_streams)
    }

    fn send(&mut self, exchange: Exchange, requests: &[Request]) {
        let request = &requests[exchange.request as usize];
        let id = self.next_id;
        self.next_id += 2;
        // After 2^30 requests a connection has no identifiers left (RFC 9113 §5.1.1).
        self.is_going_away |= self.next_id > LARGEST_31_BITS;
        self.write_head(id, request);
        self.streams.push_back(Stream {
            id,
            exchange,
            body_written: 0,
            send_window: self.peers_stream_window.into(),
            receive_window: STREAM_WINDOW,
            status: None,
            grpc_status: None,
            content_length: None,
            received: 0,
        });
        if !request.body.is_empty() {
            self.unsent += 1;
            self.write_body(self.streams.len() - 1, requests);
        }
    }

    fn flush(&mut self, requests: &[Request], transport: &mut Transport) -> io::Result<()> {
        loop {
            while self.written < self.output.len() {
                match transport.write(&self.output[self.written..]) {
                    Ok(taken) => self.written += taken,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
            self.output.clear();
            self.written = 0;
            if self.unsent > 0 {
                self.write_bodies(requests);
            }
            if self.output.is_empty() {
                return Ok(());
            }
        }
    }

    fn receive(
        &mut self,
        input: &[u8],
        requests: &[Request],
        ended: &mut Ended,
    ) -> Result<Health, ErrorKind> {
        if let Err(error) = self.take(input, requests, ended) {
            frame::write_goaway(&mut self.output, error.code());
            return Err(ErrorKind::Protocol);
        }
        Ok(if self.is_going_away && self.streams.is_empty() { Health::Over } else { Health::Open })
    }

    fn end_of_stream(&mut self, _: &mut Ended) {}

    // Streams take turns, so that some message is always on its way: nobody asks.
    fn is_amid_request(&self, _: &[Request]) -> bool {
        false
    }

    fn is_amid_answer(&self) -> bool {
        false
    }

    /// A stream can be given up without its connection. One that leaves none behind may be of a peer that is gone.
    fn expire(&mut self, due: MonotonicNs, requests: &[Request], ended: &mut Ended) -> Health {
        let mut position = 0;
        while let Some(stream) = self.streams.get(position) {
            if stream.exchange.due <= due {
                self.abandon(position, ErrorCode::Cancel, ErrorKind::Timeout, requests, ended);
            } else {
                position += 1;
            }
        }
        if self.streams.is_empty() { Health::Over } else { Health::Open }
    }

    fn oldest_due(&self) -> Option<MonotonicNs> {
        self.streams.iter().map(|stream| stream.exchange.due).min()
    }

    fn fail_all(&mut self, kind: ErrorKind, ended: &mut Ended) {
        ended.extend(self.streams.drain(..).map(|stream| (stream.exchange, End::Failed(kind))));
        self.unsent = 0;
    }
}
