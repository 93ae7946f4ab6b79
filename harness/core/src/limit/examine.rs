//! [`examine`]: whether a run held its rate.

use std::fmt;

use super::{Answer, Owner, Probe, ServiceLevel};
use crate::judge::vanished;
use crate::run::Run;
use crate::steadiness::{growth, stolen};
use crate::validity::{Shortcoming, late_sending, overload};

/// What a run says of its rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Whether the rate was held.
    pub answer: Answer,
    /// Why it was not, each in a sentence; none where it was.
    pub why: Vec<String>,
}

/// A probe with what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// What was asked.
    pub probe: Probe,
    /// The block of its run, counted from one.
    pub block: u32,
    /// What it says of its rate.
    pub examined: Examined,
}

impl fmt::Display for Examined {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.answer {
            Answer::Held => formatter.write_str("held"),
            Answer::NotHeld(_) => write!(formatter, "not held: {}", self.why.join("; ")),
        }
    }
}

/// Whether a run held its rate: it kept the service level, lost no process, and what waits did not grow.
///
/// A rate that is held is held, however hard the generator had to work for it. Where one is not, nothing is laid at the
/// mesh's door as long as the generator or the machine gave out too.
#[must_use]
pub fn examine(run: &Run, service_level: &ServiceLevel) -> Examined {
    let mut why = service_level.missed_by(run);
    why.extend(growth(&run.course).map(|growth| growth.to_string()));
    why.extend(vanished(run));
    if why.is_empty() {
        return Examined { answer: Answer::Held, why };
    }
    let others = not_the_mesh(run);
    let owner = others.as_ref().map_or(Owner::Mesh, |(owner, _)| *owner);
    why.extend(others.map(|(_, sentence)| sentence));
    Examined { answer: Answer::NotHeld(owner), why }
}

/// What gave out besides the mesh, in a sentence. Requests that wait for a busy connection wait for the server.
fn not_the_mesh(run: &Run) -> Option<(Owner, String)> {
    let late = late_sending(&run.recording)
        .filter(|shortcoming| !matches!(shortcoming, Shortcoming::LateSending { waited: true, .. }));
    let generator = overload(&run.recording).or(late);
    let generator = generator.map(|shortcoming| (Owner::Generator, shortcoming.to_string()));
    generator.or_else(|| Some((Owner::Machine, stolen(&run.course)?)))
}
