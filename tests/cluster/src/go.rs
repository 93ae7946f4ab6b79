//! Building programs with Go.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command;
use crate::error::{Error, Result};

/// Go, in the folder of a module.
#[must_use]
pub fn go(module: &Path) -> Command {
    let mut go = Command::new("go");
    // Static programs, for images with nothing else in them.
    go.current_dir(module).env("CGO_ENABLED", "0").env("GOWORK", "off");
    go
}

/// Builds programs of a module into a folder, without symbols; `linker_flags` are for the linker, besides.
///
/// # Errors
/// [`Error::Missing`] without Go, [`Error::Unusable`] naming `what` could not be built.
pub fn build(module: &Path, packages: &str, linker_flags: &str, into: &Path, what: &str) -> Result<()> {
    let status = go(module)
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags", &format!("-s -w {linker_flags}"), "-o"])
        .arg(into)
        .arg(packages)
        // What it downloads and compiles is worth seeing while it takes minutes.
        .stdin(Stdio::null())
        .status()
        .map_err(|error| no_go(&error))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Unusable(format!("Go could not build {what}; its messages are above")))
}

/// The folder with the sources of a module that `module` requires; downloads them if they are not here.
///
/// # Errors
/// [`Error::Missing`] without Go, [`Error::Failed`] with what it said.
pub fn sources_of(required: &str, module: &Path) -> Result<PathBuf> {
    let answer = match command::run(go(module).args(["mod", "download", "-json", required])) {
        Err(Error::Start { source, .. }) => return Err(no_go(&source)),
        other => other?,
    };
    folder_in(&answer).ok_or_else(|| {
        Error::Unusable(format!("`go mod download -json {required}` named no folder, but said: {answer}"))
    })
}

fn folder_in(answer: &str) -> Option<PathBuf> {
    let answer: serde_json::Value = serde_json::from_str(answer).ok()?;
    answer["Dir"].as_str().map(PathBuf::from)
}

fn no_go(error: &io::Error) -> Error {
    missing("Go 1.25 or later", "golang-go", error)
}

/// What is said where a compiler could not be started.
#[must_use]
pub fn missing(what: &str, packages: &str, error: &io::Error) -> Error {
    Error::Missing(vec![format!("{what} is needed once ({error}): apt-get install {packages}")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modules_folder_is_read_from_gos_answer() {
        let answer = r#"{"Path": "example.org/a", "Version": "v1.0.0", "Dir": "/modules/a@v1.0.0"}"#;
        assert_eq!(folder_in(answer), Some(PathBuf::from("/modules/a@v1.0.0")));
        assert_eq!(folder_in("{}"), None);
    }
}
