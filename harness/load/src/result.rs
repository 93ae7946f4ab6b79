//! Turns what the threads tallied into the [`Recording`] that is handed out.

use std::collections::BTreeMap;

use meshbench_core::load_plan::{LoadPlan, Target};
use meshbench_core::recording::{ErrorKind, RECORDING_VERSION, Recording, TargetCounts};

use crate::tally::{Tally, TargetTally};

/// What the main thread saw at the edges of the window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) interrupted: bool,
    pub(crate) window_ns: u64,
    pub(crate) cpu_seconds: f64,
}

/// The recording of a run of `plan`.
pub(crate) fn recording(
    plan: &LoadPlan,
    window_start_unix_ns: u64,
    measured: &Measured,
    total: Tally,
) -> Recording {
    let settings = plan.settings();
    let warm_up_ns = u64::try_from(settings.warm_up.as_nanos()).unwrap_or(u64::MAX);
    let per_second = |count| per_second(count, measured.window_ns);
    Recording {
        version: RECORDING_VERSION,
        interrupted: measured.interrupted,
        window_start_unix_ns,
        window_ns: measured.window_ns,
        warm_up_ns,
        requests: total.successes() + total.error_count(),
        successes: total.successes(),
        errors: errors_by_kind(&total.targets),
        offered_rate: plan.requests_due_in(warm_up_ns..warm_up_ns + measured.window_ns).map(per_second),
        achieved_rate: per_second(total.answered_in_window),
        cpu_seconds: measured.cpu_seconds,
        threads: settings.threads,
        connections: settings.connections,
        reconnects: total.reconnects,
        max_queue_depth: total.max_queue_depth,
        targets: settings.targets.iter().zip(&total.targets).map(target_counts).collect(),
        latency_ns: total.latency,
        service_ns: total.service,
        send_lag_ns: total.send_lag,
        error_latency_ns: total.error_latency,
    }
}

fn per_second(count: u64, window_ns: u64) -> f64 {
    if window_ns > 0 { count as f64 / (window_ns as f64 / 1e9) } else { 0.0 }
}

fn errors_by_kind(targets: &[TargetTally]) -> BTreeMap<ErrorKind, u64> {
    let count = |kind: ErrorKind| targets.iter().map(|target| target.errors[kind as usize]).sum();
    ErrorKind::ALL.into_iter().map(|kind| (kind, count(kind))).filter(|(_, count)| *count > 0).collect()
}

fn target_counts((target, tally): (&Target, &TargetTally)) -> TargetCounts {
    let (successes, errors) = (tally.successes, tally.error_count());
    TargetCounts { name: target.name.clone(), requests: successes + errors, successes, errors }
}
