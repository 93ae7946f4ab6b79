//! What ran in each case, what it comes to, and how its load went.

use std::collections::{BTreeMap, BTreeSet};

use meshbench_core::judge::Verdict;
use meshbench_core::report::{CaseReport, Report, RunReport};

use super::campaign::flag;
use super::gauge::{Gauge, Labels};
use super::metric::seconds;

pub(super) fn gauges(report: &Report) -> Vec<Gauge> {
    let mut gauges = about(report);
    gauges.extend(load(report));
    gauges.extend(generator(report));
    gauges
}

/// A figure of a case, with the labels that tell it from the others of its family.
pub(super) type Figure = (Labels, f64);

/// The figures of every case, with the labels that say which case it is. Readers refuse a whole file for a sample that is
/// there twice: of two cases with the same labels the first is exported.
pub(super) fn of_cases<'a>(
    report: &'a Report,
    figures: impl Fn(&'a CaseReport) -> Vec<Figure>,
) -> impl Iterator<Item = Figure> {
    let mut seen = BTreeSet::new();
    let named = report.cases.iter().map(|case| (names(case), case));
    let distinct = named.filter(move |(names, _)| seen.insert(names.clone()));
    distinct.flat_map(move |(of_this_case, case)| {
        figures(case).into_iter().map(move |(own, value)| {
            let mut labels = of_this_case.clone();
            labels.extend(own);
            (labels, value)
        })
    })
}

fn names(case: &CaseReport) -> Labels {
    let mut parts = case.group_anywhere().splitn(4, "::").map(str::to_owned);
    let mut part = |name| (name, parts.next().unwrap_or_default());
    let [scenario, rate, duration] = ["scenario", "rate", "duration"].map(&mut part);
    let services = parts.next().map(|services| ("services", services));
    let cluster = case.cluster_of_several().map(|cluster| ("cluster", cluster.to_owned()));
    let always = [scenario, ("mesh", case.mesh.clone()), rate, duration];
    always.into_iter().chain(services).chain(cluster).collect()
}

fn about(report: &Report) -> Vec<Gauge> {
    vec![
        Gauge::count("case_info", "What ran in the case and what its verdict rests on, in the labels; always 1.")
            .with(of_cases(report, |case| vec![(what_ran(case), 1.0)])),
        Gauge::count(
            "case_verdict",
            "1 for the verdict of the case, 0 for each other one; a case that only ran as a control has none.",
        )
        .with(of_cases(report, verdicts)),
        Gauge::count("case_runs", "Runs that the figures of the case are read from.")
            .with(of_cases(report, |case| vec![(Labels::new(), case.counted_runs().count() as f64)])),
    ]
}

fn what_ran(case: &CaseReport) -> Labels {
    let program = case.executable.as_ref().map(|executable| executable.version.clone());
    let tier = case.tier.map(|tier| tier.to_string());
    vec![
        ("mesh_version", case.mesh_version.clone()),
        ("program", program.unwrap_or_default()),
        ("tier", tier.unwrap_or_default()),
    ]
}

/// Every verdict, so that each is a series that an alert can read before it was ever given.
fn verdicts(case: &CaseReport) -> Vec<Figure> {
    let all = [
        "pass",
        "fail",
        "invalid",
        "error",
        "no_change",
        "improved",
        "regressed",
        "inconclusive",
        "new_baseline",
        "not_run",
    ];
    let given = name_of(&case.verdict);
    let figure = |verdict: &str| (vec![("verdict", verdict.to_owned())], flag(verdict == given));
    if case.selected { all.map(figure).to_vec() } else { Vec::new() }
}

/// As in `report.json`.
fn name_of(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail { .. } => "fail",
        Verdict::Invalid { .. } => "invalid",
        Verdict::Error { .. } => "error",
        Verdict::NoChange => "no_change",
        Verdict::Improved { .. } => "improved",
        Verdict::Regressed { .. } => "regressed",
        Verdict::Inconclusive { .. } => "inconclusive",
        Verdict::NewBaseline { .. } => "new_baseline",
        Verdict::NotRun { .. } => "not_run",
    }
}

fn load(report: &Report) -> Vec<Gauge> {
    let offered = |case: &CaseReport| {
        let rate = case.runs.iter().find_map(|run| run.offered_rate);
        rate.map(|rate| (Labels::new(), rate)).into_iter().collect()
    };
    let sum = |count: fn(&RunReport) -> u64| {
        of_cases(report, move |case| {
            let sum: Option<u64> = case.counted_runs().map(count).reduce(|sum, count| sum + count);
            sum.map(|sum| (Labels::new(), sum as f64)).into_iter().collect()
        })
    };
    vec![
        Gauge::count("offered_requests_per_second", "The rate that was asked for.")
            .with(of_cases(report, offered)),
        Gauge::count("requests", "Requests due in the measured windows.").with(sum(|run| run.requests)),
        Gauge::count("successes", "Requests answered in full with a status below 400.")
            .with(sum(|run| run.successes)),
        Gauge::count("failures", "Requests that failed, by what they failed of.")
            .with(of_cases(report, failures)),
    ]
}

fn failures(case: &CaseReport) -> Vec<Figure> {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, count) in case.counted_runs().flat_map(|run| &run.errors) {
        *kinds.entry(kind).or_default() += count;
    }
    kinds.into_iter().map(|(kind, count)| (vec![("kind", kind.to_owned())], count as f64)).collect()
}

/// The state of the instrument, in the run where it was worst.
fn generator(report: &Report) -> Vec<Gauge> {
    let worst = |figure: fn(&RunReport) -> f64| {
        of_cases(report, move |case| {
            let worst = case.counted_runs().map(figure).max_by(f64::total_cmp);
            worst.map(|worst| (Labels::new(), worst)).into_iter().collect()
        })
    };
    vec![
        Gauge::ratio("generator_cpu", "The load generator's CPU as a share of its cores, in the worst run.")
            .with(worst(|run| run.generator_cpu_share)),
        Gauge::seconds("generator_send_lag_p99", "From due to sent, 99th percentile, in the worst run.")
            .with(worst(|run| seconds(run.send_lag_ns.p99 as f64))),
    ]
}
