//! Rendering a mesh's manifests, before anything is in a cluster.

use std::path::Path;

use kube::api::DynamicObject;

use super::manifest::objects_in;
use super::program::Program;
use crate::kube::error::KubeError;
use crate::mesh::{HelmChart, InstallStep, KubeMesh, MeshDefinition, at_version};

/// What one step of an installation gave.
#[derive(Debug, Clone)]
pub(super) struct RenderedStep {
    /// Its name, which the file with its manifests carries: the release, file or program.
    pub(super) name: String,
    /// The manifests as they were rendered.
    pub(super) text: String,
    /// The objects in them, in their order.
    pub(super) objects: Vec<DynamicObject>,
}

/// Renders every step of an installation.
///
/// # Errors
/// [`KubeError::Render`] when a step gives no manifests, [`KubeError::Manifest`] when they are not such.
pub(super) async fn render(mesh: &MeshDefinition, kube: &KubeMesh) -> Result<Vec<RenderedStep>, KubeError> {
    let own = kube.namespaces.first().map_or("default", |namespace| namespace.name.as_str());
    let mut rendered = Vec::new();
    for step in &kube.install {
        let step = &step.at_version(&mesh.version);
        let name = name_of(step);
        let text = text_of(step, mesh).await.map_err(|why| KubeError::Render {
            mesh: mesh.name.to_string(),
            step: name.clone(),
            why,
        })?;
        let namespace = match step {
            InstallStep::Helm(chart) => &chart.namespace,
            InstallStep::Manifests(_) | InstallStep::Kustomize(_) | InstallStep::Command(_) => own,
        };
        let objects = objects_in(&format!("{}, step {name}", mesh.name), &text, Some(namespace))?;
        rendered.push(RenderedStep { name, text, objects });
    }
    Ok(rendered)
}

/// The objects that an application's namespace needs to be part of the mesh, in none yet.
///
/// # Errors
/// [`KubeError::Render`] when a file cannot be read, [`KubeError::Manifest`] when it does not hold manifests.
pub(super) fn namespace_objects(
    mesh: &MeshDefinition,
    kube: &KubeMesh,
) -> Result<Vec<DynamicObject>, KubeError> {
    let mut objects = Vec::new();
    for file in &kube.enrolment.namespace_manifests {
        let text = read(mesh, file).map_err(|why| KubeError::Render {
            mesh: mesh.name.to_string(),
            step: file.clone(),
            why,
        })?;
        objects.extend(objects_in(&format!("{}, {file}", mesh.name), &text, None)?);
    }
    Ok(objects)
}

/// A name for a file: the release, or the last part of a path or URL without its extension.
fn name_of(step: &InstallStep) -> String {
    let path = match step {
        InstallStep::Helm(chart) => return chart.release.clone(),
        InstallStep::Manifests(path) | InstallStep::Kustomize(path) => path,
        InstallStep::Command(words) => words.first().map_or("command", String::as_str),
    };
    let path = path.split_once(['?', '#']).map_or(path, |(path, _)| path);
    Path::new(path).file_stem().map_or_else(|| "step".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

async fn text_of(step: &InstallStep, mesh: &MeshDefinition) -> Result<String, String> {
    let folder = &mesh.folder;
    match step {
        InstallStep::Helm(chart) => Program::helm().print(&helm_arguments(chart), folder).await,
        InstallStep::Manifests(url) if url.starts_with("https://") => {
            Program::curl().print(&curl_arguments(url), folder).await
        }
        InstallStep::Manifests(file) => read(mesh, file),
        InstallStep::Kustomize(source) => {
            Program::kubectl().print(&["kustomize".to_owned(), source.clone()], folder).await
        }
        InstallStep::Command(words) => match words.split_first() {
            Some((program, arguments)) => Program::of_mesh(program).print(arguments, folder).await,
            None => Err("the command has no words".to_owned()),
        },
    }
}

/// A file of the mesh, with its version in it.
fn read(mesh: &MeshDefinition, file: &str) -> Result<String, String> {
    let path = mesh.folder.join(file);
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(at_version(&text, &mesh.version))
}

/// Rendered and not installed by Helm: what is applied is then the same for every way manifests come, and is marked as the
/// campaign's.
fn helm_arguments(chart: &HelmChart) -> Vec<String> {
    let HelmChart { release, namespace, chart, repository, version, values } = chart;
    let mut arguments: Vec<_> =
        ["template", release, chart, "--include-crds", "--namespace", namespace].map(str::to_owned).into();
    let options = [
        ("--repo", repository.clone()),
        ("--version", version.clone()),
        ("--values", values.as_ref().map(|path| path.display().to_string())),
    ];
    for (option, value) in options {
        arguments.extend(value.into_iter().flat_map(|value| [option.to_owned(), value]));
    }
    arguments
}

fn curl_arguments(url: &str) -> Vec<String> {
    ["--fail", "--silent", "--show-error", "--location", "--proto", "=https", url].map(str::to_owned).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::cluster::shown;
    use rstest::rstest;
    use std::path::PathBuf;

    fn mesh(folder: &Path, install: &str) -> MeshDefinition {
        let text = format!(
            "description: a mesh\nversion: 1\nkube:\n  namespaces: [{{name: system}}]\n  install:\n{install}  \
             ready: [{{deployment: system/control}}]\n  sidecars: [proxy]\n  proof:\n    sidecar:\n      port: 1\n      \
             path: /\n      inbound_requests: a\n      outbound_requests: b\n"
        );
        MeshDefinition::parse("m".parse().unwrap(), folder, "m.yaml", &text).unwrap()
    }

    async fn rendered(folder: &Path, install: &str) -> Result<Vec<RenderedStep>, KubeError> {
        let mesh = mesh(folder, install);
        render(&mesh, mesh.kube.as_ref().unwrap()).await
    }

    #[tokio::test]
    async fn files_and_commands_give_objects_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let manifest =
            "{apiVersion: v1, kind: ServiceAccount, metadata: {name: control, labels: {v: \"{version}\"}}}\n";
        std::fs::write(folder.path().join("control.yaml"), manifest).unwrap();
        let print = r#"'printf "{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: other}}"'"#;
        let install = format!("    - manifests: control.yaml\n    - command: [sh, -c, {print}]\n");
        let steps = rendered(folder.path(), &install).await.unwrap();
        let told: Vec<_> = steps
            .iter()
            .flat_map(|step| step.objects.iter().map(|one| (step.name.as_str(), shown(one))))
            .collect();
        let expected =
            [("control", "ServiceAccount system/control".to_owned()), ("sh", "Secret other/key".to_owned())];
        assert_eq!(told, expected);
        assert_eq!(steps[0].text, manifest.replace("{version}", "1"));
    }

    #[tokio::test]
    async fn a_step_that_gives_nothing_is_named() {
        let folder = Path::new("/nowhere");
        let missing = rendered(folder, "    - manifests: control.yaml\n").await.unwrap_err();
        assert_eq!(
            missing.to_string(),
            "cannot render control of m: cannot read /nowhere/control.yaml: No such file or directory (os error 2)"
        );
        let failing =
            rendered(Path::new("/"), "    - command: [sh, -c, 'echo no >&2; exit 1']\n").await.unwrap_err();
        assert_eq!(
            failing.to_string(),
            "cannot render sh of m: `sh -c echo no >&2; exit 1` failed (exit status: 1): no"
        );
    }

    #[test]
    fn a_chart_is_rendered_at_its_pinned_version() {
        let chart = HelmChart {
            release: "istio-base".into(),
            namespace: "istio-system".into(),
            chart: "base".into(),
            repository: Some("https://example.com/charts".into()),
            version: Some("1.31.0".into()),
            values: Some(PathBuf::from("values.yaml")),
        };
        assert_eq!(
            helm_arguments(&chart).join(" "),
            "template istio-base base --include-crds --namespace istio-system --repo https://example.com/charts \
             --version 1.31.0 --values values.yaml"
        );
    }

    #[rstest]
    #[case(InstallStep::Manifests("crds/all.yaml".into()), "all")]
    #[case(InstallStep::Manifests("https://example.com/v1/standard-install.yaml".into()), "standard-install")]
    #[case(InstallStep::Kustomize("https://example.com/config?ref=v1.0".into()), "config")]
    #[case(InstallStep::Command(vec!["./certificates.sh".into()]), "certificates")]
    fn steps_have_names_for_files(#[case] step: InstallStep, #[case] name: &str) {
        assert_eq!(name_of(&step), name);
    }
}
