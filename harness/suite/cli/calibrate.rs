//! `meshbench calibrate`: its arguments.

use std::io::Write;
use std::num::NonZeroU32;
use std::process::ExitCode;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use meshbench_core::calibration::KnownChange;
use meshbench_core::units::{OfferedRate, Span};

use crate::calibrate::{CalibrateError, CalibrationPlan, calibrate};
use crate::settings::Settings;
use crate::signals::Interruption;

/// Which gates, and how they are run.
#[derive(Debug, clap::Args)]
pub(super) struct CalibrateArguments {
    /// Gates without a change: what is found in these is a false alarm.
    #[arg(long, value_name = "GATES", default_value_t = 40)]
    no_change: u32,
    /// Gates of each change.
    #[arg(long, value_name = "GATES", default_value_t = 10)]
    changed: u32,
    /// Changes to inject; all of them where none is named.
    #[arg(long, value_name = "CHANGE", value_delimiter = ',')]
    changes: Vec<Change>,
    /// Requests per second.
    #[arg(long, default_value = "500rps")]
    rate: OfferedRate,
    /// The measured window: p99 is judged where 10,000 requests are answered in it.
    #[arg(long, default_value = "21s")]
    duration: Span,
    /// Load before it.
    #[arg(long, value_name = "DURATION", default_value = "2s")]
    warm_up: Span,
    /// Blocks of a gate, and as many fresh ones for what they flag.
    #[arg(long, default_value = "8")]
    blocks: NonZeroU32,
    /// What the seed of every gate comes from.
    #[arg(long, default_value_t = 2019)]
    seed: u64,
}

/// A change on the command line.
#[derive(Debug, Clone, Copy)]
struct Change(KnownChange);

impl ValueEnum for Change {
    fn value_variants<'a>() -> &'a [Self] {
        const VARIANTS: [Change; 6] = [
            Change(KnownChange::Delay),
            Change(KnownChange::DelayOfFew),
            Change(KnownChange::Latency),
            Change(KnownChange::Cpu),
            Change(KnownChange::Errors),
            Change(KnownChange::Rate),
        ];
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(self.0.description()))
    }
}

impl CalibrateArguments {
    /// Calibrates, and tells shells of a signal that ended it.
    ///
    /// # Errors
    /// [`CalibrateError`].
    pub(super) fn carry_out(
        self,
        settings: &Settings,
        standard: &mut dyn Write,
    ) -> Result<ExitCode, CalibrateError> {
        let chosen = if self.changes.is_empty() { Change::value_variants() } else { &self.changes };
        let plan = CalibrationPlan {
            rate: self.rate,
            duration: self.duration,
            warm_up: self.warm_up,
            blocks: self.blocks,
            seed: self.seed,
            unchanged_gates: self.no_change,
            changed_gates: self.changed,
            changes: chosen.iter().map(|change| change.0).collect(),
        };
        let interruption = Interruption::listen().map_err(CalibrateError::Signals)?;
        calibrate(settings, &plan, &interruption, standard)?;
        Ok(interruption.exit_code().unwrap_or(ExitCode::SUCCESS))
    }
}
