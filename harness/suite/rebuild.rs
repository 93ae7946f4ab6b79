//! A finished campaign from what it left in its folder: [`Rebuilt`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use meshbench_core::digest::digest;
use meshbench_core::histogram::LatencyHistogram;
use meshbench_core::recording::{Recording, RecordingError};
use meshbench_core::report::{CaseReport, CurvePoint, LatencyTable, REPORT_VERSION, Report, RunReport};
use meshbench_lab::error_chain;
use meshbench_report::html::KeptFile;

const RECORDING_FILE: &str = "recording.json";
/// Where a run's folder has the configurations as rendered.
const CONFIGURATION_FOLDER: &str = "configuration";

/// Why a folder is no finished campaign's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RebuildError {
    /// There is nothing to begin with.
    #[error(
        "{} cannot be read: a campaign's folder is one under target/meshbench, with report.json in it",
        path.display()
    )]
    Report {
        /// The file.
        path: PathBuf,
        /// The file system's reason.
        source: io::Error,
    },
    /// It is no report.
    #[error("{} is damaged: {why}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: serde_json::Error,
    },
    /// It is a later release's.
    #[error(
        "{} is of version {found}, and this meshbench reads version {REPORT_VERSION}: use the release that wrote it",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: u32,
    },
}

/// A campaign as its recordings have it.
#[derive(Debug)]
pub(crate) struct Rebuilt {
    /// Its report, with latencies read from the recordings anew.
    pub(crate) report: Report,
    /// The merged latencies of each case, by name, of the runs that its figures rest on.
    pub(crate) latencies: BTreeMap<String, LatencyHistogram>,
    /// The configurations of its meshes.
    pub(crate) files: Vec<KeptFile>,
    /// What could not be read, each in a sentence.
    pub(crate) unread: Vec<String>,
}

impl Rebuilt {
    /// Reads what a campaign left in `folder`. A run whose recording is missing or damaged keeps the figures of the report
    /// and is named.
    ///
    /// # Errors
    /// [`RebuildError`] where there is no report.
    pub(crate) fn read(folder: &Path) -> Result<Self, RebuildError> {
        let mut report = read_report(&folder.join("report.json"))?;
        let (mut latencies, mut unread) = (BTreeMap::new(), Vec::new());
        for case in &mut report.cases {
            if let Some(merged) = rebuild_case(folder, case, &mut unread) {
                latencies.insert(case.name.clone(), merged);
            }
        }
        let files = kept_files(folder, &report);
        Ok(Self { report, latencies, files, unread })
    }
}

fn read_report(path: &Path) -> Result<Report, RebuildError> {
    let text =
        fs::read_to_string(path).map_err(|source| RebuildError::Report { path: path.to_owned(), source })?;
    let report: Report =
        serde_json::from_str(&text).map_err(|why| RebuildError::Format { path: path.to_owned(), why })?;
    match report.version {
        0..=REPORT_VERSION => Ok(report),
        found => Err(RebuildError::Version { path: path.to_owned(), found }),
    }
}

/// Puts into a case what its recordings say, and merges those of the runs that its figures rest on; `None` where there is
/// none, or not all of them can be read.
fn rebuild_case(folder: &Path, case: &mut CaseReport, unread: &mut Vec<String>) -> Option<LatencyHistogram> {
    let mut merged = LatencyHistogram::new();
    let mut is_whole = true;
    let counted: BTreeSet<u32> = case.counted_runs().map(|run| run.block).collect();
    for run in &mut case.runs {
        let counts = counted.contains(&run.block);
        match read_recording(folder, run) {
            Ok(recording) => {
                run.latency_ns = LatencyTable::from(&recording.latency_ns);
                run.latency_curve = CurvePoint::curve(&recording.latency_ns);
                if counts {
                    merged.merge(&recording.latency_ns);
                }
            }
            Err(why) => {
                is_whole &= !counts;
                unread.push(format!(
                    "{}: {}; its figures are those of report.json",
                    case.name,
                    error_chain(&why)
                ));
            }
        }
    }
    if !is_whole || merged.is_empty() {
        return None;
    }
    case.pooled_latency_ns = LatencyTable::from(&merged);
    case.pooled_latency_curve = CurvePoint::curve(&merged);
    Some(merged)
}

/// Why a run's recording cannot be used.
#[derive(Debug, thiserror::Error)]
enum UnreadRecording {
    #[error("{} cannot be read", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is damaged", path.display())]
    Recording { path: PathBuf, source: RecordingError },
    #[error("{} is not the file that the report was made from: it was edited, damaged or mixed up", path.display())]
    Digest { path: PathBuf },
}

fn read_recording(folder: &Path, run: &RunReport) -> Result<Recording, UnreadRecording> {
    let path = folder.join(&run.folder).join(RECORDING_FILE);
    let text =
        fs::read_to_string(&path).map_err(|source| UnreadRecording::File { path: path.clone(), source })?;
    if !run.recording_digest.is_empty() && digest(text.as_bytes()) != run.recording_digest {
        return Err(UnreadRecording::Digest { path });
    }
    Recording::from_json(&text).map_err(|source| UnreadRecording::Recording { path, source })
}

/// The configurations of each mesh in its first run that has any: one of each name, since those of other containers differ
/// in names and ports only. What cannot be read is left out: the folder has it.
pub(crate) fn kept_files(folder: &Path, report: &Report) -> Vec<KeptFile> {
    let mut kept: BTreeMap<(String, String), KeptFile> = BTreeMap::new();
    for case in &report.cases {
        if kept.keys().any(|(mesh, _)| *mesh == case.mesh) {
            continue;
        }
        for run in &case.runs {
            for path in files_below(&folder.join(&run.folder).join(CONFIGURATION_FOLDER)) {
                let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
                    continue;
                };
                let Ok(text) = fs::read_to_string(&path) else { continue };
                let key = (case.mesh.clone(), name.clone());
                kept.entry(key).or_insert_with(|| KeptFile { mesh: case.mesh.clone(), name, text });
            }
        }
    }
    kept.into_values().collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let below = |path: PathBuf| if path.is_dir() { files_below(&path) } else { vec![path] };
    paths.into_iter().flat_map(below).collect()
}
