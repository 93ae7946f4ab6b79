//! What the load generator gives back: a [`Recording`], and [`Merge`] for those of several generators.

mod merge;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::merge::{Merge, MergeError};
use crate::histogram::LatencyHistogram;
use crate::load_plan::{LoadPlan, LoadPlanSettings};
use crate::validity::Validity;

/// The version of the JSON that [`Recording`] is read from and written to.
pub const RECORDING_VERSION: u32 = 2;

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No connection to the target could be made while the request waited for one.
    Connect,
    /// TLS failed: a handshake while the request waited for a connection, or a record or alert while it was under way.
    Tls,
    /// The request was not answered in full within the plan's timeout, counted from when it was due.
    Timeout,
    /// The connection ended after the request was sent and before its response was complete.
    Reset,
    /// The response was not HTTP/1.1 as RFC 9112 has it, not HTTP/2 as RFC 9113 has it, or no answer to a gRPC call.
    Protocol,
    /// A complete response with a status of 400 to 499.
    #[serde(rename = "status_4xx")]
    Status4xx,
    /// A complete response with a status of 500 to 599.
    #[serde(rename = "status_5xx")]
    Status5xx,
    /// The server declined to process the request, which HTTP/2 lets it say; it is not tried again.
    Refused,
    /// The gRPC status `CANCELLED` (1).
    GrpcCancelled,
    /// The gRPC status `UNKNOWN` (2), one that has no name, or none at all.
    GrpcUnknown,
    /// The gRPC status `INVALID_ARGUMENT` (3).
    GrpcInvalidArgument,
    /// The gRPC status `DEADLINE_EXCEEDED` (4).
    GrpcDeadlineExceeded,
    /// The gRPC status `NOT_FOUND` (5).
    GrpcNotFound,
    /// The gRPC status `ALREADY_EXISTS` (6).
    GrpcAlreadyExists,
    /// The gRPC status `PERMISSION_DENIED` (7).
    GrpcPermissionDenied,
    /// The gRPC status `RESOURCE_EXHAUSTED` (8).
    GrpcResourceExhausted,
    /// The gRPC status `FAILED_PRECONDITION` (9).
    GrpcFailedPrecondition,
    /// The gRPC status `ABORTED` (10).
    GrpcAborted,
    /// The gRPC status `OUT_OF_RANGE` (11).
    GrpcOutOfRange,
    /// The gRPC status `UNIMPLEMENTED` (12).
    GrpcUnimplemented,
    /// The gRPC status `INTERNAL` (13).
    GrpcInternal,
    /// The gRPC status `UNAVAILABLE` (14).
    GrpcUnavailable,
    /// The gRPC status `DATA_LOSS` (15).
    GrpcDataLoss,
    /// The gRPC status `UNAUTHENTICATED` (16).
    GrpcUnauthenticated,
    /// Still unanswered when the time to drain was over, or when the run was interrupted.
    Unfinished,
}

impl ErrorKind {
    /// Every kind, in the order in which reports list them.
    pub const ALL: [Self; 25] = [
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Reset,
        Self::Protocol,
        Self::Status4xx,
        Self::Status5xx,
        Self::Refused,
        Self::GrpcCancelled,
        Self::GrpcUnknown,
        Self::GrpcInvalidArgument,
        Self::GrpcDeadlineExceeded,
        Self::GrpcNotFound,
        Self::GrpcAlreadyExists,
        Self::GrpcPermissionDenied,
        Self::GrpcResourceExhausted,
        Self::GrpcFailedPrecondition,
        Self::GrpcAborted,
        Self::GrpcOutOfRange,
        Self::GrpcUnimplemented,
        Self::GrpcInternal,
        Self::GrpcUnavailable,
        Self::GrpcDataLoss,
        Self::GrpcUnauthenticated,
        Self::Unfinished,
    ];

    /// What a gRPC status other than 0 stands for.
    #[must_use]
    pub fn of_grpc_status(status: u16) -> Self {
        let first = Self::GrpcCancelled as usize;
        let kind = Self::ALL.get(first + usize::from(status.wrapping_sub(1)));
        kind.copied().filter(|_| (1..=16).contains(&status)).unwrap_or(Self::GrpcUnknown)
    }

    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::Status4xx => "status_4xx",
            Self::Status5xx => "status_5xx",
            Self::Refused => "refused",
            Self::GrpcCancelled => "grpc_cancelled",
            Self::GrpcUnknown => "grpc_unknown",
            Self::GrpcInvalidArgument => "grpc_invalid_argument",
            Self::GrpcDeadlineExceeded => "grpc_deadline_exceeded",
            Self::GrpcNotFound => "grpc_not_found",
            Self::GrpcAlreadyExists => "grpc_already_exists",
            Self::GrpcPermissionDenied => "grpc_permission_denied",
            Self::GrpcResourceExhausted => "grpc_resource_exhausted",
            Self::GrpcFailedPrecondition => "grpc_failed_precondition",
            Self::GrpcAborted => "grpc_aborted",
            Self::GrpcOutOfRange => "grpc_out_of_range",
            Self::GrpcUnimplemented => "grpc_unimplemented",
            Self::GrpcInternal => "grpc_internal",
            Self::GrpcUnavailable => "grpc_unavailable",
            Self::GrpcDataLoss => "grpc_data_loss",
            Self::GrpcUnauthenticated => "grpc_unauthenticated",
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

/// What a sending thread used while the window was open.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderUse {
    /// User and system time, in seconds.
    pub cpu_seconds: f64,
    /// How often the kernel took its core away.
    pub involuntary_context_switches: u64,
}

/// Why a text is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It is of another release.
    #[error(
        "`version` is {found}, and only recordings of version {RECORDING_VERSION} can be read: use programs of one release"
    )]
    Version {
        /// The version it has.
        found: u32,
    },
    /// It is not JSON, or a field is wrong.
    #[error("it is not a recording of meshbench-load")]
    Format(#[source] serde_json::Error),
}

/// What one run of the generator measured. Everything counts requests that were *due* in the measured window, except where
/// a field says otherwise; `requests` is always the sum of `successes` and all `errors`.
#[must_use]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// [`RECORDING_VERSION`].
    pub version: u32,
    /// Name and version of the program that measured.
    pub generator: String,
    /// What the generator was told, [`LoadPlanSettings::without_secrets`].
    pub plan: LoadPlanSettings,
    /// A digest of what the plan leaves out, in hexadecimal: equal where that was equal. None where it leaves out nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out_digest: Option<String>,
    /// Whether the figures say something of the server, and if not, why.
    pub validity: Validity,
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
    /// Complete responses of any status whose last byte came while the window was open.
    pub answered_in_window: u64,
    /// The same, per second of the window.
    ///
    /// Answers to requests due before the window count and answers after it do not, so that a server that falls behind
    /// shows here what it can do, however long the generator waits for the rest.
    pub achieved_rate: f64,
    /// User and system CPU of the generator while the window was open, in seconds.
    pub cpu_seconds: f64,
    /// Threads that sent.
    pub threads: u32,
    /// What each of them used.
    pub senders: Vec<SenderUse>,
    /// Connections that the plan keeps open.
    pub connections: u32,
    /// Connections opened after the start, warm-up and all, mostly to replace one that ended or was given up.
    pub reconnects: u64,
    /// Connections opened beyond those that the plan keeps open, because requests had to wait; warm-up and all.
    #[serde(default)]
    pub opened_extra: u64,
    /// The most requests that were due and waiting for a free connection at one time: the sum of every thread's most.
    pub max_queue_depth: u64,
    /// Requests that succeeded and were due before the window opened: what moved counters besides.
    #[serde(default)]
    pub warm_up_successes: u64,
    /// From when a request was due until the kernel had the last byte of its response: successes.
    pub latency_ns: LatencyHistogram,
    /// From when a request was sent until the kernel had the last byte of its response: successes.
    pub service_ns: LatencyHistogram,
    /// From when a request was due to when it was sent: every request that was sent.
    pub send_lag_ns: LatencyHistogram,
    /// From when a request was due to when it failed: all errors. Timeouts stand at the timeout, unfinished ones at their age.
    pub error_latency_ns: LatencyHistogram,
    /// The counts of each target, in the order of the plan.
    pub targets: Vec<TargetCounts>,
}

impl Recording {
    /// Every request that succeeded, warm-up and all: what must have crossed a mesh.
    #[must_use]
    pub fn all_successes(&self) -> u64 {
        self.successes + self.warm_up_successes
    }

    /// Reads a recording from its JSON.
    ///
    /// # Errors
    /// Where it is of another version, or no recording at all.
    pub fn from_json(text: &str) -> Result<Self, RecordingError> {
        let Versioned { version } = serde_json::from_str(text).map_err(RecordingError::Format)?;
        if version != RECORDING_VERSION {
            return Err(RecordingError::Version { found: version });
        }
        serde_json::from_str(text).map_err(RecordingError::Format)
    }

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
        self.share_of_window(self.cpu_seconds / f64::from(self.threads))
    }

    /// How busy the busiest sending thread was, 0 to 1; 0 where there is no reading.
    #[must_use]
    pub fn busiest_sender_share(&self) -> f64 {
        self.senders.iter().map(|sender| self.share_of_window(sender.cpu_seconds)).fold(0.0, f64::max)
    }

    /// How often the kernel took their core from the sending threads, all together.
    #[must_use]
    pub fn involuntary_context_switches(&self) -> u64 {
        self.senders.iter().map(|sender| sender.involuntary_context_switches).sum()
    }

    fn share_of_window(&self, seconds: f64) -> f64 {
        if self.window_ns == 0 { 0.0 } else { seconds / (self.window_ns as f64 / 1e9) }
    }

    /// CPU of the generator per request, in microseconds; 0 where there were none.
    #[must_use]
    pub fn cpu_us_per_request(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.cpu_seconds * 1e6 / self.requests as f64 }
    }
}

/// What is read first, because everything else depends on it.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// What a plan offers in a window of this length, in requests per second; none where it is to saturate.
#[must_use]
pub fn offered_rate(plan: &LoadPlan, window_ns: u64) -> Option<f64> {
    let warm_up_ns = u64::try_from(plan.settings().warm_up.as_nanos()).unwrap_or(u64::MAX);
    let window = warm_up_ns..warm_up_ns.saturating_add(window_ns);
    plan.requests_due_in(window).map(|count| per_second(count, window_ns))
}

/// A count per second of a window; 0 where the window never opened.
#[must_use]
pub fn per_second(count: u64, window_ns: u64) -> f64 {
    if window_ns > 0 { count as f64 / (window_ns as f64 / 1e9) } else { 0.0 }
}
