//! An authority for tests, and servers with its certificates.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use meshbench_core::load_plan::{ClientIdentity, TlsSettings};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::{ScriptedServer, Then};

pub(crate) type TlsStream = StreamOwned<ServerConnection, TcpStream>;

/// A certificate authority whose files live as long as it does.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a certificate for `name` and its key.
    pub(crate) fn issue(&self, name: &str) -> ClientIdentity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let identity = ClientIdentity {
            certificate_file: self.file(&format!("{name}.pem")),
            key_file: self.file(&format!("{name}.key")),
        };
        std::fs::write(&identity.certificate_file, certificate.pem()).unwrap();
        std::fs::write(&identity.key_file, key.serialize_pem()).unwrap();
        identity
    }

    /// What a client needs that trusts this authority.
    pub(crate) fn settings(&self) -> TlsSettings {
        TlsSettings { ca_file: self.file("ca.pem"), client: None, server_name: None }
    }

    /// A server's configuration; it may insist on a certificate of this authority.
    pub(crate) fn server(&self, name: &str, asks_for_certificate: bool) -> ServerConfig {
        let identity = self.issue(name);
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks_for_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(self.file("ca.pem")).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let certificate = CertificateDer::from_pem_file(identity.certificate_file).unwrap();
        let key = PrivateKeyDer::from_pem_file(identity.key_file).unwrap();
        builder.with_single_cert(vec![certificate], key).unwrap()
    }
}

/// A server that speaks TLS and then does as `script` says.
pub(crate) fn start(
    config: ServerConfig,
    script: impl Fn(&mut TlsStream, &str) -> Then + Send + Sync + 'static,
) -> ScriptedServer {
    let config = Arc::new(config);
    let wrap = move |stream| StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
    ScriptedServer::start_on(wrap, script)
}
