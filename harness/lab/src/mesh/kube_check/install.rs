//! What can be wrong in the steps of an installation.

use std::path::{Component, Path};

use meshbench_core::yaml;

use super::super::definition::Wrong;
use super::super::kube_mesh::{HelmChart, InstallStep, KubeMesh};

/// The first thing wrong in the steps of an installation.
pub(super) fn wrong_in_install(path: &yaml::Path, kube: &KubeMesh) -> Option<Wrong> {
    kube.install.iter().enumerate().find_map(|(index, step)| {
        let path = path.index(index);
        match step {
            InstallStep::Helm(chart) => wrong_in_chart(&path.key("helm"), kube, chart),
            InstallStep::Manifests(source) => {
                wrong_source(source).map(|message| (path.key("manifests"), message))
            }
            InstallStep::Kustomize(source) => {
                wrong_source(source).map(|message| (path.key("kustomize"), message))
            }
            InstallStep::Command(words) => words
                .is_empty()
                .then(|| (path.key("command"), "is empty; expected words such as [linkerd, install]".into())),
        }
    })
}

fn wrong_in_chart(path: &yaml::Path, kube: &KubeMesh, chart: &HelmChart) -> Option<Wrong> {
    let HelmChart { release, namespace, chart, repository, version, values } = chart;
    let is_url = chart.starts_with("oci://");
    let wrong = |field: &str, message: &str| Some((path.key(field), message.to_owned()));
    if !is_kubernetes_name(release) {
        return wrong("release", NOT_A_NAME);
    }
    if !kube.namespaces.iter().any(|own| own.name == *namespace) && !namespace.starts_with("kube-") {
        return wrong("namespace", "is not among `kube.namespaces`, so nothing makes it; list it there");
    }
    if repository.as_ref().is_some_and(|url| !url.starts_with("https://")) {
        return wrong("repository", "expected a URL that begins with https://");
    }
    if repository.is_some() && chart.contains('/') {
        return wrong("chart", "expected the chart's name within `repository`");
    }
    let is_path = repository.is_none() && !is_url;
    if is_path && !Path::new(chart).is_absolute() && !is_beside(chart) {
        return wrong("chart", OUTSIDE);
    }
    if is_path && version.is_some() {
        return wrong(
            "version",
            "a chart that is a path has its version in itself; name a `repository`, or leave this out",
        );
    }
    if !is_path && version.is_none() {
        return Some((
            path.clone(),
            "needs `version`: what is measured tomorrow must be what is measured today".into(),
        ));
    }
    match values {
        Some(values) if !is_beside(&values.to_string_lossy()) => wrong("values", OUTSIDE),
        _ => None,
    }
}

fn wrong_source(source: &str) -> Option<String> {
    if source.starts_with("https://") {
        return None;
    }
    if source.contains("://") {
        return Some("expected a file beside mesh.yaml, or a URL that begins with https://".to_owned());
    }
    (!is_beside(source)).then(|| OUTSIDE.to_owned())
}

/// What is said of a name that Kubernetes does not take.
pub(super) const NOT_A_NAME: &str =
    "expected a name as Kubernetes takes it: lower-case letters, digits and dashes";
/// What is said of a path that leaves the mesh's folder.
pub(super) const OUTSIDE: &str = "expected a path beside mesh.yaml: a mesh is one folder";

/// Whether Kubernetes takes it as the name of a namespace or an object.
pub(super) fn is_kubernetes_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(is_plain) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether a path stays within the folder it starts from.
pub(super) fn is_beside(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
