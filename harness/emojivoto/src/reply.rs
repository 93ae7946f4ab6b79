//! HTTP replies: every body is small and whole, so a [`Reply`] is never a stream.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

/// A reply whose body is in memory.
pub(crate) type Reply = Response<Full<Bytes>>;

/// `body` as JSON, on a line of its own as Go's encoder writes it.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    match serde_json::to_vec(body) {
        Ok(mut json) => {
            json.push(b'\n');
            typed(status, "application/json; charset=UTF-8", json)
        }
        Err(error) => {
            text(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot write the reply as JSON: {error}\n"))
        }
    }
}

pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    typed(status, "text/plain; charset=utf-8", body)
}

pub(crate) fn page(html: &'static str) -> Reply {
    typed(StatusCode::OK, "text/html", html)
}

pub(crate) fn script(javascript: &'static str) -> Reply {
    typed(StatusCode::OK, "text/javascript", javascript)
}

pub(crate) fn open_metrics(exposition: String) -> Reply {
    typed(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", exposition)
}

pub(crate) fn empty() -> Reply {
    Response::new(Full::default())
}

fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}
