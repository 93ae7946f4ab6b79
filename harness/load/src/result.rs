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
        left_out_digest: left_out::digest(settings, window_start_unix_ns),
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
        warm_up_successes: total.warm_up_successes,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use meshbench_core::load_plan::{LEFT_OUT, PlannedRequest, Protocol, RequestHeader};

    use super::*;
    use crate::http2::fuzzing::settings;

    #[test]
    fn secrets_of_the_plan_are_not_in_the_recording() {
        let authorization =
            RequestHeader { name: "Authorization".to_owned(), value: "Bearer hunter2".to_owned() };
        let request = PlannedRequest {
            headers: vec![authorization],
            body: b"pin=1234".to_vec(),
            ..PlannedRequest::get("/".to_owned(), 1)
        };
        let plan = LoadPlan::try_new(settings(Protocol::Http1, vec![request])).unwrap();
        let window_ns = Duration::from_secs(1).as_nanos() as u64;
        let of_run = |window_start_unix_ns| {
            let senders = Vec::new();
            let measured = Measured { interrupted: false, window_ns, cpu_seconds: 0.0, senders };
            recording(&plan, window_start_unix_ns, measured, Tally::new(1))
        };
        let recording = of_run(1);
        let kept = &recording.plan.targets[0].requests[0];
        assert_eq!((kept.headers[0].value.as_str(), kept.body.as_slice()), (LEFT_OUT, b"".as_slice()));
        assert!(recording.left_out_digest.is_some());
        assert_ne!(
            of_run(2).left_out_digest,
            recording.left_out_digest,
            "equal secrets show from run to run"
        );
    }
}
