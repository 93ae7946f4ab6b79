//! The image of our own programs: they, the libraries they are linked with, and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::libraries::Libraries;
use super::{Entry, Image, NOBODY};
use crate::command;
use crate::error::{Error, Result};

/// What is in the image, under `/usr/local/bin`.
pub const PROGRAMS: [&str; 3] = ["meshbench-emojivoto", "meshbench-load", "meshbench-sidecar"];

/// Packs our programs from `folder` (such as `target/release`) into the archive `output`, under `name`.
///
/// # Errors
/// [`Error::Unusable`] when they are not built, [`Error::Failed`] or [`Error::File`] when they cannot be read.
pub fn write_programs_image(folder: &Path, name: &str, output: &Path) -> Result<()> {
    let mut image = Image::new(name, NOBODY);
    image.environment = vec!["PATH=/usr/local/bin".to_owned()];
    image.entries = vec![
        Entry::folder("tmp", 0o1777),
        Entry::text("etc/passwd", "root:x:0:0:root:/:/none\nnobody:x:65532:65532:nobody:/:/none\n"),
        Entry::text("etc/group", "root:x:0:\nnobody:x:65532:\n"),
        Entry::text("etc/nsswitch.conf", "hosts: files dns\n"),
    ];
    let stripped = tempfile::tempdir().map_err(Error::file("make a folder in", std::env::temp_dir()))?;
    let mut libraries = Libraries::default();
    for program in PROGRAMS {
        let built = folder.join(program);
        if !built.exists() {
            let built = built.display();
            return Err(Error::Unusable(format!(
                "{built} is not built: cargo build --package meshbench --bins"
            )));
        }
        libraries.add_those_of(&built)?;
        image.entries.push(Entry::file(
            format!("usr/local/bin/{program}"),
            without_symbols(&built, stripped.path())?,
            0o755,
        ));
    }
    image.entries.extend(libraries.entries());
    image.write(output)
}

/// A copy without symbols, where there is a program to make one: they are most of a debug build.
fn without_symbols(program: &Path, folder: &Path) -> Result<PathBuf> {
    let copy = folder.join(program.file_name().unwrap_or_default());
    match command::run(Command::new("strip").arg("-o").arg(&copy).arg(program)) {
        Ok(_) => Ok(copy),
        Err(Error::Start { .. }) => Ok(program.to_owned()),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_built_is_named_with_the_cure() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_programs_image(folder.path(), "x:1", &folder.path().join("x.tar")).unwrap_err();
        assert!(
            error.to_string().contains("is not built: cargo build --package meshbench --bins"),
            "{error}"
        );
    }
}
