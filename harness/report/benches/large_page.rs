//! How long the page of a large matrix takes, and how large it is: 12 meshes at 11 rates, 5 runs of 30 minutes each.
//!
//! Fails above five seconds or five megabytes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench ends where its surroundings fail, and prints"
)]

#[path = "../tests/formats/fabricated.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod fabricated;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use fabricated::{Figures, MESH};
use meshbench_core::course::{Course, RunCourse, Stretch};
use meshbench_core::report::{CaseReport, Report};
use meshbench_report::html::{Sheet, render};

const MESHES: u32 = 12;
const RATES: u32 = 11;
const RUNS: u32 = 5;
const SECONDS: u32 = 1_800;
const ROUNDS: usize = 5;
const LONGEST: Duration = Duration::from_secs(5);
const LARGEST_BYTES: usize = 5_000_000;

fn main() -> ExitCode {
    let report = large();
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        bytes = render(&[Sheet { report: &report, files: &[], unread: &[] }], None).unwrap().len();
        times.push(began.elapsed());
    }
    times.sort();
    let median = times[times.len() / 2];
    println!(
        "{MESHES} meshes × {RATES} rates × {RUNS} runs of {SECONDS} s: {} ms, {:.2} MB (median of {ROUNDS})",
        median.as_millis(),
        bytes as f64 / 1e6
    );
    if median > LONGEST || bytes > LARGEST_BYTES { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn large() -> Report {
    let rates = (1..=RATES).map(|step| step * 500);
    let cases = rates.flat_map(|rate| (0..MESHES).map(move |mesh| case(rate, mesh)));
    fabricated::report(cases.collect(), Vec::new())
}

fn case(rate: u32, mesh: u32) -> CaseReport {
    let name = if mesh == 0 { "bare".to_owned() } else { format!("mesh-{mesh}") };
    let p50_ms = 0.8 + f64::from(mesh) / 10.0;
    let figures = Figures { p50_ms, requests: u64::from(rate * SECONDS), ..MESH };
    let mut case = fabricated::case(&format!("large::{rate}rps::30m"), &name, figures);
    let first = case.runs[0].clone();
    let run = |block| {
        let mut run = first.clone();
        (run.block, run.offered_rate) = (block, Some(f64::from(rate)));
        run.window_seconds = f64::from(SECONDS);
        run.course = half_an_hour(&first.course, block, mesh);
        run
    };
    case.runs = (1..=RUNS).map(run).collect();
    case
}

/// As a campaign condenses it.
fn half_an_hour(short: &RunCourse, block: u32, mesh: u32) -> RunCourse {
    let noise = |second: u32| u64::from((second * 7_919 + block * 104_729) % 1_000) * 300;
    let stretch = |second: u32| Stretch {
        until_seconds: f64::from(second),
        p50_ns: 800_000 + noise(second) + u64::from(mesh) * 100_000,
        p99_ns: 3_000_000 + 3 * noise(second),
        ..short.stretches[0]
    };
    let groups = short.groups.iter().map(|(group, points)| {
        let point = |second: u32| {
            let mut point = points[0];
            point.at_seconds = f64::from(second);
            point.cpu_cores += f64::from(second % 17) / 100.0;
            point
        };
        (*group, (1..=SECONDS).map(point).collect())
    });
    let course = Course {
        warm_up_seconds: 10.0,
        stretches: (1..=SECONDS).map(stretch).collect(),
        groups: groups.collect(),
        ..Course::default()
    };
    course.condensed()
}
