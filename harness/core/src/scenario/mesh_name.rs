//! [`MeshName`]: which mesh, by the name of its folder, and in which version.

use std::fmt;
use std::str::FromStr;

use super::MeshVersion;
use crate::units::{Expectation, TextError};

const BARE: &str = "bare";
const EXPECTED: Expectation =
    Expectation { what: "lower-case letters, digits and dashes", examples: r#""envoy-tuned""# };

/// Stands between the name of a mesh's folder and a version.
const AT: char = '@';

/// A mesh, by the name of its folder under `scenarios/meshes/`, or `bare` for none; with a version behind it where a
/// campaign has several, as `istio-stock@1.31.0`.
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

    /// This mesh in another version than its folder's.
    #[must_use]
    pub fn at(&self, version: &MeshVersion) -> Self {
        Self(format!("{}{AT}{version}", self.folder()))
    }

    /// The name of its folder: what all its versions have in common.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.0.split_once(AT).map_or(&self.0, |(folder, _)| folder)
    }

    /// The version that is asked for; `None` for its folder's own.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.0.split_once(AT).map(|(_, version)| version)
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
        let (folder, version) =
            text.split_once(AT).map_or((text, None), |(folder, version)| (folder, Some(version)));
        if !is_plain_name(folder) {
            return Err(EXPECTED.refuse(text, "is not a mesh name"));
        }
        if let Some(version) = version {
            version.parse::<MeshVersion>()?;
        }
        Ok(Self(text.to_owned()))
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
    "^[a-z0-9]([a-z0-9-]*[a-z0-9])?(@[A-Za-z0-9][A-Za-z0-9.+_-]*)?$",
    "bare",
    "envoy-tuned"
);

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("istio-stock", "istio-stock", None)]
    #[case("istio-stock@1.31.0-rc.1", "istio-stock", Some("1.31.0-rc.1"))]
    fn a_name_is_a_folder_and_perhaps_a_version(
        #[case] text: &str,
        #[case] folder: &str,
        #[case] version: Option<&str>,
    ) {
        let name: MeshName = text.parse().unwrap();
        assert_eq!((name.folder(), name.version(), name.as_str()), (folder, version, text));
    }

    #[rstest]
    #[case("Istio")]
    #[case("istio@")]
    #[case("istio@../1")]
    #[case("@1.31.0")]
    fn what_cannot_be_part_of_file_names_is_refused(#[case] text: &str) {
        text.parse::<MeshName>().unwrap_err();
    }

    #[test]
    fn another_version_is_of_the_same_folder() {
        let (old, new) = ("1.30.2".parse().unwrap(), "1.31.0".parse().unwrap());
        let name: MeshName = "istio-stock".parse().unwrap();
        assert_eq!(name.at(&old).at(&new).to_string(), "istio-stock@1.31.0");
    }
}
