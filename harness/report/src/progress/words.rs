//! The lines that stay: what a person may want to scroll back to.

use meshbench_core::event::{Event, Step};

use crate::format::{Number, counted, wait};

/// The line for an event that is worth one. What may come first in a trial begins a line of its own: libtest has begun one
/// with the trial's name.
pub(super) fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Swept { what } => what.clone(),
        Event::Provisioning { mesh } => format!("provisioning {mesh}"),
        Event::MakingCluster { command } => format!("\nmaking a cluster: {command}"),
        Event::RemovingCluster { context } => format!("removing the cluster {context}"),
        Event::GroupStarted { group, runs, at_least } => {
            format!("\n{group}: {}, at least {}", counted(u64::from(*runs), "run"), wait(*at_least))
        }
        Event::SearchStarted { group, most_probes, at_most } => format!(
            "\n{group}: at most {}, at most {}",
            counted(u64::from(*most_probes), "probe"),
            wait(*at_most)
        ),
        Event::ProbeDone { mesh, rate, what, most_left, at_most_left } => format!(
            "  {mesh} at {rate}: {}; at most {} left, at most {}",
            indented(what),
            counted(u64::from(*most_left), "probe"),
            wait(*at_most_left)
        ),
        Event::RunStarted { run, block, blocks } => format!("  {run}, block {block} of {blocks}"),
        Event::RunDone { run, p50_ns, error_share, .. } => {
            let p50 = p50_ns.map_or_else(|| "no success".to_owned(), |p50| format!("p50 {}", duration(p50)));
            format!("  {run} done: {p50}, {} errors", Number::Percent.show(*error_share))
        }
        Event::RunFailed { run, why } => format!("  {run} failed: {}", indented(why)),
        Event::Step(_) | Event::Progress { .. } | Event::ProbeStarted { .. } | Event::GroupDone => {
            return None;
        }
    })
}

/// What a step is called while it lasts.
pub(super) fn step(step: Step) -> String {
    match step {
        Step::Starting => "starting".to_owned(),
        Step::Verifying => "verifying the data path".to_owned(),
        Step::WarmingUp(span) => format!("warming up for {}", wait(span)),
        Step::Measuring(span) => format!("measuring for {}", wait(span)),
        Step::Stopping => "stopping".to_owned(),
    }
}

/// Nanoseconds as people read them.
pub(super) fn duration(ns: u64) -> String {
    Number::Duration.show(ns as f64)
}

/// Keeps later lines of a text visibly part of it.
fn indented(text: &str) -> String {
    text.trim_end().lines().collect::<Vec<_>>().join("\n    ")
}
