//! The command line of `meshbench-load`: [`main`].

mod arguments;
mod attended;
mod url;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;
use meshbench_core::load_event::LoadEvent;
use meshbench_core::load_plan::{LoadPlan, LoadPlanError};
use meshbench_core::node_traces::{NODE_ROOT, NodeMarks};
use meshbench_core::recording::Recording;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use self::arguments::Arguments;
use self::url::UrlError;
use crate::{EventSink, RunError, Surroundings, node, percentile_distribution, run, summary};

/// What shells expect of a program that Ctrl-C ended.
const EXIT_INTERRUPTED: u8 = 130;

/// Why the command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Plan(#[from] LoadPlanError),
    #[error("cannot read the body {}", path.display())]
    ReadBody {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot read the plan {}", path.display())]
    ReadPlan {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the plan {} is not valid", path.display())]
    ParsePlan {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("cannot write {} (does the folder exist, and is there room?)", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot read a command from standard input")]
    ReadCommand(#[source] io::Error),
    #[error("{line:?} is no command")]
    ParseCommand {
        line: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("standard input ended before a plan came")]
    NoPlan,
    #[error("cannot write the recording as JSON")]
    RecordingText(#[source] serde_json::Error),
    #[error("cannot watch for signals")]
    Signals(#[source] io::Error),
    #[error("cannot write to standard output")]
    StandardOutput(#[source] io::Error),
    #[error("cannot enter {} (is the node's file system there, and may root call chroot here?)", NODE_ROOT)]
    Node(#[source] io::Error),
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Runs the command that this process was started as.
#[must_use]
pub fn main() -> ExitCode {
    // Prints help and usage errors itself, and exits with 2 on the latter.
    let arguments = Arguments::parse();
    let interrupted = match &arguments.look_at_node {
        Some(marks) => tell_of_node(marks).map(|()| false),
        None => execute(&arguments).map(|recording| recording.interrupted),
    };
    match interrupted {
        Ok(true) => ExitCode::from(EXIT_INTERRUPTED),
        Ok(false) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell if standard error is gone.
            let _ = writeln!(io::stderr(), "error: {}", with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

fn tell_of_node(marks: &NodeMarks) -> Result<(), CommandError> {
    let findings = node::look(marks).map_err(CommandError::Node)?;
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &findings)
        .map_err(io::Error::from)
        .and_then(|()| writeln!(output))
        .map_err(CommandError::StandardOutput)
}

fn execute(arguments: &Arguments) -> Result<Recording, CommandError> {
    if arguments.attended {
        return attended::attend(io::stdin().lock(), Box::new(io::stdout()));
    }
    let plan = plan_of(arguments)?;
    // Files are opened first: a wrong path must not cost a whole run.
    let output = arguments.output.as_deref().map(create).transpose()?;
    let distribution = arguments.hgrm.as_deref().map(create).transpose()?;
    let interval_log = arguments.hlog.as_deref().map(create).transpose()?.map(BufWriter::new);
    let signals = watch_signals().map_err(CommandError::Signals)?;
    let events = if arguments.events {
        EventSink::lines(Box::new(io::stdout()))
    } else {
        EventSink::terminal(plan.settings().duration)
    };

    let surroundings = Surroundings { events: &events, interval_log, interrupt: Some(signals.as_fd()) };
    let (recording, log_failure) = match run(plan.clone(), surroundings) {
        Ok(recording) => (recording, None),
        // What was measured is worth keeping without its log.
        Err(RunError::IntervalLog { source, recording: Some(recording) }) => {
            (*recording, Some(RunError::IntervalLog { source, recording: None }))
        }
        Err(error) => return Err(error.into()),
    };

    if let (Some(file), Some(path)) = (output, &arguments.output) {
        write_recording(file, &recording).map_err(cannot_write(path))?;
    }
    if let (Some(file), Some(path)) = (distribution, &arguments.hgrm) {
        write_distribution(file, &recording).map_err(cannot_write(path))?;
    }
    if !arguments.events {
        summary::write(&mut io::stdout().lock(), &plan, &recording).map_err(CommandError::StandardOutput)?;
    }
    events.tell(&LoadEvent::Finished);
    log_failure.map_or(Ok(recording), |failure| Err(failure.into()))
}

fn plan_of(arguments: &Arguments) -> Result<LoadPlan, CommandError> {
    let Some(path) = &arguments.plan else {
        return Ok(LoadPlan::try_new(arguments.settings()?)?);
    };
    let text = std::fs::read_to_string(path)
        .map_err(|source| CommandError::ReadPlan { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|source| CommandError::ParsePlan { path: path.clone(), source })
}

fn create(path: &Path) -> Result<File, CommandError> {
    File::create(path).map_err(cannot_write(path))
}

fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> CommandError {
    let path = path.to_owned();
    |source| CommandError::Write { path, source }
}

fn write_recording(file: File, recording: &Recording) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    serde_json::to_writer(&mut writer, recording)?;
    writer.write_all(b"\n")?;
    writer.flush()
}

fn write_distribution(file: File, recording: &Recording) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    percentile_distribution::write(&mut writer, &recording.latency_ns)?;
    writer.flush()
}

/// Turns SIGINT and SIGTERM into something readable. Must come before any thread is started, for threads inherit the mask.
fn watch_signals() -> io::Result<SignalFd> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block()?;
    Ok(SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?)
}

/// An error and all its causes, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
