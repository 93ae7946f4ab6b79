//! What a pair of sidecars carries, and at what number of connections.

use std::sync::atomic::Ordering;

use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use hyper::Request;
use hyper::body::Bytes;
use meshbench_sidecar::Protocol;

use crate::support::{Application, Pair, empty, full, get, grpc_request, http1, http2, try_get};

#[tokio::test]
async fn http1_headers_pass_except_those_of_one_hop() {
    let application = Application::start(Protocol::Http1).await;
    let pair = Pair::start(application.address, Protocol::Http1).await;
    let request = Request::get("/")
        .header("host", "web")
        .header("x-kept", "yes")
        .header("x-dropped", "yes")
        .header("connection", "x-dropped, keep-alive")
        .header("keep-alive", "timeout=5")
        .body(empty())
        .unwrap();
    let response = http1(pair.entrance()).await.send_request(request).await.unwrap();
    let mut seen: Vec<_> = response.headers().keys().map(ToString::to_string).collect();
    seen.sort();
    assert_eq!(seen, ["content-length", "date", "seen-host", "seen-x-kept"]);
}

#[tokio::test]
async fn large_chunked_bodies_pass_both_ways_at_once() {
    const CHUNKS: usize = 256;
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let application = Application::start(Protocol::Http1).await;
    let pair = Pair::start(application.address, Protocol::Http1).await;
    let (mut sender, body) = Channel::new(1);
    let sent = chunk.clone();
    let sending = tokio::spawn(async move {
        for _ in 0..CHUNKS {
            sender.send_data(sent.clone()).await.unwrap();
        }
    });
    let request = Request::post("/").header("host", "web").body(body.boxed()).unwrap();
    let response = http1(pair.entrance()).await.send_request(request).await.unwrap();
    assert_eq!(response.headers()["seen-transfer-encoding"], "chunked");
    let received = response.into_body().collect().await.unwrap().to_bytes();
    sending.await.unwrap();
    assert_eq!(received.len(), CHUNKS * chunk.len());
    assert!(received.iter().all(|byte| *byte == b'x'));
}

#[tokio::test]
async fn sequential_requests_share_one_upstream_connection_and_are_counted_exactly() {
    const REQUESTS: u64 = 50;
    let application = Application::start(Protocol::Http1).await;
    let pair = Pair::start(application.address, Protocol::Http1).await;
    let mut client = http1(pair.entrance()).await;
    for request in 0..REQUESTS {
        let (request, expected) = match request % 2 {
            0 => (Request::get("/").body(empty()).unwrap(), ""),
            _ => (Request::post("/").body(full("some bytes")).unwrap(), "some bytes"),
        };
        client.ready().await.unwrap();
        let body = client.send_request(request).await.unwrap().into_body();
        assert_eq!(body.collect().await.unwrap().to_bytes(), expected);
    }
    assert_eq!(pair.client_side.requests("outbound", "forwarded").await, REQUESTS);
    assert_eq!(pair.server_side.requests("inbound", "forwarded").await, REQUESTS);
    assert_eq!(pair.server_side.requests("inbound", "upstream_failure").await, 0);
    assert_eq!(pair.client_side.counter("connections_opened_total{direction=\"outbound\"}").await, 1);
    assert_eq!(pair.server_side.counter("connections_opened_total{direction=\"inbound\"}").await, 1);
    let accepted = "tls_handshakes_total{direction=\"inbound\",result=\"accepted\"}";
    assert_eq!(pair.server_side.counter(accepted).await, 1);
    assert_eq!(application.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_grpc_stream_flows_both_ways_frame_by_frame() {
    let application = Application::start(Protocol::Http2).await;
    let pair = Pair::start(application.address, Protocol::Http2).await;
    let (mut sender, body) = Channel::new(1);
    let request = grpc_request(pair.entrance(), body.boxed());
    let response = http2(pair.entrance()).await.send_request(request).await.unwrap();
    assert_eq!(response.headers()["seen-te"], "trailers");
    assert_eq!(response.headers()["seen-content-type"], "application/grpc");
    let mut echoed = response.into_body();
    for round in 0..20u8 {
        // The next frame is only sent once the last one has come back: nothing may wait for the end.
        sender.send_data(vec![round; 100].into()).await.unwrap();
        let mut length = 0;
        while length < 100 {
            let data = echoed.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(data.iter().all(|byte| *byte == round));
            length += data.len();
        }
    }
    drop(sender);
    let trailers = echoed.collect().await.unwrap();
    assert_eq!(trailers.trailers().unwrap()["grpc-status"], "0");
}

#[tokio::test]
async fn concurrent_http2_requests_share_one_connection() {
    const REQUESTS: u64 = 200;
    let application = Application::start(Protocol::Http2).await;
    let pair = Pair::start(application.address, Protocol::Http2).await;
    let client = http2(pair.entrance()).await;
    let mut calls = tokio::task::JoinSet::new();
    for call in 0..REQUESTS {
        let (mut client, request) = (client.clone(), grpc_request(pair.entrance(), full(call.to_string())));
        calls.spawn(async move {
            let body = client.send_request(request).await.unwrap().into_body().collect().await.unwrap();
            assert_eq!(body.to_bytes(), call.to_string());
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    assert_eq!(application.connections.load(Ordering::Relaxed), 1);
    assert_eq!(pair.server_side.requests("inbound", "forwarded").await, REQUESTS);
    assert_eq!(pair.client_side.counter("connections_opened_total{direction=\"outbound\"}").await, 1);
}

#[tokio::test]
async fn the_admin_port_tells_readiness_and_configuration() {
    let application = Application::start(Protocol::Http1).await;
    let pair = Pair::start(application.address, Protocol::Http1).await;
    assert_eq!(get(pair.client_side.admin, "/ready").await, "ready\n");
    let config: serde_json::Value =
        serde_json::from_str(&get(pair.client_side.admin, "/config").await).unwrap();
    assert_eq!(config["outbound"][0]["name"], "peer");
    assert_eq!(try_get(&mut http1(pair.client_side.admin).await, "/nothing").await.0, 404);
}

#[tokio::test]
async fn told_to_stop_it_ends_although_clients_stay_connected() {
    let application = Application::start(Protocol::Http1).await;
    let pair = Pair::start(application.address, Protocol::Http1).await;
    let mut client = http1(pair.entrance()).await;
    assert_eq!(try_get(&mut client, "/").await.0, 200);
    drop(pair.client_side.stop);
    pair.client_side.served.await.unwrap();
    assert!(tokio::net::TcpStream::connect(pair.client_side.admin).await.is_err());
}
