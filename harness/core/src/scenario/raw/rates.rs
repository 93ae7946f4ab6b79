//! [`RawRates`]: the rates of a matrix, one by one or as a sweep.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::json;

use super::whole_number::Count;
use super::written::Written;
use crate::units::OfferedRate;

/// Requests per second, over all apps together, as a list or as a sweep from one to another.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Rates", untagged)]
pub(in crate::scenario) enum RawRates {
    /// One by one: `[500rps, 2.5krps]`.
    List(#[schemars(length(min = 1))] Vec<Written<OfferedRate>>),
    /// From one to another.
    Sweep(RawSweep),
}

/// Rates from one to another, both included, in ascending order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sweep", extend("oneOf" = [json!({"required": ["step"]}), json!({"required": ["per_decade"]})]))]
pub(in crate::scenario) struct RawSweep {
    /// The lowest rate.
    pub(in crate::scenario) from: Written<OfferedRate>,
    /// The highest rate; it is measured too where no step leads to it.
    pub(in crate::scenario) to: Written<OfferedRate>,
    /// How far one rate is above the one before: `500rps`.
    #[serde(default)]
    pub(in crate::scenario) step: Option<Written<OfferedRate>>,
    /// How many rates there are to each factor of ten, rounded to two significant digits, or to three from 25 on.
    #[serde(default)]
    pub(in crate::scenario) per_decade: Option<Written<Count>>,
    /// Whether a mesh is not run any more above the first rate that it could not carry: its cases there end as not run.
    #[serde(default)]
    pub(in crate::scenario) stop_at_collapse: bool,
}

/// By hand, since serde says of an untagged enum only that no variant matches, and not where or why.
impl<'de> Deserialize<'de> for RawRates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RatesVisitor)
    }
}

struct RatesVisitor;

impl<'de> Visitor<'de> for RatesVisitor {
    type Value = RawRates;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list, or a mapping such as {from: 500rps, to: 5500rps, step: 500rps}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<RawRates, A::Error> {
        let mut rates = Vec::new();
        while let Some(rate) = entries.next_element()? {
            rates.push(rate);
        }
        Ok(RawRates::List(rates))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<RawRates, A::Error> {
        RawSweep::deserialize(MapAccessDeserializer::new(entries)).map(RawRates::Sweep)
    }
}
