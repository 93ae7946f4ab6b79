//! What it takes to merge a thousand histograms, and the recordings of a thousand shards.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench ends where its surroundings fail, and prints"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use meshbench_core::histogram::LatencyHistogram;
use meshbench_core::load_plan::{LoadPlanSettings, ShardOfPlan};
use meshbench_core::recording::{Merge, Recording};
use meshbench_core::shuffle::SplitMix64;
use support::event_server::{Behaviour, EventServer};
use support::{measure, settings};

const PARTS: u32 = 1_000;
const LATENCIES_EACH: usize = 10_000;
const ROUNDS: usize = 5;

fn main() {
    let histograms: Vec<_> = (0..PARTS).map(|seed| histogram(seed.into())).collect();
    report("histograms of 10,000 latencies", || {
        let mut total = LatencyHistogram::new();
        histograms.iter().for_each(|histogram| total.merge(histogram));
        assert_eq!(total.count(), u64::from(PARTS) * LATENCIES_EACH as u64);
    });
    let texts = recordings();
    report("recordings, read from JSON", || {
        let mut parts = texts.iter().map(|text| Recording::from_json(text).unwrap());
        let mut merge = Merge::begin("1", parts.next().unwrap());
        parts.for_each(|part| merge.add("another", &part).unwrap());
        assert!(merge.finish().unwrap().requests > 0);
    });
}

/// Latencies from 50 µs to a second, small ones more often.
fn histogram(seed: u64) -> LatencyHistogram {
    let mut random = SplitMix64::new(seed);
    let mut histogram = LatencyHistogram::new();
    for _ in 0..LATENCIES_EACH {
        let magnitude = random.next() % 14;
        histogram.record(50_000 + (random.next() % (65_536 << magnitude)));
    }
    histogram
}

/// As many recordings as a thousand generators would have left: one that was measured, with the number of each shard.
fn recordings() -> Vec<String> {
    let server = EventServer::start(Behaviour::default());
    let plan = settings(&[server.address], &[("/", 1)], "10000rps", Duration::from_secs(1));
    let measured = measure(plan);
    let shard = |number| {
        let shard = ShardOfPlan::try_new(number, PARTS).unwrap();
        let plan = LoadPlanSettings { shard, start_at_unix_ns: Some(1), ..measured.plan.clone() };
        serde_json::to_string(&Recording { plan, ..measured.clone() }).unwrap()
    };
    (1..=PARTS).map(shard).collect()
}

fn report(what: &str, mut merge: impl FnMut()) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            merge();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    let median = times[ROUNDS / 2];
    println!(
        "merge of {PARTS} {what}: {:.1} ms, {:.1} µs each",
        median.as_secs_f64() * 1e3,
        median.as_secs_f64() * 1e6 / f64::from(PARTS)
    );
}
