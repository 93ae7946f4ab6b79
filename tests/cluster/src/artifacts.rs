//! The programs that are built from source, and their images: made once, kept until their sources change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::Cached;
use crate::error::{Error, Result};
use crate::{command, go, images};

/// The Go module: Kubernetes' components, `CoreDNS` and the tests' webhook. Its `go.mod` pins all their versions.
const SOURCES: &str = env!("CARGO_MANIFEST_DIR");
const KUBERNETES: &str = "k8s.io/kubernetes";
/// Raised when what is built from the same sources changes.
const RECIPE: &str = "1";

/// A folder with the programs `kubernetes`, `coredns`, `webhook` and `pause`, and images of the last three.
#[derive(Debug, Clone)]
pub struct Artifacts {
    folder: PathBuf,
}

impl Artifacts {
    /// Where they are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The archives that every node starts with.
    #[must_use]
    pub fn system_images() -> [&'static str; 2] {
        ["pause.tar", "coredns.tar"]
    }

    /// The archive of the tests' webhook.
    #[must_use]
    pub fn webhook_image(&self) -> PathBuf {
        self.folder.join("webhook.tar")
    }
}

/// What was built from the present sources, if it was.
///
/// # Errors
/// [`Error::File`] when the sources cannot be read.
pub fn built() -> Result<Option<Artifacts>> {
    Ok(cached().made()?.map(|folder| Artifacts { folder }))
}

/// Builds what is not built yet: minutes the first time, with what Go's own cache does not have.
///
/// # Errors
/// [`Error::Missing`] without Go or a C compiler, [`Error::Unusable`] or [`Error::Failed`] when they fail.
pub fn build() -> Result<Artifacts> {
    let folder = cached().make(|folder| {
        build_programs(folder)?;
        images::write_system_images(folder)
    })?;
    Ok(Artifacts { folder })
}

fn cached() -> Cached {
    let sources = Path::new(SOURCES);
    let mut files = vec![sources.join("go.mod"), sources.join("go.sum")];
    for program in ["coredns", "kubernetes", "webhook"] {
        files.push(sources.join("cmd").join(program).join("main.go"));
    }
    Cached { name: "programs", recipe: RECIPE, sources: files }
}

fn build_programs(into: &Path) -> Result<()> {
    let version = version_of(KUBERNETES)?;
    let (major, minor) = major_and_minor(&version)?;
    let package = "k8s.io/component-base/version";
    let flags = format!(
        "-X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
    );
    go::build(Path::new(SOURCES), "./cmd/...", &flags, into, &format!("{KUBERNETES} {version}"))?;
    build_pause(into, &version)
}

/// Kubernetes' own pause, which holds a pod's namespaces: a C program in its module.
fn build_pause(into: &Path, version: &str) -> Result<()> {
    let source = go::sources_of(KUBERNETES, Path::new(SOURCES))?.join("build/pause/linux/pause.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-Os", "-Wall", "-static", "-s"]).arg(format!("-DVERSION={version}"));
    match command::run(compiler.arg("-o").arg(into.join("pause")).arg(source)) {
        Err(Error::Start { source, .. }) => Err(go::missing("a C compiler", "gcc libc6-dev", &source)),
        other => other.map(drop),
    }
}

/// The version that `go.mod` pins.
///
/// # Errors
/// [`Error::File`], or [`Error::Unusable`] when it pins none.
pub fn version_of(module: &str) -> Result<String> {
    let path = Path::new(SOURCES).join("go.mod");
    let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    pinned(&text, module)
        .map(str::to_owned)
        .ok_or_else(|| Error::Unusable(format!("{} requires no {module}", path.display())))
}

fn pinned<'a>(go_mod: &'a str, module: &str) -> Option<&'a str> {
    go_mod.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(module)).then(|| words.next()).flatten()
    })
}

fn major_and_minor(version: &str) -> Result<(&str, &str)> {
    let mut parts = version.trim_start_matches('v').split('.');
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) => Ok((major, minor)),
        _ => Err(Error::Unusable(format!("{version} is no version such as v1.34.4"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_module_file() {
        let text = "require (\n\tk8s.io/kubernetes v1.34.4\n\tother v1 // indirect\n)\nreplace k8s.io/api => k8s.io/api v0\n";
        assert_eq!(pinned(text, "k8s.io/kubernetes"), Some("v1.34.4"));
        assert_eq!(pinned(text, "k8s.io/api"), None);
        assert_eq!(major_and_minor("v1.34.4").unwrap(), ("1", "34"));
    }

    #[test]
    fn kubernetes_and_its_libraries_are_of_one_release() {
        let text = fs::read_to_string(Path::new(SOURCES).join("go.mod")).unwrap();
        let released = version_of(KUBERNETES).unwrap().replacen("v1.", "v0.", 1);
        let mut replaced = text.lines().filter(|line| line.contains("=> k8s.io/")).peekable();
        assert!(replaced.peek().is_some());
        for line in replaced {
            assert!(line.ends_with(&released), "{line} is not of {released}");
        }
    }
}
