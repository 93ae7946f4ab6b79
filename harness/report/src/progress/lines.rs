//! [`Lines`]: progress for a log, in few lines.

use std::io::Write;
use std::time::{Duration, Instant};

use meshbench_core::event::{Event, Step};

use super::estimate::Estimate;
use super::words;
use crate::format::{Number, wait};

/// How often a run that goes on is worth a line.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

/// Writes a line for each event that is worth one, and one for each minute of a run.
#[derive(Debug)]
pub(super) struct Lines<W> {
    sink: W,
    /// Said in each line, where several clusters are measured at once.
    cluster: Option<String>,
    group: Option<(Instant, Estimate)>,
    window: Duration,
    /// How far the run was at its last line.
    told_at: Duration,
}

impl<W: Write> Lines<W> {
    pub(super) const fn new(sink: W, cluster: Option<String>) -> Self {
        Self { sink, cluster, group: None, window: Duration::ZERO, told_at: Duration::ZERO }
    }

    pub(super) fn observe(&mut self, event: &Event) {
        self.keep_count(event);
        if let Some(line) = words::line(event).or_else(|| self.minute(event)) {
            // A closed pipe must not end a measurement, and there is nowhere else to say so.
            let _unwritable = writeln!(self.sink, "{}", self.told(event, &line));
        }
    }
}

impl<W> Lines<W> {
    fn keep_count(&mut self, event: &Event) {
        match event {
            Event::GroupStarted { runs, at_least, .. } => {
                self.group = Some((Instant::now(), Estimate::new(*runs, *at_least)));
            }
            // Each probe says what is left.
            Event::SearchStarted { .. } => self.group = None,
            Event::Step(Step::Measuring(window)) => {
                (self.window, self.told_at) = (*window, Duration::ZERO);
            }
            Event::RunDone { .. } | Event::RunFailed { .. } => {
                if let Some((since, estimate)) = &mut self.group {
                    estimate.run_ended(since.elapsed());
                }
            }
            _ => {}
        }
    }

    /// A line with the cluster it is of; the name of a group has it already.
    fn told(&self, event: &Event, line: &str) -> String {
        match &self.cluster {
            Some(cluster) if !matches!(event, Event::GroupStarted { .. } | Event::SearchStarted { .. }) => {
                let words = line.trim_start();
                format!("{}{cluster}: {words}", &line[..line.len() - words.len()])
            }
            _ => line.to_owned(),
        }
    }

    /// What there is to say of a run each minute.
    fn minute(&mut self, event: &Event) -> Option<String> {
        let Event::Progress { elapsed, errors, requests_per_second, p50_so_far_ns, p99_so_far_ns, .. } =
            event
        else {
            return None;
        };
        if elapsed.saturating_sub(self.told_at) < BETWEEN_LINES || *elapsed >= self.window {
            return None;
        }
        self.told_at = *elapsed;
        let (p50, p99) = (words::duration(*p50_so_far_ns), words::duration(*p99_so_far_ns));
        let rate = Number::Rate.show(*requests_per_second);
        let left = self.group.as_ref().map_or_else(String::new, |(since, estimate)| {
            format!("; {} left in all", wait(estimate.left(since.elapsed())))
        });
        let (elapsed, window) = (wait(*elapsed), wait(self.window));
        Some(format!("    {elapsed} of {window}: {rate}, {errors} errors, p50 {p50}, p99 {p99} so far{left}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshbench_core::event::Step;
    use std::time::Duration;

    fn progress(elapsed: Duration) -> Event {
        Event::Progress {
            elapsed,
            requests: 500,
            errors: 1,
            p50_ns: 1,
            p99_ns: 2,
            requests_per_second: 499.6,
            p50_so_far_ns: 846_000,
            p99_so_far_ns: 2_000_000,
        }
    }

    #[test]
    fn a_long_run_gets_a_line_each_minute() {
        let minute = Duration::from_secs(60);
        let mut lines = Lines::new(Vec::new(), None);
        lines.observe(&Event::Step(Step::Measuring(3 * minute)));
        (1..=180).for_each(|second| lines.observe(&progress(Duration::from_secs(second))));
        insta::assert_snapshot!(String::from_utf8(lines.sink).unwrap(), @r"
            1m 00s of 3m 00s: 500 rps, 1 errors, p50 846µs, p99 2.00ms so far
            2m 00s of 3m 00s: 500 rps, 1 errors, p50 846µs, p99 2.00ms so far
        ");
    }

    #[test]
    fn a_line_says_which_of_several_clusters_it_is_of() {
        let mut lines = Lines::new(Vec::new(), Some("east".to_owned()));
        let group = "quick::500rps::10s@east".to_owned();
        lines.observe(&Event::GroupStarted { group, runs: 1, at_least: Duration::from_secs(12) });
        lines.observe(&Event::RunStarted { run: "bare".to_owned(), block: 1, blocks: 1 });
        lines.observe(&Event::RunFailed { run: "bare".to_owned(), why: "the node is gone".into() });
        let (group, at_most) = ("quick::limit::10s@east".to_owned(), Duration::from_secs(300));
        lines.observe(&Event::SearchStarted { group, most_probes: 25, at_most });
        insta::assert_snapshot!(String::from_utf8(lines.sink).unwrap(), @r"

        quick::500rps::10s@east: 1 run, at least 12s
          east: bare, block 1 of 1
          east: bare failed: the node is gone

        quick::limit::10s@east: at most 25 probes, at most 5m 00s
        ");
    }

    #[test]
    fn a_log_gets_a_line_per_start_and_end_and_every_failure() {
        let run = || "bare".to_owned();
        let second = Duration::from_secs(1);
        let events = [
            Event::Swept { what: "2 processes of campaign 7f".into() },
            Event::Provisioning { mesh: "envoy-tuned".parse().unwrap() },
            Event::GroupStarted { group: "quick::500rps::10s".into(), runs: 3, at_least: 36 * second },
            Event::RunStarted { run: run(), block: 1, blocks: 2 },
            Event::Step(Step::Measuring(10 * second)),
            progress(second),
            Event::RunDone { run: run(), p50_ns: Some(846_000), p99_ns: Some(2_000_000), error_share: 0.002 },
            Event::RunDone { run: run(), p50_ns: None, p99_ns: None, error_share: 1.0 },
            Event::RunFailed { run: run(), why: "web-0 ended before it was ready:\nport taken\n".into() },
            Event::GroupDone,
        ];
        let mut lines = Lines::new(Vec::new(), None);
        events.iter().for_each(|event| lines.observe(event));
        insta::assert_snapshot!(String::from_utf8(lines.sink).unwrap(), @r"
        2 processes of campaign 7f
        provisioning envoy-tuned

        quick::500rps::10s: 3 runs, at least 36s
          bare, block 1 of 2
          bare done: p50 846µs, 0.200% errors
          bare done: no success, 100% errors
          bare failed: web-0 ended before it was ready:
            port taken
        ");
    }
}
