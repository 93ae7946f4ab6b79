//! How well searches do where the limit is known.

use std::num::NonZeroU32;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::limit::ServiceLevel;
use crate::shuffle::SplitMix64;

/// What a simulated mesh can carry, and how it answers.
#[derive(Debug, Clone, Copy)]
struct Truth {
    limit_rps: f64,
    /// From nine probes in ten that hold to one in ten, as a part of the limit.
    edge: f64,
    /// The chance of an answer that has nothing to do with the rate.
    lapses: f64,
}

struct Mesh {
    truth: Truth,
    random: SplitMix64,
}

impl Mesh {
    fn new(truth: Truth, seed: u64) -> Self {
        Self { truth, random: SplitMix64::new(seed) }
    }

    fn holds(&mut self, rate: OfferedRate) -> bool {
        let Truth { limit_rps, edge, lapses } = self.truth;
        // A logistic curve goes from nine in ten to one in ten over 2 ln 9 of its scales.
        let scale = (edge / (2.0 * 9_f64.ln())).max(1e-9);
        let beyond = (rate.requests_per_second() / limit_rps).ln() / scale;
        let holds = self.uniform() < 1.0 / (1.0 + beyond.min(700.0).exp());
        if self.uniform() < lapses { !holds } else { holds }
    }

    fn uniform(&mut self) -> f64 {
        (self.random.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn plan(from: &str, to: &str) -> LimitPlan {
    LimitPlan {
        service_level: ServiceLevel {
            latencies: [].into(),
            errors: "0.1%".parse().unwrap(),
            achieved: "99%".parse().unwrap(),
        },
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        precision: "3%".parse().unwrap(),
        confirmations: NonZeroU32::new(3).unwrap(),
    }
}

/// The finished search, how many probes looked for a candidate, and how many there were in all.
fn search(plan: &LimitPlan, truth: Truth, seed: u64) -> (Search, u32, u32) {
    let (mut search, mut mesh) = (Search::new(plan), Mesh::new(truth, seed));
    let (mut located, mut probes) = (0, 0);
    while let Some(probe) = search.next() {
        probes += 1;
        located += u32::from(probe.purpose == Purpose::Locate);
        let answer = if mesh.holds(probe.rate) { Answer::Held } else { Answer::NotHeld(Owner::Mesh) };
        search.learn(probe, answer);
    }
    (search, located, probes)
}

fn found(search: &Search) -> f64 {
    search.conclusion().rate().map_or(f64::NAN, OfferedRate::requests_per_second)
}

/// Limits all over the range, the same in every run of the tests.
fn limits_rps(count: u32) -> impl Iterator<Item = f64> {
    let mut random = SplitMix64::new(2_019);
    (0..count)
        .map(move |_| 55.0 * (4_500.0_f64 / 55.0).powf((random.next() >> 11) as f64 / (1_u64 << 53) as f64))
}

#[rstest]
#[case::sharp(0.0, 0.0, 1.0)]
#[case::disturbed(0.0, 0.01, 0.99)]
#[case::blurred(0.02, 0.01, 0.97)]
// Where the limit itself is five percent wide, what holds every time is up to as much below what holds every other time.
#[case::very_blurred(0.05, 0.01, 0.85)]
fn limits_are_found_within_three_percent(#[case] edge: f64, #[case] lapses: f64, #[case] at_least: f64) {
    let (plan, mut near) = (plan("50rps", "5krps"), 0_u32);
    let (mut settled, mut covered, mut all) = (0_u32, 0_u32, Vec::new());
    for (seed, limit_rps) in (0..).zip(limits_rps(400)) {
        let (search, _, probes) = search(&plan, Truth { limit_rps, edge, lapses }, seed);
        settled += u32::from(matches!(search.conclusion(), Conclusion::Found { .. }));
        all.push(probes);
        near += u32::from((found(&search) / limit_rps - 1.0).abs() <= 0.03);
        covered += u32::from(search.interval().low <= limit_rps && limit_rps <= search.interval().high);
    }
    all.sort_unstable();
    assert!(f64::from(settled) >= 0.98 * 400.0, "{settled} of 400 came to a conclusion");
    // What is looked for is a limit of an edge of one percent: where it is five times as wide, the interval is a bit narrow.
    assert!(f64::from(covered) >= 0.93 * 400.0, "{covered} of 400 are in their interval");
    assert!(f64::from(near) >= at_least * 400.0, "{near} of 400");
    assert!(all[380] <= 22, "nineteen of twenty take {} probes", all[380]);
}

/// As proxies on a machine of two cores answer: what holds now and what holds then lie a tenth apart.
#[test]
fn a_limit_that_is_a_tenth_wide_is_settled_below_it() {
    let (plan, mut settled, mut too_low) = (plan("50rps", "5krps"), 0_u32, 0_u32);
    for (seed, limit_rps) in (0..).zip(limits_rps(400)) {
        let (search, _, _) = search(&plan, Truth { limit_rps, edge: 0.1, lapses: 0.0 }, seed);
        settled += u32::from(matches!(search.conclusion(), Conclusion::Found { .. }));
        too_low += u32::from(found(&search) < 0.85 * limit_rps);
    }
    assert!(f64::from(settled) >= 0.98 * 400.0, "{settled} of 400 came to a conclusion");
    assert!(f64::from(too_low) <= 0.02 * 400.0, "{too_low} of 400 are far below it");
}

#[rstest]
#[case(200.0)]
#[case(2_000.0)]
fn twenty_of_twenty_are_found_in_twelve_probes(#[case] limit_rps: f64) {
    for seed in 0..20 {
        let plan = plan("25rps", "2.5krps");
        let (search, to_locate, probes) = search(&plan, Truth { limit_rps, edge: 0.02, lapses: 0.0 }, seed);
        assert!((found(&search) / limit_rps - 1.0).abs() <= 0.03, "{} with seed {seed}", found(&search));
        assert!(to_locate <= 12 && probes <= 20, "{to_locate} and {probes} in all with seed {seed}");
        assert!(search.interval().low <= limit_rps && limit_rps <= search.interval().high, "seed {seed}");
    }
}

#[rstest]
#[case::equal(1.0, 20)]
#[case::ten_percent_apart(1.1, 19)]
fn two_meshes_are_told_apart_where_they_differ(#[case] ratio: f64, #[case] at_least: u32) {
    let plan = plan("50rps", "5krps");
    let mut right = 0;
    for seed in 0..20 {
        let truth = Truth { limit_rps: 1_000.0, edge: 0.02, lapses: 0.01 };
        let (one, _, _) = search(&plan, truth, seed);
        let (other, _, _) = search(&plan, Truth { limit_rps: 1_000.0 * ratio, ..truth }, 1_000 + seed);
        let share = other.share_of(&one).unwrap();
        right += u32::from(if ratio == 1.0 { share.contains(1.0) } else { share.low > 1.0 });
    }
    assert!(right >= at_least, "{right} of 20");
}

#[test]
fn a_few_odd_answers_far_down_do_not_make_a_low_limit() {
    // As a proxy answered whose capacity drifts: 282 held once, and nothing between 255 and 303 ever again.
    let (mut search, mut held_at_282) = (Search::new(&plan("20rps", "50krps")), false);
    let mut not_held = Vec::new();
    while let Some(probe) = search.next() {
        let rps = probe.rate.requests_per_second();
        let holds = rps < 252.0 || (!held_at_282 && (281.0..290.0).contains(&rps));
        held_at_282 |= rps > 281.0 && holds;
        not_held.extend((!holds).then_some(rps));
        search.learn(probe, if holds { Answer::Held } else { Answer::NotHeld(Owner::Mesh) });
    }
    let found = found(&search);
    assert!((244.0..252.0).contains(&found), "{found}, where {not_held:?} were not held");
}

#[test]
fn a_disturbed_probe_is_asked_again_and_teaches_nothing() {
    let mut search = Search::new(&plan("50rps", "5krps"));
    let (first, mut again) = (search.next().unwrap(), 0);
    while search.next() == Some(first) {
        search.learn(first, Answer::NotHeld(Owner::Machine));
        again += 1;
    }
    assert_eq!(again, MOST_DISTURBED + 1, "where it always is, it is the answer");
}

#[test]
fn what_gives_out_above_the_limit_is_whose_it_is() {
    let plan = plan("50rps", "5krps");
    let conclude = |answer: fn(f64) -> Answer| {
        let mut search = Search::new(&plan);
        while let Some(probe) = search.next() {
            search.learn(probe, answer(probe.rate.requests_per_second()));
        }
        search.conclusion()
    };
    let generator =
        conclude(|rps| if rps < 800.0 { Answer::Held } else { Answer::NotHeld(Owner::Generator) });
    assert!(
        matches!(generator, Conclusion::AtLeast { rate, owner: Owner::Generator } if rate.requests_per_second() > 770.0),
        "{generator:?}"
    );
    let range = conclude(|_| Answer::Held);
    assert_eq!(range, Conclusion::AtLeast { rate: plan.to, owner: Owner::Range });
    assert_eq!(conclude(|_| Answer::NotHeld(Owner::Mesh)), Conclusion::BelowRange { owner: Owner::Mesh });
    assert_eq!(
        conclude(|_| Answer::NotHeld(Owner::Generator)),
        Conclusion::BelowRange { owner: Owner::Generator }
    );
}

proptest! {
    #[test]
    fn every_search_ends_within_the_probes_it_announced(
        answers in prop::collection::vec(any::<bool>(), 200),
        to in 60_u64..100_000,
    ) {
        let plan = plan("50rps", &format!("{to}rps"));
        let mut search = Search::new(&plan);
        let (mut probes, mut not_held) = (0, Vec::new());
        while let Some(probe) = search.next() {
            let held = answers[probes % answers.len()];
            search.learn(probe, if held { Answer::Held } else { Answer::NotHeld(Owner::Mesh) });
            not_held.extend((!held).then(|| probe.rate.requests_per_second()));
            probes += 1;
        }
        prop_assert!(probes <= Search::most_probes(&plan) as usize, "{probes}");
        if let Conclusion::Found { rate } = search.conclusion() {
            // Both rates are rounded to four digits, each by up to a twentieth of a percent.
            let within_a_step = rate.requests_per_second()..=rate.requests_per_second() * 1.0311;
            prop_assert!(not_held.iter().any(|rate| within_a_step.contains(rate)), "{rate} found, {not_held:?} not held");
        }
    }
}
