//! What runs say besides their figures: what is held against the mesh, and what against the instrument or the machine.
//!
//! Only what the mesh had no part in makes a block unfit. What it did itself, missing the rate, losing a process or becoming
//! slower while `bare` next to it did not, is what is to be found: a block left out for that would be chosen by its outcome.

use std::collections::BTreeMap;

use crate::resources::Group;
use crate::run::Run;
use crate::steadiness::{Drift, stolen};
use crate::validity::{Shortcoming, late_sending, overload, rate_shortfall};

/// How late CPU may be read at the window's edges, as a share of the window: a hundredth of what is gated.
const MOST_EDGE_LATENESS_SHARE: f64 = 0.01;

/// Sentences on what the mesh could not carry, and on what makes runs invalid.
///
/// A shortfall of the rate is the mesh's where `bare` kept it in the same block,
/// and the instrument's or the machine's where it did not.
pub(super) fn validity(runs: &[&Run], bare: &[&Run]) -> (Vec<String>, Vec<String>) {
    let (mut capacity, mut invalid) = (Vec::new(), Vec::new());
    for run in runs {
        let of_run = validity_of(run, bare);
        capacity.extend(of_run.0);
        invalid.extend(of_run.1);
    }
    (capacity, invalid)
}

/// The blocks that say nothing of a mesh, with why: the instrument or the machine was not up to a run, or the control was
/// not steady.
#[must_use]
pub fn unfit_blocks(runs: &[&Run], bare: &[&Run]) -> BTreeMap<u32, String> {
    let unfit = |run: &&Run| {
        let invalid = validity_of(run, bare).1.into_iter().next();
        let unsteady = || drift_of(bare.iter().find(|control| control.block == run.block)?);
        let busy = |drift: Drift| {
            let (block, cure) = (run.block, drift.cure_for_a_machine());
            format!("block {block}: bare was not steady: {drift}: {cure}")
        };
        Some((run.block, invalid.or_else(|| unsteady().map(busy))?))
    };
    runs.iter().filter_map(unfit).collect()
}

/// Whether a run measured more than one state. A run that fell short of the rate is no such run: what waits grows as long
/// as the load lasts, and that is how a shortfall looks.
pub(crate) fn drift_of(run: &Run) -> Option<Drift> {
    Drift::of(&run.course).filter(|_| rate_shortfall(&run.recording).is_none())
}

/// What is to be said of a mesh that was not steady where `bare` next to it was, in a sentence.
#[must_use]
pub fn drift_finding(runs: &[&Run], bare: &[&Run]) -> Option<String> {
    let mut drifts = runs.iter().filter(|run| !run.mesh.is_bare()).filter_map(|run| {
        let control = bare.iter().find(|control| control.block == run.block)?;
        drift_of(run).filter(|_| drift_of(control).is_none()).map(|drift| (*run, drift))
    });
    let (run, drift) = drifts.next()?;
    let (mesh, block, unsteady, all) = (&run.mesh, run.block, 1 + drifts.count(), runs.len());
    let cure = drift.cure_for_a_mesh();
    Some(format!(
        "{mesh} was not steady where bare was, in {unsteady} of {all} blocks; block {block}: {drift}: {cure}"
    ))
}

/// What ended under load in runs of a mesh, a sentence for each run. What `bare` loses is no mesh's doing.
#[must_use]
pub fn losses(runs: &[&Run]) -> Vec<String> {
    runs.iter().filter(|run| !run.mesh.is_bare()).filter_map(|run| vanished(run)).collect()
}

fn validity_of(run: &Run, bare: &[&Run]) -> (Vec<String>, Vec<String>) {
    let (mut capacity, mut invalid) = (Vec::new(), Vec::new());
    let control = bare.iter().find(|control| control.block == run.block && !run.mesh.is_bare()).copied();
    let shortfall = |run: &Run| rate_shortfall(&run.recording);
    let block = run.block;
    match (shortfall(run), control.map(shortfall)) {
        (Some(shortcoming), Some(None)) => {
            capacity.push(format!(
                "block {block}: {shortcoming} while bare kept the rate: the mesh cannot carry it"
            ));
        }
        (Some(shortcoming), Some(Some(_))) => {
            invalid.push(format!(
                "block {block}: {shortcoming}, and bare did not keep the rate either: lower it"
            ));
        }
        (Some(shortcoming), None) => invalid.push(in_block(run, shortcoming)),
        (None, _) => {}
    }
    invalid.extend(generator_overload(run));
    invalid.extend(too_late(run, control));
    invalid.extend(late_reading(run));
    invalid.extend(too_much_stolen(run));
    match control {
        Some(control) => invalid.extend(unfit_control(control)),
        None if run.mesh.is_bare() => invalid.extend(vanished(run)),
        None => invalid.push(format!("block {}: bare has no result to compare with", run.block)),
    }
    (capacity, invalid)
}

/// What makes a control unfit to compare with, however well the mesh did.
fn unfit_control(control: &Run) -> Vec<String> {
    let reasons = [
        generator_overload(control),
        too_late(control, None),
        vanished(control),
        late_reading(control),
        too_much_stolen(control),
    ];
    reasons.into_iter().flatten().map(|reason| format!("the control, bare: {reason}")).collect()
}

fn generator_overload(run: &Run) -> Option<String> {
    overload(&run.recording).map(|shortcoming| in_block(run, shortcoming))
}

/// Lag that comes from waiting for a busy connection is the server's doing, and the
/// latency counts it; only where `bare` waited too were there too few connections.
fn too_late(run: &Run, control: Option<&Run>) -> Option<String> {
    let shortcoming = late_sending(&run.recording)?;
    let waited = matches!(shortcoming, Shortcoming::LateSending { waited: true, .. });
    if waited && control.is_some_and(|control| late_sending(&control.recording).is_none()) {
        return None;
    }
    Some(in_block(run, shortcoming))
}

fn in_block(run: &Run, shortcoming: Shortcoming) -> String {
    format!("block {}: {shortcoming}: {}", run.block, shortcoming.cure())
}

/// The generator may end before it is read: its exit status says whether it did its work.
pub(crate) fn vanished(run: &Run) -> Option<String> {
    let measured = run.resources.containers.iter().filter(|used| used.group != Group::LoadGenerator);
    let gone: Vec<_> = measured
        .filter(|used| used.vanished || used.ended_processes > 0)
        .map(|used| match used.vanished {
            true => used.container.clone(),
            false => format!("{} of the processes of {}", used.ended_processes, used.container),
        })
        .collect();
    (!gone.is_empty())
        .then(|| format!("block {}: vanished before the window closed: {}", run.block, gone.join(", ")))
}

/// CPU read late counts what was used outside the window.
fn late_reading(run: &Run) -> Option<String> {
    let share = run.edge_lateness_ns as f64 / run.recording.window_ns.max(1) as f64;
    (share > MOST_EDGE_LATENESS_SHARE).then(|| {
        format!(
            "block {}: CPU and memory were read {:.1}ms after the window's edge: is the machine busy with something else?",
            run.block,
            run.edge_lateness_ns as f64 / 1e6
        )
    })
}

fn too_much_stolen(run: &Run) -> Option<String> {
    stolen(&run.course).map(|why| format!("block {}: {why}", run.block))
}
