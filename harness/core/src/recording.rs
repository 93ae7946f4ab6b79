//! What the load generator gives back: a [`Recording`].

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::histogram::LatencyHistogram;

/// The version of the JSON that [`Recording`] is read from and written to.
pub const RECORDING_VERSION: u32 = 1;

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No connection to the target could be made while the request waited for one.
    Connect,
    /// The request was not answered in full within the plan's timeout, counted from when it was due.
    Timeout,
    /// The connection ended after the request was sent and before its response was complete.
    Reset,
    /// The response was not HTTP/1.1 as RFC 9112 has it.
    Protocol,
    /// A complete response with a status of 400 to 499.
    #[serde(rename = "status_4xx")]
    Status4xx,
    /// A complete response with a status of 500 to 599.
    #[serde(rename = "status_5xx")]
    Status5xx,
    /// Still unanswered when the time to drain was over, or when the run was interrupted.
    Unfinished,
}

impl ErrorKind {
    /// Every kind, in the order in which reports list them.
    pub const ALL: [Self; 7] = [
        Self::Connect,
        Self::Timeout,
        Self::Reset,
        Self::Protocol,
        Self::Status4xx,
        Self::Status5xx,
        Self::Unfinished,
    ];

    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::Status4xx => "status_4xx",
            Self::Status5xx => "status_5xx",
            Self::Unfinished => "unfinished",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What one target of the plan was sent and how it answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetCounts {
    /// The target's name in the plan.
    pub name: String,
    /// Requests due in the window.
    pub requests: u64,
    /// Those that succeeded.
    pub successes: u64,
    /// Those that failed, in all.
    pub errors: u64,
}

/// What one run of the generator measured. Everything counts requests that were *due* in the measured window, except where
/// a field says otherwise; `requests` is always the sum of `successes` and all `errors`.
#[must_use]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// [`RECORDING_VERSION`].
    pub version: u32,
    /// Whether a signal ended the run early: the figures are true for the window as far as it got.
    pub interrupted: bool,
    /// When the window opened, in nanoseconds since 1970-01-01 UTC.
    pub window_start_unix_ns: u64,
    /// How long the window was open, in nanoseconds; shorter than planned only if interrupted.
    pub window_ns: u64,
    /// How long the load ran unrecorded before the window, in nanoseconds.
    pub warm_up_ns: u64,
    /// Requests.
    pub requests: u64,
    /// Requests answered in full with a status of 200 to 399.
    pub successes: u64,
    /// Requests that failed, by kind; kinds that did not occur are left out.
    pub errors: BTreeMap<ErrorKind, u64>,
    /// Requests that were due in the window by the plan, per second of it; none where the plan was to saturate.
    pub offered_rate: Option<f64>,
    /// Complete responses of any status whose last byte came while the window was open, per second of the window.
    ///
    /// Answers to requests due before the window count and answers after it do not, so that a server that falls behind
    /// shows here what it can do, however long the generator waits for the rest.
    pub achieved_rate: f64,
    /// User and system CPU of the generator while the window was open, in seconds.
    pub cpu_seconds: f64,
    /// Threads that sent.
    pub threads: u32,
    /// Connections that the plan keeps open.
    pub connections: u32,
    /// Connections opened after the start, warm-up and all, mostly to replace one that ended or was given up.
    pub reconnects: u64,
    /// The most requests that were due and waiting for a free connection at one time: the sum of every thread's most.
    pub max_queue_depth: u64,
    /// From when a request was due to the last byte of its response: successes.
    pub latency_ns: LatencyHistogram,
    /// From when a request was sent to the last byte of its response: successes.
    pub service_ns: LatencyHistogram,
    /// From when a request was due to when it was sent: every request that was sent.
    pub send_lag_ns: LatencyHistogram,
    /// From when a request was due to when it failed: all errors. Timeouts stand at the timeout, unfinished ones at their age.
    pub error_latency_ns: LatencyHistogram,
    /// The counts of each target, in the order of the plan.
    pub targets: Vec<TargetCounts>,
}

impl Recording {
    /// All requests that failed.
    #[must_use]
    pub fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }

    /// The share of requests that failed, 0 to 1; 0 where there were none.
    #[must_use]
    pub fn error_share(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.error_count() as f64 / self.requests as f64 }
    }

    /// Achieved rate over offered rate: below 0.99 the offered load did not get through. None where nothing was due, or the
    /// plan was to saturate.
    #[must_use]
    pub fn achieved_share(&self) -> Option<f64> {
        self.offered_rate
            .filter(|offered_rate| *offered_rate > 0.0)
            .map(|offered_rate| self.achieved_rate / offered_rate)
    }

    /// How busy the generator's threads were, 0 to 1: near 1 it measures itself.
    #[must_use]
    pub fn cpu_share(&self) -> f64 {
        let available_seconds = self.window_ns as f64 / 1e9 * f64::from(self.threads);
        if available_seconds > 0.0 { self.cpu_seconds / available_seconds } else { 0.0 }
    }

    /// CPU of the generator per request, in microseconds; 0 where there were none.
    #[must_use]
    pub fn cpu_us_per_request(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.cpu_seconds * 1e6 / self.requests as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording() -> Recording {
        let mut latency_ns = LatencyHistogram::new();
        latency_ns.record(1_000_001);
        Recording {
            version: RECORDING_VERSION,
            interrupted: false,
            window_start_unix_ns: 1_700_000_000_000_000_001,
            window_ns: 2_000_000_000,
            warm_up_ns: 0,
            requests: 4,
            successes: 1,
            errors: BTreeMap::from([(ErrorKind::Status5xx, 2), (ErrorKind::Connect, 1)]),
            offered_rate: Some(2.0),
            achieved_rate: 1.5,
            cpu_seconds: 1.0,
            threads: 2,
            connections: 1,
            reconnects: 0,
            max_queue_depth: 0,
            service_ns: latency_ns.clone(),
            send_lag_ns: latency_ns.clone(),
            error_latency_ns: LatencyHistogram::new(),
            latency_ns,
            targets: vec![TargetCounts { name: "web".to_owned(), requests: 4, successes: 1, errors: 3 }],
        }
    }

    #[test]
    fn a_recording_survives_its_json_exactly() {
        let json = serde_json::to_string(&recording()).unwrap();
        assert_eq!(serde_json::from_str::<Recording>(&json).unwrap(), recording());
    }

    #[test]
    fn unknown_fields_are_refused() {
        let json = serde_json::to_string(&recording()).unwrap().replace("\"interrupted\"", "\"interupted\"");
        let error = serde_json::from_str::<Recording>(&json).unwrap_err().to_string();
        assert!(error.contains("unknown field `interupted`"), "{error}");
    }

    #[test]
    fn error_kinds_are_named_alike_everywhere() {
        for kind in ErrorKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn shares_are_of_what_they_say() {
        let recording = recording();
        assert_eq!(recording.error_count(), 3);
        let shares = [recording.error_share(), recording.achieved_share().unwrap(), recording.cpu_share()];
        assert_eq!(shares, [0.75, 0.75, 0.25]);
        assert!((recording.cpu_us_per_request() - 250_000.0).abs() < 1e-6);
    }
}
