//! Reads YAML files into types, with errors that name file, line, column and field: [`from_str`].
//!
//! The only module that knows `serde_yaml`, so that replacing it touches nothing else.

mod documents;
mod locate;
mod path;
mod wording;

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::problem::Problem;

pub use documents::documents;
pub use locate::{Place, locate};
pub use path::Path;
/// For `#[serde(with = …)]`: an enum's variants are written as mappings of one key, `helm: {…}`, at any depth of a field.
pub use serde_yaml::with::singleton_map_recursive as one_key_enums;

/// Takes the bytes of `file` as text.
///
/// # Errors
///
/// When they are not UTF-8; the problem names the line and column of the first byte that is not.
pub fn text_of<'bytes>(file: &str, bytes: &'bytes [u8]) -> Result<&'bytes str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| {
        let readable = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let last_line = readable.rsplit('\n').next().unwrap_or_default();
        Problem {
            line: Some(readable.matches('\n').count() + 1),
            column: Some(last_line.chars().count() + 1),
            hint: Some("save the file as UTF-8".to_owned()),
            ..Problem::of_file(file, "not UTF-8 text")
        }
    })
}

/// Reads the one YAML document in `text`, which is what `file` holds.
///
/// # Errors
///
/// When the text is not one YAML document, or not a `T`; the problem says where and what was expected.
pub fn from_str<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Problem> {
    // Editors on Windows put it there unseen; it is no part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    refuse_what_is_not_one_document(file, text)?;
    serde_yaml::from_str(text).map_err(|error| {
        let location = error.location().map(|location| (location.line(), location.column()));
        wording::mismatch(file, text, &error.to_string(), location)
    })
}

/// Whatever fails without asking for any type is a matter of YAML itself.
fn refuse_what_is_not_one_document(file: &str, text: &str) -> Result<(), Problem> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Err(Problem::of_file(file, "the file is empty"));
    }
    let starts = document_starts(text);
    if let Some(&line) = starts.get(1) {
        let message = "a second document starts here; expected one document a file";
        return Err(Problem { line: Some(line), column: Some(1), ..Problem::of_file(file, message) });
    }
    match serde_yaml::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let location = error.location().map(|location| (location.line(), location.column()));
            Err(wording::syntax(file, text, &error.to_string(), location))
        }
    }
}

/// The lines, counted from one, on which documents with any content start.
fn document_starts(text: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut start = None;
    for (index, line) in text.lines().enumerate() {
        let marker = line == "---" || line.starts_with("--- ");
        if marker {
            start = Some(index + 1);
        }
        let content = line.strip_prefix("---").filter(|_| marker).unwrap_or(line).trim();
        if !(content.is_empty() || content.starts_with('#') || content == "...") {
            let start = start.unwrap_or(1);
            if starts.last() != Some(&start) {
                starts.push(start);
            }
        }
    }
    starts
}
