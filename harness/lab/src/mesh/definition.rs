//! What a mesh is, as its `mesh.yaml` says it.

use std::path::{Path, PathBuf};

use meshbench_core::problem::Problem;
use meshbench_core::resources::Group;
use meshbench_core::scenario::MeshName;
use meshbench_core::yaml;
use serde::Deserialize;

use super::metric_selector::MetricSelector;

/// A mesh: the content of one folder under `scenarios/meshes/`.
#[derive(Debug, Clone)]
pub struct MeshDefinition {
    /// The folder's name.
    pub name: MeshName,
    /// Where its files are.
    pub folder: PathBuf,
    /// One line for people who choose a mesh.
    pub description: String,
    /// The version it pins, as results show it.
    pub version: String,
    /// How it runs on one machine; `None` for a mesh that needs Kubernetes.
    pub local: Option<LocalMesh>,
}

/// How a mesh runs as processes on one machine.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalMesh {
    /// One of this project's own binaries as the proxy.
    pub built_in: Option<BuiltIn>,
    /// A proxy from elsewhere.
    pub binary: Option<BinarySource>,
    /// The processes to start; none for `bare`.
    #[serde(default)]
    pub processes: Vec<ProcessTemplate>,
}

/// A binary of this project that a mesh may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum BuiltIn {
    /// The reference sidecar.
    #[serde(rename = "meshbench-sidecar")]
    Sidecar,
}

/// Where a proxy's executable comes from: the variable, then `PATH`, then pip.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinarySource {
    /// The executable's name, looked for on `PATH`.
    pub name: String,
    /// The environment variable that names an executable and wins over all else.
    pub variable: String,
    /// Arguments that make it print its version.
    pub version_arguments: Vec<String>,
    /// What that output must contain.
    pub version_contains: String,
    /// The Python package that carries the binary, if one does.
    pub pip: Option<PipPackage>,
    /// What a person can do when it is not there.
    pub cure: String,
}

/// A pinned Python package with a binary in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipPackage {
    /// Its name on the package index.
    pub package: String,
    /// The exact version.
    pub version: String,
    /// The executable's path inside the installed package.
    pub file: PathBuf,
    /// SHA-256 digests of the wheels that are accepted, one per platform.
    pub sha256: Vec<String>,
}

/// One kind of process a mesh consists of.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessTemplate {
    /// Its name, for example `sidecar`.
    pub name: String,
    /// Whether it is control plane or data plane.
    pub group: Group,
    /// Whether each workload gets one or all share one.
    pub per: Multiplicity,
    /// Extra ports it listens on, by name; `ports.<name>` in templates.
    #[serde(default)]
    pub ports: Vec<String>,
    /// Files rendered into its directory from `<file>.jinja` beside `mesh.yaml`.
    #[serde(default)]
    pub templates: Vec<String>,
    /// The command line; each word is a template of its own.
    pub command: Vec<String>,
    /// When it is ready for traffic.
    pub ready: ReadyProbe,
    /// Its own counters, which prove that traffic crosses it.
    pub counters: Option<Counters>,
}

/// How many of a process there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Multiplicity {
    /// One beside each workload, the load generator included: a sidecar.
    Workload,
    /// One for the whole mesh.
    Mesh,
}

/// An HTTP path that answers 200 once the process is ready.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadyProbe {
    /// One of the process's named ports.
    pub port: String,
    /// The path to ask.
    pub path: String,
}

/// Where a proxy's counters are and which of them count requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// One of the process's named ports.
    pub port: String,
    /// The path that answers in Prometheus text format.
    pub path: String,
    /// Requests that arrived from peers.
    pub inbound_requests: MetricSelector,
    /// Requests that the workload sent to peers.
    pub outbound_requests: MetricSelector,
    /// Completed mutual TLS handshakes on the inbound side.
    pub inbound_tls_handshakes: MetricSelector,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDefinition {
    description: String,
    version: String,
    local: Option<LocalMesh>,
}

impl MeshDefinition {
    /// Reads `mesh.yaml` text; `file` is what errors call it.
    ///
    /// # Errors
    /// A [`Problem`] with file, line, field and cure when the text is not a valid definition.
    pub fn parse(name: MeshName, folder: &Path, file: &str, text: &str) -> Result<Self, Problem> {
        let raw: RawDefinition = yaml::from_str(file, text)?;
        let refuse = |path: yaml::Path, message: String| Err(problem_at(file, text, &path, message));
        let processes = || yaml::Path::of("local").key("processes");
        if let Some(local) = &raw.local {
            if local.built_in.is_some() && local.binary.is_some() {
                return refuse(
                    yaml::Path::of("local").key("binary"),
                    "a mesh has either `built_in` or `binary`, not both".into(),
                );
            }
            if local.built_in.is_none() && local.binary.is_none() && !local.processes.is_empty() {
                return refuse(processes(), "needs `local.binary` or `local.built_in` to run".into());
            }
            let sidecars = local.processes.iter().filter(|process| process.per == Multiplicity::Workload);
            if sidecars.count() != usize::from(!name.is_bare()) {
                let message = if name.is_bare() {
                    "bare is the control: it has no sidecar"
                } else {
                    "a mesh has exactly one process `per: workload`; without one nothing can prove that traffic crosses it"
                };
                return refuse(processes(), message.into());
            }
            for (index, process) in local.processes.iter().enumerate() {
                if let Some((field, port)) = process.unknown_port() {
                    let message = format!("names the port `{port}`, which `ports` does not list");
                    return refuse(processes().index(index).key(field).key("port"), message);
                }
                if process.per == Multiplicity::Workload && process.counters.is_none() {
                    let message = "a sidecar needs `counters`, or nothing can prove that traffic crosses it";
                    return refuse(processes().index(index), message.into());
                }
                if !matches!(process.group, Group::ControlPlane | Group::DataPlane) {
                    let message = "a mesh's process is `control_plane` or `data_plane`";
                    return refuse(processes().index(index).key("group"), message.into());
                }
            }
        }
        Ok(Self {
            name,
            folder: folder.to_owned(),
            description: raw.description,
            version: raw.version,
            local: raw.local,
        })
    }
}

fn problem_at(file: &str, text: &str, path: &yaml::Path, message: String) -> Problem {
    let (line, column) = yaml::locate(text, path, yaml::Place::Value).unzip();
    Problem { file: file.to_owned(), line, column, field: path.to_string(), message, hint: None }
}

impl LocalMesh {
    /// The process that stands beside each workload, if there is one.
    #[must_use]
    pub fn sidecar(&self) -> Option<&ProcessTemplate> {
        self.processes.iter().find(|process| process.per == Multiplicity::Workload)
    }
}

impl ProcessTemplate {
    fn unknown_port(&self) -> Option<(&'static str, &str)> {
        let uses = [("ready", Some(&self.ready.port)), ("counters", self.counters.as_ref().map(|c| &c.port))];
        uses.into_iter()
            .filter_map(|(field, port)| Some((field, port?)))
            .find(|(_, port)| !self.ports.contains(port))
            .map(|(field, port)| (field, port.as_str()))
    }
}
