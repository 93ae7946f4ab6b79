//! How much a mesh can carry: the highest rate at which it still keeps a service level, its limit.
//!
//! A [`Search`] asks for [`Probe`]s, each a run at one rate on a fresh deployment; [`examine`] says of a run whether the
//! rate was held. Pure: whoever carries probes out knows the clock.

mod examine;
mod posterior;
mod search;
mod service_level;

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{OfferedRate, Share};

pub use examine::{Examined, Probed, examine};
pub use search::Search;
pub use service_level::ServiceLevel;

/// What limit is looked for, and how precisely.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitPlan {
    /// What must be kept at a rate for it to be held.
    pub service_level: ServiceLevel,
    /// Lower rates are not probed.
    pub from: OfferedRate,
    /// Nor are higher ones.
    pub to: OfferedRate,
    /// How far apart two rates are that are told apart, as a part of the lower one.
    pub precision: Share,
    /// How many fresh runs must hold at the limit.
    pub confirmations: NonZeroU32,
}

impl LimitPlan {
    /// One step of the precision, as a difference of logarithms.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.precision.fraction().ln_1p()
    }
}

/// A rate to offer to a mesh on a fresh deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The rate.
    pub rate: OfferedRate,
    /// What it is to find out.
    pub purpose: Purpose,
}

/// What a probe is to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// On which side of it the limit lies.
    Locate,
    /// That a rate which is taken for the limit really holds.
    Confirm,
    /// That one step above it does not.
    Exceed,
}

/// What came of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The service level was kept.
    Held,
    /// It was not, and this gave out.
    NotHeld(Owner),
}

/// What gives out first where a rate is not held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The mesh, or `bare` itself where that is looked at.
    Mesh,
    /// The load generator.
    Generator,
    /// The machine or the application: without any mesh it is no more.
    Machine,
    /// Nothing: the highest rate that was asked for was held.
    Range,
}

/// What a search comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// The mesh held this rate every time, and one at most a step above it not.
    Found {
        /// The limit.
        rate: OfferedRate,
    },
    /// The mesh holds this rate, and something else gives out above it.
    AtLeast {
        /// The highest rate that was held.
        rate: OfferedRate,
        /// What gave out.
        owner: Owner,
    },
    /// Not even the lowest rate that was asked for is held.
    BelowRange {
        /// What gave out at the lowest rate that was tried.
        owner: Owner,
    },
    /// The probes contradict each other, or ended too early.
    Unsettled,
}

impl Conclusion {
    /// The highest rate that was held and confirmed; `None` where there is none.
    #[must_use]
    pub fn rate(self) -> Option<OfferedRate> {
        match self {
            Self::Found { rate } | Self::AtLeast { rate, .. } => Some(rate),
            Self::BelowRange { .. } | Self::Unsettled => None,
        }
    }
}

/// What something lies between with a probability of 95%.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Credible {
    /// Below it with a probability of 2.5%.
    pub low: f64,
    /// As likely above as below, or what was found.
    pub median: f64,
    /// Above it with a probability of 2.5%.
    pub high: f64,
}

impl Credible {
    /// Whether this value is among those that it may well be.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}
