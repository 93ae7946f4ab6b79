//! [`Workload`]: what is deployed and what is asked of it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::units::Span;

/// Emojivoto × N and the requests sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// How many copies of the application, each with an identity of its own.
    pub apps: NonZeroU32,
    /// Connections of the load generator, over all apps together.
    pub connections: NonZeroU32,
    /// After which a request counts as an error.
    pub timeout: Span,
    /// The request mix, drawn by weight and spread evenly over the apps.
    pub requests: Vec<WeightedRequest>,
    /// Votes that every app starts with, by shortcode such as `:flushed:`.
    ///
    /// A leaderboard costs a call for every emoji ever voted for, so these are all the mix may vote for.
    pub votes: BTreeMap<String, NonZeroU32>,
}

/// One kind of request of the mix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightedRequest {
    /// Path and query, with the leading slash.
    pub path: String,
    /// How often, against the sum of all weights.
    pub weight: NonZeroU32,
}
