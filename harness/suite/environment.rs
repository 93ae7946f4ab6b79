//! What this machine is, for the report.

use std::fs;
use std::path::Path;

use meshbench_core::report::Environment;
use meshbench_lab::process::Placement;

/// Reads the environment; what the kernel does not tell stays "unknown" or 0.
#[must_use]
pub(crate) fn read_environment(placement: &Placement) -> Environment {
    let first_field = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key))?.to_owned();
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let memory_kib = first_field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let unknown = || "unknown".to_owned();
    Environment {
        meshbench_version: env!("CARGO_PKG_VERSION").to_owned(),
        optimised: meshbench_core::OPTIMISED,
        cpu_model: first_field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
        memory_bytes: memory_kib.unwrap_or(0) * 1024,
        virtualisation: virtualisation(),
        kernel: Some(kernel.trim().to_owned()).filter(|kernel| !kernel.is_empty()).unwrap_or_else(unknown),
        generator_cores: placement.generator.clone(),
        measured_cores: placement.measured.clone(),
        clusters: Vec::new(),
    }
}

/// A machine in a machine, a container, both, or `none`.
fn virtualisation() -> String {
    let flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let is_guest = flags
        .lines()
        .any(|line| line.starts_with("flags") && line.split_whitespace().any(|flag| flag == "hypervisor"));
    // Guests of other processors have no such flag; their firmware says so in the name of the machine.
    let product = ["sys_vendor", "product_name"].map(|field| {
        fs::read_to_string(format!("/sys/class/dmi/id/{field}")).unwrap_or_default().trim().to_owned()
    });
    let machine = is_guest.then(|| match product.join(" ").trim() {
        "" => "virtual machine".to_owned(),
        product => format!("virtual machine ({product})"),
    });
    // Docker's, Podman's, and what systemd and the container managers it knows leave.
    let marks = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"];
    let container = marks.iter().any(|mark| Path::new(mark).exists()).then(|| "container".to_owned());
    let layers: Vec<_> = machine.into_iter().chain(container).collect();
    if layers.is_empty() { "none".to_owned() } else { layers.join(", ") }
}
