//! Where a campaign ran, and what about it a reader must know before trusting its numbers.

use std::time::Duration;

use meshbench_core::pooling::Pooled;
use meshbench_core::report::{ClusterEnvironment, Environment, Report};

use crate::format::{Number, wait};

/// The machine, or the cluster, in one line.
pub(crate) fn environment(report: &Report) -> String {
    let took = Duration::try_from_secs_f64(report.took_seconds).unwrap_or_default();
    let (place, version) = (places(&report.environment), &report.environment.meshbench_version);
    format!("{place}; meshbench {version}, took {}", wait(took))
}

fn places(environment: &Environment) -> String {
    let of_cluster = |cluster: &ClusterEnvironment| {
        let ClusterEnvironment { context, version, .. } = cluster;
        let (cores, memory) = (cluster.cores(), Number::Bytes.show(cluster.memory_bytes() as f64));
        let topology = cluster.topology();
        format!("{topology}; Kubernetes {version} of context {context}, {cores} cores, {memory}")
    };
    if !environment.clusters.is_empty() {
        return environment.clusters.iter().map(of_cluster).collect::<Vec<_>>().join("; ");
    }
    let Environment { cpu_model, memory_bytes, kernel, generator_cores, measured_cores, .. } = environment;
    let memory = Number::Bytes.show(*memory_bytes as f64);
    let (generator, measured) = (cores(generator_cores), cores(measured_cores));
    format!("{cpu_model}, {memory}, kernel {kernel}; generator on {generator}, measured on {measured}")
}

/// What weakens every number of the campaign, each in a sentence.
pub(crate) fn warnings(report: &Report) -> Vec<String> {
    let environment = &report.environment;
    let shared: Vec<usize> = environment
        .generator_cores
        .iter()
        .filter(|core| environment.measured_cores.contains(core))
        .copied()
        .collect();
    let mut warnings = Vec::new();
    if report.interrupted {
        warnings.push(
            "interrupted: a signal ended the campaign early; only what was finished by then is shown"
                .to_owned(),
        );
    }
    for cluster in environment.clusters.iter().filter(|cluster| cluster.co_located) {
        warnings.push(format!(
            "in {} the load generator shares a node with what it measures: latencies include waiting for it; \
             use a cluster with another node",
            cluster.context
        ));
    }
    let left_out = report.pooled.iter().flat_map(Pooled::left_out);
    warnings.extend(left_out.map(|left_out| format!("not pooled: {left_out}")));
    if !shared.is_empty() && environment.clusters.is_empty() {
        let shared = cores(&shared);
        warnings.push(format!(
            "the load generator shares {shared} with what it measures: latencies include waiting for it; \
             use a machine with more cores"
        ));
    }
    if !environment.optimised {
        warnings.push(
            "the measured programs were built without optimisations: \
             compare these numbers with nothing; build with the workspace's own profiles"
                .to_owned(),
        );
    }
    warnings
}

fn cores(cores: &[usize]) -> String {
    let list: Vec<String> = cores.iter().map(usize::to_string).collect();
    match list.as_slice() {
        [] => "any core".to_owned(),
        [one] => format!("core {one}"),
        several => format!("cores {}", several.join(", ")),
    }
}
