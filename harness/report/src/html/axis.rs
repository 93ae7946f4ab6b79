//! [`Axis`]: one direction of a chart, its bounds, and the ticks a person can read.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use serde::Serialize;

/// Room beyond the outermost values of a linear axis, as a share of what they span.
const MARGIN: f64 = 0.05;
/// About how many ticks a linear axis has.
const TICKS: f64 = 5.0;
/// With fewer round numbers than this within a logarithmic axis, numbers in between are marked too.
const FEWEST_TICKS: usize = 3;

/// How values become places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Scale {
    Linear,
    Logarithmic,
}

/// One direction of a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Axis {
    /// What it counts, with its unit; below or beside the chart.
    pub(super) title: String,
    scale: Scale,
    from: f64,
    to: f64,
    ticks: Vec<Tick>,
}

/// One marked place.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Tick {
    value: f64,
    label: String,
}

impl Axis {
    /// Each factor takes as much room as any other of its size. `None` without a value above zero.
    pub(super) fn logarithmic(
        title: &str,
        values: impl IntoIterator<Item = f64>,
        label: impl Fn(f64) -> String,
    ) -> Option<Self> {
        let (from, to) = bounds(values.into_iter().filter(|value| *value > 0.0))?;
        let (from, to) = (from / 1.15, to * 1.15);
        let within = |steps: &[f64]| -> Vec<f64> {
            let decades = from.log10().floor() as i32..=to.log10().ceil() as i32;
            let numbers = decades.flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
            numbers.filter(|number| (from..=to).contains(number)).collect()
        };
        let candidates = [
            within(&[1.0]),
            within(&[1.0, 3.0]),
            within(&[1.0, 2.0, 5.0]),
            within(&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]),
        ];
        let enough = candidates.into_iter().find(|numbers| numbers.len() >= FEWEST_TICKS);
        // Within less than a factor of two, a logarithmic axis looks like any other.
        let numbers = enough.unwrap_or_else(|| round_numbers(from, to));
        Some(Self::new(title, Scale::Logarithmic, (from, to), numbers, label))
    }

    /// From zero to beyond the largest value.
    pub(super) fn from_zero(
        title: &str,
        values: impl IntoIterator<Item = f64>,
        label: impl Fn(f64) -> String,
    ) -> Option<Self> {
        let (_, to) = bounds(values)?;
        let to = if to > 0.0 { to * (1.0 + MARGIN) } else { 1.0 };
        Some(Self::new(title, Scale::Linear, (0.0, to), round_numbers(0.0, to), label))
    }

    /// The same with ticks at round numbers of this unit, such as mebibytes.
    pub(super) fn in_units_of(mut self, unit: f64, label: impl Fn(f64) -> String) -> Self {
        let numbers = round_numbers(self.from / unit, self.to / unit);
        let tick = |number: f64| Tick { value: number * unit, label: label(number * unit) };
        self.ticks = numbers.into_iter().map(tick).collect();
        self
    }

    /// From below the smallest value to beyond the largest.
    pub(super) fn around(
        title: &str,
        values: impl IntoIterator<Item = f64>,
        label: impl Fn(f64) -> String,
    ) -> Option<Self> {
        let (from, to) = bounds(values)?;
        let margin = if to > from { (to - from) * MARGIN } else { from.abs().max(1.0) * MARGIN };
        let (from, to) = (from - margin, to + margin);
        Some(Self::new(title, Scale::Linear, (from, to), round_numbers(from, to), label))
    }

    /// From the one bound to the other, neither more nor less.
    pub(super) fn between(title: &str, from: f64, to: f64, label: impl Fn(f64) -> String) -> Self {
        Self::new(title, Scale::Linear, (from, to.max(from + 1e-9)), round_numbers(from, to), label)
    }

    /// A place for each of these words: 0, 1, 2, and so on.
    pub(super) fn of_words<'a>(title: &str, words: impl IntoIterator<Item = &'a str>) -> Self {
        let word = |(place, label): (usize, &str)| Tick { value: place as f64, label: label.to_owned() };
        let ticks: Vec<_> = words.into_iter().enumerate().map(word).collect();
        let to = ticks.len() as f64 - 0.5;
        Self { title: title.to_owned(), scale: Scale::Linear, from: -0.5, to: to.max(0.5), ticks }
    }

    /// These places and no others are marked.
    pub(super) fn marked(mut self, ticks: impl IntoIterator<Item = (f64, String)>) -> Self {
        let within = |tick: &Tick| (self.from..=self.to).contains(&tick.value);
        self.ticks = ticks.into_iter().map(|(value, label)| Tick { value, label }).filter(within).collect();
        self
    }

    fn new(
        title: &str,
        scale: Scale,
        (from, to): (f64, f64),
        numbers: Vec<f64>,
        label: impl Fn(f64) -> String,
    ) -> Self {
        let ticks = numbers.into_iter().map(|value| Tick { value, label: label(value) }).collect();
        Self { title: title.to_owned(), scale, from, to, ticks }
    }

    /// In a measure in which equal lengths of the axis are equal.
    fn measure(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.log10(),
        }
    }

    /// What stands at the tick nearest to a value.
    pub(super) fn label_at(&self, value: f64) -> String {
        let far = |tick: &&Tick| (tick.value - value).abs();
        let nearest = self.ticks.iter().min_by(|left, right| far(left).total_cmp(&far(right)));
        nearest.map(|tick| tick.label.clone()).unwrap_or_default()
    }

    /// How wide the longest label is, in letters.
    pub(super) fn longest_label(&self) -> usize {
        self.ticks.iter().map(|tick| tick.label.chars().count()).max().unwrap_or(0)
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    /// A value beyond an end is at that end.
    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let [from, to, at] = [self.from, self.to, value.clamp(self.from, self.to)].map(|v| self.measure(v));
        start + (f64::from(end - start) * (at - from) / (to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|tick| tick.value).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

fn bounds(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(None, |bounds, value| {
        let (least, most) = bounds.unwrap_or((value, value));
        Some((value.min(least), value.max(most)))
    })
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn round_numbers(from: f64, to: f64) -> Vec<f64> {
    let rough = (to - from) / TICKS;
    if rough.is_nan() || rough <= 0.0 {
        return vec![from];
    }
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(power * 10.0);
    let first = (from / step).ceil() as i64;
    let last = (to / step).floor() as i64;
    // Sums of a tenth are no tenths: without the last digits, labels stay short.
    let rounded = |number: f64| (number * 1e9).round() / 1e9;
    (first..=last).map(|multiple| rounded(multiple as f64 * step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(axis: &Axis) -> Vec<f64> {
        axis.ticks.iter().map(|tick| tick.value).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        let label = |value: f64| value.to_string();
        let axis = Axis::from_zero("", [3.0, 48.0], label).unwrap();
        assert_eq!(values(&axis), [0.0, 20.0, 40.0]);
        let axis = Axis::logarithmic("", [0.9, 1_500.0], label).unwrap();
        assert_eq!(values(&axis), [1.0, 10.0, 100.0, 1_000.0]);
        let axis = Axis::logarithmic("", [1.3, 4.4], label).unwrap();
        assert_eq!(values(&axis), [1.5, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(Axis::logarithmic("", [0.0, f64::NAN], label), None);
        assert_eq!(Axis::from_zero("", [], label), None);
        assert_eq!(Axis::of_words("", ["p50", "max"]).range(), -0.5..1.5);
    }

    proptest! {
        #[test]
        fn every_value_has_a_place_within(values in prop::collection::vec(1e-6f64..1e12, 1..20)) {
            let label = |value: f64| value.to_string();
            for axis in [Axis::logarithmic("", values.clone(), label), Axis::from_zero("", values.clone(), label),
                Axis::around("", values.clone(), label)] {
                let axis = axis.unwrap();
                let (least, most) = bounds(values.iter().copied()).unwrap();
                prop_assert!(axis.from <= least && most <= axis.to && axis.from < axis.to);
                prop_assert!((0..=1_000).contains(&axis.map(&least, (0, 1_000))));
                prop_assert!(axis.map(&least, (0, 1_000)) <= axis.map(&most, (0, 1_000)));
                prop_assert!((1..=20).contains(&axis.ticks.len()), "{:?}", axis.ticks);
                prop_assert!(axis.ticks.iter().all(|tick| (axis.from..=axis.to).contains(&tick.value)));
            }
        }
    }
}
