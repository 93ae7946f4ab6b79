//! [`Http1Pool`]: HTTP/1.1 connections, each for one request at a time, kept open between requests.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response};

use super::{Connector, UpstreamError};
use crate::body::{Progress, RequestBody, ResponseBody};

type Sender = SendRequest<RequestBody>;

/// Connections to one upstream.
pub(crate) struct Http1Pool {
    connector: Connector,
    idle: Arc<IdleSenders>,
}

/// Senders of connections without a request, the latest used last: the fewest connections stay warm.
#[derive(Default)]
struct IdleSenders(Mutex<Vec<Sender>>);

/// A connection whose response is still on its way; dropped without being given back, it closes.
pub(crate) struct Http1Lease {
    sender: Sender,
    home: Arc<IdleSenders>,
    request: Progress,
}

impl Http1Pool {
    pub(super) fn new(connector: Connector) -> Self {
        Self { connector, idle: Arc::default() }
    }

    pub(super) async fn send(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, UpstreamError> {
        let (mut request, progress) = RequestBody::watched(request);
        while let Some(mut sender) = self.idle.pop_open().await {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(self.lease(sender, progress, response)),
                // The connection had closed before anything was written: the next one may still be open.
                Err(mut failure) => match failure.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(UpstreamError::Http(failure.into_error())),
                },
            }
        }
        let mut sender = self.connector.http1().await?;
        let response = sender.send_request(request).await.map_err(UpstreamError::Http)?;
        Ok(self.lease(sender, progress, response))
    }

    fn lease(
        &self,
        sender: Sender,
        request: Progress,
        response: Response<Incoming>,
    ) -> Response<ResponseBody> {
        let lease = Http1Lease { sender, home: Arc::clone(&self.idle), request };
        response.map(|incoming| ResponseBody::leased(incoming, lease))
    }
}

impl IdleSenders {
    /// The latest used connection that is still open.
    async fn pop_open(&self) -> Option<Sender> {
        loop {
            let mut sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            // Its task may yet have to notice that the last exchange is over; that takes no input, so no waiting.
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }
}

impl Http1Lease {
    /// Returns the connection for the next request, unless its own request is still being written.
    pub(crate) fn give_back(self) {
        if self.request.is_complete() {
            self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(self.sender);
        }
    }
}
