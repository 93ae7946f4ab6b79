//! The open-loop load generator: a load plan in, a recording out.
//!
//! A request's latency counts from when it was *due*, not from when it could be sent, so that a server that stalls cannot
//! hide it. [`run`] takes a plan through: `dial` opens all connections, one `worker` a thread sends and records,
//! `recorder` merges once a second, `result` makes the recording. A connection is a `transport` (a socket, with `tls` or
//! without) and a session on it (`http1` or `http2`).

pub mod cli;

mod clock;
mod dial;
mod error;
mod events;
mod hand_over;
mod http1;
mod http2;
mod interval_log;
mod left_out;
mod node;
mod percentile_distribution;
mod progress_line;
mod recorder;
mod result;
mod run;
mod sender_use;
mod sending_thread;
mod socket;
mod summary;
mod tally;
mod tls;
mod transport;
mod worker;

/// What requests call their sender.
const USER_AGENT: &str = concat!("meshbench-load/", env!("CARGO_PKG_VERSION"));

pub use error::RunError;
pub use events::EventSink;
#[cfg(fuzzing)]
pub use http1::fuzzing::read_responses;
#[cfg(fuzzing)]
pub use http2::fuzzing::read_frames;
pub use run::{Surroundings, run};
pub use tls::TlsError;
