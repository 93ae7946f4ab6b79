//! How near the truth limits are found: sidecars of a known capacity, looked for over a hundred-fold range.
//!
//! `cargo bench --bench limit -- 20` tries each capacity so often; twice without a number.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench may stop where it fails")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use meshbench_core::limit::Purpose;
use support::{Workshop, text_of};

/// What a sidecar takes for a request, and how many it can carry a second then.
const CAPACITIES: [(&str, f64); 2] = [("5ms", 200.0), ("500us", 2_000.0)];
/// How far from the truth a limit may be.
const TOLERANCE: f64 = 0.03;

#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
fn main() -> ExitCode {
    let tries: u32 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(2);
    println!("| capacity | try | found | interval | of the truth | probes | to confirm |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let (mut near, mut all) = (0, 0);
    for (service_time, capacity) in CAPACITIES {
        for number in 1..=tries {
            let found = look_for(service_time, capacity, number);
            println!("| {capacity} rps | {number} | {} |", found.row(capacity));
            near += u32::from((found.rps / capacity - 1.0).abs() <= TOLERANCE);
            all += 1;
        }
    }
    println!("\nwithin {:.0}% of the truth: {near} of {all}", TOLERANCE * 100.0);
    if near == all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Found {
    rps: f64,
    low: f64,
    high: f64,
    probes: usize,
    confirming: usize,
}

impl Found {
    fn row(&self, capacity: f64) -> String {
        let Self { rps, low, high, probes, confirming } = self;
        let part = rps / capacity;
        format!("{rps:.1} rps | {low:.1} … {high:.1} | {part:.3} | {} | {confirming}", probes - confirming)
    }
}

/// One search for the limit of a sidecar that takes so long for each request.
fn look_for(service_time: &str, capacity: f64, seed: u32) -> Found {
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
    let rps = limit.rps.unwrap_or(interval.median);
    assert!(rps.is_finite(), "{}", text_of(&output));
    Found {
        rps,
        low: interval.low,
        high: interval.high,
        probes: limit.probes.len(),
        confirming: limit.probes.iter().filter(|probe| probe.purpose != Purpose::Locate).count(),
    }
}

/// A hundred-fold range around the capacity, which is not in its middle.
fn scenario(capacity: f64, seed: u32) -> String {
    let (from, to) = (capacity / 8.0, capacity * 12.5);
    format!(
        "description: A capacity that is known.
tier: quick
provider: local
meshes: [known]
limit:
  slo: {{p90: 50ms, errors: 0.1%, achieved: 99%}}
  from: {from}rps
  to: {to}rps
durations: [5s]
warm_up: 1s
seed: {seed}
workload:
  connections: 64
  timeout: 1s
  requests: [{{path: \"/api/list\"}}]
  votes: {{}}
"
    )
}
