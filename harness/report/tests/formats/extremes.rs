//! Fabricated reports at the edges: every verdict, nothing at all, a matrix as large as the study's.

use meshbench_core::baseline::ComparisonTier;
use meshbench_core::comparison::{Change, ComparedMetric, Comparison, DroppedBlock};
use meshbench_core::judge::Verdict;
use meshbench_core::metric::Metric;
use meshbench_core::report::{Bounds, CaseReport, Report};

use crate::fabricated::{
    BARE, Figures, HOSTILE, MESH, against_baselines, case, failed_to_run, hostile, ignored, one_of_each,
    report, unjudged_p99_9,
};

/// Every kind of verdict, and everything that a campaign can have measured.
pub(crate) fn every_verdict() -> Report {
    let group = "upgrade::500rps::10s";
    let findings = || vec!["p50 is 3% to 9% above that of envoy-1-39".to_owned()];
    let verdicts = [
        ("improved", Verdict::Improved { findings: findings() }),
        ("inconclusive", Verdict::Inconclusive { findings: findings() }),
        ("new-baseline", Verdict::NewBaseline { findings: findings() }),
        ("no-change", Verdict::NoChange),
        ("pass", Verdict::Pass),
        ("regressed", Verdict::Regressed { findings: findings() }),
        ("not-run", Verdict::NotRun { reasons: findings() }),
    ];
    let mesh = Figures { error_share: 0.002, control_plane_cpu_us: 12.8, ..MESH };
    let judged = verdicts.map(|(name, verdict)| CaseReport {
        verdict,
        tier: Some(ComparisonTier::T1),
        comparison: Some(compared(1.06)),
        left_out: vec![DroppedBlock { block: 2, why: "bare was not steady in block 2".to_owned() }],
        ..with_bounds(case(group, name, mesh))
    });
    let mut whole = one_of_each();
    whole.cases.extend(judged);
    whole.cases.extend(against_baselines().cases);
    whole
}

fn compared(ratio: f64) -> Comparison {
    let metric = ComparedMetric {
        metric: Metric::P50.name().to_owned(),
        unit: Metric::P50.unit().into(),
        pairs: 8,
        old: 1.9e6,
        ratio,
        ratio_low: ratio - 0.03,
        ratio_high: ratio + 0.03,
        smallest_detectable_ratio: 1.05,
        flagged: true,
        confirmed: true,
        change: Change::Regressed,
    };
    let (errors, rate, unfit_stage) = (None, None, None);
    let (old, metrics, dropped_blocks) = ("envoy-1-39".to_owned(), vec![metric], Vec::new());
    Comparison { old, metrics, errors, rate, dropped_blocks, unfit_stage }
}

fn with_bounds(mut case: CaseReport) -> CaseReport {
    for metric in &mut case.metrics {
        let around = |value: f64| Bounds { low: value * 0.98, high: value * 1.02 };
        metric.median_bounds = Some(around(metric.median));
        metric.over_bare_bounds = metric.over_bare.map(around);
    }
    case
}

/// Not a single case.
pub(crate) fn empty() -> Report {
    report(Vec::new(), Vec::new())
}

/// 12 meshes × 11 rates, one of which fails at one rate; each is compared with an older version and with its baseline.
pub(crate) fn large_matrix() -> Report {
    let baseline = against_baselines().cases.swap_remove(1).against_baseline;
    let rates = [100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000, 1_200];
    let cases = rates.into_iter().flat_map(|rate| {
        let group = format!("kinvolk-2019::{rate}rps::30m");
        let bare = case(&group, "bare", BARE);
        let baseline = baseline.clone();
        let meshes = (1..12).map(move |number| {
            let mut case = case(&group, &format!("some-mesh-in-version-{number}"), MESH);
            case.limits = vec![unjudged_p99_9(5_000 + number)];
            case.comparison = Some(compared(1.0 + number as f64 / 100.0));
            case.against_baseline = baseline.clone();
            if (rate, number) == (400, 7) {
                case.verdict =
                    Verdict::Fail { breaches: vec!["the one breach of the whole matrix".to_owned()] };
            }
            case
        });
        [bare].into_iter().chain(meshes)
    });
    let without =
        |rate| ignored(&format!("kinvolk-2019::linkerd::{rate}rps::30m"), "it needs Kubernetes", "name one");
    report(cases.collect(), rates.map(without).to_vec())
}

/// The same matrix, where every case failed with a long log.
pub(crate) fn wordy_matrix() -> Report {
    let mut report = large_matrix();
    let log = "the last lines of its log: [error] upstream connect error or disconnect/reset\n".repeat(150);
    for (number, case) in report.cases.iter_mut().enumerate() {
        *case = failed_to_run(&case.group, &case.mesh, &[&format!("{number}: {log}")]);
    }
    report
}

/// Hostile words that Markdown and labels have to keep in their place, besides those of [`hostile`].
pub(crate) const HOSTILE_MARKDOWN: &str = "@somebody __init__ ~~gone~~ \u{202e}gpj.exe\\ 🚀 \"}\n1. مرحبا";

/// Hostile words in every label of the metrics.
pub(crate) fn hostile_labels() -> Report {
    let mut report = hostile();
    for (number, words) in
        [HOSTILE, HOSTILE_MARKDOWN, "\\", "\\\"", "\n", "\u{7f}\u{85}\u{2028}", ""].iter().enumerate()
    {
        let mut case = case(&format!("{words}::{words}::{number}{words}"), words, MESH);
        case.mesh_version = (*words).to_owned();
        for run in &mut case.runs {
            run.errors.insert((*words).to_owned(), 1);
        }
        report.cases.push(case);
    }
    report.campaign = HOSTILE_MARKDOWN.to_owned();
    report.environment.kernel = HOSTILE.to_owned();
    report
}
