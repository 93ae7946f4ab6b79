//! What can go wrong, told to whoever has to mend it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why the test cluster could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine lacks something.
    #[error("this machine cannot run the test cluster:{}", bullets(.0))]
    Missing(Vec<String>),
    /// A file or folder could not be read, written or made.
    #[error("cannot {what} {}", path.display())]
    File {
        /// What was tried, as a verb.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start {program}")]
    Start {
        /// Its name or path.
        program: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A program ended with an error.
    #[error("{command} failed ({status}): {said}")]
    Failed {
        /// The command as one would type it.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it wrote to standard error.
        said: String,
    },
    /// A certificate could not be made.
    #[error("cannot issue the certificate of {subject}")]
    Certificate {
        /// Whose it is.
        subject: String,
        /// The library's reason.
        source: rcgen::Error,
    },
    /// The API server answered with an error, or not at all.
    #[error("Kubernetes did not {what}")]
    Kubernetes {
        /// What was asked of it, as a verb.
        what: String,
        /// The client's reason.
        source: Box<kube::Error>,
    },
    /// Something did not happen in time.
    #[error("{what} took longer than {}; last seen: {last_seen}{hint}", humantime::format_duration(*.limit))]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// What the last look found instead.
        last_seen: String,
        /// Where to look, if that is known; starts with a line break.
        hint: String,
    },
    /// Something is not as it must be.
    #[error("{0}")]
    Unusable(String),
}

/// What functions here return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// For a file operation: `map_err(Error::file("read", path))`.
    pub fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }

    /// For a system call that fails with an error number.
    pub fn system(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(nix::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source: source.into() }
    }

    /// For a question to Kubernetes.
    pub fn kubernetes(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |source| Self::Kubernetes { what, source: Box::new(source) }
    }

    /// The message with all its causes.
    #[must_use]
    pub fn chain(&self) -> String {
        chain(self)
    }
}

/// An error with all its causes, separated by colons; what a cause only repeats is left out.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

fn bullets(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  - {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once() {
        let error = Error::file("read", "/nowhere")(io::Error::other("no such thing"));
        assert_eq!(error.chain(), "cannot read /nowhere: no such thing");
    }

    #[test]
    fn everything_that_is_missing_is_listed() {
        let error = Error::Missing(vec!["etcd".to_owned(), "root".to_owned()]);
        assert_eq!(error.to_string(), "this machine cannot run the test cluster:\n  - etcd\n  - root");
    }
}
