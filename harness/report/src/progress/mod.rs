//! [`Progress`]: shows a person who waits what a campaign is doing.

mod bar;
mod estimate;
mod lines;
mod meshes;
mod words;

use std::collections::BTreeMap;
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
pub struct Progress {
    shown: Shown,
    /// Those of clusters where several are measured at once: a line each, for the bars of one would draw over another's.
    of_clusters: BTreeMap<String, Lines<Stderr>>,
}

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
        let shown = match verbosity {
            Verbosity::Quiet => Shown::Nothing,
            Verbosity::Normal if stderr().is_terminal() => Shown::Bar(Bar::default()),
            Verbosity::Normal => Shown::Lines(Lines::new(stderr(), None)),
        };
        Self { shown, of_clusters: BTreeMap::new() }
    }

    /// Shows one event, with the cluster it is of where several are measured at once. What cannot be written is lost: a
    /// measurement must not fail for its progress.
    pub fn observe(&mut self, cluster: Option<&str>, event: &Event) {
        match (&mut self.shown, cluster) {
            (Shown::Nothing, _) => {}
            (_, Some(cluster)) => {
                let new = || Lines::new(stderr(), Some(cluster.to_owned()));
                self.of_clusters.entry(cluster.to_owned()).or_insert_with(new).observe(event);
            }
            (Shown::Lines(lines), None) => lines.observe(event),
            (Shown::Bar(bar), None) => bar.observe(event),
        }
    }
}
