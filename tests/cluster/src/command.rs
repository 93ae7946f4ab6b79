//! Running a program that does one thing and ends.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// Runs it and gives back what it wrote to standard output.
///
/// # Errors
/// [`Error::Start`], or [`Error::Failed`] with what it wrote to standard error.
pub fn run(command: &mut Command) -> Result<String> {
    run_with_input(command, "")
}

/// As [`run`], with a text on standard input.
///
/// # Errors
/// As [`run`].
pub fn run_with_input(command: &mut Command, input: &str) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |source| Error::Start { program, source };
    let mut child = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    {
        Ok(child) => child,
        Err(source) => return Err(failed(source)),
    };
    // Inputs are shorter than a pipe holds, so this cannot wait for a program that writes first. One that ends without
    // reading is told by its status.
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    if !output.status.success() {
        return Err(Error::Failed {
            command: as_typed(command),
            status: output.status,
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn as_typed(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_the_program_said() {
        let error = run(Command::new("sh").args(["-c", "echo because >&2; exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "sh -c echo because >&2; exit 3 failed (exit status: 3): because");
        let error = run(&mut Command::new("no-such-program-of-anybody")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start no-such-program-of-anybody");
    }

    #[test]
    fn input_reaches_the_program() {
        assert_eq!(run_with_input(&mut Command::new("cat"), "hello").unwrap(), "hello");
    }
}
