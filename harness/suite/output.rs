//! What an invocation leaves behind and what it shows at the end.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use meshbench_core::report::{IgnoredCase, Report};
use meshbench_report::console::{self, Style};
use meshbench_report::junit::{self, WhenInvalid};
use meshbench_report::{json, markdown};

/// GitHub names a file here that takes Markdown for the run's page.
const STEP_SUMMARY_VARIABLE: &str = "GITHUB_STEP_SUMMARY";

/// A result that could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// The file system refused.
    #[error("cannot write {} (is the disk full?)", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The report cannot be put into this format.
    #[error("cannot write the report as {format}: {why}")]
    Format {
        /// The format.
        format: &'static str,
        /// What was wrong.
        why: String,
    },
}

/// Writes the report's files into `folder`, and the step summary if there is one.
///
/// # Errors
/// [`OutputError`] at the first that cannot be written.
pub(crate) fn write_files(report: &Report, folder: &Path, strict: bool) -> Result<(), OutputError> {
    let as_json = json::render(report)
        .map_err(|error| OutputError::Format { format: "JSON", why: error.to_string() })?;
    write(&folder.join("report.json"), &as_json)?;
    let when_invalid = if strict { WhenInvalid::Fail } else { WhenInvalid::Note };
    let as_junit = junit::render(report, when_invalid)
        .map_err(|error| OutputError::Format { format: "JUnit XML", why: error.to_string() })?;
    write(&folder.join("junit.xml"), &as_junit)?;
    let Some(summary) = std::env::var_os(STEP_SUMMARY_VARIABLE).filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = PathBuf::from(summary);
    let text = markdown::render(report);
    let appended = OpenOptions::new().create(true).append(true).open(&path);
    appended
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| OutputError::Write { path, source })
}

fn write(path: &Path, text: &str) -> Result<(), OutputError> {
    fs::write(path, text).map_err(|source| OutputError::Write { path: path.to_owned(), source })
}

/// Shows the summary and where the files are.
pub(crate) fn show(standard: &mut dyn Write, report: &Report, folder: &Path, colour: bool) {
    let text = console::render(report, Style { colour });
    // Nobody is left to tell when standard output is closed.
    let _: io::Result<()> = writeln!(standard, "\n{text}\n{}", folder.join("report.json").display());
}

/// Says before the run which cases will not run, why, and what to do about it.
pub(crate) fn announce_ignored(standard_error: &mut dyn Write, ignored: &[IgnoredCase]) {
    for (reason, cure, count) in by_reason(ignored) {
        let cases = if count == 1 { "1 case is".to_owned() } else { format!("{count} cases are") };
        let _: io::Result<()> = writeln!(standard_error, "{cases} ignored: {reason}\n  cure: {cure}");
    }
}

fn by_reason(ignored: &[IgnoredCase]) -> Vec<(&str, &str, usize)> {
    let mut reasons: Vec<(&str, &str, usize)> = Vec::new();
    for case in ignored {
        match reasons.iter_mut().find(|(reason, cure, _)| *reason == case.reason && *cure == case.cure) {
            Some((_, _, count)) => *count += 1,
            None => reasons.push((&case.reason, &case.cure, 1)),
        }
    }
    reasons
}
