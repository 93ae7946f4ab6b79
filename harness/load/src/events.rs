//! Tells whoever started the generator what happens: [`EventSink`].

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use meshbench_core::load_event::LoadEvent;

use crate::progress_line::ProgressLine;

/// Where events go: a line of JSON each, a line on the terminal, or nowhere.
pub struct EventSink {
    listener: Listener,
}

enum Listener {
    Nobody,
    Program(Mutex<Box<dyn Write + Send>>),
    Person(ProgressLine),
}

impl EventSink {
    /// Tells nobody.
    #[must_use]
    pub fn none() -> Self {
        Self { listener: Listener::Nobody }
    }

    /// Writes to `out`, and flushes at once: an event that is late is wrong.
    #[must_use]
    pub fn lines(out: Box<dyn Write + Send>) -> Self {
        Self { listener: Listener::Program(Mutex::new(out)) }
    }

    /// Keeps a line on standard error up to date while a window of `window` is measured, if that is a terminal.
    #[must_use]
    pub fn terminal(window: Duration) -> Self {
        Self { listener: Listener::Person(ProgressLine::new(window)) }
    }

    pub(crate) fn tell(&self, event: &LoadEvent) {
        match &self.listener {
            Listener::Nobody => {}
            Listener::Program(out) => write_line(out, event),
            Listener::Person(line) => line.show(event),
        }
    }
}

fn write_line(out: &Mutex<Box<dyn Write + Send>>, event: &LoadEvent) {
    let Ok(mut line) = serde_json::to_vec(event) else { return };
    line.push(b'\n');
    let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
    // Whoever stopped listening must not end the measurement.
    let _ = out.write_all(&line).and_then(|()| out.flush());
}
