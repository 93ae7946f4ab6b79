//! Asking a sidecar's inbound port who it is and whom it lets in.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::identity::{Identity, IdentityFiles, Strangers};
use crate::mesh::Protocol;

/// How long a port may take to answer or refuse a probe.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// Probes inbound ports, as a peer with a certificate and as strangers.
pub(super) struct MutualTlsProbe {
    peer: TlsConnector,
    /// Each with what it lacks or has instead.
    strangers: Vec<(&'static str, TlsConnector)>,
}

/// What a client says first in HTTP/1.1.
const HTTP1_GREETING: &[u8] = b"GET / HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n";
/// What a client says first in HTTP/2: the preface and an empty SETTINGS frame (RFC 9113, section 3.4).
const HTTP2_GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
/// How a TLS server that is spoken to in plaintext begins its refusal (RFC 8446, section 5.1).
const TLS_ALERT: u8 = 0x15;

impl MutualTlsProbe {
    /// Probes with the identity in `files`, and as these strangers.
    ///
    /// # Errors
    /// When their PEM files cannot be read or are not fit for TLS.
    pub(super) fn new(files: &IdentityFiles, strangers: &Strangers) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(&files.authority).map_err(io::Error::other)?;
        roots.add(authority).map_err(io::Error::other)?;
        let builder = || {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            builder.map(|builder| builder.with_root_certificates(roots.clone())).map_err(io::Error::other)
        };
        let with_certificate = |files: &IdentityFiles| {
            let certificate = CertificateDer::from_pem_file(&files.certificate).map_err(io::Error::other)?;
            let private_key = PrivateKeyDer::from_pem_file(&files.private_key).map_err(io::Error::other)?;
            builder()?.with_client_auth_cert(vec![certificate], private_key).map_err(io::Error::other)
        };
        let connector = |mut config: ClientConfig| {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        let strangers = vec![
            ("without a client certificate", connector(builder()?.with_no_client_auth())),
            (
                "to a certificate of another authority",
                connector(with_certificate(&strangers.other_authority)?),
            ),
            (
                "to a certificate of another trust domain",
                connector(with_certificate(&strangers.other_domain)?),
            ),
        ];
        Ok(Self { peer: connector(with_certificate(files)?), strangers })
    }

    /// Whether `port` proves to be `identity` to a peer of the same authority.
    ///
    /// # Errors
    /// A sentence that says what it showed instead.
    pub(super) async fn proves_identity(&self, port: u16, identity: &Identity) -> Result<(), String> {
        let stream = limited(handshake(&self.peer, port, identity))
            .await
            .map_err(|error| format!("refuses a peer with a valid certificate: {error}"))?;
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        let ids = certificate.map(uri_names).unwrap_or_default();
        if ids.contains(&identity.spiffe_id) {
            return Ok(());
        }
        Err(format!("shows the identity {ids:?} instead of {}", identity.spiffe_id))
    }

    /// Whether `port` turns away plaintext, and every stranger in TLS.
    ///
    /// # Errors
    /// A sentence that says what was answered, or that nothing was shown.
    pub(crate) async fn is_enforced(
        &self,
        port: u16,
        identity: &Identity,
        protocol: Protocol,
    ) -> Result<(), String> {
        let greeting = match protocol {
            Protocol::Http1 => HTTP1_GREETING,
            Protocol::Http2 => HTTP2_GREETING,
        };
        let plaintext = limited(async { exchange(connect(port).await?, greeting).await }).await;
        let is_alert = |answer: &[u8]| answer.first() == Some(&TLS_ALERT);
        turned_away("in plaintext", plaintext, is_alert)?;
        for (what, stranger) in &self.strangers {
            let answer =
                limited(async { exchange(handshake(stranger, port, identity).await?, greeting).await }).await;
            turned_away(what, answer, |_| false)?;
        }
        Ok(())
    }
}

/// A closed connection or a TLS alert turns away; silence does not, for who is waited for longer may be let in.
fn turned_away(
    whom: &str,
    answer: io::Result<Vec<u8>>,
    is_refusal: impl Fn(&[u8]) -> bool,
) -> Result<(), String> {
    match answer {
        Ok(answer) if !answer.is_empty() && !is_refusal(&answer) => {
            Err(format!("answers {whom}: {}", first_line(&answer)))
        }
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            let limit = humantime::format_duration(PROBE_LIMIT);
            Err(format!("neither answers nor refuses {whom} within {limit}"))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn connect(port: u16) -> io::Result<TcpStream> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await
}

async fn handshake(
    connector: &TlsConnector,
    port: u16,
    identity: &Identity,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(identity.dns_name.clone()).map_err(io::Error::other)?;
    connector.connect(name, connect(port).await?).await
}

/// Sends a greeting and returns the first bytes that come back; nothing when it is closed.
async fn exchange<Stream>(mut stream: Stream, greeting: &[u8]) -> io::Result<Vec<u8>>
where
    Stream: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(greeting).await?;
    stream.flush().await?;
    let mut answer = vec![0; 512];
    let length = stream.read(&mut answer).await?;
    answer.truncate(length);
    Ok(answer)
}

async fn limited<T>(probe: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PROBE_LIMIT, probe).await.map_err(io::Error::from)?
}

fn uri_names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, parsed)) = x509_parser::certificate::X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let names = parsed.subject_alternative_name().ok().flatten().map(|names| &names.value.general_names);
    let uri = |name: &GeneralName<'_>| match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    };
    names.into_iter().flatten().filter_map(uri).collect()
}

fn first_line(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    format!("{:?}", text.lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Authority;
    use rustls::ServerConfig;
    use rustls::server::WebPkiClientVerifier;
    use rustls::server::danger::ClientCertVerifier;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    /// Whom a sidecar lets in.
    #[derive(Clone, Copy)]
    enum Door {
        Peers,
        AnyoneOfTheAuthority,
        AnyoneWithTls,
        Anyone,
        Nobody,
    }

    /// A sidecar with one identity, the identity it should have, and a probe of the same authority.
    struct Scene {
        probe: MutualTlsProbe,
        sidecar: Identity,
        port: u16,
        _folder: tempfile::TempDir,
    }

    async fn scene(door: Door) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new().unwrap();
        let issue = |identity: &Identity, name: &str| {
            let place = folder.path().join(name);
            std::fs::create_dir(&place).unwrap();
            authority.issue(identity, &place).unwrap()
        };
        let sidecar = Identity::new("app-0", "web", "web-0");
        let files = issue(&sidecar, "web-0");
        let load = Identity::new("load", "load", "load");
        let strangers = authority.strangers(&load, folder.path()).unwrap();
        let probe = MutualTlsProbe::new(&issue(&load, "load"), &strangers).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(server(&files, door)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match door {
                        Door::Anyone => answer(stream).await,
                        Door::Nobody => std::future::pending().await,
                        Door::Peers => answer_peers(acceptor.accept(stream).await?).await,
                        Door::AnyoneOfTheAuthority | Door::AnyoneWithTls => {
                            answer(acceptor.accept(stream).await?).await
                        }
                    }
                });
            }
        });
        Scene { probe, sidecar, port, _folder: folder }
    }

    fn server(files: &IdentityFiles, door: Door) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&files.authority).unwrap()).unwrap();
        let verifier: Arc<dyn ClientCertVerifier> = match door {
            Door::Peers | Door::AnyoneOfTheAuthority => {
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                    .build()
                    .unwrap()
            }
            Door::AnyoneWithTls | Door::Anyone | Door::Nobody => WebPkiClientVerifier::no_client_auth(),
        };
        let certificate = CertificateDer::from_pem_file(&files.certificate).unwrap();
        let private_key = PrivateKeyDer::from_pem_file(&files.private_key).unwrap();
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.unwrap().with_client_cert_verifier(verifier);
        let mut config = builder.with_single_cert(vec![certificate], private_key).unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config
    }

    /// As a sidecar that looks at the names in its peers' certificates.
    async fn answer_peers(stream: tokio_rustls::server::TlsStream<TcpStream>) -> io::Result<()> {
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).cloned();
        let names = certificate.map(|certificate| uri_names(&certificate)).unwrap_or_default();
        let is_of_the_domain = names.iter().any(|name| name.starts_with("spiffe://meshbench.local/"));
        if is_of_the_domain { answer(stream).await } else { Ok(()) }
    }

    async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let mut request = [0; 512];
        if stream.read(&mut request).await? > 0 {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
            stream.flush().await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_sidecar_that_insists_on_peers_is_proven() {
        let Scene { probe, sidecar, port, .. } = &scene(Door::Peers).await;
        assert_eq!(probe.proves_identity(*port, sidecar).await, Ok(()));
        assert_eq!(probe.is_enforced(*port, sidecar, Protocol::Http1).await, Ok(()));
        assert_eq!(probe.is_enforced(*port, sidecar, Protocol::Http2).await, Ok(()));
    }

    #[tokio::test]
    async fn a_sidecar_that_lets_strangers_in_is_refused() {
        let Scene { probe, sidecar, port, .. } = &scene(Door::AnyoneWithTls).await;
        assert_eq!(probe.proves_identity(*port, sidecar).await, Ok(()));
        let why = probe.is_enforced(*port, sidecar, Protocol::Http1).await.unwrap_err();
        assert_eq!(why, "answers without a client certificate: \"HTTP/1.1 200 OK\"");
    }

    #[tokio::test]
    async fn a_sidecar_that_does_not_look_at_names_is_refused() {
        let Scene { probe, sidecar, port, .. } = &scene(Door::AnyoneOfTheAuthority).await;
        let why = probe.is_enforced(*port, sidecar, Protocol::Http1).await.unwrap_err();
        assert_eq!(why, "answers to a certificate of another trust domain: \"HTTP/1.1 200 OK\"");
    }

    #[tokio::test]
    async fn silence_is_no_refusal() {
        let Scene { probe, sidecar, port, .. } = &scene(Door::Nobody).await;
        let why = probe.is_enforced(*port, sidecar, Protocol::Http1).await.unwrap_err();
        assert_eq!(why, "neither answers nor refuses in plaintext within 5s");
    }

    #[tokio::test]
    async fn a_sidecar_without_tls_is_refused() {
        let Scene { probe, sidecar, port, .. } = &scene(Door::Anyone).await;
        let why = probe.proves_identity(*port, sidecar).await.unwrap_err();
        assert!(why.starts_with("refuses a peer with a valid certificate: "), "{why}");
        let why = probe.is_enforced(*port, sidecar, Protocol::Http1).await.unwrap_err();
        assert_eq!(why, "answers in plaintext: \"HTTP/1.1 200 OK\"");
    }

    #[tokio::test]
    async fn a_sidecar_with_another_identity_is_refused() {
        let Scene { probe, sidecar, port, .. } = &scene(Door::Peers).await;
        let expected =
            Identity { spiffe_id: "spiffe://meshbench.local/ns/app-1/sa/web".into(), ..sidecar.clone() };
        let why = probe.proves_identity(*port, &expected).await.unwrap_err();
        assert!(
            why.contains("shows the identity [\"spiffe://meshbench.local/ns/app-0/sa/web\"] instead of"),
            "{why}"
        );
    }
}
