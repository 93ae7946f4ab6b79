//! Wires the rooms together: scenarios become trials, trials ask a campaign, the campaign reports.
//!
//! [`trials::run`] is the whole of `cargo test --test meshes`; [`cli`] is `meshbench`.

mod baselines;
mod calibrate;
mod campaign;
mod case_reports;
pub mod cli;
mod clusters;
mod discovery;
mod environment;
mod limit_reports;
mod output;
mod places;
mod rebuild;
mod remains;
mod settings;
mod signals;
mod stage;
mod textfile;
pub mod trials;

pub use settings::{
    CONTEXT_VARIABLE, OUTPUT_VARIABLE, Programs, REQUIRE_BASELINE_VARIABLE, SCENARIOS_VARIABLE,
    STRICT_VARIABLE, Settings, TEXTFILE_VARIABLE,
};
