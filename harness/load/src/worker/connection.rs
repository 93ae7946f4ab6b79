//! One connection to one target: [`Connection`], a socket and the protocol on it.

use std::io;

use meshbench_core::recording::ErrorKind;

use super::session::{Ended, Exchange, Health, Session};
use crate::clock::MonotonicNs;
use crate::tls;
use crate::transport::{Destination, Transport};

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not connected; not to be tried again before `retry_at`.
    Closed { retry_at: MonotonicNs },
    /// Handshakes are under way, and given up at `give_up_at`.
    Connecting { give_up_at: MonotonicNs },
    /// In use.
    Open,
    /// Not connected, and only to be when a request waits.
    Spare,
}

/// A connection bound to one target. Its owner registers the socket with epoll and decides what follows.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    pub(crate) target: usize,
    pub(crate) phase: Phase,
    /// Tells events of this socket from those of the ones before it.
    pub(crate) generation: u32,
    /// Whether it is opened only when a request waits.
    pub(crate) is_extra: bool,
    /// Whether its lane lists it as having room.
    pub(crate) is_listed: bool,
    transport: Option<Transport>,
    session: S,
    /// When the last answer came in, where that is known.
    arrived: Option<MonotonicNs>,
    /// Whether the last answer was read in one go.
    came_whole: bool,
}

impl<S: Session> Connection<S> {
    /// A connection that is not open yet.
    pub(crate) fn new(target: usize, session: S, now: MonotonicNs) -> Self {
        let phase = Phase::Closed { retry_at: now };
        Self {
            target,
            phase,
            generation: 0,
            is_extra: false,
            is_listed: false,
            transport: None,
            session,
            arrived: None,
            came_whole: true,
        }
    }

    /// A connection that is opened only when a request waits.
    pub(crate) fn extra(target: usize, session: S, now: MonotonicNs) -> Self {
        Self { phase: Phase::Spare, is_extra: true, ..Self::new(target, session, now) }
    }

    pub(crate) fn transport(&self) -> Option<&Transport> {
        self.transport.as_ref()
    }

    /// Starts to open it without waiting.
    pub(crate) fn connect(&mut self, to: &Destination, give_up_at: MonotonicNs) -> io::Result<()> {
        self.transport = Some(Transport::connect(to)?);
        self.generation = self.generation.wrapping_add(1);
        self.session.begin();
        self.phase = Phase::Connecting { give_up_at };
        Ok(())
    }

    /// Goes on with opening: an error where that failed, whether it is open now otherwise.
    pub(crate) fn go_on_connecting(
        &mut self,
        to: &Destination,
        scratch: &mut [u8],
        requests: &[S::Request],
        ended: &mut Ended,
    ) -> io::Result<bool> {
        let Some(transport) = &mut self.transport else { return Ok(false) };
        if !transport.shake_hands(to)? {
            return Ok(false);
        }
        self.session.flush(requests, transport)?;
        if !self.session.is_ready() && self.read(scratch, requests, true, ended) == Health::Over {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the server did not begin the protocol: does it speak HTTP/2 there?",
            ));
        }
        if self.session.is_ready() {
            self.phase = Phase::Open;
        }
        Ok(self.phase == Phase::Open)
    }

    /// Closes the socket. What was under way on it must have ended before.
    pub(crate) fn close(&mut self, retry_at: MonotonicNs) {
        self.transport = None;
        self.phase = Phase::Closed { retry_at };
    }

    pub(crate) fn has_room(&self) -> bool {
        self.phase == Phase::Open && self.session.has_room()
    }

    /// Whether there is something to be read before the next request is sent.
    pub(crate) fn must_read_first(&self) -> bool {
        S::ANSWERS_BY_TURN && self.transport.as_ref().is_some_and(|transport| transport.socket().has_news())
    }

    /// Takes a request on; [`Self::flush`] sends it.
    pub(crate) fn send(&mut self, exchange: Exchange, requests: &[S::Request]) {
        self.session.send(exchange, requests);
    }

    /// Writes what is waiting to be written.
    pub(crate) fn flush(&mut self, scratch: &mut [u8], requests: &[S::Request], ended: &mut Ended) -> Health {
        let Some(transport) = &mut self.transport else { return Health::Open };
        match transport.flush().and_then(|()| self.session.flush(requests, transport)) {
            Ok(()) => Health::Open,
            // A server may answer, and hang up, before it has read everything. That answer counts.
            Err(_) => {
                self.read(scratch, requests, true, ended);
                self.fail_all(ErrorKind::Reset, ended)
            }
        }
    }

    /// Reads what came, through `scratch`, until there is no more. `to_the_end` says that a read must be tried until nothing
    /// is left, because the end of the stream may be among it.
    pub(crate) fn read(
        &mut self,
        scratch: &mut [u8],
        requests: &[S::Request],
        to_the_end: bool,
        ended: &mut Ended,
    ) -> Health {
        let Some(transport) = &mut self.transport else { return Health::Open };
        (self.arrived, self.came_whole) = (None, true);
        loop {
            let ended_before = ended.len();
            let received = match transport.read(scratch) {
                Ok(0) => {
                    self.session.end_of_stream(ended);
                    if ended.len() > ended_before {
                        // It ended with the stream, and nobody knows when that did.
                        (self.arrived, self.came_whole) = (None, false);
                    }
                    return self.fail_all(ErrorKind::Reset, ended);
                }
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.came_whole = !self.session.is_amid_answer();
                    return Health::Open;
                }
                Err(error) => {
                    let kind = if tls::is_failure(&error) { ErrorKind::Tls } else { ErrorKind::Reset };
                    return self.fail_all(kind, ended);
                }
            };
            let taken = self.session.receive(&scratch[..received], requests, ended);
            if ended.len() > ended_before {
                self.arrived = transport.socket().arrived();
            }
            match taken {
                Ok(Health::Open) => {}
                Ok(Health::Over) => return Health::Over,
                Err(kind) => {
                    self.session.fail_all(kind, ended);
                    // The session may have a reason to give; the peer may be gone already.
                    let _ = self.session.flush(requests, transport);
                    return Health::Over;
                }
            }
            // Less than there was room for empties the socket, and the next bytes make an event of their own.
            if received < scratch.len() && transport.short_reads_drain() && !to_the_end {
                self.came_whole = !self.session.is_amid_answer();
                return Health::Open;
            }
        }
    }

    /// Ends what was due at or before `due` and is not answered.
    pub(crate) fn expire(&mut self, due: MonotonicNs, requests: &[S::Request], ended: &mut Ended) -> Health {
        self.session.expire(due, requests, ended)
    }

    /// When the last answer that was read came in, where that is known.
    pub(crate) fn arrived(&self) -> Option<MonotonicNs> {
        self.arrived
    }

    /// Whether neither a request nor an answer is on its way in part.
    pub(crate) fn carries_whole_messages(&self, requests: &[S::Request]) -> bool {
        self.came_whole
            && !self.session.is_amid_request(requests)
            && !self.transport.as_ref().is_some_and(Transport::has_unsent)
    }

    pub(crate) fn oldest_due(&self) -> Option<MonotonicNs> {
        self.session.oldest_due()
    }

    /// Ends everything that is under way.
    pub(crate) fn fail_all(&mut self, kind: ErrorKind, ended: &mut Ended) -> Health {
        self.session.fail_all(kind, ended);
        Health::Over
    }
}
