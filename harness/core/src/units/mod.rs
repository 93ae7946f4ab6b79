//! Quantities as people write them: [`OfferedRate`], [`Span`], [`Share`] and [`Bytes`].
//!
//! Each is exact, refuses what makes no sense while it is read, says what it expected, and prints in the one
//! form that reads back as the same value.

mod bytes;
mod decimal;
mod error;
mod rate;
mod share;
mod span;
#[cfg(test)]
mod tests;

pub use bytes::Bytes;
pub(crate) use error::Expectation;
pub use error::TextError;
pub use rate::OfferedRate;
pub use share::Share;
pub use span::Span;

/// Serde and the JSON schema for a quantity that is written as text.
macro_rules! written_as_text {
    ($type:ty, $name:literal, $pattern:literal, $($example:literal),+) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                    "examples": [$($example),+],
                })
            }
        }
    };
}
pub(crate) use written_as_text;
