//! [`examine`]: whether a run held its rate.

use std::fmt;

use super::{Answer, Owner, Probe, ServiceLevel};
use crate::judge::vanished;
use crate::resources::Group;
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

/// What gave out besides the mesh, in a sentence. Requests that wait for a busy connection wait for the server, and a
/// generator that others took CPU time from is late for no fault of its own.
fn not_the_mesh(run: &Run) -> Option<(Owner, String)> {
    let late = || {
        let late = late_sending(&run.recording)?;
        (!matches!(late, Shortcoming::LateSending { waited: true, .. })).then_some(late)
    };
    let generator = |shortcoming: Shortcoming| (Owner::Generator, shortcoming.to_string());
    let machine = |sentence| (Owner::Machine, sentence);
    let overloaded = overload(&run.recording).map(generator);
    let machine = overloaded.or_else(|| stolen(&run.course).or_else(|| application_ended(run)).map(machine));
    machine.or_else(|| late().map(generator))
}

fn application_ended(run: &Run) -> Option<String> {
    let mut ended = run.resources.containers.iter().filter(|used| used.vanished || used.ended_processes > 0);
    let all_are_the_applications = ended.clone().all(|used| used.group == Group::Application);
    ended.next()?;
    all_are_the_applications.then(|| "it was the application that ended, not the mesh".to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::judge::tests::run;
    use crate::metric::Metric;
    use crate::resources::ContainerUse;
    use crate::steadiness::tests::of_medians;

    fn service_level() -> ServiceLevel {
        ServiceLevel {
            latencies: [(Metric::P90, "50ms".parse().unwrap())].into(),
            errors: "0.1%".parse().unwrap(),
            achieved: "99%".parse().unwrap(),
        }
    }

    #[test]
    fn a_run_that_keeps_everything_holds_its_rate_however_hard_the_generator_works() {
        let mut run = run("reference", 10);
        assert_eq!(examine(&run, &service_level()), Examined { answer: Answer::Held, why: Vec::new() });
        run.recording.cpu_seconds = 1e6;
        assert_eq!(examine(&run, &service_level()).answer, Answer::Held);
    }

    #[rstest]
    #[case::slow(60, 1.0, Answer::NotHeld(Owner::Mesh), "p90 was 60")]
    #[case::short(10, 0.9, Answer::NotHeld(Owner::Mesh), "90% of the rate was achieved, where 99% must be")]
    fn what_is_not_kept_is_said(
        #[case] latency_ms: u64,
        #[case] achieved: f64,
        #[case] answer: Answer,
        #[case] words: &str,
    ) {
        let mut run = run("reference", latency_ms);
        run.recording.achieved_rate *= achieved;
        let examined = examine(&run, &service_level());
        assert_eq!(examined.answer, answer, "{examined}");
        assert!(examined.to_string().contains(words), "{examined}");
    }

    #[test]
    fn nothing_is_laid_at_the_door_of_a_mesh_where_the_generator_gave_out() {
        let mut run = run("reference", 60);
        run.recording.cpu_seconds = 1e6;
        let examined = examine(&run, &service_level());
        assert_eq!(examined.answer, Answer::NotHeld(Owner::Generator));
        assert!(examined.to_string().contains("of its cores"), "{examined}");
    }

    #[test]
    fn an_application_that_ends_is_not_the_mesh() {
        for (group, owner) in [(Group::Application, Owner::Machine), (Group::DataPlane, Owner::Mesh)] {
            let mut run = run("reference", 10);
            let container = "gone".to_owned();
            run.resources.containers.push(ContainerUse {
                container,
                group,
                cpu_ns: 0,
                cpu_error_ns: 0,
                resident_bytes: 0,
                peak_bytes: 0,
                vanished: true,
                ended_processes: 0,
            });
            assert_eq!(examine(&run, &service_level()).answer, Answer::NotHeld(owner), "{group:?}");
        }
    }

    #[test]
    fn a_queue_that_grows_is_overload_before_the_latency_is_too_high() {
        let mut run = run("reference", 10);
        run.course = of_medians((1..=9).map(|second| second * 2_000_000));
        let examined = examine(&run, &service_level());
        assert_eq!(examined.answer, Answer::NotHeld(Owner::Mesh));
        assert!(examined.to_string().contains("a queue grew"), "{examined}");
    }
}
