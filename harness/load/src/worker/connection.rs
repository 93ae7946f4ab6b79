//! One kept-alive connection to one target: [`Connection`], a socket and what is happening on it.

use std::io::{ErrorKind as IoErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use meshbench_core::recording::ErrorKind;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::clock::MonotonicNs;
use crate::http1::{Fed, Response, ResponseReader};

/// One request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) due: MonotonicNs,
    pub(crate) sent: MonotonicNs,
    /// Index of the request within its target.
    pub(crate) request: u32,
    /// How much of the request the socket has taken.
    written: u32,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not connected; not to be tried again before `retry_at`.
    Closed {
        retry_at: MonotonicNs,
    },
    /// The handshake is under way, and given up at `give_up_at`.
    Connecting {
        give_up_at: MonotonicNs,
    },
    Idle,
    Busy(Exchange),
}

/// What the socket's news came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing yet.
    Nothing,
    /// The response is complete.
    Answered(Response),
    /// The exchange failed, and the connection with it.
    Failed(ErrorKind),
    /// The connection ended while it was idle.
    Ended,
}

/// A socket bound to one target. Its owner registers it with epoll and decides what follows from [`News`].
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) target: usize,
    pub(crate) phase: Phase,
    /// Tells events of this socket from those of the ones before it.
    pub(crate) generation: u32,
    stream: Option<TcpStream>,
    reader: ResponseReader,
}

impl Connection {
    /// A connection that is open already, or none yet.
    pub(crate) fn new(target: usize, stream: Option<TcpStream>, now: MonotonicNs) -> Self {
        let phase = if stream.is_some() { Phase::Idle } else { Phase::Closed { retry_at: now } };
        Self { target, phase, generation: 0, stream, reader: ResponseReader::new() }
    }

    pub(crate) fn stream(&self) -> Option<&TcpStream> {
        self.stream.as_ref()
    }

    /// Starts a handshake without waiting for it.
    pub(crate) fn connect(&mut self, address: SocketAddr, give_up_at: MonotonicNs) -> std::io::Result<()> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        match rustix::net::connect(&stream, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        self.generation = self.generation.wrapping_add(1);
        self.stream = Some(stream);
        self.phase = Phase::Connecting { give_up_at };
        Ok(())
    }

    /// Whether the handshake is through: an error where it failed, `false` while it goes on.
    pub(crate) fn finish_connecting(&mut self) -> std::io::Result<bool> {
        let Some(stream) = &self.stream else { return Ok(false) };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => {
                self.phase = Phase::Idle;
                Ok(true)
            }
            Err(error) if error.kind() == IoErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Closes the socket, whatever was happening on it.
    pub(crate) fn close(&mut self, retry_at: MonotonicNs) {
        self.stream = None;
        self.reader.reset();
        self.phase = Phase::Closed { retry_at };
    }

    /// Sends `bytes` as a new exchange, as much of them as the socket takes now.
    pub(crate) fn send(&mut self, request: u32, due: MonotonicNs, bytes: &[u8]) -> News {
        let exchange = Exchange { due, sent: MonotonicNs::now(), request, written: 0 };
        self.phase = Phase::Busy(exchange);
        self.write_on(bytes)
    }

    /// Sends what is left of the exchange's `bytes`, if anything.
    pub(crate) fn write_on(&mut self, bytes: &[u8]) -> News {
        let (Phase::Busy(exchange), Some(stream)) = (&mut self.phase, &mut self.stream) else {
            return News::Nothing;
        };
        while let Some(rest) = bytes.get(exchange.written as usize..).filter(|rest| !rest.is_empty()) {
            match stream.write(rest) {
                Ok(taken) => exchange.written += taken as u32,
                Err(error) if error.kind() == IoErrorKind::WouldBlock => break,
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(_) => return News::Failed(ErrorKind::Reset),
            }
        }
        News::Nothing
    }

    /// Reads what came, through `scratch`, until there is no more. `hung_up` says that the end of the stream is among it.
    pub(crate) fn read(&mut self, scratch: &mut [u8], hung_up: bool) -> News {
        let Some(stream) = &mut self.stream else { return News::Nothing };
        loop {
            let received = match stream.read(scratch) {
                Ok(0) => return self.end_of_stream(),
                Ok(received) => received,
                Err(error) if error.kind() == IoErrorKind::WouldBlock => return News::Nothing,
                Err(error) if error.kind() == IoErrorKind::Interrupted => continue,
                Err(_) => return self.lost(),
            };
            if !matches!(self.phase, Phase::Busy(_)) {
                // Nobody asked for these bytes, so that whatever they are, the next response could not be told from them.
                return News::Ended;
            }
            match self.reader.feed(&scratch[..received]) {
                Ok(Fed::Complete { leftover: 0, response }) if received < scratch.len() => {
                    return News::Answered(response);
                }
                Ok(Fed::Complete { leftover: 0, response }) => {
                    return self.answered_if_last(response, scratch);
                }
                Ok(Fed::Complete { .. }) | Err(_) => return News::Failed(ErrorKind::Protocol),
                // Less than there was room for empties the socket, and the next bytes make an event of their own.
                Ok(Fed::Incomplete) if received < scratch.len() && !hung_up => return News::Nothing,
                Ok(Fed::Incomplete) => {}
            }
        }
    }

    /// The response filled the buffer to its last byte, so that the socket may hold more, which then belongs to none.
    fn answered_if_last(&mut self, response: Response, scratch: &mut [u8]) -> News {
        match self.stream.as_mut().map(|stream| stream.read(scratch)) {
            Some(Err(error)) if error.kind() == IoErrorKind::WouldBlock => News::Answered(response),
            Some(Ok(more)) if more > 0 => News::Failed(ErrorKind::Protocol),
            _ => News::Answered(Response { keep_alive: false, ..response }),
        }
    }

    fn end_of_stream(&mut self) -> News {
        match (self.phase, self.reader.end_of_stream()) {
            (Phase::Busy(_), Ok(response)) => News::Answered(response),
            _ => self.lost(),
        }
    }

    fn lost(&self) -> News {
        if matches!(self.phase, Phase::Busy(_)) { News::Failed(ErrorKind::Reset) } else { News::Ended }
    }
}
