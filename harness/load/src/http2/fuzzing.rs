//! What must hold for whatever a server sends: [`read_frames`], for `cargo fuzz` and for property tests in CI.

use std::collections::BTreeSet;
use std::time::Duration;

use meshbench_core::load_plan::{
    LOAD_PLAN_VERSION, LoadPlanSettings, PlannedRate, PlannedRequest, Protocol, ShardOfPlan, Target,
};
use meshbench_core::recording::ErrorKind;
use meshbench_core::schedule::Arrivals;

use super::frame::{self, Frame};
use super::request::Request;
use super::session::Http2;
use crate::clock::MonotonicNs;
use crate::tally::Outcome;
use crate::worker::{End, Ended, Exchange, Health, Session};

pub(super) const STREAMS: u32 = 10;
/// Requests before anything comes; as many more are sent halfway, where there is room.
const AT_ONCE: u64 = 6;
/// In the smallest frame, 9 bytes, nothing is asked that takes more than 13 to answer; and GOAWAY is said once.
const MOST_SAID_BY_BYTE: usize = 2;
const GOAWAY_BYTES: usize = 17;
const SETTINGS: &[u8] = &[0, 0, 0, frame::SETTINGS, 0, 0, 0, 0, 0];

/// Reads `input` as what came on one connection, and panics where the session breaks a promise.
///
/// The first byte says how many of the following ones are lengths of pieces in which the rest comes, whether that is bytes or
/// frames in short, and whether they answer gRPC.
#[cfg_attr(not(fuzzing), expect(unreachable_pub, reason = "only `cargo fuzz` reaches it from outside"))]
pub fn read_frames(input: &[u8]) {
    let Some((&shape, rest)) = input.split_first() else { return };
    let (lengths, rest) = rest.split_at(usize::from(shape % 16).min(rest.len()));
    let stream = if shape & 0x80 == 0 { rest.to_vec() } else { written_out(rest) };
    let protocol = if shape & 0x40 == 0 { Protocol::Http2 } else { Protocol::Grpc };
    check(protocol, &stream, lengths);
}

/// Frames from fewer bytes than they take, so that most changes of a byte make other frames and not nonsense.
fn written_out(mut short: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    while let Some(([kind, flags, stream, size], rest)) = short.split_first_chunk::<4>() {
        let (payload, behind) = rest.split_at(usize::from(*size).min(rest.len()));
        frame::write_head(&mut output, payload.len(), kind % 11, *flags, u32::from(stream % 32));
        output.extend_from_slice(payload);
        short = behind;
    }
    output
}

/// However `stream` is cut, it has to come to the same; every request ends once, by what was said on its own stream; and
/// whatever it comes to, the answers behind it are read as if nothing had been before.
pub(super) fn check(protocol: Protocol, stream: &[u8], lengths: &[u8]) {
    let requests = vec![
        PlannedRequest::get("/".to_owned(), 1),
        PlannedRequest { method: "HEAD".to_owned(), ..PlannedRequest::get("/".to_owned(), 1) },
        PlannedRequest { body: vec![7; 40], ..PlannedRequest::get("/".to_owned(), 1) },
    ];
    let settings = settings(protocol, requests);
    let requests = Http2::render(&settings.targets[0], &settings);
    let whole = play(&settings, &requests, stream, &[]);
    assert_eq!(play(&settings, &requests, stream, &[1]), whole, "byte by byte");
    assert_eq!(play(&settings, &requests, stream, lengths), whole, "in pieces of {lengths:?}");
    whole.check(stream);
}

pub(crate) fn settings(protocol: Protocol, requests: Vec<PlannedRequest>) -> LoadPlanSettings {
    LoadPlanSettings {
        version: LOAD_PLAN_VERSION,
        targets: vec![Target { name: "web".to_owned(), address: "web:80".to_owned(), tls: None, requests }],
        rate: PlannedRate::Max,
        duration: Duration::from_secs(1),
        warm_up: Duration::ZERO,
        timeout: Duration::from_secs(1),
        drain: Duration::ZERO,
        connections: 1,
        max_connections: None,
        protocol,
        streams: STREAMS,
        threads: 1,
        spin: Duration::ZERO,
        seed: 0,
        ramp_to: None,
        arrivals: Arrivals::Constant,
        start_at_unix_ns: None,
        shard: ShardOfPlan::WHOLE,
    }
}

/// What came of one connection.
#[derive(Debug, PartialEq, Eq)]
struct Played {
    /// Requests that were sent: the first, due at 1, on stream 1, the second, due at 2, on stream 3 …
    sent: u64,
    /// How they ended because of what came, by when they were due.
    ended: Vec<(u64, End)>,
    /// How those ended that were left when the connection ended.
    left: Vec<(u64, End)>,
    written: Vec<u8>,
}

/// One connection, cut into pieces of `lengths` over and over; whole where there are none.
fn play(settings: &LoadPlanSettings, requests: &[Request], stream: &[u8], lengths: &[u8]) -> Played {
    let mut session = Http2::new(settings);
    let mut ended = Ended::new();
    session.begin();
    assert_eq!(session.receive(SETTINGS, requests, &mut ended), Ok(Health::Open));
    session.output.clear();

    let (mut sent, mut written, mut error) = (0, Vec::new(), None);
    let (early, late) = stream.split_at(stream.len() / 2);
    for half in [early, late] {
        send_some(&mut session, requests, &mut sent);
        written.append(&mut session.output);
        let said = half_said(&mut session, requests, half, lengths, &mut ended);
        assert!(session.output.len() <= MOST_SAID_BY_BYTE * stream.len() + GOAWAY_BYTES, "too much is said");
        written.append(&mut session.output);
        session.write_bodies(requests);
        written.append(&mut session.output);
        error = said.err();
        if error.is_some() {
            break;
        }
    }
    let ended = by_due(ended);
    let left = end(&mut session, requests, error);
    probe_next_connection(&mut session, requests);
    Played { sent, ended, left, written }
}

fn send_some(session: &mut Http2, requests: &[Request], sent: &mut u64) {
    for _ in 0..AT_ONCE {
        if session.has_room() {
            *sent += 1;
            let due = MonotonicNs::from_raw(*sent);
            let request = (*sent % requests.len() as u64) as u32;
            session.send(Exchange { due, sent: due, request }, requests);
        }
    }
}

fn half_said(
    session: &mut Http2,
    requests: &[Request],
    mut half: &[u8],
    lengths: &[u8],
    ended: &mut Ended,
) -> Result<(), ErrorKind> {
    let mut lengths = lengths.iter().map(|length| usize::from(*length).max(1)).cycle();
    while !half.is_empty() {
        let length = lengths.next().unwrap_or(usize::MAX).min(half.len());
        let (piece, rest) = half.split_at(length);
        let health = session.receive(piece, requests, ended)?;
        assert!(health == Health::Open || session.streams.is_empty(), "over, with requests under way");
        assert!(session.partial.len() < frame::HEAD_BYTES + frame::LARGEST_PAYLOAD, "too much is kept");
        half = rest;
    }
    Ok(())
}

/// Ends the connection: by answers where it can still read any, by what went wrong otherwise.
fn end(session: &mut Http2, requests: &[Request], error: Option<ErrorKind>) -> Vec<(u64, End)> {
    let mut ended = Ended::new();
    let is_between_frames = session.partial.is_empty() && session.continued.is_none();
    if error.is_none() && is_between_frames && !session.is_grpc {
        let open = session.streams.iter().filter(|stream| stream.status.is_none());
        let open: Vec<_> = open.map(|stream| (stream.id, stream.exchange.due.to_raw())).collect();
        for (id, due) in open.into_iter().rev() {
            let status = [200, 404, 503][due as usize % 3];
            assert!(session.receive(&answer(id, status), requests, &mut ended).is_ok(), "stream {id}");
            let answered = ended.last().map(|(exchange, end)| (exchange.due.to_raw(), *end));
            assert_eq!(answered, Some((due, End::Answered(Outcome::of_status(status)))), "stream {id}");
        }
    }
    session.fail_all(error.unwrap_or(ErrorKind::Reset), &mut ended);
    by_due(ended)
}

/// Nothing of the last connection may show in the next one.
fn probe_next_connection(session: &mut Http2, requests: &[Request]) {
    let (mut sent, mut ended) = (0, Ended::new());
    session.begin();
    assert_eq!(session.receive(SETTINGS, requests, &mut ended), Ok(Health::Open));
    send_some(session, requests, &mut sent);
    for due in (1..=sent).rev() {
        let health = session.receive(&answer(2 * due as u32 - 1, 404), requests, &mut ended);
        assert_eq!(health, Ok(Health::Open), "stream of request {due}");
    }
    let not_found = End::Answered(Outcome::Failure(ErrorKind::Status4xx));
    assert_eq!(by_due(ended), (1..=AT_ONCE).rev().map(|due| (due, not_found)).collect::<Vec<_>>());
}

/// A whole response that does not depend on the table, nor changes it.
fn answer(stream: u32, status: u16) -> Vec<u8> {
    let mut output = Vec::new();
    frame::write_head(&mut output, 5, frame::HEADERS, frame::END_HEADERS | frame::END_STREAM, stream);
    output.extend_from_slice(&[0x08, 3]);
    output.extend_from_slice(status.to_string().as_bytes());
    output
}

fn by_due(ended: Ended) -> Vec<(u64, End)> {
    ended.into_iter().map(|(exchange, end)| (exchange.due.to_raw(), end)).collect()
}

fn frames(mut bytes: &[u8]) -> Vec<Frame<'_>> {
    let mut frames = Vec::new();
    while let Ok(Some((frame, rest))) = Frame::split(bytes) {
        frames.push(frame);
        bytes = rest;
    }
    frames
}

impl Played {
    fn check(&self, stream: &[u8]) {
        let mut dues: Vec<_> = self.ended.iter().chain(&self.left).map(|(due, _)| *due).collect();
        dues.sort_unstable();
        assert_eq!(dues, (1..=self.sent).collect::<Vec<_>>(), "every request that was sent ends once");
        let said = frames(stream);
        for (due, end) in &self.ended {
            let id = 2 * *due as u32 - 1;
            assert!(said.iter().any(|frame| is_reason(frame, id, *end)), "stream {id} ended by {end:?}");
        }
        self.check_written();
    }

    /// Nothing is written on a stream that was given up, nor on one that was never opened.
    fn check_written(&self) {
        let written = frames(&self.written);
        let size = written.iter().map(|frame| frame::HEAD_BYTES + frame.payload.len()).sum::<usize>();
        assert_eq!(size, self.written.len(), "half a frame was written");
        let mut given_up = BTreeSet::new();
        for frame in written {
            assert!(u64::from(frame.stream) < 2 * self.sent, "stream {} was never opened", frame.stream);
            assert!(!given_up.contains(&frame.stream), "stream {} was given up", frame.stream);
            if frame.kind == frame::RST_STREAM {
                given_up.insert(frame.stream);
            }
        }
    }
}

/// Whether a server that sends `frame` may end the request on stream `id` so.
fn is_reason(frame: &Frame<'_>, id: u32, end: End) -> bool {
    let is_here = frame.stream == id;
    let is_message = matches!(frame.kind, frame::HEADERS | frame::DATA);
    match (end, frame.kind) {
        (End::Answered(_), _) => is_here && is_message && frame.has(frame::END_STREAM),
        (End::Failed(ErrorKind::Protocol), frame::CONTINUATION | frame::WINDOW_UPDATE) => is_here,
        (End::Failed(ErrorKind::Protocol), _) => is_here && is_message,
        (End::Failed(ErrorKind::Refused), frame::GOAWAY) => {
            frame.payload.first_chunk().is_some_and(|last| u32::from_be_bytes(*last) & 0x7fff_ffff < id)
        }
        (End::Failed(ErrorKind::Refused), frame::RST_STREAM) => {
            is_here && frame.number() == Ok(frame::REFUSED_STREAM)
        }
        (End::Failed(ErrorKind::Reset), frame::RST_STREAM) => is_here,
        _ => false,
    }
}
