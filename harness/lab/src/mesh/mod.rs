//! Meshes as files: definitions, templates, and where their executables come from.

mod binary;
mod catalog;
mod definition;
mod metric_selector;
mod provision;
mod template;

pub use binary::{BinaryFinder, Found, Unavailable};
pub use catalog::{CatalogError, MeshCatalog};
pub use definition::{
    BinarySource, BuiltIn, Counters, LocalMesh, MeshDefinition, Multiplicity, PipPackage, ProcessTemplate,
    ReadyProbe,
};
pub use metric_selector::{MetricSelector, NotASelector, parse_scrape};
pub use template::{
    InboundContext, OutboundContext, Protocol, TemplateContext, TemplateError, render_file, render_word,
};
