//! [`BlockGroup`]: the cases that ran in the same blocks and are read side by side.

use std::collections::{BTreeMap, BTreeSet};

use meshbench_core::comparison::ComparedMetric;
use meshbench_core::report::{CaseReport, Report};
use meshbench_core::resources::Group;

use crate::format::counted;

const CONTROL: &str = "bare";

/// The cases of one scenario at one rate and duration, the control first.
pub(crate) struct BlockGroup<'a> {
    /// `scenario::rate::duration`, and `@context` where it ran on several clusters.
    pub(crate) name: &'a str,
    /// Its cases.
    pub(crate) cases: Vec<&'a CaseReport>,
}

/// The block groups of a report in the order of their first case.
pub(crate) fn block_groups(report: &Report) -> Vec<BlockGroup<'_>> {
    let mut groups: Vec<BlockGroup<'_>> = Vec::new();
    for case in &report.cases {
        match groups.iter_mut().find(|group| group.name == case.group) {
            Some(group) => group.cases.push(case),
            None => groups.push(BlockGroup { name: &case.group, cases: vec![case] }),
        }
    }
    for group in &mut groups {
        group.cases.sort_by_key(|case| case.mesh != CONTROL);
    }
    groups
}

impl BlockGroup<'_> {
    /// Scenario, offered rate, duration, cluster and size, in the order a reader asks for them.
    pub(crate) fn title(&self) -> Vec<String> {
        let first = self.cases.first();
        let name = first.map_or(self.name, |case| case.group_anywhere());
        let mut words: Vec<String> = name.split("::").map(spaced_rate).collect();
        words.extend(
            first.and_then(|case| case.cluster_of_several()).map(|cluster| format!("cluster {cluster}")),
        );
        // A search gives each mesh a probe a round.
        let each = if self.cases.iter().any(|case| case.limit.is_some()) { "round" } else { "block" };
        words.extend(self.blocks().map(|blocks| counted(blocks, each)));
        words.extend(self.application_containers().map(|count| counted(count, "application container")));
        words
    }

    /// The cases whose verdict needs explaining, those with the same explanation together.
    pub(crate) fn explained(&self) -> Vec<Vec<&CaseReport>> {
        let mut together: Vec<Vec<&CaseReport>> = Vec::new();
        for case in self.cases.iter().filter(|case| !case.verdict.sentences().is_empty()) {
            let same = |others: &&mut Vec<&CaseReport>| {
                others.first().is_some_and(|other| other.verdict == case.verdict)
            };
            match together.iter_mut().find(same) {
                Some(others) => others.push(case),
                None => together.push(vec![case]),
            }
        }
        together
    }

    /// What to know beside the tables: why requests failed, and what could not be judged.
    pub(crate) fn notes(&self) -> Vec<String> {
        let unjudged = self.unjudged_limits().into_iter().map(|limit| format!("not judged: {limit}"));
        let left_out = self.left_out_blocks().into_iter().map(|why| format!("left out: {why}"));
        let errors = self.errors_by_kind().into_iter();
        let remarks = self.remarks().into_iter().map(str::to_owned);
        errors
            .chain(self.comparisons())
            .chain(self.baselines())
            .chain(remarks)
            .chain(left_out)
            .chain(unjudged)
            .collect()
    }

    /// What is to be known of runs besides, each sentence once: what concerns `bare` concerns every case.
    fn remarks(&self) -> BTreeSet<&str> {
        self.cases.iter().flat_map(|case| &case.remarks).map(String::as_str).collect()
    }

    /// Why blocks are not among the figures, each reason once.
    fn left_out_blocks(&self) -> BTreeSet<&str> {
        self.cases.iter().flat_map(|case| &case.left_out).map(|block| block.why.as_str()).collect()
    }

    /// How each mesh that was compared with an older one stands to it, metric by metric.
    fn comparisons(&self) -> Vec<String> {
        let sentence = |case: &&CaseReport| {
            let comparison = case.comparison.as_ref()?;
            let percent = |ratio: f64| format!("{:+.1}%", (ratio - 1.0) * 100.0);
            let metric = |compared: &ComparedMetric| {
                let ComparedMetric { metric, ratio, ratio_low, ratio_high, .. } = compared;
                let [by, low, high] = [*ratio, *ratio_low, *ratio_high].map(percent);
                format!("{metric} {by} ({low} to {high})")
            };
            let metrics: Vec<_> = comparison.metrics.iter().map(metric).collect();
            let dropped = match comparison.dropped_blocks.as_slice() {
                [] => String::new(),
                blocks => format!("; {} dropped", counted(blocks.len() as u64, "block")),
            };
            Some(format!("{} against {}: {}{dropped}", case.mesh, comparison.old, metrics.join(", ")))
        };
        self.cases.iter().filter_map(sentence).collect()
    }

    /// How each mesh stands to its baseline, metric by metric.
    fn baselines(&self) -> Vec<String> {
        let sentence = |case: &&CaseReport| {
            Some(format!("{} {}", case.mesh, case.against_baseline.as_ref()?.summary()?))
        };
        self.cases.iter().filter_map(sentence).collect()
    }

    /// The limits that nobody could judge, each once, with the meshes it concerns.
    fn unjudged_limits(&self) -> Vec<String> {
        let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
        for case in &self.cases {
            for limit in case.limits.iter().filter(|limit| limit.kept.is_none()) {
                let note = format!("{} {}: {}", limit.metric, limit.limit, limit.remark);
                match notes.iter_mut().find(|(known, _)| *known == note) {
                    Some((_, meshes)) => meshes.push(&case.mesh),
                    None => notes.push((note, vec![&case.mesh])),
                }
            }
        }
        notes.into_iter().map(|(note, meshes)| format!("{note} ({})", meshes.join(", "))).collect()
    }

    /// What failed requests failed of, over the runs behind the figures, a sentence for each mesh that had any.
    fn errors_by_kind(&self) -> Vec<String> {
        let sentence = |case: &&CaseReport| {
            let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
            for (kind, count) in case.counted_runs().flat_map(|run| &run.errors) {
                *kinds.entry(kind).or_default() += count;
            }
            let counts: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            (!counts.is_empty()).then(|| format!("failed requests of {}: {}", case.mesh, counts.join(", ")))
        };
        self.cases.iter().filter_map(sentence).collect()
    }

    fn blocks(&self) -> Option<u64> {
        let blocks: BTreeSet<u32> =
            self.cases.iter().flat_map(|case| &case.runs).map(|run| run.block).collect();
        (!blocks.is_empty()).then_some(blocks.len() as u64)
    }

    fn application_containers(&self) -> Option<u64> {
        let runs = self.cases.iter().flat_map(|case| &case.runs);
        let counts = runs.filter_map(|run| run.groups.get(&Group::Application)).map(|group| group.containers);
        counts.max().filter(|&count| count > 0).map(u64::from)
    }
}

/// `500rps` as prose; anything else unchanged.
fn spaced_rate(word: &str) -> String {
    match word.strip_suffix("rps") {
        Some(number) if number.ends_with(|last: char| last.is_ascii_digit()) => format!("{number} rps"),
        _ => word.to_owned(),
    }
}
