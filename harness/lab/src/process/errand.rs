//! [`Errand`]: a program of the user's that makes or removes something, such as a cluster.
//!
//! Unlike a [`Component`](super::Component) it ends by itself, has the caller's environment, which its credentials are in,
//! and may leave processes behind that are meant to stay.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::component::{LogTail, prepare_child, tail};
use super::live::kill_marked;

/// The environment variable that marks an errand's processes.
pub(super) const ERRAND_VARIABLE: &str = "MESHBENCH_ERRAND";
/// How long one may take to end after SIGTERM before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// A program with all that it takes to run it, now or after this process is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// What it makes or removes: marks its processes.
    pub subject: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Its working directory.
    pub directory: PathBuf,
    /// Variables added to the caller's environment.
    pub environment: Vec<(String, String)>,
    /// The file that what it says is added to.
    pub log: PathBuf,
    /// The cores it may run on.
    pub cores: Vec<usize>,
}

/// Why an errand did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum ErrandError {
    /// It could not be started.
    #[error("cannot run `{command}` (is the program installed, and the folder of its log there?)")]
    Start {
        /// The program and its arguments.
        command: String,
        /// The kernel's reason.
        source: io::Error,
    },
    /// It failed.
    #[error("`{command}` failed ({status}){said}")]
    Failed {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// Its last lines.
        said: LogTail,
    },
    /// It took too long, and was ended.
    #[error("`{command}` did not end within {}{said}", humantime::format_duration(*.limit))]
    TimedOut {
        /// The program and its arguments.
        command: String,
        /// How long it was given.
        limit: Duration,
        /// Its last lines.
        said: LogTail,
    },
    /// A signal ended the campaign meanwhile.
    #[error("interrupted while `{command}` ran")]
    Interrupted {
        /// The program and its arguments.
        command: String,
    },
}

impl Errand {
    /// Runs it to its end, for at most `limit`. What it started is ended with it unless it succeeds, and it dies with this
    /// thread.
    ///
    /// # Errors
    /// [`ErrandError`].
    pub async fn run(&self, limit: Duration, cancelled: &CancellationToken) -> Result<(), ErrandError> {
        let command = self.command.join(" ");
        let failed = |source| ErrandError::Start { command: command.clone(), source };
        let mut child = self.start().map_err(failed)?;
        let ended = tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(ErrandError::Interrupted { command: command.clone() }),
            ended = timeout(limit, child.wait()) => match ended {
                Ok(status) => Ok(status.map_err(failed)?),
                Err(_) => Err(ErrandError::TimedOut { command: command.clone(), limit, said: tail(&self.log) }),
            },
        };
        let error = match ended {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => ErrandError::Failed { command, status, said: tail(&self.log) },
            Err(error) => {
                stop(&mut child).await;
                error
            }
        };
        end_marked(&self.subject);
        Err(error)
    }

    fn start(&self) -> io::Result<Child> {
        let (program, arguments) =
            self.command.split_first().ok_or_else(|| io::Error::other("no program is named"))?;
        let mut log = append(&self.log)?;
        writeln!(log, "$ {}", self.command.join(" "))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(self.environment.iter().cloned())
            .env(ERRAND_VARIABLE, &self.subject)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true);
        prepare_child(command.as_std_mut(), &self.cores)?;
        command.spawn()
    }
}

/// Kills the processes of errands of this subject; those that do not die, as `name (pid)`.
pub(super) fn end_marked(subject: &str) -> Vec<String> {
    kill_marked(ERRAND_VARIABLE, subject).left
}

async fn stop(child: &mut Child) {
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
        // ESRCH is the good case: nothing of the group is left.
        let _: Result<(), Errno> = killpg(Pid::from_raw(id), Signal::SIGTERM);
    }
    if timeout(STOP_GRACE, child.wait()).await.is_err() {
        // Gone in between is as good as killed.
        let _: io::Result<()> = child.kill().await;
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Placement;

    const LIMIT: Duration = Duration::from_secs(60);

    fn errand(script: &str, folder: &Path) -> Errand {
        Errand {
            subject: format!("errand-test-{}", folder.display()),
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            directory: folder.to_owned(),
            environment: vec![("KUBECONFIG".to_owned(), "mine".to_owned())],
            log: folder.join("log"),
            cores: Placement::of_this_machine().unwrap().all(),
        }
    }

    #[tokio::test]
    async fn what_is_meant_to_stay_stays() {
        let folder = tempfile::tempdir().unwrap();
        let errand = errand("echo $KUBECONFIG > made; sleep 600 >/dev/null 2>&1 &", folder.path());
        errand.run(LIMIT, &CancellationToken::new()).await.unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("made")).unwrap(), "mine\n");
        assert_eq!(kill_marked(ERRAND_VARIABLE, &errand.subject).ended.len(), 1);
    }

    #[tokio::test]
    async fn what_a_failed_one_started_is_ended_and_its_last_lines_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let errand = errand("setsid sleep 600 & echo no room >&2; exit 3", folder.path());
        let error = errand.run(LIMIT, &CancellationToken::new()).await.unwrap_err();
        insta::assert_snapshot!(error, @r"
        `sh -c setsid sleep 600 & echo no room >&2; exit 3` failed (exit status: 3); the last lines of its log:
            | $ sh -c setsid sleep 600 & echo no room >&2; exit 3
            | no room
        ");
        assert!(kill_marked(ERRAND_VARIABLE, &errand.subject).ended.is_empty());
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let errand = errand("sleep 600", folder.path());
        let error = errand.run(Duration::from_millis(50), &CancellationToken::new()).await.unwrap_err();
        insta::assert_snapshot!(error, @r"
        `sh -c sleep 600` did not end within 50ms; the last lines of its log:
            | $ sh -c sleep 600
        ");
        assert!(kill_marked(ERRAND_VARIABLE, &errand.subject).ended.is_empty());
    }

    #[tokio::test]
    async fn a_signal_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        let error = errand("sleep 600", folder.path()).run(LIMIT, &cancelled).await.unwrap_err();
        insta::assert_snapshot!(error, @"interrupted while `sh -c sleep 600` ran");
    }
}
