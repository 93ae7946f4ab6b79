//! Proof that requests cross the mesh they are said to cross.
//!
//! Published numbers have been wrong because traffic took another way than
//! thought, so nothing is measured before every sidecar's own counters have moved
//! by exactly the requests sent, and every inbound port has proven its identity
//! and turned away those without one. After the run the counters must cover what
//! the load generator says it got answered.

use std::collections::{BTreeMap, BTreeSet};

use meshbench_core::recording::Recording;
use meshbench_core::run::DataPathProof;

use super::mutual_tls::MutualTlsProbe;
use super::topology::{Role, SidecarPorts, Topology, Workload};
use crate::error::LabError;
use crate::http;
use crate::identity::IdentityFiles;
use crate::mesh::{Counters, MetricSelector, parse_scrape};
use crate::process::ReservedPort;

/// One sidecar's counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    inbound_requests: u64,
    outbound_requests: u64,
    inbound_handshakes: u64,
}

/// A data path that was proven before the measurement.
#[derive(Debug)]
pub(super) struct ProvenPath {
    start: BTreeMap<String, Counts>,
    proof: DataPathProof,
}

/// How often the probes are sent anew because one was answered with an error. A
/// mesh may fail a share of all requests and still be crossed by the others.
const PROBE_ATTEMPTS: u32 = 20;

/// Sends one request of each kind to each app and proves the way they took.
///
/// # Errors
/// [`LabError::DataPath`] with the workload and what its counters or port showed.
pub(crate) async fn prove(
    topology: &Topology,
    counters: Option<&Counters>,
    identity: Option<&IdentityFiles>,
    paths: &BTreeSet<&str>,
) -> Result<ProvenPath, LabError> {
    let identities = match identity {
        Some(identity) => prove_mutual_tls(topology, identity).await?,
        None => 0,
    };
    // After the probe of mutual TLS, whose own handshakes prove nothing of the traffic.
    let before = read_counts(topology, counters).await?;
    let mut attempt = 1;
    loop {
        let start = read_counts(topology, counters).await?;
        match probe_applications(topology, paths).await? {
            Some(refusal) if attempt == PROBE_ATTEMPTS => return Err(LabError::DataPath(refusal)),
            Some(_) => attempt += 1,
            None => {
                let end = read_counts(topology, counters).await?;
                let moved = moved(&start, &end);
                if counters.is_some() {
                    check_probes(topology, &moved, paths)?;
                    check_handshakes(&before, &end)?;
                }
                let proof = DataPathProof {
                    // Handshakes do not count: the probe of mutual TLS makes some everywhere.
                    sidecars: count(
                        moved.values().filter(|c| c.inbound_requests > 0 || c.outbound_requests > 0),
                    ),
                    verified_identities: identities,
                    enforced_mutual_tls: identities,
                    ..DataPathProof::default()
                };
                return Ok(ProvenPath { start, proof });
            }
        }
    }
}

impl ProvenPath {
    /// Proves after the run that what was answered crossed the sidecars.
    ///
    /// # Errors
    /// [`LabError::DataPath`] when a counter covers less than the generator's successes.
    pub(super) async fn confirm(
        self,
        topology: &Topology,
        counters: Option<&Counters>,
        recording: &Recording,
    ) -> Result<DataPathProof, LabError> {
        if counters.is_none() {
            return Ok(self.proof);
        }
        let moved = moved(&self.start, &read_counts(topology, counters).await?);
        let of_role = |role: Role| {
            let named = topology.workloads().iter().filter(move |workload| workload.role == role);
            named.filter_map(|workload| moved.get(&workload.name).copied())
        };
        let left: u64 = of_role(Role::Generator).map(|counts| counts.outbound_requests).sum();
        let arrived: u64 = of_role(Role::Web).map(|counts| counts.inbound_requests).sum();
        for (where_, crossed) in [("the generator's sidecar", left), ("the web sidecars", arrived)] {
            if crossed < recording.successes {
                let answered = recording.successes;
                return Err(LabError::DataPath(format!(
                    "{answered} requests were answered but only {crossed} crossed {where_}"
                )));
            }
        }
        Ok(DataPathProof {
            outbound_requests: moved.values().map(|counts| counts.outbound_requests).sum(),
            inbound_requests: moved.values().map(|counts| counts.inbound_requests).sum(),
            ..self.proof
        })
    }
}

async fn prove_mutual_tls(topology: &Topology, identity: &IdentityFiles) -> Result<u32, LabError> {
    let probe = MutualTlsProbe::new(identity)
        .map_err(|source| LabError::System { doing: "prepare the mutual TLS probe", source })?;
    let mut proven = 0;
    for (workload, sidecar) in topology.sidecars() {
        let Some(inbound) = &sidecar.inbound else { continue };
        let refuse = |why: String| LabError::DataPath(format!("{}'s inbound port {why}", workload.name));
        probe.proves_identity(inbound.number(), &workload.identity).await.map_err(refuse)?;
        probe
            .is_enforced(inbound.number(), &workload.identity, workload.role.protocol())
            .await
            .map_err(refuse)?;
        proven += 1;
    }
    Ok(proven)
}

/// Asks every app for every path; the first answer that is no success, in words.
async fn probe_applications(topology: &Topology, paths: &BTreeSet<&str>) -> Result<Option<String>, LabError> {
    let Some(generator) = topology.generator() else { return Ok(None) };
    for (web, port) in topology.peers_of(generator) {
        for path in paths {
            let (status, body) = http::get(port, path).await.map_err(|error| {
                LabError::DataPath(format!("GET {path} of {} has no answer: {error}", web.name))
            })?;
            if !status.is_success() {
                let said = String::from_utf8_lossy(&body[..body.len().min(200)]).trim().to_owned();
                return Ok(Some(format!("GET {path} of {} is answered {status}: {said}", web.name)));
            }
        }
    }
    Ok(None)
}

fn check_probes(
    topology: &Topology,
    moved: &BTreeMap<String, Counts>,
    paths: &BTreeSet<&str>,
) -> Result<(), LabError> {
    let of = |workload: &Workload| moved.get(&workload.name).copied().unwrap_or_default();
    let expect = |workload: &Workload, side: &str, found: u64, expected: u64| {
        if found == expected {
            return Ok(());
        }
        Err(LabError::DataPath(format!(
            "{}'s sidecar counted {found} {side} requests where {expected} were sent",
            workload.name
        )))
    };
    let Some(generator) = topology.generator() else { return Ok(()) };
    let per_app = count(paths.iter());
    let mut sent = 0;
    for (web, _) in topology.peers_of(generator) {
        sent += u64::from(per_app);
        expect(web, "inbound", of(web).inbound_requests, u64::from(per_app))?;
        let arrived: u64 = topology.peers_of(web).map(|(peer, _)| of(peer).inbound_requests).sum();
        expect(web, "outbound", of(web).outbound_requests, arrived)?;
        if arrived == 0 && paths.iter().any(|path| path.starts_with("/api/")) {
            return Err(LabError::DataPath(format!("no gRPC call of {} crossed its sidecar", web.name)));
        }
    }
    expect(generator, "outbound", of(generator).outbound_requests, sent)
}

/// Connections stay open from one attempt to the next, so handshakes count from before the first.
fn check_handshakes(
    before: &BTreeMap<String, Counts>,
    end: &BTreeMap<String, Counts>,
) -> Result<(), LabError> {
    let since = moved(before, end);
    match since.iter().find(|(_, counts)| counts.inbound_requests > 0 && counts.inbound_handshakes == 0) {
        None => Ok(()),
        Some((workload, _)) => Err(LabError::DataPath(format!(
            "{workload}'s sidecar took requests from peers and counted no TLS handshake for them"
        ))),
    }
}

/// Every sidecar's counters; none for a mesh without sidecars.
async fn read_counts(
    topology: &Topology,
    counters: Option<&Counters>,
) -> Result<BTreeMap<String, Counts>, LabError> {
    let mut all = BTreeMap::new();
    let Some(counters) = counters else { return Ok(all) };
    for (workload, sidecar) in topology.sidecars() {
        let counts = read_sidecar(sidecar, counters).await.map_err(|why| {
            LabError::DataPath(format!("the counters of {}'s sidecar cannot be read: {why}", workload.name))
        })?;
        all.insert(workload.name.clone(), counts);
    }
    Ok(all)
}

async fn read_sidecar(sidecar: &SidecarPorts, counters: &Counters) -> Result<Counts, String> {
    let port = sidecar.named.get(&counters.port).map_or(0, ReservedPort::number);
    let (status, body) = http::get(port, &counters.path).await.map_err(|error| error.to_string())?;
    if !status.is_success() {
        return Err(format!("GET {} answers {status}", counters.path));
    }
    let scrape = parse_scrape(&String::from_utf8_lossy(&body)).map_err(|error| error.to_string())?;
    // A counter that nothing has moved yet may be absent: that is zero.
    let value = |selector: &MetricSelector| selector.sum(&scrape).unwrap_or(0.0) as u64;
    Ok(Counts {
        inbound_requests: value(&counters.inbound_requests),
        outbound_requests: value(&counters.outbound_requests),
        inbound_handshakes: value(&counters.inbound_tls_handshakes),
    })
}

/// What was counted between two readings.
fn moved(start: &BTreeMap<String, Counts>, end: &BTreeMap<String, Counts>) -> BTreeMap<String, Counts> {
    let difference = |(name, end): (&String, &Counts)| {
        let start = start.get(name).copied().unwrap_or_default();
        let counts = Counts {
            inbound_requests: end.inbound_requests.saturating_sub(start.inbound_requests),
            outbound_requests: end.outbound_requests.saturating_sub(start.outbound_requests),
            inbound_handshakes: end.inbound_handshakes.saturating_sub(start.inbound_handshakes),
        };
        (name.clone(), counts)
    };
    end.iter().map(difference).collect()
}

fn count(items: impl Iterator) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
