//! [`Progress`]: shows a person who waits what a campaign is doing.

mod bar;
mod estimate;
mod lines;
mod meshes;
mod words;

use std::io::{IsTerminal, Stderr, stderr};

use meshbench_core::event::Event;

use bar::Bar;
use lines::Lines;

/// How much a person who waits wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    /// A bar on a terminal, with a line for each mesh so far; elsewhere a line when a run starts, each minute of it, and
    /// when it ends.
    #[default]
    Normal,
    /// Nothing at all.
    Quiet,
}

/// Shows events on standard error as they happen.
#[derive(Debug)]
pub struct Progress(Shown);

#[derive(Debug)]
enum Shown {
    Nothing,
    Lines(Lines<Stderr>),
    Bar(Bar),
}

impl Progress {
    /// Chooses what suits standard error: a bar for a terminal, plain lines for a log.
    #[must_use]
    pub fn on_stderr(verbosity: Verbosity) -> Self {
        Self(match verbosity {
            Verbosity::Quiet => Shown::Nothing,
            Verbosity::Normal if stderr().is_terminal() => Shown::Bar(Bar::default()),
            Verbosity::Normal => Shown::Lines(Lines::new(stderr())),
        })
    }

    /// Shows one event. What cannot be written is lost: a measurement must not fail for its progress.
    pub fn observe(&mut self, event: &Event) {
        match &mut self.0 {
            Shown::Nothing => {}
            Shown::Lines(lines) => lines.observe(event),
            Shown::Bar(bar) => bar.observe(event),
        }
    }
}
