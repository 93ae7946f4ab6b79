//! Turns what `serde_yaml` says into what the writer of the file needs to hear.

use super::locate::{Place, locate};
use super::path::Path;
use crate::near_miss;
use crate::problem::Problem;

type Location = Option<(usize, usize)>;

/// The text is not YAML.
pub(super) fn syntax(file: &str, text: &str, error: &str, location: Location) -> Problem {
    let (line, column) = location.unzip();
    let complaint = without_location(error, location);
    let faulty_line = line.and_then(|line| text.lines().nth(line - 1)).unwrap_or_default();
    let hint = faulty_line.trim_start_matches(' ').starts_with('\t');
    let hint = hint.then(|| "YAML allows no tabs for indentation: use spaces".to_owned());
    problem(file, (line, column), String::new(), format!("not valid YAML: {complaint}"), hint)
}

/// The text is YAML, but not of the expected type.
pub(super) fn mismatch(file: &str, text: &str, error: &str, location: Location) -> Problem {
    let sentence = without_location(error, location);
    let (parent, complaint) = split_path(&sentence);
    if let Some(rest) = complaint.strip_prefix("unknown field ") {
        return unknown_field(file, location, parent, rest);
    }
    if let Some(rest) = complaint.strip_prefix("missing field ") {
        let name = quoted_names(rest).next().unwrap_or_default();
        return problem(
            file,
            location.unzip(),
            joined(parent, name),
            "this field is missing".to_owned(),
            None,
        );
    }
    if let Some(rest) = complaint.strip_prefix("duplicate field ") {
        let name = quoted_names(rest).next().unwrap_or_default();
        let second = locate(text, &path_of(parent).key(name), Place::RepeatedKey).or(location);
        return problem(
            file,
            second.unzip(),
            joined(parent, name),
            "this field is written twice".to_owned(),
            None,
        );
    }
    let (message, hint) = wrong_type(complaint).unwrap_or_else(|| (complaint.to_owned(), None));
    problem(file, location.unzip(), parent.to_owned(), message, hint)
}

/// `rest` is serde's "`name`, expected one of `this`, `that`".
fn unknown_field(file: &str, location: Location, parent: &str, rest: &str) -> Problem {
    let mut names = quoted_names(rest);
    let name = names.next().unwrap_or_default();
    let known: Vec<&str> = names.collect();
    let meant = near_miss::nearest(name, known.iter().copied());
    let expected: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let message = match expected.as_slice() {
        [] => "there is no such field; expected none".to_owned(),
        [only] => format!("there is no such field; expected {only}"),
        _ => format!("there is no such field; expected one of {}", expected.join(", ")),
    };
    let hint = meant.map(|name| format!("did you mean `{name}`?"));
    problem(file, location.unzip(), joined(parent, name), message, hint)
}

/// "invalid type: sequence, expected a string" in the words of YAML, and the cure where there is one.
fn wrong_type(complaint: &str) -> Option<(String, Option<String>)> {
    let rest =
        complaint.strip_prefix("invalid type: ").or_else(|| complaint.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let found = match found {
        "unit value" => "nothing".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a mapping".to_owned(),
        _ => match found.split_once(' ') {
            Some(("string", text)) => text.to_owned(),
            Some((_, scalar)) => scalar.trim_matches('`').to_owned(),
            None => found.to_owned(),
        },
    };
    let expected = match expected {
        "a sequence" => "a list",
        "a map" => "a mapping",
        "a string" => "a single value",
        "a boolean" => "true or false",
        expected if expected.starts_with("struct ") => "a mapping",
        expected => expected,
    };
    let one_entry_meant =
        expected.starts_with("a list") && !["nothing", "a mapping"].contains(&found.as_str());
    let hint = one_entry_meant.then(|| format!("write [{}]", found.trim_matches('"')));
    Some((format!("expected {expected}, found {found}"), hint))
}

/// Removes the location at the end or in the middle of what `serde_yaml` says: the problem has fields for it.
fn without_location(error: &str, location: Location) -> String {
    match location {
        Some((line, column)) => error.replacen(&format!(" at line {line} column {column}"), "", 1),
        None => error.to_owned(),
    }
}

/// Splits `workload.requests[0]: invalid type …` into path and complaint.
fn split_path(sentence: &str) -> (&str, &str) {
    match sentence.split_once(": ") {
        Some((path, complaint)) if !path.contains([' ', '"', '`']) => {
            (path.trim_end_matches(['?', '.']), complaint)
        }
        _ => ("", sentence),
    }
}

/// The words between backticks, in order.
fn quoted_names(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn joined(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

/// Reads a path as `serde_yaml` prints it.
fn path_of(printed: &str) -> Path {
    let mut path = Path::default();
    for part in printed.split('.').filter(|part| !part.is_empty()) {
        let (key, indices) = part.split_once('[').unwrap_or((part, ""));
        path = path.key(key);
        for index in indices.split(['[', ']']).filter_map(|index| index.parse().ok()) {
            path = path.index(index);
        }
    }
    path
}

fn problem(
    file: &str,
    (line, column): (Option<usize>, Option<usize>),
    field: String,
    message: String,
    hint: Option<String>,
) -> Problem {
    Problem { file: file.to_owned(), line, column, field, message, hint }
}
