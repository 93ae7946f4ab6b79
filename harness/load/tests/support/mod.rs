//! Servers in this process, and plans against them.

#![allow(dead_code, reason = "each test binary uses its share")]
#![expect(clippy::unwrap_used, reason = "a server that cannot be set up fails its test")]

pub(crate) mod answering_http2;
pub(crate) mod event_server;
pub(crate) mod http2;
pub(crate) mod tls;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use meshbench_core::load_plan::{
    DEFAULT_STREAMS, LOAD_PLAN_VERSION, LoadPlan, LoadPlanSettings, PlannedRequest, Protocol, ShardOfPlan,
    Target,
};
use meshbench_core::recording::Recording;
use meshbench_core::schedule::Arrivals;
use meshbench_load::{EventSink, RunError, Surroundings, run};

/// What a script does with the connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Keep,
    Close,
}

/// A server that answers each request as a script says, a thread a connection. It reads bodies first, except where the path
/// starts with `/early`.
pub(crate) struct ScriptedServer {
    pub(crate) address: SocketAddr,
    pub(crate) accepted: Arc<AtomicUsize>,
    pub(crate) paths: Arc<Mutex<BTreeMap<String, u64>>>,
    pub(crate) bodies: Arc<Mutex<BTreeMap<Vec<u8>, u64>>>,
    stopping: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl ScriptedServer {
    pub(crate) fn start(script: impl Fn(&mut TcpStream, &str) -> Then + Send + Sync + 'static) -> Self {
        Self::start_on(|stream| stream, script)
    }

    /// The same on what `wrap` makes of a connection.
    pub(crate) fn start_on<T: Read + Write>(
        wrap: impl Fn(TcpStream) -> T + Send + Sync + 'static,
        script: impl Fn(&mut T, &str) -> Then + Send + Sync + 'static,
    ) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let (accepted, stopping) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (paths, bodies) = (Arc::default(), Arc::default());
        let (wrap, script) = (Arc::new(wrap), Arc::new(script));
        let shared = (Arc::clone(&accepted), Arc::clone(&stopping), Arc::clone(&paths), Arc::clone(&bodies));
        let listener = std::thread::spawn(move || {
            let (accepted, stopping, paths, bodies) = shared;
            for stream in socket.incoming() {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                accepted.fetch_add(1, Ordering::SeqCst);
                let (wrap, script) = (Arc::clone(&wrap), Arc::clone(&script));
                let (paths, bodies) = (Arc::clone(&paths), Arc::clone(&bodies));
                let stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                std::thread::spawn(move || serve(wrap(stream), &*script, &paths, &bodies));
            }
        });
        Self { address, accepted, paths, bodies, stopping, listener: Some(listener) }
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(crate) fn requests_by_path(&self) -> BTreeMap<String, u64> {
        self.paths.lock().unwrap().clone()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the listener; connections end with their peers.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn serve<T: Read + Write>(
    mut stream: T,
    script: &dyn Fn(&mut T, &str) -> Then,
    paths: &Mutex<BTreeMap<String, u64>>,
    bodies: &Mutex<BTreeMap<Vec<u8>, u64>>,
) {
    let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(received[..end + 4].to_vec()).unwrap();
            let path = head.split(' ').nth(1).unwrap().to_owned();
            let is_answered_early = path.starts_with("/early");
            let whole = end + 4 + content_length(&head);
            if received.len() < whole && !is_answered_early {
                break;
            }
            let body = received.drain(..whole.min(received.len())).skip(end + 4).collect();
            *bodies.lock().unwrap().entry(body).or_default() += 1;
            *paths.lock().unwrap().entry(path.clone()).or_default() += 1;
            if script(&mut stream, &path) == Then::Close {
                return;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => received.extend(&buffer[..count]),
        }
    }
}

fn content_length(head: &str) -> usize {
    let value = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    value.map_or(0, |value| value.parse().unwrap())
}

/// Sends text; a peer that has gone is its own business.
pub(crate) fn say(stream: &mut impl Write, text: &str) {
    let _ = stream.write_all(text.as_bytes());
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Settings for `requests_per_second` over `duration` to each address, asking for `paths` with weights.
pub(crate) fn settings(
    addresses: &[SocketAddr],
    paths: &[(&str, u32)],
    rate: &str,
    duration: Duration,
) -> LoadPlanSettings {
    let requests: Vec<_> =
        paths.iter().map(|(path, weight)| PlannedRequest::get((*path).to_owned(), *weight)).collect();
    let target = |(index, address): (usize, &SocketAddr)| Target {
        name: format!("target-{index}"),
        address: address.to_string(),
        tls: None,
        requests: requests.clone(),
    };
    LoadPlanSettings {
        version: LOAD_PLAN_VERSION,
        targets: addresses.iter().enumerate().map(target).collect(),
        rate: rate.parse().unwrap(),
        duration,
        warm_up: Duration::ZERO,
        timeout: Duration::from_secs(20),
        drain: Duration::from_secs(20),
        connections: 4 * addresses.len() as u32,
        max_connections: None,
        protocol: Protocol::Http1,
        streams: DEFAULT_STREAMS,
        threads: 1,
        spin: Duration::ZERO,
        seed: 1,
        ramp_to: None,
        arrivals: Arrivals::Constant,
        start_at_unix_ns: None,
        shard: ShardOfPlan::WHOLE,
    }
}

fn attempt(settings: LoadPlanSettings) -> Result<Recording, RunError> {
    let events = EventSink::none();
    let surroundings = Surroundings { events: &events, interval_log: None::<std::io::Sink>, interrupt: None };
    run(LoadPlan::try_new(settings).unwrap(), surroundings)
}

/// Runs a plan with nobody listening.
pub(crate) fn measure(settings: LoadPlanSettings) -> Recording {
    let recording = attempt(settings).unwrap();
    assert_eq!(recording.requests, recording.successes + recording.error_count(), "{recording:?}");
    assert_eq!(recording.latency_ns.count(), recording.successes);
    assert_eq!(recording.error_latency_ns.count(), recording.error_count());
    recording
}

/// Why a run cannot start, and the cause.
pub(crate) fn refusal(settings: LoadPlanSettings) -> String {
    let error = attempt(settings).unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    format!("{error}: {}", cause.unwrap_or_default())
}
