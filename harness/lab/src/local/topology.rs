//! Who talks to whom on this machine, and on which ports.

use std::collections::BTreeMap;
use std::io;

use crate::identity::Identity;
use crate::mesh::{InboundContext, OutboundContext, ProcessTemplate, Protocol};
use crate::process::ReservedPort;

/// The name of the load generator among workloads.
pub(super) const GENERATOR: &str = "load";

/// What a workload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The load generator: reaches every web service, is reached by nobody.
    Generator,
    /// Emojivoto's front end: HTTP/1.1.
    Web,
    /// Emojivoto's emoji service: gRPC.
    Emoji,
    /// Emojivoto's voting service: gRPC.
    Voting,
}

/// One process that sends or answers requests, and what stands beside it.
#[derive(Debug)]
pub(super) struct Workload {
    /// For example `web-0`.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Who it is to peers.
    pub identity: Identity,
    /// Where it listens; `None` for the generator.
    pub ports: Option<ApplicationPorts>,
    /// Its sidecar's ports; `None` without a mesh.
    pub sidecar: Option<SidecarPorts>,
    /// The workloads it sends requests to, as indices into the topology.
    peers: Vec<usize>,
}

/// Where an application listens.
#[derive(Debug)]
pub(super) struct ApplicationPorts {
    /// Requests.
    pub service: ReservedPort,
    /// Metrics and readiness.
    pub metrics: ReservedPort,
}

/// Where a sidecar listens.
#[derive(Debug)]
pub(super) struct SidecarPorts {
    /// For peers' sidecars; `None` beside the generator.
    pub inbound: Option<ReservedPort>,
    /// For its own workload, one per peer in the order of the workload's peers.
    pub outbound: Vec<ReservedPort>,
    /// The process's own named ports, such as `admin`.
    pub named: BTreeMap<String, ReservedPort>,
}

/// All workloads of one run, the generator last.
#[derive(Debug)]
pub(super) struct Topology {
    workloads: Vec<Workload>,
}

impl Role {
    /// What it speaks on its port.
    #[must_use]
    pub(super) fn protocol(self) -> Protocol {
        match self {
            Self::Web | Self::Generator => Protocol::Http1,
            Self::Emoji | Self::Voting => Protocol::Http2,
        }
    }

    /// The name of its service and of its account.
    #[must_use]
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Generator => GENERATOR,
            Self::Web => "web",
            Self::Emoji => "emoji",
            Self::Voting => "voting",
        }
    }
}

impl Topology {
    /// Lays out `apps` copies of Emojivoto and a generator, each with a sidecar if
    /// the mesh has one, and reserves every port.
    ///
    /// # Errors
    /// The kernel's, when ports or file descriptors run out.
    pub(super) fn new(apps: u32, sidecar: Option<&ProcessTemplate>) -> io::Result<Self> {
        let mut topology = Self { workloads: Vec::new() };
        let mut fronts = Vec::new();
        for app in 0..apps {
            let emoji = topology.add(Role::Emoji, Some(app), Vec::new(), sidecar)?;
            let voting = topology.add(Role::Voting, Some(app), Vec::new(), sidecar)?;
            fronts.push(topology.add(Role::Web, Some(app), vec![emoji, voting], sidecar)?);
        }
        topology.add(Role::Generator, None, fronts, sidecar)?;
        Ok(topology)
    }

    fn add(
        &mut self,
        role: Role,
        app: Option<u32>,
        peers: Vec<usize>,
        sidecar: Option<&ProcessTemplate>,
    ) -> io::Result<usize> {
        let (name, namespace) = match app {
            Some(app) => (format!("{}-{app}", role.name()), format!("app-{app}")),
            None => (role.name().to_owned(), role.name().to_owned()),
        };
        let is_reached = role != Role::Generator;
        let ports = if is_reached {
            Some(ApplicationPorts { service: ReservedPort::new()?, metrics: ReservedPort::new()? })
        } else {
            None
        };
        let sidecar =
            sidecar.map(|template| SidecarPorts::new(template, is_reached, peers.len())).transpose()?;
        let identity = Identity::new(&namespace, role.name(), &name);
        self.workloads.push(Workload { name, role, identity, ports, sidecar, peers });
        Ok(self.workloads.len() - 1)
    }

    /// All workloads.
    #[must_use]
    pub(super) fn workloads(&self) -> &[Workload] {
        &self.workloads
    }

    /// The workloads with a sidecar.
    pub(super) fn sidecars(&self) -> impl Iterator<Item = (&Workload, &SidecarPorts)> {
        self.workloads.iter().filter_map(|workload| Some((workload, workload.sidecar.as_ref()?)))
    }

    /// The load generator.
    #[must_use]
    pub(super) fn generator(&self) -> Option<&Workload> {
        self.workloads.iter().find(|workload| workload.role == Role::Generator)
    }

    /// Each peer of `workload` with the port at which the workload reaches it:
    /// its sidecar's where it has one, otherwise the peer's own.
    pub(super) fn peers_of<'a>(
        &'a self,
        workload: &'a Workload,
    ) -> impl Iterator<Item = (&'a Workload, u16)> + 'a {
        workload.peers.iter().enumerate().filter_map(move |(index, &peer)| {
            let peer = &self.workloads[peer];
            let port = match &workload.sidecar {
                Some(sidecar) => sidecar.outbound[index].number(),
                None => peer.ports.as_ref()?.service.number(),
            };
            Some((peer, port))
        })
    }

    /// What a sidecar's template is told of its inbound side.
    #[must_use]
    pub(super) fn inbound_of(&self, workload: &Workload) -> Option<InboundContext> {
        let inbound = workload.sidecar.as_ref()?.inbound.as_ref()?;
        Some(InboundContext {
            port: inbound.number(),
            application_port: workload.ports.as_ref()?.service.number(),
            protocol: workload.role.protocol(),
        })
    }

    /// What a sidecar's template is told of its outbound side.
    #[must_use]
    pub(super) fn outbound_of(&self, workload: &Workload) -> Vec<OutboundContext> {
        let context = |(peer, port): (&Workload, u16)| {
            Some(OutboundContext {
                name: peer.name.clone(),
                port,
                peer_port: peer.sidecar.as_ref()?.inbound.as_ref()?.number(),
                peer_identity: peer.identity.spiffe_id.clone(),
                peer_dns_name: peer.identity.dns_name.clone(),
                protocol: peer.role.protocol(),
            })
        };
        self.peers_of(workload).filter_map(context).collect()
    }
}

impl SidecarPorts {
    fn new(template: &ProcessTemplate, is_reached: bool, peers: usize) -> io::Result<Self> {
        Ok(Self {
            inbound: is_reached.then(ReservedPort::new).transpose()?,
            outbound: (0..peers).map(|_| ReservedPort::new()).collect::<io::Result<_>>()?,
            named: reserve_named(&template.ports)?,
        })
    }
}

/// Reserves one port for each name.
///
/// # Errors
/// The kernel's, when ports or file descriptors run out.
pub(super) fn reserve_named(names: &[String]) -> io::Result<BTreeMap<String, ReservedPort>> {
    names.iter().map(|name| Ok((name.clone(), ReservedPort::new()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_mesh_everyone_is_reached_directly() {
        let topology = Topology::new(2, None).unwrap();
        assert_eq!(topology.workloads().len(), 7);
        let generator = topology.generator().unwrap();
        let reached: Vec<_> =
            topology.peers_of(generator).map(|(peer, port)| (peer.name.as_str(), port)).collect();
        let direct = |name: &str| {
            let workload = topology.workloads().iter().find(|workload| workload.name == name).unwrap();
            workload.ports.as_ref().unwrap().service.number()
        };
        assert_eq!(reached, [("web-0", direct("web-0")), ("web-1", direct("web-1"))]);
        assert_eq!(topology.sidecars().count(), 0);
    }

    #[test]
    fn identities_follow_namespace_and_account() {
        let topology = Topology::new(1, None).unwrap();
        let ids: Vec<_> = topology.workloads().iter().map(|w| w.identity.spiffe_id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "spiffe://meshbench.local/ns/app-0/sa/emoji",
                "spiffe://meshbench.local/ns/app-0/sa/voting",
                "spiffe://meshbench.local/ns/app-0/sa/web",
                "spiffe://meshbench.local/ns/load/sa/load",
            ]
        );
    }
}
