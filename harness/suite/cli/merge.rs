//! `meshbench merge`.

use std::io;
use std::path::{Path, PathBuf};

use meshbench_core::recording::{Merge, MergeError, Recording, RecordingError};

/// Why files do not make one recording.
#[derive(Debug, thiserror::Error)]
pub(super) enum MergeFilesError {
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot merge {}", path.display())]
    Recording {
        path: PathBuf,
        #[source]
        source: RecordingError,
    },
    #[error("no recordings to merge: give the file of each shard")]
    NoFiles,
    #[error(transparent)]
    Merge(#[from] MergeError),
}

/// The one recording that those in `files` make.
///
/// # Errors
/// Where a file cannot be read, or the recordings are not all shards of one plan.
pub(super) fn merge(files: &[PathBuf]) -> Result<Recording, MergeFilesError> {
    let (first, others) = files.split_first().ok_or(MergeFilesError::NoFiles)?;
    let mut merge = Merge::begin(&first.display().to_string(), read(first)?);
    for file in others {
        merge.add(&file.display().to_string(), &read(file)?)?;
    }
    Ok(merge.finish()?)
}

fn read(path: &Path) -> Result<Recording, MergeFilesError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| MergeFilesError::Read { path: path.to_owned(), source })?;
    Recording::from_json(&text).map_err(|source| MergeFilesError::Recording { path: path.to_owned(), source })
}
