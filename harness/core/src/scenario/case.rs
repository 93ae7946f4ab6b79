//! [`Case`]: one cell of a scenario's matrix.

use std::fmt;

use super::{MeshName, ServicePlacement};
use crate::units::{OfferedRate, Span};

/// One cell of a scenario's matrix; displayed as `quick::envoy-tuned::500rps::10s`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Case {
    /// The scenario's name.
    pub scenario: String,
    /// The mesh under test.
    pub mesh: MeshName,
    /// What it is measured under.
    pub conditions: Conditions,
}

/// What meshes are measured under side by side; displayed as `500rps::10s`, or `500rps::10s::same_node` where the scenario
/// has several placements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conditions {
    /// What is offered over all apps together.
    pub load: CaseLoad,
    /// How long is measured, without the warm-up.
    pub duration: Span,
    /// Where the services of an app run, where the scenario has several placements.
    pub services: Option<ServicePlacement>,
}

/// What a case offers; displayed as its part of the case's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseLoad {
    /// One rate: `500rps`.
    Rate(OfferedRate),
    /// One rate after another, until it is known how much can be carried: `limit`.
    Limit,
}

impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, mesh, conditions } = self;
        write!(formatter, "{scenario}::{mesh}::{conditions}")
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, duration, services } = self;
        write!(formatter, "{load}::{duration}")?;
        services.map_or(Ok(()), |services| write!(formatter, "::{services}"))
    }
}

impl fmt::Display for CaseLoad {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => rate.fmt(formatter),
            Self::Limit => formatter.write_str("limit"),
        }
    }
}
