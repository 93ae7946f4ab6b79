//! The statistics behind comparisons: pure functions, each with its source.
//!
//! Requests within a run are correlated, so that the unit everywhere is the run, and two systems are compared by the
//! pairs of runs that shared a block.

mod holm;
mod paired;

pub use holm::holm;
pub use paired::Paired;
