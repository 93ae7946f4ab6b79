//! A mesh at another version than its folder's: in its files, `{version}` stands for the version.

use std::fs;

use meshbench_core::problem::Problem;
use meshbench_core::scenario::MeshVersion;

use super::definition::MeshDefinition;
use super::kube_mesh::{HelmChart, InstallStep, KubeMesh};
use crate::error::shown_path;

/// Stands for the version: in the steps of an installation, and in manifests beside `mesh.yaml`.
const PLACEHOLDER: &str = "{version}";

/// A text of a mesh's files with its version in it.
pub(crate) fn at_version(text: &str, version: &str) -> String {
    text.replace(PLACEHOLDER, version)
}

impl MeshDefinition {
    /// This mesh at another version, named `mesh@version`.
    ///
    /// # Errors
    /// A [`Problem`] of a mesh that would be the same at any version.
    pub(super) fn at(&self, version: &MeshVersion) -> Result<Self, Problem> {
        if !self.kube.as_ref().is_some_and(|kube| self.has_placeholder(kube)) {
            let message = format!(
                "there is no `{PLACEHOLDER}` in what is installed on Kubernetes, so that version {version} would be the same \
                 as any other (write \"{PLACEHOLDER}\" where a version stands: in a chart's `version`, a URL, or a manifest)"
            );
            return Err(Problem::of_file(shown_path(&self.folder.join("mesh.yaml")), message));
        }
        Ok(Self { name: self.name.at(version), version: version.to_string(), ..self.clone() })
    }

    fn has_placeholder(&self, kube: &KubeMesh) -> bool {
        let files = kube
            .enrolment
            .namespace_manifests
            .iter()
            .chain(kube.install.iter().filter_map(InstallStep::file));
        // A file that cannot be read is a matter of the installation, which says so.
        let is_in_files = || files.filter_map(|file| fs::read_to_string(self.folder.join(file)).ok());
        kube.install.iter().any(|step| step.at_version("") != *step)
            || is_in_files().any(|text| text.contains(PLACEHOLDER))
    }
}

impl InstallStep {
    /// The step with a version in place of each `{version}`.
    pub(crate) fn at_version(&self, version: &str) -> Self {
        let at = |text: &String| at_version(text, version);
        match self {
            Self::Helm(chart) => Self::Helm(HelmChart {
                chart: at(&chart.chart),
                repository: chart.repository.as_ref().map(at),
                version: chart.version.as_ref().map(at),
                ..chart.clone()
            }),
            Self::Manifests(source) => Self::Manifests(at(source)),
            Self::Kustomize(source) => Self::Kustomize(at(source)),
            Self::Command(words) => Self::Command(words.iter().map(at).collect()),
        }
    }

    /// The file with manifests that it names beside `mesh.yaml`, if it does.
    fn file(&self) -> Option<&String> {
        match self {
            Self::Manifests(source) if !source.starts_with("https://") => Some(source),
            Self::Manifests(_) | Self::Helm(_) | Self::Kustomize(_) | Self::Command(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::path::Path;

    fn mesh(folder: &Path, step: &str) -> MeshDefinition {
        let text = format!(
            "description: a mesh\nversion: 1.0\nkube:\n  namespaces: [{{name: system}}]\n  install:\n    - {step}\n  ready: \
             [sidecars_injected]\n  sidecars: [proxy]\n  proof:\n    sidecar: {{port: 1, path: /, inbound_requests: a, \
             outbound_requests: b}}\n"
        );
        MeshDefinition::parse("m".parse().unwrap(), folder, "m.yaml", &text).unwrap()
    }

    #[rstest]
    #[case::chart(
        r#"helm: {release: r, namespace: system, chart: c, repository: "https://e.com/{version}", version: "{version}"}"#,
        "repository: Some(\"https://e.com/2.0\"), version: Some(\"2.0\")"
    )]
    #[case::url(r#"manifests: "https://e.com/v{version}.yaml""#, "https://e.com/v2.0.yaml")]
    #[case::kustomization(r#"kustomize: "https://e.com/c?ref={version}""#, "https://e.com/c?ref=2.0")]
    #[case::command(r#"command: [install, "{version}"]"#, r#"["install", "2.0"]"#)]
    fn a_step_is_at_the_version(#[case] step: &str, #[case] expected: &str) {
        let other = mesh(Path::new("/nowhere"), step).at(&"2.0".parse().unwrap()).unwrap();
        assert_eq!((other.name.as_str(), other.version.as_str()), ("m@2.0", "2.0"));
        let step = other.kube.unwrap().install[0].at_version(&other.version);
        assert!(format!("{step:?}").contains(expected), "{step:?}");
    }

    #[test]
    fn a_mesh_whose_files_name_no_version_has_one_only() {
        let folder = tempfile::tempdir().unwrap();
        let mesh = mesh(folder.path(), "manifests: all.yaml");
        let version = "2.0".parse().unwrap();
        fs::write(folder.path().join("all.yaml"), "image: \"proxy:1.0\"\n").unwrap();
        let problem = mesh.at(&version).unwrap_err().message;
        insta::assert_snapshot!(problem, @"there is no `{version}` in what is installed on Kubernetes, so that version 2.0 would be the same as any other (write \"{version}\" where a version stands: in a chart's `version`, a URL, or a manifest)");
        fs::write(folder.path().join("all.yaml"), "image: \"proxy:{version}\"\n").unwrap();
        mesh.at(&version).unwrap();
    }
}
