//! CPU time that is known too roughly to be judged by: [`too_rough`], [`rough_cpu_finding`].
//!
//! Where nobody can read a counter at the moment a window opens or closes, what it counted there lies between the readings
//! around: see [`crate::edges`]. That error is of the edges and does not grow with the window, so a longer window cures it.

use std::time::Duration;

use crate::metric::{Metric, Unit};
use crate::run::{MOST_CPU_ERROR_SHARE, Run};

const MINUTE_NS: f64 = 60e9;

/// Why a limit on this metric is not judged by these runs, in words; `None` where its value is known well enough.
pub(super) fn too_rough<'a>(metric: Metric, runs: impl Iterator<Item = &'a Run>) -> Option<String> {
    let worst = roughest(metric, runs)?;
    let (error, tolerated, cure) = (percent(worst.share), percent(MOST_CPU_ERROR_SHARE), worst.cure());
    Some(format!("{metric} is known to ±{error} only, where {tolerated} is tolerated: {cure}"))
}

/// What is to be said of a mesh whose CPU time is known too roughly to be gated and compared, in a sentence.
#[must_use]
pub fn rough_cpu_finding(runs: &[&Run]) -> Option<String> {
    let rough = |metric| Some((metric, roughest(metric, runs.iter().copied())?));
    let metrics: Vec<_> = Metric::ALL.into_iter().filter_map(rough).collect();
    let (_, worst) = metrics.iter().max_by(|(_, left), (_, right)| left.share.total_cmp(&right.share))?;
    let errors = metrics.iter().map(|(metric, rough)| format!("{metric} to ±{}", percent(rough.share)));
    let errors = errors.collect::<Vec<_>>().join(", ");
    let (mesh, tolerated) = (&runs.first()?.mesh, percent(MOST_CPU_ERROR_SHARE));
    let cure = worst.cure();
    Some(format!(
        "CPU of {mesh} is neither gated nor compared where it is known too roughly, for its counters were not read at the \
         window's edges: {errors}, where {tolerated} is tolerated: {cure}"
    ))
}

/// A value that is known too roughly.
struct Rough {
    /// How far it can be from the truth, as a share of it.
    share: f64,
    window_ns: u64,
}

fn roughest<'a>(metric: Metric, runs: impl Iterator<Item = &'a Run>) -> Option<Rough> {
    if metric.unit() != Unit::CpuPerRequest {
        return None;
    }
    runs.map(|run| Rough { share: run.cpu_error_share(metric), window_ns: run.recording.window_ns })
        .filter(|rough| rough.share > MOST_CPU_ERROR_SHARE)
        .max_by(|left, right| left.share.total_cmp(&right.share))
}

impl Rough {
    /// What would make it known well enough.
    fn cure(&self) -> String {
        let needed_minutes = (self.window_ns as f64 * self.share / MOST_CPU_ERROR_SHARE / MINUTE_NS).ceil();
        match Duration::try_from_secs_f64(needed_minutes * 60.0) {
            Ok(needed) => format!("measure for {} or longer", humantime::format_duration(needed)),
            Err(_) => "measure for longer".to_owned(),
        }
    }
}

/// Whole percents; what has no bounds is as much as anything.
fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.0}%", share * 100.0) } else { "any share".to_owned() }
}
