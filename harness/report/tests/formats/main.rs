//! Every format, from fabricated reports as campaigns leave them.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its surroundings fail"
)]

mod calibration;
mod clusters;
mod console;
mod dashboard;
mod exposition;
mod extremes;
mod fabricated;
mod html;
mod machines;
mod metrics;
mod on_a_cluster;
mod pages;
mod published;
mod sweeps;
