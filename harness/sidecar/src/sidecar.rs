//! [`Sidecar`]: every listener of a configuration, first bound, then served.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::admin::Admin;
use crate::config::{InboundConfig, OutboundConfig, Protocol, SidecarConfig};
use crate::counters::{ConnectionCounters, Counters, Direction};
use crate::error::SidecarError;
use crate::injection::{DirectionInjections, Injector};
use crate::listener::{Listener, Serving, accept_tls, serve_http};
use crate::proxy::Proxy;
use crate::tls::TlsMaterial;
use crate::upstream::{Connector, Upstream};

/// How long requests under way may take to end once the sidecar is told to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// A sidecar whose ports are open, but which serves nothing yet.
pub struct Sidecar {
    admin: Listener,
    state: Arc<Admin>,
    inbound: Option<Inbound>,
    outbound: Vec<Outbound>,
}

struct Inbound {
    listener: Listener,
    acceptor: TlsAcceptor,
    counters: Arc<ConnectionCounters>,
    proxy: Arc<Proxy>,
}

struct Outbound {
    name: String,
    listener: Listener,
    proxy: Arc<Proxy>,
}

impl Sidecar {
    /// Reads the certificates and opens every port.
    ///
    /// # Errors
    /// When a certificate or key cannot be used, or a port is taken; the error names which.
    pub async fn bind(config: SidecarConfig) -> Result<Self, SidecarError> {
        let tls = TlsMaterial::load(&config)?;
        let mut counters = Counters::default();
        let inbound = match &config.inbound {
            Some(inbound) => Some(Inbound::bind(&config, inbound, &tls, &mut counters).await?),
            None => None,
        };
        let injector = injector(&config, Direction::Outbound);
        let mut outbound = Vec::with_capacity(config.outbound.len());
        for peer in &config.outbound {
            outbound.push(Outbound::bind(&config, peer, &tls, &mut counters, injector.clone()).await?);
        }
        // Last, because an open admin port tells the world that every other port is open.
        let admin = Listener::bind("admin", config.address, config.admin_port).await?;
        let state = Arc::new(Admin::new(counters, render(&config).into()));
        Ok(Self { admin, state, inbound, outbound })
    }

    /// Where `/ready`, `/metrics` and `/config` are.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.address
    }

    /// Where peers connect, unless this sidecar only sends.
    #[must_use]
    pub fn inbound_address(&self) -> Option<SocketAddr> {
        self.inbound.as_ref().map(|inbound| inbound.listener.address)
    }

    /// Where the application connects for the peer called `name`.
    #[must_use]
    pub fn outbound_address(&self, name: &str) -> Option<SocketAddr> {
        self.outbound.iter().find(|peer| peer.name == name).map(|peer| peer.listener.address)
    }

    /// Serves until `stop`, then lets requests under way end, for two seconds at most.
    pub async fn serve(self, stop: CancellationToken) {
        let serving = Serving { stop, ..Serving::default() };
        if let Some(inbound) = self.inbound {
            inbound.serve(&serving);
        }
        for outbound in self.outbound {
            outbound.serve(&serving);
        }
        let state = self.state;
        self.admin.serve(&serving, move |stream, stop| {
            let state = Arc::clone(&state);
            let handler = move |request| Arc::clone(&state).handle(request);
            serve_http(stream, Protocol::Http1, handler, stop)
        });
        serving.stop.cancelled().await;
        serving.tasks.close();
        if timeout(DRAIN_LIMIT, serving.tasks.wait()).await.is_err() {
            tracing::warn!("{} connections did not end within {DRAIN_LIMIT:?}", serving.tasks.len());
        }
    }
}

impl Inbound {
    async fn bind(
        config: &SidecarConfig,
        inbound: &InboundConfig,
        tls: &TlsMaterial,
        counters: &mut Counters,
    ) -> Result<Self, SidecarError> {
        let application = SocketAddr::new(config.address, inbound.application_port);
        let connector = Connector::plain(application, Arc::clone(&counters.inbound));
        let proxy = Proxy {
            protocol: inbound.protocol,
            injector: injector(config, Direction::Inbound),
            upstream: Upstream::new(connector, inbound.protocol),
            counters: counters.add_peer(Direction::Inbound, "application"),
        };
        Ok(Self {
            acceptor: tls.server(inbound.protocol)?.into(),
            counters: Arc::clone(&counters.inbound),
            proxy: Arc::new(proxy),
            listener: Listener::bind("inbound", config.address, inbound.port).await?,
        })
    }

    fn serve(self, serving: &Serving) {
        let Self { listener, acceptor, counters, proxy } = self;
        listener.serve(serving, move |stream, stop| {
            let (acceptor, counters, proxy) = (acceptor.clone(), Arc::clone(&counters), Arc::clone(&proxy));
            async move {
                if let Some(stream) = accept_tls(&acceptor, stream, &counters).await {
                    let protocol = proxy.protocol;
                    serve_http(stream, protocol, move |request| Arc::clone(&proxy).handle(request), stop)
                        .await;
                }
            }
        });
    }
}

impl Outbound {
    async fn bind(
        config: &SidecarConfig,
        peer: &OutboundConfig,
        tls: &TlsMaterial,
        counters: &mut Counters,
        injector: Option<Arc<Injector>>,
    ) -> Result<Self, SidecarError> {
        let address = SocketAddr::new(config.address, peer.peer_port);
        let client = tls.client(&peer.peer_identity, peer.protocol)?;
        let connector = Connector::mutual_tls(address, client, Arc::clone(&counters.outbound));
        let proxy = Proxy {
            protocol: peer.protocol,
            injector,
            upstream: Upstream::new(connector, peer.protocol),
            counters: counters.add_peer(Direction::Outbound, &peer.name),
        };
        Ok(Self {
            name: peer.name.clone(),
            proxy: Arc::new(proxy),
            listener: Listener::bind(format!("outbound {:?}", peer.name), config.address, peer.port).await?,
        })
    }

    fn serve(self, serving: &Serving) {
        let proxy = self.proxy;
        self.listener.serve(serving, move |stream, stop| {
            let proxy = Arc::clone(&proxy);
            let protocol = proxy.protocol;
            serve_http(stream, protocol, move |request| Arc::clone(&proxy).handle(request), stop)
        });
    }
}

/// The injector of a direction, unless nothing is injected there.
fn injector(config: &SidecarConfig, direction: Direction) -> Option<Arc<Injector>> {
    let injections = config.injections.as_ref()?;
    // Both directions share a seed, and must not fail and dawdle in step.
    let (settings, seed): (&Option<DirectionInjections>, u64) = match direction {
        Direction::Inbound => (&injections.inbound, injections.seed),
        Direction::Outbound => (&injections.outbound, !injections.seed),
    };
    settings.clone().map(|settings| Arc::new(Injector::new(settings, seed)))
}

fn render(config: &SidecarConfig) -> String {
    serde_json::to_string_pretty(config).unwrap_or_else(|error| format!("cannot be shown: {error}"))
}
