//! [`escaped`]: words of others in Markdown.

/// A text that Markdown shows as it is, in one line of source, wherever it stands.
///
/// Entities rather than backslashes: they cannot open a structure, nor end a table's cell. What would turn the direction of
/// the text after it, or hide in it, is left out; and nobody is mentioned, for GitHub would write to them.
pub(super) fn escaped(text: &str) -> String {
    let text = text.trim();
    let mut escaped = String::with_capacity(text.len());
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let after = characters.peek().copied();
        match character {
            '\n' => escaped.push_str("<br>"),
            '&' | '<' | '>' | '|' | '`' | '\\' | '*' | '[' | ']' | '#' => {
                push_entity(&mut escaped, character);
            }
            '@' => escaped.push_str("@&#8203;"),
            '_' if !(is_of_a_word(before) && is_of_a_word(after)) => push_entity(&mut escaped, '_'),
            '~' if after.is_some_and(|after| !after.is_whitespace()) => push_entity(&mut escaped, '~'),
            '-' | '+' | '=' if before.is_none() => push_entity(&mut escaped, character),
            '.' | ')' if is_number(&escaped) && after.is_none_or(char::is_whitespace) => {
                push_entity(&mut escaped, character);
            }
            control if control.is_control() => escaped.push(' '),
            format if is_format(format) => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
        before = Some(character);
    }
    escaped
}

fn push_entity(escaped: &mut String, character: char) {
    escaped.push_str(&format!("&#{};", u32::from(character)));
}

/// Within a word an underscore emphasises nothing.
fn is_of_a_word(character: Option<char>) -> bool {
    character.is_some_and(char::is_alphanumeric)
}

/// Whether what was written so far would begin a numbered list.
fn is_number(written: &str) -> bool {
    !written.is_empty() && written.chars().all(|character| character.is_ascii_digit())
}

/// Characters that turn the direction of what follows (Unicode Standard Annex 9), or show as nothing.
fn is_format(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::words("p99_9 is 1.24%, above ≤ 20ms (2 - 1)", "p99_9 is 1.24%, above ≤ 20ms (2 - 1)")]
    #[case::mark("3.30ms~", "3.30ms~")]
    #[case::emphasis("*a* _b_ __c__ ~d~", "&#42;a&#42; &#95;b&#95; &#95;&#95;c&#95;&#95; &#126;d~")]
    #[case::html("<b>&amp;", "&#60;b&#62;&#38;amp;")]
    #[case::structure("a|b\n# c", "a&#124;b<br>&#35; c")]
    #[case::list("- a", "&#45; a")]
    #[case::numbered("12. a 3.4", "12&#46; a 3.4")]
    #[case::underline("===", "&#61;==")]
    #[case::mention("ask @somebody", "ask @&#8203;somebody")]
    #[case::direction("\u{202e}gpj.exe\u{1b}[0m", "\u{fffd}gpj.exe &#91;0m")]
    #[case::emoji("🚀 مرحبا", "🚀 مرحبا")]
    fn words_of_others_stay_words(#[case] text: &str, #[case] written: &str) {
        assert_eq!(escaped(text), written);
    }
}
