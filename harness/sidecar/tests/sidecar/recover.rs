//! Upstreams that die, and come back.

use http_body_util::BodyExt;
use hyper::Request;
use meshbench_sidecar::Protocol;
use rstest::rstest;

use crate::support::{Application, Pair, empty, full, grpc_request, http1, http2, try_get};

#[tokio::test]
async fn a_dead_application_is_a_502_until_it_is_back() {
    let application = Application::start(Protocol::Http1).await;
    let port = application.address.port();
    let pair = Pair::start(application.address, Protocol::Http1).await;
    let mut client = http1(pair.entrance()).await;
    assert_eq!(try_get(&mut client, "/").await, (200, String::new()));

    drop(application);
    let (status, text) = try_get(&mut client, "/").await;
    assert_eq!(status, 502, "{text}");
    assert_eq!(pair.server_side.requests("inbound", "upstream_failure").await, 1);
    // The other sidecar got an answer: the failure is counted where it happened.
    assert_eq!(pair.client_side.requests("outbound", "upstream_failure").await, 0);

    let _application = Application::start_on(port, Protocol::Http1).await;
    assert_eq!(try_get(&mut client, "/").await, (200, String::new()));
}

#[tokio::test]
async fn a_dead_grpc_application_is_unavailable_until_it_is_back() {
    let application = Application::start(Protocol::Http2).await;
    let port = application.address.port();
    let pair = Pair::start(application.address, Protocol::Http2).await;
    let mut client = http2(pair.entrance()).await;
    let mut call = async || {
        let response = client.send_request(grpc_request(pair.entrance(), full("call"))).await.unwrap();
        let in_head = response.headers().get("grpc-status").cloned();
        let trailers = response.into_body().collect().await.unwrap().trailers().cloned();
        in_head.or_else(|| trailers?.get("grpc-status").cloned()).unwrap()
    };
    assert_eq!(call().await, "0");
    drop(application);
    assert_eq!(call().await, "14");
    let _application = Application::start_on(port, Protocol::Http2).await;
    assert_eq!(call().await, "0");
}

#[rstest]
#[case::http1(Protocol::Http1)]
#[case::http2(Protocol::Http2)]
#[tokio::test]
async fn an_application_that_dies_midway_aborts_the_response(#[case] protocol: Protocol) {
    let application = Application::start(protocol).await;
    let pair = Pair::start(application.address, protocol).await;
    let uri = format!("http://{}/broken", pair.entrance());
    let request = Request::get(uri).body(empty()).unwrap();
    let response = match protocol {
        Protocol::Http1 => http1(pair.entrance()).await.send_request(request).await.unwrap(),
        Protocol::Http2 => http2(pair.entrance()).await.send_request(request).await.unwrap(),
    };
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
    drop(application);
    assert!(body.collect().await.is_err(), "half a response must not pass for a whole one");
}
