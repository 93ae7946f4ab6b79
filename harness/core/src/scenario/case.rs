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
    /// The rate offered over all apps together.
    pub rate: OfferedRate,
    /// How long is measured, without the warm-up.
    pub duration: Span,
}

impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, mesh, rate, duration } = self;
        write!(formatter, "{scenario}::{mesh}::{rate}::{duration}")
    }
}
