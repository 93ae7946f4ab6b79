//! A generator that gets its plan after it was started, and hands its recording over: [`attend`].

use std::io::{BufRead, Write};
use std::os::fd::AsFd as _;

use meshbench_core::digest::digest;
use meshbench_core::load_command::LoadCommand;
use meshbench_core::load_event::LoadEvent;
use meshbench_core::load_plan::{LOAD_PLAN_VERSION, LoadPlan};
use meshbench_core::recording::Recording;

use super::{CommandError, watch_signals};
use crate::{EventSink, Surroundings, clock, run};

/// Answers commands until one brings a plan, and carries that out.
pub(super) fn attend(
    commands: impl BufRead,
    answers: Box<dyn Write + Send>,
) -> Result<Recording, CommandError> {
    let events = EventSink::lines(answers);
    events.tell(&LoadEvent::Attended { plan_version: LOAD_PLAN_VERSION });
    let plan = await_plan(commands, &events)?;

    // Not before: until then a signal may end the process at once.
    let signals = watch_signals().map_err(CommandError::Signals)?;
    let mut log = Vec::new();
    let surroundings =
        Surroundings { events: &events, interval_log: Some(&mut log), interrupt: Some(signals.as_fd()) };
    let recorded = run(plan, surroundings)?;

    let recording = serde_json::to_string(&recorded).map_err(CommandError::RecordingText)?;
    let interval_log = String::from_utf8_lossy(&log).into_owned();
    events.tell(&LoadEvent::Recorded { digest: digest(recording.as_bytes()), recording, interval_log });
    events.tell(&LoadEvent::Finished);
    Ok(recorded)
}

fn await_plan(commands: impl BufRead, events: &EventSink) -> Result<LoadPlan, CommandError> {
    for line in commands.lines() {
        let line = line.map_err(CommandError::ReadCommand)?;
        match serde_json::from_str(&line) {
            Ok(LoadCommand::Clock { id }) => events.tell(&LoadEvent::Clock { id, unix_ns: clock::unix_ns() }),
            Ok(LoadCommand::Run { plan }) => return Ok(*plan),
            Err(source) => return Err(CommandError::ParseCommand { line, source }),
        }
    }
    Err(CommandError::NoPlan)
}
