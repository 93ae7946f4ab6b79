//! `meshbench baseline`: what was accepted, what waits for review, and taking or refusing it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use meshbench_core::baseline::{Baseline, Row};
use meshbench_lab::error_chain;

use crate::baselines::CAMPAIGN_BASELINES;
use crate::baselines::store::{BaselineStore, Entry, Key, StoreError};

#[derive(Debug, Subcommand)]
pub(super) enum BaselineCommand {
    /// Show every baseline: accepted, waiting for review, or damaged.
    List,
    /// Show the tables, what waits for review beside what was accepted.
    Show(Which),
    /// Take what waits for review; later campaigns are compared with it.
    Accept {
        #[command(flatten)]
        which: Which,
        /// Take what this campaign measured: the folder it left, here or from the artifacts of a CI job.
        #[arg(long, value_name = "FOLDER")]
        campaign: Option<PathBuf>,
    },
    /// Forget what waits for review; what was accepted stays.
    Reject(Which),
}

/// Which baselines.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Only cases whose name contains this text.
    filter: Option<String>,
    /// The filter is a case's whole name.
    #[arg(long)]
    exact: bool,
}

/// Why a command on baselines could not do what it says.
#[derive(Debug, thiserror::Error)]
pub(super) enum BaselineCommandError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot write to standard output")]
    Print(#[from] io::Error),
    #[error("nothing {0}: `meshbench baseline list` shows what there is")]
    Nothing(&'static str),
    #[error(
        "{} holds no baselines: a campaign's folder is one under target/meshbench, with report.json in it, and one \
         whose cases were invalid has none to take",
        folder.display()
    )]
    NoCampaign {
        /// The folder that was named.
        folder: PathBuf,
    },
}

type Done = Result<(), BaselineCommandError>;

/// Carries out `command` on the baselines in the folder `snapshots`.
///
/// # Errors
/// [`BaselineCommandError`].
pub(super) fn carry_out(out: &mut dyn Write, snapshots: &Path, command: BaselineCommand) -> Done {
    let store = BaselineStore::new(snapshots.to_owned());
    match command {
        BaselineCommand::List => list(out, &store.entries()?),
        BaselineCommand::Show(which) => show(out, &matching(&store, &which)?),
        BaselineCommand::Accept { which, campaign: None } => {
            store.settle()?;
            change(out, &store, &which, "accepted", BaselineStore::accept)
        }
        BaselineCommand::Accept { which, campaign: Some(folder) } => take(out, &store, &which, folder),
        BaselineCommand::Reject(which) => {
            store.settle()?;
            change(out, &store, &which, "rejected", BaselineStore::reject)
        }
    }
}

fn list(out: &mut dyn Write, entries: &[Entry]) -> Done {
    if entries.is_empty() {
        writeln!(
            out,
            "there are no baselines yet: a campaign proposes them, `meshbench baseline accept` takes them"
        )?;
    }
    let mut class = "";
    for entry in entries {
        if entry.key.class != class {
            class = &entry.key.class;
            writeln!(out, "{class}")?;
        }
        writeln!(out, "  {}", entry.key.case)?;
        for (what, baseline) in [("accepted", &entry.accepted), ("waits for review", &entry.pending)] {
            match baseline {
                None => {}
                Some(Ok(baseline)) => writeln!(out, "    {what}: {}", origin(baseline))?,
                Some(Err(error)) => writeln!(out, "    damaged: {}", error_chain(error))?,
            }
        }
    }
    Ok(())
}

fn origin(Baseline { subject, campaign, runs, .. }: &Baseline) -> String {
    let runs = if *runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
    format!("version {}, {runs} of campaign {campaign}", subject.mesh_version)
}

fn show(out: &mut dyn Write, entries: &[Entry]) -> Done {
    for entry in entries {
        writeln!(out, "{} on {}", entry.key.case, entry.key.class)?;
        let mut tables = Vec::new();
        for (what, baseline) in [("accepted", &entry.accepted), ("waits for review", &entry.pending)] {
            match baseline {
                None => writeln!(out, "  {what}: nothing")?,
                Some(Err(error)) => writeln!(out, "  damaged: {}", error_chain(error))?,
                Some(Ok(baseline)) => {
                    writeln!(out, "  {what}: {}", origin(baseline))?;
                    tables.push(baseline);
                }
            }
        }
        match tables.as_slice() {
            [] => {}
            [one] => show_table(out, one)?,
            [old, new, ..] => show_differences(out, old, new)?,
        }
        writeln!(out)?;
    }
    Ok(())
}

fn show_table(out: &mut dyn Write, baseline: &Baseline) -> Done {
    for row in &baseline.rows {
        writeln!(out, "    {:<27} {}", row.name, figure(row))?;
    }
    Ok(())
}

fn show_differences(out: &mut dyn Write, old: &Baseline, new: &Baseline) -> Done {
    for difference in old.subject.fingerprint.differences(&new.subject.fingerprint) {
        writeln!(out, "    not to be compared: {difference}")?;
    }
    for row in &new.rows {
        let before = old.rows.iter().find(|before| before.name == row.name);
        let (was, change) = match before {
            None => ("nothing".to_owned(), String::new()),
            Some(before) if before.value == 0.0 || before.value == row.value => {
                (figure(before), String::new())
            }
            Some(before) => {
                let percent = (row.value / before.value - 1.0) * 100.0;
                (figure(before), format!(" ({percent:+.1}%)"))
            }
        };
        writeln!(out, "    {:<27} {was:>10} → {}{change}", row.name, figure(row))?;
    }
    Ok(())
}

fn figure(row: &Row) -> String {
    format!("{}{}", row.value, row.unit.symbol())
}

/// Does `change` to everything that waits for review.
fn change(
    out: &mut dyn Write,
    store: &BaselineStore,
    which: &Which,
    done: &'static str,
    change: fn(&BaselineStore, &Key) -> Result<(), StoreError>,
) -> Done {
    let mut waiting = matching(store, which)?;
    waiting.retain(|entry| entry.pending.is_some());
    if waiting.is_empty() {
        return Err(BaselineCommandError::Nothing("waits for review"));
    }
    for Entry { key, .. } in waiting {
        change(store, &key)?;
        writeln!(out, "{done} {} on {}", key.case, key.class)?;
    }
    Ok(())
}

/// Takes what a campaign left in its own folder.
fn take(out: &mut dyn Write, store: &BaselineStore, which: &Which, folder: PathBuf) -> Done {
    let of_campaign = BaselineStore::new(folder.join(CAMPAIGN_BASELINES));
    let entries = of_campaign.entries()?;
    if entries.is_empty() {
        return Err(BaselineCommandError::NoCampaign { folder });
    }
    for entry in entries.into_iter().filter(|entry| which.selects(&entry.key)) {
        let Some(baseline) = entry.accepted.transpose()? else { continue };
        store.put(&baseline, &of_campaign.read_log(&entry.key)?)?;
        writeln!(out, "accepted {} on {}", entry.key.case, entry.key.class)?;
    }
    Ok(())
}

fn matching(store: &BaselineStore, which: &Which) -> Result<Vec<Entry>, BaselineCommandError> {
    let mut entries = store.entries()?;
    entries.retain(|entry| which.selects(&entry.key));
    match entries.is_empty() {
        true => Err(BaselineCommandError::Nothing("is called so")),
        false => Ok(entries),
    }
}

impl Which {
    fn selects(&self, key: &Key) -> bool {
        match &self.filter {
            None => true,
            Some(name) if self.exact => key.case == *name,
            Some(text) => key.case.contains(text.as_str()),
        }
    }
}
