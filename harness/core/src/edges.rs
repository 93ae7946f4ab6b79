//! Readings taken at moments of their own, brought to the edges of a measured window.
//!
//! A kubelet refreshes a container's counters every ten seconds or so, each container at its own time, and nobody can ask
//! for the moment a window opens. METHOD.md, section 2: CPU comes from cumulative counters, so what a window used is the
//! difference of the counter at its edges. There it is interpolated between the readings around; as a counter never falls,
//! the truth lies between these two, which bounds the error whatever the container did in between.

use std::collections::BTreeMap;

use crate::resources::{Group, Sample};

/// One reading of a container's counters, at the moment the counters were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Which container, for example `web-0/istio-proxy`.
    pub container: String,
    /// Whose cost it is.
    pub group: Group,
    /// When it started, in nanoseconds since 1970: another time than before is a restart.
    pub started_unix_ns: u64,
    /// When the counters had these values, in nanoseconds since 1970.
    pub at_unix_ns: u64,
    /// CPU time used since it started, in nanoseconds.
    pub cpu_ns: u64,
    /// Its working set, in bytes.
    pub working_set_bytes: u64,
    /// Its resident set, in bytes.
    pub rss_bytes: u64,
}

/// The samples of a window: for each container one at either edge, and one at each reading in between.
///
/// A container that restarted goes on counting where it was, with the restart in `ended_processes`. One without a reading
/// at or after the window's end has vanished: what it had used is kept, and what it used after its last reading is not
/// known. `peak_bytes` is the largest working set of any reading until then, for the kubelet keeps no peak.
#[must_use]
pub fn at_edges(readings: &[Reading], window_start_unix_ns: u64, window_end_unix_ns: u64) -> Vec<Sample> {
    let (start, end) = (window_start_unix_ns, window_end_unix_ns);
    let own_moments = |readings: &[&Reading]| {
        let inside = readings.iter().map(|reading| reading.at_unix_ns).filter(|&at| at > start && at < end);
        [start].into_iter().chain(inside).chain([end]).collect()
    };
    by_container(readings).into_values().flat_map(|of_one| samples_of(of_one, start, own_moments)).collect()
}

/// The samples of a window at moments that all containers have in common, `step_ns` apart and at its end: what adding
/// containers up takes, whose readings are each at their own times.
#[must_use]
pub fn in_step(
    readings: &[Reading],
    window_start_unix_ns: u64,
    window_end_unix_ns: u64,
    step_ns: u64,
) -> Vec<Sample> {
    let step = usize::try_from(step_ns).unwrap_or(usize::MAX).max(1);
    let moments: Vec<_> =
        (window_start_unix_ns..window_end_unix_ns).step_by(step).chain([window_end_unix_ns]).collect();
    let containers = by_container(readings).into_values();
    containers.flat_map(|readings| samples_of(readings, window_start_unix_ns, |_| moments.clone())).collect()
}

fn by_container(readings: &[Reading]) -> BTreeMap<&str, Vec<&Reading>> {
    let mut by_container: BTreeMap<&str, Vec<&Reading>> = BTreeMap::new();
    for reading in readings {
        by_container.entry(&reading.container).or_default().push(reading);
    }
    by_container
}

/// The samples of one container, in order of time.
fn samples_of(
    mut readings: Vec<&Reading>,
    start: u64,
    moments: impl Fn(&[&Reading]) -> Vec<u64>,
) -> Vec<Sample> {
    readings.sort_by_key(|reading| (reading.at_unix_ns, reading.cpu_ns));
    let lives = lives_of(&readings);
    let mut moments = moments(&readings);
    moments.dedup();
    moments.into_iter().filter_map(|at| sample_at(at, start, &readings, &lives)).collect()
}

fn sample_at(at: u64, window_start: u64, readings: &[&Reading], lives: &[Life]) -> Option<Sample> {
    let known = &readings[..readings.partition_point(|reading| reading.at_unix_ns <= at)];
    let is_running = readings.len() > known.len() || known.last().is_some_and(|last| last.at_unix_ns == at);
    // Before its first reading a container that already ran had some memory: what it was first seen to have.
    let began = lives.first().is_some_and(|life| life.started_before(at));
    let level = known.last().or_else(|| readings.first().filter(|_| began)).filter(|_| is_running);
    let first = readings.first()?;
    let (cpu_ns, cpu_error_ns) = lives.iter().map(|life| life.cpu_at(at)).fold((0, 0), add);
    let peak = known.iter().copied().chain(level.copied()).map(|reading| reading.working_set_bytes).max();
    Some(Sample {
        at_ns: i64::try_from(at.saturating_sub(window_start)).unwrap_or(i64::MAX),
        container: first.container.clone(),
        group: first.group,
        cpu_ns,
        cpu_error_ns,
        resident_bytes: level.map_or(0, |reading| reading.working_set_bytes),
        rss_bytes: level.map_or(0, |reading| reading.rss_bytes),
        peak_bytes: peak.unwrap_or(0),
        processes: u32::from(is_running),
        ended_processes: ended_before(at, lives) + u32::from(began && !is_running),
    })
}

fn add((cpu, error): (u64, u64), (more_cpu, more_error): (u64, u64)) -> (u64, u64) {
    (cpu + more_cpu, error + more_error)
}

/// How many lives another has followed until `at`.
fn ended_before(at: u64, lives: &[Life]) -> u32 {
    let begun = lives.iter().filter(|life| life.started_before(at)).count();
    u32::try_from(begun.saturating_sub(1)).unwrap_or(u32::MAX)
}

/// A container from one start to the next: points of a counter that begins at zero and never falls.
struct Life {
    points: Vec<(u64, u64)>,
}

/// The lives of a container whose readings are in order of time. Lives can overlap: a pod that takes another's place starts
/// while that one ends.
fn lives_of(readings: &[&Reading]) -> Vec<Life> {
    let mut by_start: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
    for reading in readings {
        let points = by_start.entry(reading.started_unix_ns).or_default();
        points.push((reading.at_unix_ns, reading.cpu_ns));
    }
    by_start.into_iter().flat_map(|(started, points)| split_where_it_falls(started, points)).collect()
}

/// A counter that fell counts anew from some moment since the reading before, though nothing said that it started again.
fn split_where_it_falls(started: u64, points: Vec<(u64, u64)>) -> Vec<Life> {
    let mut lives = vec![Life { points: vec![(started, 0)] }];
    for (at, cpu_ns) in points {
        let last = lives.last().and_then(|life| life.points.last()).copied();
        match (last, lives.last_mut()) {
            (Some((since, counted)), _) if cpu_ns < counted => {
                lives.push(Life { points: vec![(since, 0), (at, cpu_ns)] });
            }
            (_, Some(life)) => life.points.push((at, cpu_ns)),
            (_, None) => {}
        }
    }
    lives
}

impl Life {
    fn started_before(&self, at: u64) -> bool {
        self.points.first().is_some_and(|&(started, _)| started <= at)
    }

    /// The counter at a moment, and how far that can be from the truth, in nanoseconds of CPU time.
    fn cpu_at(&self, at: u64) -> (u64, u64) {
        let after = self.points.partition_point(|&(moment, _)| moment <= at);
        let before = after.checked_sub(1).and_then(|index| self.points.get(index));
        match (before, self.points.get(after)) {
            (None, _) => (0, 0),
            (Some(&(_, cpu_ns)), None) => (cpu_ns, 0),
            (Some(&(then, low)), Some(&(later, high))) => {
                let grown = u128::from(high - low) * u128::from(at - then) / u128::from(later - then);
                let grown = u64::try_from(grown).unwrap_or(u64::MAX);
                let error = if at == then { 0 } else { grown.max(high - low - grown) };
                (low + grown, error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::ResourceUse;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn reading(started: u64, at: u64, cpu_ms: u64, working_set_bytes: u64) -> Reading {
        Reading {
            container: "web-0/web".into(),
            group: Group::Application,
            started_unix_ns: started * SECOND,
            at_unix_ns: at * SECOND,
            cpu_ns: cpu_ms * 1_000_000,
            working_set_bytes,
            rss_bytes: working_set_bytes / 2,
        }
    }

    fn samples(readings: &[Reading]) -> Vec<Sample> {
        at_edges(readings, 100 * SECOND, 120 * SECOND)
    }

    fn used_ms(readings: &[Reading]) -> u64 {
        ResourceUse::of_window(&samples(readings)).containers[0].cpu_ns / 1_000_000
    }

    #[test]
    fn counters_are_interpolated_at_the_edges_and_memory_is_the_last_seen() {
        let readings = [reading(0, 95, 1_000, 10), reading(0, 105, 2_000, 40), reading(0, 125, 6_000, 30)];
        let seen: Vec<_> = samples(&readings)
            .iter()
            .map(|s| {
                (s.at_ns / 1_000_000_000, s.cpu_ns / 1_000_000, s.cpu_error_ns / 1_000_000, s.resident_bytes)
            })
            .collect();
        assert_eq!(seen, [(0, 1_500, 500, 10), (5, 2_000, 0, 40), (20, 5_000, 3_000, 40)]);
    }

    #[test]
    fn readings_on_the_very_edges_leave_no_error() {
        let readings = [reading(0, 100, 1_000, 10), reading(0, 120, 2_000, 10)];
        let samples = samples(&readings);
        assert_eq!(samples.iter().map(|s| s.cpu_error_ns).collect::<Vec<_>>(), [0, 0]);
        assert_eq!(used_ms(&readings), 1_000);
    }

    #[test]
    fn a_restart_adds_up_and_is_reported() {
        let readings = [
            reading(0, 95, 1_000, 10),
            reading(0, 105, 2_000, 10),
            reading(110, 115, 300, 10),
            reading(110, 125, 900, 10),
        ];
        let used = ResourceUse::of_window(&samples(&readings));
        assert_eq!(used.containers[0].cpu_ns / 1_000_000, 500 + 600);
        assert_eq!((used.containers[0].ended_processes, used.containers[0].vanished), (1, false));
    }

    #[test]
    fn a_counter_that_fell_is_a_restart_too() {
        let readings = [reading(0, 100, 1_000, 10), reading(0, 110, 2_000, 10), reading(0, 120, 300, 10)];
        let used = ResourceUse::of_window(&samples(&readings));
        assert_eq!(used.containers[0].cpu_ns / 1_000_000, 1_000 + 300);
        assert_eq!(used.containers[0].ended_processes, 1);
    }

    #[test]
    fn a_vanished_container_keeps_what_it_used() {
        let readings = [reading(0, 100, 1_000, 10), reading(0, 110, 2_000, 70)];
        let used = ResourceUse::of_window(&samples(&readings));
        assert_eq!(used.containers[0].cpu_ns / 1_000_000, 1_000);
        assert!(used.containers[0].vanished);
        assert_eq!(used.containers[0].resident_bytes, 70);
    }

    #[test]
    fn one_that_starts_within_the_window_counts_from_nothing() {
        let readings = [reading(105, 110, 500, 10), reading(105, 125, 2_000, 10)];
        assert_eq!(used_ms(&readings), 500 + 1_000);
        let first = &samples(&readings)[0];
        assert_eq!(
            (first.cpu_ns, first.cpu_error_ns, first.resident_bytes, first.ended_processes),
            (0, 0, 0, 0)
        );
    }

    #[test]
    fn containers_in_step_have_the_same_moments() {
        let other = |second: u64| Reading { container: "other".to_owned(), ..reading(0, second, second, 1) };
        let readings =
            [reading(0, 90, 90, 1), reading(0, 107, 107, 1), reading(0, 125, 125, 1), other(95), other(121)];
        let samples = in_step(&readings, 100 * SECOND, 120 * SECOND, 8 * SECOND);
        let moments = |container: &str| -> Vec<i64> {
            let own = samples.iter().filter(|sample| sample.container == container);
            own.map(|sample| sample.at_ns / 1_000_000_000).collect()
        };
        assert_eq!(moments("other"), [0, 8, 16, 20]);
        assert_eq!(moments(&readings[0].container), [0, 8, 16, 20]);
    }

    proptest! {
        #[test]
        fn a_constant_rate_comes_out_exactly(
            per_second in 0_u64..4_000_000_000,
            moments in proptest::collection::btree_set(1_u64..200, 1..20),
        ) {
            let at = |second: u64| Reading {
                cpu_ns: second * per_second,
                ..reading(0, second, 0, 1)
            };
            // With one reading on either side, whatever is in between.
            let readings: Vec<_> = moments.into_iter().chain([99, 121]).map(at).collect();
            let used = ResourceUse::of_window(&samples(&readings)).containers[0].cpu_ns;
            prop_assert_eq!(used, 20 * per_second);
        }

        #[test]
        fn the_truth_lies_within_the_error(
            growth in proptest::collection::vec(0_u64..3_000, 200),
            moments in proptest::collection::btree_set(1_u64..200, 1..20),
        ) {
            let counter = |second: u64| growth[..usize::try_from(second).unwrap()].iter().sum::<u64>();
            let readings: Vec<_> =
                moments.into_iter().chain([121]).map(|second| reading(0, second, counter(second), 1)).collect();
            let samples = samples(&readings);
            for sample in [samples.first().unwrap(), samples.last().unwrap()] {
                let second = 100 + u64::try_from(sample.at_ns).unwrap() / SECOND;
                let truth = counter(second) * 1_000_000;
                prop_assert!(sample.cpu_ns.abs_diff(truth) <= sample.cpu_error_ns);
            }
        }
    }
}
