//! [`fit`]: as many blocks of Markdown as there is room for.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::format::counted;

const SEPARATOR: &str = "\n\n";

/// What a block says; what comes first here is the first to be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Remarks on a block group.
    Notes,
    /// CPU and memory of a block group.
    Resources,
    /// What proves the data paths, and what ran.
    Proofs,
    /// What did not run.
    Ignored,
    /// What marks mean.
    Legend,
    /// The machine.
    Environment,
    /// Verdicts, latency and errors of a block group.
    Latency,
    /// The rates of a scenario side by side.
    Sweeps,
    /// How much each mesh carries.
    Limits,
    /// Scenario files that are wrong.
    BrokenScenarios,
    /// Why the verdicts of a block group are what they are.
    Explanations,
    /// The title of a block group: there as long as anything of it is.
    Heading,
    /// What is never left out.
    Always,
}

impl Kind {
    const fn what(self) -> &'static str {
        match self {
            Self::Notes => "notes",
            Self::Resources => "CPU and memory",
            Self::Proofs => "data paths and versions",
            Self::Ignored => "ignored cases",
            Self::Legend => "the legend",
            Self::Environment => "the environment",
            Self::Latency => "verdicts and latency",
            Self::Sweeps => "rates side by side",
            Self::Limits => "what meshes carry",
            Self::BrokenScenarios => "what is wrong with scenario files",
            Self::Explanations => "why verdicts are what they are",
            Self::Heading | Self::Always => "",
        }
    }

    const fn may_be_left_out(self) -> bool {
        !matches!(self, Self::Heading | Self::Always)
    }
}

/// A piece of Markdown that is shown in full or not at all.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) kind: Kind,
    /// Which block group it is of, by its place in the report.
    pub(super) group: Option<usize>,
    /// Whether something is wrong in its block group: such are left out after the others.
    pub(super) needs_attention: bool,
    pub(super) text: String,
    /// The same in fewer words, where there are.
    pub(super) shorter: Option<String>,
}

impl Block {
    /// A block of no block group.
    pub(super) const fn new(kind: Kind, text: String) -> Self {
        Self { kind, group: None, needs_attention: false, text, shorter: None }
    }

    const fn bytes(&self) -> usize {
        self.text.len() + SEPARATOR.len()
    }
}

/// The blocks in their order, in `most_bytes` at the most as far as that can be: what can be said shorter is, then blocks are
/// left out, the later ones of a kind first. After the first block stands what is missing, and that it is `elsewhere`.
pub(super) fn fit(blocks: Vec<Block>, most_bytes: usize, elsewhere: &str) -> String {
    let bytes = blocks.iter().map(Block::bytes).sum();
    let mut page = Page { is_left_out: vec![false; blocks.len()], blocks, bytes, shortened: 0 };
    if page.bytes <= most_bytes {
        return joined(page.blocks.iter());
    }
    let order = page.least_read_first();
    let everything = notice(order.len() as u64, order.iter().map(|&index| &page.blocks[index]), elsewhere);
    // The notice is never longer than when everything is shortened and left out.
    let room = most_bytes.saturating_sub(Block::new(Kind::Always, everything).bytes());
    for &index in &order {
        if page.bytes <= room {
            break;
        }
        page.shorten(index);
    }
    for index in order {
        if page.bytes <= room {
            break;
        }
        page.leave_out(index);
        page.leave_out_lone_heading(index);
    }
    page.with_notice(elsewhere)
}

/// What is shown so far.
struct Page {
    blocks: Vec<Block>,
    is_left_out: Vec<bool>,
    bytes: usize,
    shortened: u64,
}

impl Page {
    fn least_read_first(&self) -> Vec<usize> {
        let may_be_left_out = |index: &usize| self.blocks[*index].kind.may_be_left_out();
        let mut order: Vec<usize> = (0..self.blocks.len()).filter(may_be_left_out).collect();
        order.sort_by_key(|&index| {
            let Block { kind, needs_attention, .. } = self.blocks[index];
            (kind, needs_attention, Reverse(index))
        });
        order
    }

    fn shorten(&mut self, index: usize) {
        let block = &mut self.blocks[index];
        let Some(shorter) = block.shorter.take().filter(|shorter| shorter.len() < block.text.len()) else {
            return;
        };
        self.bytes -= block.text.len() - shorter.len();
        block.text = shorter;
        self.shortened += 1;
    }

    fn leave_out(&mut self, index: usize) {
        self.is_left_out[index] = true;
        self.bytes -= self.blocks[index].bytes();
    }

    /// Leaves out the heading of the block group of `index` once nothing stands under it.
    fn leave_out_lone_heading(&mut self, index: usize) {
        let Some(group) = self.blocks[index].group else { return };
        let of_this_group = |index: &usize| self.blocks[*index].group == Some(group);
        let mut rest = (0..self.blocks.len()).filter(of_this_group).filter(|&index| !self.is_left_out[index]);
        if let (Some(last), None) = (rest.next(), rest.next())
            && self.blocks[last].kind == Kind::Heading
        {
            self.leave_out(last);
        }
    }

    fn with_notice(&self, elsewhere: &str) -> String {
        let with = |is_left_out: bool| {
            let blocks = self.blocks.iter().zip(&self.is_left_out);
            blocks.filter(move |(_, left_out)| **left_out == is_left_out).map(|(block, _)| block)
        };
        let notice = Block::new(Kind::Always, notice(self.shortened, with(true), elsewhere));
        joined(with(false).take(1).chain([&notice]).chain(with(false).skip(1)))
    }
}

fn notice<'a>(shortened: u64, left_out: impl Iterator<Item = &'a Block>, elsewhere: &str) -> String {
    let mut kinds: BTreeMap<Kind, (u64, bool)> = BTreeMap::new();
    for block in left_out.filter(|block| block.kind.may_be_left_out()) {
        let (count, _) = kinds.entry(block.kind).or_insert((0, block.group.is_some()));
        *count += 1;
    }
    let words = kinds.into_iter().map(|(kind, (count, is_of_groups))| match is_of_groups {
        true => format!("{} of {}", kind.what(), counted(count, "block group")),
        false => kind.what().to_owned(),
    });
    let ends =
        (shortened > 0).then(|| format!("the ends of what is said of {}", counted(shortened, "block group")));
    let what = ends.into_iter().chain(words).collect::<Vec<_>>().join(", ");
    format!("> **Left out**, for this page takes no more: {what}. All of it is in {elsewhere}.")
}

fn joined<'a>(blocks: impl Iterator<Item = &'a Block>) -> String {
    blocks.map(|block| block.text.as_str()).collect::<Vec<_>>().join(SEPARATOR) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks() -> Vec<Block> {
        let of = |group, kind, needs_attention, text: &str| Block {
            group: Some(group),
            needs_attention,
            ..Block::new(kind, format!("{text}{group} {}", "x".repeat(300)))
        };
        let mut blocks = vec![Block::new(Kind::Always, "title".to_owned())];
        for group in 0..3 {
            let fails = group == 2;
            blocks.push(of(group, Kind::Heading, fails, "heading"));
            blocks.push(of(group, Kind::Latency, fails, "latency"));
            blocks.push(of(group, Kind::Notes, fails, "notes"));
        }
        blocks
    }

    fn shown(most_bytes: usize) -> Vec<String> {
        let text = fit(blocks(), most_bytes, "the folder");
        assert!(text.len() <= most_bytes, "{} bytes where {most_bytes} are taken", text.len());
        text.split(SEPARATOR).map(|block| block.split(' ').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn everything_is_shown_where_there_is_room() {
        assert_eq!(shown(10_000).len(), 10);
        assert!(!fit(blocks(), 10_000, "the folder").contains("Left out"));
    }

    #[test]
    fn what_is_read_least_goes_first_and_what_failed_last() {
        let without_two_notes =
            ["title", ">", "heading0", "latency0", "heading1", "latency1", "heading2", "latency2", "notes2"];
        assert_eq!(shown(2_500), without_two_notes);
        assert_eq!(shown(1_000), ["title", ">", "heading2", "latency2"]);
        assert_eq!(shown(300), ["title", ">"]);
    }

    #[test]
    fn what_can_be_said_shorter_is_before_anything_goes() {
        let mut blocks = blocks();
        blocks[2].shorter = Some("in short".to_owned());
        let text = fit(blocks, 2_790, "the folder");
        assert!(text.contains("in short") && text.contains("notes0") && !text.contains("latency0"), "{text}");
        assert!(text.contains("takes no more: the ends of what is said of 1 block group. All"), "{text}");
    }

    #[test]
    fn the_notice_says_what_and_where() {
        let text = fit(blocks(), 1_000, "the folder");
        let notice = "> **Left out**, for this page takes no more: notes of 3 block groups, verdicts and latency of 2 block \
                      groups. All of it is in the folder.";
        assert_eq!(text.split(SEPARATOR).nth(1), Some(notice));
    }
}
