//! `meshbench doctor`.

use std::io::{self, Write};

use meshbench_lab::mesh::{BinaryFinder, Found, MeshDefinition};
use meshbench_lab::process::Placement;

use crate::discovery::Discovery;
use crate::settings::{Programs, Settings};

/// Open files that 30 apps with sidecars need, with room to spare.
const WANTED_OPEN_FILES: u64 = 4_096;

/// Prints what can run here and what cannot; whether nothing that every machine
/// should have is missing. A proxy that is not installed is not a fault.
///
/// # Errors
/// The writer's.
pub(super) fn examine(
    standard: &mut dyn Write,
    discovery: &Discovery,
    settings: &Settings,
) -> io::Result<bool> {
    examine_machine(standard)?;
    let mut healthy = examine_programs(standard, &settings.programs)?;
    writeln!(standard, "\nmeshes")?;
    let finder = BinaryFinder { cache: settings.cache() };
    for (name, definition) in discovery.catalog.iter() {
        match definition {
            Ok(mesh) => healthy &= examine_mesh(standard, mesh, &finder)?,
            Err(problem) => {
                healthy = false;
                verdict(standard, false, name.as_str(), &format!("its definition is wrong: {problem}"))?;
            }
        }
    }
    for problem in discovery.catalog.misnamed() {
        healthy = false;
        verdict(standard, false, "", &problem.to_string())?;
    }
    writeln!(standard, "\nscenarios")?;
    for scenario in &discovery.scenarios {
        verdict(standard, true, &scenario.name, &format!("{} cases", scenario.cases().len()))?;
    }
    for broken in &discovery.broken {
        healthy = false;
        verdict(standard, false, &broken.name, &broken.problems.join("\n     "))?;
    }
    if discovery.scenarios.is_empty() {
        healthy = false;
        verdict(standard, false, "none", "nothing can run without a scenario file")?;
    }
    Ok(healthy)
}

fn examine_machine(standard: &mut dyn Write) -> io::Result<()> {
    writeln!(standard, "machine")?;
    let optimised = meshbench_core::OPTIMISED;
    let build = if optimised { "optimised" } else { "not optimised: figures will be too high" };
    verdict(standard, optimised, "build", build)?;
    match Placement::of_this_machine() {
        Ok(placement) if placement.is_separate() => {
            let text = format!(
                "core {:?} for the load generator, {:?} for the rest",
                placement.generator, placement.measured
            );
            verdict(standard, true, "cores", &text)?;
        }
        Ok(_) => {
            let text = "only one: the load generator disturbs what it measures, and reports say so";
            verdict(standard, false, "cores", text)?;
        }
        Err(error) => verdict(standard, false, "cores", &format!("cannot be read: {error}"))?,
    }
    let limit = open_files_limit();
    let enough = limit.is_none_or(|limit| limit >= WANTED_OPEN_FILES);
    let text = match limit {
        Some(limit) if enough => format!("{limit}"),
        Some(limit) => {
            format!("{limit}; large scenarios need {WANTED_OPEN_FILES}: ulimit -n {WANTED_OPEN_FILES}")
        }
        None => "unknown".to_owned(),
    };
    verdict(standard, enough, "open files", &text)
}

fn examine_programs(standard: &mut dyn Write, programs: &Programs) -> io::Result<bool> {
    let mut all = true;
    for program in [&programs.load, &programs.emojivoto, &programs.sidecar] {
        let found = program.is_file();
        all &= found;
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let text =
            if found { "built".to_owned() } else { format!("not at {}: cargo build", program.display()) };
        verdict(standard, found, &name, &text)?;
    }
    Ok(all)
}

/// Whether nothing about it is wrong; that it is not installed is not wrong.
fn examine_mesh(standard: &mut dyn Write, mesh: &MeshDefinition, finder: &BinaryFinder) -> io::Result<bool> {
    let name = mesh.name.as_str();
    let (good, healthy, text) = match mesh.local.as_ref().map(|local| &local.binary) {
        None => (true, true, "runs on a Kubernetes cluster".to_owned()),
        Some(None) => (true, true, "ready: nothing to install".to_owned()),
        Some(Some(source)) => match source.find(finder) {
            Ok(Found::Here(executable)) => {
                (true, true, format!("ready: {} ({})", executable.path.display(), executable.version))
            }
            Ok(Found::Installable) => {
                let text =
                    format!("{} {} will be installed by pip on its first run", source.name, mesh.version);
                (true, true, text)
            }
            Err(unavailable) => {
                let text = format!("{}\n{:19}cure: {}", unavailable.reason, "", unavailable.cure);
                (false, !unavailable.was_asked_for, text)
            }
        },
    };
    verdict(standard, good, name, &text)?;
    Ok(healthy)
}

pub(super) fn verdict(standard: &mut dyn Write, good: bool, subject: &str, text: &str) -> io::Result<()> {
    let mark = if good { "ok" } else { "--" };
    writeln!(standard, "  {mark} {subject:<20} {text}")
}

fn open_files_limit() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
