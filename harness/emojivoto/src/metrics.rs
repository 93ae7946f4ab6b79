//! Counters of each role and the port that shows them: [`Metrics`].
//!
//! Names and labels are those of upstream's Prometheus exporter where it has the counter.

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tonic::Code;

use crate::reply::{self, Reply};

/// Every counter of one role.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// Registers a counter of gRPC calls answered.
    pub(crate) fn grpc_calls(&mut self) -> GrpcCalls {
        let calls = GrpcCalls::default();
        self.registry.register("grpc_server_handled", "gRPC calls answered", calls.0.clone());
        calls
    }

    /// Registers a counter of votes cast; seeded votes are not cast.
    pub(crate) fn votes(&mut self) -> Votes {
        let votes = Votes::default();
        self.registry.register("emojivoto_votes", "Votes cast", votes.0.clone());
        votes
    }

    /// Registers a counter of HTTP requests answered.
    pub(crate) fn http_requests(&mut self) -> HttpRequests {
        let requests = HttpRequests::default();
        self.registry.register("http_requests", "HTTP requests answered", requests.0.clone());
        requests
    }

    /// Answers a request on the metrics port: `/metrics`, and `/ready`, which is ready as soon as
    /// it can be asked because a role opens its own port before this one.
    pub(crate) fn answer(&self, request: &Request<Incoming>) -> Reply {
        match request.uri().path() {
            "/metrics" => self.exposition(),
            "/ready" => reply::text(StatusCode::OK, "ready\n"),
            _ => reply::text(StatusCode::NOT_FOUND, "not found; try /metrics or /ready\n"),
        }
    }

    fn exposition(&self) -> Reply {
        let mut exposition = String::new();
        match text::encode(&mut exposition, &self.registry) {
            Ok(()) => reply::open_metrics(exposition),
            Err(error) => {
                reply::text(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot write metrics: {error}\n"))
            }
        }
    }
}

/// Counts gRPC calls by service, method and outcome.
#[derive(Debug, Clone, Default)]
pub(crate) struct GrpcCalls(Family<GrpcLabels, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GrpcLabels {
    grpc_service: &'static str,
    grpc_method: &'static str,
    grpc_code: &'static str,
}

impl GrpcCalls {
    pub(crate) fn count(&self, grpc_service: &'static str, grpc_method: &'static str, code: Code) {
        let labels = GrpcLabels { grpc_service, grpc_method, grpc_code: code_name(code) };
        self.0.get_or_create(&labels).inc();
    }
}

/// Counts votes by emoji.
#[derive(Debug, Clone, Default)]
pub(crate) struct Votes(Family<VoteLabels, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VoteLabels {
    emoji: &'static str,
}

impl Votes {
    pub(crate) fn count(&self, shortcode: &'static str) {
        self.0.get_or_create(&VoteLabels { emoji: shortcode }).inc();
    }
}

/// Counts HTTP requests by path and status.
#[derive(Debug, Clone, Default)]
pub(crate) struct HttpRequests(Family<HttpLabels, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpLabels {
    path: &'static str,
    code: u32,
}

impl HttpRequests {
    /// `path` is the route's, not the request's, so that a client cannot make labels.
    pub(crate) fn count(&self, path: &'static str, status: StatusCode) {
        self.0.get_or_create(&HttpLabels { path, code: u32::from(status.as_u16()) }).inc();
    }
}

/// A gRPC code as Go spells it: upstream's metrics and error bodies show these names.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
