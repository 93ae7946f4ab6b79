//! When an answer came is what the kernel says, not when the generator got round to reading it.

mod support;

use std::time::Duration;

use meshbench_core::recording::Recording;
use rstest::rstest;
use support::event_server::{Behaviour, EventServer};
use support::{OK, ScriptedServer, Then, measure, say, settings};

const RATE: &str = "600rps";
const BETWEEN_REQUESTS_NS: u64 = 1_000_000_000 / 600;

fn service_p50_ns(recording: &Recording) -> u64 {
    assert_eq!(recording.successes, recording.requests, "{:?}", recording.errors);
    recording.service_ns.value_at_quantile(0.5)
}

/// Answers are left unread until the next request is due. If that counted, they would all seem to take that long.
#[rstest]
#[case::enough_connections(4)]
#[case::one_connection(1)]
fn an_answer_that_is_read_late_did_not_come_late(#[case] connections: u32) {
    let server = EventServer::start(Behaviour::default());
    let mut plan = settings(&[server.address], &[("/", 1)], RATE, Duration::from_secs(2));
    plan.connections = connections;
    let service_ns = service_p50_ns(&measure(plan));
    assert!(
        2 * service_ns < BETWEEN_REQUESTS_NS,
        "{service_ns} ns, with {BETWEEN_REQUESTS_NS} ns between requests"
    );
}

/// The end of a stream has no stamp: these answers are not left unread.
#[test]
fn an_answer_that_ends_with_its_connection_did_not_end_when_the_next_was_due() {
    let server = ScriptedServer::start(|stream, _| {
        say(stream, "HTTP/1.1 200 OK\r\n\r\nok");
        Then::Close
    });
    let mut plan = settings(&[server.address], &[("/", 1)], RATE, Duration::from_secs(2));
    plan.connections = 16;
    let service_ns = service_p50_ns(&measure(plan));
    assert!(2 * service_ns < BETWEEN_REQUESTS_NS, "{service_ns} ns");
}

/// A request expires before the next one is due, and its answer is there long before that.
#[test]
fn an_answer_that_is_read_late_is_no_timeout() {
    let server = EventServer::start(Behaviour::default());
    let mut plan = settings(&[server.address], &[("/", 1)], RATE, Duration::from_secs(2));
    plan.timeout = Duration::from_nanos(BETWEEN_REQUESTS_NS * 9 / 10);
    let recording = measure(plan);
    assert!(recording.successes > recording.requests / 2, "{:?}", recording.errors);
}

/// A server that may not send more until something is read is not kept waiting for the next request to be due.
#[test]
fn an_answer_larger_than_a_window_is_read_as_it_comes() {
    let body = "x".repeat(1_000_000);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let server = ScriptedServer::start(move |stream, path| {
        say(stream, if path == "/large" { &answer } else { OK });
        Then::Keep
    });
    // Few large ones, so that the server's own work takes a small part of the time between requests.
    let mut plan = settings(&[server.address], &[("/", 59), ("/large", 1)], RATE, Duration::from_secs(2));
    plan.connections = 1;
    let recording = measure(plan);
    assert_eq!(recording.successes, recording.requests, "{:?}", recording.errors);
    // Between two reads a window of 64 KiB fills: read once a turn, the largest would take 15 turns.
    let slowest_ns = recording.service_ns.value_at_quantile(0.99);
    assert!(slowest_ns < 5 * BETWEEN_REQUESTS_NS, "{slowest_ns} ns for 1 MB");
}
