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
    match search.conclusion() {
        Conclusion::Found { rate } => rate.requests_per_second(),
        _ => search.interval().median,
    }
}

#[test]
#[ignore]
fn table() {
    for edge in [0.0, 0.02, 0.05] {
        for lapses in [0.0, 0.01] {
            let (n, mut good, mut confirmed, mut cover, mut all, mut loc, mut worst) =
                (2000, 0, 0, 0, vec![], vec![], 0.0_f64);
            let mut rng = SplitMix64::new(7);
            for seed in 0..n {
                let u = (rng.next() >> 11) as f64 / (1_u64 << 53) as f64;
                let limit_rps = 55.0 * (4500.0_f64 / 55.0).powf(u);
                let (s, l, p) = search(&plan("50rps", "5krps"), Truth { limit_rps, edge, lapses }, seed);
                let e = found(&s) / limit_rps - 1.0;
                good += u32::from(e.abs() <= 0.03);
                worst = worst.max(e.abs());
                confirmed += u32::from(matches!(s.conclusion(), Conclusion::Found { .. }));
                cover += u32::from(s.interval().contains(limit_rps));
                all.push(p);
                loc.push(l);
            }
            all.sort();
            loc.sort();
            let mean = |v: &[u32]| v.iter().sum::<u32>() as f64 / v.len() as f64;
            let at = |v: &[u32], q: f64| v[(q * v.len() as f64) as usize];
            eprintln!(
                "edge {edge} lapses {lapses}: within {good} confirmed {confirmed} cover {cover} worst {worst:.3}; located mean {:.1} 95% {} max {}; all mean {:.1} 95% {} max {}",
                mean(&loc),
                at(&loc, 0.95),
                loc.last().unwrap(),
                mean(&all),
                at(&all, 0.95),
                all.last().unwrap()
            );
        }
    }
}
