//! What every reader of a report asks of it, so that all of them read the same.

use super::{CaseReport, LimitReport, RunReport};
use crate::resources::Group;

impl CaseReport {
    /// `scenario::mesh::rate::duration`: what it is called on whatever cluster.
    #[must_use]
    pub fn name_anywhere(&self) -> &str {
        self.without_cluster(&self.name)
    }

    /// `scenario::rate::duration`: what its block group is called on whatever cluster.
    #[must_use]
    pub fn group_anywhere(&self) -> &str {
        self.without_cluster(&self.group)
    }

    /// The cluster that it is of, where the same case ran on others too.
    #[must_use]
    pub fn cluster_of_several(&self) -> Option<&str> {
        self.cluster.as_deref().filter(|_| self.name != self.name_anywhere())
    }

    fn without_cluster<'a>(&self, name: &'a str) -> &'a str {
        let cluster = self.cluster.as_deref().unwrap_or_default();
        name.strip_suffix(cluster).and_then(|rest| rest.strip_suffix('@')).unwrap_or(name)
    }

    /// Whether the runs of this block are among those that its figures are read from: not where it was left out, nor where
    /// it was a probe on the way to a limit.
    #[must_use]
    pub fn counts(&self, block: u32) -> bool {
        let confirms = |limit: &LimitReport| limit.confirming_blocks().any(|confirming| confirming == block);
        self.left_out.iter().all(|left_out| left_out.block != block)
            && self.limit.as_ref().is_none_or(confirms)
    }

    /// The runs that its figures are read from.
    pub fn counted_runs(&self) -> impl Iterator<Item = &RunReport> {
        self.runs.iter().filter(|run| self.counts(run.block))
    }
}

impl RunReport {
    /// CPU time of these groups per request that was answered in the window, in nanoseconds, as
    /// [`Metric::CpuPerRequest`](crate::metric::Metric::CpuPerRequest) has it; `None` where nothing was.
    #[must_use]
    pub fn cpu_ns_per_request(&self, groups: &[Group]) -> Option<f64> {
        let used = groups.iter().filter_map(|group| self.groups.get(group));
        let cpu_ns: u64 = used.map(|used| used.cpu_ns).sum();
        Some(cpu_ns as f64 / self.answered()?)
    }

    /// Requests that were answered in the window, which CPU is divided by; `None` where none was.
    #[must_use]
    pub fn answered(&self) -> Option<f64> {
        let answered = self.achieved_rate * self.window_seconds;
        (answered >= 1.0).then_some(answered)
    }
}
