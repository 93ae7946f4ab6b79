//! Asking a program something, such as its version, without waiting for ever.

use std::io::{self, Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

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
    // A file, for a pipe that nobody empties would hold up who writes much.
    let mut said = tempfile::tempfile()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said.try_clone()?);
    command.process_group(0);
    prepare_child(&mut command, &Placement::of_this_machine()?.measured)?;
    let mut child = command.spawn()?;
    let deadline = Instant::now() + LIMIT;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                child.kill()?;
                child.wait()?;
                let limit = humantime::format_duration(LIMIT);
                let why = format!("it does not answer within {limit}");
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
    fn both_outputs_are_heard_however_much_is_said() {
        let script = "yes chatter | head -c 300000 >&2; echo version 1";
        let (status, said) = ask("sh", &["-c", script]).unwrap();
        assert!(status.success());
        assert!(said.starts_with("chatter\n"), "{}", &said[..20]);
        let (_, said) = ask("sh", &["-c", "echo version 1; echo unheard >&2; exit 3"]).unwrap();
        assert_eq!(said, "version 1\nunheard\n");
    }
}
