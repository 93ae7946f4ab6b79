//! [`Bar`]: progress on a terminal, one bar for a whole block group.

use std::io::{Write, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use meshbench_core::event::{Event, Step};

use super::estimate::Estimate;
use super::words;
use crate::format::wait;

const TEMPLATE: &str = "{bar:20} {pos}/{len} runs, {prefix} left  {msg}";
/// Often enough for the estimate to look alive, seldom enough to cost the measurement nothing.
const REDRAWS_PER_SECOND: u8 = 4;

/// A bar while a group runs; lines that stay above it.
#[derive(Debug, Default)]
pub(super) struct Bar {
    group: Option<Group>,
}

#[derive(Debug)]
struct Group {
    bar: ProgressBar,
    estimate: Estimate,
    /// Which run is on: `envoy-tuned 1/2`.
    run: String,
    window: Duration,
}

impl Bar {
    pub(super) fn observe(&mut self, event: &Event) {
        if let Event::GroupStarted { runs, at_least, .. } = event {
            // The trial's name stands there, waiting for its outcome.
            let _unwritable = writeln!(stderr());
            self.group = Some(Group::new(*runs, *at_least));
        }
        // The bar itself says which run is on.
        if let Some(line) = words::line(event).filter(|_| !matches!(event, Event::RunStarted { .. })) {
            self.keep(&line);
        }
        match event {
            Event::GroupDone => {
                if let Some(group) = self.group.take() {
                    group.bar.finish_and_clear();
                }
            }
            event => {
                if let Some(group) = &mut self.group {
                    group.observe(event);
                }
            }
        }
    }

    fn keep(&self, line: &str) {
        match &self.group {
            Some(group) => group.bar.println(line),
            // A closed terminal must not end a measurement.
            None => _ = writeln!(stderr(), "{line}"),
        }
    }
}

impl Group {
    fn new(runs: u32, at_least: Duration) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(Some(u64::from(runs)), target);
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self { bar, estimate: Estimate::new(runs, at_least), run: String::new(), window: Duration::ZERO }
    }

    fn observe(&mut self, event: &Event) {
        match event {
            Event::RunStarted { mesh, block, blocks } => {
                self.run = format!("{mesh} {block}/{blocks}");
                self.say("");
            }
            Event::Step(step) => {
                if let Step::Measuring(window) = step {
                    self.window = *window;
                }
                self.say(&words::step(*step));
            }
            Event::Progress { elapsed, requests, errors, p50_ns, p99_ns } => {
                let (p50, p99) = (words::duration(*p50_ns), words::duration(*p99_ns));
                let (elapsed, window) = (wait(*elapsed), wait(self.window));
                self.say(&format!(
                    "{elapsed} of {window}: {requests} requests, {errors} errors, p50 {p50}, p99 {p99}"
                ));
            }
            Event::RunDone { .. } | Event::RunFailed { .. } => {
                self.estimate.run_ended(self.bar.elapsed());
                self.bar.set_position(u64::from(self.estimate.done()));
            }
            Event::Swept { .. }
            | Event::Provisioning { .. }
            | Event::GroupStarted { .. }
            | Event::GroupDone => {}
        }
    }

    fn say(&self, what: &str) {
        self.bar.set_prefix(wait(self.estimate.left(self.bar.elapsed())));
        self.bar.set_message(format!("{} {what}", self.run).trim_end().to_owned());
    }
}
