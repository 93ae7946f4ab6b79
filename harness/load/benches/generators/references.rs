//! What to hold the generators' figures against: what a machine charges for waking up alone, and how long a round trip takes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use meshbench_core::recording::Recording;
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::support::event_server::{Behaviour, EventServer, keep_to_core};
use super::tools::{OURS, run_in_role};
use super::{CONNECTIONS, GENERATOR_CORE, ROUNDS, SECONDS, SERVER_CORE, SLEEPER, cpu_us_of_children, middle};

const ROUND_TRIPS: usize = 4_000;
const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// CPU in microseconds for each of `rate` instants per second of a program that does nothing but sleep until the next one.
/// No generator that is on time to the microsecond can take less than this and what its sockets take.
pub(crate) fn wake_up_cpu_us(rate: u64) -> f64 {
    middle((0..ROUNDS).map(|_| {
        let before = cpu_us_of_children();
        run_in_role(SLEEPER, &[rate.to_string()]);
        (cpu_us_of_children() - before) / (rate * SECONDS) as f64
    }))
}

/// The sleeper's side of [`wake_up_cpu_us`].
pub(crate) fn sleep_only(rate: u64) {
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1)).unwrap();
    let ns = |time: Timespec| time.tv_sec as u64 * NANOSECONDS_PER_SECOND + time.tv_nsec as u64;
    let start = ns(clock_gettime(ClockId::Monotonic));
    for n in 0..rate * SECONDS {
        let due = start + n * NANOSECONDS_PER_SECOND / rate;
        // As every generator would, it does not sleep for what is due already.
        if ns(clock_gettime(ClockId::Monotonic)) < due {
            let (tv_sec, tv_nsec) = (due / NANOSECONDS_PER_SECOND, due % NANOSECONDS_PER_SECOND);
            let due = Timespec { tv_sec: tv_sec as i64, tv_nsec: tv_nsec as i64 };
            clock_nanosleep_absolute(ClockId::Monotonic, &due).unwrap();
        }
    }
}

/// What `meshbench-load` reports as its median latency at 1,000 requests per second, and the median round trip of one
/// connection in a closed loop, each in microseconds.
pub(crate) fn reported_and_round_trip_us() -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("recording.json");
    let (mut reported, mut round_trips) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let server = EventServer::start(Behaviour { core: Some(SERVER_CORE), ..Behaviour::default() });
        let mut arguments =
            (OURS.arguments)(&format!("http://{}/", server.address), Some(1_000), CONNECTIONS).unwrap();
        arguments.extend(["--output".to_owned(), output.to_str().unwrap().to_owned()]);
        OURS.run(&arguments);
        let recording = Recording::from_json(&fs::read_to_string(&output).unwrap()).unwrap();
        reported.push(recording.latency_ns.value_at_quantile(0.5) as f64 / 1e3);
        let address = server.address;
        round_trips.push(std::thread::spawn(move || round_trip_us(address)).join().unwrap());
    }
    (middle(reported), middle(round_trips))
}

fn round_trip_us(address: SocketAddr) -> f64 {
    keep_to_core(GENERATOR_CORE.parse().unwrap());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answer = [0; 1024];
    middle((0..ROUND_TRIPS).map(|_| {
        let start = Instant::now();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
        assert_ne!(stream.read(&mut answer).unwrap(), 0, "the server hung up");
        let taken: Duration = start.elapsed();
        taken.as_nanos() as f64 / 1e3
    }))
}
