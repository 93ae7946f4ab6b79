//! `emojivoto.v1.VotingService`: one method an emoji, dispatched by the catalogue.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll as Ready};
use std::time::Duration;

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

use super::failure::Failures;
use super::{FailureShare, Poll};
use crate::catalog::{self, Position};
use crate::metrics::{GrpcCalls, Votes};
use crate::wire::voting::{
    ResultsRequest, ResultsResponse, SERVICE, VoteRequest, VoteResponse, VotingResult,
};

const RESULTS_PATH: &str = "/emojivoto.v1.VotingService/Results";

/// The one emoji whose votes can fail, as upstream has it.
const FAILING_SHORTCODE: &str = ":doughnut:";

/// The service, as a tonic router takes it. Written by hand because a generated one would need a
/// hundred methods of its implementor that differ by a word.
#[derive(Debug, Clone)]
pub struct VotingService {
    ballot: Arc<Ballot>,
}

/// What all calls share.
#[derive(Debug)]
struct Ballot {
    poll: Poll,
    failures: Failures,
    artificial_delay: Duration,
    calls: GrpcCalls,
    votes: Votes,
}

impl VotingService {
    pub(crate) fn new(
        poll: Poll,
        failure_share: FailureShare,
        artificial_delay: Duration,
        calls: GrpcCalls,
        votes: Votes,
    ) -> Self {
        let failures = Failures::new(failure_share);
        Self { ballot: Arc::new(Ballot { poll, failures, artificial_delay, calls, votes }) }
    }
}

impl NamedService for VotingService {
    const NAME: &'static str = SERVICE;
}

impl Service<http::Request<Body>> for VotingService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Ready<Result<(), Infallible>> {
        Ready::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let ballot = Arc::clone(&self.ballot);
        Box::pin(async move {
            let path = request.uri().path();
            Ok(if let Some(choice) = catalog::find_by_vote_path(path) {
                Grpc::new(ProstCodec::default()).unary(Vote { ballot, choice }, request).await
            } else if path == RESULTS_PATH {
                Grpc::new(ProstCodec::default()).unary(Results { ballot }, request).await
            } else {
                Status::unimplemented(format!("unknown method {path}")).into_http()
            })
        })
    }
}

impl Ballot {
    async fn vote(&self, choice: Position) -> Result<Response<VoteResponse>, Status> {
        let emoji = choice.emoji();
        if emoji.shortcode == FAILING_SHORTCODE && self.failures.next() {
            self.calls.count(SERVICE, emoji.vote_method, Code::Unknown);
            return Err(Status::unknown("ERROR"));
        }
        if !self.artificial_delay.is_zero() {
            tokio::time::sleep(self.artificial_delay).await;
        }
        self.poll.vote(choice);
        self.votes.count(emoji.shortcode);
        self.calls.count(SERVICE, emoji.vote_method, Code::Ok);
        Ok(Response::new(VoteResponse {}))
    }

    fn results(&self) -> Response<ResultsResponse> {
        let results = self.poll.results().into_iter().map(|(emoji, votes)| VotingResult {
            shortcode: emoji.shortcode.to_owned(),
            votes: i32::try_from(votes).unwrap_or(i32::MAX),
        });
        let results = results.collect();
        self.calls.count(SERVICE, "Results", Code::Ok);
        Response::new(ResultsResponse { results })
    }
}

/// One call of one of the vote methods.
struct Vote {
    ballot: Arc<Ballot>,
    choice: Position,
}

impl Service<Request<VoteRequest>> for Vote {
    type Response = Response<VoteResponse>;
    type Error = Status;
    type Future = BoxFuture<Self::Response, Status>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Ready<Result<(), Status>> {
        Ready::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<VoteRequest>) -> Self::Future {
        let (ballot, choice) = (Arc::clone(&self.ballot), self.choice);
        Box::pin(async move { ballot.vote(choice).await })
    }
}

/// One call of `Results`.
struct Results {
    ballot: Arc<Ballot>,
}

impl Service<Request<ResultsRequest>> for Results {
    type Response = Response<ResultsResponse>;
    type Error = Status;
    type Future = std::future::Ready<Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Ready<Result<(), Status>> {
        Ready::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<ResultsRequest>) -> Self::Future {
        std::future::ready(Ok(self.ballot.results()))
    }
}
