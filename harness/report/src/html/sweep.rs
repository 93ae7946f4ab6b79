//! [`SweepPart`]: a matrix's rates side by side.

use meshbench_core::report::Report;
use serde::Serialize;

use super::HtmlError;
use super::chart::{DataTable, Figure, Palette, rates};
use super::page::data_table;
use crate::facts::{Sweep, sweeps};

/// A matrix's rates side by side.
#[derive(Debug, Serialize)]
pub(super) struct SweepPart {
    title: String,
    table: DataTable,
    legend: Option<&'static str>,
    figures: Vec<Figure>,
}

impl SweepPart {
    /// One for each scenario and duration with several rates.
    ///
    /// # Errors
    /// [`HtmlError::Chart`].
    pub(super) fn all(report: &Report, palette: &Palette) -> Result<Vec<Self>, HtmlError> {
        sweeps(report).iter().map(|sweep| Self::of(sweep, palette)).collect()
    }

    fn of(sweep: &Sweep<'_>, palette: &Palette) -> Result<Self, HtmlError> {
        let (table, figures) = (data_table(&sweep.table()), rates(sweep, palette)?);
        Ok(Self { title: sweep.title.clone(), table, legend: sweep.legend(), figures })
    }
}
