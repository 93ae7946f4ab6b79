//! [`Checker`]: collects what is wrong in a file, each with its place.

use std::fmt::Display;
use std::num::NonZeroU32;
use std::str::FromStr;

use crate::problem::{Problem, Problems};
use crate::scenario::raw::{Count, Written};
use crate::units::TextError;
use crate::yaml::{Path, Place, locate};

/// Collects what is wrong in one file.
pub(super) struct Checker<'file> {
    file: &'file str,
    text: &'file str,
    problems: Vec<Problem>,
}

impl<'file> Checker<'file> {
    pub(super) const fn new(file: &'file str, text: &'file str) -> Self {
        Self { file, text, problems: Vec::new() }
    }

    /// Reads a value; `None` when it has been refused.
    pub(super) fn read<T: FromStr<Err = TextError>>(
        &mut self,
        path: &Path,
        written: &Written<T>,
    ) -> Option<T> {
        let read = written.text.parse();
        read.map_err(|error| self.refuse_text(path, error)).ok()
    }

    /// Reads how many of something there are; `None` when it is none, or more than `most`.
    pub(super) fn read_count(
        &mut self,
        path: &Path,
        written: &Written<Count>,
        most: &str,
    ) -> Option<NonZeroU32> {
        let Count(count) = self.read(path, written)?;
        self.bound(path, &count, most).then_some(count)
    }

    /// Whether a value is at most `most`, a text of its own type; refuses it otherwise.
    pub(super) fn bound<T: FromStr + PartialOrd + Display>(
        &mut self,
        path: &Path,
        value: &T,
        most: &str,
    ) -> bool {
        let within = most.parse::<T>().is_ok_and(|most| *value <= most);
        if !within {
            self.refuse(path, format!("{value} is too much; expected at most {most}"), None);
        }
        within
    }

    /// Refuses a value below `least`, a text of its own type.
    pub(super) fn bound_below<T: FromStr + PartialOrd + Display>(
        &mut self,
        path: &Path,
        value: &T,
        least: &str,
    ) {
        if !least.parse::<T>().is_ok_and(|least| *value >= least) {
            self.refuse(path, format!("{value} is too little; expected at least {least}"), None);
        }
    }

    /// The text of a value is wrong.
    pub(super) fn refuse_text(&mut self, path: &Path, error: TextError) {
        self.refuse(path, error.message, error.hint);
    }

    /// A value is wrong.
    pub(super) fn refuse(&mut self, path: &Path, message: String, hint: Option<String>) {
        self.refuse_at(path, Place::Value, message, hint);
    }

    /// A key is wrong.
    pub(super) fn refuse_key(&mut self, path: &Path, message: String, hint: Option<String>) {
        self.refuse_at(path, Place::Key, message, hint);
    }

    /// The file as a whole is wrong.
    pub(super) fn refuse_file(&mut self, message: String) {
        self.push(None, String::new(), message, None);
    }

    fn refuse_at(&mut self, path: &Path, place: Place, message: String, hint: Option<String>) {
        self.push(locate(self.text, path, place), path.to_string(), message, hint);
    }

    fn push(
        &mut self,
        location: Option<(usize, usize)>,
        field: String,
        message: String,
        hint: Option<String>,
    ) {
        let (line, column) = location.unzip();
        self.problems.push(Problem { file: self.file.to_owned(), line, column, field, message, hint });
    }

    /// The value that `assemble` makes, unless anything was refused.
    pub(super) fn finish<T>(mut self, assemble: impl FnOnce() -> Option<T>) -> Result<T, Problems> {
        if self.problems.is_empty()
            && let Some(value) = assemble()
        {
            return Ok(value);
        }
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        Err(Problems(self.problems))
    }
}
