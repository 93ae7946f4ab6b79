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

fn with_threads(threads: u32) {
    let server = EventServer::start(Behaviour { stall: Some((STALL, PERIOD)), ..Behaviour::default() });
    let mut plan = settings(&[server.address], &[("/", 1)], "2000rps", 4 * PERIOD);
    (plan.threads, plan.connections, plan.warm_up) = (threads, 32, Duration::from_millis(100));
    let recording = measure(plan);

    assert_eq!(recording.successes, 16_000, "{:?}", recording.errors);
    for (quantile, truth) in [(0.95, 0.5), (0.99, 0.9), (0.999, 0.99)] {
        let seen = share_of_stall(&recording.latency_ns, quantile);
        let off = (seen / truth - 1.0).abs();
        assert!(
            off < 0.06,
            "{threads} threads, p{}: {seen:.3} of the stall, expected {truth}",
            quantile * 100.0
        );
    }
    // Service time is what a closed loop would report: only the 32 requests that were under way saw the stall.
    let closed_loop = share_of_stall(&recording.service_ns, 0.95);
    assert!(
        closed_loop < 0.25,
        "service time p95 is {closed_loop:.3} of the stall: is it counted from the due time?"
    );
    let lag = share_of_stall(&recording.send_lag_ns, 0.99);
    assert!(lag > 0.8, "send lag p99 is only {lag:.3} of the stall, though requests waited for connections");
}
