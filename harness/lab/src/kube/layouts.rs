//! What a scenario and a mesh make of a run's workload and load generator.

use meshbench_core::scenario::{Scenario, ServicePlacement};

use super::access::ReservedNode;
use super::cluster::Cluster;
use super::error::KubeError;
use super::install::MeshInstallation;
use super::load::GeneratorLayout;
use super::workload::Layout;
use crate::mesh::{Enrolment, KubeMesh};

/// The workload of a run.
///
/// # Errors
/// [`KubeError::Manifest`] and [`KubeError::Render`] for what the mesh wants in each namespace.
pub(super) fn workload_layout(
    scenario: &Scenario,
    services: ServicePlacement,
    installation: &MeshInstallation<'_>,
    run: &str,
    node: &ReservedNode,
) -> Result<Layout, KubeError> {
    let settings = &scenario.kube;
    Ok(Layout {
        run: run.to_owned(),
        apps: scenario.workload.apps,
        image: settings.image.clone(),
        workload_images: settings.workload_images.clone(),
        cpu_request: format!("{}m", settings.service_cpu_millicores),
        votes: scenario.workload.votes.clone(),
        namespaces: settings.namespaces,
        placement: services,
        apart_from_generator: !node.co_located,
        namespace_objects: installation.namespace_objects()?,
    })
}

/// The load generator of a run, part of the mesh where the scenario says so.
pub(super) fn generator_layout(
    cluster: &Cluster,
    scenario: &Scenario,
    mesh: &KubeMesh,
    run: &str,
    node: &ReservedNode,
) -> GeneratorLayout {
    let settings = &scenario.kube;
    let (enrolment, sidecars) = match settings.generator_meshed {
        true => (mesh.enrolment.clone(), mesh.sidecars.clone()),
        false => (Enrolment::default(), Vec::new()),
    };
    GeneratorLayout {
        run: run.to_owned(),
        namespace: format!("mb-{run}-load"),
        image: settings.image.clone(),
        pods: settings.generators.get(),
        reserved_for: (!node.co_located).then(|| cluster.campaign().to_owned()),
        sidecars,
        enrolment,
    }
}
