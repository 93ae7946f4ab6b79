//! The programs that are built from source, and their images: made once, kept until their sources change.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use crate::command;
use crate::error::{Error, Result};
use crate::images;

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

/// The folder under which artifacts are kept: beside this program's own build.
///
/// # Errors
/// [`Error::File`] when this program's place cannot be found.
pub fn target_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().map_err(Error::file("find", "this program"))?;
    // <target>/<profile>/meshbench-testcluster, or <target>/<profile>/deps/<test>
    let profile = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    Ok(profile.and_then(Path::parent).unwrap_or(Path::new("target")).join("testcluster"))
}

/// What was built from the present sources, if it was.
///
/// # Errors
/// [`Error::File`] when the sources cannot be read.
pub fn built() -> Result<Option<Artifacts>> {
    let folder = folder()?;
    Ok(folder.is_dir().then_some(Artifacts { folder }))
}

/// Builds what is not built yet: minutes the first time, with what Go's own cache does not have.
///
/// # Errors
/// [`Error::Missing`] without Go or a C compiler, [`Error::Failed`] with what they said.
pub fn build() -> Result<Artifacts> {
    let folder = folder()?;
    let cache = folder.parent().unwrap_or(&folder);
    fs::create_dir_all(cache).map_err(Error::file("make", cache))?;
    let lock = cache.join("lock");
    let file = File::create(&lock).map_err(Error::file("make", &lock))?;
    // One build at a time: a second would only take the cores from the first, and find it done.
    let _lock = Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, source)| Error::system("lock", &lock)(source))?;
    if !folder.is_dir() {
        // Made aside and moved, so that an interrupted build is never taken for a whole one.
        let staging = tempfile::Builder::new()
            .prefix("building-")
            .tempdir_in(cache)
            .map_err(Error::file("make a folder in", cache))?;
        build_programs(staging.path())?;
        images::write_system_images(staging.path())?;
        fs::rename(staging.path(), &folder).map_err(Error::file("move the programs to", &folder))?;
        // The staging folder has moved: there is nothing to remove.
        let _ = staging.keep();
    }
    Ok(Artifacts { folder })
}

fn folder() -> Result<PathBuf> {
    Ok(target_folder()?.join(".cache").join(format!("programs-{}", digest()?)))
}

fn digest() -> Result<String> {
    let sources = Path::new(SOURCES);
    let mut files = vec![sources.join("go.mod"), sources.join("go.sum")];
    for program in ["coredns", "kubernetes", "webhook"] {
        files.push(sources.join("cmd").join(program).join("main.go"));
    }
    let mut digest = Sha256::new_with_prefix(RECIPE);
    for path in files {
        let content = fs::read(&path).map_err(Error::file("read", &path))?;
        digest.update(content.len().to_le_bytes());
        digest.update(content);
    }
    Ok(digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

fn build_programs(into: &Path) -> Result<()> {
    let version = version_of(KUBERNETES)?;
    let (major, minor) = major_and_minor(&version)?;
    let package = "k8s.io/component-base/version";
    let flags = format!(
        "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
    );
    let status = go()
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags", &flags, "-o"])
        .arg(into)
        .arg("./cmd/...")
        // What it downloads and compiles is worth seeing while it takes minutes.
        .stdin(Stdio::null())
        .status()
        .map_err(|error| no_compiler("Go 1.25 or later", "golang-go", &error))?;
    if !status.success() {
        return Err(Error::Unusable(format!(
            "Go could not build {KUBERNETES} {version}; its messages are above"
        )));
    }
    build_pause(into, &version)
}

/// Kubernetes' own pause, which holds a pod's namespaces: a C program in its module.
fn build_pause(into: &Path, version: &str) -> Result<()> {
    let module = command::run(go().args(["list", "-m", "-f", "{{.Dir}}", KUBERNETES]))?;
    let source = Path::new(module.trim()).join("build/pause/linux/pause.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-Os", "-Wall", "-static", "-s"]).arg(format!("-DVERSION={version}"));
    match command::run(compiler.arg("-o").arg(into.join("pause")).arg(source)) {
        Err(Error::Start { source, .. }) => Err(no_compiler("a C compiler", "gcc libc6-dev", &source)),
        other => other.map(drop),
    }
}

fn go() -> Command {
    let mut go = Command::new("go");
    // Static programs, for images with nothing else in them.
    go.current_dir(SOURCES).env("CGO_ENABLED", "0").env("GOWORK", "off");
    go
}

fn no_compiler(what: &str, packages: &str, error: &io::Error) -> Error {
    Error::Missing(vec![format!("{what} is needed once ({error}): apt-get install {packages}")])
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
