//! [`RawBudgets`]: limits by metric, and `overrides` among them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entries::{Entries, FreshKeys};
use crate::metric::{Metric, Unit};
use crate::units::{Bytes, OfferedRate, Share, Span};

/// The one key of `budgets` that is no metric.
pub(in crate::scenario) const OVERRIDES: &str = "overrides";

/// Limits by metric for every mesh, and those that replace them for single meshes.
#[derive(Debug, Default)]
pub(in crate::scenario) struct RawBudgets {
    pub(in crate::scenario) every_mesh: Entries<RawLimits>,
    pub(in crate::scenario) overrides: Entries<Entries<RawLimits>>,
}

/// The limits on one metric. What they are written in depends on the metric.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping such as {at_most: 20ms}")]
pub(in crate::scenario) struct RawLimits {
    pub(in crate::scenario) at_most: Option<String>,
    pub(in crate::scenario) at_least: Option<String>,
    pub(in crate::scenario) over_bare: Option<String>,
    pub(in crate::scenario) of_bare: Option<String>,
}

impl RawLimits {
    /// Whether no limit is written at all.
    pub(in crate::scenario) const fn is_empty(&self) -> bool {
        self.at_most.is_none()
            && self.at_least.is_none()
            && self.over_bare.is_none()
            && self.of_bare.is_none()
    }
}

impl<'de> Deserialize<'de> for RawBudgets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BudgetsVisitor)
    }
}

struct BudgetsVisitor;

impl<'de> Visitor<'de> for BudgetsVisitor {
    type Value = RawBudgets;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a mapping of metrics to limits")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawBudgets, A::Error> {
        let mut keys = FreshKeys::default();
        let mut every_mesh = Vec::new();
        let mut overrides = Entries::default();
        while let Some(key) = map.next_key_seed(&mut keys)? {
            if key == OVERRIDES {
                overrides = map.next_value()?;
            } else {
                every_mesh.push((key, map.next_value()?));
            }
        }
        Ok(RawBudgets { every_mesh: every_mesh.into_iter().collect(), overrides })
    }
}

/// Only the default is ever written, into the JSON schema: no budgets.
impl Serialize for RawBudgets {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Map::new().serialize(serializer)
    }
}

impl JsonSchema for RawBudgets {
    fn schema_name() -> Cow<'static, str> {
        "Budgets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = limits_by_metric(generator);
        let for_one_mesh = json_schema!({
            "description": "Limits for one mesh; they replace all limits on the same metric above.",
            "type": "object",
            "properties": properties.clone(),
            "additionalProperties": false,
        });
        let overrides = json_schema!({
            "description": "Limits for single meshes, by name of the mesh.",
            "type": "object",
            "additionalProperties": for_one_mesh,
        });
        properties.insert(OVERRIDES.to_owned(), overrides.into());
        json_schema!({
            "description": "Limits by metric, for every mesh.",
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}

fn limits_by_metric(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut limits_on = |metric: Metric| {
        let quantity = match metric.unit() {
            Unit::Latency | Unit::CpuPerRequest => generator.subschema_for::<Span>(),
            Unit::Share => generator.subschema_for::<Share>(),
            Unit::Memory => generator.subschema_for::<Bytes>(),
            Unit::Rate => generator.subschema_for::<OfferedRate>(),
        };
        let mut limits = json_schema!({
            "description": metric.description(),
            "type": "object",
            "properties": { "at_most": quantity.clone(), "at_least": quantity },
            "additionalProperties": false,
            "minProperties": 1,
        });
        if metric.why_not_over_bare().is_none()
            && let Some(Value::Object(properties)) = limits.get_mut("properties")
        {
            properties.insert("over_bare".to_owned(), over_bare().into());
        }
        if metric == Metric::Limit
            && let Some(Value::Object(properties)) = limits.get_mut("properties")
        {
            properties.insert("of_bare".to_owned(), of_bare().into());
        }
        limits
    };
    Metric::ALL.map(|metric| (metric.name().to_owned(), limits_on(metric).into())).into_iter().collect()
}

fn of_bare() -> Schema {
    json_schema!({
        "description": "At least this part of the limit of `bare`, such as 0.6.",
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
    })
}

fn over_bare() -> Schema {
    json_schema!({
        "description": "Over `bare` in the same block: a difference such as +10ms, or a ratio such as x1.5.",
        "type": "string",
        "pattern": r"^\s*(\+|x|×)\s*[0-9]",
    })
}
