//! Lays a [`Table`] out in aligned columns: names to the left, figures to the right, differences beside their figure.

use super::style::Style;
use super::text::{WIDTH, printable, width};
use crate::facts::{Cell, Table, Tone};

const MARGIN: usize = 2;
const FEWEST_NAME_COLUMNS: usize = 8;

/// How a column is laid out.
struct Lane {
    /// Space before it: more where a section begins.
    gap: usize,
    text: usize,
    /// Width of the differences with the space before them; 0 without any.
    difference: usize,
    is_word: bool,
}

impl Lane {
    fn width(&self) -> usize {
        self.text + self.difference
    }
}

/// The table as lines no wider than the page, as long as the name of a row can give way or there is a section to go below
/// the others.
pub(super) fn lay_out(table: &Table, style: Style) -> Vec<String> {
    let lanes = lanes(table);
    let is_too_wide = lanes.iter().map(|lane| lane.gap + lane.width()).sum::<usize>() > WIDTH;
    if let Some([first, rest]) = is_too_wide.then(|| first_section_apart(table)).flatten() {
        return [lay_out(&first, style), lay_out(&rest, style)].concat();
    }
    let mut lines = Vec::new();
    if table.columns.iter().any(|column| !column.section.is_empty()) {
        lines.push(style.paint(Tone::Heading, &section_line(table, &lanes)));
    }
    let names =
        table.columns.iter().map(|column| Cell::new(column.short.as_ref(), Tone::Faint)).collect::<Vec<_>>();
    lines.push(row_line(&names, &lanes, style));
    lines.extend(table.rows.iter().map(|row| row_line(row, &lanes, style)));
    lines
}

/// The first section and the others, each with the names of the rows; `None` of a single section.
fn first_section_apart(table: &Table) -> Option<[Table; 2]> {
    let begins = |index: &usize| table.columns[*index].section != table.columns[index - 1].section;
    let second = (2..table.columns.len()).find(begins)?;
    let part = |from: usize, until: usize| {
        let of = |index: usize| index == 0 || (from..until).contains(&index);
        let columns = table.columns.iter().enumerate().filter(|(index, _)| of(*index));
        let cells = |row: &Vec<Cell>| {
            row.iter().enumerate().filter(|(index, _)| of(*index)).map(|(_, cell)| cell.clone()).collect()
        };
        Table {
            columns: columns.map(|(_, column)| column.clone()).collect(),
            rows: table.rows.iter().map(cells).collect(),
        }
    };
    Some([part(0, second), part(second, table.columns.len())])
}

fn lanes(table: &Table) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for (index, column) in table.columns.iter().enumerate() {
        let cells = || table.rows.iter().filter_map(|row| row.get(index));
        let widest = cells().map(|cell| width(&printable(&cell.text))).max().unwrap_or(0);
        let difference = cells().map(|cell| width(&cell.difference)).max().unwrap_or(0);
        let begins_section = index > 0 && column.section != table.columns[index - 1].section;
        lanes.push(Lane {
            gap: if index == 0 { MARGIN } else { 2 + usize::from(begins_section) },
            text: widest.max(width(&column.short)),
            difference: if difference == 0 { 0 } else { difference + 1 },
            is_word: column.short == "mesh" || column.short == "verdict",
        });
    }
    let excess = lanes.iter().map(|lane| lane.gap + lane.width()).sum::<usize>().saturating_sub(WIDTH);
    if let Some(name) = lanes.first_mut() {
        name.text = name.text.saturating_sub(excess).max(FEWEST_NAME_COLUMNS.min(name.text));
    }
    lanes
}

/// Each section's title above the first of its columns.
fn section_line(table: &Table, lanes: &[Lane]) -> String {
    let mut line = String::new();
    let mut at = 0;
    for (index, (column, lane)) in table.columns.iter().zip(lanes).enumerate() {
        at += lane.gap;
        if index > 0 && column.section != table.columns[index - 1].section {
            line = format!("{line:<at$}{}", column.section);
        }
        at += lane.width();
    }
    line
}

fn row_line(cells: &[Cell], lanes: &[Lane], style: Style) -> String {
    let mut line = String::new();
    // Padding is owed until something follows it, so that no line ends in spaces.
    let mut owed = 0;
    for (cell, lane) in cells.iter().zip(lanes) {
        let text = shortened(&printable(&cell.text), lane.text);
        let padding = lane.text - width(&text);
        owed += lane.gap;
        if !lane.is_word {
            owed += padding;
        }
        line += &" ".repeat(std::mem::take(&mut owed));
        line += &style.paint(cell.tone, &text);
        if lane.is_word {
            owed += padding;
        }
        let difference = width(&cell.difference);
        if difference > 0 {
            line.push(' ');
            line += &style.paint(Tone::Faint, &cell.difference);
            owed += lane.difference - 1 - difference;
        } else {
            owed += lane.difference;
        }
    }
    line
}

fn shortened(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
