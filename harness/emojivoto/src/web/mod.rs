//! The web role: [`Web`] answers HTTP and asks the other two over gRPC.

mod api;
mod error;
mod pages;
mod route;
mod voting_client;

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use tonic::transport::Channel;

use self::error::ApiError;
use self::route::Route;
use self::voting_client::VotingClient;
use crate::cli::ServiceHost;
use crate::metrics::HttpRequests;
use crate::reply::{self, Reply};
use crate::wire::emoji::emoji_service_client::EmojiServiceClient;

/// The site and its JSON API.
///
/// Each service is asked over one connection for all requests, opened with the first and opened
/// again only after it broke.
#[derive(Debug)]
pub struct Web {
    emoji: EmojiServiceClient<Channel>,
    voting: VotingClient,
    requests: HttpRequests,
}

impl Web {
    pub(crate) fn new(emoji: &ServiceHost, voting: &ServiceHost, requests: HttpRequests) -> Self {
        Self {
            emoji: EmojiServiceClient::new(emoji.endpoint().connect_lazy()),
            voting: VotingClient::new(voting.endpoint().connect_lazy()),
            requests,
        }
    }

    /// Answers any request; as upstream's, whatever its method and with the page for any path that
    /// is nothing else.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Reply {
        let route = Route::of(request.uri().path());
        let answered = match route {
            Route::Page | Route::LeaderboardPage => Ok(pages::index()),
            Route::Script => Ok(pages::script()),
            Route::Asset => Ok(reply::text(StatusCode::NOT_FOUND, "404 page not found\n")),
            Route::List => self.list().await,
            Route::Vote => self.vote(request.uri().query().unwrap_or_default()).await,
            Route::Leaderboard => self.leaderboard().await,
        };
        let reply = answered.unwrap_or_else(|error| error.reply());
        self.requests.count(route.path(), reply.status());
        reply
    }
}
