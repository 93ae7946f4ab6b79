//! What one thread counts and records between two hand-overs: [`Tally`].

use meshbench_core::histogram::LatencyHistogram;
use meshbench_core::recording::ErrorKind;

/// Counts of one target.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TargetTally {
    pub(crate) successes: u64,
    pub(crate) errors: [u64; ErrorKind::ALL.len()],
}

impl TargetTally {
    pub(crate) fn error_count(&self) -> u64 {
        self.errors.iter().sum()
    }

    fn merge(&mut self, other: &Self) {
        self.successes += other.successes;
        for (sum, more) in self.errors.iter_mut().zip(other.errors) {
            *sum += more;
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Failure(ErrorKind),
}

impl Outcome {
    /// What a complete response with this status means. A redirect is an answer the server meant to give.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            400..500 => Self::Failure(ErrorKind::Status4xx),
            500.. => Self::Failure(ErrorKind::Status5xx),
            _ => Self::Success,
        }
    }
}

/// A share of a run's recording, of constant size however long the run.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(crate) latency: LatencyHistogram,
    pub(crate) service: LatencyHistogram,
    pub(crate) send_lag: LatencyHistogram,
    pub(crate) error_latency: LatencyHistogram,
    pub(crate) targets: Vec<TargetTally>,
    /// Complete responses of any status while the window was open.
    pub(crate) answered_in_window: u64,
    /// Successes that were due before the window opened.
    pub(crate) warm_up_successes: u64,
    pub(crate) reconnects: u64,
    pub(crate) opened_extra: u64,
    pub(crate) max_queue_depth: u64,
}

impl Tally {
    pub(crate) fn new(targets: usize) -> Self {
        Self {
            latency: LatencyHistogram::new(),
            service: LatencyHistogram::new(),
            send_lag: LatencyHistogram::new(),
            error_latency: LatencyHistogram::new(),
            targets: vec![TargetTally::default(); targets],
            answered_in_window: 0,
            warm_up_successes: 0,
            reconnects: 0,
            opened_extra: 0,
            max_queue_depth: 0,
        }
    }

    /// Records the end of one request, `latency_ns` after it was due.
    pub(crate) fn record(&mut self, target: usize, outcome: Outcome, latency_ns: u64) {
        match outcome {
            Outcome::Success => {
                self.targets[target].successes += 1;
                self.latency.record(latency_ns);
            }
            Outcome::Failure(kind) => {
                self.targets[target].errors[kind as usize] += 1;
                self.error_latency.record(latency_ns);
            }
        }
    }

    pub(crate) fn successes(&self) -> u64 {
        self.targets.iter().map(|target| target.successes).sum()
    }

    pub(crate) fn error_count(&self) -> u64 {
        self.targets.iter().map(TargetTally::error_count).sum()
    }

    /// Adds what another thread, or the same one at another time, tallied. The deepest queue stays the deepest: add those
    /// of different threads yourself.
    pub(crate) fn merge(&mut self, other: &Self) {
        let others = [&other.latency, &other.service, &other.send_lag, &other.error_latency];
        for (histogram, more) in self.histograms().into_iter().zip(others) {
            histogram.merge(more);
            give_way();
        }
        for (target, more) in self.targets.iter_mut().zip(&other.targets) {
            target.merge(more);
        }
        self.answered_in_window += other.answered_in_window;
        self.warm_up_successes += other.warm_up_successes;
        self.reconnects += other.reconnects;
        self.opened_extra += other.opened_extra;
        self.max_queue_depth = self.max_queue_depth.max(other.max_queue_depth);
    }

    fn histograms(&mut self) -> [&mut LatencyHistogram; 4] {
        [&mut self.latency, &mut self.service, &mut self.send_lag, &mut self.error_latency]
    }

    pub(crate) fn clear(&mut self) {
        for histogram in self.histograms() {
            histogram.clear();
            give_way();
        }
        self.targets.fill(TargetTally::default());
        (self.answered_in_window, self.max_queue_depth) = (0, 0);
        (self.warm_up_successes, self.reconnects, self.opened_extra) = (0, 0, 0);
    }
}

/// A thread that sends may wait for this core, and must not wait for all that there is to do.
fn give_way() {
    std::thread::yield_now();
}
