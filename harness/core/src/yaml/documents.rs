//! [`documents`]: all documents of a text, as Kubernetes' own tools read them.
//!
//! These tools read YAML 1.1, where `yes` is a boolean and `0644` is octal; the parser here reads YAML 1.2, where both
//! are text. What is written without quotes and means something else in 1.1 is taken as that.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::locate::{Place, locate};
use super::path::{Path, Step};
use super::wording;
use crate::problem::Problem;

/// Reads every YAML document in `text`, which is what `file` holds; documents without content are left out.
///
/// # Errors
///
/// When the text is not YAML; the problem names line and column.
pub fn documents(file: &str, text: &str) -> Result<Vec<Value>, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read = split(text).into_iter().map(|document| read(file, &document));
    let values: Vec<_> = read.collect::<Result<_, _>>()?;
    Ok(values.into_iter().filter(|value| !value.is_null()).collect())
}

/// Cuts before every line that starts a document. Such a line starts one wherever it stands: even a block of text has
/// to be indented. What is before a document becomes empty lines, so that its own lines keep their numbers.
fn split(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for (lines_before, line) in text.split_inclusive('\n').enumerate() {
        if is_document_start(line) {
            documents.push("\n".repeat(lines_before));
        }
        documents.last_mut().into_iter().for_each(|document| document.push_str(line));
    }
    documents
}

fn is_document_start(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

fn read(file: &str, document: &str) -> Result<Value, Problem> {
    let mut value = parse(file, document)?;
    for (path, meant) in unlike_in_yaml_1_1(document, &value) {
        if let Some(place) = at(&mut value, &path) {
            *place = meant;
        }
    }
    Ok(value)
}

fn parse(file: &str, document: &str) -> Result<Value, Problem> {
    let Some(read) = serde_yaml::Deserializer::from_str(document).next() else {
        return Ok(Value::Null);
    };
    Value::deserialize(read).map_err(|error| {
        let location = error.location().map(|location| (location.line(), location.column()));
        // Whatever fails without asking for any type is a matter of YAML itself.
        let is_yaml = serde_yaml::from_str::<IgnoredAny>(document).is_ok();
        let wording = if is_yaml { wording::mismatch } else { wording::syntax };
        wording(file, document, &error.to_string(), location)
    })
}

/// The texts in a value that are written without quotes and are no text in YAML 1.1, with what they are.
fn unlike_in_yaml_1_1(document: &str, value: &Value) -> Vec<(Path, Value)> {
    let mut candidates = Vec::new();
    collect_candidates(value, &Path::default(), &mut candidates);
    candidates.retain(|(path, _)| is_plain(document, path));
    candidates
}

fn collect_candidates(value: &Value, path: &Path, candidates: &mut Vec<(Path, Value)>) {
    match value {
        Value::Object(entries) => {
            entries.iter().for_each(|(key, value)| collect_candidates(value, &path.key(key), candidates));
        }
        Value::Array(entries) => {
            let indexed = entries.iter().enumerate();
            indexed.for_each(|(index, value)| collect_candidates(value, &path.index(index), candidates));
        }
        Value::String(text) => candidates.extend(in_yaml_1_1(text).map(|meant| (path.clone(), meant))),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_plain(document: &str, path: &Path) -> bool {
    let Some((line, column)) = locate(document, path, Place::Value) else { return false };
    let line = document.lines().nth(line - 1).unwrap_or_default();
    line.chars().nth(column - 1).is_some_and(|first| first.is_ascii_alphanumeric())
}

/// What a word without quotes is in YAML 1.1, as go-yaml has it, where that is no text.
fn in_yaml_1_1(word: &str) -> Option<Value> {
    match word {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(Value::Bool(true)),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(Value::Bool(false)),
        _ => {
            let octal =
                word.strip_prefix('0').filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
            octal.and_then(|digits| u64::from_str_radix(digits, 8).ok()).map(Value::from)
        }
    }
}

fn at<'value>(value: &'value mut Value, path: &Path) -> Option<&'value mut Value> {
    path.steps().iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::nothing("", json!([]))]
    #[case::only_comments("# nothing\n---\n# here\n---\n", json!([]))]
    #[case::one("a: 1", json!([{"a": 1}]))]
    #[case::several("a: 1\n---\nb: 2\n--- # third\nc: 3\n...\n", json!([{"a": 1}, {"b": 2}, {"c": 3}]))]
    #[case::byte_order_mark("\u{feff}a: 1", json!([{"a": 1}]))]
    #[case::carriage_returns("a: 1\r\n---\r\nb: 2\r\n", json!([{"a": 1}, {"b": 2}]))]
    #[case::dashes_within_a_text("a: |\n  x\n  ---\n  y\n", json!([{"a": "x\n---\ny\n"}]))]
    #[case::numbers_as_keys("data: {1: one}", json!([{"data": {"1": "one"}}]))]
    #[case::a_key_twice("a: 1\na: 2", json!([{"a": 2}]))]
    #[case::plain_words("a: yes\nb: [off, On]", json!([{"a": true, "b": [false, true]}]))]
    #[case::quoted_words("a: 'yes'\nb: \"no\"\nc: |-\n  on", json!([{"a": "yes", "b": "no", "c": "on"}]))]
    #[case::octal("mode: 0644\nother: 0o644", json!([{"mode": 420, "other": 420}]))]
    #[case::quoted_digits("mode: '0644'", json!([{"mode": "0644"}]))]
    #[case::no_octal("a: 0989\nb: 0.5\nc: 1.10.0", json!([{"a": "0989", "b": 0.5, "c": "1.10.0"}]))]
    fn reads_what_kubernetes_reads(#[case] text: &str, #[case] expected: Value) {
        assert_eq!(Value::Array(documents("m.yaml", text).unwrap()), expected);
    }

    #[test]
    fn what_is_wrong_in_a_later_document_is_named_with_its_place() {
        let problem = documents("m.yaml", "a: 1\n---\nb: 2\n---\nc: [1\nd: 2\n").unwrap_err();
        let expected = "m.yaml:6:2: not valid YAML: did not find expected ',' or ']', while parsing a flow sequence at line 5 column 4";
        assert_eq!(problem.to_string(), expected);
    }
}
