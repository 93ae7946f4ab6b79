//! [`SidecarError`]: why a sidecar could not start, written for whoever runs it.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::identity::{IdentityError, SpiffeId};

/// Why a sidecar could not start.
#[derive(Debug, thiserror::Error)]
pub enum SidecarError {
    /// The configuration file is missing or unreadable.
    #[error("cannot read the configuration {}", path.display())]
    ReadConfig {
        /// The configuration file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The configuration is not JSON, or a field of it is wrong.
    #[error("{}: field `{field}`", path.display())]
    ParseConfig {
        /// The configuration file.
        path: PathBuf,
        /// The path of the field within the document, such as `outbound[0].peer_port`.
        field: String,
        /// What was found and expected there, with line and column.
        source: serde_json::Error,
    },

    /// Two outbound peers carry one name, so their counters could not be told apart.
    #[error("{}: field `outbound`: the name {name:?} is given to more than one peer; make the names unique", path.display())]
    DuplicatePeer {
        /// The configuration file.
        path: PathBuf,
        /// The name used twice.
        name: String,
    },

    /// A certificate or key file could not be read as PEM.
    #[error("cannot read the {role} {} (hint: it must be a readable PEM file)", path.display())]
    ReadPem {
        /// Which file of the configuration it is.
        role: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::pki_types::pem::Error,
    },

    /// A PEM file holds nothing of the expected kind, or something TLS cannot use.
    #[error("the {role} {} cannot be used: {reason}", path.display())]
    UnusablePem {
        /// Which file of the configuration it is.
        role: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        reason: String,
    },

    /// The sidecar's own certificate does not carry the configured identity.
    #[error("the certificate {} is not for {identity} (hint: `certificate` and `identity` must belong together)", path.display())]
    ForeignCertificate {
        /// The certificate file.
        path: PathBuf,
        /// The identity the configuration names.
        identity: SpiffeId,
        /// What the certificate says instead.
        source: IdentityError,
    },

    /// A port is taken or may not be used.
    #[error("cannot listen on {address} for {listener} (hint: another process may hold port {})", address.port())]
    Listen {
        /// The listener, as an operator would call it.
        listener: String,
        /// Where it should listen.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },

    /// The operating system refused a runtime or a signal handler.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
}

/// An error and its causes in one line, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
