//! [`Case`]: one cell of a scenario's matrix.

use std::fmt;

use super::MeshName;
use crate::units::{OfferedRate, Span};

/// One cell of a scenario's matrix; displayed as `quick::envoy-tuned::500rps::10s`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Case {
    /// The scenario's name.
    pub scenario: String,
    /// The mesh under test.
    pub mesh: MeshName,
    /// What is offered over all apps together.
    pub load: CaseLoad,
    /// How long is measured, without the warm-up.
    pub duration: Span,
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
        let Self { scenario, mesh, load, duration } = self;
        write!(formatter, "{scenario}::{mesh}::{load}::{duration}")
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
