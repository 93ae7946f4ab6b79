use std::num::NonZeroU64;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const SECOND_NS: u64 = 1_000_000_000;

fn rps(requests_per_second: u64) -> OfferedRate {
    OfferedRate::from_requests_per_second(requests_per_second).unwrap()
}

fn any_rate() -> impl Strategy<Value = OfferedRate> {
    (1_u64..1_000_000_000)
        .prop_map(|rate| OfferedRate::from_millirequests_per_second(NonZeroU64::new(rate).unwrap()))
}

/// A ramp of up to ten hours after up to an hour.
fn any_ramp() -> impl Strategy<Value = Schedule> {
    (any_rate(), any_rate(), 0_u64..3_600 * SECOND_NS, 1_u64..36_000 * SECOND_NS).prop_map(
        |(from, to, hold_ns, over_ns)| {
            Schedule::ramp(from, to, Duration::from_nanos(hold_ns), Duration::from_nanos(over_ns)).unwrap()
        },
    )
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    prop_oneof![any_rate().prop_map(Schedule::constant), any_ramp()]
}

fn due_ns<const N: usize>(schedule: Schedule, numbers: [u64; N]) -> [u64; N] {
    let mut due_times = schedule.due_times();
    numbers.map(|n| due_times.due_ns(n))
}

#[test]
fn a_third_of_a_second_does_not_drift_in_a_year() {
    let schedule = Schedule::constant(rps(3));
    let seconds_of_a_year = 31_536_000;
    let due = due_ns(schedule, [0, 1, 2, 3, 3 * seconds_of_a_year]);
    assert_eq!(due, [0, 333_333_333, 666_666_666, SECOND_NS, seconds_of_a_year * SECOND_NS]);
}

#[test]
fn a_ramp_is_the_integral_of_its_rate() {
    let (hold, over) = (Duration::from_secs(1), Duration::from_secs(10));
    let schedule = Schedule::ramp(rps(100), rps(300), hold, over).unwrap();
    // 100 in the hold, then 100 t + 10 t²: 110 after 1 s of it, 750 after 5, 2,000 after 10; then 300 a second.
    let due = due_ns(schedule, [0, 50, 100, 210, 850, 2_100, 2_400]).map(|ns| ns as f64 / 1e9);
    assert_eq!(due, [0.0, 0.5, 1.0, 2.0, 6.0, 11.0, 12.0]);
    let falling = Schedule::ramp(rps(300), rps(100), Duration::ZERO, over).unwrap();
    // 300 t − 10 t².
    assert_eq!(due_ns(falling, [290, 1_250, 2_000]), [1, 5, 10].map(|seconds| seconds * SECOND_NS));
}

#[test]
fn a_ramp_between_equal_rates_is_constant() {
    let ramp = Schedule::ramp(rps(7), rps(7), Duration::from_secs(3), Duration::from_secs(5)).unwrap();
    let numbers = [0, 1, 20, 21, 22, 40, 56, 57, 1_000];
    assert_eq!(due_ns(ramp, numbers), due_ns(Schedule::constant(rps(7)), numbers));
}

#[test]
fn a_ramp_that_cannot_be_exact_is_refused() {
    let year = Duration::from_secs(31_536_000);
    assert_eq!(Schedule::ramp(rps(1_000_000), rps(1), Duration::ZERO, year), None);
    assert_eq!(Schedule::ramp(rps(1), rps(2), Duration::ZERO, Duration::ZERO), None);
}

#[test]
fn poisson_arrivals_once_published_do_not_change() {
    let schedule = Schedule::constant(rps(1_000)).with_arrivals(Arrivals::Poisson, 2019);
    let due = due_ns(schedule, [0, 1, 2, 1_000_000]);
    assert_eq!(due, [7_621_951, 8_826_626, 9_034_892, 1_000_084_464_041]);
}

/// Of a Poisson process the counts of equal intervals have a variance like their mean, the gaps have the mean and the
/// deviation 1, and a share e⁻¹ of them is longer than the mean.
#[rstest]
fn poisson_arrivals_are_as_many_and_as_dispersed_as_they_should_be(#[values(0, 1, 2019)] seed: u64) {
    const REQUESTS: u64 = 200_000;
    const PER_INTERVAL: u64 = 10;
    let mut due_times = Schedule::constant(rps(1_000)).with_arrivals(Arrivals::Poisson, seed).due_times();
    let due: Vec<f64> = (0..REQUESTS).map(|n| due_times.due_ns(n) as f64 / 1e6).collect();

    let gaps: Vec<f64> = due.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    let long = gaps.iter().filter(|gap| **gap > 1.0).count() as f64 / gaps.len() as f64;
    // Four standard errors of each for this many gaps.
    assert!((mean - 1.0).abs() < 0.009, "mean gap {mean} ms");
    assert!((variance.sqrt() - 1.0).abs() < 0.009, "deviation {} ms", variance.sqrt());
    assert!((long - (-1.0_f64).exp()).abs() < 0.0045, "{long} of the gaps are longer than the mean");

    let intervals = REQUESTS / PER_INTERVAL - 500;
    let mut counts = vec![0_u64; intervals as usize];
    for due_ms in due {
        if let Some(count) = counts.get_mut((due_ms / PER_INTERVAL as f64) as usize) {
            *count += 1;
        }
    }
    let mean = counts.iter().sum::<u64>() as f64 / intervals as f64;
    let variance = counts.iter().map(|count| (*count as f64 - mean).powi(2)).sum::<f64>() / intervals as f64;
    let dispersion = variance / mean;
    assert!((dispersion - 1.0).abs() < 0.041, "variance over mean is {dispersion}");
}

proptest! {
    #[test]
    fn due_times_never_go_back(schedule in any_schedule(), n in 0_u64..1_000_000_000_000) {
        let [due, after] = due_ns(schedule, [n, n + 1]);
        prop_assert!(due <= after);
    }

    #[test]
    fn whole_seconds_are_met_exactly_after_hours(requests_per_second in 1_u64..1_000_000, seconds in 0_u64..1_000_000) {
        let schedule = Schedule::constant(rps(requests_per_second));
        prop_assert_eq!(due_ns(schedule, [requests_per_second * seconds]), [seconds * SECOND_NS]);
    }

    #[test]
    fn a_ramp_ends_with_the_mean_rate_exactly(from in 1_u64..100_000, to in 1_u64..100_000, half_seconds in 1_u64..18_000) {
        let over = Duration::from_secs(2 * half_seconds);
        let schedule = Schedule::ramp(rps(from), rps(to), Duration::ZERO, over).unwrap();
        prop_assert_eq!(due_ns(schedule, [(from + to) * half_seconds]), [2 * half_seconds * SECOND_NS]);
    }

    #[test]
    fn a_window_holds_what_is_due_in_it(schedule in any_schedule(), start_ns in 0_u64..40_000_000_000_000, length_ns in 1_u64..40_000_000_000_000) {
        let end_ns = start_ns + length_ns;
        let numbers = schedule.due_in(start_ns..end_ns);
        prop_assert!(due_ns(schedule, [numbers.start])[0] >= start_ns);
        prop_assert!(due_ns(schedule, [numbers.end])[0] >= end_ns);
        prop_assert!(numbers.start == 0 || due_ns(schedule, [numbers.start - 1])[0] < start_ns);
        prop_assert!(numbers.end == 0 || due_ns(schedule, [numbers.end - 1])[0] < end_ns);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn poisson_due_times_are_the_same_however_one_walks(seed: u64, schedule in any_schedule(), step in 1_usize..50) {
        let schedule = schedule.with_arrivals(Arrivals::Poisson, seed);
        let mut walk = schedule.due_times();
        let all: Vec<u64> = (0..2_000).map(|n| walk.due_ns(n)).collect();
        prop_assert!(all.is_sorted());
        let mut shard = schedule.due_times();
        for n in (0..2_000).step_by(step) {
            prop_assert_eq!(shard.due_ns(n as u64), all[n]);
        }
        prop_assert_eq!(shard.due_ns(3), all[3], "going back walks again");
        let window = all[100]..all[1_900];
        let expected = all.partition_point(|due| *due < window.start)..all.partition_point(|due| *due < window.end);
        prop_assert_eq!(schedule.due_in(window), expected.start as u64..expected.end as u64);
    }
}
