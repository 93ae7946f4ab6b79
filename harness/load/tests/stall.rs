//! The stall test of every honest generator: a server that stalls must not be able to hide it.

mod support;

use std::time::Duration;

use meshbench_core::histogram::LatencyHistogram;
use support::event_server::{Behaviour, EventServer};
use support::{measure, settings};

const STALL: Duration = Duration::from_millis(200);
const PERIOD: Duration = Duration::from_secs(2);

/// A quantile as a share of the stall.
fn share_of_stall(histogram: &LatencyHistogram, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / STALL.as_nanos() as f64
}

/// A tenth of the requests are due in a stall, evenly over it. So 5% wait longer than half of it, 1% longer than nine
/// tenths, and 0.1% longer than 99 hundredths.
///
/// One after the other: two such runs at once would stall each other.
#[test]
fn a_stall_is_measured_as_long_as_it_is() {
    [1, 2].into_iter().for_each(with_threads);
}

/// How often it is tried on a machine that also stalls by itself.
const ATTEMPTS: usize = 5;

fn with_threads(threads: u32) {
    let mut seen: Vec<String> = Vec::new();
    while seen.last().is_none_or(|last| !last.is_empty()) {
        assert!(seen.len() < ATTEMPTS, "more than the stall in each attempt: {seen:#?}");
        seen.push(excess(threads));
    }
}

/// What is seen beyond the stall, in words. A machine that stalls by itself only adds: that nothing less is seen must hold every
/// time.
fn excess(threads: u32) -> String {
    let server = EventServer::start(Behaviour { stall: Some((STALL, PERIOD)), ..Behaviour::default() });
    let mut plan = settings(&[server.address], &[("/", 1)], "500rps", 4 * PERIOD);
    (plan.threads, plan.connections, plan.warm_up) = (threads, 8, Duration::from_millis(100));
    let recording = measure(plan);

    assert_eq!(recording.successes, 4_000, "{:?}", recording.errors);
    let mut excess = String::new();
    for (quantile, truth) in [(0.95, 0.5), (0.99, 0.9), (0.999, 0.99)] {
        let seen = share_of_stall(&recording.latency_ns, quantile);
        let told =
            format!("{threads} threads, p{}: {seen:.3} of the stall, expected {truth}; ", quantile * 100.0);
        assert!(seen > 0.94 * truth, "{told}");
        if seen > 1.06 * truth {
            excess.push_str(&told);
        }
    }
    // Service time is what a closed loop would report: only the 8 requests that were under way saw the stall.
    let closed_loop = share_of_stall(&recording.service_ns, 0.95);
    if closed_loop >= 0.25 {
        excess.push_str("service time p95 is a quarter of the stall: is it counted from the due time?");
    }
    let lag = share_of_stall(&recording.send_lag_ns, 0.99);
    assert!(lag > 0.8, "send lag p99 is only {lag:.3} of the stall, though requests waited for connections");
    excess
}
