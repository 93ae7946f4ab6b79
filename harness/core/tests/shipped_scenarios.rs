//! The scenarios that come with meshbench are valid, and their schema is the one that the code publishes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and so do its helpers")]

use std::fs;
use std::path::{Path, PathBuf};

use meshbench_core::scenario::{Known, MeshName, Scenario, json_schema};

const HOW_TO_REFRESH: &str = "run `cargo run -- schema scenario > scenarios/schema.json`, or the tests once with \
                              UPDATE_SCHEMA=1, and commit the result";

/// What the shipped scenarios vote for.
const EMOJI: [&str; 7] =
    [":flushed:", ":policeman:", ":joy:", ":ghost:", ":sunglasses:", ":nerd_face:", ":see_no_evil:"];

fn scenarios_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// Name and text of every shipped scenario.
fn shipped() -> Vec<(String, String)> {
    let files = fs::read_dir(scenarios_folder()).unwrap().map(|entry| entry.unwrap().path());
    let scenarios = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    let shipped: Vec<_> = scenarios.map(read).collect();
    assert!(shipped.len() >= 3, "only these were found: {shipped:?}");
    shipped
}

fn known_meshes() -> Vec<MeshName> {
    let names = [
        "envoy-1-39",
        "envoy-stock",
        "envoy-tuned",
        "haproxy",
        "istio-ambient",
        "istio-ambient-waypoint",
        "istio-stock",
        "istio-tuned",
        "linkerd-edge",
        "reference",
    ];
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn every_shipped_scenario_is_valid() {
    for (name, text) in shipped() {
        let file = format!("scenarios/{name}.yaml");
        let known = Known { meshes: &known_meshes(), emoji: &EMOJI };
        if let Err(problems) = Scenario::parse(&file, &name, &text, known) {
            panic!("{problems}");
        }
    }
}

#[test]
fn every_shipped_scenario_matches_the_schema_and_points_editors_to_it() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    for (name, text) in shipped() {
        assert!(
            text.starts_with("# yaml-language-server: $schema=schema.json\n"),
            "{name} does not name the schema"
        );
        let value: serde_json::Value = meshbench_core::yaml::from_str(&name, &text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    let (_, quick) = shipped().into_iter().find(|(name, _)| name == "quick").unwrap();
    for (valid, broken) in [
        ("rates: [100rps]", "rates: [100 rqs]"),
        ("rates: [100rps]", "rates: []"),
        ("rates: [100rps]", "rates: {from: 100rps, to: 500rps}"),
        ("rates: [100rps]", "rates: {from: 100rps, to: 500rps, step: 100rps, per_decade: 5}"),
        ("tier: quick", "tier: quik"),
        ("durations:", "duration:"),
        ("at_most: 0.1%", "at_most: 20ms"),
        ("error_share:", "error_shares:"),
        ("apps: 2", "apps: 0"),
    ] {
        assert!(quick.contains(valid), "quick.yaml has no {valid:?}");
        let value: serde_json::Value =
            meshbench_core::yaml::from_str("quick", &quick.replacen(valid, broken, 1)).unwrap();
        assert!(!validator.is_valid(&value), "the schema accepts {broken:?}");
    }
}

#[test]
fn the_committed_schema_is_current() {
    let path = scenarios_folder().join("schema.json");
    let current = format!("{}\n", serde_json::to_string_pretty(&json_schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == current, "scenarios/schema.json is not what the code publishes: {HOW_TO_REFRESH}");
}
