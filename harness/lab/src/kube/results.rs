//! What is kept of a run, and what its generators' accounts come to together.

use std::fs;
use std::path::Path;

use meshbench_core::course::{Course, Happening};
use meshbench_core::digest::digest;
use meshbench_core::interval_log::stretches;
use meshbench_core::recording::{Merge, Recording};
use serde_json::Value;

use super::error::KubeError;
use super::install::empty_secrets;
use super::load::{LoadOutcome, PodRecording};
use crate::error::{LabError, error_chain};

/// What recordings of this version call their generator.
const GENERATOR: &str = concat!("meshbench-load ", env!("CARGO_PKG_VERSION"));

/// The seconds of all generators together, and what happened to containers meanwhile.
pub(super) fn course_of(load: &LoadOutcome, incidents: Vec<String>) -> Result<Course, LabError> {
    let logs = load.recordings.iter().map(|pod| pod.interval_log.as_str());
    let window_seconds = load.window.duration().as_secs_f64();
    let stretches = stretches(logs, window_seconds)
        .map_err(|error| LabError::Generator(format!("left a damaged log: {}", error_chain(&error))))?;
    let noticed = |what: String| Happening { at_seconds: window_seconds, what };
    Ok(Course {
        warm_up_seconds: load.window.warm_up.as_secs_f64(),
        stretches,
        happenings: incidents.into_iter().map(noticed).collect(),
        ..Course::default()
    })
}

/// Writes what is deployed, as `kubectl apply` takes it, but for what Secrets hold.
pub(super) fn keep_manifests(folder: &Path, mut manifests: Value) -> Result<(), LabError> {
    empty_secrets(&mut manifests);
    let path = folder.join("workload.json");
    fs::write(&path, format!("{manifests:#}")).map_err(LabError::file("write", &path))
}

/// Copies the files of a folder into a new one; where there is no such folder, nothing.
pub(super) fn copy_files(from: &Path, to: &Path) -> Result<(), LabError> {
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(to).map_err(LabError::file("create", to))?;
    for entry in fs::read_dir(from).map_err(LabError::file("read", from))? {
        let file = entry.map_err(LabError::file("read", from))?;
        let copy = to.join(file.file_name());
        fs::copy(file.path(), &copy).map_err(LabError::file("write", &copy))?;
    }
    Ok(())
}

/// Writes what the generators recorded, each and together, and gives back the whole with its digest.
pub(super) fn keep_recordings(folder: &Path, load: &LoadOutcome) -> Result<(Recording, String), LabError> {
    let write = |name: String, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(LabError::file("write", &path))
    };
    let is_alone = load.recordings.len() == 1;
    let suffix = |index: usize| if is_alone { String::new() } else { format!("-{}", index + 1) };
    for (index, pod) in load.recordings.iter().enumerate() {
        write(format!("run{}.hlog", suffix(index)), &pod.interval_log)?;
        if !is_alone {
            write(format!("recording{}.json", suffix(index)), &pod.recording)?;
        }
    }
    let recording = merged(&load.recordings)?;
    let text = match load.recordings.as_slice() {
        [alone] => alone.recording.clone(),
        _ => serde_json::to_string(&recording).map_err(|error| LabError::Generator(error.to_string()))?,
    };
    write("recording.json".to_owned(), &text)?;
    Ok((recording, digest(text.as_bytes())))
}

fn merged(pods: &[PodRecording]) -> Result<Recording, LabError> {
    let wrong = |why: &dyn std::error::Error| {
        LabError::Generator(format!("recorded nothing usable: {}", error_chain(why)))
    };
    let mut merge: Option<Merge> = None;
    for PodRecording { pod, recording, .. } in pods {
        let recording = Recording::from_json(recording).map_err(|error| wrong(&error))?;
        let refused = |why: &str| Err(KubeError::generator(pod, why).into());
        if recording.interrupted {
            return refused(
                "was told to end before its load was done (was it evicted, or its node drained?)",
            );
        }
        if recording.generator != GENERATOR {
            let theirs = &recording.generator;
            return refused(&format!("is {theirs} and not {GENERATOR}: build the image anew"));
        }
        match &mut merge {
            None => merge = Some(Merge::begin(pod, recording)),
            Some(merge) => merge.add(pod, &recording).map_err(|error| wrong(&error))?,
        }
    }
    let merge = merge.ok_or_else(|| LabError::Generator("has no pod".to_owned()))?;
    merge.finish().map_err(|error| wrong(&error))
}
