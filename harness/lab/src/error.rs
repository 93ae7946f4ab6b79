//! Why a run has no result.

use std::io;
use std::path::{Path, PathBuf};

use crate::identity::IdentityError;
use crate::kube::KubeError;
use crate::mesh::{TemplateError, Unavailable};
use crate::process::{ComponentError, LogTail};
use crate::wait::TimedOut;

/// Why a run has no result, for the person who must act.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A process could not be started, or ended when it should be running.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// A process runs and does not become ready.
    #[error("{component} is not ready {waited}{log}")]
    NotReady {
        /// The component's name.
        component: String,
        /// How long it was waited for, and what was last seen.
        waited: TimedOut,
        /// The last lines of its log.
        log: LogTail,
    },
    /// A mesh's executable is not to be had.
    #[error("{mesh} cannot run here")]
    Binary {
        /// The mesh.
        mesh: String,
        /// What was tried, and the cure.
        source: Unavailable,
    },
    /// Nobody looked for a mesh's executable.
    #[error("{0} cannot run: its executable was not looked for when the campaign began")]
    NotObtained(String),
    /// A mesh that needs Kubernetes; run without it, it would pass for `bare`.
    #[error("{0} does not run on one machine: its mesh.yaml has no `local` section")]
    NotLocal(String),
    /// A mesh's configuration cannot be rendered.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Certificates cannot be issued.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A file cannot be written or read.
    #[error("cannot {doing} {}{}", path.display(), disk_full_hint(source))]
    File {
        /// What was tried: "write", "read", "create".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The file system's reason.
        source: io::Error,
    },
    /// Something the kernel would not give: ports, cores.
    #[error("cannot {doing}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
    /// Traffic does not take the way it must; nothing measured would mean what it says.
    #[error("the data path is not proven: {0}")]
    DataPath(String),
    /// The load generator's plan or recording is not as agreed.
    #[error("the load generator {0}")]
    Generator(String),
    /// Something could not be done in a cluster.
    #[error(transparent)]
    Kube(#[from] KubeError),
    /// A mesh that runs on one machine only.
    #[error("{0} does not run on Kubernetes: its mesh.yaml has no `kube` section")]
    NotKube(String),
    /// A mesh did not outlive the load: a process of it ended under it, or does not answer any more.
    #[error(transparent)]
    UnderLoad(Box<Self>),
    /// A signal ended the run.
    #[error("interrupted")]
    Interrupted,
}

impl LabError {
    /// Whether it is that nothing measured would have been of the mesh, and not that something broke.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        match self {
            Self::Kube(error) => error.is_invalid(),
            // Where no limit is looked for, it is what it would have been without load.
            Self::UnderLoad(error) => error.is_invalid(),
            _ => false,
        }
    }

    /// For `map_err`: what happened under load and would not have happened without.
    pub(crate) fn under_load(error: impl Into<Self>) -> Self {
        Self::UnderLoad(Box::new(error.into()))
    }

    /// For `map_err`: a file that could not be handled.
    pub fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }
}

/// An error with its causes, on one line: what a person reads where only one text is shown.
#[must_use]
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// More than anybody writes by hand.
const LARGEST_DEFINITION_BYTES: u64 = 1024 * 1024;

/// Reads a file that a person wrote; a sentence otherwise. Asks first what it is, for reading a pipe never ends.
///
/// # Errors
/// When it is no regular file, too large for one written by hand, or cannot be read.
pub fn read_definition(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("the file cannot be read: {error}");
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    if !metadata.is_file() {
        return Err("this is not a regular file".to_owned());
    }
    if metadata.len() > LARGEST_DEFINITION_BYTES {
        return Err(format!(
            "{} bytes are too many; expected at most {LARGEST_DEFINITION_BYTES}",
            metadata.len()
        ));
    }
    std::fs::read(path).map_err(unreadable)
}

/// A path as a person in the current folder would write it.
#[must_use]
pub fn shown_path(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let shown = path.strip_prefix(here).unwrap_or(path).display().to_string();
    // A name with a line break in it must not break the message.
    shown.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn disk_full_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            " (the disk is full: free space there, or choose another output folder)"
        }
        _ => "",
    }
}
