//! How a run went, second by second: [`Course`], and [`RunCourse`], as much of it as a chart shows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resources::{Group, Sample};
use crate::statistics::median;

/// The most points of a series that a report keeps: more than a chart of this width can show.
const MOST_POINTS: usize = 100;

/// About one second of a measured window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stretch {
    /// When it ended, in seconds since the window opened.
    pub until_seconds: f64,
    /// Requests that were answered or failed in it.
    pub requests: u64,
    /// Those that failed.
    pub errors: u64,
    /// Median latency of the successes, in nanoseconds; 0 where there was none.
    pub p50_ns: u64,
    /// 99th percentile of the latency of the successes, in nanoseconds; 0 where there was none.
    pub p99_ns: u64,
}

/// What one group used up to one reading.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UseUntil {
    /// When it was read, in seconds since the window opened.
    pub at_seconds: f64,
    /// CPU time since the reading before, as cores: 1.0 is one core busy throughout.
    pub cpu_cores: f64,
    /// Resident memory then, in bytes.
    pub resident_bytes: u64,
}

/// Something that happened to a container within the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Happening {
    /// When it was noticed, in seconds since the window opened.
    pub at_seconds: f64,
    /// What, with the container's name.
    pub what: String,
}

/// How a run went, besides what it came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    /// How long load flowed before the window opened, in seconds.
    pub warm_up_seconds: f64,
    /// The window, second by second.
    pub stretches: Vec<Stretch>,
    /// What each group used between readings.
    pub groups: BTreeMap<Group, Vec<UseUntil>>,
    /// Restarted and vanished containers.
    pub happenings: Vec<Happening>,
    /// CPU time that the hypervisor gave to others, as a share of the used cores' time; `None` where no kernel says.
    pub steal_share: Option<f64>,
}

/// A [`Course`] with at most a hundred points a series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunCourse {
    /// How long load flowed before the window opened, in seconds; nothing of it is recorded.
    pub warm_up_seconds: f64,
    /// The window in order. Of several seconds together, the median is the median of theirs and the 99th percentile the
    /// largest of theirs, so that no bad second is lost.
    pub stretches: Vec<Stretch>,
    /// What each group used. Of several readings together, CPU is their mean and memory their largest.
    pub groups: BTreeMap<Group, Vec<UseUntil>>,
    /// Restarted and vanished containers.
    pub happenings: Vec<Happening>,
}

impl Course {
    /// The median latency of each second of the window, in nanoseconds; seconds without a success are left out.
    #[must_use]
    pub fn p50_by_second_ns(&self) -> Vec<u64> {
        self.stretches.iter().map(|second| second.p50_ns).filter(|&p50| p50 > 0).collect()
    }

    /// Adds what the readings of the window say.
    #[must_use]
    pub fn with_readings(mut self, samples: &[Sample]) -> Self {
        let mut by_container: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
        for sample in samples {
            by_container.entry(&sample.container).or_default().push(sample);
        }
        for readings in by_container.values() {
            let usual_ns = readings.windows(2).map(|pair| passed_ns(pair[0], pair[1])).max().unwrap_or(0);
            // The window's edge comes soon after a reading: what is between says nothing of what is usual.
            let is_usual = |pair: &&[&Sample]| 2 * passed_ns(pair[0], pair[1]) >= usual_ns;
            for (index, pair) in readings.windows(2).filter(is_usual).enumerate() {
                self.add_use(index, pair[0], pair[1]);
            }
            self.happenings.extend(readings.windows(2).filter_map(|pair| happening(pair[0], pair[1])));
        }
        self.happenings.sort_by(|left, right| left.at_seconds.total_cmp(&right.at_seconds));
        self
    }

    /// Adds what a container used between two readings to the `index`-th point of its group: all containers are read in
    /// rounds.
    fn add_use(&mut self, index: usize, before: &Sample, now: &Sample) {
        let points = self.groups.entry(now.group).or_default();
        if points.len() == index {
            points.push(UseUntil { at_seconds: seconds(now.at_ns), cpu_cores: 0.0, resident_bytes: 0 });
        }
        let Some(point) = points.get_mut(index) else { return };
        let passed_ns = passed_ns(before, now).max(1);
        point.cpu_cores += now.cpu_ns.saturating_sub(before.cpu_ns) as f64 / passed_ns as f64;
        point.resident_bytes += now.resident_bytes;
    }

    /// As much of it as a report keeps.
    #[must_use]
    pub fn condensed(&self) -> RunCourse {
        let groups = self.groups.iter().map(|(group, points)| (*group, together(points, use_together)));
        RunCourse {
            warm_up_seconds: self.warm_up_seconds,
            stretches: together(&self.stretches, stretches_together),
            groups: groups.collect(),
            happenings: self.happenings.clone(),
        }
    }
}

fn happening(before: &Sample, now: &Sample) -> Option<Happening> {
    let ended = now.ended_processes.saturating_sub(before.ended_processes);
    let what = match (now.processes, ended) {
        (0, 1..) => format!("{} vanished", now.container),
        (_, 1) => format!("{}: a process ended", now.container),
        (_, 2..) => format!("{}: {ended} processes ended", now.container),
        (_, 0) => return None,
    };
    Some(Happening { at_seconds: seconds(now.at_ns), what })
}

fn passed_ns(before: &Sample, now: &Sample) -> i64 {
    now.at_ns.saturating_sub(before.at_ns)
}

fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}

/// Puts neighbours together, as many as it takes to be left with [`MOST_POINTS`].
fn together<Point>(points: &[Point], put: fn(&[Point]) -> Option<Point>) -> Vec<Point> {
    let neighbours = points.len().div_ceil(MOST_POINTS).max(1);
    points.chunks(neighbours).filter_map(put).collect()
}

fn stretches_together(seconds: &[Stretch]) -> Option<Stretch> {
    let p50s: Vec<f64> = seconds.iter().filter(|s| s.p50_ns > 0).map(|s| s.p50_ns as f64).collect();
    Some(Stretch {
        until_seconds: seconds.last()?.until_seconds,
        requests: seconds.iter().map(|second| second.requests).sum(),
        errors: seconds.iter().map(|second| second.errors).sum(),
        p50_ns: median(&p50s).unwrap_or(0.0) as u64,
        p99_ns: seconds.iter().map(|second| second.p99_ns).max()?,
    })
}

fn use_together(readings: &[UseUntil]) -> Option<UseUntil> {
    Some(UseUntil {
        at_seconds: readings.last()?.at_seconds,
        cpu_cores: readings.iter().map(|reading| reading.cpu_cores).sum::<f64>() / readings.len() as f64,
        resident_bytes: readings.iter().map(|reading| reading.resident_bytes).max()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second(index: u64, p50_ns: u64, p99_ns: u64) -> Stretch {
        Stretch { until_seconds: (index + 1) as f64, requests: 10, errors: 1, p50_ns, p99_ns }
    }

    fn sample(
        container: &str,
        at_seconds: i64,
        cpu_ns: u64,
        [processes, ended_processes]: [u32; 2],
    ) -> Sample {
        Sample {
            at_ns: at_seconds * 1_000_000_000,
            container: container.into(),
            group: Group::DataPlane,
            cpu_ns,
            cpu_error_ns: 0,
            resident_bytes: 100,
            rss_bytes: 100,
            peak_bytes: 100,
            processes,
            ended_processes,
        }
    }

    #[test]
    fn readings_of_a_group_are_added_up_round_by_round() {
        let samples = [
            sample("a", 0, 0, [2, 0]),
            sample("b", 0, 5, [1, 0]),
            sample("a", 2, 1_000_000_000, [2, 1]),
            sample("b", 2, 500_000_005, [1, 0]),
            sample("a", 3, 1_000_000_000, [2, 3]),
            sample("b", 3, 500_000_005, [0, 1]),
        ];
        let course = Course::default().with_readings(&samples);
        let points = &course.groups[&Group::DataPlane];
        let seen: Vec<_> = points.iter().map(|p| (p.at_seconds, p.cpu_cores, p.resident_bytes)).collect();
        assert_eq!(seen, [(2.0, 0.75, 200), (3.0, 0.0, 200)]);
        let happened: Vec<_> = course.happenings.iter().map(|h| (h.at_seconds, h.what.as_str())).collect();
        let expected = [(2.0, "a: a process ended"), (3.0, "a: 2 processes ended"), (3.0, "b vanished")];
        assert_eq!(happened, expected);
    }

    #[test]
    fn a_reading_soon_after_another_takes_no_others_place() {
        let samples = [(0, 0), (1, 50), (100, 5_000_000_000)]
            .map(|(at_seconds, cpu_ns)| sample("a", at_seconds, cpu_ns, [1, 0]));
        let course = Course::default().with_readings(&samples);
        let points: Vec<_> = course.groups[&Group::DataPlane].iter().map(|point| point.at_seconds).collect();
        assert_eq!(points, [100.0]);
    }

    #[test]
    fn a_second_without_a_success_is_no_median() {
        let stretches = vec![second(0, 5, 9), second(1, 0, 0), second(2, 7, 9)];
        let course = Course { stretches, ..Course::default() };
        assert_eq!(course.p50_by_second_ns(), [5, 7]);
    }

    proptest! {
        #[test]
        fn condensing_loses_no_request_and_no_bad_second(p99s in prop::collection::vec(1u64..1_000_000, 1..2_000)) {
            let stretches = p99s.iter().enumerate().map(|(index, &p99)| second(index as u64, 1, p99)).collect();
            let course = Course { stretches, ..Course::default() };
            let condensed = course.condensed();
            prop_assert!(condensed.stretches.len() <= MOST_POINTS);
            let requests: u64 = condensed.stretches.iter().map(|stretch| stretch.requests).sum();
            prop_assert_eq!(requests, 10 * p99s.len() as u64);
            let worst = condensed.stretches.iter().map(|stretch| stretch.p99_ns).max();
            prop_assert_eq!(worst, p99s.iter().copied().max());
            prop_assert_eq!(condensed.stretches.last().unwrap().until_seconds, p99s.len() as f64);
        }
    }
}
