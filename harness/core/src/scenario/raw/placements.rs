//! [`RawPlacements`]: where the services of an app run, one placement or several.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::written::Written;
use crate::scenario::kube::ServicePlacement;

/// A placement, or several with a case for each.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Placements")]
pub(in crate::scenario) enum RawPlacements {
    /// The only one: `same_node`.
    One(Written<ServicePlacement>),
    /// Several, as an axis of the matrix: `[same_node, across_nodes]`.
    Several(#[schemars(length(min = 1))] Vec<Written<ServicePlacement>>),
}

/// By hand, since serde says of an untagged enum only that no variant matches, and not where or why.
impl<'de> Deserialize<'de> for RawPlacements {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlacementsVisitor)
    }
}

struct PlacementsVisitor;

impl<'de> Visitor<'de> for PlacementsVisitor {
    type Value = RawPlacements;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a placement such as same_node, or a list such as [same_node, across_nodes]")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RawPlacements, E> {
        Ok(RawPlacements::One(Written::new(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<RawPlacements, A::Error> {
        let mut placements = Vec::new();
        while let Some(placement) = entries.next_element()? {
            placements.push(placement);
        }
        Ok(RawPlacements::Several(placements))
    }
}
