//! Frames by hand against a session: what RFC 9113 lets a server do, and what it does not.

mod messages;
mod pieces;

use meshbench_core::load_plan::{PlannedRequest, Protocol};
use meshbench_core::recording::ErrorKind;
use rstest::rstest;

use super::frame::{self, Frame, write_head};
use super::fuzzing::{STREAMS, settings};
use super::request::Request;
use super::session::Http2;
use crate::clock::MonotonicNs;
use crate::tally::Outcome;
use crate::worker::{End, Ended, Exchange, Health, Session};

const OK: End = End::Answered(Outcome::Success);

/// A session of which `requests` requests are under way, due at 1, 2, 3 …, and the peer's settings are known.
struct Client {
    session: Http2,
    requests: Vec<Request>,
    ended: Ended,
}

impl Client {
    fn new(protocol: Protocol, body: &[u8], requests: u64) -> Self {
        let request = PlannedRequest { body: body.to_vec(), ..PlannedRequest::get("/".to_owned(), 1) };
        Self::of(protocol, request, requests)
    }

    fn of(protocol: Protocol, request: PlannedRequest, requests: u64) -> Self {
        let settings = settings(protocol, vec![request]);
        let mut session = Http2::new(&settings);
        session.begin();
        let mut client =
            Self { requests: Http2::render(&settings.targets[0], &settings), session, ended: Vec::new() };
        client.receive(&raw(frame::SETTINGS, 0, 0, &[])).unwrap();
        client.session.output.clear();
        for n in 1..=requests {
            client.send(n);
        }
        client
    }

    fn send(&mut self, n: u64) {
        let due = MonotonicNs::from_raw(n);
        self.session.send(Exchange { due, sent: due, request: 0 }, &self.requests);
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<Health, ErrorKind> {
        self.session.receive(bytes, &self.requests, &mut self.ended)
    }

    /// How requests ended since the last time, by when they were due.
    fn ended(&mut self) -> Vec<(u64, End)> {
        self.ended.drain(..).map(|(exchange, end)| (exchange.due.to_raw(), end)).collect()
    }

    /// What was written since the last time: types, flags, streams and sizes.
    fn written(&mut self) -> Vec<(u8, u8, u32, usize)> {
        let output = std::mem::take(&mut self.session.output);
        let (mut rest, mut frames) = (output.as_slice(), Vec::new());
        while let Some((frame, behind)) = Frame::split(rest).unwrap() {
            frames.push((frame.kind, frame.flags, frame.stream, frame.payload.len()));
            rest = behind;
        }
        assert!(rest.is_empty(), "half a frame was written");
        frames
    }
}

fn raw(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    write_head(&mut output, payload.len(), kind, flags, stream);
    output.extend(payload);
    output
}

const OK_BLOCK: &[u8] = &[0x88];
const CONTINUE_BLOCK: &[u8] = b"\x08\x03100";
const TRAILERS: &[u8] = b"\x00\x01a\x01b";
/// The status 200, and a length of four bytes.
const FOUR_BYTES_BLOCK: &[u8] = b"\x88\x0f\x0d\x014";

fn head(flags: u8, stream: u32) -> Vec<u8> {
    raw(frame::HEADERS, flags, stream, OK_BLOCK)
}

fn answer(stream: u32) -> Vec<u8> {
    head(frame::END_HEADERS | frame::END_STREAM, stream)
}

fn number(kind: u8, stream: u32, number: u32) -> Vec<u8> {
    raw(kind, 0, stream, &number.to_be_bytes())
}

fn goaway(last: u32) -> Vec<u8> {
    raw(frame::GOAWAY, 0, 0, &[last.to_be_bytes(), [0; 4]].concat())
}

fn settings_frame(name: u16, value: u32) -> Vec<u8> {
    raw(frame::SETTINGS, 0, 0, &[&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
}

const BOTH: u8 = frame::END_HEADERS | frame::END_STREAM;

/// All of them answer the one request that is under way, on stream 1.
#[rstest]
#[case::head_alone(vec![answer(1)])]
#[case::body(vec![head(frame::END_HEADERS, 1), raw(frame::DATA, 0, 1, b"o"), raw(frame::DATA, frame::END_STREAM, 1, b"k")])]
#[case::empty_end(vec![head(frame::END_HEADERS, 1), raw(frame::DATA, frame::END_STREAM, 1, b"")])]
#[case::padded(vec![
    raw(frame::HEADERS, frame::END_HEADERS | frame::PADDED, 1, b"\x02\x88\0\0"),
    raw(frame::DATA, frame::END_STREAM | frame::PADDED, 1, b"\x03ok\0\0\0"),
])]
#[case::only_padding(vec![
    head(frame::END_HEADERS, 1),
    raw(frame::DATA, frame::END_STREAM | frame::PADDED, 1, b"\x00"),
])]
#[case::priority(vec![
    raw(frame::HEADERS, BOTH | frame::HAS_PRIORITY, 1, b"\0\0\0\0\x10\x88"),
    raw(frame::PRIORITY, 0, 1, &[0; 5]),
])]
#[case::continued(vec![
    raw(frame::HEADERS, frame::END_STREAM, 1, b"\x08\x03"),
    raw(frame::CONTINUATION, 0, 1, b"20"),
    raw(frame::CONTINUATION, frame::END_HEADERS, 1, b"0"),
])]
#[case::interim(vec![raw(frame::HEADERS, frame::END_HEADERS, 1, CONTINUE_BLOCK), raw(frame::HEADERS, frame::END_HEADERS, 1, CONTINUE_BLOCK), answer(1)])]
#[case::trailers(vec![head(frame::END_HEADERS, 1), raw(frame::DATA, 0, 1, b"ok"), raw(frame::HEADERS, BOTH, 1, TRAILERS)])]
#[case::among_others(vec![
    raw(frame::PING, 0, 0, b"12345678"),
    raw(0xfa, 0xff, 77, b"a type that nobody knows"),
    number(frame::WINDOW_UPDATE, 0, 5),
    number(frame::WINDOW_UPDATE, 1, 5),
    settings_frame(0x99, 1),
    answer(1),
])]
#[case::announced_end(vec![goaway(u32::MAX), answer(1)])]
fn what_is_an_answer(#[case] frames: Vec<Vec<u8>>) {
    let mut client = Client::new(Protocol::Http2, b"", 1);
    for frame in &frames[..frames.len() - 1] {
        if frame[3] != frame::HEADERS || frame[4] & frame::END_STREAM == 0 {
            assert_eq!(client.receive(frame), Ok(Health::Open));
            assert_eq!(client.ended(), []);
        } else {
            client.receive(frame).unwrap();
        }
    }
    client.receive(&frames[frames.len() - 1]).unwrap();
    assert_eq!(client.ended(), [(1, OK)]);
}

/// None of them is anything but the end of the connection.
#[rstest]
#[case::text(b"HTTP/1.1 400 Bad Request\r\n".to_vec())]
#[case::too_large(vec![0, 0x40, 1, frame::DATA, 0, 0, 0, 0, 1])]
#[case::data_on_no_stream(raw(frame::DATA, 0, 0, b"x"))]
#[case::stream_never_opened(answer(3))]
#[case::stream_of_the_server(answer(2))]
#[case::push(raw(frame::PUSH_PROMISE, frame::END_HEADERS, 1, b"\0\0\0\x02\x88"))]
#[case::padding_beyond_the_frame(raw(frame::DATA, frame::PADDED, 1, b"\x05ok"))]
#[case::not_continued([head(0, 1), raw(frame::PING, 0, 0, &[0; 8])].concat())]
#[case::continued_elsewhere([head(0, 1), raw(frame::CONTINUATION, frame::END_HEADERS, 3, b"")].concat())]
#[case::continuation_of_nothing(raw(frame::CONTINUATION, frame::END_HEADERS, 1, OK_BLOCK))]
#[case::endless_continuation([head(0, 1), raw(frame::CONTINUATION, 0, 1, &[0x88; 16_384]).repeat(5)].concat())]
#[case::undecodable(raw(frame::HEADERS, BOTH, 1, b"\xff"))]
#[case::short_reset(raw(frame::RST_STREAM, 0, 1, b"\0"))]
#[case::short_ping(raw(frame::PING, 0, 0, b"\0"))]
#[case::odd_settings(raw(frame::SETTINGS, 0, 0, b"\0"))]
#[case::settings_on_a_stream(raw(frame::SETTINGS, 0, 1, b""))]
#[case::push_enabled(settings_frame(frame::ENABLE_PUSH, 1))]
#[case::window_beyond_31_bits(settings_frame(frame::INITIAL_WINDOW_SIZE, 1 << 31))]
#[case::window_overflow(number(frame::WINDOW_UPDATE, 0, 0x7fff_ffff))]
#[case::window_opened_by_nothing(number(frame::WINDOW_UPDATE, 0, 0))]
fn what_ends_the_connection(#[case] bytes: Vec<u8>) {
    let mut client = Client::new(Protocol::Http2, b"", 1);
    client.written();
    assert_eq!(client.receive(&bytes), Err(ErrorKind::Protocol));
    let last = client.written().pop();
    assert!(matches!(last, Some((frame::GOAWAY, 0, 0, 8))), "the peer must be told why: {last:?}");
    client.session.fail_all(ErrorKind::Protocol, &mut client.ended);
    assert_eq!(client.ended(), [(1, End::Failed(ErrorKind::Protocol))]);
}

/// They fail the request and leave the connection as it is.
#[rstest]
#[case::reset(number(frame::RST_STREAM, 1, 2), ErrorKind::Reset)]
#[case::refused(number(frame::RST_STREAM, 1, frame::REFUSED_STREAM), ErrorKind::Refused)]
#[case::no_status(raw(frame::HEADERS, BOTH, 1, TRAILERS), ErrorKind::Protocol)]
#[case::interim_end(raw(frame::HEADERS, BOTH, 1, CONTINUE_BLOCK), ErrorKind::Protocol)]
#[case::switch(raw(frame::HEADERS, frame::END_HEADERS, 1, b"\x08\x03101"), ErrorKind::Protocol)]
#[case::status_600(raw(frame::HEADERS, BOTH, 1, b"\x08\x03600"), ErrorKind::Protocol)]
#[case::body_before_head(raw(frame::DATA, frame::END_STREAM, 1, b"x"), ErrorKind::Protocol)]
#[case::two_heads([head(frame::END_HEADERS, 1), answer(1)].concat(), ErrorKind::Protocol)]
#[case::trailers_in_between([head(frame::END_HEADERS, 1), raw(frame::HEADERS, frame::END_HEADERS, 1, TRAILERS)].concat(), ErrorKind::Protocol)]
#[case::stream_window_overflow(number(frame::WINDOW_UPDATE, 1, 0x7fff_ffff), ErrorKind::Protocol)]
fn what_fails_one_request(#[case] bytes: Vec<u8>, #[case] kind: ErrorKind) {
    let mut client = Client::new(Protocol::Http2, b"", 2);
    assert_eq!(client.receive(&bytes), Ok(Health::Open));
    assert_eq!(client.ended(), [(1, End::Failed(kind))]);
    // What a server says on a stream that is over means nothing, and the other stream is untouched.
    assert_eq!(client.receive(&[answer(1), answer(3)].concat()), Ok(Health::Open));
    assert_eq!(client.ended(), [(2, OK)]);
}

#[test]
fn streams_behind_the_last_one_of_goaway_are_refused_and_the_others_finish() {
    let mut client = Client::new(Protocol::Http2, b"", 3);
    assert_eq!(client.receive(&goaway(3)), Ok(Health::Open));
    assert_eq!(client.ended(), [(3, End::Failed(ErrorKind::Refused))]);
    assert!(!client.session.has_room());
    assert_eq!(client.receive(&answer(3)), Ok(Health::Open));
    assert_eq!(client.receive(&answer(1)), Ok(Health::Over));
    assert_eq!(client.ended(), [(2, OK), (1, OK)]);
}

#[test]
fn there_is_room_for_as_many_streams_as_both_sides_allow() {
    let mut client = Client::new(Protocol::Http2, b"", 9);
    assert!(client.session.has_room());
    client.send(10);
    assert!(!client.session.has_room());
    client.receive(&answer(1)).unwrap();
    assert!(client.session.has_room());
    client.receive(&settings_frame(frame::MAX_CONCURRENT_STREAMS, 9)).unwrap();
    assert!(!client.session.has_room());
    client.receive(&settings_frame(frame::MAX_CONCURRENT_STREAMS, 11)).unwrap();
    assert!(client.session.has_room());
}

#[test]
fn nothing_is_sent_before_the_settings_of_the_server() {
    let mut session = Http2::new(&settings(Protocol::Http2, Vec::new()));
    session.begin();
    assert!(!session.is_ready() && !session.has_room());
    let error = session.receive(&raw(frame::PING, 0, 0, &[0; 8]), &[], &mut Vec::new());
    assert_eq!(error, Err(ErrorKind::Protocol));
}

#[test]
fn settings_and_pings_are_acknowledged() {
    let mut client = Client::new(Protocol::Http2, b"", 0);
    client.receive(&settings_frame(frame::MAX_FRAME_SIZE, 1 << 20)).unwrap();
    client.receive(&raw(frame::PING, 0, 0, b"12345678")).unwrap();
    client.receive(&raw(frame::PING, frame::ACK, 0, b"12345678")).unwrap();
    assert_eq!(client.written(), [(frame::SETTINGS, frame::ACK, 0, 0), (frame::PING, frame::ACK, 0, 8)]);
}

#[test]
fn later_requests_take_a_few_bytes() {
    let mut client = Client::new(Protocol::Http2, b"", 3);
    let sizes: Vec<_> = client.written().into_iter().map(|(_, _, _, size)| size).collect();
    assert!(sizes[0] > 30 && sizes[1..] == [6, 6], "{sizes:?}");
}

#[test]
fn a_peer_without_a_table_is_told_so_once_and_gets_whole_blocks() {
    let mut client = Client::new(Protocol::Http2, b"", 1);
    client.receive(&settings_frame(frame::HEADER_TABLE_SIZE, 0)).unwrap();
    client.written();
    client.send(2);
    client.send(3);
    let sizes: Vec<_> = client.written().into_iter().map(|(_, _, _, size)| size).collect();
    assert!(sizes[1] > 30 && sizes[0] == sizes[1] + 1, "{sizes:?}");
}

/// The body waits for windows, and a window that shrinks below zero opens again by as much.
#[test]
fn bodies_keep_within_the_windows() {
    let mut client = Client::new(Protocol::Http2, &[7; 100_000], 1);
    let data = |frames: Vec<(u8, u8, u32, usize)>| {
        let data = frames.into_iter().filter(|(kind, ..)| *kind == frame::DATA);
        data.map(|(_, flags, _, size)| (flags, size)).collect::<Vec<_>>()
    };
    // 65,535 in all, by the connection's window.
    assert_eq!(data(client.written()), [(0, 16_384), (0, 16_384), (0, 16_384), (0, 16_383)]);
    client.receive(&number(frame::WINDOW_UPDATE, 0, 1_000_000)).unwrap();
    client.receive(&settings_frame(frame::INITIAL_WINDOW_SIZE, 65_435)).unwrap();
    client.session.write_bodies(&client.requests);
    assert_eq!(data(client.written()), []);
    client.receive(&number(frame::WINDOW_UPDATE, 1, 110)).unwrap();
    client.session.write_bodies(&client.requests);
    assert_eq!(data(client.written()), [(0, 10)]);
    client.receive(&settings_frame(frame::INITIAL_WINDOW_SIZE, 200_000)).unwrap();
    client.session.write_bodies(&client.requests);
    assert_eq!(data(client.written()), [(0, 16_384), (0, 16_384), (frame::END_STREAM, 1_687)]);
}

#[test]
fn an_answer_before_the_body_is_through_counts_and_the_rest_is_not_sent() {
    let mut client = Client::new(Protocol::Http2, &[7; 100_000], 1);
    client.written();
    client.receive(&answer(1)).unwrap();
    client.receive(&number(frame::WINDOW_UPDATE, 0, 1_000_000)).unwrap();
    client.session.write_bodies(&client.requests);
    assert_eq!((client.ended(), client.written()), (vec![(1, OK)], vec![(frame::RST_STREAM, 0, 1, 4)]));
}

#[test]
fn windows_are_opened_again() {
    let mut client = Client::new(Protocol::Http2, b"", 1);
    client.receive(&head(frame::END_HEADERS, 1)).unwrap();
    client.written();
    for _ in 0..(1 << 24) / 2 / 16_384 {
        client.receive(&raw(frame::DATA, 0, 1, &[0; 16_384])).unwrap();
    }
    assert_eq!(client.written(), [(frame::WINDOW_UPDATE, 0, 1, 4)]);
}

#[rstest]
#[case::ok(&[], b"\0\x01a\x01b\x00\x0bgrpc-status\x010", OK)]
#[case::not_found(&[], b"\x00\x0bgrpc-status\x015", End::Answered(Outcome::Failure(ErrorKind::GrpcNotFound)))]
#[case::no_status(&[], TRAILERS, End::Answered(Outcome::Failure(ErrorKind::GrpcUnknown)))]
#[case::trailers_only(b"\x88\x00\x0bgrpc-status\x0214", &[], End::Answered(Outcome::Failure(ErrorKind::GrpcUnavailable)))]
#[case::no_message(b"\x88\x00\x0bgrpc-status\x010", &[], End::Answered(Outcome::Failure(ErrorKind::Protocol)))]
#[case::status_5xx(b"\x08\x03503", &[], End::Answered(Outcome::Failure(ErrorKind::Status5xx)))]
#[case::status_204(b"\x89", &[], End::Answered(Outcome::Failure(ErrorKind::Protocol)))]
fn grpc_succeeds_by_its_own_status(#[case] only: &[u8], #[case] trailers: &[u8], #[case] end: End) {
    let mut client = Client::new(Protocol::Grpc, b"message", 1);
    if only.is_empty() {
        client.receive(&head(frame::END_HEADERS, 1)).unwrap();
        client.receive(&raw(frame::DATA, 0, 1, b"\0\0\0\0\x02ok")).unwrap();
    }
    let block = if only.is_empty() { trailers } else { only };
    client.receive(&raw(frame::HEADERS, BOTH, 1, block)).unwrap();
    assert_eq!(client.ended(), [(1, end)]);
}

#[test]
fn what_is_overdue_is_cancelled_and_leaves_the_others_alone() {
    let mut client = Client::new(Protocol::Http2, b"", 3);
    client.written();
    let health = client.session.expire(MonotonicNs::from_raw(2), &client.requests, &mut client.ended);
    assert_eq!(health, Health::Open);
    let timeout = End::Failed(ErrorKind::Timeout);
    assert_eq!(client.ended(), [(1, timeout), (2, timeout)]);
    assert_eq!(client.written(), [(frame::RST_STREAM, 0, 1, 4), (frame::RST_STREAM, 0, 3, 4)]);
    assert_eq!(client.session.oldest_due(), Some(MonotonicNs::from_raw(3)));
}
