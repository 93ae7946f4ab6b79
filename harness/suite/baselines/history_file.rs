//! The history of an environment: `history.jsonl` beside its baselines, a line for each campaign and case.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use meshbench_core::campaign_means::CampaignMeans;
use meshbench_lab::{error_chain, shown_path};

/// The name of every history.
const FILE: &str = "history.jsonl";

/// A history that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    /// The file system refused.
    #[error("cannot {doing} the history {}", shown_path(path))]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// A line is damaged.
    #[error(
        "line {line} of the history {} cannot be used: {reason}; restore the file, or remove that line; \
         nothing was added to it",
        shown_path(path)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, counted from one.
        line: usize,
        /// Why.
        reason: String,
    },
}

/// The history of the environment class whose baselines are in `class_folder`; empty where none was begun.
///
/// # Errors
/// [`HistoryError`] where it cannot be read, or a line is damaged.
pub(crate) fn read(class_folder: &Path) -> Result<Vec<CampaignMeans>, HistoryError> {
    let path = class_folder.join(FILE);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(|source| HistoryError::File { doing: "read", path: path.clone(), source })?,
    };
    let damaged = |line, reason| HistoryError::Damaged { path: path.clone(), line, reason };
    let lines: Vec<_> = (1..).zip(text.lines()).collect();
    let read = |(line, text): (usize, &str)| {
        CampaignMeans::from_line(text).map_err(|error| damaged(line, error_chain(&error)))
    };
    lines.into_iter().map(read).collect()
}

/// Adds lines at the end, all or none.
///
/// # Errors
/// [`HistoryError`] where what is there is damaged, or it cannot be written.
pub(crate) fn append(class_folder: &Path, means: &[CampaignMeans]) -> Result<(), HistoryError> {
    read(class_folder)?;
    let path = class_folder.join(FILE);
    // Editors may take the last line break away.
    let is_open = fs::read(&path).is_ok_and(|bytes| bytes.last().is_some_and(|last| *last != b'\n'));
    let failed = |source| HistoryError::File { doing: "add to", path: path.clone(), source };
    let mut text = String::from(if is_open { "\n" } else { "" });
    for means in means {
        text.push_str(&means.to_line().map_err(|error| failed(error.into()))?);
        text.push('\n');
    }
    fs::create_dir_all(class_folder).map_err(failed)?;
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
