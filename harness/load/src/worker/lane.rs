//! The way to one target from one thread: [`Lane`], its connections with room and the requests that wait for one.

use std::collections::VecDeque;

use crate::clock::MonotonicNs;

/// A request that is due and has no connection yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting {
    pub(crate) due: MonotonicNs,
    /// Index of the request within its target.
    pub(crate) request: u32,
}

/// Requests leave in the order in which they were due; connections take turns, so that all are used alike.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// Connections that have room for a request.
    pub(crate) idle: VecDeque<usize>,
    pub(crate) queue: VecDeque<Waiting>,
    /// Connections that are open, idle or not.
    pub(crate) open: usize,
    /// Connections that may be opened when requests wait.
    pub(crate) spare: Vec<usize>,
    /// How many of those are being opened.
    pub(crate) opening: usize,
}

impl Lane {
    /// Takes a connection off the list that is closing.
    pub(crate) fn forget_idle(&mut self, connection: usize) {
        self.idle.retain(|idle| *idle != connection);
    }
}
