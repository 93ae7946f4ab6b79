//! `meshbench report`: the page of finished campaigns, from what they left.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use meshbench_core::pooling::{PoolInput, Pooled};
use meshbench_report::html::{self, HtmlError, Sheet};

use crate::rebuild::{RebuildError, Rebuilt};

const FILE: &str = "report.html";

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReportError {
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    #[error(transparent)]
    Html(#[from] HtmlError),
    #[error(
        "the page of several campaigns belongs into none of their folders: say where it goes with --to FOLDER"
    )]
    NoPlace,
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot write to standard output")]
    Print(#[source] io::Error),
}

/// Reads the campaigns in `folders` and writes their page into `to`, or else into the folder of the only one.
///
/// # Errors
/// [`ReportError`]. A recording that is missing or damaged is none: the page says so.
pub(super) fn report(
    standard: &mut dyn Write,
    folders: &[PathBuf],
    to: Option<&Path>,
) -> Result<(), ReportError> {
    let place = match (to, folders) {
        (Some(to), _) => to,
        (None, [only]) => only,
        (None, _) => return Err(ReportError::NoPlace),
    };
    let campaigns: Vec<Rebuilt> =
        folders.iter().map(|folder| Rebuilt::read(folder)).collect::<Result<_, _>>()?;
    let sheets: Vec<_> = campaigns.iter().map(sheet).collect();
    let pooled = pool(&campaigns);
    let page = html::render(&sheets, pooled.as_ref())?;
    let path = place.join(FILE);
    let failed = |source| ReportError::Write { path: path.clone(), source };
    fs::create_dir_all(place).map_err(failed)?;
    fs::write(&path, page).map_err(failed)?;
    let unread = campaigns.iter().flat_map(|campaign| &campaign.unread);
    let left_out = pooled.iter().flat_map(Pooled::left_out);
    for warning in unread.cloned().chain(left_out) {
        writeln!(standard, "{warning}").map_err(ReportError::Print)?;
    }
    writeln!(standard, "{}", path.display()).map_err(ReportError::Print)
}

fn sheet(campaign: &Rebuilt) -> Sheet<'_> {
    Sheet { report: &campaign.report, files: &campaign.files, unread: &campaign.unread }
}

/// What campaigns come to together, and the clusters of each; `None` of a single one on a single cluster.
fn pool(campaigns: &[Rebuilt]) -> Option<Pooled> {
    let mut inputs = Vec::new();
    for campaign in campaigns {
        let mut own = PoolInput::of(&campaign.report, &campaign.latencies);
        if campaigns.len() > 1 && own.len() > 1 {
            own.iter_mut()
                .for_each(|input| input.name = format!("{}@{}", campaign.report.campaign, input.name));
        }
        inputs.extend(own);
    }
    (inputs.len() > 1).then(|| Pooled::of(&inputs))
}
