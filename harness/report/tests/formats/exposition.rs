//! [`samples`]: reads Prometheus's text format back, as little of it as `metrics.prom` uses.

use std::collections::BTreeMap;

#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn has(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        let has = |(label, value): &(&str, &str)| self.labels.get(*label).is_some_and(|its| its == value);
        self.name == name && labels.iter().all(has)
    }
}

pub(crate) fn samples(text: &str) -> Vec<Sample> {
    text.split_terminator('\n').filter(|line| !line.starts_with("# ")).map(sample).collect()
}

fn sample(line: &str) -> Sample {
    let name_ends = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line:?}"));
    let (name, mut rest) = line.split_at(name_ends);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line:?}"));
            let (value, after) = unescaped(after);
            assert_eq!(labels.insert(label.trim_start_matches(',').to_owned(), value), None, "{line:?}");
            rest = after;
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no value: {line:?}"));
    Sample { name: name.to_owned(), labels, value: value.parse().unwrap() }
}

/// A label's value, and what stands after its closing quote.
fn unescaped(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                other => panic!("no escape: {other:?} in {text:?}"),
            },
            other => value.push(other),
        }
    }
    panic!("no closing quote: {text:?}")
}
