//! The statistics behind comparisons: pure functions, each with its source.
//!
//! Requests within a run are correlated, so that the unit everywhere is the run, and two systems are compared by the
//! pairs of runs that shared a block.

mod estimate;
mod holm;
mod mser;
mod naive;
mod order;
#[cfg(test)]
mod reference;
mod share;

pub use estimate::Estimate;
pub use holm::holm;
pub use mser::mser5;
pub use naive::{kolmogorov_smirnov_p, mann_whitney_p_above};
pub use order::{median, median_bounds};
pub use share::share_bounds;
