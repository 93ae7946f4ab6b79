//! [`Http2Link`]: one HTTP/2 connection that carries all requests to an upstream.

use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::{Request, Response};
use tokio::sync::Mutex;

use super::{Connector, UpstreamError};
use crate::body::{RequestBody, ResponseBody};

type Sender = SendRequest<RequestBody>;

/// The connection to one upstream, opened with the first request and again when it was lost.
pub(crate) struct Http2Link {
    connector: Connector,
    /// Locked while connecting, so that requests arriving meanwhile wait for that connection.
    current: Mutex<Option<Sender>>,
}

impl Http2Link {
    pub(super) fn new(connector: Connector) -> Self {
        Self { connector, current: Mutex::new(None) }
    }

    pub(super) async fn send(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, UpstreamError> {
        let request = RequestBody::unwatched(request);
        let mut sender = self.sender().await?;
        let response = match sender.try_send_request(request).await {
            Ok(response) => response,
            // The connection closed before anything was written: once more, on a new one.
            Err(mut failure) => match failure.take_message() {
                Some(unsent) => {
                    self.sender().await?.send_request(unsent).await.map_err(UpstreamError::Http)?
                }
                None => return Err(UpstreamError::Http(failure.into_error())),
            },
        };
        Ok(response.map(ResponseBody::shared))
    }

    async fn sender(&self) -> Result<Sender, UpstreamError> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(open) if !open.is_closed() => Ok(open.clone()),
            _ => {
                let opened = self.connector.http2().await?;
                *current = Some(opened.clone());
                Ok(opened)
            }
        }
    }
}
