//! A certificate authority for one run, and an identity for each of its workloads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType,
};

/// The trust domain of all identities meshbench issues.
pub(crate) const TRUST_DOMAIN: &str = "meshbench.local";

/// Who a workload is: a SPIFFE ID (<https://spiffe.io/docs/latest/spiffe-specs/spiffe-id/>),
/// and a DNS name for proxies that cannot check one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// `spiffe://meshbench.local/ns/<namespace>/sa/<account>`.
    pub spiffe_id: String,
    /// `<workload>.meshbench.local`.
    pub dns_name: String,
}

impl Identity {
    /// The identity of `account` in `namespace`, as the workload `workload`.
    #[must_use]
    pub(crate) fn new(namespace: &str, account: &str, workload: &str) -> Self {
        Self {
            spiffe_id: format!("spiffe://{TRUST_DOMAIN}/ns/{namespace}/sa/{account}"),
            dns_name: format!("{workload}.{TRUST_DOMAIN}"),
        }
    }
}

/// Who has no business in this run, each with a certificate that a careless proxy would take.
#[derive(Debug, Clone)]
pub(crate) struct Strangers {
    /// A peer's name under an authority that is not this run's.
    pub other_authority: IdentityFiles,
    /// A name of another trust domain under this run's authority.
    pub other_domain: IdentityFiles,
}

/// PEM files of one workload's identity.
#[derive(Debug, Clone)]
pub(crate) struct IdentityFiles {
    /// Its certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub private_key: PathBuf,
    /// Both in one file, as HAProxy wants them.
    pub certificate_and_key: PathBuf,
    /// The authority's certificate.
    pub authority: PathBuf,
}

/// Why an identity could not be issued.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The key or certificate could not be made.
    #[error("cannot issue a certificate for {identity}")]
    Issue {
        /// The SPIFFE ID, or the authority.
        identity: String,
        /// What the certificate library said.
        source: rcgen::Error,
    },
    /// The PEM file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The file system's reason.
        source: io::Error,
    },
}

/// The authority of one run; its key never touches the disk.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a fresh authority.
    ///
    /// # Errors
    /// [`IdentityError::Issue`].
    pub(crate) fn new() -> Result<Self, IdentityError> {
        let failed =
            |source| IdentityError::Issue { identity: "the run's certificate authority".into(), source };
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name("meshbench run authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, key).map_err(failed)? })
    }

    /// Makes the strangers that probes pretend to be, with their files under `directory`.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub(crate) fn strangers(&self, peer: &Identity, directory: &Path) -> Result<Strangers, IdentityError> {
        let folder = |name: &str| {
            let path = directory.join(name);
            fs::create_dir_all(&path)
                .map_err(|source| IdentityError::Write { path: path.clone(), source })?;
            Ok::<_, IdentityError>(path)
        };
        let foreigner = Identity {
            spiffe_id: "spiffe://elsewhere.test/ns/load/sa/load".to_owned(),
            dns_name: "load.elsewhere.test".to_owned(),
        };
        Ok(Strangers {
            other_authority: Self::new()?.issue(peer, &folder("stranger-of-another-authority")?)?,
            other_domain: self.issue(&foreigner, &folder("stranger-of-another-domain")?)?,
        })
    }

    /// Issues a key and certificate for `identity` and writes them into `directory`.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub(crate) fn issue(
        &self,
        identity: &Identity,
        directory: &Path,
    ) -> Result<IdentityFiles, IdentityError> {
        let failed = |source| IdentityError::Issue { identity: identity.spiffe_id.clone(), source };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(&identity.dns_name);
        params.subject_alt_names = vec![
            SanType::URI(Ia5String::try_from(identity.spiffe_id.as_str()).map_err(failed)?),
            SanType::DnsName(Ia5String::try_from(identity.dns_name.as_str()).map_err(failed)?),
        ];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?.pem();
        let private_key = key.serialize_pem();
        Ok(IdentityFiles {
            certificate_and_key: write(
                directory,
                "identity.pem",
                &[&certificate, &private_key].map(String::as_str).concat(),
            )?,
            certificate: write(directory, "certificate.pem", &certificate)?,
            private_key: write(directory, "private-key.pem", &private_key)?,
            authority: write(directory, "authority.pem", &self.issuer.pem())?,
        })
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn write(directory: &Path, name: &str, text: &str) -> Result<PathBuf, IdentityError> {
    let path = directory.join(name);
    fs::write(&path, text).map_err(|source| IdentityError::Write { path: path.clone(), source })?;
    Ok(path)
}
