//! What servers do, seen through real sockets: everything is counted once, and as what it was.

mod support;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::TcpStream;
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use meshbench_core::recording::ErrorKind;
use rstest::rstest;
use support::{OK, ScriptedServer, Then, measure, say, settings};

const SECOND: Duration = Duration::from_secs(1);
const RATE: &str = "100rps";
const REQUESTS: u64 = 100;

type Script = fn(&mut TcpStream, &str) -> Then;

fn chunked(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;x=y\r\nhe");
    say(stream, "llo\r\n0\r\nX: 1\r\n\r\n");
    Then::Keep
}

fn interim(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n");
    say(stream, OK);
    Then::Keep
}

fn byte_by_byte(stream: &mut TcpStream, _: &str) -> Then {
    for byte in OK.split_inclusive(|_| true) {
        say(stream, byte);
    }
    Then::Keep
}

fn large(stream: &mut TcpStream, _: &str) -> Then {
    let body = "x".repeat(300_000);
    say(stream, &format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    Then::Keep
}

fn not_modified(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
    Then::Keep
}

fn no_content(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, "HTTP/1.1 204 No Content\r\n\r\n");
    Then::Keep
}

fn closing(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    Then::Close
}

fn closing_unannounced(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, OK);
    Then::Close
}

fn until_close(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, "HTTP/1.1 200 OK\r\n\r\nuntil the end");
    Then::Close
}

fn no_answer(_: &mut TcpStream, _: &str) -> Then {
    Then::Close
}

fn half_an_answer(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok");
    Then::Close
}

fn garbage(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, "220 mail.example ESMTP\r\n");
    Then::Keep
}

fn leftover(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay");
    Then::Keep
}

fn endless_head(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, &format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100_000)));
    Then::Keep
}

fn not_found(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    Then::Keep
}

fn unavailable(stream: &mut TcpStream, _: &str) -> Then {
    say(stream, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno");
    Then::Keep
}

#[rstest]
#[case::chunked(chunked)]
#[case::interim(interim)]
#[case::byte_by_byte(byte_by_byte)]
#[case::large(large)]
#[case::not_modified(not_modified)]
#[case::no_content(no_content)]
fn answers_on_kept_connections_succeed(#[case] script: Script) {
    let server = ScriptedServer::start(script);
    let recording = measure(settings(&[server.address], &[("/", 1)], RATE, SECOND));
    assert_eq!((recording.successes, recording.reconnects), (REQUESTS, 0), "{:?}", recording.errors);
    assert_eq!(server.accepted(), 4);
}

#[test]
fn bodies_arrive_whole_and_connections_are_kept() {
    let server = ScriptedServer::start(chunked);
    let mut plan = settings(&[server.address], &[("/", 1)], RATE, SECOND);
    let body: Vec<u8> = (0..3_000_000_u32).map(|position| position as u8).collect();
    plan.targets[0].requests[0].method = "POST".to_owned();
    plan.targets[0].requests[0].body.clone_from(&body);
    let recording = measure(plan);
    assert_eq!((recording.successes, recording.reconnects), (REQUESTS, 0), "{:?}", recording.errors);
    assert!(*server.bodies.lock().unwrap() == BTreeMap::from([(body, REQUESTS)]), "other bodies arrived");
}

#[rstest]
#[case::length("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")]
#[case::chunked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")]
#[case::unstated("HTTP/1.1 200 OK\r\n\r\n")]
fn the_answer_to_head_has_no_body_whatever_it_says(#[case] answer: &'static str) {
    let server = ScriptedServer::start(move |stream, _| {
        say(stream, answer);
        Then::Keep
    });
    let mut plan = settings(&[server.address], &[("/", 1)], RATE, SECOND);
    plan.targets[0].requests[0].method = "HEAD".to_owned();
    let recording = measure(plan);
    assert_eq!((recording.successes, recording.reconnects), (REQUESTS, 0), "{:?}", recording.errors);
}

/// A server that refuses a body it has not read: its answer counts, and what is left of the body is no request.
#[rstest]
fn an_answer_before_the_body_is_through_counts(#[values(Then::Keep, Then::Close)] then: Then) {
    let server = ScriptedServer::start(move |stream, _| {
        say(stream, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
        // Closing with bytes unread would reset the connection, and may take the answer with it.
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        while then == Then::Keep && stream.read(&mut [0; 65_536]).is_ok_and(|count| count > 0) {}
        Then::Close
    });
    let mut plan = settings(&[server.address], &[("/early", 1)], "20rps", SECOND);
    plan.targets[0].requests[0].method = "PUT".to_owned();
    plan.targets[0].requests[0].body = vec![b'x'; 20_000_000];
    let recording = measure(plan);
    let kinds: Vec<_> = recording.errors.keys().copied().collect();
    match then {
        Then::Keep => assert_eq!(recording.errors, BTreeMap::from([(ErrorKind::Status4xx, 20)])),
        // The reset may overtake the answer; nothing else may be made of it.
        Then::Close => assert!(
            kinds.iter().all(|kind| [ErrorKind::Status4xx, ErrorKind::Reset].contains(kind)),
            "{kinds:?}"
        ),
    }
    assert_eq!(server.requests_by_path()["/early"], 20, "a rest of a body was taken for a request");
}

/// Each request makes the server say something on the connection of the one before it, which is idle by then.
#[test]
fn what_comes_on_an_idle_connection_answers_nothing() {
    let last = Mutex::new(None::<TcpStream>);
    let server = ScriptedServer::start(move |stream, _| {
        // Held until the answer is out: the next request's word must not overtake it.
        let mut last = last.lock().unwrap();
        say(stream, OK);
        if let Some(idle) = last.replace(stream.try_clone().unwrap()) {
            say(&mut &idle, "HTTP/1.1 500 Nobody Asked\r\nContent-Length: 0\r\n\r\n");
        }
        Then::Keep
    });
    let mut plan = settings(&[server.address], &[("/", 1)], RATE, SECOND);
    // On a busy machine several requests leave at once: enough that the last one's connection is idle all the same.
    plan.connections = u32::try_from(REQUESTS).unwrap();
    let recording = measure(plan);
    assert_eq!(recording.successes, REQUESTS, "{:?}", recording.errors);
    // Those under way at the end are not counted.
    assert!((REQUESTS / 2..REQUESTS).contains(&recording.reconnects), "{} reconnects", recording.reconnects);
}

#[rstest]
#[case::closing(closing)]
#[case::until_close(until_close)]
#[case::bytes_behind_the_answer(leftover)]
fn answers_that_end_the_connection_succeed_and_reconnects_are_counted(#[case] script: Script) {
    let server = ScriptedServer::start(script);
    let recording = measure(settings(&[server.address], &[("/", 1)], RATE, SECOND));
    assert_eq!(recording.successes, REQUESTS, "{:?}", recording.errors);
    // The connections that the last answers ended need no successor.
    assert!((REQUESTS - 4..=REQUESTS).contains(&recording.reconnects), "{} reconnects", recording.reconnects);
}

#[test]
fn a_connection_that_ends_without_a_word_is_replaced_without_an_error() {
    let server = ScriptedServer::start(closing_unannounced);
    let mut plan = settings(&[server.address], &[("/", 1)], "20rps", SECOND);
    // So many that none is used again before its end is seen, however many requests leave at once.
    plan.connections = 20;
    let recording = measure(plan);
    assert_eq!(recording.successes, 20, "{:?}", recording.errors);
    // Those under way at the end are not counted.
    assert!((5..=20).contains(&recording.reconnects), "{} reconnects", recording.reconnects);
}

#[rstest]
#[case::no_answer(no_answer, ErrorKind::Reset)]
#[case::half_an_answer(half_an_answer, ErrorKind::Reset)]
#[case::garbage(garbage, ErrorKind::Protocol)]
#[case::endless_head(endless_head, ErrorKind::Protocol)]
#[case::not_found(not_found, ErrorKind::Status4xx)]
#[case::unavailable(unavailable, ErrorKind::Status5xx)]
fn failures_are_counted_as_what_they_are(#[case] script: Script, #[case] kind: ErrorKind) {
    let server = ScriptedServer::start(script);
    let recording = measure(settings(&[server.address], &[("/", 1)], RATE, SECOND));
    assert_eq!(recording.errors, BTreeMap::from([(kind, REQUESTS)]));
    assert!(recording.latency_ns.is_empty(), "failures must stay out of the latency of successes");
}

#[test]
fn no_answer_is_attributed_to_another_request() {
    let script = |stream: &mut TcpStream, path: &str| match path {
        "/ok" => chunked(stream, path),
        "/missing" => not_found(stream, path),
        "/garbage" => garbage(stream, path),
        "/gone" => no_answer(stream, path),
        _ => unavailable(stream, path),
    };
    let server = ScriptedServer::start(script);
    let paths = [("/ok", 3), ("/missing", 3), ("/broken", 2), ("/garbage", 1), ("/gone", 1)];
    let recording = measure(settings(&[server.address], &paths, "200rps", SECOND));
    assert_eq!(recording.successes, 60);
    let expected = [
        (ErrorKind::Status4xx, 60),
        (ErrorKind::Status5xx, 40),
        (ErrorKind::Protocol, 20),
        (ErrorKind::Reset, 20),
    ];
    assert_eq!(recording.errors, BTreeMap::from(expected));
    assert_eq!(recording.targets[0].errors, 140);
}

#[test]
fn a_timeout_is_an_error_and_stands_at_the_timeout() {
    let server = ScriptedServer::start(|_, _| Then::Keep);
    let mut plan = settings(&[server.address], &[("/", 1)], RATE, SECOND);
    plan.timeout = Duration::from_millis(150);
    let recording = measure(plan);
    assert_eq!(recording.errors, BTreeMap::from([(ErrorKind::Timeout, REQUESTS)]));
    let latency = &recording.error_latency_ns;
    assert_eq!((latency.min_ns(), latency.max_ns()), (150_000_000, 150_000_000));
    assert!(recording.reconnects > 0, "a connection that owes an answer must not be used again");
}

#[test]
fn what_is_unanswered_at_the_end_is_counted_at_its_age() {
    let server = ScriptedServer::start(|_, _| Then::Keep);
    let mut plan = settings(&[server.address], &[("/", 1)], RATE, SECOND);
    plan.drain = Duration::from_millis(100);
    let recording = measure(plan);
    assert_eq!(recording.errors, BTreeMap::from([(ErrorKind::Unfinished, REQUESTS)]));
    let latency = &recording.error_latency_ns;
    assert!(latency.min_ns() >= 100_000_000, "the youngest is {} ns old", latency.min_ns());
    assert!(latency.max_ns() >= 1_100_000_000, "the oldest is {} ns old", latency.max_ns());
    assert_eq!(recording.max_queue_depth, REQUESTS - 4);
    assert!(recording.achieved_rate.abs() < f64::EPSILON);
}

/// A server that answers only a dozen at once gets them only from a generator that opens more connections than it began with.
#[test]
fn requests_that_wait_open_more_connections_up_to_the_limit() {
    let dozen = Barrier::new(12);
    let server = ScriptedServer::start(move |stream, _| {
        dozen.wait();
        say(stream, OK);
        Then::Keep
    });
    let mut plan = settings(&[server.address], &[("/", 1)], "120rps", SECOND);
    plan.max_connections = Some(12);
    let recording = measure(plan);
    assert_eq!((recording.successes, recording.reconnects), (120, 0), "{:?}", recording.errors);
    assert_eq!((recording.opened_extra, server.accepted()), (8, 12));
}

#[test]
fn no_more_connections_are_opened_while_none_has_to_wait() {
    let server = ScriptedServer::start(chunked);
    let mut plan = settings(&[server.address], &[("/", 1)], "20rps", SECOND);
    // On a busy machine several requests leave at once: enough for all of them.
    (plan.connections, plan.max_connections) = (20, Some(28));
    let recording = measure(plan);
    assert_eq!((recording.successes, recording.opened_extra, server.accepted()), (20, 0, 20));
}

/// Extra connections that end are opened again only for requests that wait, and are counted apart from reconnects.
#[test]
fn extra_connections_that_end_are_counted_apart() {
    let pair = Barrier::new(2);
    let server = ScriptedServer::start(move |stream, _| {
        pair.wait();
        closing(stream, "")
    });
    let mut plan = settings(&[server.address], &[("/", 1)], RATE, SECOND);
    (plan.connections, plan.max_connections) = (1, Some(2));
    let recording = measure(plan);
    assert_eq!(recording.successes, REQUESTS, "{:?}", recording.errors);
    let extra = recording.opened_extra;
    assert!((REQUESTS / 2 - 1..=REQUESTS / 2 + 1).contains(&extra), "{extra} extra connections");
    assert!(recording.reconnects <= REQUESTS / 2, "{} reconnects", recording.reconnects);
}

#[test]
fn a_server_that_goes_away_makes_connect_errors() {
    let (alive, gone) = (ScriptedServer::start(chunked), ScriptedServer::start(no_answer));
    let mut plan = settings(&[alive.address, gone.address], &[("/", 1)], RATE, SECOND);
    plan.timeout = Duration::from_secs(5);
    drop(gone);
    let recording = measure(plan);
    assert_eq!(recording.successes, REQUESTS / 2);
    assert_eq!(recording.errors, BTreeMap::from([(ErrorKind::Connect, REQUESTS / 2)]));
}
