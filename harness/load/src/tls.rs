//! The client's side of TLS, read from files before the run: [`TlsClient`].

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use meshbench_core::load_plan::{ClientIdentity, Target, TlsSettings};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// Why a target cannot be spoken to over TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read, or is no PEM.
    #[error("cannot read {} (expected {expected} in PEM)", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
        /// What is wrong with it.
        #[source]
        source: pem::Error,
    },
    /// A PEM file without what is looked for.
    #[error("{} holds no {expected}: is it another file's content?", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
    /// Certificates or a key that cannot be used.
    #[error("cannot use {} (does the key belong to the certificate, and is each of a kind that TLS 1.2 or 1.3 knows?)", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// A name that no certificate can have.
    #[error(
        "`{name}` is no name that a server's certificate can have: give its host name or IP address as the server name"
    )]
    ServerName {
        /// The name.
        name: String,
    },
}

/// What every TLS connection to one target starts from.
#[derive(Debug, Clone)]
pub(crate) struct TlsClient {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    /// Whether the server must agree to the protocol that is offered.
    must_agree: bool,
}

impl TlsClient {
    /// Reads the files of `target`, if it is spoken to over TLS. `protocol` is offered by ALPN (RFC 7301).
    pub(crate) fn of(target: &Target, protocol: &[u8], must_agree: bool) -> Result<Option<Self>, TlsError> {
        let Some(settings) = &target.tls else { return Ok(None) };
        let mut config = configuration(settings)?;
        config.alpn_protocols = vec![protocol.to_vec()];
        // Every handshake costs the same, so that reconnecting is measured as what it is for a new client.
        config.resumption = Resumption::disabled();
        let host = target.address.rsplit_once(':').map_or(target.address.as_str(), |(host, _)| host);
        let name = settings.server_name.as_deref().unwrap_or(host.trim_matches(['[', ']'])).to_owned();
        let server_name = ServerName::try_from(name.clone()).map_err(|_| TlsError::ServerName { name })?;
        Ok(Some(Self { config: Arc::new(config), server_name, must_agree }))
    }

    /// A connection that has not said anything yet.
    pub(crate) fn connection(&self) -> io::Result<ClientConnection> {
        ClientConnection::new(Arc::clone(&self.config), self.server_name.clone()).map_err(io::Error::other)
    }

    /// Whether what the server chose is what was offered.
    pub(crate) fn check_agreement(&self, connection: &ClientConnection) -> io::Result<()> {
        let is_agreed = connection.alpn_protocol().is_some();
        if is_agreed || !self.must_agree {
            return Ok(());
        }
        Err(failure("the server did not agree to HTTP/2 by ALPN: does it speak HTTP/2 there?"))
    }
}

/// An error of the handshake that rustls has no word for.
pub(crate) fn failure(what: &str) -> io::Error {
    io::Error::other(rustls::Error::General(what.to_owned()))
}

/// Whether TLS itself failed, rather than the socket below it.
pub(crate) fn is_failure(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

fn configuration(settings: &TlsSettings) -> Result<ClientConfig, TlsError> {
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Unusable { path, source }
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&settings.ca_file)? {
        roots.add(certificate).map_err(unusable(&settings.ca_file))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable(&settings.ca_file))?
        .with_root_certificates(roots);
    let Some(ClientIdentity { certificate_file, key_file }) = &settings.client else {
        return Ok(builder.with_no_client_auth());
    };
    let expected = "private key";
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|source| match source {
        pem::Error::NoItemsFound => TlsError::Empty { path: key_file.clone(), expected },
        source => TlsError::File { path: key_file.clone(), expected, source },
    })?;
    builder.with_client_auth_cert(certificates(certificate_file)?, key).map_err(unusable(key_file))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let expected = "certificates";
    let unreadable = |source| TlsError::File { path: path.to_owned(), expected, source };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(TlsError::Empty { path: path.to_owned(), expected });
    }
    Ok(certificates)
}
