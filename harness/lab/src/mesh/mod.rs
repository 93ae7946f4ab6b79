//! Meshes as files: definitions, templates, and where their executables come from.

mod binary;
mod catalog;
mod definition;
mod kube_check;
mod kube_mesh;
mod metric_selector;
mod provision;
mod template;
mod version;

pub use binary::{BinaryFinder, Found, Unavailable};
pub use catalog::{CatalogError, MeshCatalog};
pub use definition::{
    BinarySource, BuiltIn, Counters, LocalMesh, MeshDefinition, Multiplicity, PipPackage, ProcessTemplate,
    ReadyProbe,
};
pub use kube_mesh::{
    Crossing, Enrolment, HelmChart, IdentityProof, InstallStep, KubeCounters, KubeMesh, KubeProof, LeftOver,
    OwnNamespace, Permission, PodCommand, PodSelector, ReadyCondition, SharedCounters,
};
pub use metric_selector::{MetricSelector, NotASelector, parse_scrape};
pub use template::{
    InboundContext, OutboundContext, Protocol, TemplateContext, TemplateError, render_file, render_word,
};
pub(crate) use version::at_version;
