//! HTTP/2 servers that are not ours: hyper's, and tonic's gRPC on it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

pub(crate) type Answer = Response<http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>>;

/// A server that runs until it is dropped.
pub(crate) struct Http2Server {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Http2Server {
    /// Answers as `answer` says, which gets the head and the body; over TLS where `tls` says how.
    pub(crate) fn start(
        tls: Option<ServerConfig>,
        most_streams: u32,
        answer: impl Fn(&Request<()>, &[u8]) -> Answer + Clone + Send + Sync + 'static,
    ) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let acceptor = tls.map(|mut config| {
            config.alpn_protocols = vec![b"h2".to_vec()];
            TlsAcceptor::from(Arc::new(config))
        });
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                stream.set_nodelay(true).unwrap();
                let (acceptor, answer) = (acceptor.clone(), answer.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, most_streams, answer).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, most_streams, answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, accepted, _runtime: runtime }
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

async fn serve<T: AsyncRead + AsyncWrite + Unpin>(
    stream: T,
    most_streams: u32,
    answer: impl Fn(&Request<()>, &[u8]) -> Answer + Clone + Send + 'static,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(answer(&Request::from_parts(parts, ()), &body))
        }
    });
    let mut server = http2::Builder::new(TokioExecutor::new());
    server.max_concurrent_streams(most_streams);
    // A client that hangs up is its own business.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

/// A response with a body, and trailers behind it where there are any.
pub(crate) fn answer(status: u16, body: Vec<u8>, trailers: &[(&'static str, &'static str)]) -> Answer {
    let mut map = HeaderMap::new();
    for (name, value) in trailers {
        map.insert(*name, value.parse().unwrap());
    }
    let has_trailers = !map.is_empty();
    let body =
        Full::new(Bytes::from(body)).with_trailers(async move { has_trailers.then_some(Ok(map)) }).boxed();
    Response::builder().status(status).body(body).unwrap()
}
