//! Why a run gave no recording: [`RunError`].

use std::io;

use meshbench_core::recording::Recording;

/// Why a run gave no recording.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The name of a target means nothing here.
    #[error("cannot resolve the host of {address}: check the spelling, or use an IP address")]
    Resolve {
        /// `host:port` of the target.
        address: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// Not one connection could be opened.
    #[error("cannot connect to {address} (is the server running and listening there?)")]
    Connect {
        /// `host:port` of the first target that failed.
        address: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// No TLS connection could be made.
    #[error(
        "the TLS handshake with {address} failed (is the server's certificate signed by the given CA, for this name, and does it accept the client's?)"
    )]
    Handshake {
        /// `host:port` of the first target that failed.
        address: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A target cannot be spoken to over TLS.
    #[error(transparent)]
    Tls(#[from] crate::TlsError),
    /// The start instant is over.
    #[error(
        "the start instant was {late_s:.3} s ago when all connections were open: give a later one, with time to connect, and check that the clocks of all machines agree",
        late_s = *late_ns as f64 / 1e9
    )]
    StartPassed {
        /// How long ago it was, in nanoseconds.
        late_ns: u64,
    },
    /// The kernel refused what the engine needs.
    #[error(
        "cannot set up the load engine: it needs Linux 5.11 or newer, and as many file descriptors as connections (`ulimit -n`)"
    )]
    Engine(#[source] io::Error),
    /// A thread ended without a result.
    #[error("a thread of the load engine ended early: this is a defect of meshbench-load; please report it")]
    Thread,
    /// The interval log could not be written.
    #[error("cannot write the interval log (is the disk full?)")]
    IntervalLog {
        /// Why it failed.
        #[source]
        source: io::Error,
        /// What was measured all the same; none where the log failed before anything was.
        recording: Option<Box<Recording>>,
    },
}
