//! TLS and mutual TLS through real sockets: who is trusted, what handshakes cost, how failures are told.

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use meshbench_core::load_plan::LoadPlanSettings;
use meshbench_core::recording::ErrorKind;
use rstest::rstest;
use rustls::HandshakeKind;
use support::tls::{Authority, TlsStream, start};
use support::{OK, ScriptedServer, Then, measure, refusal, say, settings};

const SECOND: Duration = Duration::from_secs(1);
const REQUESTS: u64 = 100;

fn ok(stream: &mut TlsStream, _: &str) -> Then {
    say(stream, OK);
    Then::Keep
}

fn plan(server: &ScriptedServer, authority: &Authority) -> LoadPlanSettings {
    let mut plan = settings(&[server.address], &[("/", 1)], "100rps", SECOND);
    plan.targets[0].tls = Some(authority.settings());
    plan
}

#[rstest]
fn large_bodies_pass_both_ways_on_kept_connections(#[values(false, true)] mutual: bool) {
    let authority = Authority::new();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n{}", "x".repeat(300_000));
    let server = start(authority.server("127.0.0.1", mutual), move |stream, _| {
        say(stream, &answer);
        Then::Keep
    });
    let mut plan = plan(&server, &authority);
    let body = vec![7; 500_000];
    plan.targets[0].requests[0].method = "POST".to_owned();
    plan.targets[0].requests[0].body.clone_from(&body);
    if mutual {
        plan.targets[0].tls.as_mut().unwrap().client = Some(authority.issue("client.example"));
    }
    let recording = measure(plan);
    assert_eq!((recording.successes, recording.reconnects), (REQUESTS, 0), "{:?}", recording.errors);
    assert_eq!(server.accepted(), 4);
    assert!(*server.bodies.lock().unwrap() == BTreeMap::from([(body, REQUESTS)]), "other bodies arrived");
}

/// A new connection costs its whole handshake each time: nothing that an earlier one left behind makes it cheaper.
#[test]
fn every_reconnect_is_a_full_handshake() {
    let authority = Authority::new();
    let kinds = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&kinds);
    let server = start(authority.server("127.0.0.1", false), move |stream, _| {
        seen.lock().unwrap().push(stream.conn.handshake_kind().unwrap());
        say(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        Then::Close
    });
    let recording = measure(plan(&server, &authority));
    assert_eq!(recording.successes, REQUESTS, "{:?}", recording.errors);
    assert!((REQUESTS - 4..=REQUESTS).contains(&recording.reconnects), "{} reconnects", recording.reconnects);
    let kinds = kinds.lock().unwrap();
    assert_eq!(kinds.len(), REQUESTS as usize);
    // A hello retried for another key share is a full handshake too.
    assert!(kinds.iter().all(|kind| *kind != HandshakeKind::Resumed), "{kinds:?}");
}

#[test]
fn a_server_is_known_by_the_name_that_was_given() {
    let authority = Authority::new();
    let server = start(authority.server("web.example", false), ok);
    let mut plan = plan(&server, &authority);
    let message = refusal(plan.clone()).replace(&server.address.to_string(), "[address]");
    assert!(message.starts_with("the TLS handshake with [address] failed (is the server's certificate signed by the given CA, for this name, and does it accept the client's?): invalid peer certificate"), "{message}");
    plan.targets[0].tls.as_mut().unwrap().server_name = Some("web.example".to_owned());
    assert_eq!(measure(plan).successes, REQUESTS);
}

#[test]
fn a_server_of_another_authority_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let server = start(other.server("127.0.0.1", false), ok);
    let message = refusal(plan(&server, &authority));
    assert!(message.contains("invalid peer certificate: "), "{message}");
}

#[test]
fn a_client_that_shows_no_certificate_gets_tls_errors() {
    let authority = Authority::new();
    let server = start(authority.server("127.0.0.1", true), ok);
    // In TLS 1.3 the client is through with its handshake before the server has refused it.
    let recording = measure(plan(&server, &authority));
    assert_eq!(recording.errors, BTreeMap::from([(ErrorKind::Tls, REQUESTS)]));
}

#[test]
fn a_server_that_speaks_no_tls_makes_tls_errors() {
    let authority = Authority::new();
    let server = start(authority.server("127.0.0.1", false), ok);
    let greet = |mut stream| {
        say(&mut stream, "220 mail.example ESMTP\r\n");
        stream
    };
    let mail = ScriptedServer::start_on(greet, |_, _| Then::Close);
    // The one that answers lets the run start.
    let mut plan = plan(&server, &authority);
    let mut target = plan.targets[0].clone();
    (target.name, target.address) = ("mail".to_owned(), mail.address.to_string());
    plan.targets.push(target);
    let recording = measure(plan);
    assert_eq!(recording.successes, REQUESTS / 2);
    assert_eq!(recording.errors, BTreeMap::from([(ErrorKind::Tls, REQUESTS / 2)]));
}
