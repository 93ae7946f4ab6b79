//! The Grafana dashboard asks for nothing that is not exported.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use meshbench_core::metric::Metric;
use meshbench_core::report::{CaseReport, MetricReport};
use meshbench_report::open_metrics;
use serde_json::Value;

use crate::exposition::samples;
use crate::extremes;
use crate::fabricated::{MESH, case, metric_report};

/// What Prometheus adds when it scrapes.
const OF_THE_SCRAPE: [&str; 2] = ["instance", "job"];

/// The values that each label of each metric has in a full report.
type Exported = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn exported() -> Exported {
    let mut exported = Exported::new();
    let mut report = extremes::every_verdict();
    let placed = |group| CaseReport { cluster: Some("east".to_owned()), ..case(group, "envoy", MESH) };
    report.cases.push(placed("placed::500rps::10s::same_node@east"));
    report.cases.push(CaseReport {
        metrics: vec![MetricReport { over_bare: None, ..metric_report(Metric::Limit, "envoy", MESH) }],
        ..placed("carried::limit::10s::same_node@east")
    });
    for sample in samples(&open_metrics::render(&report).unwrap()) {
        let labels = exported.entry(sample.name).or_default();
        for (label, value) in sample.labels {
            labels.entry(label).or_default().insert(value);
        }
    }
    exported
}

fn dashboard() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/grafana/meshbench.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A metric with the matchers behind it: label, operator and value.
#[derive(Debug, PartialEq)]
struct Asked {
    metric: String,
    matchers: Vec<(String, String, String)>,
}

/// Every metric that a query names.
fn asked(query: &str) -> Vec<Asked> {
    let mut asked = Vec::new();
    let mut rest = query;
    while let Some(start) = rest.find("meshbench_") {
        rest = &rest[start..];
        let ends = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let (metric, after) = rest.split_at(ends.unwrap_or(rest.len()));
        let inside =
            after.strip_prefix('{').map(|inside| inside.split_once('}').unwrap().0).unwrap_or_default();
        let matchers = inside.split(',').filter(|matcher| !matcher.is_empty()).map(matcher).collect();
        asked.push(Asked { metric: metric.to_owned(), matchers });
        rest = after;
    }
    asked
}

fn matcher(text: &str) -> (String, String, String) {
    let start = text.find(['=', '!']).unwrap_or_else(|| panic!("no matcher: {text:?}"));
    let quote = text.find('"').unwrap_or_else(|| panic!("no value: {text:?}"));
    let (label, operator) = (&text[..start], &text[start..quote]);
    (label.to_owned(), operator.to_owned(), text[quote..].trim_matches('"').to_owned())
}

/// What is wrong with a query, by what is exported.
fn problems(query: &str, exported: &Exported) -> Vec<String> {
    let of = |Asked { metric, matchers }: Asked| {
        let Some(labels) = exported.get(&metric) else { return vec![format!("{metric} is not exported")] };
        let wrong = |(label, operator, value): &(String, String, String)| {
            if OF_THE_SCRAPE.contains(&label.as_str()) {
                return None;
            }
            let Some(values) = labels.get(label) else {
                return Some(format!("{metric} has no label {label}"));
            };
            let is_known =
                operator != "=" && operator != "!=" || value.starts_with('$') || values.contains(value);
            (!is_known).then(|| format!("no {metric} has {label} {value}"))
        };
        matchers.iter().filter_map(wrong).collect()
    };
    asked(query).into_iter().flat_map(of).collect()
}

/// Every text under `key`, wherever it stands.
fn texts<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == key {
                    found.extend(field.as_str());
                }
                texts(field, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, key, found)),
        _ => {}
    }
}

#[test]
fn every_query_asks_for_what_is_exported() {
    let (dashboard, exported) = (dashboard(), exported());
    let mut queries = Vec::new();
    for key in ["expr", "query", "definition"] {
        texts(&dashboard, key, &mut queries);
    }
    let queries: Vec<_> = queries.into_iter().filter(|query| query.contains("meshbench_")).collect();
    assert!(queries.len() > 15, "{queries:?}");
    let problems: Vec<_> = queries.iter().flat_map(|query| problems(query, &exported)).collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn labels_in_legends_groupings_and_variables_are_exported() {
    let (dashboard, exported) = (dashboard(), exported());
    let mut checked = 0;
    let mut check = |query: &str, label: &str| {
        let has = |Asked { metric, .. }: &Asked| {
            exported.get(metric).is_some_and(|labels| labels.contains_key(label))
        };
        let is_known = OF_THE_SCRAPE.contains(&label) || asked(query).iter().all(has);
        assert!(is_known, "{query} has no label {label}");
        checked += 1;
    };
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let legend = target["legendFormat"].as_str().unwrap_or_default();
            legend.split("{{").skip(1).for_each(|part| check(query, part.split_once("}}").unwrap().0));
            let by = query.split("by (").skip(1).map(|part| part.split_once(')').unwrap().0);
            by.flat_map(|labels| labels.split(", ")).for_each(|label| check(query, label));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let values =
            variable["query"]["query"].as_str().and_then(|query| query.strip_prefix("label_values("));
        if let Some((query, label)) = values.and_then(|values| values.strip_suffix(')')?.rsplit_once(", ")) {
            check(query, label);
        }
    }
    assert!(checked > 30, "only {checked} labels were checked");
}

#[test]
fn percentiles_to_choose_from_are_exported() {
    let (dashboard, exported) = (dashboard(), exported());
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let percentile = variables.iter().find(|variable| variable["name"] == "percentile").unwrap();
    for metric in ["meshbench_latency_seconds", "meshbench_latency_above_bare_seconds"] {
        for choice in percentile["query"].as_str().unwrap().split(',') {
            assert!(exported[metric]["percentile"].contains(choice), "{metric} has no percentile {choice}");
        }
    }
}

/// A dashboard that names somebody's own data source works nowhere else.
#[test]
fn the_data_source_is_a_variable() {
    let dashboard = dashboard();
    let mut sources = Vec::new();
    texts(&dashboard, "uid", &mut sources);
    sources.retain(|uid| *uid != dashboard["uid"].as_str().unwrap());
    assert!(sources.len() > dashboard["panels"].as_array().unwrap().len());
    assert!(sources.iter().all(|uid| *uid == "${datasource}"), "{sources:?}");
    let mut variables = Vec::new();
    texts(&dashboard["templating"], "name", &mut variables);
    let mut queries = Vec::new();
    texts(&dashboard, "expr", &mut queries);
    let used = queries
        .iter()
        .flat_map(|query| query.split("\"$").skip(1))
        .map(|rest| rest.split('"').next().unwrap());
    for variable in used.chain(["datasource"]) {
        assert!(variables.contains(&variable), "no variable {variable}");
    }
}

#[test]
fn a_query_for_what_is_not_exported_is_found() {
    let exported = exported();
    let wrong = [
        "meshbench_latency_milliseconds",
        "max(meshbench_latency_seconds{mesh=~\"$mesh\",quantile=\"0.99\"})",
        "meshbench_latency_seconds{percentile=\"95\"} - meshbench_latency_mean_seconds",
    ];
    for query in wrong {
        assert_eq!(problems(query, &exported).len(), 1, "{query}");
    }
}
