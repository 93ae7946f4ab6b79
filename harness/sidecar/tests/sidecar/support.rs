//! An authority, an application, a client, and sidecars between them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use meshbench_sidecar::{Protocol, Sidecar, SidecarConfig};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) type Content = BoxBody<Bytes, hyper::Error>;

pub(crate) fn empty() -> Content {
    Empty::new().map_err(|never: Infallible| match never {}).boxed()
}

pub(crate) fn full(content: impl Into<Bytes>) -> Content {
    Full::new(content.into()).map_err(|never| match never {}).boxed()
}

/// Issues certificates into a folder of its own.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Writes `<workload>.pem` and `<workload>.key`, and returns their paths.
    pub(crate) fn issue(&self, workload: &str, identity: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([format!("{workload}.meshbench.local")]).unwrap();
        params.subject_alt_names.push(SanType::URI(identity.try_into().unwrap()));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = |ending: &str| self.folder.path().join(format!("{workload}.{ending}"));
        std::fs::write(path("pem"), certificate.pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        (path("pem"), path("key"))
    }
}

pub(crate) fn identity(workload: &str) -> String {
    format!("spiffe://meshbench.local/ns/app-0/sa/{workload}")
}

/// A sidecar that serves until dropped.
pub(crate) struct Running {
    pub(crate) admin: SocketAddr,
    pub(crate) inbound: Option<SocketAddr>,
    pub(crate) outbound: Option<SocketAddr>,
    pub(crate) served: tokio::task::JoinHandle<()>,
    pub(crate) stop: DropGuard,
}

/// A configuration without listeners but the admin one.
pub(crate) fn config(authority: &Authority, workload: &str) -> Value {
    let (certificate, private_key) = authority.issue(workload, &identity(workload));
    config_of(&identity(workload), &certificate, &private_key, &authority.file())
}

pub(crate) fn config_of(identity: &str, certificate: &Path, private_key: &Path, authority: &Path) -> Value {
    json!({
        "identity": identity, "certificate": certificate, "private_key": private_key,
        "authority": authority, "admin_port": 0, "inbound": null, "outbound": [],
    })
}

pub(crate) fn inbound(application: SocketAddr, protocol: Protocol) -> Value {
    json!({"port": 0, "application_port": application.port(), "protocol": protocol})
}

pub(crate) fn outbound(peer: SocketAddr, peer_workload: &str, protocol: Protocol) -> Value {
    json!([{"name": "peer", "port": 0, "peer_port": peer.port(),
        "peer_identity": identity(peer_workload), "protocol": protocol}])
}

pub(crate) async fn start(config: Value) -> Running {
    let config: SidecarConfig = serde_json::from_value(config).unwrap();
    let sidecar = Sidecar::bind(config).await.unwrap();
    let stop = CancellationToken::new();
    Running {
        admin: sidecar.admin_address(),
        inbound: sidecar.inbound_address(),
        outbound: sidecar.outbound_address("peer"),
        served: tokio::spawn(sidecar.serve(stop.clone())),
        stop: stop.drop_guard(),
    }
}

impl Running {
    /// The counter of `meshbench_sidecar_<series>`.
    pub(crate) async fn counter(&self, series: &str) -> u64 {
        let page = get(self.admin, "/metrics").await;
        let counters: HashMap<_, _> = page.lines().filter_map(|line| line.rsplit_once(' ')).collect();
        let name = format!("meshbench_sidecar_{series}");
        counters.get(name.as_str()).unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
    }

    pub(crate) async fn requests(&self, direction: &str, outcome: &str) -> u64 {
        let peer = if direction == "inbound" { "application" } else { "peer" };
        let labels = format!("direction=\"{direction}\",peer=\"{peer}\",outcome=\"{outcome}\"");
        self.counter(&format!("requests_total{{{labels}}}")).await
    }
}

/// A client's sidecar and the application's, in a row.
pub(crate) struct Pair {
    pub(crate) client_side: Running,
    pub(crate) server_side: Running,
}

impl Pair {
    pub(crate) async fn start(application: SocketAddr, protocol: Protocol) -> Self {
        Self::start_with(application, protocol, &Value::Null).await
    }

    /// Both sidecars with the same injections.
    pub(crate) async fn start_with(application: SocketAddr, protocol: Protocol, injections: &Value) -> Self {
        let authority = Authority::new();
        let mut server = config(&authority, "web");
        server["inbound"] = inbound(application, protocol);
        server["injections"] = injections.clone();
        let server_side = start(server).await;
        let mut client = config(&authority, "load");
        client["outbound"] = outbound(server_side.inbound.unwrap(), "web", protocol);
        client["injections"] = injections.clone();
        Self { client_side: start(client).await, server_side }
    }

    /// Where clients connect.
    pub(crate) fn entrance(&self) -> SocketAddr {
        self.client_side.outbound.unwrap()
    }
}

/// An application that echoes bodies as they come; dropped, it and its connections are gone.
pub(crate) struct Application {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Application {
    pub(crate) async fn start(protocol: Protocol) -> Self {
        Self::start_on(0, protocol).await
    }

    pub(crate) async fn start_on(port: u16, protocol: Protocol) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let accepted = Arc::clone(&connections);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut served = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::Relaxed);
                served.spawn(serve(stream, protocol));
            }
        });
        Self { address, connections, _tasks: tasks }
    }
}

async fn serve(stream: TcpStream, protocol: Protocol) {
    let service = hyper::service::service_fn(answer);
    let stream = TokioIo::new(stream);
    // How a test's connection ends is that test's business.
    let _ = match protocol {
        Protocol::Http1 => hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await,
        Protocol::Http2 => {
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            server.serve_connection(stream, service).await
        }
    };
}

/// Echoes the body, and the request's headers under `seen-`; `/grpc` ends with trailers, `/broken` midway.
async fn answer(request: Request<Incoming>) -> Result<Response<Content>, Infallible> {
    let seen: HeaderMap = request
        .headers()
        .iter()
        .map(|(name, value)| (format!("seen-{name}").parse().unwrap(), value.clone()))
        .collect();
    let path = request.uri().path().to_owned();
    let version = request.version();
    let body = request.into_body();
    let body = match path.as_str() {
        "/grpc" => {
            let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
            body.with_trailers(std::future::ready(Some(Ok(trailers)))).boxed()
        }
        "/broken" => Broken(Some(Bytes::from_static(b"half"))).boxed(),
        _ => body.boxed(),
    };
    let mut response = Response::new(body);
    *response.headers_mut() = seen;
    // Headers for one hop, which HTTP/2 does not have.
    if version == Version::HTTP_11 {
        response.headers_mut().insert("connection", "x-hop".parse().unwrap());
        response.headers_mut().insert("x-hop", "1".parse().unwrap());
    }
    Ok(response)
}

/// Some bytes, then never an end: the test kills the application meanwhile.
struct Broken(Option<Bytes>);

impl hyper::body::Body for Broken {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.0.take() {
            Some(bytes) => std::task::Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => std::task::Poll::Pending,
        }
    }
}

pub(crate) type Http1Client = hyper::client::conn::http1::SendRequest<Content>;
pub(crate) type Http2Client = hyper::client::conn::http2::SendRequest<Content>;

pub(crate) async fn http1(address: SocketAddr) -> Http1Client {
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) async fn http2(address: SocketAddr) -> Http2Client {
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) fn grpc_request(address: SocketAddr, body: Content) -> Request<Content> {
    Request::post(format!("http://{address}/grpc"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap()
}

/// One GET on a connection of its own.
pub(crate) async fn get(address: SocketAddr, path: &str) -> String {
    let (status, text) = try_get(&mut http1(address).await, path).await;
    assert_eq!(status, 200, "{text}");
    text
}

pub(crate) async fn try_get(client: &mut Http1Client, path: &str) -> (u16, String) {
    client.ready().await.unwrap();
    let request = Request::get(path).header("host", "web").body(empty()).unwrap();
    let response = client.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let content = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(content.to_vec()).unwrap())
}
