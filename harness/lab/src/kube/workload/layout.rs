//! What a workload consists of, and what everything of it is called: [`Layout`].

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use meshbench_core::scenario::{NamespaceLayout, ServicePlacement, WorkloadImages};
use serde_json::Value;

use crate::kube::labels::RUN;

/// Where every service answers requests, on its pod and on its Service.
pub(crate) const REQUEST_PORT: u16 = 8080;
/// Where every service answers `/metrics` and `/ready`.
pub(super) const METRICS_PORT: u16 = 8801;

/// What is deployed for one run.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Unique to the run within the cluster: part of namespaces' names and a label's value, so lowercase letters, digits
    /// and dashes, and short.
    pub run: String,
    /// How many copies of Emojivoto.
    pub apps: NonZeroU32,
    /// The image with our programs.
    pub image: String,
    /// Upstream's images of the services; ours, where there are none.
    pub workload_images: Option<WorkloadImages>,
    /// The CPU that every service requests, as Kubernetes writes it, such as `100m`; there is no limit.
    pub cpu_request: String,
    /// Votes that every app starts with, by shortcode.
    pub votes: BTreeMap<String, NonZeroU32>,
    /// How apps are divided into namespaces.
    pub namespaces: NamespaceLayout,
    /// Where the services of one app are relative to each other.
    pub placement: ServicePlacement,
    /// Whether no pod of it may be on a load generator's node: not to be had in a cluster of one node.
    pub apart_from_generator: bool,
    /// Objects of the mesh's enrolment that are made in each namespace, such as a policy or a waypoint.
    pub namespace_objects: Vec<Value>,
}

/// A service of Emojivoto.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    /// The front end: HTTP/1.1.
    Web,
    /// The emoji: gRPC.
    Emoji,
    /// The votes: gRPC.
    Voting,
}

impl Service {
    /// All services of an app.
    pub(crate) const ALL: [Self; 3] = [Self::Web, Self::Emoji, Self::Voting];

    /// Its name: of its container, of the program's role, and the value of [`SERVICE`].
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Emoji => "emoji",
            Self::Voting => "voting",
        }
    }

    /// The service of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// The name of its Service's port, by which meshes know what it speaks.
    pub(super) fn port_name(self) -> &'static str {
        match self {
            Self::Web => "http",
            Self::Emoji | Self::Voting => "grpc",
        }
    }
}

impl Layout {
    /// Every service of every app.
    pub(crate) fn services(&self) -> impl Iterator<Item = (u32, Service)> {
        (0..self.apps.get()).flat_map(|app| Service::ALL.map(|service| (app, service)))
    }

    /// All its namespaces.
    pub(crate) fn namespace_names(&self) -> Vec<String> {
        match self.namespaces {
            NamespaceLayout::PerApp => (0..self.apps.get()).map(|app| self.namespace_of(app)).collect(),
            NamespaceLayout::Shared => vec![self.namespace_of(0)],
        }
    }

    /// The namespace of an app.
    pub(crate) fn namespace_of(&self, app: u32) -> String {
        match self.namespaces {
            NamespaceLayout::PerApp => format!("mb-{}-app-{app}", self.run),
            NamespaceLayout::Shared => format!("mb-{}", self.run),
        }
    }

    /// The URL of a service from any pod of the cluster, without a path.
    pub(crate) fn url_of(&self, app: u32, service: Service) -> String {
        let (name, namespace) = (self.service_name(app, service), self.namespace_of(app));
        format!("http://{name}.{namespace}.svc.cluster.local:{REQUEST_PORT}")
    }

    /// The name of a service's Deployment and `ServiceAccount`.
    pub(super) fn name_of(&self, app: u32, service: Service) -> String {
        self.indexed(service.name(), app)
    }

    /// The name of a service's Service.
    pub(super) fn service_name(&self, app: u32, service: Service) -> String {
        self.indexed(&format!("{}-svc", service.name()), app)
    }

    /// The selector of all its pods, and of all its namespaces.
    pub(super) fn selector(&self) -> String {
        format!("{RUN}={}", self.run)
    }

    fn indexed(&self, name: &str, app: u32) -> String {
        match self.namespaces {
            NamespaceLayout::PerApp => name.to_owned(),
            NamespaceLayout::Shared => format!("{name}-{app}"),
        }
    }
}
