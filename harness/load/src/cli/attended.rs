//! A generator that gets its plan after it was started, and hands its recording over: [`attend`].

use std::io::{self, BufRead, Write};
use std::os::fd::AsFd as _;

use meshbench_core::digest::digest;
use meshbench_core::load_command::LoadCommand;
use meshbench_core::load_event::LoadEvent;
use meshbench_core::load_plan::{LOAD_PLAN_VERSION, LoadPlan};
use meshbench_core::recording::Recording;

use super::{CommandError, watch_signals};
use crate::{EventSink, Surroundings, clock, run};

/// Answers commands until one brings a plan, carries that out, and stays until there can be no more of them: what counts its
/// CPU reads that a while after the window, and a pod that has ended can be asked nothing.
pub(super) fn attend(
    mut commands: impl BufRead,
    answers: Box<dyn Write + Send>,
) -> Result<Recording, CommandError> {
    let events = EventSink::lines(answers);
    events.tell(&LoadEvent::Attended { plan_version: LOAD_PLAN_VERSION });
    let plan = await_plan(&mut commands, &events)?;
    events.tell(&LoadEvent::Planned);

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
    io::copy(&mut commands, &mut io::sink()).map_err(CommandError::ReadCommand)?;
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What a generator answered to these lines, and why it ended.
    fn answers_to(lines: &str) -> (Vec<LoadEvent>, CommandError) {
        #[derive(Clone, Default)]
        struct Shared(Arc<Mutex<Vec<u8>>>);
        impl Write for Shared {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let written = Shared::default();
        let error = attend(lines.as_bytes(), Box::new(written.clone())).unwrap_err();
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), error)
    }

    #[test]
    fn clocks_are_told_until_a_plan_comes() {
        let (events, error) =
            answers_to("{\"command\":\"clock\",\"id\":7}\n{\"command\":\"clock\",\"id\":8}\n");
        let [LoadEvent::Attended { plan_version }, rest @ ..] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!(*plan_version, LOAD_PLAN_VERSION);
        let clocks: Vec<_> = rest
            .iter()
            .map(|event| match *event {
                LoadEvent::Clock { id, unix_ns } => (id, unix_ns),
                ref other => panic!("{other:?}"),
            })
            .collect();
        let [(7, first), (8, second)] = clocks.as_slice() else { panic!("{clocks:?}") };
        assert!(first <= second, "{clocks:?}");
        assert!(matches!(error, CommandError::NoPlan), "{error:?}");
    }

    #[test]
    fn what_is_no_command_is_shown() {
        let (_, error) = answers_to("{\"command\":\"sing\"}\n");
        assert!(error.to_string().contains("sing"), "{error}");
    }
}
