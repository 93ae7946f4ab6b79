//! Certificates: who the components are, to each other and to the API server.
//!
//! Names and groups are those of <https://kubernetes.io/docs/setup/best-practices/certificates/>.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType,
};

use crate::error::{Error, Result};

/// A certificate and its key, both as PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub private_key: String,
}

/// What a certificate says.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The user, to Kubernetes.
    pub name: &'a str,
    /// The user's group, if it has one.
    pub group: Option<&'a str>,
    /// Names and addresses it serves under; none for a client.
    pub serves: &'a [&'a str],
}

impl<'a> Subject<'a> {
    /// Somebody who serves nothing.
    #[must_use]
    pub fn client(name: &'a str, group: Option<&'a str>) -> Self {
        Self { name, group, serves: &[] }
    }
}

/// A certificate authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a fresh one.
    ///
    /// # Errors
    /// [`Error::Certificate`].
    pub fn new(name: &str) -> Result<Self> {
        let failed = |source| Error::Certificate { subject: name.to_owned(), source };
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().map_err(failed)?;
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, key).map_err(failed)? })
    }

    /// Its own certificate and key.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { certificate: self.issuer.pem(), private_key: self.issuer.key().serialize_pem() }
    }

    /// Issues a certificate.
    ///
    /// # Errors
    /// [`Error::Certificate`].
    pub fn issue(&self, subject: Subject<'_>) -> Result<Identity> {
        let failed = |source| Error::Certificate { subject: subject.name.to_owned(), source };
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, subject.name);
        if let Some(group) = subject.group {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        for &name in subject.serves {
            params.subject_alt_names.push(match name.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(Ia5String::try_from(name).map_err(failed)?),
            });
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?.pem();
        Ok(Identity { certificate, private_key: key.serialize_pem() })
    }
}

/// A key pair that signs and checks the tokens of service accounts: public, then private, as PEM.
///
/// # Errors
/// [`Error::Certificate`].
pub fn token_key() -> Result<(String, String)> {
    let failed = |source| Error::Certificate { subject: "service account tokens".to_owned(), source };
    let key = KeyPair::generate().map_err(failed)?;
    Ok((key.public_key_pem(), key.serialize_pem()))
}

/// Writes `<name>.crt` and `<name>.key`.
///
/// # Errors
/// [`Error::File`].
pub fn write(folder: &Path, name: &str, identity: &Identity) -> Result<()> {
    write_secret(&folder.join(format!("{name}.crt")), &identity.certificate)?;
    write_secret(&folder.join(format!("{name}.key")), &identity.private_key)
}

/// Writes a file that its owner alone may read.
///
/// # Errors
/// [`Error::File`].
pub fn write_secret(path: &Path, content: &str) -> Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .map_err(Error::file("write", path))
}
