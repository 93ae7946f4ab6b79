//! How near the truth limits are found: sidecars of a known capacity, looked for over a hundred-fold range.
//!
//! `cargo bench --bench limit -- 20` tries each capacity so often; twice without a number.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a bench may stop where it fails"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use meshbench_core::limit::Purpose;
use meshbench_core::report::LimitOutcome;
use support::{Workshop, text_of};

/// Sidecars of a known capacity: far below what a core carries that the whole deployment shares.
const CAPACITIES: [Capacity; 2] = [
    Capacity { service_time: "25ms", rps: 40.0, tolerated: "p50: 45ms", window: "4s" },
    Capacity { service_time: "2500us", rps: 400.0, tolerated: "p90: 20ms", window: "2s" },
];
/// How far from the truth a limit may be.
const TOLERANCE: f64 = 0.03;
/// How many probes may look for it, over a hundred-fold range; those that confirm it come on top.
const MOST_PROBES: usize = 12;

/// A sidecar that serves one request after the other.
struct Capacity {
    /// What it takes for each.
    service_time: &'static str,
    /// How many it can carry a second then.
    rps: f64,
    /// A quantile that the lowest rate has requests enough for. A queue has to outgrow it within a window, which takes 1%
    /// more than the capacity.
    tolerated: &'static str,
    /// As short as it can be for that.
    window: &'static str,
}

#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
fn main() -> ExitCode {
    let tries: u32 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(2);
    println!("| capacity | try | found | interval | of the truth | probes | to confirm |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let (mut near, mut all) = (0, 0);
    for capacity in CAPACITIES {
        for number in 1..=tries {
            let found = look_for(&capacity, number);
            println!("| {} rps | {number} | {} |", capacity.rps, found.row(capacity.rps));
            near += u32::from(found.is_near(capacity.rps));
            all += 1;
        }
    }
    println!(
        "\nwithin {:.0}% of the truth, found in {MOST_PROBES} probes: {near} of {all}",
        TOLERANCE * 100.0
    );
    if near == all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Found {
    /// NaN where the search came to no limit.
    rps: f64,
    low: f64,
    high: f64,
    probes: usize,
    confirming: usize,
}

impl Found {
    fn is_near(&self, capacity: f64) -> bool {
        (self.rps / capacity - 1.0).abs() <= TOLERANCE && self.probes - self.confirming <= MOST_PROBES
    }

    fn row(&self, capacity: f64) -> String {
        let Self { rps, low, high, probes, confirming } = self;
        let part = rps / capacity;
        format!("{rps:.1} rps | {low:.1} … {high:.1} | {part:.3} | {} | {confirming}", probes - confirming)
    }
}

/// One search for the limit of a sidecar.
fn look_for(capacity: &Capacity, seed: u32) -> Found {
    let service_time = capacity.service_time;
    let workshop = Workshop::new();
    workshop.mesh("reference", "known", "sidecar.json.jinja", |template| {
        let end = template.rfind('}').unwrap();
        format!(
            "{}{{%- if workload == \"load\" %}}, \"injections\": {{\"outbound\": {{\"service_time\": \
             \"{service_time}\"}}}}{{% endif %}}\n}}\n",
            template[..end].trim_end()
        )
    });
    workshop.scenario("truth", &scenario(capacity, seed));
    let output = workshop.meshbench(&["run"]).output().unwrap();
    let report = workshop.report();
    let case = report.cases.iter().find(|case| case.mesh == "known").unwrap();
    let limit = case.limit.as_ref().unwrap();
    let interval = limit.interval_rps.unwrap();
    let rps = limit.rps.filter(|_| limit.outcome == LimitOutcome::Found).unwrap_or(f64::NAN);
    if rps.is_nan() {
        eprintln!("{}", text_of(&output));
    }
    Found {
        rps,
        low: interval.low,
        high: interval.high,
        probes: limit.probes.len(),
        confirming: limit.probes.iter().filter(|probe| probe.purpose != Purpose::Locate).count(),
    }
}

/// A hundred-fold range around the capacity, which is not in its middle.
fn scenario(Capacity { rps, tolerated, window, .. }: &Capacity, seed: u32) -> String {
    let (from, to) = (rps / 8.0, rps * 12.5);
    format!(
        "description: A capacity that is known.
tier: quick
provider: local
meshes: [known]
limit:
  slo: {{{tolerated}, errors: 0.1%, achieved: 95%}}
  from: {from}rps
  to: {to}rps
durations: [{window}]
warm_up: 500ms
seed: {seed}
workload:
  connections: 64
  timeout: 1s
  requests: [{{path: \"/api/list\"}}]
  votes: {{}}
"
    )
}
