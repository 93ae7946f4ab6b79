//! [`Proxy`]: the way of one request from a listener to its upstream and back.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};

use crate::body::ResponseBody;
use crate::config::Protocol;
use crate::counters::RequestCounters;
use crate::error::chain;
use crate::headers;
use crate::injection::{Fate, Injector};
use crate::upstream::Upstream;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const UNAVAILABLE: HeaderValue = HeaderValue::from_static("14");

/// Forwards the requests of one listener.
pub(crate) struct Proxy {
    pub(crate) protocol: Protocol,
    pub(crate) injector: Option<Arc<Injector>>,
    pub(crate) upstream: Upstream,
    pub(crate) counters: Arc<RequestCounters>,
}

impl Proxy {
    /// Answers one request; failures are responses too.
    pub(crate) async fn handle(
        self: Arc<Self>,
        mut request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let dialect = Dialect::of(request.headers());
        if let Some(injector) = &self.injector {
            match injector.apply().await {
                Ok(Fate::Forward) => {}
                Ok(Fate::Fail) => {
                    self.counters.injected_error.increment();
                    return Ok(dialect.failure(StatusCode::SERVICE_UNAVAILABLE, "injected error"));
                }
                Err(error) => {
                    self.counters.upstream_failure.increment();
                    let reason = format!("cannot inject: {error}");
                    return Ok(dialect.failure(StatusCode::BAD_GATEWAY, &reason));
                }
            }
        }
        headers::prepare_request(&mut request, self.protocol);
        match self.upstream.send(request).await {
            Ok(mut response) => {
                self.counters.forwarded.increment();
                headers::prepare_response(&mut response, self.protocol);
                Ok(response)
            }
            Err(error) => {
                self.counters.upstream_failure.increment();
                Ok(dialect.failure(StatusCode::BAD_GATEWAY, &chain(&error)))
            }
        }
    }
}

/// How a client expects to be told of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Http,
    Grpc,
}

impl Dialect {
    fn of(headers: &HeaderMap) -> Self {
        match headers.get(CONTENT_TYPE) {
            Some(kind) if kind.as_bytes().starts_with(b"application/grpc") => Self::Grpc,
            _ => Self::Http,
        }
    }

    fn failure(self, status: StatusCode, reason: &str) -> Response<ResponseBody> {
        let reason = format!("meshbench-sidecar: {reason}");
        let mut response = Response::new(ResponseBody::Text(Bytes::new()));
        match self {
            Self::Http => {
                *response.status_mut() = status;
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
                *response.body_mut() = ResponseBody::Text((reason + "\n").into());
            }
            // Trailers-only: to a gRPC client, any other HTTP status would be a broken server.
            Self::Grpc => {
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
                headers.insert(GRPC_STATUS, UNAVAILABLE);
                if let Ok(message) = HeaderValue::try_from(percent_encode(&reason)) {
                    headers.insert(GRPC_MESSAGE, message);
                }
            }
        }
        response
    }
}

/// gRPC's encoding of status messages: printable ASCII stays, everything else and `%` is escaped.
fn percent_encode(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_messages_are_percent_encoded() {
        assert_eq!(percent_encode("50% of naïve\n"), "50%25 of na%C3%AFve%0A");
    }
}
