//! [`render`]: a calibration as Markdown, which terminals show well enough.

use meshbench_core::calibration::{Calibration, ChangeScore, GateOutcome, Tally};
use meshbench_core::metric::Unit;
use meshbench_core::report::Environment;

const HEADER: [&str; 7] =
    ["injected", "gates", "meshbench", "undecided", "median > 5%", "Kolmogorov–Smirnov", "Mann–Whitney"];

const LEGEND: &str = "\
Each column counts the gates whose new version a judge finds worse, with the bounds of the chance of that (exact, each \
missed with 2.5%). Where nothing was changed, these are false alarms; elsewhere, what was found. `undecided` are the gates \
on which meshbench is inconclusive, or whose blocks were invalid; they count as not found.

The naive judges see the same recordings, of the planned blocks: `median > 5%` compares medians over runs, Mann–Whitney \
ranks the runs (one-sided, 2.5%), both of p50, p90 and p99 as far as there are the requests for them and of the CPU time \
per request; Kolmogorov–Smirnov compares all latencies together (two-sided, 5%, with the new median above the old).
";

/// The table, how to read it, and what somebody needs who wants to have it again.
#[must_use]
pub fn render(calibration: &Calibration) -> String {
    let rows: Vec<_> = calibration.scores.iter().map(row).collect();
    let facts: Vec<_> = facts(calibration).iter().map(|fact| format!("- {fact}\n")).collect();
    format!(
        "# Calibration of the judge\n\n{}\n{LEGEND}\n{}\n## Gates\n\n{}",
        table(HEADER, &rows),
        facts.concat(),
        gates(calibration)
    )
}

fn row(score: &ChangeScore) -> [String; 7] {
    let found = |tally: &Tally| {
        let percent = |share: f64| format!("{:.1}%", share * 100.0);
        format!("{} ({} to {})", tally.worse, percent(tally.low), percent(tally.high))
    };
    [
        score.change.description().to_owned(),
        score.gates.to_string(),
        found(&score.meshbench),
        score.meshbench.undecided.to_string(),
        found(&score.threshold),
        found(&score.kolmogorov_smirnov),
        found(&score.mann_whitney),
    ]
}

fn facts(calibration: &Calibration) -> Vec<String> {
    let Calibration { settings, began_at: [first, last], .. } = calibration;
    let mut facts: Vec<_> = calibration.environments.iter().map(environment).collect();
    facts.push(format!("gates began from {first} to {last}"));
    facts.push(format!(
        "{} for {} after a warm-up of {}, {} blocks and as many to confirm, seed {}",
        settings.rate, settings.duration, settings.warm_up, settings.blocks, settings.seed
    ));
    facts.extend(calibration.pilot.map(|pilot| {
        format!(
            "what is in proportion is so to the pilot's p50 of {} and {} of CPU time per request",
            Unit::Latency.show(pilot.p50_ns, 3),
            Unit::CpuPerRequest.show(pilot.cpu_ns_per_request, 3)
        )
    }));
    facts.push(format!(
        "{} recordings, SHA-256 {} (all of them, one after the other in the order of their paths)",
        calibration.recordings, calibration.recordings_sha256
    ));
    facts
}

fn environment(environment: &Environment) -> String {
    format!(
        "{}, {:.1} GiB, kernel {}, virtualisation: {}; generator on cores {:?}, measured on cores {:?}; meshbench {}{}",
        environment.cpu_model,
        environment.memory_bytes as f64 / f64::from(1 << 30),
        environment.kernel,
        environment.virtualisation,
        environment.generator_cores,
        environment.measured_cores,
        environment.meshbench_version,
        if environment.optimised { "" } else { ", built without optimisation" },
    )
}

fn gates(calibration: &Calibration) -> String {
    let row = |gate: &GateOutcome| {
        [gate.change.name().to_owned(), gate.number.to_string(), gate.seed.to_string(), gate.verdict.clone()]
    };
    let rows: Vec<_> = calibration.gates.iter().map(row).collect();
    table(["injected", "number", "seed", "verdict"], &rows)
}

/// A Markdown table whose columns are as wide as their widest cell.
fn table<const COLUMNS: usize>(header: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].as_str()).chain([header[column], "---"]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let line = |cells: [&str; COLUMNS]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.map(|width| "-".repeat(width));
    let lines = rows.iter().map(|row| line(std::array::from_fn(|column| row[column].as_str())));
    [line(header), line(std::array::from_fn(|column| rule[column].as_str()))]
        .into_iter()
        .chain(lines)
        .collect()
}
