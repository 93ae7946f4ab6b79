//! What the finished gates come to, read back from what they left: [`read`].

use std::fs;
use std::path::{Path, PathBuf};

use meshbench_core::calibration::{
    CALIBRATION_VERSION, Calibration, Finding, GateOutcome, GateSettings, KnownChange, ObservedRun,
    kolmogorov_smirnov, mann_whitney, scores, threshold,
};
use meshbench_core::recording::Recording;
use meshbench_core::report::{CaseReport, Environment, Report, RunReport};
use meshbench_core::resources::Group;
use sha2::{Digest, Sha256};

use super::files::{NEW, OLD};
use super::gate::{CalibrateError, GateFolder, figures};
use super::plan::{Gate, gate_seed};

/// What the load generator leaves of a run.
const RECORDING_FILE: &str = "recording.json";

/// The calibration that the finished gates in `folder` make; `None` where there is none.
///
/// # Errors
/// [`CalibrateError`] where a file of a finished gate cannot be read.
pub(super) fn read(folder: &Path, settings: GateSettings) -> Result<Option<Calibration>, CalibrateError> {
    let mut evidence = Evidence::default();
    for change in KnownChange::ALL {
        for number in gate_numbers(&folder.join(change.name()))? {
            let seed = gate_seed(settings.seed, change, number);
            evidence.add(folder, &Gate { change, number, seed }, settings.blocks)?;
        }
    }
    evidence.began_at.sort();
    let (Some(first), Some(last)) = (evidence.began_at.first(), evidence.began_at.last()) else {
        return Ok(None);
    };
    let pilot = GateFolder::of_pilot(folder);
    let pilot = if pilot.is_finished() { figures(&pilot.report()?) } else { None };
    let recordings = digest(folder)?;
    Ok(Some(Calibration {
        version: CALIBRATION_VERSION,
        began_at: [first.clone(), last.clone()],
        environments: evidence.environments,
        settings,
        pilot,
        recordings: recordings.count,
        recordings_sha256: recordings.sha256,
        scores: scores(&evidence.gates),
        gates: evidence.gates,
    }))
}

/// The numbers of the gates in a change's folder, in order.
fn gate_numbers(folder: &Path) -> Result<Vec<u32>, CalibrateError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(CalibrateError::file("read", folder))? {
        let name = entry.map_err(CalibrateError::file("read", folder))?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// What has been read of gates so far.
#[derive(Default)]
struct Evidence {
    gates: Vec<GateOutcome>,
    environments: Vec<Environment>,
    began_at: Vec<String>,
}

impl Evidence {
    /// Adds a gate, if it is finished.
    fn add(&mut self, calibration: &Path, gate: &Gate, blocks: u32) -> Result<(), CalibrateError> {
        let folder = GateFolder::of(calibration, gate);
        if !folder.is_finished() {
            return Ok(());
        }
        let report = folder.report()?;
        self.gates.push(outcome(gate, &report, &folder.campaign(), blocks)?);
        if !self.environments.contains(&report.environment) {
            self.environments.push(report.environment);
        }
        self.began_at.push(report.started_at);
        Ok(())
    }
}

/// What all judges say of a gate. The naive ones see its first `blocks`: fresh ones are only where something was flagged.
fn outcome(
    gate: &Gate,
    report: &Report,
    campaign: &Path,
    blocks: u32,
) -> Result<GateOutcome, CalibrateError> {
    let case = |mesh: &str| report.cases.iter().find(|case| case.mesh == mesh);
    let observe = |mesh| case(mesh).map_or(Ok(Vec::new()), |case| observed(case, blocks, campaign));
    let (old, new) = (observe(OLD)?, observe(NEW)?);
    let verdict = case(NEW).map(|case| &case.verdict);
    Ok(GateOutcome {
        change: gate.change,
        number: gate.number,
        seed: gate.seed,
        verdict: verdict.map_or("none", |verdict| verdict.word()).to_owned(),
        meshbench: verdict.map_or(Finding::Undecided, Finding::from),
        threshold: threshold(&old, &new),
        kolmogorov_smirnov: kolmogorov_smirnov(&old, &new),
        mann_whitney: mann_whitney(&old, &new),
    })
}

fn observed(case: &CaseReport, blocks: u32, campaign: &Path) -> Result<Vec<ObservedRun>, CalibrateError> {
    let runs = case.runs.iter().filter(|run| run.block <= blocks);
    let observe = |run: &RunReport| {
        let path = campaign.join(&run.folder).join(RECORDING_FILE);
        let text = fs::read_to_string(&path).map_err(CalibrateError::file("read", &path))?;
        let recording =
            Recording::from_json(&text).map_err(|source| CalibrateError::Recording { path, source })?;
        Ok(ObservedRun {
            latency: recording.latency_ns,
            cpu_ns_per_request: run.cpu_ns_per_request(&Group::MEASURED),
        })
    };
    runs.map(observe).collect()
}

/// All recordings of finished gates and the pilot.
struct Recordings {
    count: u64,
    sha256: String,
}

/// As `find . -name recording.json | LC_ALL=C sort | xargs cat | sha256sum` has it.
fn digest(folder: &Path) -> Result<Recordings, CalibrateError> {
    let mut paths = Vec::new();
    find_recordings(folder, &mut paths)?;
    // As texts: compared as paths, `a/b` would come before `a-b`.
    paths.sort_by(|left, right| left.as_os_str().cmp(right.as_os_str()));
    let mut hasher = Sha256::new();
    for path in &paths {
        hasher.update(fs::read(path).map_err(CalibrateError::file("read", path))?);
    }
    let sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Recordings { count: paths.len() as u64, sha256 })
}

fn find_recordings(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), CalibrateError> {
    for entry in fs::read_dir(folder).map_err(CalibrateError::file("read", folder))? {
        let path = entry.map_err(CalibrateError::file("read", folder))?.path();
        if path.is_dir() {
            find_recordings(&path, found)?;
        } else if path.file_name().is_some_and(|name| name == RECORDING_FILE) {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
