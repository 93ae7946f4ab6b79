//! `meshbench history`: what became of each case from campaign to campaign.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use meshbench_core::campaign_means::{CampaignMeans, Mean};
use meshbench_core::history::{Series, Shift, series};
use meshbench_core::metric::{Metric, Unit};

use crate::baselines::history_file::{self, HistoryError};

/// Why histories could not be shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum HistoryCommandError {
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("cannot read {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("cannot write to standard output")]
    Print(#[from] io::Error),
}

/// Prints the histories of all environments under `snapshots`, of the cases whose name contains `filter`.
///
/// # Errors
/// [`HistoryCommandError`] at the first history that cannot be read.
pub(super) fn show(
    out: &mut dyn Write,
    snapshots: &Path,
    filter: Option<&str>,
) -> Result<(), HistoryCommandError> {
    let mut is_empty = true;
    for class in classes(snapshots)? {
        let campaigns = history_file::read(&class)?;
        let name = class.file_name().unwrap_or_default().to_string_lossy();
        for series in series(&campaigns) {
            let case = series.campaigns.first().map_or("", |first| first.subject.case.as_str());
            if filter.is_none_or(|text| case.contains(text)) {
                is_empty = false;
                writeln!(out, "{case} on {name}")?;
                show_series(out, &series)?;
            }
        }
    }
    if is_empty {
        writeln!(
            out,
            "no campaign is recorded: every valid one adds to the history, in CI with MESHBENCH_RECORD_HISTORY=1"
        )?;
    }
    Ok(())
}

fn show_series(out: &mut dyn Write, series: &Series<'_>) -> io::Result<()> {
    let metrics: Vec<_> = series.metrics().collect();
    let mut rows = vec![heading(&metrics)];
    rows.extend(series.campaigns.iter().map(|campaign| row(campaign, &metrics)));
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(out, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    let shifts: Vec<_> = metrics.iter().flat_map(|metric| series.shifts(*metric)).collect();
    for Shift { metric, from, ratio, p } in shifts {
        let percent = (ratio - 1.0) * 100.0;
        writeln!(
            out,
            "  advisory: {metric} seems {percent:+.1}% from {} on (Pettitt's test, p = {p:.3}): look at what changed there",
            from.campaign
        )?;
    }
    writeln!(out)
}

fn heading(metrics: &[Metric]) -> Vec<String> {
    let mut heading: Vec<_> = ["campaign", "version", "verdict"].map(str::to_owned).to_vec();
    heading.extend(metrics.iter().map(|metric| metric.name().to_owned()));
    heading
}

fn row(campaign: &CampaignMeans, metrics: &[Metric]) -> Vec<String> {
    let CampaignMeans { campaign: id, subject, verdict, .. } = campaign;
    let mut row = vec![id.clone(), subject.mesh_version.clone(), verdict.clone()];
    row.extend(
        metrics
            .iter()
            .map(|metric| campaign.mean(*metric).map_or("–".to_owned(), |mean| cell(*metric, mean))),
    );
    row
}

/// The mesh over `bare`, which moves less than the values do; memory as it is.
fn cell(metric: Metric, mean: &Mean) -> String {
    match metric.unit() {
        Unit::Memory => metric.unit().show(mean.value, 3),
        unit => format!("×{:.2} ({})", mean.log.exp(), unit.show(mean.value, 3)),
    }
}

fn classes(snapshots: &Path) -> Result<Vec<PathBuf>, HistoryCommandError> {
    let failed = |source| HistoryCommandError::Folder { path: snapshots.to_owned(), source };
    let entries = match fs::read_dir(snapshots) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut folders: Vec<_> = paths.map_err(failed)?.into_iter().filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}
