//! [`render_within`]: the summary as GitHub Markdown, for `report.md`, pull requests and `GITHUB_STEP_SUMMARY`.

mod escape;
mod fit;

use meshbench_core::judge::{Gate, Verdict};
use meshbench_core::pooling::Pooled;
use meshbench_core::report::Report;

use crate::facts::{
    self, BlockGroup, Cell, Column, Sweep, Table, Tally, block_groups, data_paths, how_many_are_pooled,
    ignored_together, latency_table, limit_table, meshes_with_roles, pooled_table, resource_table,
};
use escape::escaped;
use fit::{Block, Kind, fit};

/// What GitHub takes as a comment, in characters; counted here in bytes, of which there are never fewer.
pub const COMMENT_BYTES: usize = 65_536;
/// What GitHub takes as the summary of a step.
pub const STEP_SUMMARY_BYTES: usize = 1_024 * 1_024;

/// The same facts as on the console, in tables that GitHub shows.
#[must_use]
pub fn render(report: &Report) -> String {
    render_within(report, usize::MAX)
}

/// The same in `most_bytes` at the most: what is read least is left out first, and the text says what that was and where it
/// is. The outcome and the warnings are never left out.
#[must_use]
pub fn render_within(report: &Report, most_bytes: usize) -> String {
    let elsewhere =
        format!("`report.html` and `report.json` in the folder of campaign {}", escaped(&report.campaign));
    fit(blocks(report), most_bytes, &elsewhere)
}

fn blocks(report: &Report) -> Vec<Block> {
    let groups = block_groups(report);
    let mut blocks = vec![Block::new(Kind::Always, format!("## meshbench: {}", Tally::of(report)))];
    blocks.extend(
        facts::warnings(report)
            .iter()
            .map(|warning| Block::new(Kind::Always, format!("> **Warning:** {}", escaped(warning)))),
    );
    blocks.extend(facts::sweeps(report).iter().map(sweep_block));
    blocks.extend(groups.iter().enumerate().flat_map(|(index, group)| group_blocks(index, group)));
    blocks.extend(report.pooled.as_ref().map(pooled_block));
    blocks.push(Block::new(Kind::Legend, list(facts::legend(&groups))));
    let broken = report.broken_scenarios.iter().map(|scenario| {
        let problems: Vec<_> = scenario.problems.iter().map(|problem| escaped(problem)).collect();
        format!("**ERROR {}:** {}", escaped(&scenario.name), problems.join("<br>"))
    });
    blocks.push(Block::new(Kind::BrokenScenarios, list(broken)));
    let ignored = ignored_together(&report.ignored);
    let ignored = ignored.iter().map(|together| {
        let [reason, cure, names] = [together.reason, together.cure, &together.listed()].map(escaped);
        format!("**ignored:** {reason}; cure: {cure} ({names})")
    });
    blocks.push(Block::new(Kind::Ignored, list(ignored)));
    let small_print = data_paths(report).into_iter().chain(facts::versions(report));
    blocks.push(Block::new(Kind::Proofs, list(small_print.map(|sentence| escaped(&sentence)))));
    blocks.push(Block::new(Kind::Environment, escaped(&facts::environment(report))));
    blocks.retain(|block| !block.text.is_empty());
    blocks
}

fn sweep_block(sweep: &Sweep<'_>) -> Block {
    let title = format!("### {}, rate by rate", escaped(&sweep.title));
    let legend = sweep.legend().map(str::to_owned);
    let parts: Vec<_> = [title, table(&sweep.table())].into_iter().chain(legend).collect();
    Block::new(Kind::Sweeps, parts.join("\n\n"))
}

fn group_blocks(index: usize, group: &BlockGroup<'_>) -> Vec<Block> {
    let needs_attention = group.cases.iter().any(|case| needs_attention(&case.verdict));
    let block = |kind, text| Block { group: Some(index), needs_attention, ..Block::new(kind, text) };
    let mut blocks = vec![block(Kind::Heading, format!("### {}", escaped(&group.title().join(" · "))))];
    if group.cases.iter().any(|case| !case.runs.is_empty()) {
        blocks.extend(limit_table(&group.cases).map(|limits| block(Kind::Limits, table(&limits))));
        blocks.push(block(Kind::Latency, table(&latency_table(&group.cases))));
        blocks.push(block(Kind::Resources, table(&resource_table(&group.cases))));
    }
    let explained = |said: fn(&[String]) -> String| {
        list(group.explained().iter().filter_map(|cases| {
            let verdict = &cases.first()?.verdict;
            let meshes = escaped(&meshes_with_roles(cases));
            Some(format!("**{} {meshes}:** {}", verdict.word(), said(verdict.sentences())))
        }))
    };
    let shorter = Some(explained(in_short));
    blocks.push(Block { shorter, ..block(Kind::Explanations, explained(in_full)) });
    blocks.push(block(Kind::Notes, list(group.notes().iter().map(|note| escaped(note)))));
    blocks
}

fn pooled_block(pooled: &Pooled) -> Block {
    let (said, table) = (how_many_are_pooled(pooled), table(&pooled_table(pooled)));
    Block::new(Kind::Latency, format!("### all clusters together\n\n{said}\n\n{table}"))
}

fn in_full(sentences: &[String]) -> String {
    sentences.iter().map(|sentence| escaped(sentence)).collect::<Vec<_>>().join("<br>")
}

/// How each sentence begins: logs are quoted at its end.
fn in_short(sentences: &[String]) -> String {
    const CHARACTERS: usize = 160;
    let beginning = |sentence: &String| {
        let line = sentence.lines().next().unwrap_or_default();
        let shown: String = line.chars().take(CHARACTERS).collect();
        let mark = if shown.len() < sentence.len() { "…" } else { "" };
        format!("{}{mark}", escaped(&shown))
    };
    sentences.iter().map(beginning).collect::<Vec<_>>().join("<br>")
}

/// Whether somebody has to look at it: whatever fails with the strictest gate, but for a baseline that is new.
fn needs_attention(verdict: &Verdict) -> bool {
    Gate { strict: true, require_baseline: false }.fails(verdict)
}

fn table(table: &Table) -> String {
    let title = |column: &Column| match column.section {
        "" => escaped(&column.full),
        section => format!("{section}: {}", escaped(&column.full)),
    };
    let alignment = |index: usize| if index == 0 { "---" } else { "---:" };
    let header = table.columns.iter().map(title).collect::<Vec<_>>();
    let rule = (0..table.columns.len()).map(|index| alignment(index).to_owned()).collect::<Vec<_>>();
    let rows = table.rows.iter().map(|cells| cells.iter().map(cell).collect::<Vec<_>>());
    let lines = [header, rule].into_iter().chain(rows).map(|cells| format!("| {} |", cells.join(" | ")));
    lines.collect::<Vec<_>>().join("\n")
}

fn cell(Cell { text, difference, .. }: &Cell) -> String {
    format!("{} {difference}", escaped(text)).trim_end().to_owned()
}

fn list<Item: AsRef<str>>(items: impl IntoIterator<Item = Item>) -> String {
    items.into_iter().map(|item| format!("- {}", item.as_ref())).collect::<Vec<_>>().join("\n")
}
