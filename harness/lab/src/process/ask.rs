//! Asking a program something, such as its version, without waiting for ever.

use std::io::{self, Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::component::prepare_child;
use super::placement::Placement;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// Nobody says more than this about a version.
const LONGEST_ANSWER_BYTES: u64 = 64 * 1024;

/// How a program ended, and what it wrote on either output.
///
/// # Errors
/// The kernel's, when it cannot be started; `TimedOut` when it does not end, in which case it is killed.
pub(crate) fn ask<Argument: AsRef<std::ffi::OsStr>>(
    program: impl AsRef<std::ffi::OsStr>,
    arguments: &[Argument],
) -> io::Result<(ExitStatus, String)> {
    ask_within(LIMIT, program, arguments)
}

fn ask_within<Argument: AsRef<std::ffi::OsStr>>(
    limit: Duration,
    program: impl AsRef<std::ffi::OsStr>,
    arguments: &[Argument],
) -> io::Result<(ExitStatus, String)> {
    // A file, for a pipe that nobody empties would hold up who writes much.
    let mut said = tempfile::tempfile()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said.try_clone()?);
    command.process_group(0);
    prepare_child(&mut command, &Placement::of_this_machine()?.measured)?;
    let mut child = command.spawn()?;
    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                // What it has started as well; it leads a group of its own.
                killpg(Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX)), Signal::SIGKILL)?;
                child.wait()?;
                let why = format!("it does not answer within {}", humantime::format_duration(limit));
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            None => std::thread::park_timeout(POLL_INTERVAL),
        }
    };
    said.rewind()?;
    let mut answer = Vec::new();
    said.take(LONGEST_ANSWER_BYTES).read_to_end(&mut answer)?;
    Ok((status, String::from_utf8_lossy(&answer).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_ended_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("started");
        // The name of the file in the command line tells this sleep from any other.
        let script = format!("sh -c 'sleep 600; : {}' & wait", note.display());
        let error = ask_within(Duration::from_millis(200), "sh", &["-c", &script]).unwrap_err();
        assert_eq!(error.to_string(), "it does not answer within 200ms");
        let is_ours = |process: &procfs::process::Process| {
            process.cmdline().is_ok_and(|words| words.concat().contains(&*note.to_string_lossy()))
        };
        let deadline = Instant::now() + LIMIT;
        while procfs::process::all_processes().unwrap().flatten().any(|process| is_ours(&process)) {
            assert!(Instant::now() < deadline, "what it started is still there");
            std::thread::park_timeout(POLL_INTERVAL);
        }
    }

    #[test]
    fn both_outputs_are_heard_however_much_is_said() {
        let script = "yes chatter | head -c 300000 >&2; echo version 1";
        let (status, said) = ask("sh", &["-c", script]).unwrap();
        assert!(status.success());
        assert!(said.starts_with("chatter\n"), "{}", &said[..20]);
        let (_, said) = ask("sh", &["-c", "echo version 1; echo unheard >&2; exit 3"]).unwrap();
        assert_eq!(said, "version 1\nunheard\n");
    }
}
