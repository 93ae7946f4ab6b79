//! What a person at a terminal sees while the load runs: [`ProgressLine`].

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use meshbench_core::load_event::LoadEvent;

/// One line on standard error that is drawn anew about once a second, and gone at the end. Where standard error is no
/// terminal, nothing is written.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    bar: ProgressBar,
}

impl ProgressLine {
    /// A line for a window of `window`.
    pub(crate) fn new(window: Duration) -> Self {
        Self::drawn_on(ProgressDrawTarget::stderr(), window)
    }

    fn drawn_on(target: ProgressDrawTarget, window: Duration) -> Self {
        let bar = ProgressBar::with_draw_target(Some(window.as_secs_f64().ceil() as u64), target);
        // The template is constant; were it wrong, the library's own would do.
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} s  {wide_msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(crate) fn show(&self, event: &LoadEvent) {
        if self.bar.is_finished() {
            return;
        }
        match event {
            LoadEvent::Started { connections, .. } => {
                self.bar.set_message(format!("warming up over {connections} connections"));
            }
            LoadEvent::WindowOpened { .. } => self.bar.set_message("measuring"),
            LoadEvent::Progress { elapsed_ms, requests, errors, p50_ns, p99_ns, .. } => {
                let [p50_ms, p99_ms] = [*p50_ns, *p99_ns].map(|ns| ns as f64 / 1e6);
                self.bar.set_position(elapsed_ms / 1_000);
                self.bar.set_message(format!(
                    "{requests} requests, {errors} failed, p50 {p50_ms:.3} ms, p99 {p99_ms:.3} ms"
                ));
            }
            LoadEvent::WindowClosed { .. } | LoadEvent::Finished => self.bar.finish_and_clear(),
            LoadEvent::Attended { .. }
            | LoadEvent::Clock { .. }
            | LoadEvent::Planned
            | LoadEvent::Recorded { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_it_goes_and_is_gone_at_the_end() {
        let line = ProgressLine::drawn_on(ProgressDrawTarget::hidden(), Duration::from_secs(10));
        let progress = |elapsed_ms, requests| LoadEvent::Progress {
            elapsed_ms,
            requests,
            errors: 1,
            p50_ns: 65_000,
            p99_ns: 1_200_000,
            p50_so_far_ns: 66_000,
            p99_so_far_ns: 1_300_000,
        };
        let mut seen = Vec::new();
        for event in [
            LoadEvent::Started { connections: 16, threads: 1 },
            LoadEvent::WindowOpened { unix_ns: 1 },
            progress(5_000, 2_500),
        ] {
            line.show(&event);
            seen.push(format!("{}/{:?} {}", line.bar.position(), line.bar.length(), line.bar.message()));
        }
        insta::assert_snapshot!(seen.join("\n"), @"
        0/Some(10) warming up over 16 connections
        0/Some(10) measuring
        5/Some(10) 2500 requests, 1 failed, p50 0.065 ms, p99 1.200 ms
        ");
        line.show(&LoadEvent::WindowClosed { unix_ns: 2 });
        line.show(&progress(10_000, 5_000));
        assert!(
            line.bar.is_finished() && !line.bar.message().contains("5000 requests"),
            "drawn after the end"
        );
    }
}
