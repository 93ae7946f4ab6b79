//! How near the truth limits are found, and whether meshes are told apart by them: sidecars of a known capacity, looked for
//! over a hundred-fold range.
//!
//! Each try is a campaign of three meshes: two of the same capacity, and one that can carry 10% more.
//! `cargo bench --bench limit -- 10` makes ten tries at each capacity; one without a number.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a bench may stop where it fails"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::num::NonZeroU32;
use std::process::ExitCode;

use meshbench_core::limit::{Answer, Credible, LimitPlan, Purpose, Search, ServiceLevel};
use meshbench_core::report::{LimitOutcome, LimitReport, ProbeReport};
use support::{Workshop, text_of};

/// Sidecars of a known capacity: far below what a core carries that the whole deployment shares.
const CAPACITIES: [Capacity; 2] = [
    Capacity { rps: 40.0, tolerated: "p50: 45ms", window: "4s" },
    Capacity { rps: 400.0, tolerated: "p90: 20ms", window: "2s" },
];
/// The meshes of a campaign, and what each can carry as a part of the capacity.
const MESHES: [(&str, f64); 3] = [("known", 1.0), ("equal", 1.0), ("faster", 1.1)];
/// How far from the truth a limit may be.
const TOLERANCE: f64 = 0.03;
/// How many probes may look for it, over a hundred-fold range; those that confirm it come on top.
const MOST_PROBES: usize = 12;

/// What a sidecar can carry that serves one request after the other.
struct Capacity {
    rps: f64,
    /// A quantile that the lowest rate has requests enough for. A queue has to outgrow it within a window, which takes 1%
    /// more than the capacity.
    tolerated: &'static str,
    /// As short as it can be for that.
    window: &'static str,
}

/// How many there were, and how many of them right.
#[derive(Default)]
struct Tally {
    right: u32,
    all: u32,
}

impl Tally {
    fn count(&mut self, is_right: bool) {
        self.right += u32::from(is_right);
        self.all += 1;
    }
}

#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
fn main() -> ExitCode {
    let tries: u32 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1);
    println!("| capacity | try | found | interval | of the truth | probes | to confirm | of the first |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let (mut near, mut equal, mut apart) = (Tally::default(), Tally::default(), Tally::default());
    for capacity in CAPACITIES {
        for number in 1..=tries {
            let found = look_for(&capacity, number);
            for ((_, part), one) in MESHES.into_iter().zip(&found) {
                println!("| {:.0} rps | {number} | {} |", capacity.rps * part, one.row(&found[0]));
                near.count(one.is_near());
            }
            let [_, twin, faster] = [0, 1, 2].map(|place: usize| found[place].share_of(&found[0]));
            equal.count(twin.is_some_and(|share| share.contains(1.0)));
            apart.count(faster.is_some_and(|share| share.low > 1.0));
        }
    }
    println!(
        "\nwithin {:.0}% of the truth in {MOST_PROBES} probes: {} of {}",
        TOLERANCE * 100.0,
        near.right,
        near.all
    );
    println!("called equal where they are: {} of {}", equal.right, equal.all);
    println!("ordered rightly where 10% apart: {} of {}", apart.right, apart.all);
    let is_right = near.right == near.all && equal.right == equal.all && apart.right * 20 >= apart.all * 19;
    if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What came of one search.
struct Found {
    /// What the sidecar can carry.
    truth_rps: f64,
    report: LimitReport,
    /// As the campaign had it.
    search: Search,
}

impl Found {
    /// NaN where the search came to no limit.
    fn rps(&self) -> f64 {
        self.report.rps.filter(|_| self.report.outcome == LimitOutcome::Found).unwrap_or(f64::NAN)
    }

    fn is_near(&self) -> bool {
        (self.rps() / self.truth_rps - 1.0).abs() <= TOLERANCE && self.to_locate() <= MOST_PROBES
    }

    fn to_locate(&self) -> usize {
        self.report.probes.iter().filter(|probe| probe.purpose == Purpose::Locate).count()
    }

    /// As the limit of a mesh is put beside that of `bare`.
    fn share_of(&self, other: &Self) -> Option<Credible> {
        self.search.share_of(&other.search)
    }

    fn row(&self, first: &Self) -> String {
        let (rps, located) = (self.rps(), self.to_locate());
        let Credible { low, high, .. } = self.search.interval();
        let share = self
            .share_of(first)
            .map_or_else(String::new, |share| format!("{:.3} … {:.3}", share.low, share.high));
        format!(
            "{rps:.1} rps | {low:.1} … {high:.1} | {:.3} | {located} | {} | {share}",
            rps / self.truth_rps,
            self.report.probes.len() - located
        )
    }
}

/// One campaign: a search for the limit of each mesh, in turns.
fn look_for(capacity: &Capacity, seed: u32) -> Vec<Found> {
    let workshop = Workshop::new();
    for (name, part) in MESHES {
        serving_one_by_one(&workshop, name, capacity.rps * part);
    }
    workshop.scenario("truth", &scenario(capacity, seed));
    let output = workshop.meshbench(&["run"]).output().unwrap();
    let mut cases = workshop.report().cases;
    let found: Vec<Found> = MESHES
        .into_iter()
        .map(|(name, part)| {
            let case = cases.iter_mut().find(|case| case.mesh == name).unwrap();
            let report = case.limit.take().unwrap();
            Found { truth_rps: capacity.rps * part, search: searched(&report), report }
        })
        .collect();
    if found.iter().any(|found| found.rps().is_nan()) {
        eprintln!("{}", text_of(&output));
    }
    found
}

/// A mesh whose sidecar takes so long for each request, one after the other, that it can carry this rate.
fn serving_one_by_one(workshop: &Workshop, name: &str, rps: f64) {
    let service_time = 1e6 / rps;
    workshop.mesh("reference", name, "sidecar.json.jinja", |template| {
        let end = template.rfind('}').unwrap();
        format!(
            "{}{{%- if workload == \"load\" %}}, \"injections\": {{\"outbound\": {{\"service_time\": \
             \"{service_time:.0}us\"}}}}{{% endif %}}\n}}\n",
            template[..end].trim_end()
        )
    });
}

/// The search that led to a report.
fn searched(report: &LimitReport) -> Search {
    let rate = |rps: f64| format!("{rps}rps").parse().unwrap();
    let mut search = Search::new(&LimitPlan {
        service_level: ServiceLevel {
            latencies: [].into(),
            errors: "0.1%".parse().unwrap(),
            achieved: "95%".parse().unwrap(),
        },
        from: rate(report.from_rps),
        to: rate(report.to_rps),
        precision: "3%".parse().unwrap(),
        confirmations: NonZeroU32::new(3).unwrap(),
    });
    for ProbeReport { offered_rps, ended_by, .. } in &report.probes {
        let probe = search.next().unwrap();
        assert_eq!(probe.rate.requests_per_second(), *offered_rps, "the report has another search");
        search.learn(probe, ended_by.map_or(Answer::Held, Answer::NotHeld));
    }
    search
}

/// A hundred-fold range around the capacity, which is not in its middle.
fn scenario(Capacity { rps, tolerated, window, .. }: &Capacity, seed: u32) -> String {
    let (from, to) = (rps / 8.0, rps * 12.5);
    format!(
        "description: A capacity that is known.
tier: quick
provider: local
meshes: [{}]
limit:
  slo: {{{tolerated}, errors: 0.1%, achieved: 95%}}
  from: {from}rps
  to: {to}rps
durations: [{window}]
warm_up: 500ms
seed: {seed}
workload:
  connections: 64
  timeout: 1s
  requests: [{{path: \"/api/list\"}}]
  votes: {{}}
",
        MESHES.map(|(name, _)| name).join(", ")
    )
}
