//! A baseline as TOML: made to be reviewed as a difference, and refused where it was edited.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::recordings::{self, RecordingsError};
use super::{Baseline, MAX, Row, RowUnit, tabled_metrics};
use crate::campaign_means::Subject;
use crate::digest::digest;
use crate::fingerprint::Fingerprint;
use crate::metric::Metric;

/// The version of the file's format.
const BASELINE_FORMAT: u32 = 1;

/// `insta` takes everything up to the first empty line of a file without its own header for a header.
const TITLE: &str = "# What a case cost when it was accepted. Written by meshbench, and refused when edited:
# `meshbench baseline accept` takes a new one.
";
const LEGEND: &str = "
# value: median over runs. over_bare: mesh/bare, geometric mean over blocks. pair_sd: deviation between blocks of
# ln(mesh/bare), of memory ln(bytes). detectable: smallest ratio that as many blocks find nine times of ten.
[metrics]
";
/// What `insta` puts before and after its header.
const REVIEW_RULE: &str = "---\n";

/// Why two files are no baseline of a case.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is no TOML, or other TOML.
    #[error("line {line}: {reason}: it was edited or cut short, or another program wrote it")]
    Format {
        /// The line, counted from one.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A line of the table is not one of these.
    #[error(
        "`{what}` in its table means nothing to this meshbench: it was edited, or a later release wrote it"
    )]
    Row {
        /// The metric or unit.
        what: String,
    },
    /// It is of another version.
    #[error(
        "its format is {found}, and this meshbench reads format {BASELINE_FORMAT}: use the release that wrote it"
    )]
    Version {
        /// The format it has.
        found: u32,
    },
    /// It is another case's.
    #[error(
        "it is the baseline of {found} and not of {expected}: it was renamed, or copied to the wrong place"
    )]
    Foreign {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// The table is not the one that was accepted.
    #[error("its contents do not match the digest `table` in it: it was edited after it was accepted")]
    Edited,
    /// The log is not the one that was accepted.
    #[error(
        "the log of its runs does not match the digest `recordings`: it is cut short, edited, or of another baseline"
    )]
    OtherRecordings,
    /// The log cannot be read.
    #[error("the log of its runs cannot be read")]
    Recordings(#[from] RecordingsError),
    /// The log has more or fewer runs.
    #[error("the log holds {found} runs where the table has {expected}")]
    Runs {
        /// Runs in the log.
        found: usize,
        /// Runs by the table.
        expected: u32,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    case: String,
    mesh_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable: Option<String>,
    campaign: String,
    runs: u32,
    digests: Digests,
    fingerprint: Fingerprint,
    #[serde(skip_serializing)]
    metrics: BTreeMap<String, RawRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digests {
    table: String,
    recordings: String,
    workload: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    value: f64,
    unit: String,
    over_bare: Option<f64>,
    pair_sd: Option<f64>,
    detectable: Option<f64>,
}

#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

impl Baseline {
    /// The file as it is kept.
    #[must_use]
    pub fn to_toml(&self) -> String {
        format!("{TITLE}\n{}", self.body(&self.table_digest()))
    }

    /// The file as it waits to be reviewed: `insta`'s header, which says `why`, then what is kept from the first empty
    /// line on.
    #[must_use]
    pub fn to_pending(&self, why: &str) -> String {
        let Subject { case, .. } = &self.subject;
        // A JSON string is a YAML string.
        let [case, why] = [case, why].map(|text| serde_json::Value::from(text).to_string());
        let header = format!("source: meshbench\ndescription: {why}\nexpression: {case}\n");
        format!("{REVIEW_RULE}{header}{REVIEW_RULE}{}", self.body(&self.table_digest()))
    }

    /// Reads the file of `case`, with `insta`'s header or without.
    ///
    /// # Errors
    /// [`BaselineError`].
    pub fn from_toml(text: &str, case: &str) -> Result<Self, BaselineError> {
        let (header, text) = split_review_header(text);
        let skipped = header.lines().count();
        let failed = |error: &toml::de::Error| BaselineError::Format {
            line: skipped + 1 + text[..error.span().map_or(0, |span| span.start)].matches('\n').count(),
            reason: error.message().lines().collect::<Vec<_>>().join(" "),
        };
        let Versioned { format } = toml::from_str(text).map_err(|error| failed(&error))?;
        if format != BASELINE_FORMAT {
            return Err(BaselineError::Version { found: format });
        }
        let document: Document = toml::from_str(text).map_err(|error| failed(&error))?;
        let stated = document.digests.table.clone();
        let baseline = Self::from_document(document)?;
        if baseline.table_digest() != stated {
            return Err(BaselineError::Edited);
        }
        if baseline.subject.case != case {
            return Err(BaselineError::Foreign { found: baseline.subject.case, expected: case.to_owned() });
        }
        Ok(baseline)
    }

    /// Whether `log` is the log of this baseline's runs.
    ///
    /// # Errors
    /// [`BaselineError`] where it is not, or cannot be read.
    pub fn check_recordings(&self, log: &[u8]) -> Result<(), BaselineError> {
        let text = str::from_utf8(log).map_err(|_| BaselineError::OtherRecordings)?;
        if digest(log) != self.recordings {
            return Err(BaselineError::OtherRecordings);
        }
        let found = recordings::read(text)?.len();
        match found == self.runs as usize {
            true => Ok(()),
            false => Err(BaselineError::Runs { found, expected: self.runs }),
        }
    }

    fn from_document(document: Document) -> Result<Self, BaselineError> {
        let mut raw = document.metrics;
        let mut rows = Vec::new();
        for name in row_names() {
            if let Some(row) = raw.remove(name) {
                rows.push(row.named(name)?);
            }
        }
        if let Some(unknown) = raw.into_keys().next() {
            return Err(BaselineError::Row { what: unknown });
        }
        Ok(Self {
            subject: Subject {
                case: document.case,
                mesh_version: document.mesh_version,
                executable: document.executable,
                workload: document.digests.workload,
                fingerprint: document.fingerprint,
            },
            campaign: document.campaign,
            runs: document.runs,
            recordings: document.digests.recordings,
            rows,
        })
    }

    /// Everything the file says but the digest of it.
    fn table_digest(&self) -> String {
        digest(self.body("").as_bytes())
    }

    fn body(&self, table_digest: &str) -> String {
        let Subject { case, mesh_version, executable, workload, fingerprint } = self.subject.clone();
        let digests =
            Digests { table: table_digest.to_owned(), recordings: self.recordings.clone(), workload };
        let document = Document {
            format: BASELINE_FORMAT,
            case,
            mesh_version,
            executable,
            campaign: self.campaign.clone(),
            runs: self.runs,
            digests,
            fingerprint,
            metrics: BTreeMap::new(),
        };
        // Texts and whole numbers only: there is nothing that TOML could not hold.
        let mut body = toml::to_string(&document).unwrap_or_default();
        body.push_str(LEGEND);
        body.extend(self.rows.iter().map(Row::line));
        body
    }
}

impl Row {
    /// On one line, so that a change of a metric is a change of a line.
    fn line(&self) -> String {
        let Self { name, value, unit, over_bare, pair_sd, detectable } = self;
        let mut line = format!("{name} = {{ value = {value:?}, unit = \"{}\"", unit.symbol());
        for (key, figure) in [("over_bare", over_bare), ("pair_sd", pair_sd), ("detectable", detectable)] {
            if let Some(figure) = figure {
                // Writing into memory has no way to fail.
                let _: std::fmt::Result = write!(line, ", {key} = {figure:?}");
            }
        }
        line + " }\n"
    }
}

impl RawRow {
    fn named(self, name: &str) -> Result<Row, BaselineError> {
        let Self { value, unit, over_bare, pair_sd, detectable } = self;
        let known = RowUnit::ALL.into_iter().find(|known| known.symbol() == unit);
        let unit = known.ok_or(BaselineError::Row { what: unit })?;
        Ok(Row { name: name.to_owned(), value, unit, over_bare, pair_sd, detectable })
    }
}

/// The rows a table can have, in their order.
fn row_names() -> impl Iterator<Item = &'static str> {
    let (quantiles, rest): (Vec<_>, Vec<_>) =
        tabled_metrics().partition(|metric| metric.quantile().is_some());
    let names = |metrics: Vec<Metric>| metrics.into_iter().map(Metric::name);
    names(quantiles).chain([MAX]).chain(names(rest))
}

/// `cargo insta review` keeps its header in what it accepts; TOML has none.
fn split_review_header(text: &str) -> (&str, &str) {
    let end = text.strip_prefix(REVIEW_RULE).and_then(|rest| {
        let rule = format!("\n{REVIEW_RULE}");
        rest.find(&rule).map(|at| REVIEW_RULE.len() + at + rule.len())
    });
    text.split_at(end.unwrap_or(0))
}
