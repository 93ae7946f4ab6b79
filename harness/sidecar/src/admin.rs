//! The admin port: readiness, counters and the configuration in effect.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::body::ResponseBody;
use crate::counters::Counters;

/// What the admin port can tell.
#[derive(Debug)]
pub(crate) struct Admin {
    counters: Counters,
    config: Bytes,
}

impl Admin {
    pub(crate) fn new(counters: Counters, config: Bytes) -> Self {
        Self { counters, config }
    }

    pub(crate) async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let is_get = request.method() == Method::GET;
        Ok(match request.uri().path() {
            // The admin port is the last to open, so that answering at all means being ready.
            "/ready" if is_get => page("text/plain", "ready\n"),
            "/metrics" if is_get => page("text/plain; version=0.0.4", self.counters.render()),
            "/config" if is_get => page("application/json", self.config.clone()),
            _ => {
                let mut response = page("text/plain", "try GET /ready, /metrics or /config\n");
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            }
        })
    }
}

fn page(kind: &'static str, content: impl Into<Bytes>) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::Text(content.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
