//! [`RequestBody`] and [`ResponseBody`]: bodies on their way through, frame by frame.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use hyper::Request;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use crate::upstream::Http1Lease;

/// The body of a request, which knows when it was passed on to its end.
pub(crate) struct RequestBody {
    incoming: Incoming,
    progress: Progress,
}

/// Whether a request was passed on to its end.
#[derive(Clone)]
pub(crate) struct Progress(Option<Arc<AtomicBool>>);

impl RequestBody {
    /// Passes a request on without watching its body.
    pub(crate) fn unwatched(request: Request<Incoming>) -> Request<Self> {
        request.map(|incoming| Self { incoming, progress: Progress(None) })
    }

    /// Passes a request on, and tells how far its body got.
    pub(crate) fn watched(request: Request<Incoming>) -> (Request<Self>, Progress) {
        let has_body = !request.body().is_end_stream();
        let progress = Progress(has_body.then(Arc::default));
        let body_progress = progress.clone();
        (request.map(|incoming| Self { incoming, progress: body_progress }), progress)
    }
}

impl Progress {
    pub(crate) fn is_complete(&self) -> bool {
        self.0.as_ref().is_none_or(|complete| complete.load(Ordering::Acquire))
    }

    fn complete(&self) {
        if let Some(complete) = &self.0 {
            complete.store(true, Ordering::Release);
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        if frame.is_none() || self.incoming.is_end_stream() {
            self.progress.complete();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// The body of a response: the upstream's, or a text of our own.
pub(crate) enum ResponseBody {
    /// Passed on from the upstream.
    Forwarded {
        /// The upstream's body.
        incoming: Incoming,
        /// The connection to give back when the body has ended; HTTP/2 connections are shared instead.
        lease: Option<Http1Lease>,
    },
    /// Made here.
    Text(Bytes),
}

impl ResponseBody {
    /// A body from a connection that others use at the same time.
    pub(crate) fn shared(incoming: Incoming) -> Self {
        Self::Forwarded { incoming, lease: None }
    }

    /// A body from a connection that is given back once the body has ended.
    pub(crate) fn leased(incoming: Incoming, lease: Http1Lease) -> Self {
        if incoming.is_end_stream() {
            // The server does not poll such a body, so this is the last chance.
            lease.give_back();
            return Self::shared(incoming);
        }
        Self::Forwarded { incoming, lease: Some(lease) }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Text(text) if text.is_empty() => Poll::Ready(None),
            Self::Text(text) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(text))))),
            Self::Forwarded { incoming, lease } => {
                let frame = ready!(Pin::new(&mut *incoming).poll_frame(context));
                if (frame.is_none() || incoming.is_end_stream())
                    && let Some(lease) = lease.take()
                {
                    lease.give_back();
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Forwarded { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => SizeHint::with_exact(text.len() as u64),
            Self::Forwarded { incoming, .. } => incoming.size_hint(),
        }
    }
}
