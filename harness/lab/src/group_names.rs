//! [`GroupNames`]: what a block group, its cases, and the folders of its runs are called.

use std::fmt;

use meshbench_core::file_name;
use meshbench_core::scenario::{CaseLoad, MeshName};
use meshbench_core::units::Span;

/// What the names of one group are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupNames<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// What is offered.
    pub load: CaseLoad,
    /// The measured window of each run.
    pub duration: Span,
    /// The context of the cluster that its runs take place on, where the same group runs on others too.
    pub cluster: Option<&'a str>,
}

impl GroupNames<'_> {
    /// `scenario::load::duration`, and `@context` where it runs on several clusters.
    pub(crate) fn group(&self) -> String {
        let Self { scenario, load, duration, .. } = self;
        format!("{scenario}::{load}::{duration}{}", self.place(str::to_owned))
    }

    /// `scenario::mesh::load::duration`, and `@context` where it runs on several clusters.
    pub(crate) fn case(&self, mesh: &MeshName) -> String {
        let Self { scenario, load, duration, .. } = self;
        format!("{scenario}::{mesh}::{load}::{duration}{}", self.place(str::to_owned))
    }

    /// The folder, within the campaign's, of a mesh's run in a step of the group such as `block1`.
    pub(crate) fn run_folder(&self, step: fmt::Arguments<'_>, mesh: &MeshName) -> String {
        let Self { scenario, load, duration, .. } = self;
        format!("runs/{scenario}-{load}-{duration}-{step}-{mesh}{}", self.place(file_name::encode))
    }

    fn place(&self, shown: impl Fn(&str) -> String) -> String {
        self.cluster.map_or_else(String::new, |cluster| format!("@{}", shown(cluster)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::of_a_rate(
        CaseLoad::Rate("500rps".parse().unwrap()),
        None,
        ["quick::500rps::10s", "quick::istio@1.31.0::500rps::10s", "runs/quick-500rps-10s-block2-istio@1.31.0"]
    )]
    #[case::of_a_limit_on_several_clusters(
        CaseLoad::Limit,
        Some("eks/east"),
        [
            "quick::limit::10s@eks/east",
            "quick::istio@1.31.0::limit::10s@eks/east",
            "runs/quick-limit-10s-block2-istio@1.31.0@eks%2feast",
        ]
    )]
    fn names_say_what_where_and_how_long(
        #[case] load: CaseLoad,
        #[case] cluster: Option<&str>,
        #[case] expected: [&str; 3],
    ) {
        let names = GroupNames { scenario: "quick", load, duration: "10s".parse().unwrap(), cluster };
        let mesh = "istio@1.31.0".parse().unwrap();
        assert_eq!(
            [names.group(), names.case(&mesh), names.run_folder(format_args!("block2"), &mesh)],
            expected
        );
    }
}
