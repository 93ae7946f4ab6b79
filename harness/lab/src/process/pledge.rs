//! [`Pledge`]: what a campaign has to have undone by a program, whoever lives to run it.
//!
//! It is noted in the campaign's scratch folder before there is anything to undo, and the note goes when it is undone. A
//! note in the folder of a dead campaign is therefore something that the next start undoes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::errand::{Errand, end_marked};
use super::live::LiveCampaign;
use crate::error::error_chain;

/// What a note's name ends in, after the subject.
const SUFFIX: &str = ".undo.json";
/// How long undoing may take.
const LIMIT: Duration = Duration::from_secs(600);

/// Something that is to be undone before the campaign is over.
#[derive(Debug)]
pub struct Pledge {
    undo: Errand,
    note: PathBuf,
}

impl Pledge {
    /// Notes for a campaign what undoes what is going to be done.
    ///
    /// # Errors
    /// The file system's.
    pub fn give(campaign: &LiveCampaign, undo: Errand) -> io::Result<Self> {
        let note = campaign.scratch().join(format!("{}{SUFFIX}", undo.subject));
        let text = serde_json::to_string(&undo).map_err(io::Error::other)?;
        fs::write(&note, text)?;
        Ok(Self { undo, note })
    }

    /// Undoes it, however the campaign ends. Where that fails, the note stays for the next start.
    ///
    /// # Errors
    /// What failed, in words, and what to do.
    pub async fn keep(self) -> Result<(), String> {
        // Whoever interrupts a campaign wants it gone, and this is how it goes.
        self.keep_unless(&CancellationToken::new()).await
    }

    async fn keep_unless(self, cancelled: &CancellationToken) -> Result<(), String> {
        let undone = self.undo.run(LIMIT, cancelled).await;
        undone.map_err(|error| {
            format!(
                "{}\nthe next start and `meshbench clean` try again; if it is gone already, remove {}",
                error_chain(&error),
                self.note.display()
            )
        })?;
        fs::remove_file(&self.note)
            .map_err(|error| format!("{} cannot be removed: {error}", self.note.display()))
    }
}

/// Whether anything in a campaign's folder is still to be undone.
pub(super) fn is_any_open(scratch: &Path) -> bool {
    notes(scratch).map_or(true, |notes| !notes.is_empty())
}

/// What a dead campaign's pledges came to.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The subjects of what was undone.
    pub undone: Vec<String>,
    /// What could not be, each in a sentence.
    pub left: Vec<String>,
}

/// Undoes what a dead campaign has left undone, after ending what may still be doing it, each said to `announce` before.
///
/// # Errors
/// The file system's.
pub(super) async fn keep_those_of_dead(
    scratch: &Path,
    cancelled: &CancellationToken,
    announce: &mut dyn FnMut(&str),
) -> io::Result<Kept> {
    let mut kept = Kept::default();
    for note in notes(scratch)? {
        let Ok(undo) = serde_json::from_str::<Errand>(&fs::read_to_string(&note)?) else {
            // Killed while it was written, before anything was done.
            fs::remove_file(&note)?;
            continue;
        };
        let subject = undo.subject.clone();
        let alive = end_marked(&subject);
        kept.left.extend(alive.iter().map(|process| format!("{process} does not die")));
        announce(&subject);
        let undo = Errand { log: log_that_is_there(undo.log, scratch), ..undo };
        match (Pledge { undo, note }).keep_unless(cancelled).await {
            Ok(()) => kept.undone.push(subject),
            Err(why) => kept.left.push(format!("{subject} is not removed: {why}")),
        }
    }
    Ok(kept)
}

/// The campaign's results, with the log in them, may have been removed meanwhile.
fn log_that_is_there(log: PathBuf, scratch: &Path) -> PathBuf {
    match log.parent().is_some_and(Path::is_dir) {
        true => log,
        false => scratch.join("undo.log"),
    }
}

fn notes(scratch: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(scratch)?.collect::<io::Result<Vec<_>>>()?;
    let is_note = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().ends_with(SUFFIX);
    Ok(entries.into_iter().filter(is_note).map(|entry| entry.path()).collect())
}
