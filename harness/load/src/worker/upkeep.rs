//! The rare paths of a [`Worker`]: deadlines that pass, connections that end and are opened anew.

use std::io;

use meshbench_core::recording::ErrorKind;
use rustix::event::epoll::{self, EventData, EventFlags};

use super::connection::Phase;
use super::{Health, Session, Worker};
use crate::clock::MonotonicNs;
use crate::tally::Outcome;
use crate::tls;

/// How long a target that refused is left alone: a server that restarts is found soon, and one that is gone costs little.
const RETRY_AFTER_NS: u64 = 10_000_000;
/// Looking at every connection costs more the more there are, and in an overload something is past its deadline at any time.
const BETWEEN_CHECKS_NS: u64 = 1_000_000;

impl<S: Session> Worker<S> {
    /// Ends what is past its deadline, and finds out when to look again.
    pub(super) fn check_deadlines(&mut self, now: MonotonicNs) {
        // Whatever becomes due from now on has its deadline later than this.
        self.next_check = now.plus_ns(self.timeout_ns);
        for target in 0..self.lanes.len() {
            self.expire_queued(target, now);
        }
        for index in 0..self.connections.len() {
            self.check_connection(index, now);
        }
        self.next_check = self.next_check.max(now.plus_ns(BETWEEN_CHECKS_NS));
    }

    fn expire_queued(&mut self, target: usize, now: MonotonicNs) {
        while let Some(waiting) = self.lanes[target].queue.front().copied() {
            let deadline = waiting.due.plus_ns(self.timeout_ns);
            if deadline > now {
                self.look_again_at(deadline);
                return;
            }
            self.lanes[target].queue.pop_front();
            self.queued -= 1;
            self.record(target, waiting.due, Outcome::Failure(ErrorKind::Timeout), now);
        }
    }

    fn check_connection(&mut self, index: usize, now: MonotonicNs) {
        match self.connections[index].phase {
            Phase::Spare => {}
            Phase::Open => self.expire(index, now),
            Phase::Connecting { give_up_at } if give_up_at <= now => {
                self.failed_to_connect(index, ErrorKind::Connect, now);
            }
            Phase::Connecting { give_up_at: later } => self.look_again_at(later),
            Phase::Closed { retry_at } if retry_at <= now => self.open_again(index, now),
            Phase::Closed { retry_at } => self.look_again_at(retry_at),
        }
    }

    fn expire(&mut self, index: usize, now: MonotonicNs) {
        let deadline = |due: MonotonicNs| due.plus_ns(self.timeout_ns);
        if self.connections[index].oldest_due().map(deadline).is_some_and(|deadline| deadline <= now) {
            let connection = &mut self.connections[index];
            let requests = &self.orders.requests[connection.target];
            let health = connection.expire(now.minus_ns(self.timeout_ns), requests, &mut self.ended);
            self.settle_ended(index, now);
            match health {
                Health::Open => self.put_to_use(index, now),
                Health::Over => self.replace(index, now),
            }
        }
        if let Some(due) = self.connections[index].oldest_due() {
            self.look_again_at(due.plus_ns(self.timeout_ns));
        }
    }

    fn look_again_at(&mut self, deadline: MonotonicNs) {
        self.next_check = self.next_check.min(deadline);
    }

    /// Watches the socket of connection `index`, edge by edge: nothing has to be changed between requests.
    pub(super) fn watch(&self, index: usize) -> io::Result<()> {
        let connection = &self.connections[index];
        let data = EventData::new_u64(u64::from(connection.generation) << 32 | index as u64);
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        match connection.transport() {
            Some(transport) => Ok(epoll::add(&self.epoll, transport.socket().stream(), data, flags)?),
            None => Ok(()),
        }
    }

    /// Closes an open connection and starts to open it anew.
    pub(super) fn replace(&mut self, index: usize, now: MonotonicNs) {
        let connection = &mut self.connections[index];
        let lane = &mut self.lanes[connection.target];
        lane.open -= 1;
        if std::mem::take(&mut connection.is_listed) {
            lane.forget_idle(index);
        }
        connection.close(now);
        self.open_again(index, now);
    }

    /// Opens a connection that the plan keeps open; puts aside one that it does not.
    fn open_again(&mut self, index: usize, now: MonotonicNs) {
        let connection = &mut self.connections[index];
        if connection.is_extra {
            connection.phase = Phase::Spare;
            let target = connection.target;
            self.lanes[target].spare.push(index);
            self.open_extra(target, now);
        } else {
            self.connect(index, now);
        }
    }

    /// Opens one more connection where more requests wait than such connections are on their way.
    pub(super) fn open_extra(&mut self, target: usize, now: MonotonicNs) {
        let lane = &mut self.lanes[target];
        if lane.opening < lane.queue.len()
            && let Some(index) = lane.spare.pop()
        {
            lane.opening += 1;
            self.connect(index, now);
        }
    }

    fn connect(&mut self, index: usize, now: MonotonicNs) {
        let give_up_at = now.plus_ns(self.timeout_ns);
        let connection = &mut self.connections[index];
        let destination = &self.orders.destinations[connection.target];
        let connected = connection.connect(destination, give_up_at).and_then(|()| self.watch(index));
        match connected {
            Ok(()) => self.look_again_at(give_up_at),
            Err(error) => self.failed_to_connect(index, kind_of(&error), now),
        }
    }

    pub(super) fn go_on_connecting(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let destination = &self.orders.destinations[connection.target];
        let requests = &self.orders.requests[connection.target];
        let connected =
            connection.go_on_connecting(destination, &mut self.scratch, requests, &mut self.ended);
        let now = MonotonicNs::now();
        match connected {
            Ok(false) => {}
            Ok(true) => {
                let lane = &mut self.lanes[self.connections[index].target];
                lane.open += 1;
                if self.connections[index].is_extra {
                    lane.opening -= 1;
                    self.tally.opened_extra += 1;
                } else {
                    self.tally.reconnects += 1;
                }
                self.put_to_use(index, now);
            }
            Err(error) => self.failed_to_connect(index, kind_of(&error), now),
        }
    }

    /// The target refused. Where no other connection to it is open, what waits for one has failed.
    fn failed_to_connect(&mut self, index: usize, kind: ErrorKind, now: MonotonicNs) {
        let target = self.connections[index].target;
        let retry_at = now.plus_ns(RETRY_AFTER_NS);
        self.connections[index].close(retry_at);
        self.lanes[target].opening -= usize::from(self.connections[index].is_extra);
        self.look_again_at(retry_at);
        if self.lanes[target].open == 0 {
            self.empty_queue(target, kind, now);
        }
    }

    fn empty_queue(&mut self, target: usize, kind: ErrorKind, now: MonotonicNs) {
        while let Some(waiting) = self.lanes[target].queue.pop_front() {
            self.queued -= 1;
            self.record(target, waiting.due, Outcome::Failure(kind), now);
        }
    }

    /// The time to drain is over: what is left is recorded at its age.
    pub(super) fn give_up_unfinished(&mut self, now: MonotonicNs) {
        self.issue_due(now);
        for index in 0..self.connections.len() {
            self.connections[index].fail_all(ErrorKind::Unfinished, &mut self.ended);
            self.settle_ended(index, now);
        }
        for target in 0..self.lanes.len() {
            self.empty_queue(target, ErrorKind::Unfinished, now);
        }
    }
}

/// What a request failed by that waited for a connection which could not be made.
fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        _ if tls::is_failure(error) => ErrorKind::Tls,
        io::ErrorKind::ConnectionAborted => ErrorKind::Protocol,
        _ => ErrorKind::Connect,
    }
}
