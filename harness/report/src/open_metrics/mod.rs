//! [`render`]: `metrics.prom`, for Prometheus.
//!
//! The text is OpenMetrics 1.0 and Prometheus's older format at once, so that a scrape and `node_exporter`'s textfile
//! collector take the same file: nothing but gauges, no times of measurement, no exemplars.

mod campaign;
mod case;
mod gauge;
mod metric;

use std::fmt;

use meshbench_core::report::Report;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use gauge::Gauges;

/// What goes before each name.
const PREFIX: &str = "meshbench";

/// What the campaign measured, as gauges in base units: seconds, bytes and ratios.
///
/// The figures are those of `report.json`. What was not measured is left out rather than zero.
///
/// # Errors
///
/// When the encoder refuses a figure.
pub fn render(report: &Report) -> Result<String, fmt::Error> {
    let families = [campaign::gauges(report), case::gauges(report), metric::gauges(report)];
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Gauges(families.into_iter().flatten().collect())));
    let mut written = String::new();
    text::encode(&mut written, &registry)?;
    Ok(written)
}
