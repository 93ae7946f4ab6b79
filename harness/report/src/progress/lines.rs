//! [`Lines`]: progress for a log, in few lines.

use std::io::Write;

use meshbench_core::event::Event;

use super::words;

/// Writes a line for each event that is worth one.
#[derive(Debug)]
pub(super) struct Lines<W> {
    sink: W,
}

impl<W: Write> Lines<W> {
    pub(super) const fn new(sink: W) -> Self {
        Self { sink }
    }

    pub(super) fn observe(&mut self, event: &Event) {
        if let Some(line) = words::line(event) {
            // A closed pipe must not end a measurement, and there is nowhere else to say so.
            let _unwritable = writeln!(self.sink, "{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshbench_core::event::Step;
    use meshbench_core::scenario::MeshName;
    use std::time::Duration;

    #[test]
    fn a_log_gets_a_line_per_start_and_end_and_every_failure() {
        let mesh = MeshName::bare;
        let second = Duration::from_secs(1);
        let events = [
            Event::Swept { what: "2 processes of campaign 7f".into() },
            Event::Provisioning { mesh: "envoy-tuned".parse().unwrap() },
            Event::GroupStarted { group: "quick::500rps::10s".into(), runs: 3, at_least: 36 * second },
            Event::RunStarted { mesh: mesh(), block: 1, blocks: 2 },
            Event::Step(Step::Measuring(10 * second)),
            Event::Progress { elapsed: second, requests: 500, errors: 1, p50_ns: 1, p99_ns: 2 },
            Event::RunDone { mesh: mesh(), p50_ns: Some(846_000), error_share: 0.002 },
            Event::RunDone { mesh: mesh(), p50_ns: None, error_share: 1.0 },
            Event::RunFailed { mesh: mesh(), why: "web-0 ended before it was ready:\nport taken\n".into() },
            Event::GroupDone,
        ];
        let mut lines = Lines::new(Vec::new());
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
