//! HTTP/2 and gRPC against servers that are not ours, through real sockets.

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use meshbench_core::load_plan::{LoadPlanSettings, PlannedRate, Protocol, RequestHeader};
use meshbench_core::recording::ErrorKind;
use rstest::rstest;
use support::http2::{Http2Server, answer};
use support::tls::Authority;
use support::{OK, ScriptedServer, Then, measure, refusal, say, settings};

const SECOND: Duration = Duration::from_secs(1);
const MANY: u32 = 100;
const REQUESTS: u64 = 500;

fn plan(server: &Http2Server) -> LoadPlanSettings {
    let mut plan = settings(&[server.address], &[("/a", 1), ("/b", 1)], "500rps", SECOND);
    (plan.protocol, plan.connections) = (Protocol::Http2, 2);
    plan
}

#[rstest]
fn every_request_arrives_as_it_was_planned(#[values(false, true)] over_tls: bool) {
    let seen = Arc::new(Mutex::new(BTreeMap::<String, u64>::new()));
    let authority = Authority::new();
    let tls = over_tls.then(|| authority.server("127.0.0.1", false));
    let log = Arc::clone(&seen);
    let server = Http2Server::start(tls, MANY, move |request, body| {
        let header = request.headers()["x-test"].to_str().unwrap();
        let line = format!("{} {} {header} {}", request.method(), request.uri(), body.len());
        *log.lock().unwrap().entry(line).or_default() += 1;
        answer(200, vec![b'x'; 100_000], &[("x-checksum", "1")])
    });
    let mut plan = plan(&server);
    for request in &mut plan.targets[0].requests {
        request.method = "POST".to_owned();
        request.headers = vec![RequestHeader { name: "X-Test".to_owned(), value: "yes".to_owned() }];
        request.body = vec![7; 200_000];
    }
    plan.rate = "100rps".parse().unwrap();
    plan.targets[0].tls = over_tls.then(|| authority.settings());
    let recording = measure(plan);
    assert_eq!((recording.successes, recording.reconnects), (100, 0), "{:?}", recording.errors);
    assert_eq!(server.accepted(), 2);
    let scheme = if over_tls { "https" } else { "http" };
    let line = |path| (format!("POST {scheme}://{}{path} yes 200000", server.address), 50);
    assert_eq!(*seen.lock().unwrap(), BTreeMap::from([line("/a"), line("/b")]));
}

#[rstest]
#[case::ours(3, MANY)]
#[case::the_servers(MANY, 3)]
fn no_more_streams_are_open_than_allowed(#[case] ours: u32, #[case] the_servers: u32) {
    let server = Http2Server::start(None, the_servers, |_, _| answer(200, Vec::new(), &[]));
    let mut plan = plan(&server);
    (plan.rate, plan.streams) = (PlannedRate::Max, ours);
    let recording = measure(plan);
    // A server refuses streams beyond what it allows.
    assert_eq!((recording.error_count(), recording.reconnects), (0, 0), "{:?}", recording.errors);
    assert!(recording.successes > 100);
}

#[test]
fn statuses_are_counted_as_what_they_are() {
    let script = |request: &hyper::Request<()>, _: &[u8]| {
        answer(if request.uri().path() == "/a" { 404 } else { 503 }, Vec::new(), &[])
    };
    let server = Http2Server::start(None, MANY, script);
    let recording = measure(plan(&server));
    let half = REQUESTS / 2;
    assert_eq!(
        recording.errors,
        BTreeMap::from([(ErrorKind::Status4xx, half), (ErrorKind::Status5xx, half)])
    );
}

#[test]
fn a_server_without_http2_is_named() {
    let plain = ScriptedServer::start(|stream, _| {
        say(stream, OK);
        Then::Keep
    });
    let mut plan = settings(&[plain.address], &[("/", 1)], "100rps", SECOND);
    plan.protocol = Protocol::Http2;
    let message = refusal(plan.clone());
    assert!(
        message.contains("the server did not begin the protocol: does it speak HTTP/2 there?"),
        "{message}"
    );

    let authority = Authority::new();
    let secure = support::tls::start(authority.server("127.0.0.1", false), |_, _| Then::Close);
    plan.targets[0].address = secure.address.to_string();
    plan.targets[0].tls = Some(authority.settings());
    let message = refusal(plan);
    assert!(message.contains("the server did not agree to HTTP/2 by ALPN"), "{message}");
}

#[test]
fn grpc_statuses_are_errors_by_name() {
    let server = Http2Server::start(None, MANY, |request, body| {
        let is_framed = body.starts_with(&[0, 0, 0, 0, 3]) && body[5..] == *b"abc";
        assert!(is_framed && request.headers()["content-type"] == "application/grpc");
        assert!(request.headers()["te"] == "trailers" && request.method() == "POST");
        let status = if request.uri().path() == "/a" { "0" } else { "14" };
        answer(200, b"\0\0\0\0\x02ok".to_vec(), &[("grpc-status", status)])
    });
    let mut plan = plan(&server);
    plan.protocol = Protocol::Grpc;
    for request in &mut plan.targets[0].requests {
        request.body = b"abc".to_vec();
    }
    let recording = measure(plan);
    assert_eq!(recording.successes, REQUESTS / 2);
    assert_eq!(recording.errors, BTreeMap::from([(ErrorKind::GrpcUnavailable, REQUESTS / 2)]));
}

#[test]
fn a_grpc_service_answers() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (address, _reporter) = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (reporter, service) = tonic_health::server::health_reporter();
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        (address, reporter)
    });
    let paths = [("/grpc.health.v1.Health/Check", 2), ("/grpc.health.v1.Health/Guess", 1)];
    let mut plan = settings(&[address], &paths, "300rps", SECOND);
    (plan.protocol, plan.connections) = (Protocol::Grpc, 1);
    let recording = measure(plan);
    // The empty message asks for the health of the whole server.
    assert_eq!(recording.successes, 200, "{:?}", recording.errors);
    assert_eq!(recording.errors, BTreeMap::from([(ErrorKind::GrpcUnimplemented, 100)]));
}
