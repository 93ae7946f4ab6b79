//! [`Remains`]: what a campaign still has to put away when its report is written.

use meshbench_lab::process::LiveCampaign;
use meshbench_report::progress::Progress;
use tokio::runtime::Runtime;

use crate::clusters::Clusters;

/// What is left of a campaign when its report is there.
pub(crate) struct Remains {
    pub(crate) runtime: Runtime,
    pub(crate) clusters: Clusters,
    pub(crate) progress: Progress,
    /// What makes it a campaign that lives; its scratch folder, with what is pledged, goes last.
    pub(crate) _live: LiveCampaign,
}

impl Remains {
    /// Removes what is left in clusters, and those that were made. What could not be removed comes back in words.
    #[must_use]
    pub(crate) fn leave(mut self) -> Vec<String> {
        self.runtime.block_on(self.clusters.leave(&mut self.progress))
    }
}
