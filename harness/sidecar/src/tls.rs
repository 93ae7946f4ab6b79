//! [`TlsMaterial`]: the workload's certificate, key and authority, and the TLS set-ups made of them.

mod verify;

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::config::{Protocol, SidecarConfig};
use crate::error::SidecarError;
use crate::identity::SpiffeId;
pub(crate) use verify::handshake_failure;
use verify::{PeerVerifier, TrustDomainVerifier};

/// What a workload proves its identity with, and trusts.
#[derive(Debug)]
pub(crate) struct TlsMaterial {
    certificates: Vec<CertificateDer<'static>>,
    private_key: PrivateKeyDer<'static>,
    authority: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    identity: SpiffeId,
    files: Files,
}

/// Where the material came from, for errors that only show later.
#[derive(Debug)]
struct Files {
    private_key: Box<Path>,
    authority: Box<Path>,
}

impl TlsMaterial {
    /// Reads the files that a configuration names.
    pub(crate) fn load(config: &SidecarConfig) -> Result<Self, SidecarError> {
        let certificates = read_certificates("certificate", &config.certificate)?;
        config.identity.check(&certificates[0]).map_err(|source| SidecarError::ForeignCertificate {
            path: config.certificate.clone(),
            identity: config.identity.clone(),
            source,
        })?;
        Ok(Self {
            certificates,
            private_key: PrivateKeyDer::from_pem_file(&config.private_key)
                .map_err(|source| read_error("private key", &config.private_key, source))?,
            authority: Arc::new(read_authority(&config.authority)?),
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            identity: config.identity.clone(),
            files: Files {
                private_key: config.private_key.as_path().into(),
                authority: config.authority.as_path().into(),
            },
        })
    }

    /// For the inbound listener: any workload of the trust domain may connect, and nobody else.
    pub(crate) fn server(&self, protocol: Protocol) -> Result<Arc<ServerConfig>, SidecarError> {
        let verifier =
            TrustDomainVerifier::try_new(Arc::clone(&self.authority), &self.provider, self.identity.clone())
                .map_err(|reason| unusable("authority", &self.files.authority, &reason))?;
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|reason| self.unusable_key(&reason))?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(self.certificates.clone(), self.private_key.clone_key())
            .map_err(|reason| self.unusable_key(&reason))?;
        server.alpn_protocols = vec![protocol.alpn().to_vec()];
        // Connections persist; without resumption every one of them costs the same.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(Arc::new(server))
    }

    /// For connections to one peer, which must prove to be `peer`.
    pub(crate) fn client(
        &self,
        peer: &SpiffeId,
        protocol: Protocol,
    ) -> Result<Arc<ClientConfig>, SidecarError> {
        let verifier =
            PeerVerifier::new(Arc::clone(&self.authority), Arc::clone(&self.provider), peer.clone());
        let mut client = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|reason| self.unusable_key(&reason))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_auth_cert(self.certificates.clone(), self.private_key.clone_key())
            .map_err(|reason| self.unusable_key(&reason))?;
        client.alpn_protocols = vec![protocol.alpn().to_vec()];
        client.resumption = Resumption::disabled();
        Ok(Arc::new(client))
    }

    fn unusable_key(&self, reason: &rustls::Error) -> SidecarError {
        unusable("private key", &self.files.private_key, reason)
    }
}

fn read_certificates(role: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, SidecarError> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| read_error(role, path, source))?;
    if certificates.is_empty() {
        return Err(unusable(role, path, &"it holds no certificate"));
    }
    Ok(certificates)
}

fn read_authority(path: &Path) -> Result<RootCertStore, SidecarError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates("authority", path)? {
        roots.add(certificate).map_err(|reason| unusable("authority", path, &reason))?;
    }
    Ok(roots)
}

fn read_error(role: &'static str, path: &Path, source: rustls::pki_types::pem::Error) -> SidecarError {
    SidecarError::ReadPem { role, path: path.to_owned(), source }
}

fn unusable(role: &'static str, path: &Path, reason: &dyn Display) -> SidecarError {
    SidecarError::UnusablePem { role, path: path.to_owned(), reason: reason.to_string() }
}
