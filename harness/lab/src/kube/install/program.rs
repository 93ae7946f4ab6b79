//! Programs of others that print manifests: [`Program`].

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// How long a program may take; some fetch what they print.
const LIMIT: Duration = Duration::from_secs(120);
/// How many of the last lines on standard error an error quotes.
const QUOTED_LINES: usize = 5;

/// A program that prints manifests, with what to do where it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    executable: OsString,
    cure: String,
}

impl Program {
    /// Renders charts.
    pub(super) fn helm() -> Self {
        Self::named_by("MESHBENCH_HELM", "helm", "https://helm.sh/docs/intro/install/")
    }

    /// Renders kustomizations.
    pub(super) fn kubectl() -> Self {
        Self::named_by("MESHBENCH_KUBECTL", "kubectl", "https://kubernetes.io/docs/tasks/tools/")
    }

    /// Fetches files: unlike a client of our own, it heeds the machine's proxies and certificate authorities.
    pub(super) fn curl() -> Self {
        Self { executable: "curl".into(), cure: "install curl".to_owned() }
    }

    /// The first word of a command in a `mesh.yaml`.
    pub(super) fn of_mesh(word: &str) -> Self {
        Self { executable: word.into(), cure: format!("install {word}, which the mesh's own command needs") }
    }

    fn named_by(variable: &str, name: &str, guide: &str) -> Self {
        let executable = env::var_os(variable).filter(|named| !named.is_empty());
        let cure = format!("install {name}, see {guide}, or name an executable in {variable}");
        Self { executable: executable.unwrap_or_else(|| name.into()), cure }
    }

    /// Runs it in `folder` and gives what it printed.
    ///
    /// # Errors
    /// A sentence when it is missing, fails, takes longer than two minutes, or prints no text.
    pub(super) async fn print(&self, arguments: &[String], folder: &Path) -> Result<String, String> {
        let shown = self.executable.display();
        let mut command = Command::new(&self.executable);
        command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
        let ended = timeout(LIMIT, command.output()).await;
        let output = match ended {
            Ok(Ok(output)) => output,
            Ok(Err(error)) => return Err(format!("cannot run `{shown}`: {error} (cure: {})", self.cure)),
            Err(_) => {
                let limit = humantime::format_duration(LIMIT);
                return Err(format!("`{shown}` did not end within {limit} (is what it fetches reachable?)"));
            }
        };
        if !output.status.success() {
            let said = last_lines(&String::from_utf8_lossy(&output.stderr));
            return Err(format!("`{shown} {}` failed ({}): {said}", arguments.join(" "), output.status));
        }
        String::from_utf8(output.stdout).map_err(|_| format!("`{shown}` printed something that is not UTF-8"))
    }
}

fn last_lines(said: &str) -> String {
    let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.len().checked_sub(QUOTED_LINES) {
        _ if lines.is_empty() => "it said nothing".to_owned(),
        Some(skipped) if skipped > 0 => format!("… {}", lines[skipped..].join("; ")),
        _ => lines.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::missing(
        "no-such-program-of-anybody",
        "",
        "cannot run `no-such-program-of-anybody`: No such file or directory (os error 2) (cure: install no-such-program-of-anybody, which the mesh's own command needs)"
    )]
    #[case::fails(
        "sh",
        "echo one >&2; echo two >&2; exit 3",
        "`sh -c echo one >&2; echo two >&2; exit 3` failed (exit status: 3): one; two"
    )]
    #[case::fails_silently("sh", "exit 1", "`sh -c exit 1` failed (exit status: 1): it said nothing")]
    #[case::prints_no_text("sh", r"printf '\377'", "`sh` printed something that is not UTF-8")]
    #[tokio::test]
    async fn what_goes_wrong_is_said(#[case] program: &str, #[case] script: &str, #[case] expected: &str) {
        let arguments = ["-c".to_owned(), script.to_owned()];
        let why = Program::of_mesh(program).print(&arguments, Path::new("/")).await.unwrap_err();
        assert_eq!(why, expected);
    }

    #[test]
    fn only_the_last_lines_are_quoted() {
        assert_eq!(last_lines("1\n2\n\n3\n4\n5\n6\n"), "… 2; 3; 4; 5; 6");
    }
}
