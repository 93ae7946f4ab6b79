//! [`MeshName`]: which mesh, by the name of its folder.

use std::fmt;
use std::str::FromStr;

use crate::units::{Expectation, TextError};

const BARE: &str = "bare";
const EXPECTED: Expectation =
    Expectation { what: "lower-case letters, digits and dashes", examples: r#""envoy-tuned""# };

/// A mesh, by the name of its folder under `scenarios/meshes/`, or `bare` for none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeshName(String);

impl MeshName {
    /// The control: the same workload without any mesh.
    #[must_use]
    pub fn bare() -> Self {
        Self(BARE.to_owned())
    }

    /// Whether this is the control.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.0 == BARE
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text may be part of case names, file names and host names alike.
pub(super) fn is_plain_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(plain) && !text.starts_with('-') && !text.ends_with('-')
}

impl FromStr for MeshName {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        if is_plain_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(EXPECTED.refuse(text, "is not a mesh name"))
        }
    }
}

impl fmt::Display for MeshName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

crate::units::written_as_text!(
    MeshName,
    "MeshName",
    "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
    "bare",
    "envoy-tuned"
);
