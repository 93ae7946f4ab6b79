//! What spinning buys, and what it costs.

mod support;

use std::time::Duration;

use meshbench_core::recording::Recording;
use support::event_server::{Behaviour, EventServer};
use support::{measure, settings};

fn run(spin: Duration) -> Recording {
    let server = EventServer::start(Behaviour::default());
    let mut plan = settings(&[server.address], &[("/", 1)], "500rps", Duration::from_secs(2));
    plan.spin = spin;
    let recording = measure(plan);
    assert_eq!(recording.successes, 1_000, "{:?}", recording.errors);
    recording
}

/// Ratios of two runs, for the machine may be busy: a thread that is awake sends sooner than one that has to be woken, and pays
/// for that with its CPU.
#[test]
fn spinning_sends_sooner_and_costs_cpu() {
    let (asleep, awake) = (run(Duration::ZERO), run(Duration::from_millis(1)));
    let lag = |recording: &Recording| recording.send_lag_ns.value_at_quantile(0.5) as f64;
    assert!(lag(&awake) < 0.7 * lag(&asleep), "p50 lag {} ns, asleep {} ns", lag(&awake), lag(&asleep));
    let cpu = awake.cpu_seconds / asleep.cpu_seconds;
    assert!(cpu > 2.0, "spinning for half of the time took only {cpu:.1} times the CPU");
}
