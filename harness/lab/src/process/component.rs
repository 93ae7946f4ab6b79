//! One process of a run: started in a group of its own, watched, and ended for certain.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use meshbench_core::resources::Group;
use nix::errno::Errno;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStdout, Command};

use super::live::CAMPAIGN_VARIABLE;

/// How long a process may take to end after SIGTERM before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// What a process is told of its caller's environment.
const INHERITED_VARIABLES: [&str; 4] = ["HOME", "LANG", "PATH", "TMPDIR"];

/// How much of a log is quoted in an error.
const QUOTED_LOG_LINES: usize = 12;

/// What to start, and as what.
#[derive(Debug, Clone)]
pub struct ComponentSpec {
    /// Unique within a run, for example `web-0` or `web-0/sidecar`.
    pub name: String,
    /// Whose cost its CPU and memory are.
    pub group: Group,
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables added to its environment.
    pub environment: Vec<(String, String)>,
    /// Its working directory, which also takes its log.
    pub directory: PathBuf,
    /// The cores it may run on.
    pub cores: Vec<usize>,
    /// Whether standard output is read by us rather than logged.
    pub standard_output_piped: bool,
}

/// A running process of a run.
///
/// [`Component::stop`] ends it in order. Dropping it kills the whole process
/// group at once, which is what a panic or an early return gets.
#[derive(Debug)]
pub struct Component {
    name: String,
    group: Group,
    process_group: Pid,
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

/// Why a component could not be started or kept running.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// The process could not be created.
    #[error("cannot start {component} ({})", program.display())]
    Start {
        /// The component's name.
        component: String,
        /// Its executable.
        program: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The process ended when it should be running.
    #[error("{component} ended {when} ({status}){log}")]
    Ended {
        /// The component's name.
        component: String,
        /// During which step, for example "before it was ready".
        when: &'static str,
        /// Its exit status or signal.
        status: ExitStatus,
        /// The last lines of its log.
        log: LogTail,
    },
}

/// The last lines of a component's log, indented under an error message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTail(Vec<String>);

impl std::fmt::Display for LogTail {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("; its log is empty");
        }
        formatter.write_str("; the last lines of its log:")?;
        self.0.iter().try_for_each(|line| write!(formatter, "\n    | {line}"))
    }
}

impl Component {
    /// Starts a process in a process group of its own, on its cores, marked with
    /// the campaign it belongs to, and bound to die with this thread.
    ///
    /// # Errors
    /// [`ComponentError::Start`] when its log cannot be created or it cannot be executed.
    pub fn start(spec: &ComponentSpec, campaign: &str) -> Result<Self, ComponentError> {
        let failed = |source| ComponentError::Start {
            component: spec.name.clone(),
            program: spec.program.clone(),
            source,
        };
        let log = spec.directory.join(format!("{}.log", spec.name.replace('/', "-")));
        let log_file = File::create(&log).map_err(failed)?;
        let standard_output = if spec.standard_output_piped {
            Stdio::piped()
        } else {
            log_file.try_clone().map_err(failed)?.into()
        };
        let mut command = Command::new(&spec.program);
        command
            .args(&spec.arguments)
            // What the caller has exported must not change what is measured.
            .env_clear()
            .envs(INHERITED_VARIABLES.iter().filter_map(|&name| Some((name, std::env::var_os(name)?))))
            .envs(spec.environment.iter().cloned())
            .env(CAMPAIGN_VARIABLE, campaign)
            .current_dir(&spec.directory)
            .stdin(Stdio::null())
            .stdout(standard_output)
            .stderr(log_file)
            .process_group(0)
            .kill_on_drop(true);
        prepare_child(command.as_std_mut(), &spec.cores).map_err(failed)?;
        let child = command.spawn().map_err(failed)?;
        let process_group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw)
            .ok_or_else(|| failed(io::Error::other("it ended at once")))?;
        Ok(Self { name: spec.name.clone(), group: spec.group, process_group, child, log, ended: None })
    }

    /// The component's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whose cost it is.
    #[must_use]
    pub fn group(&self) -> Group {
        self.group
    }

    /// The process group all its processes are in.
    #[must_use]
    pub fn process_group(&self) -> i32 {
        self.process_group.as_raw()
    }

    /// Takes the pipe of its standard output, if it has one that was not taken yet.
    pub fn take_standard_output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Fails when the process has ended; `when` says during which step.
    ///
    /// # Errors
    /// [`ComponentError::Ended`] with the exit status and the last lines of its log.
    pub fn check_running(&mut self, when: &'static str) -> Result<(), ComponentError> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        match self.ended {
            None => Ok(()),
            Some(status) => Err(ComponentError::Ended {
                component: self.name.clone(),
                when,
                status,
                log: self.log_tail(),
            }),
        }
    }

    /// Waits for it to end by itself.
    ///
    /// # Errors
    /// The kernel's, when it cannot be waited for.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.ended = Some(status);
        Ok(status)
    }

    /// The last lines it wrote.
    #[must_use]
    pub fn log_tail(&self) -> LogTail {
        tail(&self.log)
    }

    /// Where its log is.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Asks it to end. [`Component::stop`] waits for that.
    pub fn request_stop(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Ends it: SIGTERM, a few seconds of grace, then SIGKILL to the whole group.
    pub async fn stop(mut self) {
        if self.ended.is_none() {
            self.request_stop();
            if let Ok(Ok(status)) = tokio::time::timeout(STOP_GRACE, self.child.wait()).await {
                self.ended = Some(status);
            }
        }
        // Also when the leader is gone: a child of it may have outlived it.
        self.signal(Signal::SIGKILL);
        if self.ended.is_none() {
            self.ended = self.child.wait().await.ok();
        }
    }

    fn signal(&self, signal: Signal) {
        // ESRCH is the good case: nothing of the group is left.
        let _: Result<(), Errno> = killpg(self.process_group, signal);
    }
}

impl Drop for Component {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.signal(Signal::SIGKILL);
        }
    }
}

/// Puts the child on its cores and ties its life to this thread's, so that even
/// a SIGKILL of the harness leaves nothing running.
#[expect(
    unsafe_code,
    reason = "code between fork and exec is unsafe by nature; these calls are async-signal-safe"
)]
pub(super) fn prepare_child(command: &mut std::process::Command, cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core)?;
    }
    let harness = nix::unistd::getpid();
    // SAFETY: only system calls that are async-signal-safe, and no allocation.
    unsafe {
        command.pre_exec(move || {
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            // The harness may have died before the line above took effect.
            if nix::unistd::getppid() != harness {
                return Err(Errno::ESRCH.into());
            }
            Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
        });
    }
    Ok(())
}

/// The end of a log, to be quoted in an error.
pub(super) fn tail(log: &Path) -> LogTail {
    LogTail(last_lines(log, QUOTED_LOG_LINES).unwrap_or_default())
}

/// The last `count` lines of a file, without reading more than its end.
fn last_lines(path: &Path, count: usize) -> io::Result<Vec<String>> {
    const READ_AT_MOST: u64 = 16 * 1024;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(READ_AT_MOST)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let text = String::from_utf8_lossy(&end);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    Ok(lines[lines.len().saturating_sub(count)..].iter().map(|&line| line.to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, directory: &Path) -> ComponentSpec {
        ComponentSpec {
            name: "web-0/sidecar".into(),
            group: Group::DataPlane,
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: Vec::new(),
            directory: directory.to_owned(),
            cores: super::super::placement::Placement::of_this_machine().unwrap().measured,
            standard_output_piped: false,
        }
    }

    fn group_exists(group: i32) -> bool {
        killpg(Pid::from_raw(group), None).is_ok()
    }

    #[tokio::test]
    async fn an_unexpected_end_quotes_the_log() {
        let directory = tempfile::tempdir().unwrap();
        let spec = shell("echo starting; echo 'bad configuration: line 7' >&2; exit 3", directory.path());
        let mut component = Component::start(&spec, "test").unwrap();
        component.wait().await.unwrap();
        let message = component.check_running("before it was ready").unwrap_err().to_string();
        insta::assert_snapshot!(message, @r"
        web-0/sidecar ended before it was ready (exit status: 3); the last lines of its log:
            | starting
            | bad configuration: line 7
        ");
    }

    #[tokio::test]
    async fn stop_ends_the_children_of_a_leader_that_ignores_sigterm() {
        let directory = tempfile::tempdir().unwrap();
        let spec = shell("trap '' TERM; sleep 600 & echo up; wait; wait", directory.path());
        let component = Component::start(&spec, "test").unwrap();
        let group = component.process_group();
        let log = component.log().to_owned();
        crate::wait::until(Duration::from_secs(60), || async {
            last_lines(&log, 1).ok().filter(|lines| !lines.is_empty()).ok_or_else(|| "no line".to_owned())
        })
        .await
        .unwrap();
        component.stop().await;
        crate::wait::until(Duration::from_secs(60), || async {
            if group_exists(group) { Err("group still there".to_owned()) } else { Ok(()) }
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn dropping_kills_the_group() {
        let directory = tempfile::tempdir().unwrap();
        let component = Component::start(&shell("sleep 600 & sleep 600", directory.path()), "test").unwrap();
        let group = component.process_group();
        drop(component);
        crate::wait::until(Duration::from_secs(60), || async {
            if group_exists(group) { Err("group still there".to_owned()) } else { Ok(()) }
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn the_callers_environment_stays_outside() {
        let directory = tempfile::tempdir().unwrap();
        let spec = shell("env | cut -d= -f1 | sort", directory.path());
        let mut component = Component::start(&spec, "test").unwrap();
        component.wait().await.unwrap();
        let log = std::fs::read_to_string(component.log()).unwrap();
        // The test itself runs with variables of cargo's, and the shell sets some of its own.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        assert!(!log.contains("CARGO") && log.contains(CAMPAIGN_VARIABLE) && log.contains("PATH"), "{log}");
    }

    #[tokio::test]
    async fn a_missing_executable_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let mut spec = shell("", directory.path());
        spec.program = "/no/such/proxy".into();
        let error = Component::start(&spec, "test").unwrap_err();
        assert_eq!(error.to_string(), "cannot start web-0/sidecar (/no/such/proxy)");
    }
}
