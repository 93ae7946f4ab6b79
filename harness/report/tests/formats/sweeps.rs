//! Several rates side by side, a mesh that was stopped at one, and how much meshes carry.

use std::collections::BTreeMap;

use meshbench_core::judge::{Gate, Verdict};
use meshbench_core::limit::{Credible, Owner, Purpose};
use meshbench_core::report::{CaseReport, LimitOutcome, LimitReport, ProbeFigures, ProbeReport, Report};
use meshbench_report::html::{Sheet, render};
use meshbench_report::{console, junit, markdown};

use crate::fabricated::{BARE, Figures, MESH, case, report};

const RATES: [u32; 4] = [100, 200, 400, 800];

/// Four rates, of which one mesh carries two and is stopped before the last.
pub(crate) fn sweep() -> Report {
    report(RATES.into_iter().flat_map(at_rate).collect(), Vec::new())
}

fn at_rate(rate: u32) -> Vec<CaseReport> {
    let group = format!("sweep::{rate}rps::10s");
    let requests = u64::from(rate) * 10;
    let p50_ms = MESH.p50_ms * (1.0 + f64::from(rate) / 400.0);
    let mesh = Figures { requests, p50_ms, ..MESH };
    let over = Figures { p50_ms: 812.0, achieved_share: 0.62, error_share: 0.04, ..mesh };
    let narrow = match rate {
        100 | 200 => case(&group, "narrow", mesh),
        400 => CaseReport {
            verdict: Verdict::Fail { breaches: vec!["block 1: achieved 248 of 400".to_owned()] },
            ..case(&group, "narrow", over)
        },
        _ => CaseReport {
            verdict: Verdict::NotRun { reasons: vec!["collapsed at 400rps".to_owned()] },
            metrics: Vec::new(),
            runs: Vec::new(),
            ..case(&group, "narrow", mesh)
        },
    };
    let bare = case(&group, "bare", Figures { requests, ..BARE });
    vec![bare, case(&group, "reference", mesh), narrow]
}

/// How much two meshes and `bare` carry: one is found, another carries as much as `bare` does.
pub(crate) fn limits() -> Report {
    let group = "carry::limit::10s";
    let limited =
        |mesh: &str, figures, limit| CaseReport { limit: Some(limit), ..case(group, mesh, figures) };
    let at_least = LimitOutcome::AtLeast { limit_of: Owner::Machine };
    let cases = vec![
        limited("bare", BARE, limit(LimitOutcome::Found, 1_950.0, None)),
        limited("narrow", MESH, limit(LimitOutcome::Found, 200.0, Some(part(0.103)))),
        limited("reference", MESH, limit(at_least, 1_900.0, Some(part(0.97)))),
    ];
    report(cases, Vec::new())
}

fn part(median: f64) -> Credible {
    Credible { low: median - 0.02, median, high: median + 0.02 }
}

fn limit(outcome: LimitOutcome, rps: f64, of_bare: Option<Credible>) -> LimitReport {
    let probe = |(block, factor): (u32, f64)| {
        let held = factor <= 1.0;
        let measured = ProbeFigures {
            achieved_rps: rps * factor.min(1.02),
            p50_ns: Some(2_000_000),
            p99_ns: Some(if held { 9_000_000 } else { 700_000_000 }),
            error_share: 0.0,
            cpu_ns_per_request: Some(840_000.0),
            data_plane_bytes: 48 << 20,
        };
        ProbeReport {
            block,
            purpose: if factor == 1.0 { Purpose::Confirm } else { Purpose::Locate },
            offered_rps: rps * factor,
            held,
            ended_by: (!held).then_some(Owner::Mesh),
            why: if held { Vec::new() } else { vec!["p99 is 700ms, above 50ms".to_owned()] },
            measured: Some(measured),
        }
    };
    LimitReport {
        service_level: BTreeMap::from([("p99".to_owned(), "50ms".to_owned())]),
        from_rps: 50.0,
        to_rps: 5_000.0,
        precision: 0.03,
        outcome,
        rps: Some(rps),
        interval_rps: Some(Credible { low: rps * 0.98, median: rps, high: rps * 1.02 }),
        of_bare,
        bare_carries_more: false,
        confirmed_by: 2,
        probes: (1..).zip([0.3, 3.0, 1.0, 1.0, 1.1]).map(probe).collect(),
    }
}

fn page(report: &Report) -> String {
    render(&[Sheet { report, files: &[], unread: &[] }], None).unwrap()
}

fn figure<'a>(page: &'a str, kind: &str) -> &'a str {
    let named = format!("data-kind=\"{kind}\"");
    let figures = page.split("<figure").skip(1).map(|rest| rest.split("</figure>").next().unwrap());
    figures.into_iter().find(|figure| figure.contains(&named)).unwrap_or_else(|| panic!("no {kind}"))
}

fn count(figure: &str, mark: &str) -> usize {
    figure.matches(mark).count()
}

#[test]
fn console_of_a_sweep() {
    let shown = console::render(&sweep(), console::Style::default());
    let from = shown.find("sweep · 10s, rate by rate").unwrap();
    insta::assert_snapshot!("console_sweep", &shown[from..]);
}

#[test]
fn markdown_of_a_sweep() {
    let shown = markdown::render(&sweep());
    let to = shown.find("### sweep · 100").unwrap();
    insta::assert_snapshot!("markdown_sweep", &shown[..to]);
}

#[test]
fn console_of_limits() {
    insta::assert_snapshot!("console_limits", console::render(&limits(), console::Style::default()));
}

#[test]
fn junit_skips_what_was_not_run_and_fails_it_only_when_asked() {
    let skipped = "<skipped message=\"not run: collapsed at 400rps\"/>";
    let failed = "type=\"not-run\"";
    let xml = |strict| junit::render(&sweep(), Gate { strict, require_baseline: false }).unwrap();
    assert_eq!((count(&xml(false), skipped), count(&xml(false), failed)), (1, 0), "{}", xml(false));
    assert_eq!((count(&xml(true), skipped), count(&xml(true), failed)), (0, 1));
}

#[test]
fn each_mesh_has_a_line_a_band_and_its_dots_as_far_as_it_was_run() {
    let page = page(&sweep());
    // Places in the palette: bare, narrow, reference.
    for kind in ["p50-by-rate", "p99-by-rate", "achieved-by-rate", "cpu-by-rate", "memory-by-rate"] {
        let figure = figure(&page, kind);
        for (mesh, rates) in [(0, 4), (1, 3), (2, 4)] {
            let dots = count(figure, &format!("<circle class=\"m{mesh} "));
            assert_eq!(dots, rates, "{kind} of mesh {mesh}: {figure}");
            assert_eq!(count(figure, &format!("<polygon class=\"m{mesh} b a\"")), 1, "{kind}: {figure}");
            assert_eq!(count(figure, &format!("<polyline class=\"m{mesh}\"")), 1, "{kind}: {figure}");
        }
        let diagonals = count(figure, "<polyline class=\"f\"");
        assert_eq!(diagonals, usize::from(kind == "achieved-by-rate"), "{kind}: {figure}");
    }
}

#[test]
fn probes_that_held_and_those_that_did_not_differ_by_shape() {
    let page = page(&limits());
    for kind in ["p50-by-probe", "p99-by-probe", "achieved-by-probe", "cpu-by-probe", "memory-by-probe"] {
        let figure = figure(&page, kind);
        assert!(figure.contains("narrow 200 rps (196 to 204); reference ≥ 1900 rps"), "{figure}");
        for mesh in 0..3 {
            assert_eq!(count(figure, &format!("<circle class=\"m{mesh} a\"")), 3, "{kind}: {figure}");
            // A cross is two strokes.
            let strokes = count(figure, &format!("<polyline class=\"m{mesh}\""));
            assert_eq!(strokes, 2 * 2, "{kind}: {figure}");
            assert_eq!(count(figure, &format!("<polyline class=\"m{mesh} d\"")), 1, "the limit: {figure}");
            assert_eq!(count(figure, &format!("<rect class=\"m{mesh} b a\"")), 1, "its interval: {figure}");
        }
    }
    assert!(page.contains("How much does it carry?") && page.contains("<td>machine</td>"));
    assert!(!self::page(&sweep()).contains("by-probe"), "no limit was looked for");
}

#[test]
fn a_hundred_rates_make_no_heavier_marks_than_their_number() {
    let mut report = sweep();
    report.cases = (1..=100).flat_map(|step| at_rate(step * 50)).collect();
    let page = page(&report);
    let figure = figure(&page, "p99-by-rate");
    assert_eq!(count(figure, "<polygon"), 3);
    assert!(figure.len() < 100_000, "{} bytes", figure.len());
    let ticks = figure.split("<details>").next().unwrap();
    assert!(count(ticks, "<text") < 30, "{ticks}");
}
