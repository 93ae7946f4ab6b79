//! The formats that machines read: each must still parse, whatever words of others are in it.

use crate::fabricated;
use meshbench_core::judge::Gate;
use meshbench_core::report::{Report, json_schema};
use meshbench_report::{json, junit, markdown};
use quick_xml::events::Event;

fn every_report() -> [Report; 6] {
    [
        fabricated::all_pass(),
        fabricated::one_of_each(),
        fabricated::against_baselines(),
        fabricated::many_groups(),
        fabricated::no_runs(),
        fabricated::hostile(),
    ]
}

const STRICT: Gate = Gate { strict: true, require_baseline: true };

#[test]
fn json_keeps_its_schema_and_reads_back_equal() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    for report in every_report() {
        let written = json::render(&report).unwrap();
        let value: serde_json::Value = serde_json::from_str(&written).unwrap();
        let problems: Vec<_> = validator.iter_errors(&value).map(|problem| problem.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(serde_json::from_str::<Report>(&written).unwrap(), report);
    }
}

#[test]
fn json_without_a_field_breaks_the_schema() {
    let mut value = serde_json::to_value(fabricated::all_pass()).unwrap();
    value.as_object_mut().unwrap().remove("environment");
    assert!(!jsonschema::validator_for(&json_schema()).unwrap().is_valid(&value));
}

#[test]
fn junit_of_one_of_each() {
    let xml = junit::render(&fabricated::one_of_each(), Gate::default()).unwrap();
    insta::assert_snapshot!("junit_one_of_each", xml);
}

#[test]
fn junit_against_baselines() {
    let xml = junit::render(&fabricated::against_baselines(), Gate::default()).unwrap();
    let lines: Vec<_> = xml.lines().filter(|line| !line.contains(" (runs ")).collect();
    insta::assert_snapshot!("junit_against_baselines", lines.join("\n"));
}

#[test]
fn junit_fails_what_has_no_baseline_only_when_asked() {
    let failures = |gate| {
        let xml = junit::render(&fabricated::against_baselines(), gate).unwrap();
        xml.matches("type=\"no-baseline\"").count()
    };
    assert_eq!((failures(Gate::default()), failures(STRICT)), (0, 3));
}

#[test]
fn junit_counts_an_invalid_case_as_a_failure_only_when_asked() {
    let report = fabricated::one_of_each();
    let failures = |when| {
        tags(&junit::render(&report, when).unwrap()).unwrap().iter().filter(|tag| *tag == "failure").count()
    };
    assert_eq!((failures(Gate::default()), failures(STRICT)), (1, 2));
}

#[test]
fn junit_parses_again_with_hostile_words() {
    let report = fabricated::hostile();
    let tags = tags(&junit::render(&report, STRICT).unwrap()).unwrap();
    let selected = report.cases.iter().filter(|case| case.selected).count();
    let test_cases = tags.iter().filter(|tag| *tag == "testcase").count();
    assert_eq!(test_cases, selected + report.ignored.len() + report.broken_scenarios.len());
    assert!(!tags.iter().any(|tag| tag == "script"), "{tags:?}");
}

#[test]
fn markdown_against_baselines() {
    insta::assert_snapshot!("markdown_against_baselines", markdown::render(&fabricated::against_baselines()));
}

#[test]
fn markdown_of_one_of_each() {
    insta::assert_snapshot!("markdown_one_of_each", markdown::render(&fabricated::one_of_each()));
}

#[test]
fn markdown_tables_keep_their_columns_with_hostile_words() {
    for report in every_report() {
        let written = markdown::render(&report);
        let mut columns = None;
        for line in written.lines() {
            let separators = line.matches('|').count();
            columns = line.starts_with('|').then(|| columns.unwrap_or(separators));
            assert_eq!(separators, columns.unwrap_or(0), "in {line:?}");
        }
        assert!(!written.contains("<script"), "{written}");
        assert!(!written.lines().any(|line| line.starts_with("# ")), "{written}");
    }
}

/// The names of all elements; an error where the XML is not well-formed.
fn tags(xml: &str) -> Result<Vec<String>, quick_xml::Error> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut tags = Vec::new();
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(tags),
            Event::Start(tag) | Event::Empty(tag) => {
                for attribute in tag.attributes() {
                    attribute?;
                }
                tags.push(String::from_utf8_lossy(tag.name().as_ref()).into_owned());
            }
            _ => {}
        }
    }
}
