//! What the API answers when it cannot: [`ApiError`]. The texts are upstream's, because clients see them.

use hyper::StatusCode;
use serde::Serialize;
use tonic::Status;

use crate::metrics::code_name;
use crate::reply::{self, Reply};

/// Why the API has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("Emoji choice [] is mandatory")]
    NoChoice,
    #[error("Choosen emoji shortcode [{0}] doesnt exist")]
    UnknownChoice(String),
    /// Upstream's process panics here and cuts the connection.
    #[error("there are votes for [{0}], which the emoji service does not have")]
    UnknownResult(String),
    #[error("rpc error: code = {} desc = {}", code_name(.0.code()), .0.message())]
    Call(#[from] Status),
}

#[derive(Serialize)]
struct ErrorBody {
    error: String,
}

impl ApiError {
    pub(crate) fn reply(&self) -> Reply {
        reply::json(self.status(), &ErrorBody { error: self.to_string() })
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NoChoice | Self::UnknownChoice(_) => StatusCode::BAD_REQUEST,
            Self::UnknownResult(_) | Self::Call(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
