//! The statistics behind comparisons: pure functions, each with its source.
//!
//! Requests within a run are correlated, so that the unit everywhere is the run, and two systems are compared by the
//! pairs of runs that shared a block.

mod estimate;
mod holm;
#[cfg(test)]
mod reference;

pub use estimate::Estimate;
pub use holm::holm;
