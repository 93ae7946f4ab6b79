//! [`SpiffeId`]: who a workload is, and how its certificate says so.

use std::fmt;

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use webpki::EndEntityCert;

const SCHEME: &str = "spiffe://";

/// A SPIFFE identity such as `spiffe://meshbench.local/ns/app-0/sa/web`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct SpiffeId {
    text: String,
    trust_domain_end: usize,
}

/// Why a text or a certificate is not the identity asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not of the form `spiffe://<trust domain>/<path>`.
    #[error("expected an identity such as \"spiffe://meshbench.local/ns/app-0/sa/web\", found {0:?}")]
    Malformed(String),

    /// The certificate is not X.509.
    #[error("the certificate cannot be parsed: {0}")]
    Unparsable(String),

    /// A workload certificate names exactly one URI; this one does not.
    #[error("expected exactly one URI name in the certificate, found {0}")]
    NotOneUri(usize),

    /// The certificate is another workload's.
    #[error("expected {expected}, but the certificate is for {found}")]
    OtherWorkload {
        /// The identity asked for.
        expected: SpiffeId,
        /// The identity found.
        found: SpiffeId,
    },

    /// The certificate is of another trust domain.
    #[error("expected a workload of the trust domain {expected}, but the certificate is for {found}")]
    OtherTrustDomain {
        /// The trust domain asked for.
        expected: String,
        /// The identity found.
        found: SpiffeId,
    },
}

impl SpiffeId {
    /// The part between `spiffe://` and the path.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        &self.text[SCHEME.len()..self.trust_domain_end]
    }

    /// The identity in a certificate, which must name exactly one.
    pub(crate) fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, IdentityError> {
        let parsed = EndEntityCert::try_from(certificate)
            .map_err(|source| IdentityError::Unparsable(source.to_string()))?;
        let mut names = parsed.valid_uri_names();
        match (names.next(), names.count()) {
            (Some(name), 0) => Self::try_from(name.to_owned()),
            (first, others) => Err(IdentityError::NotOneUri(usize::from(first.is_some()) + others)),
        }
    }

    /// Succeeds when the certificate is this very workload's.
    pub(crate) fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), IdentityError> {
        let found = Self::of_certificate(certificate)?;
        if found == *self {
            return Ok(());
        }
        Err(IdentityError::OtherWorkload { expected: self.clone(), found })
    }

    /// Succeeds when the certificate is of any workload in this one's trust domain.
    pub(crate) fn check_trust_domain(&self, certificate: &CertificateDer<'_>) -> Result<(), IdentityError> {
        let found = Self::of_certificate(certificate)?;
        if found.trust_domain() == self.trust_domain() {
            return Ok(());
        }
        Err(IdentityError::OtherTrustDomain { expected: self.trust_domain().to_owned(), found })
    }
}

impl TryFrom<String> for SpiffeId {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, IdentityError> {
        let trust_domain_end = text.strip_prefix(SCHEME).and_then(|rest| match rest.split_once('/') {
            Some((domain, path)) if !domain.is_empty() && !path.is_empty() => {
                Some(SCHEME.len() + domain.len())
            }
            _ => None,
        });
        match trust_domain_end {
            Some(trust_domain_end) => Ok(Self { text, trust_domain_end }),
            None => Err(IdentityError::Malformed(text)),
        }
    }
}

impl From<SpiffeId> for String {
    fn from(identity: SpiffeId) -> Self {
        identity.text
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_trust_domain_is_the_part_before_the_path() {
        let identity = SpiffeId::try_from("spiffe://meshbench.local/ns/app-0/sa/web".to_owned()).unwrap();
        assert_eq!(identity.trust_domain(), "meshbench.local");
        assert_eq!(identity.to_string(), "spiffe://meshbench.local/ns/app-0/sa/web");
    }

    #[rstest]
    #[case::another_scheme("https://meshbench.local/web")]
    #[case::no_path("spiffe://meshbench.local")]
    #[case::empty_path("spiffe://meshbench.local/")]
    #[case::no_trust_domain("spiffe:///web")]
    fn refuses_what_is_not_an_identity(#[case] text: &str) {
        assert_eq!(SpiffeId::try_from(text.to_owned()), Err(IdentityError::Malformed(text.to_owned())));
    }
}
