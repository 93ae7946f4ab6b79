//! What the load got answered, and what must have crossed a mesh for it at least: [`Answered`].

use std::collections::BTreeSet;

use meshbench_core::recording::Recording;
use meshbench_core::scenario::Scenario;

use crate::kube::workload::Service;

/// What the load got answered, warm-up and all: counters have it, too.
#[derive(Debug, Clone)]
pub(crate) struct Answered<'a> {
    /// The paths that were asked for.
    pub paths: BTreeSet<&'a str>,
    /// Requests that succeeded.
    pub requests: u64,
    /// Apps that answered any of them.
    pub apps: u64,
    /// Whether they came from pods of the mesh.
    pub from_mesh: bool,
}

impl<'a> Answered<'a> {
    /// What the generators of a scenario recorded together.
    pub(crate) fn of(scenario: &'a Scenario, recording: &Recording) -> Self {
        let answering = recording.targets.iter().filter(|target| target.successes > 0);
        Self {
            paths: scenario.workload.requests.iter().map(|request| request.path.as_str()).collect(),
            requests: recording.all_successes(),
            apps: answering.count() as u64,
            from_mesh: scenario.kube.generator_meshed,
        }
    }

    /// Whether each request has the web service call another, before it can be answered.
    pub(super) fn all_call(&self) -> bool {
        self.paths.iter().all(|path| !called_behind(path).is_empty())
    }

    /// The services that requests to these paths come to.
    pub(super) fn services(&self) -> BTreeSet<Service> {
        let behind = self.paths.iter().flat_map(|path| called_behind(path));
        behind.chain([&Service::Web]).copied().collect()
    }

    /// How many requests between pods of the mesh there were at least: those of a generator in it, and a call behind each
    /// that has any. What more a path calls depends on votes.
    pub(super) fn least_requests(&self) -> u64 {
        self.requests * (u64::from(self.from_mesh) + u64::from(self.all_call()))
    }

    /// How many connections between pods of the mesh were opened for it at least: a generator has one to each app, opened
    /// when its load begins. The apps' own may be older, and a generator outside the mesh opens none in it.
    pub(super) fn least_connections(&self) -> u64 {
        self.apps * u64::from(self.from_mesh)
    }
}

/// The services that a request to a path has the web service call; what is no call of its API calls none.
fn called_behind(path: &str) -> &'static [Service] {
    let path = path.split('?').next().unwrap_or(path);
    match path {
        "/api/list" => &[Service::Emoji],
        "/api/vote" | "/api/leaderboard" => &[Service::Emoji, Service::Voting],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_call_behind_each(&["/api/list", "/api/vote?choice=:flushed:"], true, 200, 3)]
    #[case::a_page_calls_nobody(&["/api/list", "/"], true, 100, 3)]
    #[case::from_outside(&["/api/list"], false, 100, 0)]
    #[case::a_page_from_outside(&["/"], false, 0, 0)]
    fn what_must_cross_is_what_surely_did(
        #[case] paths: &[&str],
        #[case] from_mesh: bool,
        #[case] requests: u64,
        #[case] connections: u64,
    ) {
        let paths = paths.iter().copied().collect();
        let answered = Answered { paths, requests: 100, apps: 3, from_mesh };
        assert_eq!(answered.least_requests(), requests);
        assert_eq!(answered.least_connections(), connections);
    }
}
