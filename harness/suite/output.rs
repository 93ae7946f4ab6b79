//! What an invocation leaves behind and what it shows at the end.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use meshbench_core::judge::Gate;
use meshbench_core::report::{IgnoredCase, Report};
use meshbench_report::console::{self, Style};
use meshbench_report::html::{self, Sheet};
use meshbench_report::{json, junit, markdown, open_metrics};

use crate::rebuild::kept_files;
use crate::settings::TEXTFILE_VARIABLE;
use crate::textfile;

/// GitHub names a file here that takes Markdown for the run's page.
const STEP_SUMMARY_VARIABLE: &str = "GITHUB_STEP_SUMMARY";

/// A result that could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// The file system refused.
    #[error("cannot write {}", path.display())]
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

/// Writes the report's files into `folder`.
///
/// # Errors
/// [`OutputError`] at the first that cannot be written.
pub(crate) fn write_files(report: &Report, folder: &Path, gate: Gate) -> Result<(), OutputError> {
    let as_json = json::render(report)
        .map_err(|error| OutputError::Format { format: "JSON", why: error.to_string() })?;
    write(&folder.join("report.json"), &as_json)?;
    let as_junit = junit::render(report, gate)
        .map_err(|error| OutputError::Format { format: "JUnit XML", why: error.to_string() })?;
    write(&folder.join("junit.xml"), &as_junit)?;
    let as_metrics = open_metrics::render(report)
        .map_err(|error| OutputError::Format { format: "OpenMetrics", why: error.to_string() })?;
    write(&folder.join("metrics.prom"), &as_metrics)?;
    write(&folder.join("report.md"), &markdown::render_within(report, markdown::COMMENT_BYTES))?;
    let files = kept_files(folder, report);
    let page = html::render(&[Sheet { report, files: &files, unread: &[] }], report.pooled.as_ref())
        .map_err(|error| OutputError::Format { format: "HTML", why: error.to_string() })?;
    write(&folder.join("report.html"), &page)
}

/// Gives the metrics to Prometheus, where somebody wants that. Being unable to is worth a warning and no more: the results
/// are elsewhere too.
pub(crate) fn write_textfile(report: &Report, textfile: Option<&Path>) {
    let Some(path) = textfile else { return };
    let replaced = open_metrics::render(report).map_err(io::Error::other);
    if let Err(error) = replaced.and_then(|metrics| textfile::replace(path, &metrics)) {
        let _: io::Result<()> = writeln!(
            io::stderr(),
            "warning: cannot write the metrics for Prometheus to {}: {error}\n  cure: {TEXTFILE_VARIABLE} or --textfile \
             must name a file in a folder that exists and that this user may write to; the same metrics are in the \
             campaign's metrics.prom",
            path.display()
        );
    }
}

/// Appends the tables to the page that GitHub shows, if it wants them. Being unable to
/// is worth a warning and no more: the results are elsewhere too.
pub(crate) fn write_step_summary(report: &Report) {
    let named = std::env::var_os(STEP_SUMMARY_VARIABLE).filter(|path| !path.is_empty());
    let Some(path) = named.map(PathBuf::from) else { return };
    if let Err(error) = append_summary(report, &path) {
        let _: io::Result<()> =
            writeln!(io::stderr(), "warning: cannot append the summary to {}: {error}", path.display());
    }
}

/// GitHub shows nothing of a step whose summaries are too long together: under nextest each case adds one.
fn append_summary(report: &Report, path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let taken = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let room = markdown::STEP_SUMMARY_BYTES.saturating_sub(taken);
    let summary = markdown::render_within(report, room);
    if summary.len() > room {
        return Err(io::Error::other("it has no room left; report.md has it"));
    }
    file.write_all(summary.as_bytes())
}

fn write(path: &Path, text: &str) -> Result<(), OutputError> {
    fs::write(path, text).map_err(|source| OutputError::Write { path: path.to_owned(), source })
}

/// Shows the summary, and where the files are if they could be written.
pub(crate) fn show(report: &Report, folder: Option<&Path>, to_standard_error: bool) {
    let (mut out, is_terminal): (Box<dyn Write>, bool) = match to_standard_error {
        true => (Box::new(io::stderr()), io::stderr().is_terminal()),
        false => (Box::new(io::stdout()), io::stdout().is_terminal()),
    };
    let text = console::render(report, Style { colour: is_terminal && wants_colour() });
    let place = folder.map(|folder| folder.join("report.html").display().to_string()).unwrap_or_default();
    // Nobody is left to tell when it is closed.
    let _: io::Result<()> = writeln!(out, "\n{text}\n{place}");
}

/// Whether the terminal shows colours and the person wants them (<https://no-color.org>).
fn wants_colour() -> bool {
    let is_set = |variable: &str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
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
