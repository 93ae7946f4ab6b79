//! How a thread's tallies reach the recorder: [`HandOver`], one channel forth with full ones and one back with empty ones.

use std::sync::mpsc::{Receiver, Sender};

use crate::clock::MonotonicNs;
use crate::tally::Tally;

pub(crate) const SECOND_NS: u64 = 1_000_000_000;

/// A tally of one thread, on its way to the recorder.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) thread: usize,
    /// Full seconds of the window up to which this thread has now delivered everything; none with its last tally.
    pub(crate) seconds: Option<u64>,
    pub(crate) tally: Box<Tally>,
}

/// The thread's end of both channels.
#[derive(Debug)]
pub(crate) struct HandOver {
    thread: usize,
    window_start: MonotonicNs,
    seconds: u64,
    full: Sender<Delivery>,
    empty: Receiver<Box<Tally>>,
}

impl HandOver {
    pub(crate) fn new(
        thread: usize,
        window_start: MonotonicNs,
        full: Sender<Delivery>,
        empty: Receiver<Box<Tally>>,
    ) -> Self {
        Self { thread, window_start, seconds: 0, full, empty }
    }

    /// When the next second of the window ends.
    pub(crate) fn next_at(&self) -> MonotonicNs {
        self.window_start.plus_ns((self.seconds + 1) * SECOND_NS)
    }

    /// Swaps the tally for an empty one when a second is over. It never waits: without an empty one at hand the tally goes
    /// on to the next second.
    pub(crate) fn each_second(&mut self, now: MonotonicNs, tally: &mut Box<Tally>) {
        if now < self.next_at() {
            return;
        }
        self.seconds = now.ns_since(self.window_start) / SECOND_NS;
        if let Ok(empty) = self.empty.try_recv() {
            let tally = std::mem::replace(tally, empty);
            self.deliver(Some(self.seconds), tally);
        }
    }

    /// Delivers the last tally.
    pub(crate) fn finish(self, tally: Box<Tally>) {
        self.deliver(None, tally);
    }

    fn deliver(&self, seconds: Option<u64>, tally: Box<Tally>) {
        // The recorder outlives every sender; if it ended all the same, its own error says why.
        let _ = self.full.send(Delivery { thread: self.thread, seconds, tally });
    }
}
