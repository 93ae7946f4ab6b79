//! [`SvgCanvas`]: what the plotting library draws on, and [`Ink`], what it draws with.
//!
//! The library's own SVG has a colour in each element. Ours has a class: the page's style sheet then decides what a mesh
//! looks like on screen, in the dark and on paper, and what is hidden.

use std::convert::Infallible;
use std::fmt::Write as _;

use plotters::style::RGBColor;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

/// What something on a chart is, which its looks follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Words and numbers.
    Text,
    /// Lines that lead from a tick through the plot.
    Grid,
    /// The edges of the plot.
    Axis,
    /// An area set apart, such as a warm-up.
    Shade,
    /// A line that others are read against.
    Reference,
    /// The moment of a happening.
    Happening,
    /// What counts of a mesh.
    Mesh(usize),
    /// One run of a mesh among others.
    Run(usize),
    /// The second of two lines of a mesh.
    Second(usize),
    /// What too few requests stand behind.
    Doubtful(usize),
    /// Where the values of a mesh lie.
    Band(usize),
}

impl Ink {
    /// The colour that stands for it on its way through the library: kind and mesh, never to be seen.
    pub(super) fn colour(self) -> RGBColor {
        let (kind, mesh) = match self {
            Self::Text => (0, 0),
            Self::Grid => (1, 0),
            Self::Axis => (2, 0),
            Self::Shade => (3, 0),
            Self::Reference => (4, 0),
            Self::Happening => (5, 0),
            Self::Mesh(mesh) => (6, mesh),
            Self::Run(mesh) => (7, mesh),
            Self::Second(mesh) => (8, mesh),
            Self::Doubtful(mesh) => (9, mesh),
            Self::Band(mesh) => (10, mesh),
        };
        let [high, low] = u16::try_from(mesh).unwrap_or(u16::MAX).to_be_bytes();
        RGBColor(kind, high, low)
    }

    /// The classes of what was drawn in such a colour.
    fn classes(colour: BackendColor) -> String {
        const KINDS: [&str; 11] = ["t", "g", "x", "s", "f", "h", "", "r", "d", "q", "b"];
        let (kind, high, low) = colour.rgb;
        let kind = KINDS.get(usize::from(kind)).copied().unwrap_or_default();
        match colour.rgb.0 {
            0..=5 => kind.to_owned(),
            6 => format!("m{}", u16::from_be_bytes([high, low])),
            _ => format!("m{} {kind}", u16::from_be_bytes([high, low])),
        }
    }
}

/// An SVG image without its outermost element, as it grows.
pub(super) struct SvgCanvas<'a> {
    out: &'a mut String,
    size: (u32, u32),
}

impl<'a> SvgCanvas<'a> {
    /// An empty image of so many units.
    pub(super) fn new(out: &'a mut String, size: (u32, u32)) -> Self {
        Self { out, size }
    }

    fn write(&mut self, element: std::fmt::Arguments<'_>) -> Result<(), DrawingErrorKind<Infallible>> {
        // Writing to a string does not fail.
        let _ = self.out.write_fmt(element);
        Ok(())
    }
}

fn points(path: impl IntoIterator<Item = BackendCoord>) -> String {
    let mut points = String::new();
    let mut last = None;
    for (x, y) in path {
        // Neighbours that fall on one point are one.
        if last.replace((x, y)) != Some((x, y)) {
            let separator = if points.is_empty() { "" } else { " " };
            let _ = write!(points, "{separator}{x},{y}");
        }
    }
    points
}

impl DrawingBackend for SvgCanvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(
        &mut self,
        (x, y): BackendCoord,
        color: BackendColor,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let classes = Ink::classes(color);
        self.write(format_args!("<rect class=\"{classes} a\" x=\"{x}\" y=\"{y}\" width=\"1\" height=\"1\"/>"))
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let classes = Ink::classes(style.color());
        let filled = if fill { " a" } else { "" };
        let (x, y) = (left.min(right), top.min(bottom));
        let (width, height) = ((right - left).abs().max(1), (bottom - top).abs().max(1));
        self.write(format_args!(
            "<rect class=\"{classes}{filled}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
        ))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let classes = Ink::classes(style.color());
        let points = points(path);
        self.write(format_args!("<polyline class=\"{classes}\" points=\"{points}\"/>"))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let classes = Ink::classes(style.color());
        let filled = if fill { " a" } else { "" };
        self.write(format_args!("<circle class=\"{classes}{filled}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>"))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let classes = Ink::classes(style.color());
        let points = points(path);
        self.write(format_args!("<polygon class=\"{classes} a\" points=\"{points}\"/>"))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        let lowered = match style.anchor().v_pos {
            VPos::Top => ".8em",
            VPos::Center => ".35em",
            VPos::Bottom => "-.3em",
        };
        let text = minijinja::HtmlEscape(text);
        self.write(format_args!(
            "<text x=\"{x}\" y=\"{y}\" dy=\"{lowered}\" text-anchor=\"{anchor}\">{text}</text>"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(draw: impl FnOnce(&mut SvgCanvas<'_>)) -> String {
        let mut out = String::new();
        draw(&mut SvgCanvas::new(&mut out, (100, 50)));
        out
    }

    #[test]
    fn what_a_mark_is_becomes_its_classes() {
        let colour = |ink: Ink| {
            let RGBColor(kind, high, low) = ink.colour();
            BackendColor { alpha: 1.0, rgb: (kind, high, low) }
        };
        let classes = |ink: Ink| Ink::classes(colour(ink));
        assert_eq!(classes(Ink::Grid), "g");
        assert_eq!(classes(Ink::Mesh(3)), "m3");
        assert_eq!(classes(Ink::Doubtful(300)), "m300 q");
        assert_eq!([Ink::Run(0), Ink::Second(0)].map(classes), ["m0 r", "m0 d"]);
        let line = drawn(|canvas| canvas.draw_path([(1, 2), (1, 2), (3, 4)], &colour(Ink::Run(7))).unwrap());
        assert_eq!(line, "<polyline class=\"m7 r\" points=\"1,2 3,4\"/>");
    }

    #[test]
    fn words_cannot_open_an_element() {
        use plotters::prelude::*;
        let out = drawn(|canvas| {
            let style = TextStyle::from(("sans-serif", 13).into_font());
            canvas.draw_text("</text><script>", &style, (1, 2)).unwrap();
        });
        assert!(out.contains("&lt;script&gt;") && !out.contains("<script>"), "{out}");
    }
}
