//! Istio's two images, laid out as its own Dockerfiles do (`pilot/docker/` in its module).

use std::path::Path;

use super::{PILOT, PROXY, iptables};
use crate::error::Result;
use crate::images::{Entry, Image, Libraries};

/// Who the control plane runs as, and sidecars, whose own traffic is told from the application's by that.
const ISTIO_USER: &str = "1337:1337";
const PROGRAMS: &str = "usr/local/bin";

/// Packs `pilot-discovery` from the folder `programs`.
///
/// # Errors
/// [`crate::Error::File`].
pub(super) fn write_pilot(programs: &Path, output: &Path) -> Result<()> {
    let mut image = Image::new(PILOT, ISTIO_USER);
    image.entrypoint = vec![format!("/{PROGRAMS}/pilot-discovery")];
    image.entries = users();
    image.entries.push(program(programs, "pilot-discovery"));
    image.write(output)
}

/// Packs `pilot-agent` from the folder `programs`, an Envoy, the configuration that Envoy starts with from Istio's
/// `sources`, and this machine's iptables.
///
/// # Errors
/// [`crate::Error::File`], or what [`iptables::entries`] says.
pub(super) fn write_proxy(programs: &Path, envoy: &Path, sources: &Path, output: &Path) -> Result<()> {
    // As Istio's own; pods say which user runs in which of their containers.
    let mut image = Image::new(PROXY, "0:0");
    image.entrypoint = vec![format!("/{PROGRAMS}/pilot-agent")];
    // Probes and hooks call the agent by its name alone.
    image.environment = vec![format!("PATH=/{PROGRAMS}:/usr/sbin")];
    image.entries = users();
    image.entries.push(program(programs, "pilot-agent"));
    image.entries.push(Entry::file(format!("{PROGRAMS}/envoy"), envoy, 0o755));
    image.entries.push(Entry::file(
        "var/lib/istio/envoy/envoy_bootstrap_tmpl.json",
        sources.join("tools/packaging/common/envoy_bootstrap.json"),
        0o644,
    ));
    let mut libraries = Libraries::default();
    libraries.add_those_of(envoy)?;
    image.entries.extend(iptables::entries(&mut libraries)?);
    image.entries.extend(libraries.entries());
    image.write(output)
}

fn program(folder: &Path, name: &str) -> Entry {
    Entry::file(format!("{PROGRAMS}/{name}"), folder.join(name), 0o755)
}

fn users() -> Vec<Entry> {
    vec![
        Entry::folder("tmp", 0o1777),
        // The lock of iptables, for kernels without nftables.
        Entry::folder("run", 0o755),
        Entry::text("etc/passwd", "root:x:0:0:root:/:/none\nistio-proxy:x:1337:1337:istio-proxy:/:/none\n"),
        Entry::text("etc/group", "root:x:0:\nistio-proxy:x:1337:\n"),
        Entry::text("etc/nsswitch.conf", "hosts: files dns\n"),
    ]
}
