//! Texts of others on a console: nothing in them may move the cursor or run off the page.

/// How wide the summary may be. Single words that are wider, such as paths, are kept whole so that they can be copied.
pub(super) const WIDTH: usize = 100;

/// Wraps a text at the page's width. Its own line breaks are kept.
pub(super) fn wrapped(text: &str, indent: usize) -> Vec<String> {
    let margin = " ".repeat(indent);
    text.lines()
        .flat_map(|line| wrap_line(&printable(line), WIDTH - indent))
        .map(|line| margin.clone() + &line)
        .collect()
}

/// Makes control characters visible: terminals would obey them.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => " ".to_owned(),
            control if control.is_control() || is_format(control) => control.escape_default().to_string(),
            other => other.to_string(),
        })
        .collect()
}

/// Characters that turn the direction of what follows (Unicode Standard Annex 9), or show as nothing.
fn is_format(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// How many columns a text takes. The texts of meshbench have no wide characters.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
}

fn wrap_line(line: &str, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    // A log's own indentation is part of its meaning.
    let indentation: String = line.chars().take_while(|character| *character == ' ').collect();
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        if !current.is_empty() && width(&current) + 1 + width(word) > most {
            lines.push(std::mem::take(&mut current));
        }
        current += if current.is_empty() { &indentation } else { " " };
        current += word;
    }
    lines.push(current);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_between_words_and_never_within() {
        let path = "x".repeat(120);
        let lines = wrapped(&format!("{} {path} end", "word ".repeat(30).trim_end()), 4);
        assert_eq!(lines.len(), 4, "{lines:#?}");
        assert!(
            lines
                .iter()
                .all(|line| line.starts_with("    ") && (width(line) <= WIDTH || line.trim() == path))
        );
    }

    #[test]
    fn keeps_the_lines_and_indentation_of_a_log() {
        assert_eq!(
            wrapped("cannot start:\n  [error] no port\n", 2),
            ["  cannot start:", "    [error] no port"]
        );
    }

    #[test]
    fn disarms_what_a_terminal_would_obey() {
        assert_eq!(printable("\u{1b}[2Jgone\rover\ttab"), "\\u{1b}[2Jgone\\rover tab");
    }
}
