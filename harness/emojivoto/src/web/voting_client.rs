//! The client of the voting service: [`VotingClient`].

use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use crate::catalog::Emoji;
use crate::wire::voting::{ResultsRequest, ResultsResponse, VoteRequest, VoteResponse, VotingResult};

/// Calls `emojivoto.v1.VotingService` by path, because a generated client has a hundred methods
/// and no way to choose one by emoji.
#[derive(Debug)]
pub(crate) struct VotingClient {
    grpc: Grpc<Channel>,
}

impl VotingClient {
    pub(crate) fn new(channel: Channel) -> Self {
        Self { grpc: Grpc::new(channel) }
    }

    pub(crate) async fn vote(&self, emoji: &'static Emoji) -> Result<(), Status> {
        let VoteResponse {} = self.call(emoji.vote_path, VoteRequest {}).await?;
        Ok(())
    }

    pub(crate) async fn results(&self) -> Result<Vec<VotingResult>, Status> {
        let path = "/emojivoto.v1.VotingService/Results";
        let ResultsResponse { results } = self.call(path, ResultsRequest {}).await?;
        Ok(results)
    }

    async fn call<Q, A>(&self, path: &'static str, request: Q) -> Result<A, Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.map_err(|error| Status::unavailable(format!("voting is not ready: {error}")))?;
        let path = PathAndQuery::from_static(path);
        let answer = grpc.unary(Request::new(request), path, ProstCodec::<Q, A>::default()).await?;
        Ok(answer.into_inner())
    }
}
