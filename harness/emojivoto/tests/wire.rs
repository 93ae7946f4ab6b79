//! The gRPC services against clients generated from the contracts: what upstream's clients call.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, wherever it does")]

mod common;

use common::RunningRole;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_prost::ProstCodec;

/// What `build.rs` generated.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]
mod generated {
    pub mod emoji {
        include!(concat!(env!("OUT_DIR"), "/emoji/emojivoto.v1.rs"));
    }
    pub mod voting {
        include!(concat!(env!("OUT_DIR"), "/voting_client/emojivoto.v1.rs"));
    }
}

use generated::emoji::emoji_service_client::EmojiServiceClient;
use generated::emoji::{Emoji, FindByShortcodeRequest, ListAllEmojiRequest};
use generated::voting::voting_service_client::VotingServiceClient;
use generated::voting::{ResultsRequest, VoteRequest, VoteResponse};

async fn channel(role: &RunningRole) -> Channel {
    Endpoint::from_shared(format!("http://{}", role.address)).unwrap().connect().await.unwrap()
}

#[tokio::test]
async fn the_emoji_service_answers_the_generated_client() {
    let role = RunningRole::start(&["emoji", "--grpc-port=0"]).await;
    let mut client = EmojiServiceClient::new(channel(&role).await);
    let list = client.list_all(ListAllEmojiRequest {}).await.unwrap().into_inner().list;
    assert_eq!(list.len(), 99);

    let mut find = async |shortcode: &str| {
        let request = FindByShortcodeRequest { shortcode: shortcode.to_owned() };
        client.find_by_shortcode(request).await.unwrap().into_inner().emoji
    };
    let joy = Emoji { unicode: "😂".to_owned(), shortcode: ":joy:".to_owned() };
    assert_eq!(find(":joy:").await, Some(joy));
    assert_eq!(find(":nope:").await, None, "an unknown shortcode is no error");
}

#[tokio::test]
async fn the_voting_service_answers_the_generated_client() {
    let role = RunningRole::start(&["voting", "--grpc-port=0"]).await;
    let mut client = VotingServiceClient::new(channel(&role).await);
    client.vote_stuck_out_tongue_winking_eye(VoteRequest {}).await.unwrap();
    client.vote_jack_o_lantern(VoteRequest {}).await.unwrap();
    client.vote_jack_o_lantern(VoteRequest {}).await.unwrap();
    client.vote100(VoteRequest {}).await.unwrap();
    client.vote100(VoteRequest {}).await.unwrap();
    client.vote100(VoteRequest {}).await.unwrap();

    let failed = client.vote_doughnut(VoteRequest {}).await.unwrap_err();
    assert_eq!((failed.code(), failed.message()), (Code::Unknown, "ERROR"));

    let results = client.results(ResultsRequest {}).await.unwrap().into_inner().results;
    let results: Vec<_> = results.iter().map(|result| (result.shortcode.as_str(), result.votes)).collect();
    assert_eq!(results, [(":100:", 3), (":jack_o_lantern:", 2), (":stuck_out_tongue_winking_eye:", 1)]);
}

/// The generated client cannot be asked for its methods; the contract it is generated from can.
#[tokio::test]
async fn every_method_of_the_contract_counts_a_vote_of_its_own() {
    let role = RunningRole::start(&["voting", "--grpc-port=0", "--failure-rate=0"]).await;
    let channel = channel(&role).await;
    let contract = include_str!("../proto/Voting.proto");
    let methods = contract.split("rpc ").skip(1).map(|rest| rest.split('(').next().unwrap());
    for (voted, method) in methods.filter(|method| *method != "Results").enumerate() {
        let results = VotingServiceClient::new(channel.clone()).results(ResultsRequest {}).await.unwrap();
        assert_eq!(results.into_inner().results.len(), voted, "before {method}");
        call(&channel, method).await.unwrap();
    }
    let results = VotingServiceClient::new(channel).results(ResultsRequest {}).await.unwrap().into_inner();
    assert_eq!(results.results.len(), 100);
    assert!(results.results.iter().all(|result| result.votes == 1));
}

#[tokio::test]
async fn a_method_that_is_not_in_the_contract_is_unimplemented() {
    let role = RunningRole::start(&["voting", "--grpc-port=0"]).await;
    let status = call(&channel(&role).await, "VoteNobody").await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("VoteNobody"), "{}", status.message());
}

async fn call(channel: &Channel, method: &str) -> Result<VoteResponse, tonic::Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let path = PathAndQuery::try_from(format!("/emojivoto.v1.VotingService/{method}")).unwrap();
    let codec = ProstCodec::<VoteRequest, VoteResponse>::default();
    Ok(grpc.unary(Request::new(VoteRequest {}), path, codec).await?.into_inner())
}

#[rstest::rstest]
#[case::emoji("emoji", "emojivoto.v1.EmojiService")]
#[case::voting("voting", "emojivoto.v1.VotingService")]
#[tokio::test]
async fn the_health_service_says_serving(#[case] role: &str, #[case] service: &str) {
    let role = RunningRole::start(&[role, "--grpc-port=0"]).await;
    let mut health = HealthClient::new(channel(&role).await);
    for service in ["", service] {
        let answer = health.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "of {service:?}");
    }
    let unknown = health.check(HealthCheckRequest { service: "another".to_owned() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}
