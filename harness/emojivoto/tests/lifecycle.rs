//! Starting, being asked whether it is ready, keeping connections, and stopping.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, wherever it does")]

mod common;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::{App, Http, PATIENCE, RunningRole, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

#[test]
fn a_taken_port_is_named_with_its_setting_and_the_cure() {
    let taken = std::net::TcpListener::bind(ANY_PORT).unwrap();
    let address = taken.local_addr().unwrap();
    let port = format!("--grpc-port={}", address.port());
    let mut log = Vec::new();
    let arguments = ["meshbench-emojivoto", "emoji", "--listen-address=127.0.0.1", &port];
    let exit_code = meshbench_emojivoto::run(arguments, &mut log);
    assert_eq!(format!("{exit_code:?}"), format!("{:?}", ExitCode::FAILURE));
    assert_eq!(
        String::from_utf8(log).unwrap(),
        format!(
            "emoji: cannot listen on {address} (GRPC_PORT): address already in use; \
             stop the process that has it (`ss -ltnp` shows which) or choose another port\n"
        )
    );
}

#[tokio::test]
async fn a_port_that_is_only_reserved_can_be_listened_on() {
    let reservation = TcpSocket::new_v4().unwrap();
    reservation.set_reuseaddr(true).unwrap();
    reservation.bind(ANY_PORT).unwrap();
    let reserved = reservation.local_addr().unwrap();
    let role = RunningRole::start(&["emoji", &format!("--grpc-port={}", reserved.port())]).await;
    assert_eq!(role.address, reserved);
}

#[tokio::test]
async fn every_role_is_ready_and_shows_its_metrics() {
    let app = App::start(&[]).await;
    app.get("/api/vote?choice=:joy:").await;
    app.get("/anything").await;
    let http = Http::new();
    let mut metrics = String::new();
    for role in [&app.web, &app.emoji, &app.voting] {
        let ready = http.get(role.metrics, "/ready").await;
        assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
        assert_eq!(http.get(role.metrics, "/nothing").await.status, 404);
        metrics += &http.get(role.metrics, "/metrics").await.body;
    }
    for sample in [
        r#"http_requests_total{path="/",code="200"} 1"#,
        r#"http_requests_total{path="/api/vote",code="200"} 1"#,
        r#"grpc_server_handled_total{grpc_service="emojivoto.v1.EmojiService",grpc_method="FindByShortcode",grpc_code="OK"} 1"#,
        r#"grpc_server_handled_total{grpc_service="emojivoto.v1.VotingService",grpc_method="VoteJoy",grpc_code="OK"} 1"#,
        r#"emojivoto_votes_total{emoji=":joy:"} 1"#,
    ] {
        assert!(metrics.lines().any(|line| line == sample), "no {sample} in:\n{metrics}");
    }
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let app = App::start(&[]).await;
    let mut connection = TcpStream::connect(app.web.address).await.unwrap();
    for _ in 0..3 {
        connection.write_all(b"GET /api/vote?choice=:joy: HTTP/1.1\r\nHost: web\r\n\r\n").await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(&head));
    }
}

#[tokio::test]
async fn web_asks_a_service_over_one_connection() {
    let emoji = RunningRole::start(&["emoji", "--grpc-port=0"]).await;
    let (relay, connections) = counting_relay(emoji.address).await;
    let emoji_host = format!("--emojisvc-host={relay}");
    let web = RunningRole::start(&["web", "--web-port=0", &emoji_host, "--votingsvc-host=127.0.0.1:1"]).await;
    assert_eq!(connections.load(Ordering::SeqCst), 0, "nothing is connected before it is needed");

    let http = Arc::new(Http::new());
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let http = Arc::clone(&http);
        requests.spawn(async move { http.get(web.address, "/api/list").await.status });
    }
    assert!(requests.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// Passes connections on, and counts them.
async fn counting_relay(to: SocketAddr) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind(ANY_PORT).await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut inbound, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut outbound = TcpStream::connect(to).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut inbound, &mut outbound).await });
        }
    });
    (address, connections)
}

#[tokio::test]
async fn a_stop_takes_no_new_connections_and_finishes_what_is_in_flight() {
    let app = Arc::new(App::start(&["--artificial-delay=500ms"]).await);
    let voter = Arc::clone(&app);
    let vote = tokio::spawn(async move { voter.get("/api/vote?choice=:joy:").await.status });
    until("the vote is in flight", async || in_flight(&app).await).await;

    timeout(PATIENCE, async { tokio::join!(app.web.stop(), app.voting.stop()) }).await.unwrap();
    assert_eq!(vote.await.unwrap(), 200, "the vote in flight was cut off");
    assert!(TcpStream::connect(app.web.address).await.is_err());
    assert!(TcpStream::connect(app.web.metrics).await.is_err());
}

#[tokio::test]
async fn a_stop_cuts_off_what_does_not_finish() {
    let app = Arc::new(App::start(&["--artificial-delay=1h"]).await);
    let voter = Arc::clone(&app);
    tokio::spawn(async move { voter.get("/api/vote?choice=:joy:").await });
    until("the vote is in flight", async || in_flight(&app).await).await;
    timeout(PATIENCE, async { tokio::join!(app.web.stop(), app.voting.stop()) }).await.unwrap();
}

/// Whether the emoji service was asked: the vote itself is not counted before it is answered.
async fn in_flight(app: &App) -> Result<(), f64> {
    let calls = app.grpc_calls().await;
    if calls > 0.0 { Ok(()) } else { Err(calls) }
}
