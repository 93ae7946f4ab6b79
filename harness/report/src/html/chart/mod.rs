//! The charts of a report, one file for each question they answer.

mod by_rate;
mod comparison;
mod course;
mod curves;
mod latency;
mod limits;
mod rates;
mod resources;
mod scene;

pub(super) use comparison::comparisons;
pub(super) use course::courses;
pub(super) use curves::{cells, curves};
pub(super) use latency::{by_percentile, over_bare};
pub(super) use limits::limits;
pub(super) use rates::rates;
pub(super) use resources::resources;
pub(super) use scene::{Palette, Scene};

use serde::Serialize;

use super::axis::Axis;
use super::plot::Image;

/// A chart with everything around it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Figure {
    /// Which chart this is, the same in every report.
    pub(super) kind: &'static str,
    /// What is shown, as a statement.
    pub(super) title: String,
    /// How to read it.
    pub(super) note: String,
    /// The image.
    pub(super) image: Image,
    /// What it is drawn along.
    pub(super) x: Axis,
    /// What it is drawn up.
    pub(super) y: Axis,
    /// The same in numbers.
    pub(super) table: DataTable,
}

/// What ticks of memory are multiples of.
const MEBIBYTE: f64 = 1_048_576.0;

/// The numbers behind a chart.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct DataTable {
    /// The columns; the first names the rows.
    pub(super) columns: Vec<String>,
    /// The rows, each with a cell for every column.
    pub(super) rows: Vec<Vec<String>>,
}

impl DataTable {
    /// A table with these columns and no row.
    fn of<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        Self { columns: columns.into_iter().map(str::to_owned).collect(), rows: Vec::new() }
    }
}
