//! The page: what stands on it, that it is what the other formats say, and that no word becomes markup.

use meshbench_core::comparison::{Change, ComparedMetric, Comparison};
use meshbench_core::report::{Report, ReportUnit, ScenarioSource};
use meshbench_report::html::{KeptFile, Sheet, render};
use meshbench_report::{console, json};
use rstest::rstest;

use crate::fabricated;

fn page(report: &Report) -> String {
    let files =
        [KeptFile { mesh: "envoy-tuned".into(), name: "envoy.yaml".into(), text: "admin: {}\n".into() }];
    render(&[Sheet { report, files: &files, unread: &[] }], None).unwrap()
}

/// The pieces of the page between these two texts.
fn between<'a>(page: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    page.split(start).skip(1).map(|rest| rest.split(end).next().unwrap()).collect()
}

fn figure<'a>(page: &'a str, kind: &str) -> &'a str {
    let figures = between(page, "<figure", "</figure>");
    let named = format!("data-kind=\"{kind}\"");
    figures.into_iter().find(|figure| figure.contains(&named)).unwrap_or_else(|| panic!("no {kind}"))
}

fn marks(figure: &str, element: &str, class: &str) -> usize {
    figure.matches(&format!("<{element} class=\"{class}\"")).count()
}

#[test]
fn every_chart_has_a_mark_for_each_value() {
    let page = page(&fabricated::all_pass());
    // Three meshes; places in the palette: bare, envoy-tuned, reference.
    let latency = figure(&page, "latency-by-percentile");
    for mesh in 0..3 {
        let trusted = marks(latency, "circle", &format!("m{mesh} a"));
        let doubtful = marks(latency, "circle", &format!("m{mesh} q"));
        // Six percentiles and the maximum.
        assert_eq!(trusted + doubtful, 7, "mesh {mesh}: {latency}");
    }
    let added = figure(&page, "latency-over-bare");
    assert_eq!(added.matches("<circle").count(), 2 * 6);
    let curves = figure(&page, "latency-curves");
    for mesh in 0..3 {
        assert_eq!(marks(curves, "polyline", &format!("m{mesh} r")), 2, "two runs");
        assert_eq!(marks(curves, "polyline", &format!("m{mesh}")), 1, "all together");
    }
    let cpu = figure(&page, "cpu-per-request");
    assert_eq!(cpu.matches("<rect class=\"m").count(), 3, "each mesh has one group with containers");
    let over_time = figure(&page, "latency-over-time");
    assert_eq!(marks(over_time, "rect", "s a"), 1, "the warm-up is shaded");
    for mesh in 0..3 {
        assert_eq!(marks(over_time, "polyline", &format!("m{mesh}")), 2, "a median for each run");
        assert_eq!(marks(over_time, "polyline", &format!("m{mesh} d")), 2, "a 99th percentile for each run");
    }
}

#[test]
fn a_matrix_of_rates_is_shown_rate_by_rate() {
    let rates = [100, 200, 400];
    let at = |rate: u32| {
        let group = format!("nightly::{rate}rps::60s");
        let mut cases = vec![
            fabricated::case(&group, "bare", fabricated::BARE),
            fabricated::case(&group, "reference", fabricated::MESH),
        ];
        for run in cases.iter_mut().flat_map(|case| &mut case.runs) {
            run.offered_rate = Some(f64::from(rate));
        }
        cases
    };
    let page = page(&fabricated::report(rates.into_iter().flat_map(at).collect(), Vec::new()));
    for kind in ["p50-by-rate", "p99-by-rate", "cpu-by-rate", "achieved-by-rate", "memory-by-rate"] {
        let figure = figure(&page, kind);
        assert_eq!(figure.matches("<circle").count(), 2 * rates.len(), "{figure}");
        let polylines = between(figure, "<polyline class=\"m", "/>");
        let points = |polyline: &&str| polyline.matches(',').count();
        let lines = polylines.iter().filter(|polyline| points(polyline) == rates.len()).count();
        assert_eq!(lines, 2, "a line for each mesh: {figure}");
    }
    assert!(!self::page(&fabricated::all_pass()).contains("p99-by-rate"), "a single rate is no curve");
}

#[test]
fn a_comparison_is_a_forest_and_its_pairs() {
    let mut report = fabricated::all_pass();
    let metric = |metric: &str, ratio: f64, change| ComparedMetric {
        metric: metric.into(),
        unit: ReportUnit::Nanoseconds,
        pairs: 2,
        old: 1e6,
        ratio,
        ratio_low: ratio - 0.02,
        ratio_high: ratio + 0.02,
        smallest_detectable_ratio: 1.04,
        flagged: false,
        confirmed: false,
        change,
    };
    let metrics =
        vec![metric("p50", 1.08, Change::Regressed), metric("cpu_per_request", 0.99, Change::NoChange)];
    let comparison = Comparison {
        old: "reference".into(),
        metrics,
        errors: None,
        rate: None,
        dropped_blocks: Vec::new(),
        unfit_stage: None,
    };
    report.cases.iter_mut().find(|case| case.mesh == "envoy-tuned").unwrap().comparison = Some(comparison);
    let page = page(&report);
    let forest = figure(&page, "comparison");
    assert!(forest.contains("+8.0%") && forest.contains("regressed"), "{forest}");
    assert_eq!(marks(forest, "circle", "m1 a"), 2);
    let pairs = figure(&page, "pairs");
    assert_eq!((marks(pairs, "circle", "m1 a"), marks(pairs, "circle", "m2 a")), (2, 2), "two blocks");
}

#[test]
fn figures_are_those_of_the_console_and_of_json() {
    let report = fabricated::all_pass();
    let (page, console) = (page(&report), console::render(&report, console::Style { colour: false }));
    let json: serde_json::Value = serde_json::from_str(&json::render(&report).unwrap()).unwrap();
    for case in json["cases"].as_array().unwrap() {
        let median = |metric: &str| {
            let mut metrics = case["metrics"].as_array().unwrap().iter();
            metrics.find(|found| found["metric"] == metric).unwrap()["median"].as_f64().unwrap()
        };
        let shown = meshbench_core::metric::Unit::Latency.show(median("p50"), 3);
        let row = figure(&page, "latency-by-percentile");
        let row =
            between(row, &format!("<th scope=\"row\">{}</th>", case["mesh"].as_str().unwrap()), "</tr>")[0];
        assert!(row.contains(&shown), "{shown} is not in {row}");
        assert!(console.contains(&shown), "{shown} is not in {console}");
    }
}

#[rstest]
#[case::hostile(fabricated::hostile())]
#[case::one_of_each(fabricated::one_of_each())]
fn words_of_others_never_become_markup(#[case] mut report: Report) {
    report.scenarios = vec![ScenarioSource {
        name: fabricated::HOSTILE.into(),
        text: fabricated::HOSTILE.into(),
        digest: String::new(),
        seed: 2019,
    }];
    let files = [KeptFile {
        mesh: fabricated::HOSTILE.into(),
        name: "</pre><script>alert(1)</script>".into(),
        text: "</pre></script><img src=x onerror=alert(1)>\u{202e}".into(),
    }];
    let unread = ["<script>alert(2)</script>".to_owned()];
    let page = render(&[Sheet { report: &report, files: &files, unread: &unread }], None).unwrap();
    assert_eq!(page.matches("<script>").count(), 1, "only ours");
    assert_eq!(page.matches("</script>").count(), 1);
    for injected in ["<img", "alert('x')", "onerror=alert(1)>"] {
        assert!(!page.contains(injected), "{injected}");
    }
    assert!(page.contains("&lt;script&gt;"));
    // Direction marks of one text must not turn the next around.
    assert!(page.contains("unicode-bidi:isolate"));
}

#[test]
fn the_page_asks_for_nothing_from_outside() {
    let page = page(&fabricated::one_of_each());
    for reference in ["http://", "https://", "@import", "url(", " src="] {
        let mut places = page.match_indices(reference).map(|(at, _)| &page[at.saturating_sub(40)..at + 20]);
        assert_eq!(places.next(), None, "{reference}");
    }
}

#[test]
fn every_chart_is_a_picture_with_a_name_and_a_table() {
    let page = page(&fabricated::all_pass());
    let figures = between(&page, "<figure", "</figure>");
    assert!(figures.len() >= 10, "{}", figures.len());
    for figure in &figures {
        for part in ["role=\"img\"", "<title", "<desc", "<table>", "<figcaption>"] {
            assert!(figure.contains(part), "{part}: {figure}");
        }
    }
    let ids: std::collections::BTreeSet<_> = between(&page, " id=\"", "\"").into_iter().collect();
    assert_eq!(ids.len(), page.matches(" id=\"").count(), "every id once");
}

#[rstest]
#[case::nothing(fabricated::report(Vec::new(), Vec::new()))]
#[case::no_runs(fabricated::no_runs())]
fn a_campaign_without_figures_is_a_page_all_the_same(#[case] report: Report) {
    let page = page(&report);
    assert!(page.contains(&report.campaign) && !page.contains("<figure"));
}
