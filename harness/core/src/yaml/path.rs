//! [`Path`]: the way from the top of a file to one of its values.

use std::fmt;

/// The way from the top of a file to one of its values; displayed as `workload.requests[0].path`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Step>);

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// To the value of a key.
    Key(String),
    /// To an entry of a list, counted from zero.
    Index(usize),
}

impl Path {
    /// The way to the value of a key at the top of the file.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self::default().key(key)
    }

    /// One step further, to the value of a key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.followed_by(Step::Key(key.to_owned()))
    }

    /// One step further, to an entry of a list, counted from zero.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.followed_by(Step::Index(index))
    }

    fn followed_by(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if depth == 0 => formatter.write_str(key)?,
                Step::Key(key) => write!(formatter, ".{key}")?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}
