//! Servers in this process, and plans against them.

#![allow(dead_code, reason = "each test binary uses its share")]
#![expect(clippy::unwrap_used, reason = "a server that cannot be set up fails its test")]

pub(crate) mod event_server;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use meshbench_core::load_plan::{
    LOAD_PLAN_VERSION, LoadPlan, LoadPlanSettings, PlannedRequest, ShardOfPlan, Target,
};
use meshbench_core::recording::Recording;
use meshbench_core::schedule::Arrivals;
use meshbench_load::{EventSink, Surroundings, run};

/// What a script does with the connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Keep,
    Close,
}

/// A server that answers each request as a script says, a thread a connection.
pub(crate) struct ScriptedServer {
    pub(crate) address: SocketAddr,
    pub(crate) accepted: Arc<AtomicUsize>,
    pub(crate) paths: Arc<Mutex<BTreeMap<String, u64>>>,
    stopping: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl ScriptedServer {
    pub(crate) fn start(script: impl Fn(&mut TcpStream, &str) -> Then + Send + Sync + 'static) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let (accepted, paths, stopping) = (Arc::default(), Arc::default(), Arc::default());
        let (script, shared) =
            (Arc::new(script), (Arc::clone(&accepted), Arc::clone(&paths), Arc::clone(&stopping)));
        let listener = std::thread::spawn(move || {
            let (accepted, paths, stopping): (Arc<AtomicUsize>, Arc<Mutex<_>>, Arc<AtomicBool>) = shared;
            for stream in socket.incoming() {
                if stopping.load(Ordering::SeqCst) {
                    return;
                }
                accepted.fetch_add(1, Ordering::SeqCst);
                let (script, paths) = (Arc::clone(&script), Arc::clone(&paths));
                std::thread::spawn(move || serve(stream.unwrap(), &*script, &paths));
            }
        });
        Self { address, accepted, paths, stopping, listener: Some(listener) }
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

fn serve(
    mut stream: TcpStream,
    script: &dyn Fn(&mut TcpStream, &str) -> Then,
    paths: &Mutex<BTreeMap<String, u64>>,
) {
    stream.set_nodelay(true).unwrap();
    let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        while let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(received.drain(..end + 4).collect()).unwrap();
            let path = head.split(' ').nth(1).unwrap().to_owned();
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

/// Sends text; a peer that has gone is its own business.
pub(crate) fn say(stream: &mut TcpStream, text: &str) {
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
    let requests: Vec<_> = paths
        .iter()
        .map(|(path, weight)| PlannedRequest { path: (*path).to_owned(), weight: *weight })
        .collect();
    let target = |(index, address): (usize, &SocketAddr)| Target {
        name: format!("target-{index}"),
        address: address.to_string(),
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
        threads: 1,
        seed: 1,
        ramp_to: None,
        arrivals: Arrivals::Constant,
        start_at_unix_ns: None,
        shard: ShardOfPlan::WHOLE,
    }
}

/// Runs a plan with nobody listening.
pub(crate) fn measure(settings: LoadPlanSettings) -> Recording {
    let events = EventSink::none();
    let surroundings = Surroundings { events: &events, interval_log: None::<std::io::Sink>, interrupt: None };
    let recording = run(LoadPlan::try_new(settings).unwrap(), surroundings).unwrap();
    assert_eq!(recording.requests, recording.successes + recording.error_count(), "{recording:?}");
    assert_eq!(recording.latency_ns.count(), recording.successes);
    assert_eq!(recording.error_latency_ns.count(), recording.error_count());
    recording
}
