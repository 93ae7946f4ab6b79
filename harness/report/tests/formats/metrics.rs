//! `metrics.prom`: the figures of `report.json`, whatever words of others stand beside them.

use std::collections::BTreeSet;

use meshbench_core::metric::Metric;
use meshbench_report::{json, open_metrics};
use serde_json::Value;

use crate::exposition::{Sample, samples};
use crate::published::every_report;
use crate::{extremes, fabricated};

#[test]
fn metrics_of_one_case() {
    let mut report = extremes::every_verdict();
    report.cases.retain(|case| case.mesh == "regressed");
    insta::assert_snapshot!("metrics_of_one_case", open_metrics::render(&report).unwrap());
}

/// A label with its value.
type Label = (&'static str, &'static str);

/// Where each metric of `report.json` is exported, with the label that tells it from others there, and what it is divided by.
const EXPORTED: [(Metric, &str, Option<Label>, f64); 20] = [
    (Metric::P50, "latency_over_runs_seconds", Some(("percentile", "50")), 1e9),
    (Metric::P75, "latency_over_runs_seconds", Some(("percentile", "75")), 1e9),
    (Metric::P90, "latency_over_runs_seconds", Some(("percentile", "90")), 1e9),
    (Metric::P99, "latency_over_runs_seconds", Some(("percentile", "99")), 1e9),
    (Metric::P99_9, "latency_over_runs_seconds", Some(("percentile", "99.9")), 1e9),
    (Metric::P99_99, "latency_over_runs_seconds", Some(("percentile", "99.99")), 1e9),
    (Metric::ErrorShare, "failed_requests_ratio", None, 1.0),
    (Metric::AchievedShare, "achieved_rate_ratio", None, 1.0),
    (Metric::CpuPerRequest, "cpu_per_request_seconds", Some(("component", "total")), 1e9),
    (Metric::ControlPlaneCpuPerRequest, "cpu_per_request_seconds", Some(("component", "control_plane")), 1e9),
    (
        Metric::ControlPlaneProxyCpuPerRequest,
        "cpu_per_request_seconds",
        Some(("component", "control_plane_proxy")),
        1e9,
    ),
    (Metric::DataPlaneCpuPerRequest, "cpu_per_request_seconds", Some(("component", "data_plane")), 1e9),
    (Metric::ApplicationCpuPerRequest, "cpu_per_request_seconds", Some(("component", "application")), 1e9),
    (Metric::NodeOverheadCpuPerRequest, "cpu_per_request_seconds", Some(("component", "node_overhead")), 1e9),
    (Metric::ControlPlaneMemory, "memory_bytes", Some(("component", "control_plane")), 1.0),
    (Metric::ControlPlaneProxyMemory, "memory_bytes", Some(("component", "control_plane_proxy")), 1.0),
    (Metric::DataPlaneMemory, "memory_bytes", Some(("component", "data_plane")), 1.0),
    (Metric::ApplicationMemory, "memory_bytes", Some(("component", "application")), 1.0),
    (Metric::NodeOverheadMemory, "memory_bytes", Some(("component", "node_overhead")), 1.0),
    (Metric::Limit, "limit_requests_per_second", None, 1.0),
];

/// The one sample with these labels.
fn value_of(samples: &[Sample], family: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let name = format!("meshbench_{family}");
    let mut found = samples.iter().filter(|sample| sample.has(&name, labels));
    let value = found.next().map(|sample| sample.value);
    assert!(found.next().is_none(), "{family}{labels:?} is there twice");
    value
}

#[test]
fn every_metric_has_the_values_of_report_json() {
    assert_eq!(EXPORTED.map(|(metric, ..)| metric), Metric::ALL);
    let report = extremes::every_verdict();
    let samples = samples(&open_metrics::render(&report).unwrap());
    let written: Value = serde_json::from_str(&json::render(&report).unwrap()).unwrap();
    let mut compared = 0;
    for case in written["cases"].as_array().unwrap() {
        let names: Vec<&str> = case["name"].as_str().unwrap().split("::").collect();
        let labels = [("scenario", names[0]), ("mesh", names[1]), ("rate", names[2]), ("duration", names[3])];
        for metric in case["metrics"].as_array().unwrap() {
            let (_, family, own, divisor) =
                EXPORTED.iter().find(|(known, ..)| metric["metric"] == known.name()).unwrap();
            let above_bare = family
                .rsplit_once('_')
                .map(|(what, unit)| format!("{}_above_bare_{unit}", what.trim_end_matches("_over_runs")));
            for (family, statistic, expected) in [
                (*family, "median", &metric["median"]),
                (*family, "min", &metric["min"]),
                (*family, "max", &metric["max"]),
                (*family, "low", &metric["median_bounds"]["low"]),
                (*family, "high", &metric["median_bounds"]["high"]),
                (above_bare.as_deref().unwrap(), "median", &metric["over_bare"]),
                (above_bare.as_deref().unwrap(), "low", &metric["over_bare_bounds"]["low"]),
            ] {
                if family == "achieved_rate_above_bare_ratio" {
                    continue;
                }
                let labels: Vec<_> =
                    labels.into_iter().chain(*own).chain([("statistic", statistic)]).collect();
                let expected = expected.as_f64().map(|value| value / divisor);
                assert_eq!(value_of(&samples, family, &labels), expected, "{family}{labels:?}");
                compared += usize::from(expected.is_some());
            }
        }
        let pooled = &case["pooled_latency_ns"];
        for (percentile, field) in
            [("0", "min"), ("50", "p50"), ("99", "p99"), ("99.99", "p99_99"), ("100", "max")]
        {
            let labels: Vec<_> = labels.into_iter().chain([("percentile", percentile)]).collect();
            let expected = pooled[field].as_f64().filter(|_| pooled["count"] != 0).map(|value| value / 1e9);
            assert_eq!(value_of(&samples, "latency_seconds", &labels), expected, "{labels:?}");
        }
    }
    assert!(compared > 1_000, "only {compared} values were compared");
}

#[test]
fn the_verdict_of_a_case_is_one_and_each_other_zero() {
    let report = extremes::every_verdict();
    let samples = samples(&open_metrics::render(&report).unwrap());
    let mut given = BTreeSet::new();
    for case in &report.cases {
        let rows =
            samples.iter().filter(|sample| sample.has("meshbench_case_verdict", &[("mesh", &case.mesh)]));
        let rows: Vec<_> = rows
            .filter(|sample| case.name.starts_with(&format!("{}::", sample.labels["scenario"])))
            .map(|sample| (sample.labels["verdict"].clone(), sample.value))
            .collect();
        let ones: Vec<_> =
            rows.iter().filter(|(_, value)| *value == 1.0).map(|(verdict, _)| verdict).collect();
        if case.selected {
            let named = serde_json::to_value(&case.verdict).unwrap()["verdict"].as_str().unwrap().to_owned();
            assert_eq!((rows.len(), ones), (10, vec![&named]), "{}", case.name);
            given.insert(named);
        } else {
            assert!(rows.is_empty(), "{} only ran as a control", case.name);
        }
    }
    assert_eq!(given.len(), 10, "{given:?}");
}

#[test]
fn what_was_left_out_or_not_measured_is_not_counted() {
    let report = extremes::every_verdict();
    let samples = samples(&open_metrics::render(&report).unwrap());
    let of = |mesh, family| value_of(&samples, family, &[("scenario", "upgrade"), ("mesh", mesh)]);
    assert_eq!(
        (of("pass", "case_runs"), of("pass", "requests"), of("pass", "failures")),
        (Some(1.0), Some(5_000.0), Some(10.0))
    );
    let haproxy = |family| value_of(&samples, family, &[("scenario", "quick"), ("mesh", "haproxy")]);
    assert_eq!(
        (haproxy("case_runs"), haproxy("requests"), haproxy("latency_mean_seconds")),
        (Some(0.0), None, None)
    );
}

#[test]
fn a_campaign_without_cases_says_when_it_began_and_that_none_passed() {
    let samples = samples(&open_metrics::render(&extremes::empty()).unwrap());
    let value = |family, labels: &[_]| value_of(&samples, family, labels);
    assert_eq!(value("campaign_start_timestamp_seconds", &[]), Some(1_772_359_200.0));
    assert_eq!(value("cases", &[("outcome", "passed")]), Some(0.0));
}

#[test]
fn a_start_that_is_no_time_is_left_out() {
    let mut report = fabricated::all_pass();
    report.started_at = "yesterday".to_owned();
    let samples = samples(&open_metrics::render(&report).unwrap());
    assert_eq!(value_of(&samples, "campaign_start_timestamp_seconds", &[]), None);
    assert!(value_of(&samples, "campaign_duration_seconds", &[]).is_some());
}

#[test]
fn hostile_words_stay_in_their_label() {
    let report = extremes::hostile_labels();
    let samples = samples(&open_metrics::render(&report).unwrap());
    for case in &report.cases {
        let of_it = |sample: &&Sample| sample.has("meshbench_case_info", &[("mesh", &case.mesh)]);
        assert!(samples.iter().any(|sample| of_it(&sample)), "no label {:?}", case.mesh);
    }
    let campaign = [("campaign", report.campaign.as_str()), ("kernel", fabricated::HOSTILE)];
    assert_eq!(value_of(&samples, "campaign_info", &campaign), Some(1.0));
}

/// Both text formats: the end is marked, and there is nothing but gauges, each family in one piece.
#[test]
fn every_report_keeps_both_text_formats() {
    for (name, report) in every_report() {
        let text = open_metrics::render(&report).unwrap();
        assert!(text.ends_with("\n# EOF\n"), "{name}");
        let mut families = BTreeSet::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let (family, kind) = line.split_once(' ').unwrap();
            assert!(families.insert(family.to_owned()), "{name}: {family} is there twice");
            assert_eq!(kind, "gauge", "{name}: {family}");
        }
        let mut identities = BTreeSet::new();
        for Sample { name: family, labels, value } in samples(&text) {
            assert!(families.contains(&family), "{name}: {family} has no type");
            assert!(value.is_finite(), "{name}: {family}{labels:?}");
            assert!(identities.insert((family, labels)), "{name}: a sample is there twice");
        }
    }
}
