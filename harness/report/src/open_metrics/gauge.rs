//! [`Gauge`]: a metric family with its samples.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Names with their values.
pub(super) type Labels = Vec<(&'static str, String)>;

/// A metric family: what is measured, and each sample of it.
#[derive(Debug)]
pub(super) struct Gauge {
    name: &'static str,
    unit: Option<Unit>,
    help: &'static str,
    samples: BTreeMap<Labels, f64>,
}

impl Gauge {
    /// A number without a unit.
    pub(super) fn count(name: &'static str, help: &'static str) -> Self {
        Self { name, unit: None, help, samples: BTreeMap::new() }
    }

    /// Seconds.
    pub(super) fn seconds(name: &'static str, help: &'static str) -> Self {
        Self { unit: Some(Unit::Seconds), ..Self::count(name, help) }
    }

    /// Bytes.
    pub(super) fn bytes(name: &'static str, help: &'static str) -> Self {
        Self { unit: Some(Unit::Bytes), ..Self::count(name, help) }
    }

    /// A share of one, or how many times another value.
    pub(super) fn ratio(name: &'static str, help: &'static str) -> Self {
        Self { unit: Some(Unit::Other("ratio".to_owned())), ..Self::count(name, help) }
    }

    /// The same with these samples. A figure that is no number was not measured.
    pub(super) fn with(mut self, samples: impl IntoIterator<Item = (Labels, f64)>) -> Self {
        self.samples.extend(samples.into_iter().filter(|(_, value)| value.is_finite()));
        self
    }
}

/// Every family of a report, for the encoder.
#[derive(Debug)]
pub(super) struct Gauges(pub(super) Vec<Gauge>);

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for Gauge { name, unit, help, samples } in self.0.iter().filter(|gauge| !gauge.samples.is_empty()) {
            let mut family = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            for (labels, value) in samples {
                ConstGauge::new(*value).encode(family.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}
