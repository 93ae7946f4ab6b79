//! [`RawLimit`]: what limit is looked for, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Count, Written};
use crate::units::{OfferedRate, Share, Span};

/// Instead of `rates`: the highest rate is looked for at which each mesh keeps a service level.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a mapping such as {slo: {p99: 50ms}, from: 50rps, to: 5krps}")]
#[schemars(rename = "Limit")]
pub(in crate::scenario) struct RawLimit {
    /// What must be kept at a rate for it to be held.
    pub(in crate::scenario) slo: RawServiceLevel,
    /// The lowest rate to look at.
    pub(in crate::scenario) from: Written<OfferedRate>,
    /// The highest rate to look at.
    pub(in crate::scenario) to: Written<OfferedRate>,
    /// How far apart two rates are that are told apart.
    #[serde(default = "default_precision")]
    pub(in crate::scenario) precision: Written<Share>,
    /// How many fresh runs must hold at the limit.
    #[serde(default = "default_confirmations")]
    pub(in crate::scenario) confirmations: Written<Count>,
}

/// What must be kept at a rate for it to be held.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a mapping such as {p99: 50ms, errors: 0.1%}")]
#[schemars(rename = "ServiceLevel")]
pub(in crate::scenario) struct RawServiceLevel {
    /// The highest median latency of successes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) p50: Option<Written<Span>>,
    /// The highest 75th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) p75: Option<Written<Span>>,
    /// The highest 90th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) p90: Option<Written<Span>>,
    /// The highest 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) p99: Option<Written<Span>>,
    /// The highest 99.9th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) p99_9: Option<Written<Span>>,
    /// The most requests that may fail.
    pub(in crate::scenario) errors: Written<Share>,
    /// The least of the offered rate that must be answered within the window.
    pub(in crate::scenario) achieved: Written<Share>,
}

impl Default for RawServiceLevel {
    fn default() -> Self {
        Self {
            p50: None,
            p75: None,
            p90: None,
            p99: None,
            p99_9: None,
            errors: Written::new("0.1%"),
            achieved: Written::new("99%"),
        }
    }
}

fn default_precision() -> Written<Share> {
    Written::new("3%")
}

fn default_confirmations() -> Written<Count> {
    Written::new("3")
}
