//! [`MeshVersion`]: in which version a mesh is installed.

use std::fmt;
use std::str::FromStr;

use crate::units::{Expectation, TextError};

const EXPECTED: Expectation = Expectation {
    what: "a version of letters, digits, dots, dashes, underscores and plus signs",
    examples: r#""1.31.0""#,
};
/// In letters: more would not fit into the names of files.
const LONGEST: usize = 64;

/// A version of a mesh, as its charts and URLs have it; part of the names of cases and files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeshVersion(String);

impl MeshVersion {
    /// The version as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MeshVersion {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        if text.len() > LONGEST {
            return Err(EXPECTED.refuse(text, "is too long"));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+_-".contains(&byte);
        if text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(EXPECTED.refuse(text, "is not a version"))
        }
    }
}

impl fmt::Display for MeshVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

crate::units::written_as_text!(MeshVersion, "MeshVersion", "^[A-Za-z0-9][A-Za-z0-9.+_-]*$", "1.31.0");
