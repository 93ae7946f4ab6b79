//! Old against new: estimates with their intervals, and the pairs they come from.

use meshbench_core::baseline::AgainstBaseline;
use meshbench_core::comparison::Change;
use meshbench_core::report::{CaseReport, RunReport};

use super::scene::{Palette, Scene, Shown};
use super::{DataTable, Figure};
use crate::format::Number;
use crate::html::HtmlError;
use crate::html::axis::Axis;
use crate::html::canvas::Ink;
use crate::html::plot::draw;

/// One metric of a comparison.
struct Estimate<'a> {
    metric: &'a str,
    ratio: f64,
    bounds: Option<(f64, f64)>,
    change: Option<Change>,
}

/// For each case that was compared: its estimates, and its pairs where both versions ran in the same blocks.
///
/// # Errors
/// [`HtmlError::Chart`].
pub(in crate::html) fn comparisons(scene: &Scene<'_>, palette: &Palette) -> Result<Vec<Figure>, HtmlError> {
    let mut figures = Vec::new();
    for shown in &scene.cases {
        figures.extend(forest(shown)?);
        let old = shown.case.comparison.as_ref().map(|comparison| comparison.old.as_str());
        let old = old.and_then(|old| scene.cases.iter().find(|other| other.case.mesh == old));
        if let Some(old) = old {
            figures.extend(pairs(old, shown, palette)?);
        }
    }
    Ok(figures)
}

/// What a case was compared with, and the estimates.
fn estimates(case: &CaseReport) -> Option<(String, Vec<Estimate<'_>>)> {
    if let Some(comparison) = &case.comparison {
        let estimate = |compared: &'_ meshbench_core::comparison::ComparedMetric| {
            (compared.ratio, Some((compared.ratio_low, compared.ratio_high)), Some(compared.change))
        };
        let metrics = comparison.metrics.iter().map(|compared| {
            let (ratio, bounds, change) = estimate(compared);
            Estimate { metric: &compared.metric, ratio, bounds, change }
        });
        return Some((format!("{} in the same blocks (T1)", comparison.old), metrics.collect()));
    }
    let Some(AgainstBaseline::Compared(baseline)) = &case.against_baseline else { return None };
    let metrics = baseline.metrics.iter().map(|compared| Estimate {
        metric: &compared.metric,
        ratio: compared.ratio,
        bounds: compared.bounds.map(|bounds| (bounds.low, bounds.high)),
        change: compared.change,
    });
    Some((format!("the baseline of {} ({:?})", baseline.campaign, baseline.tier), metrics.collect()))
}

/// A forest plot: a row for each metric, its estimate and its interval, about no change.
fn forest(shown: &Shown<'_>) -> Result<Option<Figure>, HtmlError> {
    let Some((with, estimates)) = estimates(shown.case) else { return Ok(None) };
    let percent = |ratio: f64| format!("{:+.1}%", (ratio - 1.0) * 100.0);
    let values = estimates.iter().flat_map(|estimate| {
        let (low, high) = estimate.bounds.unwrap_or((estimate.ratio, estimate.ratio));
        [low, estimate.ratio, high]
    });
    let Some(x) = Axis::around("change; right of 0 is worse", values.chain([0.97, 1.03]), percent) else {
        return Ok(None);
    };
    if estimates.is_empty() {
        return Ok(None);
    }
    // The first metric stands at the top.
    let y = Axis::of_words("metric", estimates.iter().rev().map(|estimate| estimate.metric));
    let rows = || estimates.iter().rev().enumerate();
    let image = draw(&x, &y, |plot| {
        plot.moment(1.0, Ink::Reference)?;
        for (row, estimate) in rows() {
            if let Some(bounds) = estimate.bounds {
                plot.level(row as f64, bounds, Ink::Mesh(shown.colour))?;
            }
            plot.dot((estimate.ratio, row as f64), Ink::Mesh(shown.colour))?;
        }
        Ok(())
    })?;
    let mut table = DataTable::of(["metric", "change", "from", "to", "verdict"]);
    for estimate in &estimates {
        let (low, high) = estimate
            .bounds
            .map_or(("–".to_owned(), "–".to_owned()), |(low, high)| (percent(low), percent(high)));
        let verdict = estimate.change.map_or("advisory", word);
        let row = [estimate.metric.to_owned(), percent(estimate.ratio), low, high, verdict.to_owned()];
        table.rows.push(row.to_vec());
    }
    Ok(Some(Figure {
        kind: "comparison",
        title: format!("{} against {with}", shown.case.mesh),
        note: "Dots: the estimated change. Lines: its interval; one that reaches 0 may be no change at all."
            .to_owned(),
        image,
        x,
        y,
        table,
    }))
}

const fn word(change: Change) -> &'static str {
    match change {
        Change::Regressed => "regressed",
        Change::Improved => "improved",
        Change::NoChange => "no change",
        Change::Inconclusive => "inconclusive",
    }
}

/// The medians of both versions, block by block.
fn pairs(old: &Shown<'_>, new: &Shown<'_>, palette: &Palette) -> Result<Option<Figure>, HtmlError> {
    let p50 = |run: &RunReport| run.latency_ns.p50 as f64;
    let partner = |run: &RunReport| old.runs().find(|other| other.block == run.block).map(p50);
    let pairs: Vec<_> = new.runs().filter_map(|run| Some((run.block, partner(run)?, p50(run)))).collect();
    let duration = |value: f64| Number::Duration.show(value);
    let values = pairs.iter().flat_map(|(_, old, new)| [*old, *new]);
    let Some(y) = Axis::around("median latency", values, duration) else { return Ok(None) };
    let blocks: Vec<String> = pairs.iter().map(|(block, _, _)| block.to_string()).collect();
    let x = Axis::of_words("block", blocks.iter().map(String::as_str));
    let (old_colour, new_colour) = (palette.place(&old.case.mesh), palette.place(&new.case.mesh));
    let image = draw(&x, &y, |plot| {
        for (place, (_, old, new)) in pairs.iter().enumerate() {
            let place = place as f64;
            plot.upright(place, (*old, *new), Ink::Reference)?;
            plot.dot((place, *old), Ink::Mesh(old_colour))?;
            plot.dot((place, *new), Ink::Mesh(new_colour))?;
        }
        Ok(())
    })?;
    let mut table = DataTable::of(["block", &old.case.mesh, &new.case.mesh, "change"]);
    for (block, old, new) in &pairs {
        let change = format!("{:+.1}%", (new / old - 1.0) * 100.0);
        table.rows.push(vec![block.to_string(), duration(*old), duration(*new), change]);
    }
    Ok(Some(Figure {
        kind: "pairs",
        title: format!("Median latency of {} and {}, block by block", old.case.mesh, new.case.mesh),
        note: "What disturbs one disturbs the other: the pairs are compared, not the two lots.".to_owned(),
        image,
        x,
        y,
        table,
    }))
}
