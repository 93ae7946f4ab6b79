//! This machine's iptables, for the init container that redirects a pod's traffic to its sidecar.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::images::{Entry, Libraries};
use crate::requirements;

const FAMILIES: [&str; 2] = ["iptables", "ip6tables"];
/// The agent tries which of them the kernel supports.
const VARIANTS: [&str; 3] = ["", "-nft", "-legacy"];
const COMMANDS: [&str; 3] = ["", "-save", "-restore"];

/// Where the folder of extensions may lie, or lie in a folder of; its path is compiled into iptables.
const EXTENSIONS: [&str; 2] = ["/usr/lib", "/usr/lib64"];

/// The programs and their extensions; the libraries that they need are added to `libraries`.
///
/// # Errors
/// [`Error::Missing`] without iptables, [`Error::File`] or [`Error::Failed`] when it cannot be read.
pub(super) fn entries(libraries: &mut Libraries) -> Result<Vec<Entry>> {
    let missing = |what: &str| {
        Error::Missing(vec![format!("{what} not found: apt-get install --no-install-recommends iptables")])
    };
    let mut programs = BTreeSet::new();
    let mut entries = Vec::new();
    for name in names() {
        let Some(found) = requirements::find(&name) else { continue };
        let program = fs::canonicalize(&found).map_err(Error::file("follow", &found))?;
        let Some(program_name) = program.file_name() else { continue };
        // One program under many names, which tell it what to do.
        if program_name != name.as_str() {
            entries.push(Entry::link(Path::new("usr/sbin").join(&name), program_name));
        }
        programs.insert(program);
    }
    if programs.is_empty() {
        return Err(missing("iptables was"));
    }
    for program in programs {
        libraries.add_those_of(&program)?;
        let name = program.file_name().unwrap_or_default();
        entries.push(Entry::file(Path::new("usr/sbin").join(name), &program, 0o755));
    }
    let extensions = extensions()?;
    if extensions.is_empty() {
        return Err(missing("the extensions of iptables (/usr/lib/*/xtables) were"));
    }
    entries.extend(extensions.into_iter().map(|path| Entry::file(&path, &path, 0o644)));
    Ok(entries)
}

/// What the agent may call.
fn names() -> impl Iterator<Item = String> {
    FAMILIES.iter().flat_map(|family| {
        VARIANTS.iter().flat_map(move |variant| {
            COMMANDS.iter().map(move |command| format!("{family}{variant}{command}"))
        })
    })
}

fn extensions() -> Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    for folder in EXTENSIONS.iter().map(Path::new).filter(|folder| folder.is_dir()) {
        let mut candidates = vec![folder.to_owned()];
        candidates.extend(content(folder)?);
        for candidate in candidates.into_iter().map(|folder| folder.join("xtables")) {
            if candidate.is_dir() {
                files.extend(content(&candidate)?.into_iter().filter(|path| path.is_file()));
            }
        }
    }
    Ok(files)
}

fn content(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::file("read", folder))?;
    entries.map(|entry| Ok(entry.map_err(Error::file("read", folder))?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_and_kernels_are_named() {
        let names: BTreeSet<_> = names().collect();
        assert_eq!(names.len(), 18);
        for name in ["iptables", "iptables-nft-restore", "ip6tables-legacy-save"] {
            assert!(names.contains(name), "{name}");
        }
    }
}
