//! [`Injections`]: what to add to requests, as the configuration says it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Injections of both directions.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Injections {
    /// For requests on their way to the application.
    pub inbound: Option<DirectionInjections>,
    /// For requests on their way to peers, all peers drawing from one stream of decisions.
    pub outbound: Option<DirectionInjections>,
    /// Fixes every random decision.
    #[serde(default)]
    pub seed: u64,
}

/// Injections of one direction.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DirectionInjections {
    /// Time a request waits before it is forwarded.
    pub delay: Option<Delay>,
    /// CPU time spent on a request before it is forwarded.
    #[serde(default, with = "optional_duration")]
    pub cpu_burn: Option<Duration>,
    /// How long this direction's one server is busy with each request before it is forwarded. Others wait for their turn:
    /// more requests than one per service time cannot be carried, however few they are at a time.
    #[serde(default, with = "optional_duration")]
    pub service_time: Option<Duration>,
    /// A request that would wait longer than this for the server is answered with an error at once, as by a mesh that sheds
    /// load.
    #[serde(default, with = "optional_duration", skip_serializing_if = "Option::is_none")]
    pub longest_wait: Option<Duration>,
    /// A server that becomes slower under load, as by a heap that grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiring: Option<Tiring>,
    /// Share of requests answered with an error instead of being forwarded.
    pub error_share: Option<Share>,
}

/// When a server becomes slower, and how slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tiring {
    /// So long after its first request.
    #[serde(with = "duration")]
    pub after: Duration,
    /// How long it is busy with each request from then on.
    #[serde(with = "duration")]
    pub service_time: Duration,
}

/// The distribution of the delay over requests.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Delay {
    /// The same for each request.
    #[serde(with = "duration")]
    Fixed(Duration),
    /// Evenly distributed between two bounds.
    Uniform(Uniform),
    /// Exponentially distributed.
    Exponential {
        /// The mean of the distribution.
        #[serde(with = "duration")]
        mean: Duration,
    },
    /// The same for a share of the requests, none for the others.
    Share(ShareOfRequests),
}

/// Bounds of a uniform delay.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(try_from = "RawUniform")]
pub struct Uniform {
    #[serde(with = "duration")]
    from: Duration,
    #[serde(with = "duration")]
    to: Duration,
}

/// A delay that only some requests suffer.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ShareOfRequests {
    /// How many of the requests.
    pub of_requests: Share,
    /// How long each of them waits.
    #[serde(with = "duration")]
    pub delay: Duration,
}

/// A share between 0 (none) and 1 (all).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(f64);

/// A value no injection can have.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// Below 0, above 1, or no number.
    #[error("expected a share between 0 and 1, such as 0.02, found {0}")]
    Share(f64),
    /// The lower bound of a uniform delay lies above the upper one.
    #[error("expected `from` to be at most `to`, found {from:?} and {to:?}")]
    Uniform {
        /// The lower bound.
        from: Duration,
        /// The upper bound.
        to: Duration,
    },
}

impl Uniform {
    /// A delay evenly distributed between `from` and `to`.
    ///
    /// # Errors
    /// When `from` is above `to`.
    pub fn try_new(from: Duration, to: Duration) -> Result<Self, SettingError> {
        if from > to {
            return Err(SettingError::Uniform { from, to });
        }
        Ok(Self { from, to })
    }

    /// The lower bound.
    #[must_use]
    pub fn from(&self) -> Duration {
        self.from
    }

    /// How far the upper bound lies above the lower one.
    #[must_use]
    pub fn width(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUniform {
    #[serde(with = "duration")]
    from: Duration,
    #[serde(with = "duration")]
    to: Duration,
}

impl TryFrom<RawUniform> for Uniform {
    type Error = SettingError;

    fn try_from(raw: RawUniform) -> Result<Self, SettingError> {
        Self::try_new(raw.from, raw.to)
    }
}

impl Share {
    /// The share as a number between 0 and 1.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Share {
    type Error = SettingError;

    fn try_from(share: f64) -> Result<Self, SettingError> {
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err(SettingError::Share(share)) }
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.0
    }
}

mod duration {
    use super::{Deserialize, Duration};
    use serde::{Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*duration))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map_err(|cause| {
            de::Error::custom(format_args!(
                "expected a duration such as \"5ms\" or \"20us\", found {text:?}: {cause}"
            ))
        })
    }
}

mod optional_duration {
    use super::{Deserialize, Duration, Serialize, duration};
    use serde::{Deserializer, Serializer};

    #[derive(Deserialize, Serialize)]
    struct Text(#[serde(with = "duration")] Duration);

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(Text).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Text>::deserialize(deserializer)?.map(|text| text.0))
    }
}
