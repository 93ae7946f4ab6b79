//! Listening, serving and stopping, for HTTP and gRPC alike.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::{Router, TcpIncoming};

use crate::reply::Reply;

/// How long a stopping server waits for what is in flight.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// How long to leave a listener alone that cannot accept, which is mostly for want of descriptors:
/// trying again at once would only burn the CPU that others need to finish and close theirs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A port that takes connections, and the address the kernel gave it.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// Listens on `address`; `variable` is the setting that the port came from.
pub(crate) async fn listen(address: SocketAddr, variable: &'static str) -> Result<Listening, ListenError> {
    let refused = |cause| ListenError { address, variable, cause };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok(Listening { listener, address })
}

/// A port could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({variable}): {}", reason_and_cure(.cause))]
pub struct ListenError {
    address: SocketAddr,
    variable: &'static str,
    cause: io::Error,
}

fn reason_and_cure(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::AddrInUse => "address already in use; stop the process that has it \
            (`ss -ltnp` shows which) or choose another port"
            .to_owned(),
        io::ErrorKind::AddrNotAvailable => "no interface of this machine has that address; \
            check LISTEN_ADDRESS"
            .to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied; choose a port above 1023".to_owned(),
        _ => cause.to_string(),
    }
}

/// Answers HTTP/1.1 until `stop`, then finishes what is in flight. Connections are kept as long as
/// the client keeps them: a server that closed idle ones would make the client's latency its own.
pub(crate) async fn serve_http<A, F>(listener: TcpListener, answer: A, stop: CancellationToken)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let Ok((stream, _client)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Fails only where the connection is already gone, which serving it then finds out.
        let _ = stream.set_nodelay(true);
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let reply = answer(request);
            async move { Ok::<_, Infallible>(reply.await) }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connections.watch(connection));
    }
    drop(listener);
    // Past the limit the rest is cut off: a stop that never ends would be worse.
    let _ = tokio::time::timeout(DRAIN_LIMIT, connections.shutdown()).await;
}

/// Answers gRPC until `stop`, then finishes what is in flight.
pub(crate) async fn serve_grpc(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = router.serve_with_incoming_shutdown(incoming, stop.cancelled());
    let cut_off = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN_LIMIT).await;
    };
    tokio::select! {
        served = serving => served,
        () = cut_off => Ok(()),
    }
}
