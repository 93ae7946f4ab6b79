//! What can be said on the command line: [`Arguments`].

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use meshbench_core::load_plan::{LOAD_PLAN_VERSION, LoadPlanSettings, PlannedRate};
use meshbench_core::units::{Span, TextError};

use super::url::{self, UrlError};

const DEFAULT_CONNECTIONS: u32 = 16;

/// Sends HTTP/1.1 requests at a constant rate and measures each from when it was due.
///
/// Open loop: a server that stalls does not slow the load down, and the wait it causes is in every latency. Requests take
/// turns over all URLs, evenly. Results are printed, and kept with --output and --hlog.
#[derive(Debug, Parser)]
#[command(name = "meshbench-load", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to send requests to, such as `http://127.0.0.1:8080/path`; give it several times for several
    #[arg(long = "url", value_name = "URL", required_unless_present = "plan", conflicts_with = "plan")]
    urls: Vec<String>,

    /// Requests per second in all, or `max` to send as fast as answers come
    #[arg(long, value_name = "N|max", value_parser = rate, required_unless_present = "plan", conflicts_with = "plan")]
    rate: Option<PlannedRate>,

    /// How long to measure, such as 10s or 5m
    #[arg(long, value_name = "TIME", required_unless_present = "plan", conflicts_with = "plan")]
    duration: Option<Span>,

    /// Kept-alive connections in all, spread evenly over the servers [default: 16, or one for each server and thread]
    #[arg(long, value_name = "N", conflicts_with = "plan")]
    connections: Option<u32>,

    /// Threads that send
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "plan")]
    threads: u32,

    /// How long to send the same load before measuring
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration, conflicts_with = "plan")]
    warmup: Duration,

    /// When a request has failed, counted from when it was due
    #[arg(long, value_name = "TIME", default_value = "5s", conflicts_with = "plan")]
    timeout: Span,

    /// Decides the order in which URLs take turns
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "plan")]
    seed: u64,

    /// Read all of the above from a load plan in JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,

    /// Write the recording as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Write a histogram a second as an HDR interval log
    #[arg(long, value_name = "FILE")]
    pub(crate) hlog: Option<PathBuf>,

    /// Print what happens as lines of JSON while it happens, instead of a summary at the end
    #[arg(long)]
    pub(crate) events: bool,
}

impl Arguments {
    /// The plan that the flags describe.
    pub(crate) fn settings(&self) -> Result<LoadPlanSettings, UrlError> {
        let targets = url::targets(&self.urls)?;
        let one_each = (targets.len() as u32).saturating_mul(self.threads);
        Ok(LoadPlanSettings {
            version: LOAD_PLAN_VERSION,
            connections: self.connections.unwrap_or(DEFAULT_CONNECTIONS.max(one_each)),
            targets,
            // Both are there, or clap had refused.
            rate: self.rate.unwrap_or(PlannedRate::Max),
            duration: self.duration.map(Duration::from).unwrap_or_default(),
            warm_up: self.warmup,
            timeout: self.timeout.into(),
            // Long enough that every request is answered or times out.
            drain: self.timeout.into(),
            threads: self.threads,
            seed: self.seed,
        })
    }
}

/// A rate; on the command line the unit goes without saying.
fn rate(text: &str) -> Result<PlannedRate, TextError> {
    let is_bare = text.ends_with(|last: char| last.is_ascii_digit());
    if is_bare { format!("{text}rps").parse() } else { text.parse() }
}
