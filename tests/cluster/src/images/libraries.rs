//! The shared libraries that programs of this machine need in an image.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Entry;
use crate::command;
use crate::error::{Error, Result};

/// The shared libraries and loaders of several programs, each once.
#[derive(Debug, Default)]
pub struct Libraries {
    paths: BTreeSet<PathBuf>,
}

impl Libraries {
    /// Adds those that a program starts with, as the loader itself says.
    ///
    /// # Errors
    /// [`Error::Unusable`] when one is not on this machine, [`Error::Failed`] when the program cannot be read.
    pub fn add_those_of(&mut self, program: &Path) -> Result<()> {
        let listed = command::run(Command::new("ldd").arg(program))?;
        if let Some(missing) = listed.lines().find(|line| line.contains("not found")) {
            return Err(Error::Unusable(format!(
                "{} needs a library: {}",
                program.display(),
                missing.trim()
            )));
        }
        self.paths.extend(paths_of(&listed));
        Ok(())
    }

    /// The files, under the very paths where the loader looks for them here; links' targets, under the links' names.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.paths.iter().map(|path| Entry::file(path, path, 0o755))
    }
}

/// Of lines such as `libc.so.6 => /lib/libc.so.6 (0x7f…)`, `/lib64/ld-linux.so.2 (0x7f…)` and `linux-vdso.so.1 (0x7f…)`.
fn paths_of(listed: &str) -> Vec<PathBuf> {
    listed
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_own_library_is_no_file() {
        let listed =
            "\tlinux-vdso.so.1 (0x7ff)\n\tlibc.so.6 => /lib/libc.so.6 (0x7f)\n\t/lib64/ld.so.2 (0x7f)\n";
        assert_eq!(paths_of(listed), [PathBuf::from("/lib/libc.so.6"), PathBuf::from("/lib64/ld.so.2")]);
        assert!(paths_of("\tstatically linked\n").is_empty());
    }
}
