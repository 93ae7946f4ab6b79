//! What every part of meshbench shares and none of it touches the outside: scenarios, plans, recordings, budgets, verdicts.

pub mod baseline;
pub mod budget;
pub mod calibration;
pub mod campaign_means;
pub mod collapse;
pub mod comparison;
pub mod course;
pub mod digest;
pub mod edges;
pub mod event;
pub mod file_name;
pub mod fingerprint;
pub mod histogram;
pub mod history;
pub mod interval_log;
pub mod judge;
pub mod limit;
pub mod load_command;
pub mod load_event;
pub mod load_plan;
pub mod metric;
pub mod near_miss;
pub mod node_traces;
pub mod pooling;
pub mod problem;
pub mod recording;
pub mod report;
pub mod resources;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod shuffle;
pub mod statistics;
pub mod steadiness;
pub mod turns;
pub mod units;
pub mod validity;
pub mod yaml;

/// Whether this build is what a measurement should be made with. The workspace's
/// profiles switch assertions off wherever they switch optimisation on.
pub const OPTIMISED: bool = !cfg!(debug_assertions);
