//! The console summary, as a person sees it.

use crate::{fabricated, on_a_cluster};
use meshbench_core::report::Report;
use meshbench_report::console::{Style, render};

const WIDTH: usize = 100;

fn plain(report: &Report) -> String {
    render(report, Style::default())
}

#[test]
fn all_pass() {
    insta::assert_snapshot!("console_all_pass", plain(&fabricated::all_pass()));
}

#[test]
fn one_of_each_verdict_and_ignored_cases() {
    insta::assert_snapshot!("console_one_of_each", plain(&fabricated::one_of_each()));
}

#[test]
fn against_baselines() {
    insta::assert_snapshot!("console_against_baselines", plain(&fabricated::against_baselines()));
}

#[test]
fn many_groups() {
    insta::assert_snapshot!("console_many_groups", plain(&fabricated::many_groups()));
}

#[test]
fn no_runs() {
    insta::assert_snapshot!("console_no_runs", plain(&fabricated::no_runs()));
}

#[test]
fn fits_the_page_and_ends_no_line_in_spaces() {
    for report in [
        fabricated::all_pass(),
        fabricated::one_of_each(),
        fabricated::against_baselines(),
        fabricated::many_groups(),
        fabricated::no_runs(),
        fabricated::hostile(),
        on_a_cluster::report(),
    ] {
        for line in plain(&report).lines() {
            assert!(line.chars().count() <= WIDTH, "too wide: {line}");
            assert_eq!(line, line.trim_end(), "spaces at the end");
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let report = fabricated::one_of_each();
    let coloured = render(&report, Style { colour: true });
    assert!(coloured.contains("\u{1b}["));
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, code)) = rest.split_once('\u{1b}') {
        stripped += before;
        rest = code.split_once('m').map_or("", |(_, after)| after);
    }
    assert_eq!(stripped + rest, plain(&report));
}

#[test]
fn hostile_words_cannot_command_the_terminal() {
    let shown = plain(&fabricated::hostile());
    assert!(!shown.chars().any(|character| character.is_control() && character != '\n'), "{shown}");
    assert!(shown.contains("\\u{1b}[31mred"));
}
