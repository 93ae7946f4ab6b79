//! What the load generator is told: a [`LoadPlan`], valid by construction.

mod check;
mod protocol;
mod request;
mod secrets;
mod shard;
mod tls;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::shard::ShardOfPlan;
use crate::histogram::HIGHEST_LATENCY_NS;
use crate::schedule::{Arrivals, Schedule};
use crate::shuffle::shuffle;
use crate::turns::Turns;
use crate::units::{OfferedRate, TextError};

pub use protocol::Protocol;
pub use request::{PlannedRequest, RequestError, RequestHeader};
pub use secrets::LEFT_OUT;
pub use tls::{ClientIdentity, TlsSettings};

/// The version of the JSON that [`LoadPlan`] is read from and written to.
pub const LOAD_PLAN_VERSION: u32 = 2;
/// More cards than this in the deck is a mistake in the weights, and would cost memory.
const LARGEST_DECK: u64 = 1_000_000;
/// What servers commonly allow, and RFC 9113 §6.5.2 advises at least.
pub const DEFAULT_STREAMS: u32 = 100;
/// Latencies are recorded up to an hour, so that a timeout must stay well inside it.
const LONGEST_TIMEOUT: Duration = Duration::from_nanos(HIGHEST_LATENCY_NS / 2);

/// How fast a plan sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PlannedRate {
    /// Open loop: requests are due at this constant rate, whatever the server does.
    Constant(OfferedRate),
    /// Closed loop: every connection sends its next request as soon as the last one is answered.
    Max,
}

impl fmt::Display for PlannedRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(rate) => rate.fmt(formatter),
            Self::Max => formatter.write_str("max"),
        }
    }
}

impl FromStr for PlannedRate {
    type Err = TextError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        if given == "max" { Ok(Self::Max) } else { given.parse().map(Self::Constant) }
    }
}

impl TryFrom<String> for PlannedRate {
    type Error = TextError;

    fn try_from(given: String) -> Result<Self, Self::Error> {
        given.parse()
    }
}

impl From<PlannedRate> for String {
    fn from(rate: PlannedRate) -> Self {
        rate.to_string()
    }
}

/// One server under load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What the recording calls it; unique in the plan.
    pub name: String,
    /// `host:port`, as connected to and as sent in the `Host` header.
    pub address: String,
    /// How to speak TLS to it; without, it is spoken to in the clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// What is asked of it.
    pub requests: Vec<PlannedRequest>,
}

/// Everything that a [`LoadPlan`] is made of, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadPlanSettings {
    /// [`LOAD_PLAN_VERSION`].
    pub version: u32,
    /// The servers; the load is spread evenly over them, by weight.
    pub targets: Vec<Target>,
    /// The offered rate of the whole plan, of all shards together.
    pub rate: PlannedRate,
    /// The rate that the window ends with, where the rate changes linearly from its start on; the warm-up keeps to `rate`.
    pub ramp_to: Option<OfferedRate>,
    /// How requests follow each other at that rate.
    pub arrivals: Arrivals,
    /// The length of the measured window, which begins when the warm-up ends.
    #[serde(rename = "duration_ns", with = "nanoseconds")]
    pub duration: Duration,
    /// How long the same load runs unrecorded before the window; may be zero.
    #[serde(rename = "warm_up_ns", with = "nanoseconds")]
    pub warm_up: Duration,
    /// After this long since it was due, a request has failed.
    #[serde(rename = "timeout_ns", with = "nanoseconds")]
    pub timeout: Duration,
    /// How long after the window unanswered requests are waited for; may be zero.
    #[serde(rename = "drain_ns", with = "nanoseconds")]
    pub drain: Duration,
    /// Kept-alive connections of this generator in all, spread evenly over the targets.
    pub connections: u32,
    /// How many connections there may be in all: beyond `connections`, one more is opened each time a request has to wait for one.
    /// Without, none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// What is spoken on all of them.
    #[serde(default, skip_serializing_if = "Protocol::is_default")]
    pub protocol: Protocol,
    /// The most requests at once on a connection of HTTP/2, where the server does not allow fewer.
    #[serde(default = "default_streams")]
    pub streams: u32,
    /// Threads of this generator; each one needs a connection to every target.
    pub threads: u32,
    /// How long before a request is due its thread stops sleeping and watches the clock: it is woken late otherwise, by as long
    /// as the machine takes for that. Zero costs no CPU; a core of its own is needed for more.
    #[serde(rename = "spin_ns", with = "nanoseconds", default, skip_serializing_if = "Duration::is_zero")]
    pub spin: Duration,
    /// Decides the order in which targets and paths take turns, and random arrivals.
    pub seed: u64,
    /// When the schedule starts, warm-up first, in nanoseconds since 1970-01-01 UTC; none to start as soon as all
    /// connections are open.
    pub start_at_unix_ns: Option<u64>,
    /// The share of the plan that falls to this generator. All shards need the same settings besides, threads and all.
    pub shard: ShardOfPlan,
}

/// Which request is sent: indices into [`LoadPlanSettings::targets`] and [`Target::requests`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Card {
    /// Index of the target.
    pub target: u32,
    /// Index of the request within the target.
    pub request: u32,
}

/// Why settings are no [`LoadPlan`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants and their fields are")]
pub enum LoadPlanError {
    #[error(
        "load plan version {found} is not supported: this generator reads version {LOAD_PLAN_VERSION}; use one of the same release as the program that wrote the plan"
    )]
    Version { found: u32 },
    #[error("the plan has no target: give at least one server to send requests to")]
    NoTargets,
    #[error(
        "two targets are named `{name}`: give each a name of its own, so that their counts can be told apart"
    )]
    DuplicateTarget { name: String },
    #[error("target `{target}` has the address `{address}`: expected host:port, such as \"127.0.0.1:8080\"")]
    Address { target: String, address: String },
    #[error("target `{target}` has no request: give at least one path")]
    NoRequests { target: String },
    #[error("target `{target}` has the {problem}")]
    Request { target: String, problem: RequestError },
    #[error(
        "the weights of all targets and paths add up to {cards} turns, more than {LARGEST_DECK}: use smaller weights"
    )]
    DeckTooLarge { cards: u64 },
    #[error("the measured duration is zero: give a duration such as \"10s\"")]
    ZeroDuration,
    #[error("not one request is due in {duration_s} s at {rate}: measure longer or offer more")]
    NothingDue { rate: OfferedRate, duration_s: f64 },
    #[error("a plan that saturates has no due times, so that {what} cannot be asked of it: give a rate")]
    NotScheduled { what: &'static str },
    #[error("the ramp is too long and too fast to be computed exactly: make it shorter than a day")]
    RampTooLarge,
    #[error(
        "a shard without a start instant would not run together with the others: give all of them the same one (`--start-at`)"
    )]
    ShardWithoutStart,
    #[error("the timeout is {timeout_s} s: expected more than zero and at most {longest_s} s", longest_s = LONGEST_TIMEOUT.as_secs())]
    Timeout { timeout_s: f64 },
    #[error("zero threads: give at least one")]
    ZeroThreads,
    #[error(
        "at most {most} connections are fewer than the {connections} that are kept open: raise the limit, or keep fewer open"
    )]
    MostBelowKept { most: u32, connections: u32 },
    #[error("zero streams: give at least one for each connection")]
    ZeroStreams,
    #[error("zero connections: give at least one for each target and thread")]
    ZeroConnections,
    #[error(
        "{connections} connections are too few for {targets} targets and {threads} threads, for each thread needs one to each target: use at least {needed} connections, or fewer threads"
    )]
    TooFewConnections { connections: u32, targets: usize, threads: u32, needed: u64 },
}

/// A checked plan: what is sent, to whom and when, all of it fixed before the first request.
///
/// Targets and paths take turns as a deck of cards does: one card per unit of weight, shuffled once by the seed and dealt
/// over and over. Every full deal spreads the load exactly as the weights say.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LoadPlanSettings", into = "LoadPlanSettings")]
pub struct LoadPlan {
    settings: LoadPlanSettings,
    deck: Vec<Card>,
    /// By target, the requests of its cards in the order of the deck.
    turns: Vec<Vec<u32>>,
}

impl LoadPlan {
    /// Checks `settings` and shuffles the deck.
    ///
    /// # Errors
    /// Says which setting cannot work and what would.
    pub fn try_new(settings: LoadPlanSettings) -> Result<Self, LoadPlanError> {
        check::check(&settings)?;
        let deck = shuffled_deck(&settings.targets, settings.seed)?;
        let mut turns = vec![Vec::new(); settings.targets.len()];
        for Card { target, request } in &deck {
            turns[*target as usize].push(*request);
        }
        Ok(Self { settings, deck, turns })
    }

    /// What the plan was made of.
    #[must_use]
    pub fn settings(&self) -> &LoadPlanSettings {
        &self.settings
    }

    /// Which target and path request `n` (the first is 0) goes to.
    #[must_use]
    pub fn request_for(&self, n: u64) -> Card {
        let position = n % self.deck.len() as u64;
        self.deck[position as usize]
    }

    /// How many cards the deck has: after as many requests the order begins anew.
    #[must_use]
    pub fn cards(&self) -> u64 {
        self.deck.len() as u64
    }

    /// When requests are due, counted from the start of the warm-up; none where the plan is to saturate.
    #[must_use]
    pub fn schedule(&self) -> Option<Schedule> {
        schedule_of(&self.settings)
    }

    /// The numbers of the requests that thread `thread` of this generator sends.
    #[must_use]
    pub fn turns_of_thread(&self, thread: u32) -> Turns {
        let LoadPlanSettings { shard, threads, .. } = &self.settings;
        // Neighbouring requests go to different shards before they go to different threads of one.
        let sender = u64::from(thread) * u64::from(shard.count()) + u64::from(shard.index());
        Turns::new(sender, u64::from(*threads) * u64::from(shard.count()), self.cards())
    }

    /// How many requests this generator has to send that are due in `window_ns`, counted from the start of the warm-up; none
    /// where the plan is to saturate.
    #[must_use]
    pub fn requests_due_in(&self, window_ns: Range<u64>) -> Option<u64> {
        let numbers = self.schedule()?.due_in(window_ns);
        let of_thread = |thread| self.turns_of_thread(thread).count_in(numbers.clone());
        Some((0..self.settings.threads).map(of_thread).sum())
    }

    /// Which request of `target` has turn `turn`, where the target takes turns of its own.
    #[must_use]
    pub fn turn_of_target(&self, target: usize, turn: usize) -> u32 {
        let turns = &self.turns[target];
        turns[turn % turns.len()]
    }

    /// The target that connection `index` is bound to: connections are dealt to the targets in turn.
    #[must_use]
    pub fn target_of_connection(&self, index: u32) -> u32 {
        index % self.settings.targets.len() as u32
    }

    /// The thread that connection `index` belongs to, so that every thread has connections to every target.
    #[must_use]
    pub fn thread_of_connection(&self, index: u32) -> u32 {
        index / self.settings.targets.len() as u32 % self.settings.threads
    }
}

impl TryFrom<LoadPlanSettings> for LoadPlan {
    type Error = LoadPlanError;

    fn try_from(settings: LoadPlanSettings) -> Result<Self, Self::Error> {
        Self::try_new(settings)
    }
}

impl From<LoadPlan> for LoadPlanSettings {
    fn from(plan: LoadPlan) -> Self {
        plan.settings
    }
}

/// None where the plan is to saturate, or its ramp is beyond what can be computed.
fn schedule_of(settings: &LoadPlanSettings) -> Option<Schedule> {
    let PlannedRate::Constant(rate) = settings.rate else { return None };
    let schedule = match settings.ramp_to {
        None => Schedule::constant(rate),
        Some(to) => Schedule::ramp(rate, to, settings.warm_up, settings.duration)?,
    };
    Some(schedule.with_arrivals(settings.arrivals, settings.seed))
}

fn shuffled_deck(targets: &[Target], seed: u64) -> Result<Vec<Card>, LoadPlanError> {
    let weights = targets.iter().flat_map(|target| &target.requests).map(|request| u64::from(request.weight));
    let cards = weights.sum();
    if cards > LARGEST_DECK {
        return Err(LoadPlanError::DeckTooLarge { cards });
    }
    let mut deck = Vec::with_capacity(cards as usize);
    for (target, Target { requests, .. }) in (0_u32..).zip(targets) {
        for (request, PlannedRequest { weight, .. }) in (0_u32..).zip(requests) {
            deck.extend((0..*weight).map(|_| Card { target, request }));
        }
    }
    shuffle(&mut deck, seed);
    Ok(deck)
}

fn default_streams() -> u32 {
    DEFAULT_STREAMS
}

/// Durations in JSON as whole nanoseconds.
mod nanoseconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        // A duration beyond 584 years is no plan.
        serializer.serialize_u64(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests;
