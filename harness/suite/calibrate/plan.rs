//! Which gates there are, and how they are run: [`CalibrationPlan`].

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use meshbench_core::calibration::{GateSettings, KnownChange};
use meshbench_core::comparison::{FEWEST_PAIRS, most_bad_blocks};
use meshbench_core::shuffle::SplitMix64;
use meshbench_core::units::{OfferedRate, Span};

use super::files;
use super::gate::CalibrateError;

/// The settings that all gates of a folder share.
const SETTINGS_FILE: &str = "settings.json";
/// `bare`, and both versions.
const ARMS: u32 = 3;
/// What a run takes besides its warm-up and window: starting, proving the data path, stopping.
const AROUND_A_RUN: Duration = Duration::from_secs(2);

/// What somebody asks to be calibrated.
#[derive(Debug, Clone)]
pub(crate) struct CalibrationPlan {
    /// Requests per second.
    pub rate: OfferedRate,
    /// The measured window.
    pub duration: Span,
    /// Load before it.
    pub warm_up: Span,
    /// Blocks of each stage.
    pub blocks: NonZeroU32,
    /// What every gate's seed comes from.
    pub seed: u64,
    /// Gates without a change.
    pub unchanged_gates: u32,
    /// Gates of each of `changes`.
    pub changed_gates: u32,
    /// What is injected.
    pub changes: BTreeSet<KnownChange>,
}

/// One gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gate {
    /// What is injected.
    pub change: KnownChange,
    /// Which of that change's gates it is, counted from one.
    pub number: u32,
    /// The seed of its campaign.
    pub seed: u64,
}

impl CalibrationPlan {
    /// All gates, in turns, so that an interrupted calibration has some of each change.
    pub(crate) fn gates(&self) -> Vec<Gate> {
        let gates_of = |change: KnownChange| match change {
            KnownChange::NoChange => self.unchanged_gates,
            changed if self.changes.contains(&changed) => self.changed_gates,
            _ => 0,
        };
        let turn = |number: u32| {
            let due = KnownChange::ALL.into_iter().filter(move |change| gates_of(*change) >= number);
            due.map(move |change| Gate { change, number, seed: gate_seed(self.seed, change, number) })
        };
        (1..=self.unchanged_gates.max(self.changed_gates)).flat_map(turn).collect()
    }

    /// Whether a change is in proportion to what the reference mesh costs.
    pub(crate) fn needs_pilot(&self) -> bool {
        let in_proportion = |gate: &Gate| matches!(gate.change, KnownChange::Latency | KnownChange::Cpu);
        self.gates().iter().any(in_proportion)
    }

    /// About how long a gate takes that has bad blocks replaced in both stages.
    pub(crate) fn longest_gate(&self) -> Duration {
        let stage = self.blocks.get().saturating_add(most_bad_blocks(self.blocks.get()));
        let run = self.warm_up.as_duration() + self.duration.as_duration() + AROUND_A_RUN;
        run.saturating_mul(ARMS).saturating_mul(stage).saturating_mul(2)
    }

    /// The settings, to be kept with the gates.
    pub(crate) fn settings(&self) -> GateSettings {
        GateSettings {
            rate: self.rate.to_string(),
            duration: self.duration.to_string(),
            warm_up: self.warm_up.to_string(),
            blocks: self.blocks.get(),
            seed: self.seed,
        }
    }

    /// Makes the folder one of this plan's settings, unless it has gates of others.
    ///
    /// # Errors
    /// [`CalibrateError`] when the blocks are too few, the folder has other settings, or a file cannot be used.
    pub(crate) fn agree_with(&self, folder: &Path) -> Result<(), CalibrateError> {
        if (self.blocks.get() as usize) < FEWEST_PAIRS {
            return Err(CalibrateError::TooFewBlocks);
        }
        let path = folder.join(SETTINGS_FILE);
        let settings = self.settings();
        if path.exists() {
            let text = fs::read_to_string(&path).map_err(CalibrateError::file("read", &path))?;
            let found: GateSettings = serde_json::from_str(&text)
                .map_err(|why| CalibrateError::Format { path: path.clone(), why })?;
            return if found == settings {
                Ok(())
            } else {
                Err(CalibrateError::OtherSettings { path, found })
            };
        }
        fs::create_dir_all(folder).map_err(CalibrateError::file("create", folder))?;
        let text = serde_json::to_string_pretty(&settings)
            .map_err(|why| CalibrateError::Format { path: path.clone(), why })?;
        files::write(&path, &(text + "\n"))
    }
}

/// The same for the same gate, whichever others there are; short, because people read and type it.
pub(super) fn gate_seed(seed: u64, change: KnownChange, number: u32) -> u64 {
    let of_seed = SplitMix64::new(seed).next();
    let of_change = SplitMix64::new(of_seed.wrapping_add(change as u64)).next();
    SplitMix64::new(of_change.wrapping_add(u64::from(number))).next() >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> CalibrationPlan {
        CalibrationPlan {
            rate: "500rps".parse().unwrap(),
            duration: "2s".parse().unwrap(),
            warm_up: "1s".parse().unwrap(),
            blocks: NonZeroU32::new(8).unwrap(),
            seed: 1,
            unchanged_gates: 3,
            changed_gates: 2,
            changes: [KnownChange::Delay, KnownChange::Errors].into(),
        }
    }

    #[test]
    fn gates_take_turns_and_have_seeds_of_their_own() {
        let gates = plan().gates();
        let names: Vec<_> =
            gates.iter().map(|gate| format!("{} {}", gate.change.name(), gate.number)).collect();
        let expected =
            ["no-change 1", "delay 1", "errors 1", "no-change 2", "delay 2", "errors 2", "no-change 3"];
        assert_eq!(names, expected);
        let seeds: BTreeSet<_> = gates.iter().map(|gate| gate.seed).collect();
        assert_eq!(seeds.len(), gates.len());
        let more = CalibrationPlan { unchanged_gates: 9, changed_gates: 9, ..plan() }.gates();
        assert!(gates.iter().all(|gate| more.contains(gate)), "more gates change none that are there");
    }

    #[test]
    fn only_changes_in_proportion_need_a_pilot() {
        assert!(!plan().needs_pilot());
        let plan = CalibrationPlan { changes: [KnownChange::Cpu].into(), ..plan() };
        assert!(plan.needs_pilot());
        assert!(!CalibrationPlan { changed_gates: 0, ..plan }.needs_pilot());
    }

    #[test]
    fn the_longest_gate_has_all_replacements_of_both_stages() {
        // 8 + 2 blocks of 3 runs of 5 seconds, twice.
        assert_eq!(plan().longest_gate(), Duration::from_secs(300));
    }

    #[test]
    fn a_folder_keeps_to_its_settings() {
        let folder = tempfile::tempdir().unwrap();
        plan().agree_with(folder.path()).unwrap();
        plan().agree_with(folder.path()).unwrap();
        let more = CalibrationPlan { unchanged_gates: 9, ..plan() };
        more.agree_with(folder.path()).unwrap();
        let other = CalibrationPlan { seed: 2, ..plan() }.agree_with(folder.path()).unwrap_err();
        let text = other.to_string().replace(&folder.path().display().to_string(), "FOLDER");
        insta::assert_snapshot!(text, @"FOLDER/settings.json says that its gates were run with 500rps, 2s, a warm-up of 1s, 8 blocks and seed 1: use the same settings, or another --output");
        let few = CalibrationPlan { blocks: NonZeroU32::new(4).unwrap(), ..plan() };
        assert!(matches!(few.agree_with(folder.path()), Err(CalibrateError::TooFewBlocks)));
    }
}
