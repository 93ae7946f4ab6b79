//! Whether the generator tells the truth about servers that stall, close connections, or answer some requests late.
//!
//! Every request has a path of its own, so that the server knows when it answered which: that instant minus the one by the
//! plan is the truth. Reported quantiles must be within 1% of it. Beside them stand the figures of a server that would need
//! no time at all to answer what waited during a stall.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench ends where its surroundings fail, and prints"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::time::Duration;

use meshbench_core::load_plan::{LoadPlan, LoadPlanSettings};
use support::event_server::{Behaviour, EventServer, Seen, unix_ns};
use support::{measure, settings};

const RATE: u64 = 2_000;
const STALLS: u32 = 15;
const STALL: Duration = Duration::from_millis(200);
const PERIOD: Duration = Duration::from_secs(2);
/// One answer in so many is late. An even number would always hit the same one of two threads, which take turns.
const LATE_ONE_IN: u64 = 11;
/// How late it is.
const LATE: Duration = Duration::from_millis(100);
const QUANTILES: [f64; 3] = [0.95, 0.99, 0.999];
/// The middle one of so many runs counts: on a machine with other work a tail of one run may be that work's.
const ROUNDS: usize = 3;
const TOLERATED: f64 = 0.01;

/// One server, and what an ideal one of its kind would come to at [`QUANTILES`], in milliseconds.
struct Case {
    name: &'static str,
    behaviour: Behaviour,
    duration: Duration,
    ideal_ms: [f64; 3],
}

fn main() -> ExitCode {
    let stalls = Behaviour { stall: Some((STALL, PERIOD)), remembers: true, ..Behaviour::default() };
    let closes = Behaviour { closes_after: Some(50), ..stalls };
    let late = Behaviour { stall: None, late: Some((LATE_ONE_IN, LATE)), ..stalls };
    let (duration, ideal_ms) = (PERIOD * STALLS, [100.0, 180.0, 198.0]);
    let cases = [
        Case { name: "stalls", behaviour: stalls, duration, ideal_ms },
        Case { name: "stalls and closes", behaviour: closes, duration, ideal_ms },
        Case { name: "answers 9% late", behaviour: late, duration: 5 * PERIOD, ideal_ms: [100.0; 3] },
    ];
    println!("{:18} threads  quantile   reported      truth  ratio   ideal", "server");
    let off: usize = cases.iter().flat_map(|case| [1, 2, 4].map(|threads| tell(case, threads))).sum();
    if off == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures a server in several rounds and prints their medians: how many quantiles are off.
fn tell(case: &Case, threads: u32) -> usize {
    let mut rounds = [(); ROUNDS].map(|()| round(case, threads));
    let mut off = 0;
    for (index, quantile) in QUANTILES.into_iter().enumerate() {
        rounds.sort_unstable_by(|one, other| one[index].ratio().total_cmp(&other[index].ratio()));
        let median = rounds[ROUNDS / 2][index];
        let is_off = (median.ratio() - 1.0).abs() > TOLERATED;
        let Figures { reported_ms, true_ms } = median;
        println!(
            "{:18} {threads:7}  {:>8} {reported_ms:7.2} ms {true_ms:7.2} ms  {:.3} {:4.0} ms{}",
            case.name,
            format!("p{}", quantile * 100.0),
            median.ratio(),
            case.ideal_ms[index],
            if is_off { "  OFF" } else { "" }
        );
        off += usize::from(is_off);
    }
    off
}

/// What was said of a quantile, and what was true.
#[derive(Debug, Clone, Copy)]
struct Figures {
    reported_ms: f64,
    true_ms: f64,
}

impl Figures {
    fn ratio(self) -> f64 {
        self.reported_ms / self.true_ms
    }
}

fn round(case: &Case, threads: u32) -> [Figures; 3] {
    let server = EventServer::start(case.behaviour);
    let plan = plan(&server, threads, case.duration);
    let recording = measure(plan.clone());
    let truth = latencies_ns(&plan, &server.stop());
    assert_eq!((truth.len() as u64, recording.error_count()), (recording.successes, 0));
    QUANTILES.map(|quantile| Figures {
        reported_ms: recording.latency_ns.value_at_quantile(quantile) as f64 / 1e6,
        true_ms: at_quantile(&truth, quantile),
    })
}

/// A plan in which each request is one of its own, so that the path says which it is.
fn plan(server: &EventServer, threads: u32, duration: Duration) -> LoadPlanSettings {
    let paths: Vec<String> = (0..RATE * duration.as_secs()).map(|n| format!("/{n}")).collect();
    let paths: Vec<(&str, u32)> = paths.iter().map(|path| (path.as_str(), 1)).collect();
    let start_at_unix_ns = Some(unix_ns() + 1_000_000_000);
    let connections = 32;
    LoadPlanSettings {
        threads,
        connections,
        start_at_unix_ns,
        ..settings(&[server.address], &paths, &format!("{RATE}rps"), duration)
    }
}

/// From when each request was due by the plan to when the server answered it, ascending.
fn latencies_ns(settings: &LoadPlanSettings, seen: &[Seen]) -> Vec<u64> {
    let plan = LoadPlan::try_new(settings.clone()).unwrap();
    let mut due_times = plan.schedule().unwrap().due_times();
    let mut due_unix_ns = vec![0; seen.len()];
    for n in 0..seen.len() as u64 {
        let due = settings.start_at_unix_ns.unwrap() + due_times.due_ns(n);
        due_unix_ns[plan.request_for(n).request as usize] = due;
    }
    let mut latencies: Vec<u64> =
        seen.iter().map(|seen| seen.answered_unix_ns - due_unix_ns[seen.path as usize]).collect();
    latencies.sort_unstable();
    latencies
}

fn at_quantile(ascending_ns: &[u64], quantile: f64) -> f64 {
    let rank = (ascending_ns.len() as f64 * quantile).ceil() as usize;
    ascending_ns[rank.clamp(1, ascending_ns.len()) - 1] as f64 / 1e6
}
