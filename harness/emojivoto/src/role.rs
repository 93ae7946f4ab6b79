//! One role inside a runtime: [`start`] opens its ports, [`Running`] is the role at work.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tonic_health::ServingStatus;

use crate::cli::{CommonOptions, EmojiOptions, Role, VotingOptions, WebOptions};
use crate::emoji::EmojiCatalog;
use crate::metrics::Metrics;
use crate::reply::Reply;
use crate::serve::{ListenError, listen, serve_grpc, serve_http};
use crate::voting::{Poll, VotingService};
use crate::web::Web;
use crate::wire;
use crate::wire::emoji::emoji_service_server::{self, EmojiServiceServer};

/// Starts a role; when this returns, its ports take connections. `stop` ends it.
///
/// # Errors
///
/// When a port cannot be listened on.
pub async fn start(role: &Role, stop: &CancellationToken) -> Result<Running, RoleError> {
    let mut starting = Starting { metrics: Metrics::default(), tasks: JoinSet::new(), stop: stop.clone() };
    let address = match role {
        Role::Web(options) => starting.web(options).await?,
        Role::Emoji(options) => starting.emoji(options).await?,
        Role::Voting(options) => starting.voting(options).await?,
    };
    starting.finish(address, role.common()).await
}

/// A role on its way up: what [`Running`] is made from.
struct Starting {
    metrics: Metrics,
    tasks: JoinSet<Result<(), tonic::transport::Error>>,
    stop: CancellationToken,
}

impl Starting {
    async fn web(&mut self, options: &WebOptions) -> Result<SocketAddr, RoleError> {
        let wanted = SocketAddr::new(options.common.listen_address, options.web_port);
        let port = listen(wanted, "WEB_PORT").await?;
        let web = Web::new(&options.emojisvc_host, &options.votingsvc_host, self.metrics.http_requests());
        let web = Arc::new(web);
        let answer = move |request| Arc::clone(&web).answer(request);
        self.http(port.listener, answer);
        Ok(port.address)
    }

    async fn emoji(&mut self, options: &EmojiOptions) -> Result<SocketAddr, RoleError> {
        let catalog = EmojiServiceServer::new(EmojiCatalog::new(self.metrics.grpc_calls()));
        let router = router_with_health(emoji_service_server::SERVICE_NAME).await.add_service(catalog);
        self.grpc(router, options.grpc_port, &options.common).await
    }

    async fn voting(&mut self, options: &VotingOptions) -> Result<SocketAddr, RoleError> {
        let service = VotingService::new(
            Poll::new(&options.seed_votes),
            options.failure_rate,
            options.artificial_delay,
            self.metrics.grpc_calls(),
            self.metrics.votes(),
        );
        let router = router_with_health(wire::voting::SERVICE).await.add_service(service);
        self.grpc(router, options.grpc_port, &options.common).await
    }

    fn http<A, F>(&mut self, listener: TcpListener, answer: A)
    where
        A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Reply> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async {
            serve_http(listener, answer, stop).await;
            Ok(())
        });
    }

    async fn grpc(
        &mut self,
        router: Router,
        grpc_port: u16,
        common: &CommonOptions,
    ) -> Result<SocketAddr, RoleError> {
        let port = listen(SocketAddr::new(common.listen_address, grpc_port), "GRPC_PORT").await?;
        self.tasks.spawn(serve_grpc(port.listener, router, self.stop.clone()));
        Ok(port.address)
    }

    async fn finish(mut self, address: SocketAddr, common: &CommonOptions) -> Result<Running, RoleError> {
        let Some(prom_port) = common.prom_port else {
            return Ok(Running { address, metrics_address: None, tasks: self.tasks });
        };
        let port = listen(SocketAddr::new(common.listen_address, prom_port), "PROM_PORT").await?;
        let metrics = Arc::new(std::mem::take(&mut self.metrics));
        self.http(port.listener, move |request| std::future::ready(metrics.answer(&request)));
        Ok(Running { address, metrics_address: Some(port.address), tasks: self.tasks })
    }
}

async fn router_with_health(service: &str) -> Router {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status(service, ServingStatus::Serving).await;
    // As upstream's server has it: hyper's own limit of 200 would queue what a proxy sends.
    Server::builder().max_concurrent_streams(u32::MAX).add_service(health)
}

/// A role at work.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    tasks: JoinSet<Result<(), tonic::transport::Error>>,
}

impl Running {
    /// Where it answers HTTP (web) or gRPC (emoji, voting).
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it answers `/metrics` and `/ready`.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Waits until every server of the role has stopped.
    ///
    /// # Errors
    ///
    /// When one of them failed instead of being stopped.
    pub async fn stopped(mut self) -> Result<(), RoleError> {
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// A role could not start, or ended without being stopped.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// One of its ports could not be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Its gRPC server gave up.
    #[error("the gRPC server gave up; this is a fault in it, please report it")]
    Serve(#[from] tonic::transport::Error),
    /// One of its servers panicked.
    #[error("a server of this process died; this is a fault in it, please report it")]
    Died(#[from] JoinError),
}
