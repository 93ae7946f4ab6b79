//! [`SidecarConfig`]: the JSON document a sidecar is started with.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::SidecarError;
use crate::identity::SpiffeId;
use crate::injection::Injections;

/// Everything one sidecar needs to know.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SidecarConfig {
    /// Who this sidecar's workload is; peers must be of the same trust domain.
    pub identity: SpiffeId,
    /// PEM file with the workload's certificate, then any intermediates.
    pub certificate: PathBuf,
    /// PEM file with the key of `certificate`.
    pub private_key: PathBuf,
    /// PEM file with the certificates of the authority every peer must chain to.
    pub authority: PathBuf,
    /// Where everything listens and connects.
    #[serde(default = "loopback")]
    pub address: IpAddr,
    /// Port of `/ready`, `/metrics` and `/config`; 0 lets the kernel choose, here as for every port listened on.
    pub admin_port: u16,
    /// Traffic towards the application; absent for a sidecar that only sends, as the load generator's.
    pub inbound: Option<InboundConfig>,
    /// Traffic of the application towards its peers.
    pub outbound: Vec<OutboundConfig>,
    /// Delay, CPU and errors added on purpose.
    pub injections: Option<Injections>,
}

/// The listener that peers reach in mutual TLS, forwarding to the application.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InboundConfig {
    /// Port that accepts mutual TLS.
    pub port: u16,
    /// Port on which the application listens in plaintext.
    pub application_port: u16,
    /// What both sides speak.
    pub protocol: Protocol,
}

/// A listener that the application reaches in plaintext, forwarding to one peer's sidecar.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OutboundConfig {
    /// Names the peer in counters and errors.
    pub name: String,
    /// Port that accepts the application's plaintext.
    pub port: u16,
    /// Inbound port of the peer's sidecar.
    pub peer_port: u16,
    /// The only identity accepted from that peer.
    pub peer_identity: SpiffeId,
    /// What both sides speak.
    pub protocol: Protocol,
}

/// What is spoken on both sides of a listener; a sidecar never translates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1 on kept-alive connections.
    Http1,
    /// HTTP/2, with prior knowledge where it is plaintext.
    Http2,
}

impl SidecarConfig {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// When the file cannot be read, is not JSON, or a field is missing, unknown or wrong.
    pub fn read(path: &Path) -> Result<Self, SidecarError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SidecarError::ReadConfig { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, SidecarError> {
        let mut document = serde_json::Deserializer::from_str(text);
        let config: Self =
            serde_path_to_error::deserialize(&mut document).map_err(|error| SidecarError::ParseConfig {
                path: path.to_owned(),
                field: error.path().to_string(),
                source: error.into_inner(),
            })?;
        config.check_peer_names(path)?;
        Ok(config)
    }

    fn check_peer_names(&self, path: &Path) -> Result<(), SidecarError> {
        let mut seen = HashSet::new();
        match self.outbound.iter().find(|peer| !seen.insert(&peer.name)) {
            None => Ok(()),
            Some(peer) => Err(SidecarError::DuplicatePeer { path: path.to_owned(), name: peer.name.clone() }),
        }
    }
}

impl Protocol {
    /// The protocol's name in TLS application-layer protocol negotiation.
    pub(crate) fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

fn loopback() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::chain;
    use rstest::rstest;

    const COMPLETE: &str = r#"{
  "identity": "spiffe://meshbench.local/ns/app-0/sa/web",
  "certificate": "cert.pem", "private_key": "key.pem", "authority": "ca.pem",
  "admin_port": 4000,
  "inbound": {"port": 4001, "application_port": 4002, "protocol": "http1"},
  "outbound": [{"name": "emoji-0", "port": 4003, "peer_port": 4004,
    "peer_identity": "spiffe://meshbench.local/ns/app-0/sa/emoji", "protocol": "http2"}],
  "injections": {"inbound": {"delay": {"fixed": "5ms"}, "cpu_burn": "20us", "error_share": 0.1},
    "outbound": {"delay": {"share": {"of_requests": 0.02, "delay": "1ms"}}}, "seed": 1}
}"#;

    fn parse(text: &str) -> Result<SidecarConfig, SidecarError> {
        SidecarConfig::parse(text, Path::new("sidecar.json"))
    }

    #[test]
    fn a_complete_document_survives_a_round_trip() {
        let config = parse(COMPLETE).unwrap();
        assert_eq!(config.address, loopback());
        let rendered = serde_json::to_string(&config).unwrap();
        let again = serde_json::to_string(&parse(&rendered).unwrap()).unwrap();
        assert_eq!(rendered, again);
    }

    #[test]
    fn a_sidecar_without_application_or_injections_is_fine() {
        let start = COMPLETE.find("\"injections\"").unwrap();
        let text = COMPLETE[..start].trim_end().trim_end_matches(',').to_owned() + "}";
        let text = text.replace(r#"{"port": 4001, "application_port": 4002, "protocol": "http1"}"#, "null");
        let config = parse(&text).unwrap();
        assert!(config.inbound.is_none() && config.injections.is_none());
    }

    #[rstest]
    #[case::unknown_field(
        "\"admin_port\"", "\"admin\"",
        r#"field `admin`: unknown field `admin`, expected one of `identity`, `certificate`, `private_key`, `authority`, `address`, `admin_port`, `inbound`, `outbound`, `injections` at line 4 column 9"#
    )]
    #[case::wrong_type(
        "4004",
        "\"4004\"",
        r#"field `outbound[0].peer_port`: invalid type: string "4004", expected u16 at line 6 column 68"#
    )]
    #[case::out_of_range(
        "4001",
        "70000",
        r#"field `inbound.port`: invalid value: integer `70000`, expected u16 at line 5 column 27"#
    )]
    #[case::unknown_protocol(
        "http2", "http3",
        r#"field `outbound[0].protocol`: unknown variant `http3`, expected `http1` or `http2` at line 7 column 86"#
    )]
    #[case::bad_identity(
        "spiffe://meshbench.local/ns/app-0/sa/emoji", "emoji",
        r#"field `outbound[0].peer_identity`: expected an identity such as "spiffe://meshbench.local/ns/app-0/sa/web", found "emoji" at line 7 column 28"#
    )]
    #[case::bad_duration(
        "\"5ms\"", "\"5\"",
        r#"field `injections.inbound.delay.fixed`: expected a duration such as "5ms" or "20us", found "5": time unit needed, for example 5sec or 5ms at line 8 column 52"#
    )]
    #[case::share_above_one(
        "0.1", "1.5",
        r#"field `injections.inbound.error_share`: expected a share between 0 and 1, such as 0.02, found 1.5 at line 8 column 95"#
    )]
    #[case::unknown_distribution(
        "\"fixed\"", "\"normal\"",
        r#"field `injections.inbound.delay`: unknown variant `normal`, expected one of `fixed`, `uniform`, `exponential`, `share` at line 8 column 47"#
    )]
    #[case::reversed_bounds(
        r#"{"fixed": "5ms"}"#, r#"{"uniform": {"from": "3ms", "to": "1ms"}}"#,
        r#"field `injections.inbound.delay.uniform`: expected `from` to be at most `to`, found 3ms and 1ms at line 8 column 79"#
    )]
    fn an_error_names_file_line_and_field(#[case] find: &str, #[case] replace: &str, #[case] expected: &str) {
        let text = COMPLETE.replacen(find, replace, 1);
        assert_ne!(text, COMPLETE, "the case must change the document");
        let error = parse(&text).unwrap_err();
        assert_eq!(chain(&error), format!("sidecar.json: {expected}"));
    }

    #[test]
    fn one_name_for_two_peers_is_refused() {
        let peer = COMPLETE.find("[{").unwrap() + 1..COMPLETE.find("}]").unwrap() + 1;
        let text = COMPLETE.replacen(&COMPLETE[peer.clone()], &format!("{0},{0}", &COMPLETE[peer]), 1);
        let error = parse(&text).unwrap_err().to_string();
        assert_eq!(
            error,
            "sidecar.json: field `outbound`: the name \"emoji-0\" is given to more than one peer; make the names unique"
        );
    }
}
