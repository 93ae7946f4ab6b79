//! [`render`]: the summary a person reads when a campaign is over.

mod layout;
mod style;
mod text;

use meshbench_core::judge::Verdict;
use meshbench_core::report::{CaseReport, Report};

pub use style::Style;

use crate::facts::{
    self, BlockGroup, Sweep, Tally, Tone, block_groups, data_paths, how_many_are_pooled, ignored_together,
    latency_table, limit_table, meshes_with_roles, pooled_table, resource_table,
};
use layout::lay_out;
use text::{printable, wrapped};

/// Makes what a terminal would obey visible, line breaks apart: for whatever shows words of others.
#[must_use]
pub fn disarmed(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// The summary: at most 100 columns wide, except for single words that are longer, such as paths.
#[must_use]
pub fn render(report: &Report, style: Style) -> String {
    let mut page = Page { lines: Vec::new(), style };
    let groups = block_groups(report);
    for group in &groups {
        page.group(group);
    }
    for sweep in facts::sweeps(report) {
        page.sweep(&sweep);
    }
    page.pooled(report);
    page.legend(&groups);
    page.broken(report);
    page.ignored(report);
    page.campaign(report);
    page.lines.join("\n") + "\n"
}

/// The summary so far.
struct Page {
    lines: Vec<String>,
    style: Style,
}

impl Page {
    fn group(&mut self, group: &BlockGroup<'_>) {
        let title = printable(&group.title().join(" · "));
        self.say(Tone::Heading, &title, 0);
        if group.cases.iter().any(|case| !case.runs.is_empty()) {
            self.gap();
            if let Some(limits) = limit_table(&group.cases) {
                self.lines.extend(lay_out(&limits, self.style));
                self.gap();
            }
            self.lines.extend(lay_out(&latency_table(&group.cases), self.style));
            self.gap();
            self.lines.extend(lay_out(&resource_table(&group.cases), self.style));
        }
        for cases in group.explained() {
            self.explanation(&cases);
        }
        self.gap();
        for note in group.notes() {
            self.say(Tone::Faint, &note, 2);
        }
        self.gap();
    }

    fn sweep(&mut self, sweep: &Sweep<'_>) {
        self.say(Tone::Heading, &printable(&format!("{}, rate by rate", sweep.title)), 0);
        for table in sweep.narrow_tables() {
            self.gap();
            self.lines.extend(lay_out(&table, self.style));
        }
        self.gap();
        if let Some(words) = sweep.legend() {
            self.say(Tone::Faint, words, 0);
            self.gap();
        }
    }

    /// What the clusters come to together.
    fn pooled(&mut self, report: &Report) {
        let Some(pooled) = &report.pooled else { return };
        self.say(Tone::Heading, "all clusters together", 0);
        self.gap();
        self.lines.extend(lay_out(&pooled_table(pooled), self.style));
        self.gap();
        self.say(Tone::Faint, &how_many_are_pooled(pooled), 2);
        self.gap();
    }

    /// Of cases with the same verdict.
    fn explanation(&mut self, cases: &[&CaseReport]) {
        let Some(verdict) = cases.first().map(|case| &case.verdict) else { return };
        self.gap();
        let tone = match verdict {
            Verdict::Invalid { .. }
            | Verdict::Inconclusive { .. }
            | Verdict::NewBaseline { .. }
            | Verdict::NotRun { .. } => Tone::Doubtful,
            Verdict::Improved { .. } => Tone::Good,
            _ => Tone::Bad,
        };
        self.say(tone, &format!("{} {}", verdict.word(), meshes_with_roles(cases)), 2);
        for sentence in verdict.sentences() {
            self.say(Tone::Plain, sentence, 4);
        }
    }

    fn legend(&mut self, groups: &[BlockGroup<'_>]) {
        for words in facts::legend(groups) {
            self.say(Tone::Faint, words, 0);
        }
        self.gap();
    }

    fn broken(&mut self, report: &Report) {
        for scenario in &report.broken_scenarios {
            self.say(Tone::Bad, &format!("ERROR {}", scenario.name), 0);
            for problem in &scenario.problems {
                self.say(Tone::Plain, problem, 2);
            }
        }
        self.gap();
    }

    fn ignored(&mut self, report: &Report) {
        for together in ignored_together(&report.ignored) {
            self.say(Tone::Doubtful, &format!("ignored: {}", together.reason), 0);
            self.say(Tone::Plain, &format!("cure: {}", together.cure), 2);
            self.say(Tone::Faint, &together.listed(), 2);
        }
        self.gap();
    }

    fn campaign(&mut self, report: &Report) {
        for sentence in data_paths(report) {
            self.say(Tone::Faint, &sentence, 0);
        }
        for sentence in facts::versions(report) {
            self.say(Tone::Faint, &sentence, 0);
        }
        self.say(Tone::Faint, &facts::environment(report), 0);
        for warning in facts::warnings(report) {
            self.say(Tone::Doubtful, &format!("warning: {warning}"), 0);
        }
        self.gap();
        let tally = Tally::of(report);
        let tone = match () {
            () if tally.failed + tally.errors > 0 => Tone::Bad,
            () if tally.invalid + tally.inconclusive + tally.not_run > 0
                || report.interrupted
                || tally.passed == 0 =>
            {
                Tone::Doubtful
            }
            () => Tone::Good,
        };
        self.say(tone, &tally.to_string(), 0);
    }

    fn say(&mut self, tone: Tone, text: &str, indent: usize) {
        for line in wrapped(text, indent) {
            let words = line.trim_start();
            let margin = if words.is_empty() { "" } else { &line[..line.len() - words.len()] };
            self.lines.push(format!("{margin}{}", self.style.paint(tone, words)));
        }
    }

    /// One empty line, unless the page begins or one is there already.
    fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }
}
