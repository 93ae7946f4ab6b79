//! [`TextError`]: why a text is not the value it should be.

use std::fmt;

use crate::near_miss;

/// Why a text is not the value it should be, in words for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TextError {
    /// What was written and what was expected instead.
    pub message: String,
    /// What was probably meant.
    pub hint: Option<String>,
}

impl fmt::Display for TextError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, " (hint: {hint})"),
            None => Ok(()),
        }
    }
}

impl TextError {
    /// The text is none of the words that `what` can be, where `what` has its article: `a tier`.
    #[must_use]
    pub fn not_one_of(what: &str, text: &str, words: &[&str]) -> Self {
        let message = format!("\"{text}\" is not {what}; expected {}", one_of(words));
        let meant = near_miss::nearest(text, words.iter().copied());
        Self { message, hint: None }.did_you_mean(meant.map(str::to_owned))
    }

    /// Adds what was probably meant.
    pub(crate) fn did_you_mean(mut self, suggestion: Option<String>) -> Self {
        self.hint = suggestion.map(|suggestion| format!("did you mean \"{suggestion}\"?"));
        self
    }
}

/// The choice between words, for the end of a sentence: `"a"` or `one of "a", "b"`.
fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.as_slice() {
        [only] => only.clone(),
        _ => format!("one of {}", quoted.join(", ")),
    }
}

/// What a kind of value is called, and which examples show how to write it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expectation {
    /// With its article: `a rate`.
    pub(crate) what: &'static str,
    /// Quoted and joined: `"500rps" or "2.5krps"`.
    pub(crate) examples: &'static str,
}

impl Expectation {
    /// The text is wrong in the way `complaint` says: `is negative`.
    pub(crate) fn refuse(self, text: &str, complaint: impl fmt::Display) -> TextError {
        let Self { what, examples } = self;
        let message = if text.trim().is_empty() {
            format!("nothing is written here; expected {what} such as {examples}")
        } else {
            format!("\"{text}\" {complaint}; expected {what} such as {examples}")
        };
        TextError { message, hint: None }
    }

    /// The text cannot be read as this kind of value at all.
    pub(crate) fn unreadable(self, text: &str) -> TextError {
        self.refuse(text, format_args!("is not {}", self.what))
    }
}
