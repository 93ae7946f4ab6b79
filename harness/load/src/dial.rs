//! Opens every connection before the first request is due: [`dial`].

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use meshbench_core::load_plan::{LoadPlan, Target};

use crate::clock::MonotonicNs;
use crate::error::RunError;
use crate::worker::Connection;

/// A server that takes longer than this to accept is not there.
const LONGEST_HANDSHAKE: Duration = Duration::from_secs(5);

/// The address of each target.
pub(crate) fn resolve(targets: &[Target]) -> Result<Vec<SocketAddr>, RunError> {
    targets.iter().map(|target| resolve_one(&target.address)).collect()
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
pub(crate) fn dial(plan: &LoadPlan, addresses: &[SocketAddr]) -> Result<Vec<Vec<Connection>>, RunError> {
    let settings = plan.settings();
    let timeout = settings.timeout.min(LONGEST_HANDSHAKE);
    let now = MonotonicNs::now();
    let mut refused: Vec<Option<io::Error>> = addresses.iter().map(|_| None).collect();
    let mut by_thread: Vec<Vec<Connection>> = (0..settings.threads).map(|_| Vec::new()).collect();
    let mut opened = 0;
    for index in 0..settings.connections {
        let target = plan.target_of_connection(index) as usize;
        let mut stream = None;
        // One refusal is enough: trying again for each connection would only hold up the start.
        if refused[target].is_none() {
            match open(addresses[target], timeout) {
                Ok(open) => stream = Some(open),
                Err(error) => refused[target] = Some(error),
            }
        }
        opened += usize::from(stream.is_some());
        by_thread[plan.thread_of_connection(index) as usize].push(Connection::new(target, stream, now));
    }
    if opened == 0 {
        let first = settings.targets.iter().zip(refused).find_map(|(target, error)| Some((target, error?)));
        if let Some((target, source)) = first {
            return Err(RunError::Connect { address: target.address.clone(), source });
        }
    }
    Ok(by_thread)
}

fn open(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}
