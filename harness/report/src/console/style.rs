//! [`Style`]: whether the console summary is coloured.

use anstyle::AnsiColor;

use crate::facts::Tone;

/// How the console summary looks. The caller knows whether its output is a terminal and whether `NO_COLOR` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Whether to colour.
    pub colour: bool,
}

impl Style {
    /// A text in the colour of its meaning.
    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Heading => anstyle::Style::new().bold(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Doubtful => AnsiColor::Yellow.on_default(),
            Tone::Faint => anstyle::Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }
}
