//! Tells whoever started the generator what happens: [`EventSink`].

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use meshbench_core::load_event::LoadEvent;

/// Where events go: a line of JSON each, or nowhere.
pub struct EventSink {
    out: Option<Mutex<Box<dyn Write + Send>>>,
}

impl EventSink {
    /// Tells nobody.
    #[must_use]
    pub fn none() -> Self {
        Self { out: None }
    }

    /// Writes to `out`, and flushes at once: an event that is late is wrong.
    #[must_use]
    pub fn lines(out: Box<dyn Write + Send>) -> Self {
        Self { out: Some(Mutex::new(out)) }
    }

    pub(crate) fn tell(&self, event: &LoadEvent) {
        let Some(out) = &self.out else { return };
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever stopped listening must not end the measurement.
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
}
