//! What is published beside the code: the schema of `report.json`; and every format as a file, for the parsers of others.

use std::fs;
use std::path::{Path, PathBuf};

use meshbench_core::judge::Gate;
use meshbench_core::report::{Report, json_schema};
use meshbench_report::{json, junit, markdown, open_metrics};

use crate::{extremes, fabricated, on_a_cluster, sweeps};

const HOW_TO_REFRESH: &str = "run `cargo run -- schema report > docs/report.schema.json`, or the tests once with \
                              UPDATE_SCHEMA=1 set, and commit the result";

fn schema_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/report.schema.json")
}

pub(crate) fn every_report() -> Vec<(&'static str, Report)> {
    vec![
        ("all-pass", fabricated::all_pass()),
        ("one-of-each", fabricated::one_of_each()),
        ("against-baselines", fabricated::against_baselines()),
        ("many-groups", fabricated::many_groups()),
        ("no-runs", fabricated::no_runs()),
        ("hostile", fabricated::hostile()),
        ("on-a-cluster", on_a_cluster::report()),
        ("every-verdict", extremes::every_verdict()),
        ("empty", extremes::empty()),
        ("large-matrix", extremes::large_matrix()),
        ("wordy-matrix", extremes::wordy_matrix()),
        ("hostile-labels", extremes::hostile_labels()),
        ("sweep", sweeps::sweep()),
        ("limits", sweeps::limits()),
    ]
}

#[test]
fn the_committed_schema_is_current() {
    let current = format!("{}\n", serde_json::to_string_pretty(&json_schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(schema_file(), &current).unwrap();
    }
    let committed = fs::read_to_string(schema_file()).unwrap_or_default();
    assert!(committed == current, "docs/report.schema.json is not what the code publishes: {HOW_TO_REFRESH}");
}

#[test]
fn every_report_keeps_the_committed_schema() {
    let committed = serde_json::from_str(&fs::read_to_string(schema_file()).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&committed).unwrap();
    for (name, report) in every_report() {
        let written: serde_json::Value = serde_json::from_str(&json::render(&report).unwrap()).unwrap();
        let problems: Vec<_> = validator.iter_errors(&written).map(|problem| problem.to_string()).collect();
        assert!(problems.is_empty(), "{name}: {problems:?}");
    }
}

/// `.ci/formats` has these files read by the parsers of those who will read them.
#[test]
fn every_format_is_written_for_the_parsers_of_others() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("formats");
    for (name, report) in every_report() {
        let place = folder.join(name);
        fs::create_dir_all(&place).unwrap();
        let strict = Gate { strict: true, require_baseline: true };
        let files = [
            ("report.json", json::render(&report).unwrap()),
            ("junit.xml", junit::render(&report, Gate::default()).unwrap()),
            ("strict.junit.xml", junit::render(&report, strict).unwrap()),
            ("metrics.prom", open_metrics::render(&report).unwrap()),
            ("report.md", markdown::render_within(&report, markdown::COMMENT_BYTES)),
        ];
        for (file, text) in files {
            assert!(!text.is_empty(), "{name}/{file}");
            fs::write(place.join(file), text).unwrap();
        }
    }
}
