//! Proof that requests cross the mesh they are said to cross.
//!
//! Published numbers have been wrong because traffic took another way than
//! thought, so nothing is measured before every sidecar's own counters have moved
//! by exactly the requests sent, and every inbound port has proven its identity
//! and turned away those without one. After the run the counters must cover what
//! the load generator says it got answered, and the calls behind the answers.

use std::collections::{BTreeMap, BTreeSet};

use meshbench_core::run::DataPathProof;

use super::deployment::ProbeIdentities;
use super::mutual_tls::MutualTlsProbe;
use super::topology::{Role, SidecarPorts, Topology, Workload};
use crate::error::{LabError, error_chain};
use crate::http;
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

/// How often an app's probes are sent anew because one was answered with an error. A
/// mesh may fail a share of all requests and still be crossed by the others.
const PROBE_ATTEMPTS: u32 = 50;

/// What every call of the web service's API needs of other services.
const API_PREFIX: &str = "/api/";

/// Sends one request of each kind to each app and proves the way they took.
///
/// # Errors
/// [`LabError::DataPath`] with the workload and what its counters or port showed.
pub(crate) async fn prove(
    topology: &Topology,
    counters: Option<&Counters>,
    identities: Option<&ProbeIdentities>,
    paths: &BTreeSet<&str>,
) -> Result<ProvenPath, LabError> {
    let identities = match identities {
        Some(identities) => prove_mutual_tls(topology, identities).await?,
        None => 0,
    };
    let Some(counters) = counters else {
        return probe_without_counters(topology, paths).await;
    };
    // After the probe of mutual TLS, whose own handshakes prove nothing of the traffic.
    let before = read_counts(&everyone(topology), counters).await?;
    for (web, port) in topology.generator().into_iter().flat_map(|generator| topology.peers_of(generator)) {
        prove_app(topology, counters, web, port, paths).await?;
    }
    let start = read_counts(&everyone(topology), counters).await?;
    let since = moved(&before, &start);
    check_handshakes(&since)?;
    let proof = DataPathProof {
        // Handshakes do not count: the probe of mutual TLS makes some everywhere.
        sidecars: count(since.values().filter(|c| c.inbound_requests > 0 || c.outbound_requests > 0)),
        verified_identities: identities,
        enforced_mutual_tls: identities,
        ..DataPathProof::default()
    };
    Ok(ProvenPath { start, proof })
}

/// Without sidecars there is nothing to prove but that every app answers.
async fn probe_without_counters(topology: &Topology, paths: &BTreeSet<&str>) -> Result<ProvenPath, LabError> {
    for (web, port) in topology.generator().into_iter().flat_map(|generator| topology.peers_of(generator)) {
        if let Some(refusal) = probe_app(web, port, paths).await? {
            return Err(LabError::DataPath(refusal));
        }
    }
    Ok(ProvenPath { start: BTreeMap::new(), proof: DataPathProof::default() })
}

/// Sends an app its probes until every one of a round is answered, and proves the way of that round.
async fn prove_app(
    topology: &Topology,
    counters: &Counters,
    web: &Workload,
    port: u16,
    paths: &BTreeSet<&str>,
) -> Result<(), LabError> {
    let mut involved: Vec<_> = topology.generator().into_iter().collect();
    involved.push(web);
    involved.extend(topology.peers_of(web).map(|(peer, _)| peer));
    let mut attempt = 1;
    loop {
        let start = read_counts(&involved, counters).await?;
        match probe_app(web, port, paths).await? {
            Some(refusal) if attempt == PROBE_ATTEMPTS => return Err(LabError::DataPath(refusal)),
            Some(_) => attempt += 1,
            None => {
                let end = read_counts(&involved, counters).await?;
                return check_probes(topology, web, &moved(&start, &end), paths);
            }
        }
    }
}

impl ProvenPath {
    /// Proves after the run that `answered` requests crossed the sidecars, and so did the calls behind them.
    ///
    /// # Errors
    /// [`LabError::DataPath`] when a counter covers fewer.
    pub(super) async fn confirm(
        self,
        topology: &Topology,
        counters: Option<&Counters>,
        paths: &BTreeSet<&str>,
        answered: u64,
    ) -> Result<DataPathProof, LabError> {
        let Some(counters) = counters else { return Ok(self.proof) };
        let now = read_counts(&everyone(topology), counters).await.map_err(LabError::under_load)?;
        let moved = moved(&self.start, &now);
        let of_roles = |roles: &[Role], value: fn(&Counts) -> u64| -> u64 {
            let named = topology.workloads().iter().filter(|workload| roles.contains(&workload.role));
            named.filter_map(|workload| moved.get(&workload.name)).map(value).sum()
        };
        let outbound = |counts: &Counts| counts.outbound_requests;
        let inbound = |counts: &Counts| counts.inbound_requests;
        let mut hops = vec![
            ("the generator's sidecar", of_roles(&[Role::Generator], outbound)),
            ("the web sidecars inbound", of_roles(&[Role::Web], inbound)),
        ];
        // Each of these calls at least one other service before it is answered.
        if paths.iter().all(|path| path.starts_with(API_PREFIX)) {
            hops.push(("the web sidecars outbound", of_roles(&[Role::Web], outbound)));
            hops.push(("the emoji and voting sidecars", of_roles(&[Role::Emoji, Role::Voting], inbound)));
        }
        if let Some((hop, crossed)) = hops.iter().find(|(_, crossed)| *crossed < answered) {
            let why = format!("{answered} requests were answered but only {crossed} crossed {hop}");
            return Err(LabError::DataPath(why));
        }
        Ok(DataPathProof {
            outbound_requests: moved.values().map(outbound).sum(),
            inbound_requests: moved.values().map(inbound).sum(),
            ..self.proof
        })
    }
}

async fn prove_mutual_tls(topology: &Topology, identities: &ProbeIdentities) -> Result<u32, LabError> {
    let probe = MutualTlsProbe::new(&identities.peer, &identities.strangers)
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

/// Asks an app for every path; the first answer that is no success, in words.
async fn probe_app(web: &Workload, port: u16, paths: &BTreeSet<&str>) -> Result<Option<String>, LabError> {
    for path in paths {
        let (status, body) = http::get(port, path).await.map_err(|error| {
            let why = error_chain(&error);
            LabError::DataPath(format!("GET {path} of {} has no answer: {why}", web.name))
        })?;
        if !status.is_success() {
            let said = String::from_utf8_lossy(&body[..body.len().min(200)]).trim().to_owned();
            return Ok(Some(format!("GET {path} of {} is answered {status}: {said}", web.name)));
        }
    }
    Ok(None)
}

/// Proves that one probe of each path went out of the generator's sidecar into the
/// app's, and what the app asked of others out of its sidecar into theirs.
fn check_probes(
    topology: &Topology,
    web: &Workload,
    moved: &BTreeMap<String, Counts>,
    paths: &BTreeSet<&str>,
) -> Result<(), LabError> {
    let of = |workload: &Workload| moved.get(&workload.name).copied().unwrap_or_default();
    let expect = |workload: &Workload, side: &str, found: u64, expected: u64| {
        if found == expected {
            return Ok(());
        }
        let hint = match found {
            0 => {
                format!(" (does `counters.{side}_requests` of the mesh.yaml name a series the sidecar has?)")
            }
            _ => String::new(),
        };
        Err(LabError::DataPath(format!(
            "{}'s sidecar counted {found} {side} requests where {expected} were sent{hint}",
            workload.name
        )))
    };
    let sent = u64::from(count(paths.iter()));
    if let Some(generator) = topology.generator() {
        expect(generator, "outbound", of(generator).outbound_requests, sent)?;
    }
    expect(web, "inbound", of(web).inbound_requests, sent)?;
    let arrived: u64 = topology.peers_of(web).map(|(peer, _)| of(peer).inbound_requests).sum();
    expect(web, "outbound", of(web).outbound_requests, arrived)?;
    if arrived == 0 && paths.iter().any(|path| path.starts_with(API_PREFIX)) {
        return Err(LabError::DataPath(format!("no gRPC call of {} crossed its sidecar", web.name)));
    }
    Ok(())
}

/// Connections stay open from one attempt to the next, so `since` is from before the first.
fn check_handshakes(since: &BTreeMap<String, Counts>) -> Result<(), LabError> {
    match since.iter().find(|(_, counts)| counts.inbound_requests > 0 && counts.inbound_handshakes == 0) {
        None => Ok(()),
        Some((workload, _)) => Err(LabError::DataPath(format!(
            "{workload}'s sidecar took requests from peers and counted no TLS handshake for them"
        ))),
    }
}

fn everyone(topology: &Topology) -> Vec<&Workload> {
    topology.workloads().iter().collect()
}

/// The counters of these workloads' sidecars.
async fn read_counts(
    workloads: &[&Workload],
    counters: &Counters,
) -> Result<BTreeMap<String, Counts>, LabError> {
    let mut all = BTreeMap::new();
    for workload in workloads {
        let Some(sidecar) = &workload.sidecar else { continue };
        let counts = read_sidecar(sidecar, counters).await.map_err(|why| {
            LabError::DataPath(format!("the counters of {}'s sidecar cannot be read: {why}", workload.name))
        })?;
        all.insert(workload.name.clone(), counts);
    }
    Ok(all)
}

async fn read_sidecar(sidecar: &SidecarPorts, counters: &Counters) -> Result<Counts, String> {
    let port = sidecar.named.get(&counters.port).map_or(0, ReservedPort::number);
    let (status, body) = http::get(port, &counters.path).await.map_err(|error| error_chain(&error))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::MeshDefinition;
    use rstest::rstest;
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::path::Path;

    const MESH: &str = "description: a mesh
version: 1
local:
  built_in: meshbench-sidecar
  processes:
    - name: sidecar
      group: data_plane
      per: workload
      ports: [admin]
      command: [proxy]
      ready: {port: admin, path: /ready}
      counters:
        port: admin
        path: /metrics
        inbound_requests: inbound
        outbound_requests: outbound
        inbound_tls_handshakes: handshakes
";

    /// Answers whoever asks at `port` with these counters, until the test ends.
    fn count_at(port: u16, inbound: u64, outbound: u64) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let body = format!("inbound {inbound}\noutbound {outbound}\nhandshakes 1\n");
        let answer =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 1024]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
    }

    /// What comes of 100 answers where these many requests were counted on each hop.
    async fn confirmed(load: u64, web_in: u64, web_out: u64, behind: u64, path: &str) -> Result<u64, String> {
        let mesh = MeshDefinition::parse("m".parse().unwrap(), Path::new("m"), "m.yaml", MESH).unwrap();
        let sidecar = mesh.local.as_ref().unwrap().sidecar().unwrap();
        let topology = Topology::new(1, Some(sidecar)).unwrap();
        for (workload, ports) in topology.sidecars() {
            let (inbound, outbound) = match workload.role {
                Role::Generator => (0, load),
                Role::Web => (web_in, web_out),
                Role::Emoji => (behind, 0),
                Role::Voting => (0, 0),
            };
            count_at(ports.named["admin"].number(), inbound, outbound);
        }
        let proven = ProvenPath { start: BTreeMap::new(), proof: DataPathProof::default() };
        let confirmed =
            proven.confirm(&topology, sidecar.counters.as_ref(), &BTreeSet::from([path]), 100).await;
        confirmed.map(|proof| proof.inbound_requests).map_err(|error| error.to_string())
    }

    #[rstest]
    #[case::all(100, 100, 120, 120, "/api/list", Ok(220))]
    #[case::past_the_first_sidecar(99, 100, 100, 100, "/api/list", Err("99 crossed the generator's sidecar"))]
    #[case::past_the_second(100, 40, 100, 100, "/api/list", Err("40 crossed the web sidecars inbound"))]
    #[case::calls_past_the_third(100, 100, 7, 100, "/api/list", Err("7 crossed the web sidecars outbound"))]
    #[case::calls_past_the_last(
        100,
        100,
        100,
        0,
        "/api/list",
        Err("0 crossed the emoji and voting sidecars")
    )]
    #[case::a_page_calls_nobody(100, 100, 0, 0, "/", Ok(100))]
    #[tokio::test]
    async fn every_hop_must_cover_what_was_answered(
        #[case] load: u64,
        #[case] web_in: u64,
        #[case] web_out: u64,
        #[case] behind: u64,
        #[case] path: &str,
        #[case] expected: Result<u64, &str>,
    ) {
        match (confirmed(load, web_in, web_out, behind, path).await, expected) {
            (Ok(inbound), Ok(expected)) => assert_eq!(inbound, expected),
            (Err(why), Err(expected)) => {
                assert!(
                    why.contains("100 requests were answered but only") && why.ends_with(expected),
                    "{why}"
                );
            }
            (came, expected) => panic!("{came:?} is not {expected:?}"),
        }
    }
}
