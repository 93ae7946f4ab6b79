//! An Emojivoto of three roles in this process, each on ports of the kernel's choice.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, wherever it does")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Parser as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use meshbench_emojivoto::cli::Cli;
use meshbench_emojivoto::{Running, start};
use tokio_util::sync::CancellationToken;

/// A role that runs until it is stopped.
pub struct RunningRole {
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    running: tokio::sync::Mutex<Option<Running>>,
    stop: CancellationToken,
}

impl RunningRole {
    /// Starts a role on kernel-chosen ports of the loopback interface.
    pub async fn start(arguments: &[&str]) -> Self {
        let fixed = ["--listen-address=127.0.0.1", "--prom-port=0"];
        let program = ["meshbench-emojivoto"];
        let cli = Cli::try_parse_from(program.iter().chain(arguments).chain(&fixed)).unwrap();
        let stop = CancellationToken::new();
        let running = start(&cli.role, &stop).await.unwrap();
        let (address, metrics) = (running.address(), running.metrics_address().unwrap());
        Self { address, metrics, running: tokio::sync::Mutex::new(Some(running)), stop }
    }

    /// Stops the role and waits until it has.
    pub async fn stop(&self) {
        self.stop.cancel();
        if let Some(running) = self.running.lock().await.take() {
            running.stopped().await.unwrap();
        }
    }
}

/// The three roles.
pub struct App {
    pub web: RunningRole,
    pub emoji: RunningRole,
    pub voting: RunningRole,
    http: Http,
}

/// What an endpoint answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

impl App {
    /// Starts all roles; `voting` are further arguments of the voting role.
    pub async fn start(voting: &[&str]) -> Self {
        let emoji = RunningRole::start(&["emoji", "--grpc-port=0"]).await;
        let voting = RunningRole::start(&[&["voting", "--grpc-port=0"], voting].concat()).await;
        let emoji_host = format!("--emojisvc-host={}", emoji.address);
        let voting_host = format!("--votingsvc-host={}", voting.address);
        let web = RunningRole::start(&["web", "--web-port=0", &emoji_host, &voting_host]).await;
        Self { web, emoji, voting, http: Http::new() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.http.get(self.web.address, path).await
    }

    pub async fn time_of(&self, path: &str) -> Duration {
        let start = Instant::now();
        assert_eq!(self.get(path).await.status, 200);
        start.elapsed()
    }

    /// Shortcodes and votes, in order.
    pub async fn leaderboard(&self) -> Vec<(String, u64)> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Standing {
            shortcode: String,
            #[serde(rename = "unicode")]
            _unicode: String,
            votes: String,
        }
        let body = self.get("/api/leaderboard").await.body;
        let standings: Vec<Standing> = serde_json::from_str(&body).unwrap();
        standings.into_iter().map(|standing| (standing.shortcode, standing.votes.parse().unwrap())).collect()
    }

    /// gRPC calls that both services have answered so far, whatever their outcome.
    pub async fn grpc_calls(&self) -> f64 {
        let emoji = self.http.get(self.emoji.metrics, "/metrics").await.body;
        let voting = self.http.get(self.voting.metrics, "/metrics").await.body;
        sum(&emoji, "grpc_server_handled_total") + sum(&voting, "grpc_server_handled_total")
    }
}

/// A client that keeps its connections.
pub struct Http(Client<HttpConnector, Empty<Bytes>>);

impl Http {
    pub fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    pub async fn get(&self, address: SocketAddr, path: &str) -> Answer {
        let answer = self.0.get(format!("http://{address}{path}").parse().unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let content_type = answer.headers().get("content-type");
        let content_type = content_type.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        Answer { status, content_type, body: String::from_utf8(body.to_vec()).unwrap() }
    }
}

/// The sum over all labels of a metric.
pub fn sum(exposition: &str, metric: &str) -> f64 {
    let samples = exposition.lines().filter(|line| line.starts_with(metric));
    samples.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// Asks again until the condition holds; tells the last thing seen when it does not in time.
pub async fn until<T, Seen: std::fmt::Debug>(
    what: &str,
    mut holds: impl AsyncFnMut() -> Result<T, Seen>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match holds().await {
            Ok(value) => return value,
            Err(seen) if Instant::now() > deadline => {
                panic!("not within {PATIENCE:?}: {what}; last seen: {seen:?}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// How long anything may take that only a fault can keep from happening.
pub const PATIENCE: Duration = Duration::from_secs(60);
