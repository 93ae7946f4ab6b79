//! [`Plot`]: the area of a chart that marks are put on, in the units of its axes.

use std::convert::Infallible;

use plotters::coord::ranged1d::Ranged;
use plotters::prelude::*;
use serde::Serialize;

use super::HtmlError;
use super::axis::Axis;
use super::canvas::{Ink, SvgCanvas};

/// The size of a chart, in units that are pixels where there is room for it: on a telephone, its letters are still read.
const SIZE: (u32, u32) = (520, 300);
const LETTER: u32 = 13;
/// About how wide a letter is.
const LETTER_WIDTH: usize = 8;
const DOT: u32 = 4;
const SMALL_DOT: u32 = 2;

type Area<'a> = DrawingArea<SvgCanvas<'a>, Cartesian2d<Axis, Axis>>;
/// Whether a mark could be put there.
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<Infallible>>;

/// An SVG image, and where its plot lies within.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Image {
    /// What is in the outermost element.
    pub(super) content: String,
    /// Its width.
    pub(super) width: u32,
    /// Its height.
    pub(super) height: u32,
    /// Left, right, top and bottom edge of the plot.
    pub(super) plot: [i32; 4],
}

/// What marks are put on.
pub(super) struct Plot<'a, 'b> {
    area: &'a Area<'b>,
    x: &'a Axis,
    y: &'a Axis,
}

/// Draws a chart with these axes.
///
/// # Errors
/// [`HtmlError::Chart`] where the library refuses.
pub(super) fn draw(
    x: &Axis,
    y: &Axis,
    marks: impl FnOnce(&Plot<'_, '_>) -> Drawn,
) -> Result<Image, HtmlError> {
    let mut content = String::new();
    let plot = draw_into(&mut content, x, y, marks).map_err(|why| HtmlError::Chart(why.to_string()))?;
    Ok(Image { content, width: SIZE.0, height: SIZE.1, plot })
}

fn draw_into(
    content: &mut String,
    x: &Axis,
    y: &Axis,
    marks: impl FnOnce(&Plot<'_, '_>) -> Drawn,
) -> Result<[i32; 4], DrawingAreaErrorKind<Infallible>> {
    let root = SvgCanvas::new(content, SIZE).into_drawing_area();
    let left = u32::try_from(y.longest_label() * LETTER_WIDTH + LETTER_WIDTH).unwrap_or(SIZE.0);
    let mut chart = ChartBuilder::on(&root)
        .margin(LETTER_WIDTH as u32)
        .margin_right(2 * LETTER)
        .x_label_area_size(2 * LETTER)
        .y_label_area_size(left.min(SIZE.0 / 2))
        .build_cartesian_2d(x.clone(), y.clone())?;
    let colour = Ink::Text.colour();
    let text = TextStyle::from(("sans-serif", LETTER).into_font()).color(&colour);
    chart
        .configure_mesh()
        .axis_style(Ink::Axis.colour())
        .bold_line_style(Ink::Grid.colour())
        .x_label_style(text.clone())
        .y_label_style(text)
        .x_label_formatter(&|value| x.label_at(*value))
        .y_label_formatter(&|value| y.label_at(*value))
        .draw()?;
    marks(&Plot { area: chart.plotting_area(), x, y })?;
    let (across, down) = chart.plotting_area().get_pixel_range();
    Ok([across.start, across.end, down.start, down.end])
}

impl Plot<'_, '_> {
    /// A line through these points; none through fewer than two.
    pub(super) fn line(&self, points: impl IntoIterator<Item = (f64, f64)>, ink: Ink) -> Drawn {
        let points: Vec<_> = points.into_iter().collect();
        if points.len() < 2 {
            return Ok(());
        }
        self.area.draw(&PathElement::new(points, ink.colour()))
    }

    /// What stands for a value.
    pub(super) fn dot(&self, at: (f64, f64), ink: Ink) -> Drawn {
        let is_open = matches!(ink, Ink::Doubtful(_));
        let style = if is_open { ShapeStyle::from(ink.colour()) } else { ink.colour().filled() };
        self.area.draw(&Circle::new(at, DOT, style))
    }

    /// What stands for one of many values.
    pub(super) fn small_dot(&self, at: (f64, f64), ink: Ink) -> Drawn {
        self.area.draw(&Circle::new(at, SMALL_DOT, ink.colour().filled()))
    }

    /// What stands for a value that is another kind of answer than the dots are, whatever its colour.
    pub(super) fn cross(&self, at: (f64, f64), ink: Ink) -> Drawn {
        self.area.draw(&Cross::new(at, DOT, ink.colour()))
    }

    /// Everything between the least and the most from place to place: an area, or a line at a single place.
    pub(super) fn band(&self, places: impl IntoIterator<Item = (f64, (f64, f64))>, ink: Ink) -> Drawn {
        let places: Vec<_> = places.into_iter().collect();
        if let [(x, bounds)] = places.as_slice() {
            return self.upright(*x, *bounds, ink);
        }
        let most = places.iter().map(|(x, (_, most))| (*x, *most));
        let least = places.iter().rev().map(|(x, (least, _))| (*x, *least));
        self.area.draw(&Polygon::new(most.chain(least).collect::<Vec<_>>(), ink.colour()))
    }

    /// From the least to the most at one place, if these are two.
    pub(super) fn upright(&self, x: f64, (least, most): (f64, f64), ink: Ink) -> Drawn {
        if least == most {
            return Ok(());
        }
        self.area.draw(&PathElement::new(vec![(x, least), (x, most)], ink.colour()))
    }

    /// The same across.
    pub(super) fn level(&self, y: f64, (least, most): (f64, f64), ink: Ink) -> Drawn {
        if least == most {
            return Ok(());
        }
        self.area.draw(&PathElement::new(vec![(least, y), (most, y)], ink.colour()))
    }

    /// A filled rectangle between two corners.
    pub(super) fn rectangle(&self, one: (f64, f64), other: (f64, f64), ink: Ink) -> Drawn {
        self.area.draw(&Rectangle::new([one, other], ink.colour().filled()))
    }

    /// An upright line from the bottom to the top.
    pub(super) fn moment(&self, x: f64, ink: Ink) -> Drawn {
        let y = self.y.range();
        self.area.draw(&PathElement::new(vec![(x, y.start), (x, y.end)], ink.colour()))
    }

    /// A level line from the left to the right.
    pub(super) fn threshold(&self, y: f64, ink: Ink) -> Drawn {
        let x = self.x.range();
        self.area.draw(&PathElement::new(vec![(x.start, y), (x.end, y)], ink.colour()))
    }

    /// Everything between two places, from the bottom to the top.
    pub(super) fn stretch(&self, from: f64, to: f64, ink: Ink) -> Drawn {
        let y = self.y.range();
        let corners = [(from, y.start), (to, y.end)];
        self.area.draw(&Rectangle::new(corners, ink.colour().filled()))
    }
}
