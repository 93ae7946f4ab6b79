//! [`Bar`]: progress on a terminal, one bar for a whole block group, and a line below it for each mesh so far.

use std::io::{Write, stderr};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use meshbench_core::event::{Event, Step};

use super::estimate::Estimate;
use super::meshes::MeshesSoFar;
use super::words;
use crate::format::{Number, wait};

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
    /// All lines that are drawn anew.
    lines: MultiProgress,
    bar: ProgressBar,
    so_far: MeshesSoFar,
    /// A line for each mesh that has a run.
    meshes: Vec<(String, ProgressBar)>,
    estimate: Estimate,
    /// Which run is on: `envoy-tuned 1/2`.
    run: String,
    window: Duration,
}

impl Bar {
    pub(super) fn observe(&mut self, event: &Event) {
        let begun = match event {
            Event::GroupStarted { runs, at_least, .. } => Some(Group::new(*runs, *at_least)),
            Event::SearchStarted { most_probes, at_most, .. } => Some(Group::new(*most_probes, *at_most)),
            _ => None,
        };
        if begun.is_some() {
            // The trial's name stands there, waiting for its outcome.
            let _unwritable = writeln!(stderr());
            self.group = begun;
        }
        // The bar says which run is on, and the lines below it what has come of those before.
        if let Some(line) =
            words::line(event).filter(|_| !matches!(event, Event::RunStarted { .. } | Event::RunDone { .. }))
        {
            self.keep(&line);
        }
        match event {
            Event::GroupDone => {
                if let Some(group) = self.group.take() {
                    group.clear();
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
            Some(group) => _ = group.lines.println(line),
            // A closed terminal must not end a measurement.
            None => _ = writeln!(stderr(), "{line}"),
        }
    }
}

impl Group {
    fn new(runs: u32, at_least: Duration) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND);
        let lines = MultiProgress::with_draw_target(target);
        let bar = lines.add(ProgressBar::new(u64::from(runs)));
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self {
            lines,
            bar,
            so_far: MeshesSoFar::default(),
            meshes: Vec::new(),
            estimate: Estimate::new(runs, at_least),
            run: String::new(),
            window: Duration::ZERO,
        }
    }

    fn observe(&mut self, event: &Event) {
        match event {
            Event::RunStarted { run, block, blocks } => {
                self.run = format!("{run} {block}/{blocks}");
                self.say("");
            }
            Event::Step(step) => {
                if let Step::Measuring(window) = step {
                    self.window = *window;
                }
                self.say(&words::step(*step));
            }
            Event::Progress {
                elapsed, errors, requests_per_second, p50_so_far_ns, p99_so_far_ns, ..
            } => {
                let (p50, p99) = (words::duration(*p50_so_far_ns), words::duration(*p99_so_far_ns));
                let (elapsed, window) = (wait(*elapsed), wait(self.window));
                let rate = Number::Rate.show(*requests_per_second);
                self.say(&format!(
                    "{elapsed} of {window}: {rate}, {errors} errors, p50 {p50}, p99 {p99} so far"
                ));
            }
            Event::RunDone { run, p50_ns, p99_ns, error_share } => {
                let told = self.so_far.add(run, *p50_ns, *p99_ns, *error_share);
                self.line_of(run).set_message(told);
                self.run_ended();
            }
            Event::RunFailed { .. } => self.run_ended(),
            Event::ProbeStarted { mesh, rate } => {
                self.run = format!("{mesh} at {rate}");
                self.say("");
            }
            Event::ProbeDone { most_left, .. } => {
                self.run_ended();
                self.estimate.runs_left(*most_left);
                self.bar.set_length(u64::from(self.estimate.runs()));
            }
            Event::SearchStarted { .. }
            | Event::Swept { .. }
            | Event::Provisioning { .. }
            | Event::MakingCluster { .. }
            | Event::RemovingCluster { .. }
            | Event::GroupStarted { .. }
            | Event::GroupDone => {}
        }
    }

    fn run_ended(&mut self) {
        self.estimate.run_ended(self.bar.elapsed());
        self.bar.set_position(u64::from(self.estimate.done()));
    }

    /// The line below the bar that says what a mesh has come to.
    fn line_of(&mut self, mesh: &str) -> &ProgressBar {
        let index = self.meshes.iter().position(|(known, _)| known == mesh).unwrap_or_else(|| {
            let style =
                ProgressStyle::with_template("  {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            let line = self.lines.add(ProgressBar::new(1)).with_style(style);
            self.meshes.push((mesh.to_owned(), line));
            self.meshes.len() - 1
        });
        &self.meshes[index].1
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
        self.meshes.iter().for_each(|(_, line)| line.finish_and_clear());
    }

    fn say(&self, what: &str) {
        self.bar.set_prefix(wait(self.estimate.left(self.bar.elapsed())));
        self.bar.set_message(format!("{} {what}", self.run).trim_end().to_owned());
    }
}
