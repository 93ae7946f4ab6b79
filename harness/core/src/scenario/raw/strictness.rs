//! [`RawStrictness`]: how strictly changes are judged, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Count, Written};
use crate::units::{Bytes, Share, Span};

/// How strictly changes are judged.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a mapping such as {false_alarms: 2.5%}")]
#[schemars(rename = "Judge")]
pub(in crate::scenario) struct RawStrictness {
    /// The chance of calling worse what did not change.
    pub(in crate::scenario) false_alarms: Written<Share>,
    /// Fresh blocks for what seems to have become worse.
    pub(in crate::scenario) confirming_blocks: Written<Count>,
    /// Smaller changes do not matter.
    pub(in crate::scenario) smallest_changes: RawSmallestChanges,
    /// Smaller differences do not matter, however large they are in proportion.
    pub(in crate::scenario) floors: RawFloors,
}

/// Changes in proportion that matter.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a mapping such as {latency: 5%}")]
#[schemars(rename = "SmallestChanges")]
pub(in crate::scenario) struct RawSmallestChanges {
    /// Of p50, p90, p99 and p99.9.
    pub(in crate::scenario) latency: Written<Share>,
    /// Of CPU time per request.
    pub(in crate::scenario) cpu: Written<Share>,
    /// Of memory, which moves in steps of what an allocator takes.
    pub(in crate::scenario) memory: Written<Share>,
}

/// Differences that matter.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a mapping such as {p50: 50us}")]
#[schemars(rename = "Floors")]
pub(in crate::scenario) struct RawFloors {
    /// Of the median latency.
    pub(in crate::scenario) p50: Written<Span>,
    /// Of p90, p99 and p99.9.
    pub(in crate::scenario) tail: Written<Span>,
    /// Of CPU time per request.
    pub(in crate::scenario) cpu_per_request: Written<Span>,
    /// Of memory.
    pub(in crate::scenario) memory: Written<Bytes>,
}

impl Default for RawStrictness {
    fn default() -> Self {
        Self {
            false_alarms: Written::new("2.5%"),
            confirming_blocks: Written::new("8"),
            smallest_changes: RawSmallestChanges::default(),
            floors: RawFloors::default(),
        }
    }
}

impl Default for RawSmallestChanges {
    fn default() -> Self {
        Self { latency: Written::new("5%"), cpu: Written::new("5%"), memory: Written::new("10%") }
    }
}

/// What no user notices, and what one machine's clock and allocator move by on their own.
impl Default for RawFloors {
    fn default() -> Self {
        Self {
            p50: Written::new("50us"),
            tail: Written::new("100us"),
            cpu_per_request: Written::new("2us"),
            memory: Written::new("5MiB"),
        }
    }
}
