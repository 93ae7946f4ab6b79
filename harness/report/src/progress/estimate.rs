//! [`Estimate`]: how much of a block group is left.

use std::time::Duration;

/// Counts runs and learns how long one takes, start and end included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    runs: u32,
    done: u32,
    /// What each takes at least.
    at_least: Duration,
    elapsed_when_last_done: Duration,
}

impl Estimate {
    /// So many runs, which take at least so long together.
    pub(super) fn new(runs: u32, at_least: Duration) -> Self {
        let at_least = at_least.checked_div(runs).unwrap_or_default();
        Self { runs, done: 0, at_least, elapsed_when_last_done: Duration::ZERO }
    }

    /// All runs, ended or not.
    pub(super) const fn runs(&self) -> u32 {
        self.runs
    }

    /// Runs that have ended.
    pub(super) const fn done(&self) -> u32 {
        self.done
    }

    /// A run has ended, so long after the group began.
    pub(super) fn run_ended(&mut self, elapsed: Duration) {
        self.done = (self.done + 1).min(self.runs);
        self.elapsed_when_last_done = elapsed;
    }

    /// So many runs are left, however many it were to be.
    pub(super) fn runs_left(&mut self, left: u32) {
        self.runs = self.done + left;
    }

    /// What is left, so long after the group began: the known minimum, until a run has shown what one really takes.
    pub(super) fn left(&self, elapsed: Duration) -> Duration {
        let seen = self.elapsed_when_last_done.checked_div(self.done).unwrap_or_default();
        let per_run = seen.max(self.at_least);
        let into_current = elapsed.saturating_sub(self.elapsed_when_last_done);
        (per_run * (self.runs - self.done)).saturating_sub(into_current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn begins_with_the_known_minimum_and_learns_from_the_first_run() {
        let mut estimate = Estimate::new(4, 40 * SECOND);
        assert_eq!(estimate.left(3 * SECOND), 37 * SECOND);
        estimate.run_ended(12 * SECOND);
        assert_eq!((estimate.done(), estimate.left(12 * SECOND)), (1, 36 * SECOND));
        assert_eq!(estimate.left(17 * SECOND), 31 * SECOND);
    }

    #[test]
    fn fewer_runs_than_announced_take_less_time() {
        let mut estimate = Estimate::new(220, 6_600 * SECOND);
        (1..=40).for_each(|run| estimate.run_ended(run * 14 * SECOND));
        estimate.runs_left(10);
        assert_eq!((estimate.runs(), estimate.left(40 * 14 * SECOND)), (50, 300 * SECOND));
    }

    #[test]
    fn never_goes_below_nothing() {
        let mut estimate = Estimate::new(1, SECOND);
        assert_eq!(estimate.left(9 * SECOND), Duration::ZERO);
        estimate.run_ended(9 * SECOND);
        estimate.run_ended(10 * SECOND);
        assert_eq!(estimate.left(11 * SECOND), Duration::ZERO);
        assert_eq!(Estimate::new(0, SECOND).left(SECOND), Duration::ZERO);
    }
}
