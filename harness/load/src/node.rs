//! What a mesh's agents have changed on the node of this pod: [`look`].
//!
//! It is no part of sending load. It is here because this program is in the image that every node has.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use meshbench_core::node_traces::{NODE_ROOT, NodeFindings, NodeMarks, NodeTrace};

/// Where nodes have programs of administrators, the last on NixOS.
const PROGRAM_FOLDERS: [&str; 6] =
    ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/run/current-system/sw/bin"];
const FAMILIES: [&str; 2] = ["iptables", "ip6tables"];
/// Each has rules of its own in the kernel. Without either, there is but one and nothing to tell apart.
const BACKENDS: [&str; 2] = ["-nft", "-legacy"];
const PLUGINS: &str = "opt/cni/bin";
const PLUGIN_CONFIGURATIONS: &str = "etc/cni/net.d";

/// Enters the node's file system for good, and looks by the node's own programs: they know where its rules are.
///
/// # Errors
/// When the file system cannot be entered.
pub(crate) fn look(marks: &NodeMarks) -> io::Result<NodeFindings> {
    std::os::unix::fs::chroot(NODE_ROOT)?;
    env::set_current_dir("/")?;
    let mut findings = NodeFindings::default();
    if !marks.iptables_chains.is_empty() {
        FAMILIES.iter().for_each(|family| look_for_chains(marks, family, &mut findings));
    }
    if !marks.network_plugins.is_empty() {
        look_for_plugins(marks, Path::new("/"), &mut findings);
    }
    Ok(findings)
}

fn look_for_chains(marks: &NodeMarks, family: &str, findings: &mut NodeFindings) {
    let programs = programs_of(family);
    if programs.is_empty() {
        findings.unseen.push(format!("there is no {family}-save (install iptables there)"));
    }
    for (program, path) in programs {
        match saved_by(&path) {
            Ok(saved) => findings.traces.extend(marks.chains_in(&program, &saved)),
            Err(why) => findings.unseen.push(format!("{} fails: {why}", path.display())),
        }
    }
}

/// The programs that print a family's rules, by name without `-save`.
fn programs_of(family: &str) -> Vec<(String, PathBuf)> {
    let found = |name: String| {
        let path = find(&format!("{name}-save"))?;
        Some((name, path))
    };
    let backends = BACKENDS.iter().filter_map(|backend| found(format!("{family}{backend}")));
    let backends: Vec<_> = backends.collect();
    if backends.is_empty() { found(family.to_owned()).into_iter().collect() } else { backends }
}

fn find(program: &str) -> Option<PathBuf> {
    PROGRAM_FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.exists())
}

fn saved_by(program: &Path) -> Result<String, String> {
    // Nothing is read from it; what is inherited need not be opened there.
    let output = Command::new(program).stdin(Stdio::inherit()).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A folder that is missing has no plugins in it.
fn look_for_plugins(marks: &NodeMarks, root: &Path, findings: &mut NodeFindings) {
    let programs = marks.network_plugins.iter().map(|name| root.join(PLUGINS).join(name));
    let there = programs.filter(|path| path.symlink_metadata().is_ok());
    findings.traces.extend(there.map(|path| NodeTrace::PluginProgram { file: path.display().to_string() }));
    let folder = root.join(PLUGIN_CONFIGURATIONS);
    match files_in(&folder) {
        Ok(files) => {
            let traces = files.iter().flat_map(|(file, content)| marks.plugins_in(file, content));
            findings.traces.extend(traces);
        }
        Err(error) => findings.unseen.push(format!("{} cannot be read: {error}", folder.display())),
    }
}

/// The paths of a folder's files, with what is in each.
fn files_in(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_file() {
            let content = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            files.push((path.display().to_string(), content));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found_in(root: &Path) -> Vec<String> {
        let marks = NodeMarks { network_plugins: vec!["mesh-cni".to_owned()], ..NodeMarks::default() };
        let mut findings = NodeFindings::default();
        look_for_plugins(&marks, root, &mut findings);
        assert_eq!(findings.unseen, Vec::<String>::new());
        let shown = |trace: &NodeTrace| trace.to_string().replace(&root.display().to_string(), "");
        findings.traces.iter().map(shown).collect()
    }

    #[test]
    fn plugins_are_found_as_programs_and_in_configurations() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(found_in(root.path()), Vec::<String>::new());
        for folder in [PLUGINS, PLUGIN_CONFIGURATIONS] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let write = |file: &str, text: &str| fs::write(root.path().join(file), text).unwrap();
        write("opt/cni/bin/bridge", "");
        write("etc/cni/net.d/mesh-kubeconfig", "kind: Config\n");
        write("etc/cni/net.d/10-net.conflist", r#"{"plugins": [{"type": "bridge"}]}"#);
        assert_eq!(found_in(root.path()), Vec::<String>::new());
        write("opt/cni/bin/mesh-cni", "");
        write("etc/cni/net.d/10-net.conflist", r#"{"plugins": [{"type": "bridge"}, {"type": "mesh-cni"}]}"#);
        let expected = [
            "the network plugin /opt/cni/bin/mesh-cni",
            "the network plugin mesh-cni in /etc/cni/net.d/10-net.conflist",
        ];
        assert_eq!(found_in(root.path()), expected);
    }
}
