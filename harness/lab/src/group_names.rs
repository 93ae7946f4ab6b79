//! [`GroupNames`]: what a block group, its cases, and the folders of its runs are called.

use std::fmt;

use meshbench_core::file_name;
use meshbench_core::scenario::{Conditions, MeshName};

/// What the names of one group are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupNames<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// What its runs are measured under.
    pub conditions: Conditions,
    /// The context of the cluster that its runs take place on, where the same group runs on others too.
    pub cluster: Option<&'a str>,
}

impl GroupNames<'_> {
    /// `scenario::load::duration`, and `@context` where it runs on several clusters.
    pub(crate) fn group(&self) -> String {
        let Self { scenario, conditions, .. } = self;
        format!("{scenario}::{conditions}{}", self.place(str::to_owned))
    }

    /// `scenario::mesh::load::duration`, and `@context` where it runs on several clusters.
    pub(crate) fn case(&self, mesh: &MeshName) -> String {
        let Self { scenario, conditions, .. } = self;
        format!("{scenario}::{mesh}::{conditions}{}", self.place(str::to_owned))
    }

    /// The folder, within the campaign's, of a mesh's run in a step of the group such as `block1`.
    pub(crate) fn run_folder(&self, step: fmt::Arguments<'_>, mesh: &MeshName) -> String {
        let Self { scenario, conditions, .. } = self;
        let conditions = conditions.to_string().replace("::", "-");
        format!("runs/{scenario}-{conditions}-{step}-{mesh}{}", self.place(file_name::encode))
    }

    fn place(&self, shown: impl Fn(&str) -> String) -> String {
        self.cluster.map_or_else(String::new, |cluster| format!("@{}", shown(cluster)))
    }
}

#[cfg(test)]
mod tests {
    use meshbench_core::scenario::{CaseLoad, ServicePlacement};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::of_a_rate(
        CaseLoad::Rate("500rps".parse().unwrap()),
        None,
        None,
        ["quick::500rps::10s", "quick::istio@1.31.0::500rps::10s", "runs/quick-500rps-10s-block2-istio@1.31.0"]
    )]
    #[case::of_a_limit_on_several_clusters(
        CaseLoad::Limit,
        None,
        Some("eks/east"),
        [
            "quick::limit::10s@eks/east",
            "quick::istio@1.31.0::limit::10s@eks/east",
            "runs/quick-limit-10s-block2-istio@1.31.0@eks%2feast",
        ]
    )]
    #[case::of_one_of_several_placements(
        CaseLoad::Rate("500rps".parse().unwrap()),
        Some(ServicePlacement::SameNode),
        None,
        [
            "quick::500rps::10s::same_node",
            "quick::istio@1.31.0::500rps::10s::same_node",
            "runs/quick-500rps-10s-same_node-block2-istio@1.31.0",
        ]
    )]
    fn names_say_what_where_and_how_long(
        #[case] load: CaseLoad,
        #[case] services: Option<ServicePlacement>,
        #[case] cluster: Option<&str>,
        #[case] expected: [&str; 3],
    ) {
        let conditions = Conditions { load, duration: "10s".parse().unwrap(), services };
        let names = GroupNames { scenario: "quick", conditions, cluster };
        let mesh = "istio@1.31.0".parse().unwrap();
        assert_eq!(
            [names.group(), names.case(&mesh), names.run_folder(format_args!("block2"), &mesh)],
            expected
        );
    }
}
