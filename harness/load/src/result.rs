//! Turns what the threads tallied into the [`Recording`] that is handed out.

use std::collections::BTreeMap;

use meshbench_core::load_plan::{LoadPlan, Target};
use meshbench_core::recording::{self, ErrorKind, RECORDING_VERSION, Recording, SenderUse, TargetCounts};
use meshbench_core::validity::Validity;

use crate::left_out;
use crate::tally::{Tally, TargetTally};

/// What the main thread saw at the edges of the window.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) interrupted: bool,
    pub(crate) window_ns: u64,
    pub(crate) cpu_seconds: f64,
    /// By thread.
    pub(crate) senders: Vec<SenderUse>,
}

/// The recording of a run of `plan`.
pub(crate) fn recording(
    plan: &LoadPlan,
    window_start_unix_ns: u64,
    measured: Measured,
    total: Tally,
) -> Recording {
    let settings = plan.settings();
    let warm_up_ns = u64::try_from(settings.warm_up.as_nanos()).unwrap_or(u64::MAX);
    let mut recording = Recording {
        version: RECORDING_VERSION,
        generator: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        plan: settings.without_secrets(),
        left_out_digest: left_out::digest(settings),
        validity: Validity::default(),
        interrupted: measured.interrupted,
        window_start_unix_ns,
        window_ns: measured.window_ns,
        warm_up_ns,
        requests: total.successes() + total.error_count(),
        successes: total.successes(),
        errors: errors_by_kind(&total.targets),
        offered_rate: recording::offered_rate(plan, measured.window_ns),
        answered_in_window: total.answered_in_window,
        achieved_rate: recording::per_second(total.answered_in_window, measured.window_ns),
        cpu_seconds: measured.cpu_seconds,
        threads: settings.threads,
        senders: measured.senders,
        connections: settings.connections,
        reconnects: total.reconnects,
        opened_extra: total.opened_extra,
        max_queue_depth: total.max_queue_depth,
        targets: settings.targets.iter().zip(&total.targets).map(target_counts).collect(),
        latency_ns: total.latency,
        service_ns: total.service,
        send_lag_ns: total.send_lag,
        error_latency_ns: total.error_latency,
    };
    recording.validity = Validity::of(&recording);
    recording
}

fn errors_by_kind(targets: &[TargetTally]) -> BTreeMap<ErrorKind, u64> {
    let count = |kind: ErrorKind| targets.iter().map(|target| target.errors[kind as usize]).sum();
    ErrorKind::ALL.into_iter().map(|kind| (kind, count(kind))).filter(|(_, count)| *count > 0).collect()
}

fn target_counts((target, tally): (&Target, &TargetTally)) -> TargetCounts {
    let (successes, errors) = (tally.successes, tally.error_count());
    TargetCounts { name: target.name.clone(), requests: successes + errors, successes, errors }
}
