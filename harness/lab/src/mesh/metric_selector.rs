//! Picking one number out of a proxy's Prometheus text.

use std::collections::BTreeMap;
use std::str::FromStr;

use prometheus_parse::{Scrape, Value};
use serde::Deserialize;

/// A metric's name with labels, as `name{label="value"}`; it means the sum over
/// all series of that name that carry at least these labels. Of `PromQL`'s patterns it
/// knows the one for what begins alike: `name{label=~"inbound_.*"}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct MetricSelector {
    name: String,
    labels: BTreeMap<String, Wanted>,
}

/// What a label's value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Exactly(String),
    BeginningWith(String),
}

/// Text that is not a metric selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a metric selector; expected one such as requests_total{{direction=\"inbound\"}}")]
pub struct NotASelector {
    text: String,
}

impl FromStr for MetricSelector {
    type Err = NotASelector;

    fn from_str(text: &str) -> Result<Self, NotASelector> {
        let refuse = || NotASelector { text: text.to_owned() };
        let (name, labels) = match text.split_once('{') {
            None => (text, ""),
            Some((name, rest)) => (name, rest.strip_suffix('}').ok_or_else(refuse)?),
        };
        let is_name_character = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        if name.is_empty() || !name.chars().all(is_name_character) {
            return Err(refuse());
        }
        let labels = labels
            .split(',')
            .filter(|label| !label.trim().is_empty())
            .map(|label| {
                let (key, value) = label.split_once('=').ok_or_else(refuse)?;
                let (is_pattern, value) = match value.strip_prefix('~') {
                    Some(pattern) => (true, pattern),
                    None => (false, value),
                };
                let value = value.trim().strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                let wanted = Wanted::read(value.ok_or_else(refuse)?, is_pattern).ok_or_else(refuse)?;
                Ok((key.trim().to_owned(), wanted))
            })
            .collect::<Result<_, NotASelector>>()?;
        Ok(Self { name: name.to_owned(), labels })
    }
}

impl Wanted {
    fn read(value: &str, is_pattern: bool) -> Option<Self> {
        if !is_pattern {
            return Some(Self::Exactly(value.to_owned()));
        }
        let beginning = value.strip_suffix(".*")?;
        let is_literal = |c: char| c.is_ascii_alphanumeric() || "_-/:".contains(c);
        beginning.chars().all(is_literal).then(|| Self::BeginningWith(beginning.to_owned()))
    }

    fn is(&self, value: &str) -> bool {
        match self {
            Self::Exactly(wanted) => value == wanted,
            Self::BeginningWith(beginning) => value.starts_with(beginning),
        }
    }
}

impl TryFrom<String> for MetricSelector {
    type Error = NotASelector;

    fn try_from(text: String) -> Result<Self, NotASelector> {
        text.parse()
    }
}

impl MetricSelector {
    /// The sum of the matching series; `None` when not one matches. A counter
    /// that proxies create on first use is absent until then.
    #[must_use]
    pub fn sum(&self, scrape: &Scrape) -> Option<f64> {
        let matching = scrape.samples.iter().filter(|sample| {
            sample.metric == self.name
                && self
                    .labels
                    .iter()
                    .all(|(key, wanted)| sample.labels.get(key).is_some_and(|value| wanted.is(value)))
        });
        let values: Vec<f64> = matching
            .filter_map(|sample| match sample.value {
                Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => Some(value),
                Value::Histogram(_) | Value::Summary(_) => None,
            })
            .collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }
}

/// Reads a proxy's counters; lines that are not Prometheus text are an error.
///
/// # Errors
/// The parser's.
pub fn parse_scrape(text: &str) -> std::io::Result<Scrape> {
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const TEXT: &str = "\
# TYPE requests_total counter
requests_total{direction=\"inbound\",peer=\"web-0\"} 3
requests_total{direction=\"inbound\",peer=\"web-1\"} 4
requests_total{direction=\"outbound\",peer=\"web-1\"} 5
";

    #[rstest]
    #[case("requests_total{direction=\"inbound\"}", Some(7.0))]
    #[case("requests_total{direction=\"inbound\", peer=\"web-1\"}", Some(4.0))]
    #[case("requests_total{peer=~\"web-.*\"}", Some(12.0))]
    #[case("requests_total{direction=~\"in.*\", peer=\"web-1\"}", Some(4.0))]
    #[case("requests_total", Some(12.0))]
    #[case("requests_total{direction=\"sideways\"}", None)]
    #[case("other_total", None)]
    fn sums_matching_series(#[case] selector: &str, #[case] sum: Option<f64>) {
        let scrape = parse_scrape(TEXT).unwrap();
        assert_eq!(selector.parse::<MetricSelector>().unwrap().sum(&scrape), sum);
    }

    #[rstest]
    #[case("")]
    #[case("requests total")]
    #[case("requests_total{direction=inbound}")]
    #[case("requests_total{direction=~\"in.*bound\"}")]
    #[case("requests_total{direction=~\"inbound\"}")]
    #[case("requests_total{direction=\"inbound\"")]
    fn refuses_what_is_not_a_selector(#[case] text: &str) {
        let error = text.parse::<MetricSelector>().unwrap_err();
        assert!(error.to_string().contains("expected one such as requests_total"), "{error}");
    }
}
