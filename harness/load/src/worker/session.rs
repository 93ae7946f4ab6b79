//! What a protocol does on one connection: [`Session`], between requests that become due and bytes of a socket.

use std::fmt::Debug;
use std::io;

use meshbench_core::load_plan::{LoadPlanSettings, Target};
use meshbench_core::recording::ErrorKind;

use crate::clock::MonotonicNs;
use crate::tally::Outcome;
use crate::transport::Transport;

/// One request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) due: MonotonicNs,
    pub(crate) sent: MonotonicNs,
    /// Index of the request within its target.
    pub(crate) request: u32,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With a complete response, which may say that it failed.
    Answered(Outcome),
    /// Without one.
    Failed(ErrorKind),
}

/// Requests that ended, in the order in which they did.
pub(crate) type Ended = Vec<(Exchange, End)>;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It may carry more.
    Open,
    /// It is to be closed; nothing is under way on it any more.
    Over,
}

/// One protocol's side of a connection. It is made once and serves one socket after the other.
pub(crate) trait Session: Debug + Send + Sized + 'static {
    /// A request of the plan as the protocol sends it.
    type Request: Debug + Send + Sync;

    /// Whether an answer is told from another only by its turn, so that bytes that nobody asked for must be found before
    /// a request is sent.
    const ANSWERS_BY_TURN: bool;

    /// The protocol's name in TLS (RFC 7301).
    const ALPN: &'static [u8];

    /// Whether a server that agrees to no protocol by TLS is refused.
    const ALPN_MUST_AGREE: bool;

    /// What is sent for every request of `target`.
    fn render(target: &Target, settings: &LoadPlanSettings) -> Vec<Self::Request>;

    fn new(settings: &LoadPlanSettings) -> Self;

    /// Forgets the last socket, and prepares what a new one is greeted with.
    fn begin(&mut self);

    /// Whether the peer has said all that must be known before the first request.
    fn is_ready(&self) -> bool;

    /// Whether another request may be sent now.
    fn has_room(&self) -> bool;

    /// Takes a request on; [`Self::flush`] sends it.
    fn send(&mut self, exchange: Exchange, requests: &[Self::Request]);

    /// Writes what is waiting to be written, as much of it as the socket takes now.
    fn flush(&mut self, requests: &[Self::Request], transport: &mut Transport) -> io::Result<()>;

    /// Takes bytes as they came. An error ends the connection.
    fn receive(
        &mut self,
        input: &[u8],
        requests: &[Self::Request],
        ended: &mut Ended,
    ) -> Result<Health, ErrorKind>;

    /// Whether the socket has taken a part of a request and not all of it.
    fn is_amid_request(&self, requests: &[Self::Request]) -> bool;

    /// Whether an answer has begun to come and not ended.
    fn is_amid_answer(&self) -> bool;

    /// The peer has ended the stream in good order.
    fn end_of_stream(&mut self, ended: &mut Ended);

    /// Ends what was due at or before `due` and is not answered. What remains is whether the connection is of use.
    fn expire(&mut self, due: MonotonicNs, requests: &[Self::Request], ended: &mut Ended) -> Health;

    /// When the oldest request under way was due.
    fn oldest_due(&self) -> Option<MonotonicNs>;

    /// Ends everything that is under way, and forgets it.
    fn fail_all(&mut self, kind: ErrorKind, ended: &mut Ended);
}
