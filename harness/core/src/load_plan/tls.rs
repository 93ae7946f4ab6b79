//! How a target is spoken to over TLS: [`TlsSettings`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Whom to trust, and who the generator says it is. Paths are as the generator sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// PEM file with the certificates of the authorities that may have signed the server's.
    pub ca_file: PathBuf,
    /// What the generator shows a server that asks for a certificate (mutual TLS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientIdentity>,
    /// The name that the server's certificate must have, where it is not the host of the target's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

/// A client certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientIdentity {
    /// PEM file with the certificate, its issuers behind it.
    pub certificate_file: PathBuf,
    /// PEM file with the certificate's private key.
    pub key_file: PathBuf,
}
