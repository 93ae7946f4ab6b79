//! How long the main job takes to list 10,000 cases: nextest and editors list often.
//!
//! Times the whole process, from start to exit, and fails above the limit that the README promises.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench may stop where it fails")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use support::Workshop;

const CASES: usize = 10_000;
const TIMES: usize = 21;
const LIMIT: Duration = Duration::from_millis(100);

#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
fn main() -> ExitCode {
    let workshop = Workshop::new();
    let list = |from: usize, count: usize, unit: &str| {
        (from..from + count).map(|number| format!("{number}{unit}")).collect::<Vec<_>>().join(", ")
    };
    let scenario = support::small_scenario("bare, reference, envoy-tuned, envoy-stock", "1s")
        .replace("rates: [100rps]", &format!("rates: [{}]", list(1, 50, "rps")))
        .replace("durations: [1s]", &format!("durations: [{}]", list(1, 50, "s")));
    workshop.scenario("matrix", &scenario);
    let executable = support::meshes_executable();

    let mut took: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let began = Instant::now();
            let output = Command::new(&executable)
                .arg("--list")
                .env("MESHBENCH_SCENARIOS", workshop.scenarios())
                .output()
                .unwrap();
            let took = began.elapsed();
            let lines = output.stdout.split(|&byte| byte == b'\n');
            assert_eq!(lines.filter(|line| line.ends_with(b": test")).count(), CASES);
            assert!(output.stderr.is_empty(), "listing wrote to standard error");
            took
        })
        .collect();
    took.sort();
    let (least, median, most) = (took[0], took[TIMES / 2], took[TIMES - 1]);
    println!("listing {CASES} cases: min {least:?}, median {median:?}, max {most:?} over {TIMES} runs");
    if median > LIMIT {
        println!("the median is above its limit of {LIMIT:?}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
