//! How strictly changes are judged: [`Strictness`].

use std::num::NonZeroU32;

use crate::metric::{Metric, Unit};

/// How strictly a change of a metric is judged, whatever it is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strictness {
    /// The chance of calling worse what did not change, as a fraction.
    pub alpha: f64,
    /// Fresh blocks for what the first stage flags.
    pub confirming_blocks: NonZeroU32,
    /// The smallest changes that matter in proportion.
    pub smallest_changes: SmallestChanges,
    /// Differences that matter to nobody, however large they are in proportion.
    pub floors: Floors,
}

/// The smallest changes that matter in proportion, as fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmallestChanges {
    /// Of a quantile of the latency.
    pub latency: f64,
    /// Of CPU time per request.
    pub cpu: f64,
    /// Of memory, which moves in steps of what an allocator takes.
    pub memory: f64,
}

/// Differences that matter to nobody, in the metric's base unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floors {
    /// Of the median latency, in nanoseconds.
    pub p50_ns: f64,
    /// Of every other quantile of the latency, in nanoseconds.
    pub tail_ns: f64,
    /// Of CPU time per request, in nanoseconds.
    pub cpu_ns_per_request: f64,
    /// Of memory, in bytes.
    pub memory_bytes: f64,
}

impl Strictness {
    /// Whether a metric that rose from `lower` by this log ratio rose by more than the smallest change that matters, in
    /// proportion and in absolute terms. A fall is asked for as the rise that would undo it, from the new value.
    #[must_use]
    pub fn matters(&self, metric: Metric, lower: f64, log_ratio: f64) -> bool {
        let (smallest_change, floor) = match metric.unit() {
            Unit::Latency if metric == Metric::P50 => (self.smallest_changes.latency, self.floors.p50_ns),
            Unit::Latency => (self.smallest_changes.latency, self.floors.tail_ns),
            Unit::CpuPerRequest => (self.smallest_changes.cpu, self.floors.cpu_ns_per_request),
            Unit::Memory => (self.smallest_changes.memory, self.floors.memory_bytes),
            Unit::Rate => (self.smallest_changes.latency, 0.0),
            // Shares are compared by their difference: a ratio to no errors at all is none.
            Unit::Share => return false,
        };
        log_ratio > smallest_change.ln_1p() && lower * (log_ratio.exp() - 1.0) > floor
    }
}
