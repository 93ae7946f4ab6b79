//! [`render`]: `report.json`. Its schema is [`meshbench_core::report::json_schema`].

use meshbench_core::report::Report;

/// The report as indented JSON, with a line break at its end.
///
/// # Errors
///
/// When a figure of the report is none that JSON has.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report).map(|json| json + "\n")
}
