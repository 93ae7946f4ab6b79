//! [`KubeSettings`]: how a scenario uses a cluster.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::ClusterSource;
use super::word::written_as_word;
use crate::units::{Expectation, Span, TextError};

/// How a scenario uses a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeSettings {
    /// Which clusters it runs on.
    pub clusters: ClusterSource,
    /// The image with meshbench's programs.
    pub image: String,
    /// Images that the workload runs in place of ours.
    pub workload_images: Option<WorkloadImages>,
    /// Pods of the load generator, which share the rate.
    pub generators: NonZeroU32,
    /// Which node is reserved for the load generator.
    pub generator_node: GeneratorNode,
    /// Whether the load generator is part of the mesh, with an identity of its own.
    pub generator_meshed: bool,
    /// Where the services of an app run, one or more; with several there is a case for each.
    pub services: Vec<ServicePlacement>,
    /// What each of them asks the scheduler for, in thousandths of a core.
    pub service_cpu_millicores: NonZeroU32,
    /// Which namespaces the apps are in.
    pub namespaces: NamespaceLayout,
    /// How long a mesh stays once it is installed.
    pub install: InstallCycle,
    /// How long each step of a run may take, the load apart: installing, deploying, deleting, uninstalling.
    pub step_limit: Span,
}

impl KubeSettings {
    /// Where the services of an app run under such conditions: as these say, or else in the only place that there is.
    #[must_use]
    pub fn services_at(&self, services: Option<ServicePlacement>) -> ServicePlacement {
        services.or(self.services.first().copied()).unwrap_or(ServicePlacement::Anywhere)
    }

    /// Every image that the workload and the load generator run.
    pub fn images(&self) -> impl Iterator<Item = &String> {
        let upstreams =
            self.workload_images.iter().flat_map(|images| [&images.web, &images.emoji, &images.voting]);
        std::iter::once(&self.image).chain(upstreams)
    }
}

/// The images of upstream's Emojivoto, one for each service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadImages {
    /// The front end's.
    pub web: String,
    /// That of the service of emoji.
    pub emoji: String,
    /// That of the service of votes.
    pub voting: String,
}

const EXPECTED_NODE: Expectation = Expectation {
    what: "\"random\", a node's name or a label",
    examples: r#""random", "worker-3", "role=load""#,
};

/// Which node is reserved for the load generator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GeneratorNode {
    /// Any worker, drawn anew for each block.
    Random,
    /// Any worker with this label, drawn anew for each block.
    Label {
        /// The label's key.
        key: String,
        /// Its value.
        value: String,
    },
    /// This one.
    Name(String),
}

/// Where the services of an app run.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ServicePlacement {
    /// Wherever the scheduler puts them.
    Anywhere,
    /// All three services of an app on one node.
    SameNode,
    /// The services of an app on different nodes.
    AcrossNodes,
}

/// How long a mesh stays in the cluster once it is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, schemars::JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum InstallCycle {
    /// For one run.
    PerRun,
    /// For its runs at all rates, durations and placements of a block, one after the other.
    PerBlock,
}

/// Which namespaces the apps are in.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NamespaceLayout {
    /// Each app has a namespace of its own.
    PerApp,
    /// All are in one, their names ending in the number of the app.
    Shared,
}

impl fmt::Display for GeneratorNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => formatter.write_str("random"),
            Self::Label { key, value } => write!(formatter, "{key}={value}"),
            Self::Name(name) => formatter.write_str(name),
        }
    }
}

impl FromStr for GeneratorNode {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let is_plain =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
        match text.split_once('=') {
            _ if text.is_empty() => Err(EXPECTED_NODE.refuse(text, "names no node")),
            None if text == "random" => Ok(Self::Random),
            None if is_plain(text) => Ok(Self::Name(text.to_owned())),
            Some((key, value)) if !key.is_empty() && is_plain(key) && is_plain(value) => {
                Ok(Self::Label { key: key.to_owned(), value: value.to_owned() })
            }
            _ => Err(EXPECTED_NODE.refuse(text, "holds characters that no node's name or label can")),
        }
    }
}

crate::units::written_as_text!(
    GeneratorNode,
    "GeneratorNode",
    "^[A-Za-z0-9._/=-]+$",
    "random",
    "worker-3",
    "role=load"
);

written_as_word!(
    ServicePlacement, "a placement",
    Anywhere => "anywhere", SameNode => "same_node", AcrossNodes => "across_nodes",
);

written_as_word!(NamespaceLayout, "a layout", PerApp => "per_app", Shared => "shared");

written_as_word!(InstallCycle, "a cycle", PerRun => "per_run", PerBlock => "per_block");

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("random", GeneratorNode::Random)]
    #[case("worker-3", GeneratorNode::Name("worker-3".into()))]
    #[case("kubernetes.io/role=load", GeneratorNode::Label { key: "kubernetes.io/role".into(), value: "load".into() })]
    fn a_node_is_read_and_written(#[case] text: &str, #[case] node: GeneratorNode) {
        assert_eq!(text.parse::<GeneratorNode>().unwrap(), node);
        assert_eq!(node.to_string(), text);
    }

    #[rstest]
    #[case("")]
    #[case("=load")]
    #[case("a node")]
    fn what_is_no_node_is_refused(#[case] text: &str) {
        text.parse::<GeneratorNode>().unwrap_err();
    }
}
