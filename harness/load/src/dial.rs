//! Opens every connection before the first request is due: [`dial`].

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use meshbench_core::load_plan::{LoadPlan, Target};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::clock::{MonotonicNs, timespec};
use crate::error::RunError;
use crate::tls::{self, TlsClient};
use crate::transport::Destination;
use crate::worker::{Connection, Ended, READ_BUFFER_BYTES, Session};

/// A server that takes longer than this to accept is not there.
const LONGEST_HANDSHAKE: Duration = Duration::from_secs(5);

/// Where each target is, and how it is spoken to.
///
/// # Errors
/// Where a name means nothing, or a file for TLS cannot be used.
pub(crate) fn resolve<S: Session>(targets: &[Target]) -> Result<Vec<Destination>, RunError> {
    let resolve = |target| {
        let tls = TlsClient::of(target, S::ALPN, S::ALPN_MUST_AGREE)?;
        Ok(Destination { address: resolve_one(&target.address)?, tls })
    };
    targets.iter().map(resolve).collect()
}

fn resolve_one(address: &str) -> Result<SocketAddr, RunError> {
    let failed = |source| RunError::Resolve { address: address.to_owned(), source };
    let no_address = || failed(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    address.to_socket_addrs().map_err(failed)?.next().ok_or_else(no_address)
}

/// Every connection of the plan, by thread. A target that cannot be reached keeps its share unopened, to be tried again
/// during the run.
///
/// # Errors
/// Where no target at all can be reached.
pub(crate) fn dial<S: Session>(
    plan: &LoadPlan,
    destinations: &[Destination],
    requests: &[Vec<S::Request>],
) -> Result<Vec<Vec<Connection<S>>>, RunError> {
    let settings = plan.settings();
    let timeout = settings.timeout.min(LONGEST_HANDSHAKE);
    let now = MonotonicNs::now();
    let mut scratch = vec![0; READ_BUFFER_BYTES];
    let mut refused: Vec<Option<io::Error>> = destinations.iter().map(|_| None).collect();
    let mut by_thread: Vec<Vec<Connection<S>>> = (0..settings.threads).map(|_| Vec::new()).collect();
    let mut opened = 0;
    for index in 0..settings.max_connections.unwrap_or(settings.connections) {
        let target = plan.target_of_connection(index) as usize;
        let thread = plan.thread_of_connection(index) as usize;
        if index >= settings.connections {
            by_thread[thread].push(Connection::extra(target, S::new(settings), now));
            continue;
        }
        let mut connection = Connection::new(target, S::new(settings), now);
        // One refusal is enough: trying again for each connection would only hold up the start.
        if refused[target].is_none() {
            let deadline = MonotonicNs::now().plus(timeout);
            match open(&mut connection, &destinations[target], deadline, &requests[target], &mut scratch) {
                Ok(()) => opened += 1,
                Err(error) => {
                    connection.close(now);
                    refused[target] = Some(error);
                }
            }
        }
        by_thread[thread].push(connection);
    }
    if opened == 0 {
        let first = settings.targets.iter().zip(refused).find_map(|(target, error)| Some((target, error?)));
        if let Some((target, source)) = first {
            let address = target.address.clone();
            return Err(match tls::is_failure(&source) {
                true => RunError::Handshake { address, source },
                false => RunError::Connect { address, source },
            });
        }
    }
    Ok(by_thread)
}

/// Opens one connection, and waits until it is.
fn open<S: Session>(
    connection: &mut Connection<S>,
    to: &Destination,
    deadline: MonotonicNs,
    requests: &[S::Request],
    scratch: &mut [u8],
) -> io::Result<()> {
    connection.connect(to, deadline)?;
    // First the socket's handshake, which ends with room to write; all that follows begins with something to read.
    let mut awaited = PollFlags::OUT;
    loop {
        let left_ns = deadline.ns_since(MonotonicNs::now());
        let Some(transport) = connection.transport() else { return Ok(()) };
        let mut descriptors = [PollFd::new(transport.socket().stream(), awaited)];
        match poll(&mut descriptors, Some(&timespec(left_ns))) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if connection.go_on_connecting(to, scratch, requests, &mut Ended::new())? {
            return Ok(());
        }
        awaited = PollFlags::IN;
    }
}
