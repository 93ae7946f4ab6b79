//! One kind of request of a target: [`PlannedRequest`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const GET: &str = "GET";
/// What the engine writes itself, because a wrong one would break the framing of every request behind it.
const WRITTEN_BY_THE_ENGINE: [&str; 6] =
    ["connection", "content-length", "keep-alive", "te", "transfer-encoding", "upgrade"];

/// A field of a request's head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestHeader {
    /// The field's name; letters of either case mean the same.
    pub name: String,
    /// What it says, without leading or trailing blanks.
    pub value: String,
}

/// One kind of request of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedRequest {
    /// Path and query, starting with `/`.
    pub path: String,
    /// How often it is sent, relative to the other requests of the plan.
    pub weight: u32,
    /// The method, such as `GET` or `POST`; all but `CONNECT`, which makes a tunnel of a connection.
    #[serde(default = "default_method", skip_serializing_if = "is_default_method")]
    pub method: String,
    /// Fields of the head beside those that the engine writes itself. `Host` here takes the place of the target's address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<RequestHeader>,
    /// What is sent behind the head; for gRPC one message in protobuf, without its frame.
    #[serde(
        rename = "body_base64",
        default,
        serialize_with = "to_base64",
        deserialize_with = "from_base64",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub body: Vec<u8>,
}

/// Why a request cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants and their fields are")]
pub enum RequestError {
    #[error("path `{path}`: expected printable ASCII without spaces that starts with `/`")]
    Path { path: String },
    #[error("path `{path}` with the weight 0: give it 1 or more, or leave it out")]
    ZeroWeight { path: String },
    #[error("method `{method}`: expected one such as GET or POST; CONNECT is not supported")]
    Method { method: String },
    #[error("header name `{name}`: expected letters, digits and dashes, such as `x-request-id`")]
    HeaderName { name: String },
    #[error("header `{name}`: the engine writes it itself; leave it out")]
    HeaderOfTheEngine { name: String },
    #[error(
        "header `{name}` with a value that is no printable text: remove control characters and blanks at its ends"
    )]
    HeaderValue { name: String },
}

impl PlannedRequest {
    /// A `GET` of `path`.
    #[must_use]
    pub fn get(path: String, weight: u32) -> Self {
        Self { path, weight, method: default_method(), headers: Vec::new(), body: Vec::new() }
    }

    pub(super) fn check(&self) -> Result<(), RequestError> {
        let Self { path, weight, method, headers, body: _ } = self;
        if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(RequestError::Path { path: path.clone() });
        }
        if *weight == 0 {
            return Err(RequestError::ZeroWeight { path: path.clone() });
        }
        if !is_token(method) || method == "CONNECT" {
            return Err(RequestError::Method { method: method.clone() });
        }
        headers.iter().try_for_each(RequestHeader::check)
    }
}

impl RequestHeader {
    fn check(&self) -> Result<(), RequestError> {
        let name = || self.name.clone();
        if !is_token(&self.name) {
            return Err(RequestError::HeaderName { name: name() });
        }
        if WRITTEN_BY_THE_ENGINE.iter().any(|written| self.name.eq_ignore_ascii_case(written)) {
            return Err(RequestError::HeaderOfTheEngine { name: name() });
        }
        let is_text = self.value.chars().all(|character| !character.is_control() || character == '\t');
        if !is_text || self.value.trim() != self.value {
            return Err(RequestError::HeaderValue { name: name() });
        }
        Ok(())
    }
}

/// A token as RFC 9110 §5.6.2 has it.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn default_method() -> String {
    GET.to_owned()
}

fn is_default_method(method: &str) -> bool {
    method == GET
}

fn to_base64<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64.encode(body))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64.decode(text).map_err(|error| serde::de::Error::custom(format!("the body is not base64: {error}")))
}
