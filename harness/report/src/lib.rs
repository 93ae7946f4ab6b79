//! What a campaign found, for people (console, Markdown) and for machines (JSON, JUnit, OpenMetrics, CSV).
//!
//! Every format is a pure function of one [`Report`](meshbench_core::report::Report); nothing here opens a file.
//! [`progress`] alone writes while a campaign runs.

pub mod calibration;
pub mod console;
pub mod csv;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod open_metrics;
pub mod progress;

mod facts;
mod format;
