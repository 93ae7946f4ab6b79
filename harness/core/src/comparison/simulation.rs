//! How often the judge is right, and how often others are wrong, on synthetic campaigns like METHOD's: runs that deviate
//! by 3%, on a machine whose state differs by 8% from campaign to campaign and drifts meanwhile.

use rstest::rstest;

use super::tests::{EIGHT_BLOCKS, eight_blocks, fail, plan};
use super::*;
use crate::metric::Metric;
use crate::statistics::{Estimate, mann_whitney_p_above, median};

const REPLICATES: u64 = 900;
/// The deviation from run to run.
const RUN: f64 = 0.03;
/// The deviation of the machine's state from campaign to campaign.
const CAMPAIGN: f64 = 0.08;
/// The deviation of how much the machine slows down from one run to the next within a campaign.
const DRIFT: f64 = 0.006;
/// The deviation of what a campaign does to a mesh and not to `bare`.
const MESH_IN_CAMPAIGN: f64 = 0.02;
/// A value far above every floor, in nanoseconds or bytes.
const BASE: f64 = 2e8;
const METRICS: usize = COMPARED.len();
/// What becomes of each metric, as new/old.
type Factors = [f64; METRICS];
const UNCHANGED: Factors = [1.0; METRICS];
/// A stage's pairs by metric, as (old, new).
type Pairs = [Vec<(f64, f64)>; METRICS];
const BLOCKS: u32 = 8;
/// Cases of a gate that is never to cry wolf.
const CASES: u32 = 12;

/// A generator of standard normal deviates that gives the same ones for the same seed.
struct Normal(u64);

impl Normal {
    fn uniform(&mut self) -> f64 {
        // SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The Box–Muller transform.
    fn next(&mut self) -> f64 {
        let (radius, angle) = (self.uniform().max(1e-300), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }
}

/// One campaign's machine.
struct Machine<'a> {
    random: &'a mut Normal,
    state: f64,
    slope: f64,
    runs: u32,
    run_deviation: f64,
}

impl<'a> Machine<'a> {
    fn new(random: &'a mut Normal, run_deviation: f64) -> Self {
        let (state, slope) = (CAMPAIGN * random.next(), DRIFT * random.next());
        Self { random, state, slope, runs: 0, run_deviation }
    }

    /// The next run, of a system whose metrics are so many times what they were. Each deviates by itself, which leaves most
    /// to luck.
    fn run(&mut self, factors: Factors) -> [f64; METRICS] {
        self.runs += 1;
        let drifted = self.state + self.slope * f64::from(self.runs);
        factors.map(|factor| BASE * factor * (drifted + self.run_deviation * self.random.next()).exp())
    }

    /// A stage: both systems in every block, in random order.
    fn stage(&mut self, factors: Factors) -> Pairs {
        let mut pairs = Pairs::default();
        for _ in 0..BLOCKS {
            let (old, new) = match self.random.uniform() < 0.5 {
                true => {
                    let old = self.run(UNCHANGED);
                    (old, self.run(factors))
                }
                false => {
                    let new = self.run(factors);
                    (self.run(UNCHANGED), new)
                }
            };
            pairs.iter_mut().zip(old.into_iter().zip(new)).for_each(|(pairs, pair)| pairs.push(pair));
        }
        pairs
    }
}

/// How many of the replicates come out as asked.
fn count(seed: u64, mut comes_out: impl FnMut(&mut Normal) -> bool) -> u64 {
    let mut random = Normal(seed);
    (0..REPLICATES).filter(|_| comes_out(&mut random)).count() as u64
}

#[track_caller]
fn assert_at_most(count: u64, share: f64) {
    assert!(count as f64 <= share * REPLICATES as f64, "{count} of {REPLICATES}");
}

/// That `share` or more of the replicates were counted.
#[track_caller]
fn assert_at_least(count: u64, replicates: u64, share: f64) {
    assert!(count as f64 >= share * replicates as f64, "{count} of {replicates}");
}

fn tests(pairs: &Pairs) -> Vec<Test> {
    COMPARED.iter().zip(pairs).filter_map(|(&metric, pairs)| Test::of(metric, pairs)).collect()
}

/// Whether the judge's two stages find one of these metrics worse, in a gate of so many cases.
fn regresses(
    machine: &mut Machine<'_>,
    plan: &ComparisonPlan,
    factors: Factors,
    cases: u32,
    metrics: &[Metric],
) -> bool {
    let first = tests(&machine.stage(factors));
    if !first.iter().any(|test| test.seems_worse(plan)) {
        return false;
    }
    let fresh = machine.stage(factors);
    let retest = |metric: Metric| tests(&fresh).into_iter().find(|test| test.metric == metric);
    let compared = plan.compare_metrics(first, retest, 1.0 / f64::from(cases));
    let mut worse = compared.iter().filter(|compared| compared.change == Change::Regressed);
    worse.any(|compared| metrics.iter().any(|metric| metric.name() == compared.metric))
}

/// That one metric changes and the others do not.
fn only(changed: Metric, factor: f64) -> Factors {
    COMPARED.map(|metric| if metric == changed { factor } else { 1.0 })
}

#[test]
fn one_stage_flags_at_most_three_percent_of_what_did_not_change() {
    let flagged =
        count(7, |random| tests(&Machine::new(random, RUN).stage(UNCHANGED))[0].seems_worse(&plan()));
    assert_at_most(flagged, 0.03);
}

#[test]
fn a_gate_of_twelve_cases_hardly_ever_cries_wolf() {
    let alarms = count(2019, |random| {
        let mut machine = Machine::new(random, RUN);
        (0..CASES).any(|_| regresses(&mut machine, &plan(), UNCHANGED, CASES, &COMPARED))
    });
    assert_at_most(alarms, 0.01);
}

/// METHOD's table of what must be found, with how much one run deviates. A p99 that deviates by 6% instead of 5% is a
/// fifth higher in 92 of 100 campaigns only.
#[rstest]
#[case::ten_percent_on_everything([1.1; METRICS], &COMPARED, RUN, 0.9)]
#[case::ten_percent_on_the_median(only(Metric::P50, 1.1), &[Metric::P50], RUN, 0.9)]
#[case::what_the_method_simulated(only(Metric::P50, 1.105), &[Metric::P50], RUN, 0.94)]
#[case::twenty_percent_on_p99(only(Metric::P99, 1.2), &[Metric::P99], 0.05, 0.95)]
fn what_became_slower_is_found(
    #[case] factors: Factors,
    #[case] metrics: &[Metric],
    #[case] run_deviation: f64,
    #[case] target: f64,
) {
    let found = count(2019, |random| {
        let mut machine = Machine::new(random, run_deviation);
        regresses(&mut machine, &plan(), factors, CASES, metrics)
    });
    assert_at_least(found, REPLICATES, target);
}

/// A change of exactly the smallest that matters passes each stage every other time, whatever the number of blocks:
/// whoever has to find five percent says that less matters. METHOD asks for 95 of 100 where pairs deviate by 3%: with
/// eight blocks in both stages that takes pairs that deviate by 2.5%, and 3% give 92.
#[test]
fn five_percent_of_cpu_are_found_where_half_of_that_matters() {
    let found = |smallest_change: f64, pair_deviation: f64| {
        let mut plan = plan();
        plan.strictness.smallest_changes.cpu = smallest_change;
        count(2019, |random| {
            let mut machine = Machine::new(random, pair_deviation / 2.0_f64.sqrt());
            let factors = only(Metric::CpuPerRequest, 1.05);
            regresses(&mut machine, &plan, factors, 1, &[Metric::CpuPerRequest])
        })
    };
    assert_at_least(found(0.025, 0.025), REPLICATES, 0.95);
    assert_at_least(found(0.025, 0.03), REPLICATES, 0.9);
    assert_at_most(found(0.05, 0.03), 0.5);
}

#[test]
fn what_became_ten_percent_faster_is_an_improvement() {
    let found = count(2019, |random| {
        let test = &tests(&Machine::new(random, RUN).stage(only(Metric::P50, 1.0 / 1.1)))[0];
        test.unflagged(&plan()).change == Change::Improved
    });
    assert_at_least(found, REPLICATES, 0.9);
}

/// The mean of ln(mesh/bare) over a campaign's blocks, which is all that is stored of it.
fn campaign_mean(random: &mut Normal, factor: f64) -> f64 {
    let factor = 2.0 * factor * (MESH_IN_CAMPAIGN * random.next()).exp();
    let pairs = &Machine::new(random, RUN).stage(only(Metric::P50, factor))[0];
    pairs.iter().map(|(bare, mesh)| (mesh / bare).ln()).sum::<f64>() / f64::from(BLOCKS)
}

#[rstest]
#[case::unchanged(1.0, 0.0, 0.03)]
#[case::a_fifth_slower(1.2, 0.9, 1.0)]
fn a_campaign_is_judged_by_stored_ones(#[case] factor: f64, #[case] at_least: f64, #[case] at_most: f64) {
    let flagged = count(11, |random| {
        let stored: Vec<f64> = (0..8).map(|_| campaign_mean(random, 1.0)).collect();
        let new = campaign_mean(random, factor);
        let estimate = Estimate::of_new_against_stored(new, &stored, 0.001).unwrap();
        estimate.p_above() < 0.025 && estimate.mean() > 0.05_f64.ln_1p()
    });
    assert_at_least(flagged, REPLICATES, at_least);
    assert_at_most(flagged, at_most);
}

/// What others do with the same machine: the reason for all of the above.
#[test]
fn stored_runs_and_an_order_that_is_not_mixed_cry_wolf() {
    let campaign = |random: &mut Normal| -> Vec<f64> {
        let mut machine = Machine::new(random, RUN);
        (0..BLOCKS).map(|_| machine.run(UNCHANGED)[0]).collect()
    };
    let threshold = count(3, |random| {
        let [stored, new] = [campaign(random), campaign(random)].map(|runs| median(&runs).unwrap());
        new > 1.05 * stored
    });
    assert_at_least(threshold, REPLICATES, 0.3);

    let mann_whitney = count(3, |random| {
        let stored: Vec<f64> = (0..8).flat_map(|_| campaign(random)).collect();
        mann_whitney_p_above(&stored, &campaign(random)).unwrap() < 0.025
    });
    assert_at_least(mann_whitney, REPLICATES, 0.25);

    let one_after_the_other = count(3, |random| {
        let mut machine = Machine::new(random, RUN);
        let [old, new]: [Vec<f64>; 2] =
            [(); 2].map(|()| (0..BLOCKS).map(|_| machine.run(UNCHANGED)[0]).collect());
        let pairs: Vec<_> = old.into_iter().zip(new).collect();
        Test::of(Metric::P50, &pairs).unwrap().seems_worse(&plan())
    });
    assert_at_least(one_after_the_other, REPLICATES, 0.12);
}

/// Half a point of errors, and 2% too little, each with the luck of 5,000 draws.
#[test]
fn errors_and_a_shortfall_are_found() {
    const CAMPAIGNS: u64 = 100;
    let mut random = Normal(5);
    let mut found = [0_u64; 2];
    for _ in 0..CAMPAIGNS {
        let luck =
            |random: &mut Normal, share: f64| share + (share * (1.0 - share) / 5e3).sqrt() * random.next();
        let runs = eight_blocks(|run| {
            let is_new = run.mesh.as_str() == "new";
            let errors = luck(&mut random, if is_new { 0.006 } else { 0.001 });
            fail(run, (errors.max(0.0) * 5e3) as u64);
            if is_new {
                run.recording.achieved_rate = 500.0 * luck(&mut random, 0.98);
            }
        });
        let comparison = plan().compare(&runs, EIGHT_BLOCKS, 1.0);
        found[0] += u64::from(comparison.errors.unwrap().failed);
        found[1] += u64::from(comparison.rate.unwrap().failed);
    }
    for found in found {
        assert_at_least(found, CAMPAIGNS, 0.99);
    }
}
