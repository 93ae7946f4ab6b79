//! [`render`]: the summary as GitHub Markdown, for `GITHUB_STEP_SUMMARY`.

use meshbench_core::report::Report;

use crate::facts::{
    self, BlockGroup, Cell, Column, Table, Tally, block_groups, data_paths, ignored_together, latency_table,
    meshes_with_roles, resource_table,
};

/// The same facts as on the console, in tables that GitHub shows.
#[must_use]
pub fn render(report: &Report) -> String {
    let groups = block_groups(report);
    let mut blocks = vec![format!("## meshbench: {}", Tally::of(report))];
    blocks
        .extend(facts::warnings(report).iter().map(|warning| format!("> **Warning:** {}", escaped(warning))));
    blocks.extend(groups.iter().flat_map(group_blocks));
    blocks.push(list(facts::legend(&groups)));
    blocks.push(list(report.broken_scenarios.iter().map(|scenario| {
        let problems: Vec<_> = scenario.problems.iter().map(|problem| escaped(problem)).collect();
        format!("**ERROR {}:** {}", escaped(&scenario.name), problems.join("<br>"))
    })));
    let ignored = ignored_together(&report.ignored);
    blocks.push(list(ignored.iter().map(|together| {
        let [reason, cure, names] = [together.reason, together.cure, &together.listed()].map(escaped);
        format!("**ignored:** {reason}; cure: {cure} ({names})")
    })));
    let small_print = data_paths(report).into_iter().chain(facts::versions(report));
    blocks.push(list(small_print.map(|sentence| escaped(&sentence))));
    blocks.push(escaped(&facts::environment(report)));
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n\n") + "\n"
}

fn group_blocks(group: &BlockGroup<'_>) -> Vec<String> {
    let mut blocks = vec![format!("### {}", escaped(&group.title().join(" · ")))];
    if group.cases.iter().any(|case| !case.runs.is_empty()) {
        blocks.push(table(&latency_table(&group.cases)));
        blocks.push(table(&resource_table(&group.cases)));
    }
    blocks.push(list(group.explained().iter().filter_map(|cases| {
        let verdict = &cases.first()?.verdict;
        let sentences = verdict.sentences().iter().map(|sentence| escaped(sentence)).collect::<Vec<_>>();
        let meshes = escaped(&meshes_with_roles(cases));
        Some(format!("**{} {meshes}:** {}", verdict.word(), sentences.join("<br>")))
    })));
    blocks.push(list(group.notes().iter().map(|note| escaped(note))));
    blocks
}

fn table(table: &Table) -> String {
    let title = |column: &Column| match column.section {
        "" => column.full.to_owned(),
        section => format!("{section}: {}", column.full),
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

/// A text that Markdown shows as it is, in one line of source, wherever it stands.
///
/// Entities rather than backslashes: they cannot open a structure, nor end a table's cell.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.trim().chars() {
        match character {
            '\n' => escaped.push_str("<br>"),
            '&' | '<' | '>' | '|' | '`' | '\\' | '*' | '[' | ']' | '#' => {
                escaped.push_str(&format!("&#{};", u32::from(character)));
            }
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
